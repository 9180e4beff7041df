//! Loads, stores and addresses.

use super::{Ctx, imm12, mem_parts, operands, reg_or_zero, require_word, rri, rrr, unsupported};
use crate::backend::frame::STACK_ALIGNMENT;
use crate::backend::reg::{Reg, Writable};
use crate::error::CompileError;
use crate::isa::riscv32::inst::{AMode, MInst, SymbolOffset};
use alloc::boxed::Box;
use lpc_lpir::ir::{Endianness, Inst, InstructionData, MemFlags, Opcode, StackSlot, Type, Value};
use lpc_riscv32::immediate::split_hi_lo;
use lpc_riscv32::{Imm12, Opcode as Op};

/// How many definitions the search for constants in an address looks through.
const MAX_ADDRESS_DEPTH: usize = 4;

pub(super) fn lower_load(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let result = ctx.result(inst);
    require_word(ctx, inst, result)?;
    let data = ctx.data(inst);
    let (flags, offset) = mem_parts(data);
    let op = match (data.opcode(), ctx.ty(result)) {
        (Opcode::Load, Type::I8) | (Opcode::Uload8, _) => Op::Lbu,
        (Opcode::Load, Type::I16) | (Opcode::Uload16, _) => Op::Lhu,
        (Opcode::Sload8, _) => Op::Lb,
        (Opcode::Sload16, _) => Op::Lh,
        _ => Op::Lw,
    };
    require_little_endian(inst, flags)?;
    let [base] = operands(ctx, inst);
    let addr = address(ctx, base, offset);
    let rd = ctx.output_reg(result);
    ctx.emit(MInst::Load {
        op,
        rd,
        addr,
        trap: flags.trap_code(),
    });
    Ok(())
}

pub(super) fn lower_store(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let [value, base] = operands(ctx, inst);
    require_word(ctx, inst, value)?;
    let data = ctx.data(inst);
    let (flags, offset) = mem_parts(data);
    let op = match (data.opcode(), ctx.ty(value)) {
        (Opcode::Istore8, _) | (Opcode::Store, Type::I8) => Op::Sb,
        (Opcode::Istore16, _) | (Opcode::Store, Type::I16) => Op::Sh,
        _ => Op::Sw,
    };
    require_little_endian(inst, flags)?;
    let src = reg_or_zero(ctx, value);
    let addr = address(ctx, base, offset);
    ctx.emit(MInst::Store {
        op,
        src,
        addr,
        trap: flags.trap_code(),
    });
    Ok(())
}

fn require_little_endian(inst: Inst, flags: MemFlags) -> Result<(), CompileError> {
    match flags.explicit_endianness() {
        Some(Endianness::Big) => unsupported(inst, "a big-endian memory access"),
        _ => Ok(()),
    }
}

/// The address `base + offset`, with what is constant of `base` added to the offset.
fn address(ctx: Ctx, base: Value, offset: i32) -> AMode {
    let (base, offset) = split_constant(ctx, base, offset);
    if let Some(inst) = ctx.def_with_opcode(base, Opcode::StackAddr) {
        let (slot, slot_offset) = stack_addr_parts(ctx, inst);
        if !is_overaligned(ctx, slot)
            && let Some(offset) = slot_offset.checked_add(offset)
            && let Some(offset) = offset.checked_add(ctx.slot_offset(slot) as i32)
        {
            return AMode::SlotOffset(offset);
        }
    }
    let base = reg_or_zero(ctx, base);
    add_offset(ctx, base, offset)
}

/// The address `base + offset`, for an offset of any size.
pub(super) fn add_offset(ctx: Ctx, base: Reg, offset: i32) -> AMode {
    if let Some(addr) = AMode::reg_offset(base, offset) {
        return addr;
    }
    let (high, low) = split_hi_lo(offset);
    let upper = ctx.temp();
    ctx.emit(MInst::Lui {
        rd: upper,
        imm: high,
    });
    let sum = ctx.temp();
    rrr(ctx, Op::Add, sum, upper.to_reg(), base);
    AMode::RegOffset(sum.to_reg(), low)
}

/// Takes additions of constants off `base`, as long as the sum fits an instruction or `base` becomes a stack slot.
fn split_constant(ctx: Ctx, base: Value, offset: i32) -> (Value, i32) {
    let mut best = (base, offset);
    let (mut base, mut offset) = best;
    for _ in 0..MAX_ADDRESS_DEPTH {
        let Some((rest, constant)) = as_add_of_constant(ctx, base) else {
            break;
        };
        (base, offset) = (rest, offset.wrapping_add(constant));
        let is_slot = ctx.def_with_opcode(base, Opcode::StackAddr).is_some();
        if is_slot || imm12(offset.into()).is_some() {
            best = (base, offset);
        }
    }
    best
}

fn as_add_of_constant(ctx: Ctx, value: Value) -> Option<(Value, i32)> {
    let inst = ctx.def_with_opcode(value, Opcode::Iadd)?;
    let [x, y] = operands(ctx, inst);
    [(x, y), (y, x)]
        .into_iter()
        .find_map(|(x, y)| Some((x, ctx.as_constant(y)? as i32)))
}

fn stack_addr_parts(ctx: Ctx, inst: Inst) -> (StackSlot, i32) {
    match *ctx.data(inst) {
        InstructionData::StackAddr {
            stack_slot, offset, ..
        } => (stack_slot, offset.bytes()),
        ref data => unreachable!("{data:?} is not a stack address"),
    }
}

/// The alignment of a stack slot in bytes.
fn alignment(ctx: Ctx, slot: StackSlot) -> u64 {
    1 << ctx.func.stack_slots[slot].align_shift
}

/// Whether the address of `slot` is not a constant distance from the stack pointer.
fn is_overaligned(ctx: Ctx, slot: StackSlot) -> bool {
    alignment(ctx, slot) > STACK_ALIGNMENT.into()
}

pub(super) fn lower_stack_addr(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let (slot, offset) = stack_addr_parts(ctx, inst);
    let start = ctx.slot_offset(slot) as i32;
    let result = ctx.result(inst);
    let rd = ctx.output_reg(result);
    if is_overaligned(ctx, slot) {
        lower_overaligned_addr(ctx, rd, slot, offset);
        return Ok(());
    }
    let Some(offset) = start.checked_add(offset) else {
        return unsupported(inst, "an address so far from its stack slot");
    };
    ctx.emit(MInst::LoadAddr {
        rd,
        addr: AMode::SlotOffset(offset),
    });
    Ok(())
}

/// The memory of the slot is aligned to [`STACK_ALIGNMENT`] and has room to round its start up.
fn lower_overaligned_addr(ctx: Ctx, rd: Writable<Reg>, slot: StackSlot, offset: i32) {
    let align = alignment(ctx, slot);
    let room = (align - u64::from(STACK_ALIGNMENT)) as i32;
    let last = ctx.temp();
    ctx.emit(MInst::LoadAddr {
        rd: last,
        addr: AMode::SlotOffset(ctx.slot_offset(slot) as i32 + room),
    });
    let start = ctx.temp();
    let mask = (align as i32).wrapping_neg();
    match Imm12::new(mask) {
        Ok(mask) => rri(ctx, Op::Andi, start, last.to_reg(), mask),
        Err(_) => {
            let reg = ctx.temp();
            ctx.emit(MInst::LoadConst32 {
                rd: reg,
                value: mask,
            });
            rrr(ctx, Op::And, start, last.to_reg(), reg.to_reg());
        }
    }
    match add_offset(ctx, start.to_reg(), offset) {
        AMode::RegOffset(base, low) => rri(ctx, Op::Addi, rd, base, low),
        _ => unreachable!("a register with an offset"),
    }
}

pub(super) fn lower_func_addr(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let InstructionData::FuncAddr { func_ref, .. } = *ctx.data(inst) else {
        unreachable!("a function address names a function");
    };
    let result = ctx.result(inst);
    let rd = ctx.output_reg(result);
    ctx.emit(MInst::LoadSym {
        rd,
        symbol: Box::new(SymbolOffset {
            name: ctx.func.dfg.ext_funcs[func_ref].name.clone(),
            offset: 0,
        }),
    });
    Ok(())
}
