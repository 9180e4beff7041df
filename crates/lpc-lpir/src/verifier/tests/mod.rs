//! A test for each rule, which trips exactly the error of that rule.

mod blocks;
mod declarations;
mod dominance;
mod modules;
mod references;
mod types;

use super::{verify_function, verify_module};
use crate::builder::FuncCursor;
use crate::ir::{
    AbiParam, ArgumentPurpose, BlockCall, CallConv, Endianness, ExtFuncData, ExternalName, FuncRef,
    Function, GlobalValue, GlobalValueData, Imm64, InstructionData, JumpTable, MemFlags, Offset32,
    Opcode, SigRef, Signature, StackSlot, StackSlotData, TrapCode, Type, Value, ValueList,
};
use crate::text::{parse_functions, parse_module};
use std::string::{String, ToString};
use std::vec::Vec;

/// The errors of `func`, as they print.
fn errors_of(func: &Function) -> Vec<String> {
    match verify_function(func) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
    }
}

/// Checks that the only function in `text` has exactly the errors `expected`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let functions = parse_functions(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let [func] = &functions[..] else {
        panic!("one function is expected");
    };
    assert_eq!(errors_of(func), expected, "{text}");
}

/// A function with one empty block, and a cursor in it.
fn build(fill: impl FnOnce(&mut FuncCursor<'_>)) -> Vec<String> {
    let mut func = Function::new(ExternalName::symbol("f"), Signature::default());
    let block = func.dfg.make_block();
    func.layout.append_block(block);
    fill(&mut FuncCursor::new(&mut func).at_bottom(block));
    errors_of(&func)
}

/// Inserts an instruction as it is, without results.
fn insert_raw(cursor: &mut FuncCursor<'_>, data: InstructionData) {
    let inst = cursor.func.dfg.make_inst(data);
    cursor.insert_inst(inst);
}

#[test]
fn a_function_with_everything_is_accepted() {
    check(
        "function %all(i32, i32 vmctx, i8 sext) -> i32 tail {
            ss0 = explicit_slot 8, align = 8
            gv0 = vmctx
            gv1 = load.i32 notrap aligned gv0+8
            gv2 = iadd_imm.i32 gv1, 16
            gv3 = symbol %data
            sig0 = (i32) -> i32 tail
            fn0 = colocated %g sig0
            stack_limit = gv2
        block0(v0: i32, v1: i32, v2: i8):
            v3 = stack_addr.i32 ss0+4
            store notrap aligned v0, v3
            v4 = load.i64 big v3-4
            v5, v6 = isplit v4
            v7 = symbol_value.i32 gv3
            v8 = sextend.i32 v2
            v9 = icmp slt v5, v8
            v10 -> v7
            brif v9, block1(v10), block2
        block1(v11: i32):
            br_table v11, block3(v0), [block2, block3(v11)]
        block2 cold:
            return_call fn0(v6)
        block3(v12: i32):
            v13 = iconst.i8 0xff
            v14 = ishl v12, v13
            v15 = call_indirect sig0, v14(v0)
            return v15
        }",
        &[],
    );
}

#[test]
fn long_chains_take_no_quadratic_time() {
    let count = 50_000;
    let mut func = Function::new(ExternalName::symbol("f"), Signature::new(CallConv::Fast));
    let blocks: Vec<_> = (0..count)
        .map(|_| {
            let block = func.dfg.make_block();
            func.layout.append_block(block);
            block
        })
        .collect();
    let mut cursor = FuncCursor::new(&mut func).at_bottom(blocks[0]);
    let mut value = cursor.ins().iconst(Type::I32, 1);
    for (index, &block) in blocks.iter().enumerate() {
        cursor.goto_bottom(block);
        value = cursor.func.dfg.make_alias(value);
        let exit = blocks[count - 1];
        match blocks.get(index + 1) {
            Some(&next) => cursor.ins().brif(value, next, &[], exit, &[]),
            None => cursor.ins().return_(&[]),
        };
    }
    assert_eq!(verify_function(&func), Ok(()));
}
