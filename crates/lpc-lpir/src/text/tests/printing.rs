//! How functions are printed, beyond what reads back.

use super::parse_one;
use crate::entity::EntityRef;
use crate::ir::{Inst, Value};
use alloc::string::ToString;

#[test]
fn a_suffix_stands_only_where_the_operand_is_of_another_block() {
    let text = "\
function %f(i32, i8) -> i32 {
block0(v0: i32, v1: i8):
    v2 = iadd.i32 v0, v0
    v3 = select.i32 v1, v2, v0
    v4 = uextend.i32 v1
    brif.i32 v2, block1, block1
block1:
    v5 = isub v2, v3
    v6 = select v1, v2, v3
    store v6, v5
    store v2, v5
    return v5
}
";
    let printed = "\
function %f(i32, i8) -> i32 fast {
block0(v0: i32, v1: i8):
    v2 = iadd v0, v0
    v3 = select v1, v2, v0
    v4 = uextend.i32 v1
    brif v2, block1, block1

block1:
    v5 = isub.i32 v2, v3
    v6 = select.i32 v1, v2, v3
    store v6, v5
    store.i32 v2, v5
    return v5
}
";
    assert_eq!(parse_one(text).to_string(), printed);
}

#[test]
fn an_indirect_call_states_the_type_of_an_address_of_another_block() {
    let text = "\
function %f(i32) fast {
    sig0 = () fast

block0(v0: i32):
    call_indirect sig0, v0()
    jump block1

block1:
    call_indirect.i32 sig0, v0()
    return_call_indirect.i32 sig0, v0()
}
";
    assert_eq!(parse_one(text).to_string(), text);
}

#[test]
fn a_stated_type_that_the_operand_contradicts_is_kept_for_the_verifier() {
    let text = "\
function %f(i32) fast {
block0(v0: i32):
    v1 = iadd.i64 v0, v0
}
";
    assert_eq!(parse_one(text).to_string(), text);
}

#[test]
fn one_instruction() {
    let function = parse_one(
        "function %f(i32) { fn2 = %g(i32)\nblock0(v0: i32): v1 = iconst.i32 1 call fn2(v1) v2 = ineg v0 }",
    );
    let show = |number| function.display_inst(Inst::new(number)).to_string();
    assert_eq!(show(0), "v1 = iconst.i32 1");
    assert_eq!(show(1), "call fn2(v1)");
    assert_eq!(show(2), "v2 = ineg v0");
}

#[test]
fn integers_are_printed_as_they_are_read() {
    let text = "\
function %f() {
block0:
    v0 = iconst.i8 0x80
    v1 = iconst.i8 255
    v2 = iconst.i16 0xffff
    v3 = iconst.i32 -0x8000_0000
    v4 = iconst.i64 0xffff_ffff_ffff_ffff
    v5 = iconst.i64 18_446_744_073_709_551_615
    v6 = iconst.i32 +0x1_0000
    v7 = iconst.i64 0x_1_2345_
}
";
    let printed = "\
function %f() fast {
block0:
    v0 = iconst.i8 -128
    v1 = iconst.i8 -1
    v2 = iconst.i16 -1
    v3 = iconst.i32 -2147483648
    v4 = iconst.i64 -1
    v5 = iconst.i64 -1
    v6 = iconst.i32 0x0001_0000
    v7 = iconst.i64 0x0001_2345
}
";
    assert_eq!(parse_one(text).to_string(), printed);
}

#[test]
fn aliases_of_aliases_are_printed_as_they_are_read() {
    let mut function = parse_one(
        "function %f(i32) {
block0(v0: i32):
    return
}",
    );
    let a = function.dfg.reserve_value();
    let b = function.dfg.make_alias(Value::new(0));
    let c = function.dfg.make_alias(b);
    function.dfg.change_to_alias(a, c);
    let printed = "function %f(i32) fast {
block0(v0: i32):
    v1 -> v0
    v2 -> v0
    v3 -> v0
    return
}
";
    assert_eq!(function.to_string(), printed);
    assert_eq!(parse_one(printed).to_string(), printed);
}

#[test]
fn printing_aliases_in_a_cycle_ends() {
    let mut function = parse_one(
        "function %f(i32, i32) {
block0(v0: i32, v1: i32):
    return
}",
    );
    let [a, b] = [0, 1].map(Value::new);
    function.dfg.change_to_alias(a, b);
    function.dfg.change_to_alias(b, a);
    assert_eq!(
        function.to_string(),
        "function %f(i32, i32) fast {
block0(v0: i32, v1: i32):
    v0 -> v0
    v1 -> v0
    return
}
"
    );
}
