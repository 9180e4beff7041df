//! Tests of reader and writer together.

mod comments;
mod directives;
mod errors;
mod garbled;
mod names;
mod printing;
mod round_trip;
mod run_commands;
mod skipping;

use super::{ParseError, parse_functions};
use crate::ir::Function;
use alloc::string::{String, ToString};

/// A function with a bit of everything, as it is printed.
const SAMPLE: &str = "\
function %\"a b\\n\"(i32 sret, i8 uext, i16 sext, i32 sarg(12), i32 vmctx) -> i64, i128 sext system_v {
    ss0 = explicit_slot 4294967295, align = 2147483648
    ss1 = explicit_slot 0
    gv0 = vmctx
    gv1 = load.i32 notrap aligned readonly gv0-8
    gv2 = iadd_imm.i32 gv1, -1
    gv3 = symbol colocated %datum+0x0001_0000
    gv4 = symbol u1:2-4
    sig0 = () fast
    sig1 = (i32) -> i32, i32 tail
    fn0 = %g sig0
    fn1 = colocated u0:7 sig1
    stack_limit = gv2

block0(v0: i32, v1: i8, v2: i16, v3: i32, v4: i32):
    v5 = iconst.i32 -1
    v6 = iconst.i64 0x7fff_ffff_ffff_ffff
    v7 = iadd v0, v5  ; v5 = -1
    brif v1, block1(v7), block2(v5, v5)  ; v5 = -1, v5 = -1

block1(v8: i32) cold:
    v9, v10 = call fn1(v8)
    v11, v12 = call_indirect sig1, v9(v10)
    call fn0()
    br_table v11, block2(v9, v10), [block1(v9), block3]

block2(v13: i32, v14: i32):
    v15 = iadd.i32 v0, v13
    v16 -> v15
    v17 -> v15
    br_table v16, block3, []

block3:
    v18 = iconcat.i64 v6, v6  ; v6 = 0x7fff_ffff_ffff_ffff, v6 = 0x7fff_ffff_ffff_ffff
    nop
    return v6, v18  ; v6 = 0x7fff_ffff_ffff_ffff
}
";

/// The only function of `text`.
fn parse_one(text: &str) -> Function {
    match parse_functions(text) {
        Ok(functions) => match <[Function; 1]>::try_from(functions) {
            Ok([function]) => function,
            Err(functions) => panic!("{} functions", functions.len()),
        },
        Err(error) => panic!("{}", error.in_text("text", text)),
    }
}

fn parse_error(text: &str) -> ParseError {
    match parse_functions(text) {
        Ok(_) => panic!("no error in\n{text}"),
        Err(error) => error,
    }
}

/// Prints what `text` reads as, checks that this reads back as a function that prints the same, and returns it.
fn print(text: &str) -> String {
    let printed = parse_one(text).to_string();
    assert_eq!(parse_one(&printed).to_string(), printed);
    printed
}
