//! Loads, stores and addresses.
//!
//! A wide value lies in memory with its low word first. Its words share the base register; each has its own offset.

use super::call::NO_NAME;
use super::narrow::Extend;
use super::words::{Word, Words, num_words};
use super::{Ctx, operands};
use crate::backend::abi::WORD_BYTES;
use crate::backend::frame::STACK_ALIGNMENT;
use crate::backend::lower::{Lower, slot_alignment};
use crate::backend::reg::Reg;
use crate::error::UnsupportedFeature;
use crate::isa::riscv32::inst::{AMode, MInst, SymbolOffset};
use crate::isa::riscv32::regs::{fp_reg, stack_reg};
use lpc_lpir::heap::Boxed;
use lpc_lpir::ir::{
    Endianness, ExternalName, GlobalValueData, Inst, InstructionData, MemFlags, Opcode, StackSlot,
    Type, Value,
};
use lpc_riscv32::immediate::split_hi_lo;
use lpc_riscv32::{Imm12, Opcode as Op};

/// How many definitions the search for constants in an address looks through.
const MAX_ADDRESS_DEPTH: usize = 4;

/// The offset of the last word of the widest access from its first.
const MAX_ACCESS_SPAN: i32 = 12;

/// What a load or a store says of its access.
struct Access {
    flags: MemFlags,
    offset: i32,
    /// The bytes that are accessed.
    bytes: u32,
}

impl Access {
    /// The access of `inst`, which loads or stores a value of type `ty`.
    fn of(ctx: Ctx, inst: Inst, ty: Type) -> Self {
        let (opcode, flags, offset) = match *ctx.data(inst) {
            InstructionData::Load {
                opcode,
                flags,
                offset,
                ..
            }
            | InstructionData::Store {
                opcode,
                flags,
                offset,
                ..
            } => (opcode, flags, offset.bytes()),
            InstructionData::LoadNoOffset { opcode, flags, .. }
            | InstructionData::StoreNoOffset { opcode, flags, .. } => (opcode, flags, 0),
            ref data => unreachable!("{data:?} does not access memory"),
        };
        Self {
            flags,
            offset,
            bytes: opcode.accessed_bytes(ty),
        }
    }

    /// The offset of the last word from the first.
    fn span(&self) -> i32 {
        (self.words() as i32 - 1) * WORD_BYTES as i32
    }

    /// The number of words that are accessed.
    fn words(&self) -> usize {
        self.bytes.div_ceil(WORD_BYTES) as usize
    }

    /// Where the word number `index` lies: at that number, unless the highest word comes first.
    fn place_of(&self, index: usize) -> usize {
        match self.is_big_endian() {
            true => self.words() - 1 - index,
            false => index,
        }
    }

    fn is_big_endian(&self) -> bool {
        self.flags.explicit_endianness() == Some(Endianness::Big)
    }
}

pub(super) fn lower_load(ctx: Ctx, inst: Inst) {
    use Opcode::*;
    let result = ctx.result(inst);
    let access = Access::of(ctx, inst, ctx.ty(result));
    let [base] = operands(ctx, inst);
    let address = ctx.address(base, access.offset, access.span());
    let is_signed = matches!(ctx.data(inst).opcode(), Sload8 | Sload16 | Sload32);
    // An access that may trap does so wherever it touches memory, needed or not.
    let loads_all = access.flags.trap_code().is_some() || !ctx.settings.optimizes();
    let needed = match ctx.settings.optimizes() {
        true => ctx.needed_words(result),
        false => num_words(ctx.ty(result)),
    };
    let loaded = match loads_all {
        true => access.words(),
        false => needed.min(access.words()),
    };
    let mut last = Word::ZERO;
    for index in 0..loaded {
        let is_extended_from = is_signed && index + 1 == loaded;
        if loads_all || is_extended_from || ctx.is_word_needed(result, index) {
            last = ctx.load_word(&access, address, index, is_signed);
            ctx.define_needed_word(result, index, last);
        }
    }
    let fill = match is_signed && needed > loaded {
        true => ctx.sign(last),
        false => Word::ZERO,
    };
    for index in loaded..needed {
        ctx.define_needed_word(result, index, fill);
    }
}

pub(super) fn lower_store(ctx: Ctx, inst: Inst) {
    let [value, base] = operands(ctx, inst);
    let access = Access::of(ctx, inst, ctx.ty(value));
    let words = ctx.low_words(value, access.words());
    let address = ctx.address(base, access.offset, access.span());
    ctx.store_place(&Place { access, address }, &words);
}

/// Memory that holds the words of a value.
pub(super) struct Place {
    access: Access,
    address: Address,
}

impl Lower<'_, MInst> {
    /// The memory at `base` that holds a whole value of type `ty`.
    pub(super) fn place(&mut self, base: Value, flags: MemFlags, ty: Type) -> Place {
        let access = Access {
            flags,
            offset: 0,
            bytes: ty.bytes(),
        };
        let address = self.address(base, 0, access.span());
        Place { access, address }
    }

    /// Loads the words that are there. One that is narrower is zero-extended.
    pub(super) fn load_place(&mut self, place: &Place) -> Words {
        let Place { access, address } = place;
        Words::from_fn(access.words(), |index| {
            self.load_word(access, *address, index, false)
        })
    }

    /// Stores `words` there, or as much of them as there is room for.
    pub(super) fn store_place(&mut self, place: &Place, words: &[Word]) {
        for (index, &word) in words.iter().enumerate() {
            self.store_word(&place.access, place.address, index, word);
        }
    }
}

impl Lower<'_, MInst> {
    /// Loads the word number `index` of what is accessed, or the part of a word that it is, extended.
    fn load_word(
        &mut self,
        access: &Access,
        address: Address,
        index: usize,
        is_signed: bool,
    ) -> Word {
        let op = match (access.bytes, is_signed) {
            (1, false) => Op::Lbu,
            (1, true) => Op::Lb,
            (2, false) => Op::Lhu,
            (2, true) => Op::Lh,
            _ => Op::Lw,
        };
        let rd = self.temp();
        self.emit(MInst::Load {
            op,
            rd,
            addr: address.word(access.place_of(index)),
            trap: access.flags.trap_code(),
        });
        let word = Word::Reg(rd.to_reg());
        if !access.is_big_endian() {
            return word;
        }
        if access.bytes == 2 && !is_signed && self.settings.optimizes() {
            return self.swap_loaded_halfword(word);
        }
        let swapped = self.swap_accessed_bytes(access, word);
        match access.bytes {
            2 if is_signed => self.extend(swapped, Type::I16, Extend::Sign),
            2 => self.extend(swapped, Type::I16, Extend::Zero),
            _ => swapped,
        }
    }

    /// The two bytes of a zero-extended halfword in the opposite order, zero-extended.
    fn swap_loaded_halfword(&mut self, word: Word) -> Word {
        let swapped = self.swap_two_bytes_of_zero_extended(word);
        match self.has_rotations_and_complements() {
            true => swapped,
            false => self.extend(swapped, Type::I16, Extend::Zero),
        }
    }

    /// Stores `word` as the word number `index` of what is accessed, or the part of it that is.
    fn store_word(&mut self, access: &Access, address: Address, index: usize, word: Word) {
        let op = match access.bytes {
            1 => Op::Sb,
            2 => Op::Sh,
            _ => Op::Sw,
        };
        let word = match access.is_big_endian() {
            true => self.swap_accessed_bytes(access, word),
            false => word,
        };
        let src = self.reg(word);
        self.emit(MInst::Store {
            op,
            src,
            addr: address.word(access.place_of(index)),
            trap: access.flags.trap_code(),
        });
    }

    /// The bytes of a word that is accessed, in the opposite order.
    fn swap_accessed_bytes(&mut self, access: &Access, word: Word) -> Word {
        match access.bytes {
            1 => word,
            2 => self.swap_two_bytes(word),
            _ => self.swap_bytes(word),
        }
    }
}

/// An address at which words lie one after the other.
#[derive(Clone, Copy)]
enum Address {
    /// So many bytes above a register. All words are in reach.
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

/// Whether words at `offset` from a register, and so on up to `offset + span`, have offsets that are immediates.
fn is_in_reach(offset: i32, span: i32) -> bool {
    Imm12::RANGE.contains(offset) && Imm12::RANGE.contains(offset.wrapping_add(span))
}

/// `offset` as the sum of what is added to the register and a rest from which `span` bytes are in reach.
fn split_offset(offset: i32, span: i32) -> (i32, i32) {
    if let Some(parts) = split_small_offset(offset, span) {
        return parts;
    }
    let (high, low) = split_hi_lo(offset);
    match is_in_reach(low.get(), span) {
        true => (high.get() << 12, low.get()),
        false => (offset, 0),
    }
}

/// `offset` as the sum of an immediate and a rest from which `span` bytes are in reach.
fn split_small_offset(offset: i32, span: i32) -> Option<(i32, i32)> {
    let part = if offset < 0 { -2048 } else { 2047 };
    let rest = offset.checked_sub(part)?;
    is_in_reach(rest, span).then_some((part, rest))
}

impl Lower<'_, MInst> {
    /// The address `base + offset`, from which `span` bytes are in reach.
    fn address(&mut self, base: Value, offset: i32, span: i32) -> Address {
        if self.settings.optimizes() {
            return self.folded_address(base, offset, span);
        }
        let base = self.word(base, 0);
        self.near(base, offset, span)
    }

    /// As [`Self::address`], with what is constant of `base` added to the offset.
    fn folded_address(&mut self, base: Value, offset: i32, span: i32) -> Address {
        let (base, offset) = self.split_constant(base, offset, span);
        if let Some(offset) = self.slot_address(base, offset) {
            return Address::Slot(offset);
        }
        let base = self.word(base, 0);
        match base {
            Word::Const(base) => self.near(Word::ZERO, base.wrapping_add(offset), span),
            Word::Reg(_) => self.near(base, offset, span),
        }
    }

    /// `base + offset`, with what does not fit the immediates of all words up to `offset + span` added to the register.
    fn near(&mut self, base: Word, offset: i32, span: i32) -> Address {
        if is_in_reach(offset, span) {
            return Address::Register(self.reg(base), offset);
        }
        let (high, low) = match self.settings.optimizes() {
            true => split_offset(offset, span),
            false => (offset, 0),
        };
        let sum = self.add(base, Word::Const(high));
        Address::Register(self.reg(sum), low)
    }

    /// The distance of `base + offset` from the start of the stack slots, if `base` is the address of a stack slot and the sum
    /// is in there. Other sums are computed: a store that is farther away than the frame is large would need the register that
    /// only functions with large frames save.
    fn slot_address(&mut self, base: Value, offset: i32) -> Option<i32> {
        let inst = self.def_with_opcode(base, Opcode::StackAddr)?;
        let (slot, slot_offset) = stack_addr_parts(self, inst);
        if is_overaligned(self, slot) {
            return None;
        }
        let in_slot = slot_offset.checked_add(offset)?;
        let size = i32::try_from(self.func.stack_slots[slot].size).ok()?;
        let start = i32::try_from(self.slot_offset(slot)).ok()?;
        let total = start.checked_add(in_slot)?;
        total.checked_add(MAX_ACCESS_SPAN)?;
        (0..=size).contains(&in_slot).then_some(total)
    }

    /// Takes additions of constants off `base`, as long as the sum is in reach or `base` becomes a stack slot.
    fn split_constant(&mut self, base: Value, offset: i32, span: i32) -> (Value, i32) {
        let mut best = (base, offset);
        let (mut base, mut offset) = best;
        for _ in 0..MAX_ADDRESS_DEPTH {
            let Some((rest, constant)) = self.as_sum_with_constant(base) else {
                break;
            };
            (base, offset) = (rest, offset.wrapping_add(constant));
            let is_slot = self.def_with_opcode(base, Opcode::StackAddr).is_some();
            if is_slot || is_in_reach(offset, span) {
                best = (base, offset);
            }
        }
        best
    }

    fn as_sum_with_constant(&mut self, value: Value) -> Option<(Value, i32)> {
        let inst = self.def_with_opcode(value, Opcode::Iadd)?;
        let [x, y] = operands(self, inst);
        match self.as_constant(y) {
            Some(constant) => Some((x, constant as i32)),
            None => Some((y, self.as_constant(x)? as i32)),
        }
    }
}

/// The address `base + offset`, for an offset of any size.
pub(super) fn add_offset(ctx: Ctx, base: Reg, offset: i32) -> AMode {
    ctx.near(Word::Reg(base), offset, 0).word(0)
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
fn alignment(ctx: Ctx, slot: StackSlot) -> u32 {
    slot_alignment(&ctx.func.stack_slots[slot])
}

/// Whether the address of `slot` is not a constant distance from the stack pointer.
fn is_overaligned(ctx: Ctx, slot: StackSlot) -> bool {
    alignment(ctx, slot) > STACK_ALIGNMENT
}

pub(super) fn lower_stack_addr(ctx: Ctx, inst: Inst) {
    let (slot, offset) = stack_addr_parts(ctx, inst);
    let start = ctx.slot_offset(slot) as i32;
    let result = ctx.result(inst);
    let word = if is_overaligned(ctx, slot) {
        let aligned = ctx.overaligned_start(slot);
        ctx.add(aligned, Word::Const(offset))
    } else {
        let Some(offset) = start.checked_add(offset) else {
            return ctx.refuse(inst, UnsupportedFeature::FarStackAddress);
        };
        ctx.load_address(AMode::SlotOffset(offset))
    };
    ctx.define(result, &[word]);
}

impl Lower<'_, MInst> {
    pub(super) fn load_address(&mut self, addr: AMode) -> Word {
        let rd = self.temp();
        self.emit(MInst::LoadAddr { rd, addr });
        Word::Reg(rd.to_reg())
    }

    /// The first multiple of the slot's alignment in its memory, which has the room.
    fn overaligned_start(&mut self, slot: StackSlot) -> Word {
        let align = alignment(self, slot);
        let room = (align - STACK_ALIGNMENT) as i32;
        let last = AMode::SlotOffset(self.slot_offset(slot) as i32 + room);
        let last = self.load_address(last);
        self.and(last, Word::Const((align as i32).wrapping_neg()))
    }
}

/// `func_addr` and `symbol_value`.
pub(super) fn lower_symbol_addr(ctx: Ctx, inst: Inst) {
    let (name, offset) = match *ctx.data(inst) {
        InstructionData::FuncAddr { func_ref, .. } => (&ctx.func.dfg.ext_funcs[func_ref].name, 0),
        InstructionData::UnaryGlobalValue { global_value, .. } => {
            match &ctx.func.global_values[global_value] {
                GlobalValueData::Symbol { name, offset, .. } => (name, offset.bits() as i32),
                _ => return ctx.refuse(inst, UnsupportedFeature::AddressOfNoSymbol),
            }
        }
        ref data => unreachable!("{data:?} does not name a symbol"),
    };
    let rd = ctx.temp();
    if let Some(symbol) = symbol_offset(ctx, name, offset) {
        ctx.emit(MInst::LoadSym { rd, symbol });
    }
    let result = ctx.result(inst);
    ctx.define(result, &[Word::Reg(rd.to_reg())]);
}

/// The address `offset` behind the symbol `name`, as instructions hold it, where there is memory for it.
pub(super) fn symbol_offset(
    ctx: Ctx,
    name: &ExternalName,
    offset: i32,
) -> Option<Boxed<SymbolOffset>> {
    let name = name.copy_in(ctx.heap()).unwrap_or(NO_NAME);
    ctx.boxed(SymbolOffset { name, offset })
}

/// `get_stack_pointer`, `get_frame_pointer` and `get_return_address`.
pub(super) fn lower_frame_register(ctx: Ctx, inst: Inst) {
    let rd = ctx.temp();
    let get = match ctx.data(inst).opcode() {
        Opcode::GetReturnAddress => MInst::LoadReturnAddress { rd },
        Opcode::GetStackPointer => MInst::Mov {
            rd,
            rs: stack_reg(),
        },
        _ => {
            // A function that looks at its frame pointer must have one.
            ctx.frame().preserve_frame_pointers = true;
            MInst::Mov { rd, rs: fp_reg() }
        }
    };
    ctx.emit(get);
    let result = ctx.result(inst);
    ctx.define(result, &[Word::Reg(rd.to_reg())]);
}
