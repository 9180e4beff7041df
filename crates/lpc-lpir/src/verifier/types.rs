//! Checks the types and numbers of operands, results, arguments and returned values, immediates and memory flags.
//!
//! All references of the instruction are known to be right.

use super::Verifier;
use crate::ir::{
    BlockCall, CallConv, ControllingType, Inst, InstructionData, MemFlags, Opcode, OperandType,
    SigRef, Type, Value,
};
use alloc::format;
use alloc::vec::Vec;

impl Verifier<'_> {
    pub(super) fn check_types(&mut self, inst: Inst) {
        let data = *self.func.dfg.inst(inst);
        let errors_before = self.errors.len();
        let controlling = self.check_controlling_type(inst);
        if self.errors.len() == errors_before {
            self.check_result_types(inst, controlling);
            self.check_operand_types(inst, controlling);
            self.check_callee(inst, &data);
        }
        self.check_calls(inst, &data);
        for &branch in self.func.dfg.branch_destinations(inst) {
            self.check_branch_args(inst, branch);
        }
        self.check_memory_flags(inst, &data);
        self.check_constant(inst, &data);
    }

    fn check_controlling_type(&mut self, inst: Inst) -> Option<Type> {
        let dfg = &self.func.dfg;
        let opcode = dfg.inst(inst).opcode();
        if opcode.controlling_type() == ControllingType::Untyped {
            return None;
        }
        let Some(ty) = dfg.controlling_type(inst) else {
            self.report(
                inst,
                format!(
                    "expected {} result values, found 0",
                    opcode.results().count()
                ),
            );
            return None;
        };
        let types = opcode.controlling_type().types();
        if !types.contains(ty) {
            let message =
                format!("has an invalid controlling type {ty} (allowed set is {types:?})");
            self.report(inst, message);
        }
        Some(ty)
    }

    fn check_result_types(&mut self, inst: Inst, controlling: Option<Type>) {
        let dfg = &self.func.dfg;
        let required = |index| dfg.required_result_type(inst, index, controlling);
        let found = dfg.inst_results(inst).len();
        let expected = (0..).take_while(|&index| required(index).is_some()).count();
        if found != expected {
            let message = format!("expected {expected} result values, found {found}");
            return self.report(inst, message);
        }
        for (index, result) in dfg.inst_results(inst).enumerate() {
            let ty = dfg.value_type(result);
            if let Some(expected) = required(index)
                && ty != expected
            {
                let message = format!(
                    "expected result {index} ({result}) to have type {expected}, found {ty}"
                );
                self.report(inst, message);
            }
        }
    }

    /// Checks the operands whose types stand in the opcode table.
    fn check_operand_types(&mut self, inst: Inst, controlling: Option<Type>) {
        let dfg = &self.func.dfg;
        let operands = dfg.inst(inst).opcode().operands();
        for (index, (operand, &expected)) in dfg.inst_args(inst).zip(operands).enumerate() {
            let ty = dfg.value_type(operand);
            if !expected.accepts(ty, controlling) {
                self.report_operand(inst, index, operand, expected, controlling);
            }
        }
    }

    fn report_operand(
        &mut self,
        inst: Inst,
        index: usize,
        operand: Value,
        expected: OperandType,
        controlling: Option<Type>,
    ) {
        let ty = self.func.dfg.value_type(operand);
        let message = match (expected, controlling) {
            (OperandType::Address, _) if ty.is_int() => wrong_pointer(operand, ty),
            (OperandType::SameWidth, Some(controlling)) => format!(
                "The bitcast argument {operand} has a type of {} bits, which doesn't match an expected type of {} bits",
                ty.bits(),
                controlling.bits()
            ),
            _ => match expected.resolve(controlling) {
                Some(expected) => {
                    format!("arg {index} ({operand}) has type {ty}, expected {expected}")
                }
                None => {
                    let types = accepted_types(expected, controlling);
                    format!(
                        "arg {index} ({operand}) with type {ty} failed to satisfy type set {types:?}"
                    )
                }
            },
        };
        self.report(inst, message);
    }

    /// Checks that the callee of an indirect call is an address.
    fn check_callee(&mut self, inst: Inst, data: &InstructionData) {
        let dfg = &self.func.dfg;
        if let InstructionData::CallIndirect { args, .. } = *data
            && let Some(callee) = args.first(&dfg.value_lists)
            && dfg.value_type(callee) != Type::POINTER
        {
            let message = wrong_pointer(callee, dfg.value_type(callee));
            self.report(inst, message);
        }
    }

    fn check_calls(&mut self, inst: Inst, data: &InstructionData) {
        let dfg = &self.func.dfg;
        let pool = &dfg.value_lists;
        match *data {
            InstructionData::MultiAry { opcode, args } if opcode.is_return() => {
                let types: Vec<_> = args.iter(pool).map(|arg| dfg.value_type(arg)).collect();
                self.check_returned_types(
                    inst,
                    &types,
                    "arguments of return must match function signature",
                );
            }
            InstructionData::Call { args, .. } => {
                let args: Vec<_> = args.iter(pool).collect();
                self.check_call(inst, &args);
            }
            InstructionData::CallIndirect { args, .. } => {
                let args: Vec<_> = args.iter(pool).skip(1).collect();
                self.check_call(inst, &args);
            }
            _ => {}
        }
    }

    /// Checks the arguments of a call, and whether it may stand in place of a return if it does.
    fn check_call(&mut self, inst: Inst, args: &[Value]) {
        let dfg = &self.func.dfg;
        let Some(sig_ref) = dfg.call_signature(inst) else {
            return;
        };
        let Some(signature) = dfg.signatures.get(sig_ref) else {
            return;
        };
        for (index, (&arg, param)) in args.iter().zip(&signature.params).enumerate() {
            let ty = dfg.value_type(arg);
            let expected = param.value_type;
            if ty != expected {
                let message = format!("arg {index} ({arg}) has type {ty}, expected {expected}");
                self.report(inst, message);
            }
        }
        if args.len() != signature.params.len() {
            self.report_argument_count(inst, args.len(), signature.params.len());
        }
        if dfg.inst(inst).opcode().is_return() {
            self.check_tail_call(inst, sig_ref);
        }
    }

    fn check_tail_call(&mut self, inst: Inst, sig_ref: SigRef) {
        let signature = &self.func.dfg.signatures[sig_ref];
        let call_conv = signature.call_conv;
        if call_conv != CallConv::Tail {
            let message = format!("calling convention `{call_conv}` does not support tail calls");
            self.report(inst, message);
        }
        if call_conv != self.func.signature.call_conv {
            self.report(inst, "callee's calling convention must match caller".into());
        }
        let types: Vec<_> = signature
            .returns
            .iter()
            .map(|result| result.value_type)
            .collect();
        self.check_returned_types(inst, &types, "results of callee must match caller");
    }

    fn check_returned_types(&mut self, inst: Inst, types: &[Type], wrong_number: &str) {
        let returns = &self.func.signature.returns;
        if types.len() != returns.len() {
            return self.report(inst, wrong_number.into());
        }
        for (index, (&ty, expected)) in types.iter().zip(returns).enumerate() {
            if ty != expected.value_type {
                let message = format!(
                    "result {index} has type {ty}, must match function signature of {expected}"
                );
                self.report(inst, message);
            }
        }
    }

    fn check_branch_args(&mut self, inst: Inst, branch: BlockCall) {
        let dfg = &self.func.dfg;
        let pool = &dfg.value_lists;
        let params = dfg.block_params(branch.block(pool));
        if branch.num_args(pool) != params.len() {
            return self.report_argument_count(inst, branch.num_args(pool), params.len());
        }
        for (arg, param) in branch.args(pool).zip(params) {
            let (ty, expected) = (dfg.value_type(arg), dfg.value_type(param));
            if ty != expected {
                self.report(
                    inst,
                    format!("arg {arg} has type {ty}, expected {expected}"),
                );
            }
        }
    }

    fn report_argument_count(&mut self, inst: Inst, found: usize, expected: usize) {
        let printed = self.printed(inst).unwrap_or_default();
        let message =
            format!("mismatched argument count for `{printed}`: got {found}, expected {expected}");
        self.report(inst, message);
    }

    fn check_memory_flags(&mut self, inst: Inst, data: &InstructionData) {
        let Some(flags) = data.mem_flags() else {
            return;
        };
        if data.opcode() == Opcode::Bitcast {
            let byte_order = flags.explicit_endianness();
            let expected = byte_order.map_or(MemFlags::new(), |byte_order| {
                MemFlags::new().with_endianness(byte_order)
            });
            if flags != expected {
                let message =
                    "The bitcast instruction only accepts the `big` or `little` memory flags";
                self.report(inst, message.into());
            }
        } else if flags.readonly() && data.opcode().has(crate::ir::Properties::STORES) {
            let message = "A store instruction cannot have the `readonly` MemFlag";
            self.report(inst, message.into());
        }
    }

    fn check_constant(&mut self, inst: Inst, data: &InstructionData) {
        if let InstructionData::UnaryImm { imm, .. } = *data
            && let Some(ty) = self.func.dfg.controlling_type(inst)
            && imm.sign_extend_from(ty.bits()) != imm
        {
            self.report(inst, "constant immediate is out of bounds".into());
        }
    }
}

fn wrong_pointer(operand: Value, ty: Type) -> alloc::string::String {
    format!(
        "invalid pointer width (got {}, expected {}) encountered {operand}",
        ty.bits(),
        Type::POINTER.bits()
    )
}

/// The types that an operand may have.
fn accepted_types(expected: OperandType, controlling: Option<Type>) -> Vec<Type> {
    let accepts = |ty: &Type| expected.accepts(*ty, controlling);
    Type::ALL.into_iter().filter(accepts).collect()
}
