//! Loads, stores and addresses.
//!
//! A wide value lies in memory with its low word first. Its words share the base register; each has its own offset.

use super::words::{Word, Words};
use super::{Ctx, LowerResult, operands, unsupported};
use crate::backend::abi::WORD_BYTES;
use crate::backend::frame::STACK_ALIGNMENT;
use crate::backend::lower::Lower;
use crate::backend::reg::Reg;
use crate::isa::riscv32::inst::{AMode, MInst, SymbolOffset};
use alloc::boxed::Box;
use lpc_lpir::ir::{
    Endianness, Inst, InstructionData, MemFlags, Opcode, StackSlot, TrapCode, Type, Value,
};
use lpc_riscv32::immediate::split_hi_lo;
use lpc_riscv32::{Imm12, Opcode as Op};

/// How many definitions the search for constants in an address looks through.
const MAX_ADDRESS_DEPTH: usize = 4;

/// The offset of the last byte of the widest access from its first.
const MAX_ACCESS_SPAN: i32 = 15;

/// What a load or a store says of its access.
struct Access {
    flags: MemFlags,
    offset: i32,
}

impl Access {
    /// The access of `inst`, in the order of bytes that the machine has.
    fn of(ctx: Ctx, inst: Inst) -> Result<Self, crate::error::CompileError> {
        let (flags, offset) = match *ctx.data(inst) {
            InstructionData::Load { flags, offset, .. }
            | InstructionData::Store { flags, offset, .. } => (flags, offset.bytes()),
            ref data => unreachable!("{data:?} does not access memory with an offset"),
        };
        if flags.explicit_endianness() == Some(Endianness::Big) {
            unsupported(inst, "a big-endian memory access")?;
        }
        Ok(Self { flags, offset })
    }
}

pub(super) fn lower_load(ctx: Ctx, inst: Inst) -> LowerResult {
    use Opcode::*;
    let result = ctx.result(inst);
    let access = Access::of(ctx, inst)?;
    let [base] = operands(ctx, inst);
    let needed = ctx.needed_words(result);
    let address = ctx.address(base, access.offset);
    let trap = access.flags.trap_code();
    let (op, extension) = match (ctx.data(inst).opcode(), ctx.ty(result)) {
        (Load, Type::I8) => (Op::Lbu, None),
        (Load, Type::I16) => (Op::Lhu, None),
        (Load, _) => (Op::Lw, None),
        (Uload8, _) => (Op::Lbu, Some(Word::ZERO)),
        (Uload16, _) => (Op::Lhu, Some(Word::ZERO)),
        (Sload8, _) => (Op::Lb, None),
        (Sload16, _) => (Op::Lh, None),
        (Uload32, _) => (Op::Lw, Some(Word::ZERO)),
        _ => (Op::Lw, None),
    };
    if ctx.data(inst).opcode() == Load {
        for index in 0..needed {
            if ctx.is_word_needed(result, index) {
                let word = ctx.load(op, address.word(index), trap);
                ctx.define_word(result, index, word);
            }
        }
        return Ok(());
    }
    let low = ctx.load(op, address.word(0), trap);
    let high = match extension {
        Some(word) => word,
        None if needed > 1 => ctx.sign(low),
        None => Word::ZERO,
    };
    let words = Words::from_fn(needed, |index| if index == 0 { low } else { high });
    ctx.define(result, &words);
    Ok(())
}

pub(super) fn lower_store(ctx: Ctx, inst: Inst) -> LowerResult {
    use Opcode::*;
    let [value, base] = operands(ctx, inst);
    let access = Access::of(ctx, inst)?;
    let opcode = ctx.data(inst).opcode();
    let op = match (opcode, ctx.ty(value)) {
        (Istore8, _) | (Store, Type::I8) => Op::Sb,
        (Istore16, _) | (Store, Type::I16) => Op::Sh,
        _ => Op::Sw,
    };
    let words = match opcode {
        Store => ctx.words(value),
        _ => ctx.low_words(value, 1),
    };
    let address = ctx.address(base, access.offset);
    for (index, &word) in words.iter().enumerate() {
        let src = ctx.reg(word);
        ctx.emit(MInst::Store {
            op,
            src,
            addr: address.word(index),
            trap: access.flags.trap_code(),
        });
    }
    Ok(())
}

/// An address at which up to four words lie one after the other.
#[derive(Clone, Copy)]
enum Address {
    /// So many bytes above a register. The last word is in reach too.
    Register(Reg, i32),
    /// So many bytes above the start of the stack slots.
    Slot(i32),
}

impl Address {
    /// The address of the word number `index`.
    fn word(self, index: usize) -> AMode {
        let distance = index as i32 * WORD_BYTES as i32;
        match self {
            Self::Register(base, offset) => {
                let addr = AMode::reg_offset(base, offset + distance);
                addr.expect("the offsets of all words fit an instruction")
            }
            Self::Slot(offset) => AMode::SlotOffset(offset + distance),
        }
    }
}

/// Whether an access of any width at `offset` from a register has immediates for all its words.
fn is_in_reach(offset: i32) -> bool {
    let last = offset.checked_add(MAX_ACCESS_SPAN);
    Imm12::new(offset).is_ok() && last.is_some_and(|last| Imm12::new(last).is_ok())
}

impl Lower<'_, MInst> {
    fn load(&mut self, op: Op, addr: AMode, trap: Option<TrapCode>) -> Word {
        let rd = self.temp();
        self.emit(MInst::Load { op, rd, addr, trap });
        Word::Reg(rd.to_reg())
    }

    /// The address `base + offset`, with what is constant of `base` added to the offset.
    fn address(&mut self, base: Value, offset: i32) -> Address {
        let (base, offset) = self.split_constant(base, offset);
        if let Some(offset) = self.slot_address(base, offset) {
            return Address::Slot(offset);
        }
        let base = self.word(base, 0);
        match base {
            Word::Const(base) => self.near(Word::ZERO, base.wrapping_add(offset)),
            Word::Reg(_) => self.near(base, offset),
        }
    }

    /// `base + offset`, with what does not fit an immediate added to the register.
    fn near(&mut self, base: Word, offset: i32) -> Address {
        if is_in_reach(offset) {
            return Address::Register(self.reg(base), offset);
        }
        let (high, low) = split_hi_lo(offset);
        let (high, low) = match is_in_reach(low.get()) {
            true => (high.get() << 12, low.get()),
            false => (offset, 0),
        };
        let sum = self.add(base, Word::Const(high));
        Address::Register(self.reg(sum), low)
    }

    /// The distance of `base + offset` from the start of the stack slots, if `base` is the address of a stack slot.
    fn slot_address(&mut self, base: Value, offset: i32) -> Option<i32> {
        let inst = self.def_with_opcode(base, Opcode::StackAddr)?;
        let (slot, slot_offset) = stack_addr_parts(self, inst);
        if is_overaligned(self, slot) {
            return None;
        }
        let start = self.slot_offset(slot) as i32;
        let total = start.checked_add(slot_offset)?.checked_add(offset)?;
        total.checked_add(MAX_ACCESS_SPAN)?;
        Some(total)
    }

    /// Takes additions of constants off `base`, as long as the sum is in reach or `base` becomes a stack slot.
    fn split_constant(&mut self, base: Value, offset: i32) -> (Value, i32) {
        let mut best = (base, offset);
        let (mut base, mut offset) = best;
        for _ in 0..MAX_ADDRESS_DEPTH {
            let Some((rest, constant)) = self.as_sum_with_constant(base) else {
                break;
            };
            (base, offset) = (rest, offset.wrapping_add(constant));
            let is_slot = self.def_with_opcode(base, Opcode::StackAddr).is_some();
            if is_slot || is_in_reach(offset) {
                best = (base, offset);
            }
        }
        best
    }

    fn as_sum_with_constant(&mut self, value: Value) -> Option<(Value, i32)> {
        let inst = self.def_with_opcode(value, Opcode::Iadd)?;
        let [x, y] = operands(self, inst);
        [(x, y), (y, x)]
            .into_iter()
            .find_map(|(x, y)| Some((x, self.as_constant(y)? as i32)))
    }
}

/// The address `base + offset`, for an offset of any size.
pub(super) fn add_offset(ctx: Ctx, base: Reg, offset: i32) -> AMode {
    ctx.near(Word::Reg(base), offset).word(0)
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
    1 << ctx.func.stack_slots[slot].align_shift.min(63)
}

/// Whether the address of `slot` is not a constant distance from the stack pointer.
fn is_overaligned(ctx: Ctx, slot: StackSlot) -> bool {
    alignment(ctx, slot) > STACK_ALIGNMENT.into()
}

pub(super) fn lower_stack_addr(ctx: Ctx, inst: Inst) -> LowerResult {
    let (slot, offset) = stack_addr_parts(ctx, inst);
    let start = ctx.slot_offset(slot) as i32;
    let result = ctx.result(inst);
    let word = if is_overaligned(ctx, slot) {
        let aligned = ctx.overaligned_start(slot);
        ctx.add(aligned, Word::Const(offset))
    } else {
        let Some(offset) = start.checked_add(offset) else {
            return unsupported(inst, "an address so far from its stack slot");
        };
        ctx.load_address(AMode::SlotOffset(offset))
    };
    ctx.define(result, &[word]);
    Ok(())
}

impl Lower<'_, MInst> {
    fn load_address(&mut self, addr: AMode) -> Word {
        let rd = self.temp();
        self.emit(MInst::LoadAddr { rd, addr });
        Word::Reg(rd.to_reg())
    }

    /// The first multiple of the slot's alignment in its memory, which has the room.
    fn overaligned_start(&mut self, slot: StackSlot) -> Word {
        let align = alignment(self, slot);
        let room = (align - u64::from(STACK_ALIGNMENT)) as i32;
        let last = AMode::SlotOffset(self.slot_offset(slot) as i32 + room);
        let last = self.load_address(last);
        self.and(last, Word::Const((align as i32).wrapping_neg()))
    }
}

pub(super) fn lower_func_addr(ctx: Ctx, inst: Inst) -> LowerResult {
    let InstructionData::FuncAddr { func_ref, .. } = *ctx.data(inst) else {
        unreachable!("a function address names a function");
    };
    let rd = ctx.temp();
    ctx.emit(MInst::LoadSym {
        rd,
        symbol: Box::new(SymbolOffset {
            name: ctx.func.dfg.ext_funcs[func_ref].name.clone(),
            offset: 0,
        }),
    });
    let result = ctx.result(inst);
    ctx.define(result, &[Word::Reg(rd.to_reg())]);
    Ok(())
}
