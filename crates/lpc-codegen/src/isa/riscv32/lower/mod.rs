//! Which instructions of RV32 each instruction of LPIR becomes. One file a subject.
//!
//! A value that is narrower than a register leaves the bits above it undefined. Instructions to whose result these bits do
//! not matter (addition, the bitwise ones, …) ignore them; the others ask for an operand that is extended, with
//! [`extended`](narrow::extended).

mod arithmetic;
mod bitwise;
mod branch;
mod call;
mod comparisons;
mod constants;
mod extensions;
mod memory;
mod narrow;
mod return_;
mod traps;

use super::inst::MInst;
use super::regs::zero_reg;
use crate::backend::buffer::MachLabel;
use crate::backend::lower::{Lower, LowerBackend};
use crate::backend::reg::{Reg, Writable};
use crate::error::CompileError;
use lpc_lpir::ir::{Inst, InstructionData, InstructionFormat, Opcode, Type, Value};
use lpc_riscv32::{Extension, Imm12, Opcode as Op};

type Ctx<'a, 'f> = &'a mut Lower<'f, MInst>;

/// Lowering for RV32.
pub struct Riscv32Backend;

impl LowerBackend for Riscv32Backend {
    type Inst = MInst;

    fn lower(ctx: &mut Lower<'_, MInst>, inst: Inst) -> Result<(), CompileError> {
        use Opcode::*;
        let opcode = ctx.data(inst).opcode();
        match opcode {
            Iconst => constants::lower_iconst(ctx, inst),
            Nop => Ok(()),

            Iadd | Isub | Imul | Ineg | Iabs | Umulhi | Smulhi | Smin | Umin | Smax | Umax => {
                arithmetic::lower(ctx, inst)
            }
            Udiv | Sdiv | Urem | Srem => arithmetic::lower_division(ctx, inst),

            Band | Bor | Bxor | Bnot | Bitselect => bitwise::lower(ctx, inst),
            Ishl | Ushr | Sshr | Rotl | Rotr => bitwise::lower_shift(ctx, inst),

            Icmp => comparisons::lower_icmp(ctx, inst),
            Select | SelectSpectreGuard => comparisons::lower_select(ctx, inst),
            Bmask => comparisons::lower_bmask(ctx, inst),

            Ireduce | Uextend | Sextend => extensions::lower(ctx, inst),

            Load | Uload8 | Sload8 | Uload16 | Sload16 => memory::lower_load(ctx, inst),
            Store | Istore8 | Istore16 => memory::lower_store(ctx, inst),
            StackAddr => memory::lower_stack_addr(ctx, inst),
            FuncAddr => memory::lower_func_addr(ctx, inst),
            Fence => {
                ctx.emit(MInst::Fence);
                Ok(())
            }

            Trap | Trapz | Trapnz | UaddOverflowTrap | Debugtrap => traps::lower(ctx, inst),
            Call | CallIndirect => call::lower_call(ctx, inst),
            ReturnCall | ReturnCallIndirect => call::lower_return_call(ctx, inst),
            Return => return_::lower_return(ctx, inst),
            _ => unsupported(inst, opcode.name()),
        }
    }

    fn lower_branch(
        ctx: &mut Lower<'_, MInst>,
        inst: Inst,
        targets: &[MachLabel],
    ) -> Result<(), CompileError> {
        match ctx.data(inst).opcode().format() {
            InstructionFormat::Brif => branch::lower_brif(ctx, inst, targets),
            InstructionFormat::BranchTable => branch::lower_br_table(ctx, inst, targets),
            format => unreachable!("{format:?} has one target"),
        }
    }

    fn lower_params(ctx: &mut Lower<'_, MInst>) {
        call::lower_params(ctx);
    }
}

fn unsupported(inst: Inst, what: &'static str) -> Result<(), CompileError> {
    Err(CompileError::Unsupported { inst, what })
}

/// Refuses `inst` when `value` takes more than one register.
fn require_word(ctx: Ctx, inst: Inst, value: Value) -> Result<(), CompileError> {
    match ctx.ty(value) {
        Type::I8 | Type::I16 | Type::I32 => Ok(()),
        Type::I64 => unsupported(inst, "an i64 operand"),
        Type::I128 => unsupported(inst, "an i128 operand"),
        Type::F32 | Type::F64 => unsupported(inst, "a floating-point operand"),
    }
}

/// Refuses `inst` when the target lacks `extension`.
fn require_extension(
    ctx: Ctx,
    inst: Inst,
    extension: Extension,
    what: &'static str,
) -> Result<(), CompileError> {
    if ctx.settings.extensions.contains(extension) {
        Ok(())
    } else {
        unsupported(inst, what)
    }
}

/// The operands of an instruction that has `N` of them.
fn operands<const N: usize>(ctx: Ctx, inst: Inst) -> [Value; N] {
    let mut args = ctx.func.dfg.inst_args(inst);
    core::array::from_fn(|_| args.next().expect("the instruction has its operands"))
}

/// The register with the one-word value `value`, or `zero` if that is what it is.
fn reg_or_zero(ctx: Ctx, value: Value) -> Reg {
    match ctx.as_constant(value) {
        Some(0) => zero_reg(),
        _ => ctx.put_in_reg(value),
    }
}

/// The constant `value`, if it fits the immediate of an instruction.
fn as_imm12(ctx: Ctx, value: Value) -> Option<Imm12> {
    imm12(ctx.as_constant(value)?)
}

fn imm12(value: i64) -> Option<Imm12> {
    Imm12::new(i32::try_from(value).ok()?).ok()
}

fn rrr(ctx: Ctx, op: Op, rd: Writable<Reg>, rs1: Reg, rs2: Reg) {
    ctx.emit(MInst::AluRRR { op, rd, rs1, rs2 });
}

fn rri(ctx: Ctx, op: Op, rd: Writable<Reg>, rs: Reg, imm: Imm12) {
    ctx.emit(MInst::AluRRImm12 { op, rd, rs, imm });
}

/// As [`rri`], with an immediate that is known to fit.
fn rri_const(ctx: Ctx, op: Op, rd: Writable<Reg>, rs: Reg, imm: i32) {
    let imm = Imm12::new(imm).expect("the immediate fits twelve bits");
    rri(ctx, op, rd, rs, imm);
}

/// Emits `op` into a fresh register.
fn rrr_temp(ctx: Ctx, op: Op, rs1: Reg, rs2: Reg) -> Reg {
    let rd = ctx.temp();
    rrr(ctx, op, rd, rs1, rs2);
    rd.to_reg()
}

/// Emits `op` into a fresh register, with an immediate that is known to fit.
fn rri_temp(ctx: Ctx, op: Op, rs: Reg, imm: i32) -> Reg {
    let rd = ctx.temp();
    rri_const(ctx, op, rd, rs, imm);
    rd.to_reg()
}

/// The data of a load or a store.
fn mem_parts(data: &InstructionData) -> (lpc_lpir::ir::MemFlags, i32) {
    match *data {
        InstructionData::Load { flags, offset, .. }
        | InstructionData::Store { flags, offset, .. } => (flags, offset.bytes()),
        ref other => unreachable!("{other:?} does not access memory with an offset"),
    }
}
