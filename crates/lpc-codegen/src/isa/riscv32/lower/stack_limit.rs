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
use crate::error::CompileError;
use crate::isa::riscv32::inst::{AMode, MInst};
use crate::isa::riscv32::regs::{FRAME_TEMPORARY, STACK_CHECK_TEMPORARY, stack_reg, x_reg};
use alloc::vec::Vec;
use lpc_lpir::ir::{ArgumentPurpose, Endianness, GlobalValue, GlobalValueData};
use lpc_riscv32::immediate::split_hi_lo;
use lpc_riscv32::{Imm12, Opcode as Op};

/// The instructions that put the limit of the stack into [`FRAME_TEMPORARY`], or none where the function names no limit.
pub(super) fn lower_stack_limit(ctx: Ctx) -> Vec<MInst> {
    let mut insts = Vec::new();
    let Some(limit) = ctx.func.stack_limit.expand() else {
        return insts;
    };
    for global_value in path_to(ctx, limit) {
        match &ctx.func.global_values[global_value] {
            GlobalValueData::VMContext => vm_context(ctx, &mut insts),
            GlobalValueData::Symbol { name, offset, .. } => {
                let offset = offset.bits() as i32;
                if let Some(symbol) = symbol_offset(ctx, name, offset) {
                    let rd = limit_reg();
                    ctx.heap().push(&mut insts, MInst::LoadSym { rd, symbol });
                }
            }
            GlobalValueData::IAddImm { offset, .. } => add(ctx, &mut insts, offset.bits() as i32),
            GlobalValueData::Load { offset, flags, .. } => {
                if flags.explicit_endianness() == Some(Endianness::Big) {
                    ctx.fail(CompileError::StackLimit("a big-endian load"));
                }
                load(ctx, &mut insts, limit_reg().to_reg(), offset.bytes());
            }
        }
    }
    insts
}

/// The global values that `limit` is computed from, the first one first. The verifier has refused cycles.
fn path_to(ctx: Ctx, limit: GlobalValue) -> Vec<GlobalValue> {
    let mut path = Vec::new();
    let mut next = Some(limit);
    while let Some(global_value) = next {
        ctx.heap().push(&mut path, global_value);
        next = match ctx.func.global_values[global_value] {
            GlobalValueData::Load { base, .. } | GlobalValueData::IAddImm { base, .. } => {
                Some(base)
            }
            GlobalValueData::VMContext | GlobalValueData::Symbol { .. } => None,
        };
    }
    path.reverse();
    path
}

fn limit_reg() -> Writable<Reg> {
    Writable::from_reg(x_reg(FRAME_TEMPORARY))
}

/// The `vmctx` parameter, from where the caller has put it.
fn vm_context(ctx: Ctx, insts: &mut Vec<MInst>) {
    let mut params = ctx.func.signature.params.iter().zip(ctx.abi.args());
    let (_, context) = params
        .find(|(param, _)| param.purpose == ArgumentPurpose::VMContext)
        .expect("the verifier has seen the parameter");
    match ctx.abi.slots(context)[0] {
        AbiSlot::Reg(preg) => {
            let copy = MInst::Mov {
                rd: limit_reg(),
                rs: preg.to_reg(),
            };
            ctx.heap().push(insts, copy);
        }
        AbiSlot::Memory(offset) => load(ctx, insts, stack_reg(), offset as i32),
    }
}

/// Loads the word at `offset` from `base`.
fn load(ctx: Ctx, insts: &mut Vec<MInst>, base: Reg, offset: i32) {
    let (base, offset) = match Imm12::maybe(offset) {
        Some(near) => (base, near),
        None => {
            let (_, low) = split_hi_lo(offset);
            add_far(ctx, insts, base, offset.wrapping_sub(low.get()));
            (limit_reg().to_reg(), low)
        }
    };
    let load = MInst::Load {
        op: Op::Lw,
        rd: limit_reg(),
        addr: AMode::RegOffset(base, offset),
        trap: None,
    };
    ctx.heap().push(insts, load);
}

/// Adds `offset` to the limit.
fn add(ctx: Ctx, insts: &mut Vec<MInst>, offset: i32) {
    match Imm12::maybe(offset) {
        Some(imm) => {
            let add = MInst::AluRRImm12 {
                op: Op::Addi,
                rd: limit_reg(),
                rs: limit_reg().to_reg(),
                imm,
            };
            ctx.heap().push(insts, add);
        }
        None => add_far(ctx, insts, limit_reg().to_reg(), offset),
    }
}

/// Makes the limit the sum of `base` and `offset`.
fn add_far(ctx: Ctx, insts: &mut Vec<MInst>, base: Reg, offset: i32) {
    let temporary = x_reg(STACK_CHECK_TEMPORARY);
    let constant = MInst::LoadConst32 {
        rd: Writable::from_reg(temporary),
        value: offset,
    };
    let sum = MInst::AluRRR {
        op: Op::Add,
        rd: limit_reg(),
        rs1: base,
        rs2: temporary,
    };
    for inst in [constant, sum] {
        ctx.heap().push(insts, inst);
    }
}
