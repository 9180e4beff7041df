//! The same function for a machine whose addresses have 64 bits.
//!
//! In LPIR an address is an `i32`; a machine with 64-bit registers accepts only an `i64`. So, for such a machine, every value that
//! is an address, is computed together with one, or is passed where one is, becomes an `i64`:
//!
//! ```text
//!     v2 = ishl v1, v0                  i32 ─► i64
//!     v3 = iadd v4, v2                  i32 ─► i64
//!     v5 = load.i32 notrap v3           v3 is an address, v5 is none
//! ```
//!
//! Nothing but types changes: each instruction stays one instruction, of the native width of that machine. What the function computes
//! does change (an address that it loads takes 8 bytes now), which is of no account to how long compiling it takes.
//!
//! Values that must have the same type are a class (union-find). A class with an address becomes wide as a whole. That is not possible
//! where one of its members must be an `i32`, because it is extended to an `i64` or comes from one.

use lpc_lpir::entity::EntityRef;
use lpc_lpir::ir::{
    FuncRef, Function, Inst, InstructionData, Opcode, OperandType, SigRef, Signature, Type, Value,
};

/// The type of addresses on the other machine.
const WIDE: Type = Type::I64;

/// `func` with addresses of 64 bits, or `None` where that takes more than other types.
pub(super) fn widen_addresses(func: &Function) -> Option<Function> {
    let mut classes = Classes::of(func);
    classes.find_addresses();
    if classes.is_contradictory() {
        return None;
    }
    let mut wide = func.clone();
    for value in func.dfg.values() {
        if !classes.is_address(value.index()) || func.dfg.value_type(value) == WIDE {
            continue;
        }
        wide.dfg.set_value_type(value, WIDE);
        if func.dfg.alias_target(value).is_none()
            && let Some(inst) = func.dfg.value_inst(value)
            && let InstructionData::UnaryImm { imm, .. } = wide.dfg.inst_mut(inst)
        {
            *imm = imm.sign_extend_from(Type::POINTER.bits());
        }
    }
    classes.widen_signature(&mut wide.signature, classes.own_signature);
    for sig_ref in func.dfg.signatures.keys() {
        let first = classes.signatures[sig_ref.index()];
        classes.widen_signature(&mut wide.dfg.signatures[sig_ref], first);
    }
    Some(wide)
}

/// Which values, parameters and results have the same type. Members are numbered: first the values, then the parameters and results
/// of the function, then those of the signatures that it declares.
struct Classes<'f> {
    func: &'f Function,
    parents: Vec<usize>,
    is_address: Vec<bool>,
    /// The members that must stay what they are.
    is_fixed: Vec<bool>,
    own_signature: usize,
    signatures: Vec<usize>,
}

impl<'f> Classes<'f> {
    /// Each value in a class of its own, apart from aliases.
    fn of(func: &'f Function) -> Self {
        let own_signature = func.dfg.num_values();
        let mut count = own_signature + len(&func.signature);
        let mut signatures = Vec::new();
        for (_, signature) in func.dfg.signatures.iter() {
            signatures.push(count);
            count += len(signature);
        }
        let mut classes = Self {
            func,
            parents: (0..count).collect(),
            is_address: vec![false; count],
            is_fixed: vec![false; count],
            own_signature,
            signatures,
        };
        for value in func.dfg.values() {
            if let Some(original) = func.dfg.alias_target(value) {
                classes.unite(value, original);
            }
        }
        classes
    }

    fn find_addresses(&mut self) {
        let func = self.func;
        if let Some(entry) = func.entry_block() {
            for (index, param) in func.dfg.block_params(entry).enumerate() {
                self.unite_members(param.index(), self.own_signature + index);
            }
        }
        for block in func.layout.blocks() {
            for inst in func.layout.block_insts(block) {
                self.visit_fixed_operands(inst);
                self.visit_lists(inst);
            }
        }
    }

    /// The operands and results whose types the opcode states.
    fn visit_fixed_operands(&mut self, inst: Inst) {
        let dfg = &self.func.dfg;
        let data = dfg.inst(inst);
        let opcode = data.opcode();
        let operands = dfg.inst_args(inst).zip(opcode.operands().iter().copied());
        let results = dfg.inst_results(inst).zip(opcode.results());
        let mut same = None;
        for (value, ty) in operands.chain(results) {
            match ty {
                OperandType::Same => match same {
                    Some(other) => self.unite(value, other),
                    None => same = Some(value),
                },
                OperandType::Address => self.mark_address(value),
                _ => {}
            }
        }
        match data {
            InstructionData::FuncAddr { .. }
            | InstructionData::StackAddr { .. }
            | InstructionData::UnaryGlobalValue { .. }
            | InstructionData::CallIndirect { .. } => same.into_iter().for_each(|value| {
                self.mark_address(value);
            }),
            _ => {}
        }
        match data.opcode() {
            Opcode::GetFramePointer | Opcode::GetStackPointer | Opcode::GetReturnAddress => {
                self.mark_address(dfg.first_result(inst));
            }
            Opcode::Uextend | Opcode::Sextend | Opcode::Ireduce => {
                let ends = [dfg.inst_args(inst).next(), dfg.inst_results(inst).next()];
                let ends = ends.map(|value| value.map(|value| dfg.value_type(value)));
                if ends.contains(&Some(Type::POINTER)) && ends.contains(&Some(WIDE)) {
                    self.fix(inst);
                }
            }
            Opcode::BrTable | Opcode::Isplit | Opcode::Iconcat | Opcode::Bitcast => self.fix(inst),
            _ => {}
        }
    }

    /// Arguments of branches and calls, and returned values.
    fn visit_lists(&mut self, inst: Inst) {
        let dfg = &self.func.dfg;
        let pool = &dfg.value_lists;
        for call in dfg.branch_destinations(inst) {
            for (arg, param) in call.args(pool).zip(dfg.block_params(call.block(pool))) {
                self.unite(arg, param);
            }
        }
        match *dfg.inst(inst) {
            InstructionData::Call { func_ref, .. } => {
                let sig_ref = self.signature_of(func_ref);
                self.visit_call(inst, sig_ref, 0);
            }
            InstructionData::CallIndirect { sig_ref, .. } => self.visit_call(inst, sig_ref, 1),
            InstructionData::MultiAry {
                opcode: Opcode::Return,
                ..
            } => {
                let first = self.own_signature + self.func.signature.params.len();
                for (index, value) in dfg.inst_args(inst).enumerate() {
                    self.unite_members(value.index(), first + index);
                }
            }
            _ => {}
        }
    }

    fn signature_of(&self, func_ref: FuncRef) -> SigRef {
        self.func.dfg.ext_funcs[func_ref].signature
    }

    fn visit_call(&mut self, inst: Inst, sig_ref: SigRef, skipped_args: usize) {
        let dfg = &self.func.dfg;
        let params = self.signatures[sig_ref.index()];
        let returns = params + dfg.signatures[sig_ref].params.len();
        for (index, arg) in dfg.inst_args(inst).skip(skipped_args).enumerate() {
            self.unite_members(arg.index(), params + index);
        }
        // A tail call returns what its callee returns.
        let own_returns = self.own_signature + self.func.signature.params.len();
        if dfg.inst(inst).opcode().is_terminator() {
            for index in 0..dfg.signatures[sig_ref].returns.len() {
                self.unite_members(own_returns + index, returns + index);
            }
        }
        for (index, result) in dfg.inst_results(inst).enumerate() {
            self.unite_members(result.index(), returns + index);
        }
    }

    fn find(&self, member: usize) -> usize {
        let mut root = member;
        while self.parents[root] != root {
            root = self.parents[root];
        }
        root
    }

    fn unite(&mut self, one: Value, other: Value) {
        self.unite_members(one.index(), other.index());
    }

    fn unite_members(&mut self, one: usize, other: usize) {
        let (one, other) = (self.shorten(one), self.shorten(other));
        self.is_address[other] |= self.is_address[one];
        self.is_fixed[other] |= self.is_fixed[one];
        self.parents[one] = other;
    }

    /// Finds the root of `member`, and makes each step to it shorter for the next time.
    fn shorten(&mut self, member: usize) -> usize {
        let mut current = member;
        while self.parents[current] != current {
            self.parents[current] = self.parents[self.parents[current]];
            current = self.parents[current];
        }
        current
    }

    fn mark_address(&mut self, value: Value) {
        let root = self.shorten(value.index());
        self.is_address[root] = true;
    }

    /// Keeps the types of all operands and results of `inst` that are as wide as an address.
    fn fix(&mut self, inst: Inst) {
        let dfg = &self.func.dfg;
        for value in dfg.inst_args(inst).chain(dfg.inst_results(inst)) {
            if dfg.value_type(value) == Type::POINTER {
                let root = self.shorten(value.index());
                self.is_fixed[root] = true;
            }
        }
    }

    fn is_address(&self, member: usize) -> bool {
        self.is_address[self.find(member)]
    }

    fn is_contradictory(&self) -> bool {
        let roots = (0..self.parents.len()).filter(|&member| self.parents[member] == member);
        roots
            .into_iter()
            .any(|root| self.is_address[root] && self.is_fixed[root])
    }

    fn widen_signature(&self, signature: &mut Signature, first: usize) {
        let params = signature.params.iter_mut().chain(&mut signature.returns);
        for (index, param) in params.enumerate() {
            if self.is_address(first + index) {
                param.value_type = WIDE;
            }
        }
    }
}

fn len(signature: &Signature) -> usize {
    signature.params.len() + signature.returns.len()
}

#[cfg(test)]
mod tests {
    use super::widen_addresses;
    use lpc_lpir::text::parse_functions;

    fn widened(text: &str) -> Option<String> {
        let func = parse_functions(text).unwrap().remove(0);
        widen_addresses(&func).map(|func| func.to_string())
    }

    #[test]
    fn what_is_computed_with_an_address_is_wide() {
        let text = "\
function %f(i32, i32, i32) -> i32 system_v {
    fn0 = %g(i32) -> i32 system_v

block0(v0: i32, v1: i32, v2: i32):
    v3 = iconst.i32 -4
    v4 = band v1, v3
    v5 = iadd v0, v4
    jump block1(v5)

block1(v6: i32):
    v7 = load.i32 v6
    v8 = iadd v7, v2
    v9 = call fn0(v6)
    return v8
}
";
        let expected = "\
function %f(i64, i64, i32) -> i32 system_v {
    sig0 = (i64) -> i32 system_v
    fn0 = %g sig0

block0(v0: i64, v1: i64, v2: i32):
    v3 = iconst.i64 -4
    v4 = band v1, v3  ; v3 = -4
    v5 = iadd v0, v4
    jump block1(v5)

block1(v6: i64):
    v7 = load.i32 v6
    v8 = iadd v7, v2
    v9 = call fn0(v6)
    return v8
}
";
        assert_eq!(widened(text).as_deref(), Some(expected));
    }

    #[test]
    fn an_address_that_is_extended_stays_narrow() {
        let text = "\
function %f(i32) -> i64 {
block0(v0: i32):
    v1 = load.i32 v0
    v2 = uextend.i64 v0
    return v2
}
";
        assert_eq!(widened(text), None);
    }
}
