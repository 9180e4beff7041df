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
    AbiParam, ArgumentPurpose, Block, BlockCall, CallConv, Endianness, ExtFuncData, ExternalName,
    FuncRef, Function, GlobalValue, GlobalValueData, Imm64, Inst, InstructionData, JumpTable,
    MemFlags, Offset32, Opcode, SigRef, Signature, StackSlot, StackSlotData, TrapCode, Type, Value,
    ValueList,
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

/// A function with something of each kind, and nothing wrong.
const EVERYTHING: &str = "
function %all(i32, i32 vmctx, i8 sext) -> i32 tail {
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
}
";

#[test]
fn a_function_with_everything_is_accepted() {
    check(EVERYTHING, &[]);
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

/// Changes something at random, by means that no text can express.
fn corrupt(func: &mut Function, mut random: impl FnMut(u32) -> u32) {
    let inst = Inst::from_u32(random(func.dfg.num_insts() as u32));
    let value = Value::from_u32(random(func.dfg.num_values() as u32));
    let entity = random(6);
    match random(8) {
        0 => func
            .dfg
            .map_inst_values(inst, |_| Value::from_u32(random(30))),
        1 => {
            let (branches, pool) = func.dfg.branch_destinations_mut(inst);
            for branch in branches {
                branch.set_block(Block::from_u32(random(6)), pool);
            }
        }
        2 => match func.dfg.inst_mut(inst) {
            InstructionData::Call { func_ref, .. } => *func_ref = FuncRef::from_u32(entity),
            InstructionData::CallIndirect { sig_ref, .. } => *sig_ref = SigRef::from_u32(entity),
            InstructionData::StackAddr { stack_slot, .. } => {
                *stack_slot = StackSlot::from_u32(entity);
            }
            InstructionData::Unary { opcode, .. } | InstructionData::Binary { opcode, .. } => {
                *opcode = Opcode::ALL[random(Opcode::ALL.len() as u32) as usize];
            }
            _ => {}
        },
        3 if func.layout.inst_block(inst).is_some() => func.layout.remove_inst(inst),
        4 if func.layout.is_block_inserted(Block::from_u32(entity)) => {
            func.layout.remove_block(Block::from_u32(entity));
        }
        5 => {
            let original = Value::from_u32(random(func.dfg.num_values() as u32));
            if func.dfg.value_is_defined(original) {
                func.dfg.change_to_alias(value, original);
            }
        }
        6 => {
            func.dfg.append_result(inst, Type::ALL[random(7) as usize]);
        }
        7 => {
            func.global_values.push(GlobalValueData::Load {
                base: GlobalValue::from_u32(random(9)),
                offset: Offset32::new(0),
                global_type: Type::I32,
                flags: MemFlags::trusted(),
            });
            func.stack_limit = GlobalValue::from_u32(random(9)).into();
        }
        _ => {}
    }
}

#[test]
fn no_function_makes_the_verifier_panic() {
    let mut state = 0x1357_9bdf_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    let right = parse_functions(EVERYTHING).unwrap().remove(0);
    let mut refused = 0;
    for _ in 0..5_000 {
        let mut func = right.clone();
        for _ in 0..=random(4) {
            corrupt(&mut func, &mut random);
        }
        refused += u32::from(verify_function(&func).is_err());
    }
    assert!(refused > 3_000, "only {refused} were refused");
}
