//! Single instructions, of whatever the opcode table has.

use super::function::{FunctionGenerator, type_among};
use super::numbers;
use lpc_lpir::builder::InstInserter;
use lpc_lpir::ir::{
    ControllingType, Imm64, InstructionData, InstructionFormat, IntCC, MemFlags, Opcode,
    OperandType, Properties, Type, Value,
};
use std::sync::LazyLock;

/// The opcodes whose operands are values and immediates, and nothing that would have to be declared or to be there.
static PLAIN_OPCODES: LazyLock<Vec<Opcode>> = LazyLock::new(|| {
    Opcode::ALL
        .iter()
        .copied()
        .filter(|&opcode| is_plain(opcode))
        .collect()
});

fn is_plain(opcode: Opcode) -> bool {
    use InstructionFormat::*;
    let is_address = matches!(opcode.controlling_type(), ControllingType::Explicit(_));
    match opcode.format() {
        Unary | Binary | Ternary | IntCompare | UnaryImm | IntAddTrap => true,
        // A breakpoint stops the emulator; the stack pointer is an address.
        NullAry => opcode != Opcode::Debugtrap && !is_address,
        LoadNoOffset => !opcode.has(Properties::LOADS),
        _ => false,
    }
}

impl FunctionGenerator<'_> {
    /// An instruction of any plain opcode.
    pub(super) fn any_instruction(&mut self) {
        let opcode = self.random.pick(&PLAIN_OPCODES);
        let types = opcode.controlling_type().types();
        let ty = type_among(self.random, |ty| types.contains(ty));
        self.instruction(opcode, ty);
    }

    /// An instruction of a plain opcode. Its results become available.
    pub(super) fn instruction(&mut self, opcode: Opcode, ty: Option<Type>) {
        let operands = self.operands(opcode, ty);
        self.instruction_with(opcode, ty, &operands);
    }

    /// An instruction of a plain opcode with these operands. Its results become available.
    pub(super) fn instruction_with(
        &mut self,
        opcode: Opcode,
        ty: Option<Type>,
        operands: &[Value],
    ) -> Option<Value> {
        let data = self.instruction_data(opcode, ty, operands);
        let inst = self.builder.insert(data, ty);
        let mut results = self.builder.func.dfg.inst_results(inst);
        let (first, second) = (results.next(), results.next());
        drop(results);
        for value in first.into_iter().chain(second) {
            self.push(value);
        }
        first
    }

    fn instruction_data(
        &mut self,
        opcode: Opcode,
        ty: Option<Type>,
        operands: &[Value],
    ) -> InstructionData {
        use InstructionFormat as Format;
        match (opcode.format(), operands) {
            (Format::NullAry, _) => InstructionData::NullAry { opcode },
            (Format::UnaryImm, _) => {
                let ty = ty.expect("a constant has a type");
                let number = numbers::number(self.random, ty);
                let imm = Imm64::new(number as u64 as i64).sign_extend_from(ty.bits());
                InstructionData::UnaryImm { opcode, imm }
            }
            (Format::Unary, &[arg]) => InstructionData::Unary { opcode, arg },
            (Format::LoadNoOffset, &[arg]) => InstructionData::LoadNoOffset {
                opcode,
                flags: MemFlags::new(),
                arg,
            },
            (Format::Binary, &[x, y]) => InstructionData::Binary {
                opcode,
                args: [x, y],
            },
            (Format::Ternary, &[x, y, z]) => InstructionData::Ternary {
                opcode,
                args: [x, y, z],
            },
            (Format::IntCompare, &[x, y]) => InstructionData::IntCompare {
                opcode,
                cond: self.random.pick(IntCC::ALL),
                args: [x, y],
            },
            (Format::IntAddTrap, &[x, y]) => InstructionData::IntAddTrap {
                opcode,
                args: [x, y],
                code: self.trap_code(),
            },
            (format, operands) => unreachable!("{format:?} with {} operands", operands.len()),
        }
    }

    fn operands(&mut self, opcode: Opcode, ty: Option<Type>) -> Vec<Value> {
        let kinds = opcode.operands();
        let mut operands: Vec<Value> = Vec::with_capacity(kinds.len());
        for (index, &kind) in kinds.iter().enumerate() {
            let is_repeated = index > 0 && self.random.chance(5);
            let value = match kind.resolve(ty) {
                Some(ty) if is_repeated && self.type_of(operands[index - 1]) == ty => {
                    operands[index - 1]
                }
                Some(ty) => self.value(ty),
                None if index > 0 && kind == OperandType::AnyInt => self.shift_amount(),
                None => {
                    let operand = type_among(self.random, |operand| kind.accepts(operand, ty));
                    let operand = operand.expect("an operand of this kind has a type");
                    self.value(operand)
                }
            };
            operands.push(value);
        }
        if opcode.has(Properties::TRAPS) && !self.random.chance(self.profile.unguarded_percent) {
            self.guard(opcode, &mut operands);
        }
        operands
    }

    /// Changes the operands so that the instruction seldom traps.
    fn guard(&mut self, opcode: Opcode, operands: &mut [Value]) {
        match (opcode.format(), operands) {
            (InstructionFormat::Binary, [_, divisor]) => *divisor = self.not_zero(*divisor),
            (InstructionFormat::IntAddTrap, operands) => {
                for operand in operands {
                    let one = self.ins().iconst(Type::I8, 1);
                    *operand = self.ins().ushr(*operand, one);
                }
            }
            _ => {}
        }
    }

    /// `value`, made odd.
    pub(super) fn not_zero(&mut self, value: Value) -> Value {
        let one = self.number(self.type_of(value), 1);
        self.ins().bor(value, one)
    }

    /// An amount to shift by, of any type.
    pub(super) fn shift_amount(&mut self) -> Value {
        let ty = self.any_type();
        if self.random.chance(50) {
            let amount = numbers::shift_amount(self.random, ty);
            return self.number(ty, amount);
        }
        self.variable_value(ty)
    }
}
