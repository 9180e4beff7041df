//! Functions that cannot be encoded. The verifier refuses each of them.

use super::super::encode;
use super::module;
use crate::ir::{Block, FuncId, Function, Inst, InstructionData, Module, Opcode, Type, Value};
use crate::verifier::verify_module;
use std::string::ToString;

/// A module whose only function is changed by `change` from one that is right.
fn changed(change: impl FnOnce(&mut Function)) -> Module {
    let mut module = module(
        "function %f(i32) -> i32 {
block0(v0: i32):
    v1 = iadd v0, v0
    jump block1(v1)
block1(v2: i32):
    return v2
}",
    );
    change(module.function_mut(FuncId::from_u32(0)));
    module
}

#[track_caller]
fn check(expected: &str, change: impl FnOnce(&mut Function)) {
    let module = changed(change);
    assert!(verify_module(&module).is_err());
    assert_eq!(encode(&module).unwrap_err().to_string(), expected);
}

fn inst(number: u32) -> Inst {
    Inst::from_u32(number)
}

#[test]
fn values_and_blocks_that_are_not_there() {
    check("%f: inst0: an operand is not defined", |function| {
        let arg = Value::from_u32(99);
        let opcode = Opcode::Iadd;
        *function.dfg.inst_mut(inst(0)) = InstructionData::Binary {
            opcode,
            args: [arg, arg],
        };
    });
    check("%f: inst1: an operand is not defined", |function| {
        function.layout.remove_inst(inst(0));
    });
    check(
        "%f: inst1: it branches to a block that is not there",
        |function| {
            function.layout.remove_block(Block::from_u32(1));
        },
    );
    check("%f: inst2: an operand is not defined", |function| {
        let first = function.dfg.make_alias(Value::from_u32(2));
        let second = function.dfg.make_alias(first);
        function.dfg.map_inst_values(inst(2), |_| second);
        function.dfg.change_to_alias(first, second);
    });
    check(
        "%f: block0: a value that it defines is something else",
        |function| {
            let [param, sum] = [0, 1].map(Value::from_u32);
            function.dfg.change_to_alias(param, sum);
        },
    );
}

#[test]
fn blocks_without_an_end() {
    check("%f: block1: it does not end in a terminator", |function| {
        function.layout.remove_inst(inst(2));
    });
    check("%f: inst1: it is behind a terminator", |function| {
        function.layout.remove_inst(inst(2));
        function.layout.insert_inst_before(inst(2), inst(1));
        let block = Block::from_u32(1);
        let opcode = Opcode::Nop;
        let nop = function.dfg.make_inst(InstructionData::NullAry { opcode });
        function.layout.append_inst(nop, block);
    });
}

#[test]
fn operands_and_results_that_do_not_fit() {
    check(
        "%f: inst0: its operands are not those of its opcode",
        |function| {
            *function.dfg.inst_mut(inst(0)).opcode_mut() = Opcode::Ineg;
        },
    );
    check(
        "%f: inst0: it has a result too many or of a wrong type",
        |function| {
            function.dfg.set_value_type(Value::from_u32(1), Type::I8);
        },
    );
    check(
        "%f: inst1: it has too many or too few arguments",
        |function| {
            let block = Block::from_u32(1);
            function.dfg.append_block_param(block, Type::I8);
        },
    );
    check(
        "%f: block0: its parameters are not those of the signature",
        |function| {
            function.signature.params.clear();
        },
    );
}
