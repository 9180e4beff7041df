//! Blocks and their order.

use super::*;

#[test]
fn no_blocks() {
    let func = Function::new(ExternalName::symbol("f"), Signature::default());
    assert_eq!(errors_of(&func), ["function: function has no blocks"]);
}

#[test]
fn cold_entry_block() {
    check(
        "function %f() {\nblock0 cold:\n return\n}",
        &["block0: entry block cannot be marked as cold"],
    );
}

#[test]
fn entry_block_parameters() {
    check(
        "function %f(i32) {\nblock0:\n return\n}",
        &["block0: entry block parameters (0) must match function signature (1)"],
    );
    check(
        "function %f(i32, i8 uext) {\nblock0(v0: i64, v1: i32):\n return\n}",
        &[
            "block0: entry block parameter 0 expected to have type i32, got i64",
            "block0: entry block parameter 1 expected to have type i8 uext, got i32",
        ],
    );
}

#[test]
fn empty_block() {
    assert_eq!(build(|_| ()), ["block0: block0 cannot be empty"]);
}

#[test]
fn block_without_terminator() {
    let errors = build(|cursor| {
        cursor.ins().nop();
    });
    assert_eq!(
        errors,
        ["block0: block does not end in a terminator instruction"]
    );
}

#[test]
fn terminator_in_the_middle() {
    check(
        "function %f() {\nblock0:\n return\n nop\n return\n}",
        &["inst0 (return): a terminator instruction was encountered before the end of block0"],
    );
}

#[test]
fn blocks_and_instructions_that_do_not_exist() {
    let errors = build(|cursor| {
        cursor.ins().return_(&[]);
        let block = crate::ir::Block::from_u32(7);
        cursor.func.layout.append_block(block);
        let inst = crate::ir::Inst::from_u32(9);
        cursor.func.layout.append_inst(inst, block);
    });
    assert_eq!(
        errors,
        [
            "function: invalid block reference block7",
            "block7: invalid instruction reference inst9"
        ]
    );
}

#[test]
fn parameter_that_has_become_an_alias() {
    let errors = build(|cursor| {
        let block = cursor.current_block().unwrap();
        let param = cursor.func.dfg.append_block_param(block, Type::I32);
        cursor.func.signature.params = [AbiParam::new(Type::I32)].to_vec();
        let value = cursor.ins().iconst(Type::I32, 0);
        cursor.func.dfg.change_to_alias(param, value);
        cursor.ins().return_(&[]);
    });
    assert_eq!(errors, ["v0: does not belong to block0"]);
}
