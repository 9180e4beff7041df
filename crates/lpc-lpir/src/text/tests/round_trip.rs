//! Every opcode with every type that it may have, printed and read back.

use super::{SAMPLE, parse_one, print};
use crate::ir::{AbiParam, AtomicRmwOp, ExtFuncData, GlobalValueData, Imm64, Offset32};
use crate::ir::{
    BlockCall, CallConv, ControllingType, ExternalName, Function, InstructionData,
    InstructionFormat, IntCC, JumpTableData, MemFlags, Opcode, OperandType, Signature,
    StackSlotData, TrapCode, Type, Value, ValueList,
};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

/// A type that an operand may have, other than the controlling type where there is a choice.
fn operand_type(operand: OperandType, controlling: Option<Type>) -> Type {
    operand.resolve(controlling).unwrap_or_else(|| {
        let accepted = |&ty: &Type| ty.is_int() && operand.accepts(ty, controlling);
        Type::ALL.into_iter().rev().find(accepted).unwrap()
    })
}

/// An instruction of `opcode` in a function of its own, whose operands are parameters of the entry block. It stands in the
/// entry block, or in another one.
fn function_with(opcode: Opcode, controlling: Option<Type>, same_block: bool) -> Function {
    let mut function = Function::new(ExternalName::symbol("f"), Signature::new(CallConv::Fast));
    function.stack_slots.push(StackSlotData::new(16, 3));
    function.global_values.push(GlobalValueData::Symbol {
        name: ExternalName::symbol("datum"),
        offset: Imm64::new(-4),
        colocated: true,
    });
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.push(AbiParam::new(Type::I32));
    signature.returns.push(AbiParam::new(Type::I128));
    let signature = function.dfg.signatures.push(signature);
    function.dfg.ext_funcs.push(ExtFuncData {
        name: ExternalName::user(3, 4),
        signature,
        colocated: true,
    });
    let entry = function.dfg.make_block();
    function.layout.append_block(entry);
    let operands = opcode.operands().iter();
    let args: Vec<Value> = operands
        .map(|&operand| {
            let ty = operand_type(operand, controlling);
            function.dfg.append_block_param(entry, ty)
        })
        .collect();
    let block = if same_block {
        entry
    } else {
        let block = function.dfg.make_block();
        function.layout.append_block(block);
        block
    };
    let data = instruction(opcode, &args, &mut function);
    let inst = function.dfg.make_inst(data);
    function.dfg.make_inst_results(inst, controlling);
    function.layout.append_inst(inst, block);
    function
}

fn instruction(opcode: Opcode, args: &[Value], function: &mut Function) -> InstructionData {
    use InstructionFormat as Format;
    let block = function.layout.entry_block().unwrap();
    let flags = MemFlags::new()
        .with_aligned()
        .with_readonly()
        .with_trap_code(TrapCode::user(7).unwrap());
    let code = TrapCode::INTEGER_OVERFLOW;
    let offset = Offset32::new(-70_000);
    let dfg = &mut function.dfg;
    let pool = &mut dfg.value_lists;
    let call = BlockCall::new(block, args.iter().copied(), pool);
    match opcode.format() {
        Format::NullAry => InstructionData::NullAry { opcode },
        Format::Unary => InstructionData::Unary {
            opcode,
            arg: args[0],
        },
        Format::UnaryImm => InstructionData::UnaryImm {
            opcode,
            imm: Imm64::new(-3),
        },
        Format::UnaryGlobalValue => InstructionData::UnaryGlobalValue {
            opcode,
            global_value: function.global_values.keys().next().unwrap(),
        },
        Format::Binary => InstructionData::Binary {
            opcode,
            args: args.try_into().unwrap(),
        },
        Format::Ternary => InstructionData::Ternary {
            opcode,
            args: args.try_into().unwrap(),
        },
        Format::MultiAry => InstructionData::MultiAry {
            opcode,
            args: ValueList::new(),
        },
        Format::IntCompare => InstructionData::IntCompare {
            opcode,
            cond: IntCC::UnsignedLessThanOrEqual,
            args: args.try_into().unwrap(),
        },
        Format::Jump => InstructionData::Jump {
            opcode,
            destination: call,
        },
        Format::Brif => InstructionData::Brif {
            opcode,
            arg: args[0],
            blocks: [call, BlockCall::new(block, [], pool)],
        },
        Format::BranchTable => {
            let entries = [BlockCall::new(block, [], pool), call];
            InstructionData::BranchTable {
                opcode,
                arg: args[0],
                table: dfg.jump_tables.push(JumpTableData::new(call, &entries)),
            }
        }
        Format::Call => InstructionData::Call {
            opcode,
            func_ref: dfg.ext_funcs.keys().next().unwrap(),
            args: ValueList::new(),
        },
        Format::CallIndirect => InstructionData::CallIndirect {
            opcode,
            sig_ref: dfg.signatures.keys().next().unwrap(),
            args: ValueList::from_slice(&[args[0], args[0]], pool),
        },
        Format::FuncAddr => InstructionData::FuncAddr {
            opcode,
            func_ref: dfg.ext_funcs.keys().next().unwrap(),
        },
        Format::StackAddr => InstructionData::StackAddr {
            opcode,
            stack_slot: function.stack_slots.keys().next().unwrap(),
            offset,
        },
        Format::Load => InstructionData::Load {
            opcode,
            flags,
            arg: args[0],
            offset,
        },
        Format::LoadNoOffset => InstructionData::LoadNoOffset {
            opcode,
            flags,
            arg: args[0],
        },
        Format::Store => InstructionData::Store {
            opcode,
            flags,
            args: args.try_into().unwrap(),
            offset,
        },
        Format::StoreNoOffset => InstructionData::StoreNoOffset {
            opcode,
            flags,
            args: args.try_into().unwrap(),
        },
        Format::AtomicRmw => InstructionData::AtomicRmw {
            opcode,
            op: AtomicRmwOp::Nand,
            flags,
            args: args.try_into().unwrap(),
        },
        Format::AtomicCas => InstructionData::AtomicCas {
            opcode,
            flags,
            args: args.try_into().unwrap(),
        },
        Format::Trap => InstructionData::Trap { opcode, code },
        Format::CondTrap => InstructionData::CondTrap {
            opcode,
            arg: args[0],
            code,
        },
        Format::IntAddTrap => InstructionData::IntAddTrap {
            opcode,
            args: args.try_into().unwrap(),
            code,
        },
    }
}

/// Checks that the function reads back with the same instruction, operands and types.
fn check(function: &Function) {
    let text = function.to_string();
    let read = parse_one(&text);
    assert_eq!(read.to_string(), text);
    let (inst, opcode) = {
        let block = function.layout.last_block().unwrap();
        let inst = function.layout.last_inst(block).unwrap();
        (inst, function.dfg.inst(inst).opcode())
    };
    assert_eq!(read.dfg.inst(inst).opcode(), opcode, "{text}");
    let types = |function: &Function| -> Vec<_> {
        let values = function.dfg.values();
        values.map(|v| (v, function.dfg.value_type(v))).collect()
    };
    assert_eq!(types(&read), types(function), "{text}");
    let flags = function.dfg.inst(inst).mem_flags();
    assert_eq!(read.dfg.inst(inst).mem_flags(), flags, "{text}");
    assert_eq!(read.signature, function.signature);
}

/// Whether the reader does not skip a function with `opcode` of type `ty`: for a float, or for the callee as a wide address.
fn can_be_read(opcode: Opcode, ty: Type) -> bool {
    ty.is_int() && (opcode.format() != InstructionFormat::CallIndirect || ty == Type::POINTER)
}

#[test]
fn every_opcode_with_every_integer_type() {
    let mut checked = 0;
    for &opcode in Opcode::ALL {
        let controlling = opcode.controlling_type();
        let types: Vec<Option<Type>> = match controlling {
            ControllingType::Untyped => [None].into(),
            _ => controlling
                .types()
                .iter()
                .filter(|&ty| can_be_read(opcode, ty))
                .map(Some)
                .collect(),
        };
        for ty in types {
            for same_block in [true, false] {
                check(&function_with(opcode, ty, same_block));
                checked += 1;
            }
        }
    }
    assert!(checked > 2 * Opcode::ALL.len());
}

#[test]
fn conditions_operations_and_flags() {
    for cond in IntCC::ALL {
        let line = format!("    v2 = icmp {cond} v0, v1\n");
        let text = format!("function %f() fast {{\nblock0(v0: i64, v1: i64):\n{line}}}\n");
        assert_eq!(print(&text), text);
    }
    for op in AtomicRmwOp::ALL {
        let line = format!("    v2 = atomic_rmw.i16 notrap big {op} v0, v1\n");
        let text = format!("function %f() fast {{\nblock0(v0: i32, v1: i16):\n{line}}}\n");
        assert_eq!(print(&text), text);
    }
    for flags in [
        "notrap aligned readonly can_move little",
        "big user250",
        "stk_ovf",
        "int_divz",
    ] {
        let line = format!("    v1 = load.i64 {flags} v0+4\n");
        let text = format!("function %f() fast {{\nblock0(v0: i32):\n{line}}}\n");
        assert_eq!(print(&text), text);
    }
}

#[test]
fn whole_function() {
    assert_eq!(print(SAMPLE), SAMPLE);
}

#[test]
fn source_locations() {
    let text = "\
function %f(i32) -> i32 fast {
                                block0(v0: i32):
@0012                               v1 = iadd v0, v0
                                    v2 -> v1
@deadbeef                           return v2
}
";
    assert_eq!(print(text), text);
}

#[test]
fn empty_function_and_empty_block() {
    assert_eq!(print("function %() {}"), "function %\"\"() fast {\n}\n");
    assert_eq!(
        print("function %function(){}"),
        "function %function() fast {\n}\n"
    );
    let text = "function u4294967295:0() fast {\nblock0:\n\nblock1:\n}\n";
    assert_eq!(print(text), text);
}
