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
use crate::backend::abi::AbiSlot;
use crate::backend::reg::{Reg, Writable};
use crate::error::CompileError;
use crate::isa::riscv32::inst::{AMode, MInst, SymbolOffset};
use crate::isa::riscv32::regs::{FRAME_TEMPORARY, STACK_CHECK_TEMPORARY, stack_reg, x_reg};
use alloc::boxed::Box;
use alloc::vec::Vec;
use lpc_lpir::ir::{ArgumentPurpose, Endianness, GlobalValue, GlobalValueData};
use lpc_riscv32::immediate::split_hi_lo;
use lpc_riscv32::{Imm12, Opcode as Op};

/// The instructions that put the limit of the stack into [`FRAME_TEMPORARY`], or none where the function names no limit.
pub(super) fn lower_stack_limit(ctx: Ctx) -> Result<Vec<MInst>, CompileError> {
    let mut insts = Vec::new();
    let Some(limit) = ctx.func.stack_limit.expand() else {
        return Ok(insts);
    };
    for global_value in path_to(ctx, limit) {
        match &ctx.func.global_values[global_value] {
            GlobalValueData::VMContext => vm_context(ctx, &mut insts),
            GlobalValueData::Symbol { name, offset, .. } => insts.push(MInst::LoadSym {
                rd: limit_reg(),
                symbol: Box::new(SymbolOffset {
                    name: name.clone(),
                    offset: offset.bits() as i32,
                }),
            }),
            GlobalValueData::IAddImm { offset, .. } => add(&mut insts, offset.bits() as i32),
            GlobalValueData::Load { offset, flags, .. } => {
                if flags.explicit_endianness() == Some(Endianness::Big) {
                    return Err(CompileError::StackLimit("a big-endian load"));
                }
                load(&mut insts, limit_reg().to_reg(), offset.bytes());
            }
        }
    }
    Ok(insts)
}

/// The global values that `limit` is computed from, the first one first. The verifier has refused cycles.
fn path_to(ctx: Ctx, limit: GlobalValue) -> Vec<GlobalValue> {
    let mut path = Vec::new();
    let mut next = Some(limit);
    while let Some(global_value) = next {
        path.push(global_value);
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
        AbiSlot::Reg(preg) => insts.push(MInst::Mov {
            rd: limit_reg(),
            rs: preg.to_reg(),
        }),
        AbiSlot::Memory(offset) => load(insts, stack_reg(), offset as i32),
    }
}

/// Loads the word at `offset` from `base`.
fn load(insts: &mut Vec<MInst>, base: Reg, offset: i32) {
    let (base, offset) = match Imm12::new(offset) {
        Ok(near) => (base, near),
        Err(_) => {
            let (_, low) = split_hi_lo(offset);
            add_far(insts, base, offset.wrapping_sub(low.get()));
            (limit_reg().to_reg(), low)
        }
    };
    insts.push(MInst::Load {
        op: Op::Lw,
        rd: limit_reg(),
        addr: AMode::RegOffset(base, offset),
        trap: None,
    });
}

/// Adds `offset` to the limit.
fn add(insts: &mut Vec<MInst>, offset: i32) {
    match Imm12::new(offset) {
        Ok(imm) => insts.push(MInst::AluRRImm12 {
            op: Op::Addi,
            rd: limit_reg(),
            rs: limit_reg().to_reg(),
            imm,
        }),
        Err(_) => add_far(insts, limit_reg().to_reg(), offset),
    }
}

/// Makes the limit the sum of `base` and `offset`.
fn add_far(insts: &mut Vec<MInst>, base: Reg, offset: i32) {
    let temporary = x_reg(STACK_CHECK_TEMPORARY);
    insts.push(MInst::LoadConst32 {
        rd: Writable::from_reg(temporary),
        value: offset,
    });
    insts.push(MInst::AluRRR {
        op: Op::Add,
        rd: limit_reg(),
        rs1: base,
        rs2: temporary,
    });
}
