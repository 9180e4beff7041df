//! The executable range, with its instructions decoded once.
//!
//! Each halfword of the range has a [`Slot`], because an instruction can start at each:
//!
//! ```text
//!  memory   │ addi  a0,a0,1 │ c.nop │ beq   a0,a1,… │
//!  slots    │ addi  │   —   │  nop  │  beq  │   —   │      — is empty: nothing started here yet
//! ```
//!
//! A slot is filled when control first reaches it and emptied when a byte that it was decoded from
//! may have changed. The bytes in memory therefore always win: a store to code is seen by the next
//! fetch, as on a hart without an instruction cache, and `fence.i` has nothing left to do.
//!
//! Control flow counts in slots from the start of the range, modulo 2³². An index outside the
//! range is an address outside it.

use super::registers::Registers;
use crate::fetch::FetchedInst;
use crate::inst::Inst;
use crate::table::Opcode;
use alloc::vec::Vec;

/// An instruction in the form that executes fastest.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// `None` if the slot is empty.
    pub(super) opcode: Option<Opcode>,
    /// Where the result goes: [`Registers::destination`].
    pub(super) rd: u8,
    pub(super) rs1: u8,
    /// The number of the register, with [`Slot::IS_LONG`] added for an instruction of four bytes.
    pub(super) rs2: u8,
    /// For branches and `jal` the distance in slots, for `lui` the value, otherwise
    /// [`Inst::imm`].
    pub(super) imm: i32,
}

impl Slot {
    const EMPTY: Slot = Slot {
        opcode: None,
        rd: 0,
        rs1: 0,
        rs2: 0,
        imm: 0,
    };
    const IS_LONG: u8 = 0x80;

    fn new(fetched: &FetchedInst, pc: u32) -> Slot {
        let FetchedInst { inst, length, .. } = *fetched;
        let Inst {
            mut opcode,
            mut imm,
            ..
        } = inst;
        match opcode {
            Opcode::Lui => imm <<= 12,
            Opcode::Auipc => {
                // At a known address it is a `lui` of the sum.
                opcode = Opcode::Lui;
                imm = pc.wrapping_add_signed(imm << 12) as i32;
            }
            _ if opcode.is_branch() || opcode == Opcode::Jal => imm >>= 1,
            _ => {}
        }
        Slot {
            opcode: Some(opcode),
            rd: Registers::destination(inst.rd),
            rs1: inst.rs1.number(),
            rs2: inst.rs2.number() | if length == 4 { Slot::IS_LONG } else { 0 },
            imm,
        }
    }

    /// The number of slots to the next instruction: 1 or 2.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        1 + u32::from(self.rs2 / Slot::IS_LONG)
    }
}

/// The executable range.
#[derive(Clone)]
pub(super) struct Code {
    /// Address of the first slot: a multiple of 4, so that an odd index is an address that is not.
    start: u32,
    slots: Vec<Slot>,
}

impl Code {
    /// No executable range.
    pub(super) fn empty() -> Code {
        Code {
            start: 0,
            slots: Vec::new(),
        }
    }

    /// The range with all slots empty. Both ends are rounded outwards to a multiple of 4.
    pub(super) fn new(address: u32, length: u32) -> Code {
        let start = address & !3;
        let end = (u64::from(address) + u64::from(length)).next_multiple_of(4);
        let slot_count = (end - u64::from(start)) as usize / 2;
        Code {
            start,
            slots: alloc::vec![Slot::EMPTY; slot_count],
        }
    }

    /// First address.
    pub(super) fn start(&self) -> u32 {
        self.start
    }

    /// Length in bytes.
    pub(super) fn length(&self) -> u32 {
        self.slots.len() as u32 * 2
    }

    /// The index of the slot at `pc`, outside the slots if `pc` is outside the range.
    #[inline(always)]
    pub(super) fn index_of(&self, pc: u32) -> u32 {
        pc.wrapping_sub(self.start) >> 1
    }

    /// The address of the slot with the given index.
    #[inline(always)]
    pub(super) fn pc_of(&self, index: u32) -> u32 {
        self.start.wrapping_add(index << 1)
    }

    /// The slot with the given index; `None` outside the range.
    #[inline(always)]
    pub(super) fn slot(&self, index: u32) -> Option<Slot> {
        self.slots.get(index as usize).copied()
    }

    /// Fills the slot with the given index.
    pub(super) fn fill(&mut self, index: u32, fetched: &FetchedInst) {
        let slot = Slot::new(fetched, self.pc_of(index));
        if let Some(entry) = self.slots.get_mut(index as usize) {
            *entry = slot;
        }
    }

    /// Empties what was decoded from memory that a store of up to four bytes at `address` changes.
    #[inline(always)]
    pub(super) fn note_store(&mut self, address: u32) {
        // The store may begin up to three bytes before the range.
        let offset = address.wrapping_sub(self.start).wrapping_add(3);
        if (offset as usize) < self.slots.len() * 2 + 3 {
            self.invalidate(address, 4);
        }
    }

    /// Empties what was decoded from the `length` bytes at `address`.
    #[cold]
    pub(super) fn invalidate(&mut self, address: u32, length: usize) {
        // Signed, because the bytes may begin before the range.
        let begin = i64::from(address) - i64::from(self.start);
        let end = begin + length as i64;
        let slot_count = self.slots.len() as i64;
        // The slots s whose four bytes from 2s on overlap the bytes from begin to end.
        let first = (begin - 2).div_euclid(2).clamp(0, slot_count) as usize;
        let behind = (end + 1).div_euclid(2).clamp(0, slot_count) as usize;
        if first < behind {
            self.slots[first..behind].fill(Slot::EMPTY);
        }
    }
}
