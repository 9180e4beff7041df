//! Registers within a block: from its last instruction to its first, each value is given a register where it is met first, at its last
//! use, and gives it back where it is defined.
//!
//! ```text
//!   v1 = …              v1 gives its register back
//!   v2 = add v1, v1     v2 gives its register back, v1 gets one: maybe the same
//!   store v2, …         v2 gets a register
//! ```
//!
//! A value keeps its register in between, unless an instruction needs that one for something else, or needs one and none is free. Then
//! the value is loaded behind that instruction, where it is met again above it gets another register, and where it is defined it is stored
//! to a spill slot, once: values do not change.
//!
//! Registers that an instruction names are avoided as far as the nearest such instruction above tells. That is a guess which saves moves: where
//! it is wrong, the value is displaced when the instruction is met.
//!
//! Values whose home is in memory are treated like those that have lost their register; what is in a register at the start of the block is loaded
//! there. Values whose home is a register are found there; a value of the block gets that one only while its owner does not live.
//!
//! The places of block parameters are known when the blocks are allocated that pass them, since blocks are taken from the last to the first,
//! and parameters that are passed backward have homes. Arguments that are met first at the end of a block are put where they are to go.

mod constrained;
mod edges;
mod slots;

use self::slots::Slots;
use super::homes::Homes;
use super::label_places::LabelPlaces;
use super::parallel_moves::{ParallelMoves, Temporaries};
use super::registers::{RegSet, Register, RegisterFile};
use super::values::{FixedCursor, Values};
use crate::backend::regalloc::AllocationError;
use lpc_lpir::heap::Heap;
use regalloc2::{
    Allocation, Block, Edit, Function, Inst, InstPosition, Operand, OperandKind, Output, ProgPoint,
    RegAllocError, VReg,
};

/// What it took to allocate all blocks.
pub(super) struct Placed {
    /// The spill slots, those of homes included.
    pub(super) num_slots: usize,
    /// Whether a value had to leave its register to another.
    pub(super) lacked_registers: bool,
}

/// Allocates registers within blocks.
pub(super) struct LocalAllocator<'a, F: Function> {
    func: &'a F,
    registers: &'a RegisterFile,
    values: &'a mut Values,
    homes: &'a Homes,
    output: &'a mut Output,
    cursor: FixedCursor,
    /// The registers that are nobody's home in the current block.
    available: RegSet,
    /// Those of them that have no value.
    free: RegSet,
    /// The registers that have one which is not at home there.
    occupied: RegSet,
    /// Which value each of these has, and the instruction that accessed it last, which is the next one to do so.
    occupants: [(VReg, Inst); Register::LIMIT],
    /// The registers that have been given to values which the current instruction has driven out of another.
    relocated: RegSet,
    slots: Slots,
    /// Whether a value had to leave its register to another.
    lacked_registers: bool,
    /// Moves before and after the current instruction.
    before: ParallelMoves,
    after: ParallelMoves,
    /// Where values are, if anybody asks.
    label_places: Option<&'a mut LabelPlaces>,
    heap: &'a mut Heap,
}

impl<'a, F: Function> LocalAllocator<'a, F> {
    /// An allocator that adds the edits to `output`, and the places of operands to its list, which has room for them. The spill slots that
    /// `output` has are homes.
    pub(super) fn new(
        func: &'a F,
        registers: &'a RegisterFile,
        values: &'a mut Values,
        homes: &'a Homes,
        output: &'a mut Output,
        label_places: Option<&'a mut LabelPlaces>,
        heap: &'a mut Heap,
    ) -> Self {
        Self {
            func,
            registers,
            cursor: FixedCursor::at_end(&values.fixed),
            values,
            homes,
            available: RegSet::EMPTY,
            free: RegSet::EMPTY,
            occupied: RegSet::EMPTY,
            occupants: [(VReg::invalid(), Inst::invalid()); Register::LIMIT],
            relocated: RegSet::EMPTY,
            slots: Slots::new(output.num_spillslots),
            lacked_registers: false,
            before: ParallelMoves::default(),
            after: ParallelMoves::default(),
            label_places,
            output,
            heap,
        }
    }

    /// Allocates all blocks.
    pub(super) fn run(mut self) -> Result<Placed, AllocationError> {
        for block in (0..self.func.num_blocks()).rev().map(Block::new) {
            self.allocate_block(block)?;
        }
        self.output.edits.reverse();
        for moves in [&self.before, &self.after] {
            self.heap.give_back(moves.heap_bytes());
        }
        Ok(Placed {
            num_slots: self.slots.max_end.max(self.slots.max_temporary),
            lacked_registers: self.lacked_registers,
        })
    }

    fn allocate_block(&mut self, block: Block) -> Result<(), AllocationError> {
        self.available = self.registers.allocatable - self.homes.in_block(block);
        self.free = self.available;
        self.occupied = RegSet::EMPTY;
        self.slots.start_block();
        self.pass_args(block)?;
        for inst in self.func.block_insns(block).iter().rev() {
            self.allocate_inst(inst)?;
            self.heap.check()?;
        }
        self.enter_block(block)?;
        Ok(self.heap.check()?)
    }

    /// Where the value is, at the point up to which registers have been allocated.
    fn place(&self, vreg: VReg) -> Option<Allocation> {
        match self.register_of(vreg) {
            Some(register) => Some(self.in_register(register)),
            None => self.values.list[vreg.vreg()].spill_slot(),
        }
    }

    /// The register that the value is in, at the point up to which registers have been allocated.
    fn register_of(&self, vreg: VReg) -> Option<Register> {
        let value = &self.values.list[vreg.vreg()];
        value.home.or(value.register)
    }

    fn in_register(&self, register: Register) -> Allocation {
        Allocation::reg(self.registers.preg(register))
    }

    fn allocate_inst(&mut self, inst: Inst) -> Result<(), RegAllocError> {
        let operands = self.func.inst_operands(inst);
        let named = self.cursor.take(&self.values.fixed, inst);
        self.relocated = RegSet::EMPTY;
        let is_plain = |operand: &Operand| {
            let vreg = operand.vreg();
            *operand == Operand::reg_use(vreg) || *operand == Operand::reg_def(vreg)
        };
        if named == [RegSet::EMPTY; 2] && operands.iter().all(is_plain) {
            self.allocate_plain(inst, operands)
        } else {
            self.allocate_constrained(inst, operands, named)
        }
    }

    /// Allocates an instruction that reads registers, whichever they are, before it writes others.
    fn allocate_plain(&mut self, inst: Inst, operands: &[Operand]) -> Result<(), RegAllocError> {
        let offset = self.values.operand_offsets[inst.index()] as usize;
        let (free_after, occupied_after) = (self.free, self.occupied);
        let mut written = RegSet::EMPTY;
        for (index, operand) in operands.iter().enumerate() {
            if operand.kind() == OperandKind::Def {
                let vreg = operand.vreg();
                let register = match self.end_of_life(vreg, occupied_after) {
                    Some(register) => register,
                    None => self.unoccupied(written, inst)?,
                };
                written.insert(register);
                self.output.allocs[offset + index] = self.in_register(register);
                self.store(vreg, register);
            }
        }
        self.clear_homes(operands, inst, written);
        let mut read = RegSet::EMPTY;
        for (index, operand) in operands.iter().enumerate() {
            if operand.kind() == OperandKind::Use {
                let register = self.read(operand.vreg(), inst, read, written)?;
                read.insert(register);
                self.output.allocs[offset + index] = self.in_register(register);
            }
        }
        self.flush(ProgPoint::after(inst), (free_after & self.free) - written);
        Ok(())
    }

    /// The register that has `vreg` when it is read. If it has none it gets one that is not `taken`, and `near` if possible.
    fn read(
        &mut self,
        vreg: VReg,
        inst: Inst,
        taken: RegSet,
        near: RegSet,
    ) -> Result<Register, RegAllocError> {
        let value = &self.values.list[vreg.vreg()];
        if let Some(home) = value.home {
            return Ok(home);
        }
        let register = match (value.register, value.spill_slot()) {
            (Some(register), _) => register,
            (None, slot) => {
                if let Some(slot) = slot {
                    self.note_move(vreg, inst, slot);
                }
                self.choose(vreg, inst, taken, near)?
            }
        };
        self.occupy(register, vreg, inst);
        Ok(register)
    }

    /// A register for `vreg` from its definition to its use by `inst`.
    fn choose(
        &mut self,
        vreg: VReg,
        inst: Inst,
        taken: RegSet,
        near: RegSet,
    ) -> Result<Register, RegAllocError> {
        let candidates = self.free - taken;
        if candidates.is_empty() {
            return self.make_room(taken, inst);
        }
        let value = &self.values.list[vreg.vreg()];
        let unnamed = match value.slot.is_valid() {
            // It is loaded anyway, so that it need not stay where it is up to its definition.
            true => candidates,
            false => candidates - self.cursor.last_since(&self.values.fixed, value.start),
        };
        let wanted = value.wanted.filter(|&wanted| {
            !taken.contains(wanted)
                && (unnamed.contains(wanted) || self.can_occupy(wanted, vreg, inst))
        });
        let choice = wanted
            .or((unnamed & near).first())
            .or(unnamed.first())
            .or(candidates.first());
        Ok(choice.expect("there are candidates"))
    }

    /// A register that has no value before or after the instruction, except what is loaded or moved there behind it.
    fn unoccupied(&mut self, taken: RegSet, inst: Inst) -> Result<Register, RegAllocError> {
        match (self.free - taken).first() {
            Some(register) => Ok(register),
            None => self.make_room(taken, inst),
        }
    }

    /// Whether `register` can have `vreg` from its definition up to the start of `inst`: it is free, nobody's home in between, and not named.
    fn can_occupy(&self, register: Register, vreg: VReg, inst: Inst) -> bool {
        if self.occupied.contains(register) || self.is_named_before(vreg, register) {
            return false;
        }
        let start = self.values.list[vreg.vreg()].start;
        self.free.contains(register)
            || self.registers.allocatable.contains(register)
                && !self.homes.is_home(register, start, ProgPoint::after(inst))
    }

    /// Whether an instruction between the definition of `vreg` and the current one names `register`, as far as the last one tells that
    /// names any.
    fn is_named_before(&self, vreg: VReg, register: Register) -> bool {
        let start = self.values.list[vreg.vreg()].start;
        let named = self.cursor.last_since(&self.values.fixed, start);
        named.contains(register)
    }

    /// Displaces the value that is needed last, out of a register that is not `taken`.
    fn make_room(&mut self, taken: RegSet, inst: Inst) -> Result<Register, RegAllocError> {
        let mut candidates = self.occupied - self.relocated - taken;
        for operand in self.func.inst_operands(inst) {
            if let Some(register) = self.values.list[operand.vreg().vreg()].register {
                candidates.remove(register);
            }
        }
        let next_access = |register: &Register| self.occupants[register.index()].1;
        let victim = candidates.max_by_key(next_access);
        let victim = victim.ok_or(RegAllocError::TooManyLiveRegs)?;
        self.lacked_registers = true;
        self.displace(victim, inst);
        Ok(victim)
    }

    /// Takes its register from a value, which is loaded behind the instruction.
    fn displace(&mut self, register: Register, inst: Inst) {
        let (vreg, _) = self.occupants[register.index()];
        self.note_move(vreg, inst, self.in_register(register));
        let value = &mut self.values.list[vreg.vreg()];
        value.register = None;
        if value.slot.is_invalid() {
            value.slot = self.slots.take();
        }
        let slot = Allocation::stack(value.slot);
        let register_place = self.in_register(register);
        self.after.add(slot, register_place, self.heap);
        self.vacate(register);
    }

    /// Clears the homes of what is read from values of the block.
    fn clear_homes(&mut self, operands: &[Operand], inst: Inst, taken: RegSet) {
        if (self.occupied - self.available).is_empty() {
            return;
        }
        for operand in operands {
            let home = self.values.list[operand.vreg().vreg()].home;
            if operand.kind() == OperandKind::Use
                && let Some(home) = home
                && self.occupied.contains(home)
            {
                self.clear_home(home, inst, taken);
            }
        }
    }

    /// Has the value in `home` go to another register that is not `taken`, and moved back behind the instruction.
    fn clear_home(&mut self, home: Register, inst: Inst, taken: RegSet) {
        let (occupant, next_access) = self.occupants[home.index()];
        let has_slot = self.values.list[occupant.vreg()].slot.is_valid();
        match (self.free - taken).first() {
            Some(other) if !has_slot => {
                let (from, to) = (self.in_register(other), self.in_register(home));
                self.after.add(from, to, self.heap);
                self.vacate(home);
                self.occupy(other, occupant, next_access);
                self.relocated.insert(other);
                self.note_move(occupant, inst, self.in_register(home));
            }
            _ => self.displace(home, inst),
        }
    }

    fn occupy(&mut self, register: Register, vreg: VReg, inst: Inst) {
        self.occupants[register.index()] = (vreg, inst);
        self.free.remove(register);
        self.occupied.insert(register);
        self.values.list[vreg.vreg()].register = Some(register);
    }

    fn vacate(&mut self, register: Register) {
        self.occupied.remove(register);
        if self.available.contains(register) {
            self.free.insert(register);
        }
    }

    /// Takes notice that `vreg` is defined: it has no place before. Gives the register that it has behind the definition, if any: where its
    /// home is among the registers that are `occupied` then, nobody reads it.
    fn end_of_life(&mut self, vreg: VReg, occupied: RegSet) -> Option<Register> {
        self.note_place(vreg);
        let value = &mut self.values.list[vreg.vreg()];
        let home = value.home.filter(|&home| !occupied.contains(home));
        let register = value.register.take();
        if let Some(register) = register {
            self.vacate(register);
        }
        register.or(home)
    }

    /// Stores `vreg`, which is written to `register`, to its spill slot, if it has one.
    fn store(&mut self, vreg: VReg, register: Register) {
        let value = &self.values.list[vreg.vreg()];
        if let Some(slot) = value.spill_slot() {
            if !value.is_global {
                self.slots.give_back(value.slot, self.heap);
            }
            let from = self.in_register(register);
            self.after.add(from, slot, self.heap);
        }
    }

    /// Notes where `vreg` is behind its definition.
    fn note_place(&mut self, vreg: VReg) {
        if self.label_places.is_none() {
            return;
        }
        let value = &self.values.list[vreg.vreg()];
        let place = value.spill_slot().or_else(|| self.place(vreg));
        if let (Some(places), Some(place)) = (&mut self.label_places, place) {
            places.define(vreg, place);
        }
    }

    /// Notes that `vreg`, a value of the block, is in `place` behind `inst`.
    fn note_move(&mut self, vreg: VReg, inst: Inst, place: Allocation) {
        if let Some(places) = &mut self.label_places
            && !self.values.list[vreg.vreg()].is_global
        {
            places.add_move(vreg, ProgPoint::before(inst.next()), place, self.heap);
        }
    }

    /// Adds the moves of `point`, which is before or after the current instruction, to the edits, which are listed backward. `free` are registers
    /// that the moves may use.
    fn flush(&mut self, point: ProgPoint, free: RegSet) {
        let moves = match point.pos() {
            InstPosition::Before => &mut self.before,
            InstPosition::After => &mut self.after,
        };
        if moves.is_empty() {
            return;
        }
        let mut num_slots = self.slots.max_end;
        let temporaries = Temporaries {
            free,
            registers: self.registers,
            num_slots: &mut num_slots,
        };
        let sequence = moves.resolve(temporaries, self.heap);
        if !self.heap.has_room(&mut self.output.edits, sequence.len()) {
            return;
        }
        let edits = sequence.iter().rev().map(|it| {
            let (from, to) = (it.from, it.to);
            (point, Edit::Move { from, to })
        });
        self.output.edits.extend(edits);
        self.slots.max_temporary = self.slots.max_temporary.max(num_slots);
    }
}
