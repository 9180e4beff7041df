//! Tests of the binary form. Those with all programs of the repository are in `lpc-filetests`.

mod golden;
mod refused;
mod untrusted;
mod version;

use super::{DecodeError, DecodeErrorKind, decode, encode};
use crate::ir::Module;
use crate::text::parse_module;
use crate::verifier::verify_module;
use std::string::ToString;
use std::vec::Vec;

/// A module with a part of each kind, whose values and blocks are numbered in order.
const EVERYTHING: &str = r#"; import: %putchar(i32 sext) system_v
; import: data %errno
; data: %table readonly align 4 = {
;     i32 [1, -2],
;     %twice,
;     %errno-4
; }
; data: %counter local zeroed 64 align 16
; local: u1:7

function %twice(i32) -> i32 fast {
block0(v0: i32):
    v1 = iadd v0, v0
    return v1
}

function u1:7(i32 vmctx, i8 uext, i64, i32 sarg(12)) -> i32, i64 sext system_v {
    ss0 = explicit_slot 24, align = 8
    gv0 = vmctx
    gv1 = load.i32 notrap aligned gv0+4
    gv2 = iadd_imm.i32 gv1, -16
    gv3 = symbol colocated %table+8
    gv4 = symbol %errno
    sig0 = (i32) -> i32, i64, i8 fast
    sig1 = () system_v
    fn0 = colocated %three sig0
    fn1 = %"a \"name\"" sig1
    stack_limit = gv2

block0(v0: i32, v1: i8, v2: i64, v3: i32):
@0012    v4 = iconst.i32 -70
@0012    v5, v6, v7 = call fn0(v4)
@0010    v8 = stack_addr.i32 ss0+4
    v9 = load.i16 aligned big user7 v8-4
    istore8 v5, v8
    v10 = atomic_rmw.i32 xchg v8, v5
    v11 = icmp ult v10, v5
    v12, v13 = isplit v6
    trapz v7, user1
    br_table v12, block4, [block1(v12), block4, block2(v11, v6)]

block1(v14: i32):
    v15 = symbol_value.i32 gv3
    v16 = func_addr.i32 fn1
    v17, v18, v19 = call_indirect sig0, v16(v15)
    return v17, v18

block2(v20: i8, v21: i64):
    v22 = uextend.i32 v20
    v23 = uadd_overflow_trap v21, v2, int_ovf
    brif v22, block1(v22), block4

block3 cold:
    v24 = iadd.i32 v25, v25
    trap user250

block4:
    v25 = iconst.i32 0x1234_5678
    brif v25, block2(v11, v6), block3
}
"#;

fn module(text: &str) -> Module {
    parse_module(text).unwrap()
}

fn encoded(text: &str) -> Vec<u8> {
    encode(&module(text)).unwrap()
}

fn error(bytes: &[u8]) -> DecodeError {
    decode(bytes).unwrap_err()
}

fn kind(bytes: &[u8]) -> DecodeErrorKind {
    error(bytes).kind
}

#[test]
fn a_module_with_everything_comes_back() {
    let module = module(EVERYTHING);
    assert_eq!(verify_module(&module), Ok(()));
    let bytes = encode(&module).unwrap();
    let decoded = decode(&bytes).unwrap();
    assert_eq!(decoded.to_string(), module.to_string());
    assert_eq!(encode(&decoded), Ok(bytes));
}

#[test]
fn names_of_values_and_blocks_are_dropped() {
    let text = "\
function %f(i32) -> i32 fast {
block7(v9: i32):
    v3 -> v9
    jump block2(v3)

block2(v1: i32): ; a comment
    return v1
}
";
    let dropped = "\
function %f(i32) -> i32 fast {
block0(v0: i32):
    jump block1(v0)

block1(v1: i32):
    return v1
}
";
    assert_eq!(decode(&encoded(text)).unwrap().to_string(), dropped);
}
