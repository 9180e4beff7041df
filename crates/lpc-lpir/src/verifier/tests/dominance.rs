//! Definitions dominate uses.

use super::*;

#[test]
fn within_a_block() {
    check(
        "function %f(i32) {
        block0(v0: i32):
            v1 = iadd.i32 v2, v0
            v2 = iadd.i32 v1, v0
            v3 = iadd.i32 v3, v0
            return
        }",
        &[
            "inst0 (v1 = iadd v2, v0): uses value v2 from non-dominating inst1",
            "inst2 (v3 = iadd v3, v0): uses value v3 from itself",
        ],
    );
}

#[test]
fn among_blocks() {
    check(
        "function %f(i32) {
        block0(v0: i32):
            brif v0, block1(v0), block2
        block1(v1: i32):
            v2 = ineg v1
            jump block2
        block2:
            v3 = bnot.i32 v2
            jump block3(v1)
        block3(v4: i32):
            return
        }",
        &[
            "inst3 (v3 = bnot.i32 v2): uses value v2 from non-dominating inst1",
            "inst4 (jump block3(v1)): uses value arg from non-dominating block1",
        ],
    );
}

#[test]
fn through_aliases() {
    check(
        "function %f(i32) {
        block0(v0: i32):
            brif v0, block1, block2
        block1:
            v1 = ineg.i32 v0
            v2 -> v1
            v3 -> v2
            jump block2
        block2:
            trapz.i32 v3, user1
            return
        }",
        &["inst3 (trapz.i32 v3, user1): uses value v3 from non-dominating inst1"],
    );
}

#[test]
fn unreachable_code_may_use_anything_and_define_nothing_for_others() {
    check(
        "function %f(i32) {
        block0(v0: i32):
            trapz.i32 v1, user1
            trapz.i32 v2, user1
            return
        block1(v1: i32):
            v3 = iadd.i32 v0, v2
            v2 = iadd.i32 v3, v2
            jump block1(v2)
        }",
        &[
            "inst0 (trapz.i32 v1, user1): uses value arg from non-dominating block1",
            "inst1 (trapz.i32 v2, user1): uses value v2 from non-dominating inst4",
        ],
    );
}

#[test]
fn definitions_outside_the_layout() {
    let errors = build(|cursor| {
        let a = cursor.ins().iconst(Type::I32, 0);
        let definition = cursor.func.dfg.value_inst(a).unwrap();
        cursor.func.layout.remove_inst(definition);
        let block = cursor.func.dfg.make_block();
        let b = cursor.func.dfg.append_block_param(block, Type::I32);
        cursor.ins().iadd(a, b);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        [
            "inst1 (v2 = iadd.i32 v0, v1): v0 is defined by inst0 which has no block",
            "inst1 (v2 = iadd.i32 v0, v1): v1 is defined by block1 which is not in the layout",
        ]
    );
}
