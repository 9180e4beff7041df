//! The pass that lets all values of a type be of another one.

use super::Edit;
use super::draft::Draft;
use super::surgery::{insts, replace_value};
use lpc_lpir::ir::{DataValue, Function, InstructionData, Opcode, Signature, Type};

/// Lets all values of a wide type be narrower, and those narrower than a word be words.
pub(super) fn other_widths(draft: &Draft) -> Vec<Edit> {
    use Type::{I8, I16, I32, I64, I128};
    let mut edits: Vec<Edit> = Vec::new();
    for (from, to) in [
        (I128, I32),
        (I128, I64),
        (I64, I32),
        (I16, I32),
        (I8, I32),
        (I16, I8),
    ] {
        if has_type(draft, from) {
            edits.push(Box::new(move |draft| retype(draft, from, to)));
        }
    }
    edits
}

fn has_type(draft: &Draft, ty: Type) -> bool {
    draft.functions().any(|(_, func)| {
        let mut values = func.dfg.values();
        values.any(|value| func.dfg.value_type(value) == ty)
    })
}

fn retype(draft: &mut Draft, from: Type, to: Type) -> bool {
    for func in draft.functions.values_mut().flatten() {
        retype_function(func, from, to);
    }
    for args in &mut draft.inputs {
        for arg in args.iter_mut().filter(|arg| arg.ty() == from) {
            *arg = DataValue::from_signed(to, arg.signed());
        }
    }
    true
}

fn retype_function(func: &mut Function, from: Type, to: Type) {
    retype_signature(&mut func.signature, from, to);
    for signature in func.dfg.signatures.values_mut() {
        retype_signature(signature, from, to);
    }
    let values: Vec<_> = func.dfg.values().collect();
    for value in values {
        if func.dfg.value_type(value) == from {
            func.dfg.set_value_type(value, to);
        }
    }
    for inst in insts(func) {
        let result = func.dfg.inst_results(inst).next();
        match *func.dfg.inst(inst) {
            InstructionData::UnaryImm { opcode, imm } => {
                let imm =
                    imm.sign_extend_from(func.dfg.value_type(func.dfg.first_result(inst)).bits());
                *func.dfg.inst_mut(inst) = InstructionData::UnaryImm { opcode, imm };
            }
            // What has become a conversion to the same type.
            InstructionData::Unary {
                opcode: Opcode::Sextend | Opcode::Uextend | Opcode::Ireduce,
                arg,
            } => {
                if let Some(result) = result
                    && func.dfg.value_type(result) == func.dfg.value_type(arg)
                    && replace_value(func, result, arg)
                {
                    func.layout.remove_inst(inst);
                }
            }
            _ => {}
        }
    }
}

fn retype_signature(signature: &mut Signature, from: Type, to: Type) {
    let params = signature.params.iter_mut();
    for param in params.chain(&mut signature.returns) {
        if param.value_type == from {
            param.value_type = to;
        }
    }
}
