//! Header lines and comments, and what comments belong to.

use super::super::{HeaderKind, Outcome, parse_test};
use alloc::string::ToString;
use alloc::vec::Vec;

#[test]
fn header_lines_are_raw() {
    let text = "\
; about the file
test run ; no comment
set opt_level=speed
target riscv32 has_c=true
set enable_probestack
feature !\"disas\"
; about the functions

function %f() {}
";
    let file = parse_test(text).unwrap();
    let header: Vec<_> = file
        .header
        .iter()
        .map(|line| (line.kind, line.location.line, line.text))
        .collect();
    assert_eq!(
        header,
        [
            (HeaderKind::Test, 2, "run ; no comment"),
            (HeaderKind::Set, 3, "opt_level=speed"),
            (HeaderKind::Target, 4, "riscv32 has_c=true"),
            (HeaderKind::Set, 5, "enable_probestack"),
            (HeaderKind::Feature, 6, "!\"disas\""),
        ]
    );
    assert_eq!(file.header_lines(HeaderKind::Set).count(), 2);
    let comments: Vec<_> = file.preamble_comments.iter().map(|c| c.content()).collect();
    assert_eq!(comments, ["about the file", "about the functions"]);
    assert!(file.functions[0].comments.is_empty());
}

#[test]
fn comments_belong_to_what_they_stand_in_or_behind() {
    let text = "\
function %f(i32) { ; header
    ; still the header
    ss3 = explicit_slot 8 ; slot
    gv0 = vmctx ; global
    sig7 = () ; signature
    fn5 = %g() ; function
    stack_limit = gv0 ; limit
    ; still the limit
block9(v0: i32): ; block
    v1 = iadd v0, ; inside
              v0 ;; error: behind
    ; below
    v2 -> v1 ; alias
    return ; last
}
; run: %f(1)
;run
function %g(f32) { ; unsupported
}
; run: %g(0.0)
";
    let file = parse_test(text).unwrap();
    let comments: Vec<_> = file.functions[0]
        .comments
        .iter()
        .map(|c| (c.location.line, c.entity.to_string(), c.content()))
        .collect();
    let expected = [
        (1, "function", "header"),
        (2, "function", "still the header"),
        (3, "ss3", "slot"),
        (4, "gv0", "global"),
        (5, "sig7", "signature"),
        (6, "fn5", "function"),
        (7, "stack_limit", "limit"),
        (8, "stack_limit", "still the limit"),
        (9, "block9", "block"),
        (10, "inst0", "inside"),
        (11, "inst0", "error: behind"),
        (12, "inst0", "below"),
        (13, "v2", "alias"),
        (14, "inst1", "last"),
        (16, "function", "run: %f(1)"),
        (17, "function", "run"),
    ];
    assert_eq!(
        comments,
        expected.map(|(line, entity, text)| (line, entity.to_string(), text))
    );
    let errors: Vec<_> = file.functions[0]
        .comments
        .iter()
        .filter_map(|comment| comment.directive("error:"))
        .collect();
    assert_eq!(errors, ["behind"]);
    let skipped: Vec<_> = file.functions[1]
        .comments
        .iter()
        .map(|c| c.content())
        .collect();
    assert_eq!(skipped, ["unsupported", "run: %g(0.0)"]);
}

#[test]
fn comments_of_a_renumbered_function_are_not_repeated() {
    let text = "function %f() { ; one\nblock0(v70000: i32): ; two\n}\n; three\n";
    let file = parse_test(text).unwrap();
    let comments: Vec<_> = file.functions[0]
        .comments
        .iter()
        .map(|c| c.content())
        .collect();
    assert_eq!(comments, ["one", "two", "three"]);
}

#[test]
fn windows_line_ends() {
    let file = parse_test("test run\r\nfunction %f() {}\r\n; run: %f()\r\n").unwrap();
    assert_eq!(file.header[0].text, "run");
    assert_eq!(file.functions[0].comments[0].content(), "run: %f()");
}

#[test]
fn places_of_entities() {
    let text = "\
function %f(i32) {
    ss1 = explicit_slot 4
    fn0 = %g()
    stack_limit = gv2
    gv2 = vmctx
block3(v0: i32):
    v1, v2 = uadd_overflow v0, v0
    v3 -> v1
    return
}
";
    let file = parse_test(text).unwrap();
    let Outcome::Parsed(parsed) = &file.functions[0].outcome else {
        panic!("skipped");
    };
    let place = |entity| parsed.location(entity).to_string();
    use crate::ir::{AnyEntity, Block, FuncRef, GlobalValue, Inst, SigRef, StackSlot, Value};
    assert_eq!(place(AnyEntity::Function), "1:10");
    assert_eq!(place(StackSlot::from_u32(1).into()), "2:5");
    assert_eq!(place(StackSlot::from_u32(0).into()), "1:10");
    assert_eq!(place(FuncRef::from_u32(0).into()), "3:5");
    assert_eq!(place(SigRef::from_u32(0).into()), "3:13");
    assert_eq!(place(AnyEntity::StackLimit), "4:5");
    assert_eq!(place(GlobalValue::from_u32(2).into()), "5:5");
    assert_eq!(place(Block::from_u32(3).into()), "6:1");
    assert_eq!(place(Value::from_u32(0).into()), "6:1");
    assert_eq!(place(Inst::from_u32(0).into()), "7:14");
    assert_eq!(place(Value::from_u32(3).into()), "7:14");
    assert_eq!(place(Inst::from_u32(1).into()), "9:5");
}
