//! Small operations on functions that the passes are made of.

use lpc_lpir::ir::{
    Block, BlockCall, Function, Imm64, Inst, InstructionData, Opcode, TrapCode, Type, Value,
    ValueList,
};

/// All blocks.
pub(super) fn blocks(func: &Function) -> Vec<Block> {
    func.layout.blocks().collect()
}

/// All instructions, in order.
pub(super) fn insts(func: &Function) -> Vec<Inst> {
    let blocks = func.layout.blocks();
    blocks
        .flat_map(|block| func.layout.block_insts(block))
        .collect()
}

/// Whether `inst` is still part of the function.
pub(super) fn is_inserted(func: &Function, inst: Inst) -> bool {
    func.layout.inst_block(inst).is_some()
}

/// The number that `value` is defined as, when it is a constant of 64 bits at most.
pub(super) fn constant_of(func: &Function, value: Value) -> Option<i64> {
    match *func.dfg.inst(func.dfg.value_inst(value)?) {
        InstructionData::UnaryImm { imm, .. } => Some(imm.bits()),
        _ => None,
    }
}

/// Whether `value` is a constant, of any width.
pub(super) fn is_constant(func: &Function, value: Value) -> bool {
    if constant_of(func, value).is_some() {
        return true;
    }
    let Some(inst) = func.dfg.value_inst(value) else {
        return false;
    };
    let is_widened = matches!(
        func.dfg.inst(inst).opcode(),
        Opcode::Sextend | Opcode::Uextend
    ) && func.dfg.value_type(value) == Type::I128;
    is_widened
        && func
            .dfg
            .inst_args(inst)
            .all(|operand| constant_of(func, operand).is_some())
}

/// Makes a value of type `ty` with the number `number`, before `before`. `None` if there are no constants of this type.
pub(super) fn make_constant(
    func: &mut Function,
    before: Inst,
    ty: Type,
    number: i64,
) -> Option<Value> {
    if !ty.is_int() {
        return None;
    }
    if ty == Type::I128 {
        let low = make_constant(func, before, Type::I64, number)?;
        let data = InstructionData::Unary {
            opcode: Opcode::Sextend,
            arg: low,
        };
        return Some(insert(func, before, data, ty));
    }
    let data = InstructionData::UnaryImm {
        opcode: Opcode::Iconst,
        imm: Imm64::new(number).sign_extend_from(ty.bits()),
    };
    Some(insert(func, before, data, ty))
}

/// Makes an instruction with one result before `before`.
fn insert(func: &mut Function, before: Inst, data: InstructionData, ty: Type) -> Value {
    let inst = func.dfg.make_inst(data);
    func.layout.insert_inst_before(inst, before);
    func.dfg.append_result(inst, ty)
}

/// Lets `with` be used wherever `value` is. The definition of `value` must no longer be part of the function. Returns false if
/// `with` is `value`.
pub(super) fn replace_value(func: &mut Function, value: Value, with: Value) -> bool {
    let with = func.dfg.resolve_aliases(with);
    if with == func.dfg.resolve_aliases(value) {
        return false;
    }
    func.dfg.change_to_alias(value, with);
    true
}

/// Removes `inst`, which is no terminator, and lets constants stand for its results.
pub(super) fn replace_by_constants(func: &mut Function, inst: Inst, number: i64) -> bool {
    if !is_inserted(func, inst) || func.dfg.inst(inst).opcode().is_terminator() {
        return false;
    }
    let results: Vec<_> = func.dfg.inst_results(inst).collect();
    for result in results {
        let ty = func.dfg.value_type(result);
        let Some(constant) = make_constant(func, inst, ty, number) else {
            return false;
        };
        replace_value(func, result, constant);
    }
    func.layout.remove_inst(inst);
    true
}

/// Lets `inst`, which ends its block, be another instruction without results.
pub(super) fn set_terminator(func: &mut Function, inst: Inst, data: InstructionData) {
    *func.dfg.inst_mut(inst) = data;
}

/// A trap.
pub(super) fn trap() -> InstructionData {
    InstructionData::Trap {
        opcode: Opcode::Trap,
        code: TrapCode::user(1).expect("user1 is a code"),
    }
}

/// Puts a return of zeros in the place of the terminator `inst`.
pub(super) fn return_zeros(func: &mut Function, inst: Inst) -> bool {
    let types: Vec<_> = func
        .signature
        .returns
        .iter()
        .map(|result| result.value_type)
        .collect();
    let mut zeros = Vec::new();
    for ty in types {
        let Some(zero) = make_constant(func, inst, ty, 0) else {
            return false;
        };
        zeros.push(zero);
    }
    let data = InstructionData::MultiAry {
        opcode: Opcode::Return,
        args: ValueList::from_slice(&zeros, &mut func.dfg.value_lists),
    };
    set_terminator(func, inst, data);
    true
}

/// All branches to `block`, as the instruction and the number of the branch among those of the instruction.
pub(super) fn branches_to(func: &Function, block: Block) -> Vec<(Inst, usize)> {
    let mut found = Vec::new();
    for inst in insts(func) {
        for (index, branch) in func.dfg.branch_destinations(inst).iter().enumerate() {
            if branch.block(&func.dfg.value_lists) == block {
                found.push((inst, index));
            }
        }
    }
    found
}

/// Gives a branch of `inst` another destination.
pub(super) fn set_branch(func: &mut Function, inst: Inst, index: usize, branch: BlockCall) {
    let (branches, _) = func.dfg.branch_destinations_mut(inst);
    branches[index] = branch;
}

/// Removes the parameter number `index` of `block`, the arguments for it, and lets `with` stand for it.
pub(super) fn remove_block_param(
    func: &mut Function,
    block: Block,
    param: Value,
    with: Value,
) -> bool {
    let Some(index) = func
        .dfg
        .block_params(block)
        .position(|other| other == param)
    else {
        return false;
    };
    if func.dfg.resolve_aliases(with) == param {
        return false;
    }
    for (inst, branch) in branches_to(func, block) {
        let (branches, pool) = func.dfg.branch_destinations_mut(inst);
        if branches[branch].num_args(pool) > index {
            branches[branch].remove_arg(index, pool);
        }
    }
    func.dfg.remove_block_param(param);
    let with = func.dfg.resolve_aliases(with);
    func.dfg.change_to_alias(param, with);
    true
}
