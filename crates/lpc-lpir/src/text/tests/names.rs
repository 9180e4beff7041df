//! Numbers of entities: kept where the gaps are small, dense otherwise.

use super::super::parse_functions;
use super::{parse_error, parse_one, print};
use crate::ir::Function;
use alloc::format;
use alloc::string::{String, ToString};

#[test]
fn numbers_are_kept() {
    let text = "\
function %f(i32) -> i32 fast {
    ss0 = explicit_slot 0
    ss1 = explicit_slot 0
    ss2 = explicit_slot 4
    sig0 = () fast
    sig1 = (i32) fast
    gv3 = symbol %datum
    fn5 = %g sig1

block100(v20: i32):
    v1001 = iconst.i32 5
    v1000 = iadd v20, v1001  ; v1001 = 5
    call fn5(v1000)
    brif v1000, block402, block100(v1000)

block402:
    return v1001  ; v1001 = 5
}
";
    let gv_first = text
        .replace("    gv3 = symbol %datum\n", "")
        .replace("    sig0", "    gv3 = symbol %datum\n    sig0");
    assert_eq!(print(text), gv_first);
}

#[test]
fn numbers_far_apart_become_dense_in_the_order_of_appearance() {
    let text = "\
function %f() -> i32 {
    ss4294967294 = explicit_slot 8
    sig7 = ()
    sig4000000000 = (i32) -> i32
    fn3000000000 = %g()
block4000000000(v4000000000: i32, v3: i32):
    v4294967294 = stack_addr.i32 ss4294967294
    v2 -> v4294967294
    call fn3000000000()
    call_indirect sig4000000001, v2()
    jump block7
block7:
    return v2
}
";
    let printed = "\
function %f() -> i32 fast {
    ss0 = explicit_slot 8
    sig0 = () fast
    sig1 = (i32) -> i32 fast
    sig2 = () fast
    fn0 = %g sig2

block0(v0: i32, v1: i32):
    v2 = stack_addr.i32 ss0
    v3 -> v2
    call fn0()
    call_indirect sig2, v3()
    jump block1

block1:
    return v3
}
";
    assert_eq!(print(text), printed);
}

#[test]
fn a_block_that_does_not_exist_has_a_place_even_when_renumbered() {
    let text = "function %f() {\nblock0:\n    jump block70000\n}\n";
    let error = parse_error(text);
    assert_eq!(error.to_string(), "3:10: undefined block block70000");
    // With a small number the verifier can name it.
    let function = parse_one("function %f() {\nblock0:\n    jump block7\n}\n");
    assert_eq!(function.dfg.num_blocks(), 8);
}

/// One value is defined: four gaps, and the spare ones.
const LAST_KEPT: u32 = 8192 + 4;

#[test]
fn the_gaps_that_are_kept_do_not_depend_on_how_the_text_is_written() {
    for number in [8191, LAST_KEPT, LAST_KEPT + 1, 20_000] {
        for comment in ["", "; a comment that makes the text longer\n"] {
            let comment = comment.repeat(500);
            let text = format!(
                "function %f() {{\nblock0(v{number}: i32):\n{comment}    return v{number}\n}}\n"
            );
            let expected = if number <= LAST_KEPT { number } else { 0 };
            let printed = print(&text);
            assert!(
                printed.contains(&format!("return v{expected}\n")),
                "{printed}"
            );
        }
    }
}

#[test]
fn all_functions_together_have_so_many_gaps() {
    let function = |name: u32, number: u32| {
        format!("function %f{name}() fast {{\nblock0(v{number}: i32):\n    return v{number}\n}}\n")
    };
    // The first leaves one spare gap: too few for the second, enough for the last.
    let text = [(1, LAST_KEPT - 1), (2, 6), (3, 5)].map(|(name, number)| function(name, number));
    let printed = |text: &str| -> String {
        let functions = parse_functions(text).unwrap();
        functions
            .iter()
            .map(|function| function.to_string())
            .collect()
    };
    let once = printed(&text.concat());
    assert_eq!(
        once,
        [&text[0], &function(2, 0), &text[2]]
            .map(String::as_str)
            .concat()
    );
    assert_eq!(printed(&once), once);
}

#[test]
fn memory_does_not_follow_the_numbers() {
    let mut text = String::new();
    for index in 0..1000 {
        text += &format!(
            "function %f{index}() {{ ss9000 = explicit_slot 8 \
             block900(v900: i32): return v900 }}\n"
        );
    }
    let functions = parse_functions(&text).unwrap();
    let entities = |function: &Function| {
        function.dfg.num_values() + function.dfg.num_blocks() + function.stack_slots.len()
    };
    let total: usize = functions.iter().map(entities).sum();
    assert!(total < 10_000 + 3 * functions.len(), "{total}");
}

#[test]
fn values_may_be_used_before_their_definition_in_the_text() {
    let text = "\
function %f() -> i32 fast {
block0:
    jump block2

block1:
    v2 = iadd.i32 v1, v0
    return v2

block2:
    v0 = iconst.i32 1
    v1 = iconst.i32 2
    jump block1
}
";
    let printed = text.replace("v1, v0", "v1, v0  ; v1 = 2, v0 = 1");
    assert_eq!(print(text), printed);
}

#[test]
fn a_use_before_the_definition_in_the_same_block_keeps_its_type() {
    let text = "\
function %f(i32) fast {
block0(v0: i32):
    v1 = iadd.i32 v2, v0
    v2 = iadd v1, v0
    v3 = iadd.i32 v3, v0
}
";
    assert_eq!(print(text), text);
}

#[test]
fn aliases_of_aliases_stand_for_the_value() {
    let text = "\
function %f(i32) fast {
block0(v0: i32):
    v1 -> v0
    v2 -> v1
    v2 -> v1
    v2 -> v0
    v3 = ineg v2
}
";
    let printed = "\
function %f(i32) fast {
block0(v0: i32):
    v1 -> v0
    v2 -> v0
    v3 = ineg v2
}
";
    assert_eq!(print(text), printed);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let error = parse_functions("\u{feff}funktion").unwrap_err();
    assert_eq!(
        error.to_string(),
        "1:1: expected `function`, found `funktion`"
    );
}
