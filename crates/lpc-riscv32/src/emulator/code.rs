//! The executable range, with its instructions decoded once.
//!
//! A *parcel* is a halfword of the range: every instruction starts at one. Decoded instructions
//! ([`Op`]) stand in one array, in runs of consecutive instructions, so that going on to the next
//! instruction is going on to the next op, whatever the lengths:
//!
//! ```text
//!   memory    │ addi  a0,a0,1 │ c.nop │ beq   a0,a1,… │
//!   parcel    │   0       1   │   2   │   3       4   │   5
//!   entries   │   1       —   │   2   │   3       —   │        parcel → op
//!   ops       │ addi │ nop │ beq │ end │ …                    op 0 belongs to no parcel
//!   parcels   │  0   │  2  │  3  │  5  │ …                    op → parcel, from op 1 on
//! ```
//!
//! A run ends behind an unconditional jump, in front of an instruction that is decoded already, in
//! front of whatever cannot execute, or when it is long enough. Behind its last instruction stands
//! an end op, which knows the parcel where control goes on. So each op has a successor in the
//! array, and the successor's parcel is the address of the next instruction.
//!
//! Ops are a cache of memory: when a byte changes that one was decoded from, all are dropped. A
//! store to code is therefore seen by the next fetch, as on a hart without an instruction cache.
//!
//! A parcel index is taken modulo 2³¹ where it comes from an address, and one outside the range
//! stands for an address outside it.

use super::memory::{Memory, MemoryError, zeroed};
use super::registers::Registers;
use super::trap::{Exit, TrapCause};
use crate::extension::ExtensionSet;
use crate::fetch::{FetchError, FetchedInst, fetch};
use crate::inst::Inst;
use crate::table::Opcode;
use alloc::vec;
use alloc::vec::Vec;

/// An instruction in the form that executes fastest.
#[derive(Clone, Copy)]
pub(super) struct Op {
    /// `None` for the end of a run.
    pub(super) opcode: Option<Opcode>,
    /// Where the result goes: [`Registers::destination`].
    pub(super) rd: u8,
    pub(super) rs1: u8,
    pub(super) rs2: u8,
    /// For branches and `jal` the parcel of the target, for `lui` and `auipc` the result, otherwise
    /// [`Inst::imm`].
    pub(super) imm: i32,
}

impl Op {
    const END: Op = Op {
        opcode: None,
        rd: 0,
        rs1: 0,
        rs2: 0,
        imm: 0,
    };

    fn new(inst: Inst, pc: u32, parcel: u32) -> Op {
        let imm = match inst.opcode {
            Opcode::Lui => inst.imm << 12,
            Opcode::Auipc => pc.wrapping_add_signed(inst.imm << 12) as i32,
            Opcode::Jal => parcel.wrapping_add_signed(inst.imm >> 1) as i32,
            opcode if opcode.is_branch() => parcel.wrapping_add_signed(inst.imm >> 1) as i32,
            _ => inst.imm,
        };
        Op {
            opcode: Some(inst.opcode),
            rd: Registers::destination(inst.rd),
            rs1: inst.rs1.number(),
            rs2: inst.rs2.number(),
            imm,
        }
    }
}

/// The executable range and the ops decoded from it.
#[derive(Clone)]
pub(super) struct Code {
    /// The instruction set to decode.
    extensions: ExtensionSet,
    /// Address of parcel 0: a multiple of 4, so that an odd parcel is an address that is not.
    start: u32,
    /// For each parcel the op of the instruction that starts there, or 0.
    entries: Vec<u32>,
    ops: Vec<Op>,
    /// For each op its parcel.
    parcels: Vec<u32>,
}

/// The largest number of instructions in a run, so that little is decoded that never executes.
const MAX_RUN: usize = 64;

impl Code {
    /// No executable range.
    pub(super) fn empty(extensions: ExtensionSet) -> Code {
        Code {
            extensions,
            start: 0,
            entries: Vec::new(),
            ops: vec![Op::END],
            parcels: vec![u32::MAX],
        }
    }

    /// The range of `length` bytes from `address`, with both ends rounded outwards to a multiple of
    /// 4 and nothing decoded.
    ///
    /// # Errors
    /// [`MemoryError::OutOfMemory`] if there is no room for what is to be decoded.
    pub(super) fn new(
        extensions: ExtensionSet,
        address: u32,
        length: u32,
    ) -> Result<Code, MemoryError> {
        let start = address & !3;
        let end = (u64::from(address) + u64::from(length)).next_multiple_of(4);
        let parcel_count = (end - u64::from(start)) as usize / 2;
        Ok(Code {
            start,
            entries: zeroed(parcel_count)?,
            ..Code::empty(extensions)
        })
    }

    /// Whether a store of up to four bytes at `address` may touch the range.
    #[inline(always)]
    pub(super) fn may_contain(&self, address: u32) -> bool {
        // The store may begin up to three bytes before the range.
        (address.wrapping_sub(self.start).wrapping_add(3) as usize) < self.entries.len() * 2 + 3
    }

    /// The parcel at `pc`, outside the range if `pc` is.
    #[inline(always)]
    pub(super) fn parcel_of(&self, pc: u32) -> u32 {
        pc.wrapping_sub(self.start) >> 1
    }

    /// The address of a parcel.
    #[inline(always)]
    pub(super) fn pc_of(&self, parcel: u32) -> u32 {
        self.start.wrapping_add(parcel << 1)
    }

    /// The parcel of an op.
    #[inline(always)]
    pub(super) fn parcel_of_op(&self, op: usize) -> u32 {
        self.parcels[op]
    }

    /// All ops, indexed by what [`Code::entry`] gives.
    #[inline(always)]
    pub(super) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The op at `parcel`, if it is decoded.
    #[inline(always)]
    pub(super) fn entry(&self, parcel: u32) -> Option<usize> {
        match self.entries.get(parcel as usize) {
            None | Some(0) => None,
            Some(op) => Some(*op as usize),
        }
    }

    /// Decodes the run that starts at `parcel`, where nothing is decoded yet, and returns its first
    /// op.
    ///
    /// The instruction at `halt_address` is not decoded, so that control cannot pass it unnoticed.
    #[cold]
    pub(super) fn decode_run(
        &mut self,
        parcel: u32,
        memory: &Memory,
        halt_address: u32,
    ) -> Result<usize, Exit> {
        let first_op = self.ops.len();
        let mut parcel = parcel;
        while self.entry(parcel).is_none() && self.ops.len() - first_op < MAX_RUN {
            let pc = self.pc_of(parcel);
            let fetched = match self.fetch(pc, memory) {
                _ if pc == halt_address => Err(Exit::Halted),
                fetched => fetched,
            };
            let FetchedInst { inst, length, .. } = match fetched {
                Ok(fetched) => fetched,
                Err(exit) if self.ops.len() == first_op => return Err(exit),
                Err(_) => break,
            };
            self.entries[parcel as usize] = self.ops.len() as u32;
            self.push(Op::new(inst, pc, parcel), parcel);
            parcel += length / 2;
            if inst.opcode.is_jump() {
                break;
            }
        }
        self.push(Op::END, parcel);
        Ok(first_op)
    }

    fn push(&mut self, op: Op, parcel: u32) {
        self.ops.push(op);
        self.parcels.push(parcel);
    }

    /// Decodes the instruction at `pc`.
    pub(super) fn fetch(&self, pc: u32, memory: &Memory) -> Result<FetchedInst, Exit> {
        let fault = Exit::Trap(TrapCause::InstructionAccessFault, pc);
        let offset = pc.wrapping_sub(self.start) as usize;
        let left = (self.entries.len() * 2).checked_sub(offset).ok_or(fault)?;
        let bytes = memory.from(pc).ok_or(fault)?;
        let bytes = &bytes[..left.min(bytes.len())];
        fetch(bytes, self.extensions).map_err(|error| match error {
            FetchError::Truncated => fault,
            FetchError::Illegal { bits, .. } => Exit::Trap(TrapCause::IllegalInstruction, bits),
        })
    }

    /// Drops all ops if one was decoded from the `length` bytes at `address`.
    pub(super) fn invalidate(&mut self, address: u32, length: usize) {
        // Signed, because the bytes may begin before the range.
        let begin = i64::from(address) - i64::from(self.start);
        let end = begin + length as i64;
        let parcel_count = self.entries.len() as i64;
        // The parcels p whose instruction, the four bytes from 2p on, overlaps begin to end.
        let first = (begin - 2).div_euclid(2).clamp(0, parcel_count) as usize;
        let behind = (end + 1).div_euclid(2).clamp(0, parcel_count) as usize;
        let is_decoded = |op: &u32| *op != 0;
        if first < behind && self.entries[first..behind].iter().any(is_decoded) {
            self.drop_ops();
        }
    }

    fn drop_ops(&mut self) {
        // Clears the entries of ops only: the range may be much larger than what was decoded.
        for parcel in &self.parcels {
            if let Some(entry) = self.entries.get_mut(*parcel as usize) {
                *entry = 0;
            }
        }
        self.ops.truncate(1);
        self.parcels.truncate(1);
    }
}
