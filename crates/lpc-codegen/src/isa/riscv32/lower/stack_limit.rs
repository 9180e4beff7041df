//! The limit of the stack: the global value that a function names as its `stack_limit`.
//!
//! It is computed before the prologue, when the parameters are where the caller put them and nothing else is in any register
//! that a call may change. So there is one register to compute in, [`FRAME_TEMPORARY`], and no need to allocate it:
//!
//! ```text
//!  gv0 = vmctx                             mv t0, a0
//!  gv1 = load.i32 notrap aligned gv0+8     lw t0, 8(t0)
//!  gv2 = iadd_imm.i32 gv1, 64              addi t0, t0, 64
//!  stack_limit = gv2
//! ```

use super::Ctx;
use super::memory::symbol_offset;
use crate::backend::abi::AbiSlot;
use crate::backend::reg::{Reg, Writable};
use crate::error::{CompileError, UnsupportedFeature};
use crate::isa::riscv32::inst::{AMode, MInst};
use crate::isa::riscv32::regs::{FRAME_TEMPORARY, STACK_CHECK_TEMPORARY, stack_reg, x_reg};
use lpc_lpir::ir::{ArgumentPurpose, Endianness, GlobalValueData};
use lpc_riscv32::immediate::split_hi_lo;
use lpc_riscv32::{Imm12, Opcode as Op};

/// Appends the instructions that put the limit of the stack into [`FRAME_TEMPORARY`], the last one first, if the function names a limit:
/// a global value is met before the one that it is computed from. The verifier has refused cycles.
pub(super) fn lower_stack_limit(ctx: Ctx) {
    let mut next = ctx.func.stack_limit.expand();
    while let Some(global_value) = next {
        next = match &ctx.func.global_values[global_value] {
            GlobalValueData::VMContext => {
                vm_context(ctx);
                None
            }
            GlobalValueData::Symbol { name, offset, .. } => {
                if let Some(symbol) = symbol_offset(ctx, name, offset.bits() as i32) {
                    let rd = limit_reg();
                    ctx.emit(MInst::LoadSym { rd, symbol });
                }
                None
            }
            GlobalValueData::IAddImm { base, offset, .. } => {
                add(ctx, offset.bits() as i32);
                Some(*base)
            }
            GlobalValueData::Load {
                base,
                offset,
                flags,
                ..
            } => {
                if flags.explicit_endianness() == Some(Endianness::Big) {
                    ctx.fail(CompileError::StackLimit(UnsupportedFeature::BigEndianLoad));
                }
                load(ctx, limit_reg().to_reg(), offset.bytes());
                Some(*base)
            }
        };
    }
}

fn limit_reg() -> Writable<Reg> {
    Writable::from_reg(x_reg(FRAME_TEMPORARY))
}

/// The `vmctx` parameter, from where the caller has put it.
fn vm_context(ctx: Ctx) {
    let mut params = ctx.func.signature.params.iter().zip(ctx.abi.args());
    let (_, context) = params
        .find(|(param, _)| param.purpose == ArgumentPurpose::VMContext)
        .expect("the verifier has seen the parameter");
    match ctx.abi.slots(context)[0] {
        AbiSlot::Reg(preg) => ctx.emit(MInst::Mov {
            rd: limit_reg(),
            rs: preg.to_reg(),
        }),
        AbiSlot::Memory(offset) => load(ctx, stack_reg(), offset as i32),
    }
}

/// Loads the word at `offset` from `base`.
fn load(ctx: Ctx, base: Reg, offset: i32) {
    let near = Imm12::maybe(offset);
    let (_, low) = split_hi_lo(offset);
    let (from, offset_from) = match near {
        Some(near) => (base, near),
        None => (limit_reg().to_reg(), low),
    };
    ctx.emit(MInst::Load {
        op: Op::Lw,
        rd: limit_reg(),
        addr: AMode::RegOffset(from, offset_from),
        trap: None,
    });
    if near.is_none() {
        add_far(ctx, base, offset.wrapping_sub(low.get()));
    }
}

/// Adds `offset` to the limit.
fn add(ctx: Ctx, offset: i32) {
    match Imm12::maybe(offset) {
        Some(imm) => ctx.emit(MInst::AluRRImm12 {
            op: Op::Addi,
            rd: limit_reg(),
            rs: limit_reg().to_reg(),
            imm,
        }),
        None => add_far(ctx, limit_reg().to_reg(), offset),
    }
}

/// Makes the limit the sum of `base` and `offset`.
fn add_far(ctx: Ctx, base: Reg, offset: i32) {
    let temporary = x_reg(STACK_CHECK_TEMPORARY);
    ctx.emit(MInst::AluRRR {
        op: Op::Add,
        rd: limit_reg(),
        rs1: base,
        rs2: temporary,
    });
    ctx.emit(MInst::LoadConst32 {
        rd: Writable::from_reg(temporary),
        value: offset,
    });
}
