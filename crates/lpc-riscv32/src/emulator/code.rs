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
//! ```
//!
//! A run ends behind an unconditional jump, in front of an instruction that is decoded already, in
//! front of whatever cannot execute, or when it is long enough. Behind the last instruction, unless
//! it is a jump, stands an end op, which knows the parcel where control goes on.
//!
//! Execution takes *windows* of the array: slices of as many ops as may be executed at once. An op
//! in a window is one instruction, so that whoever comes to the end of the window has executed as
//! many as are allowed, and nobody counts. For that there are more ops behind those of the last run.
//!
//! Branches and `jal` are *linked* when they first jump: from then on their op knows the one at the
//! target.
//!
//! Ops are a cache of memory: when a byte changes that one was decoded from, all are dropped. A
//! store to code is therefore seen by the next fetch, as on a hart without an instruction cache.
//!
//! A parcel index is taken modulo 2³¹ where it comes from an address, and one outside the range
//! stands for an address outside it.

use super::memory::{Memory, MemoryError, zeroed};
use super::op::{Op, Strictness};
use super::trap::{Exit, TrapCause};
use crate::extension::ExtensionSet;
use crate::fetch::{FetchError, FetchedInst, fetch};
use alloc::vec;
use alloc::vec::Vec;

/// The executable range and the ops decoded from it.
#[derive(Clone)]
pub(super) struct Code {
    /// The instruction set to decode.
    extensions: ExtensionSet,
    strictness: Strictness,
    /// Address of parcel 0: a multiple of 4, so that an odd parcel is an address that is not.
    start: u32,
    /// For each parcel the op of the instruction that starts there, or 0.
    entries: Vec<u32>,
    /// Those that are decoded, and then as many more as [`Code::window`].
    ops: Vec<Op>,
    /// The ops that are decoded.
    decoded: usize,
    window: usize,
}

/// What stands where nothing is decoded yet.
const NO_OP: Op = Op::end_of_run(0, u32::MAX);

/// The largest number of instructions in a run, so that little is decoded that never executes.
const MAX_RUN: usize = 64;

/// The first and the largest [`Code::window`].
const MIN_WINDOW: usize = 32;
const MAX_WINDOW: usize = 512;

impl Code {
    /// No executable range.
    pub(super) fn empty(extensions: ExtensionSet, strictness: Strictness) -> Code {
        Code {
            extensions,
            strictness,
            start: 0,
            entries: Vec::new(),
            ops: vec![NO_OP; 1 + MIN_WINDOW + 1],
            decoded: 1,
            window: MIN_WINDOW,
        }
    }

    /// The range of `length` bytes from `address`, with both ends rounded outwards to a multiple of
    /// 4 and nothing decoded, for the same machine.
    ///
    /// # Errors
    /// [`MemoryError::OutOfMemory`] if there is no room for what is to be decoded.
    pub(super) fn of_range(&self, address: u32, length: u32) -> Result<Code, MemoryError> {
        let start = address & !3;
        let end = (u64::from(address) + u64::from(length)).next_multiple_of(4);
        let parcel_count = (end - u64::from(start)) as usize / 2;
        Ok(Code {
            start,
            entries: zeroed(parcel_count)?,
            ..Code::empty(self.extensions, self.strictness)
        })
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

    /// The op at `parcel`, if it is decoded.
    #[inline(always)]
    fn entry(&self, parcel: u32) -> Option<usize> {
        match self.entries.get(parcel as usize) {
            None | Some(0) => None,
            Some(op) => Some(*op as usize),
        }
    }

    /// Whether the instruction at `parcel` is decoded.
    #[inline(always)]
    pub(super) fn is_entry(&self, parcel: u32) -> bool {
        self.entry(parcel).is_some()
    }

    /// The op at `parcel`, if it is decoded, and what is behind it, `count` ops in all.
    #[inline(always)]
    pub(super) fn ops_at(&self, parcel: u32, count: usize) -> Option<&[Op]> {
        self.ops.get(self.entry(parcel)?..)?.get(..count)
    }

    /// The op that the branch or `jal` `op` is linked to, if it is, and what is behind it, `count` ops in all.
    #[inline(always)]
    pub(super) fn linked(&self, op: &Op, count: usize) -> Option<&[Op]> {
        self.ops.get(op.imm as u32 as usize..)?.get(..count)
    }

    /// Makes the branch or `jal` at the parcel `jump` know the op at the parcel `target`, if both are decoded.
    pub(super) fn link(&mut self, jump: u32, target: u32) {
        if let Some((jump, target)) = self.entry(jump).zip(self.entry(target)) {
            self.ops[jump].imm = target as i32;
        }
    }

    /// How many ops may be executed at once: [`Code::ops_at`] gives so many and one more, wherever one is decoded.
    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// Makes the window larger, up to a maximum, if so many ops were executed at once that it was too small.
    pub(super) fn widen_window(&mut self, executed: usize) {
        if executed == self.window && executed < MAX_WINDOW {
            self.window *= 2;
            self.ops.resize(self.decoded + self.window + 1, NO_OP);
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
    ) -> Result<(), Exit> {
        let first_op = self.decoded;
        let mut parcel = parcel;
        let goes_on = loop {
            if self.entry(parcel).is_some() || self.decoded - first_op == MAX_RUN {
                break true;
            }
            let pc = self.pc_of(parcel);
            let fetched = match self.fetch(pc, memory) {
                _ if pc == halt_address => Err(Exit::Halted),
                fetched => fetched,
            };
            let fetched = match fetched {
                Ok(fetched) => fetched,
                Err(exit) if self.decoded == first_op => return Err(exit),
                Err(_) => break true,
            };
            self.entries[parcel as usize] = self.decoded as u32;
            let previous = self.ops[first_op..self.decoded].last();
            self.push(Op::new(fetched, pc, parcel, previous, self.strictness));
            parcel += fetched.length / 2;
            if fetched.inst.opcode.is_jump() {
                break false;
            }
        };
        if goes_on {
            self.push(Op::end_of_run(self.pc_of(parcel), parcel));
        }
        self.ops.resize(self.decoded + self.window + 1, NO_OP);
        Ok(())
    }

    fn push(&mut self, op: Op) {
        match self.ops.get_mut(self.decoded) {
            Some(place) => *place = op,
            None => self.ops.push(op),
        }
        self.decoded += 1;
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
        if self.is_decoded(address, length) {
            self.drop_ops();
        }
    }

    /// Whether an op was decoded from one of the `length` bytes at `address`.
    pub(super) fn is_decoded(&self, address: u32, length: usize) -> bool {
        // Signed, because the bytes may begin before the range.
        let begin = i64::from(address) - i64::from(self.start);
        let end = begin + length as i64;
        let parcel_count = self.entries.len() as i64;
        // The parcels p whose instruction, the four bytes from 2p on, overlaps begin to end.
        let first = (begin - 2).div_euclid(2).clamp(0, parcel_count) as usize;
        let behind = (end + 1).div_euclid(2).clamp(0, parcel_count) as usize;
        first < behind && self.entries[first..behind].iter().any(|op| *op != 0)
    }

    fn drop_ops(&mut self) {
        // Clears the entries of ops only: the range may be much larger than what was decoded.
        for op in &self.ops[1..self.decoded] {
            let parcel = op.pc.wrapping_sub(self.start) >> 1;
            if let Some(entry) = self.entries.get_mut(parcel as usize) {
                *entry = 0;
            }
        }
        self.decoded = 1;
    }
}
