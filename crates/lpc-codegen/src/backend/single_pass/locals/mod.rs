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
use super::operand_bits::{is_plain_def, is_plain_use, vreg_of};
use super::parallel_moves::{ParallelMoves, Temporaries};
use super::registers::{RegSet, Register, RegisterFile};
use super::values::{FixedCursor, Value, Values};
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
    /// By the number of the virtual register.
    values: &'a mut [Value],
    homes: &'a Homes,
    output: &'a mut Output,
    cursor: FixedCursor<'a>,
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
    /// An allocator that adds the moves between instructions to `output`. The spill slots that this has are homes.
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
            values: &mut values.list,
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

    /// Allocates all blocks. The places of all operands, in their order, come to `places`, which is as long.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn run(&mut self, mut places: &mut [Allocation]) -> Result<Placed, AllocationError> {
        for block in (0..self.func.num_blocks()).rev().map(Block::new) {
            places = self.allocate_block(block, places)?;
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

    /// Allocates a block, whose operands have the last of the `places`. Gives the rest.
    fn allocate_block<'b>(
        &mut self,
        block: Block,
        mut places: &'b mut [Allocation],
    ) -> Result<&'b mut [Allocation], AllocationError> {
        self.available = self.registers.allocatable - self.homes.in_block(block);
        self.free = self.available;
        self.occupied = RegSet::EMPTY;
        self.slots.start_block();
        self.pass_args(block);
        for inst in self.func.block_insns(block).iter().rev() {
            let operands = self.func.inst_operands(inst);
            let (above, of_inst) = places.split_at_mut(places.len() - operands.len());
            places = above;
            self.allocate_inst(inst, operands, of_inst)
                .ok_or(RegAllocError::TooManyLiveRegs)?;
        }
        self.enter_block(block)?;
        self.heap.check()?;
        Ok(places)
    }

    /// Where the value is, at the point up to which registers have been allocated.
    fn place(&self, vreg: VReg) -> Option<Allocation> {
        match self.register_of(vreg) {
            Some(register) => Some(self.in_register(register)),
            None => self.values[vreg.vreg()].spill_slot(),
        }
    }

    /// The register that the value is in, at the point up to which registers have been allocated.
    fn register_of(&self, vreg: VReg) -> Option<Register> {
        let value = &self.values[vreg.vreg()];
        value.home.or(value.register)
    }

    fn in_register(&self, register: Register) -> Allocation {
        Allocation::reg(self.registers.preg(register))
    }

    /// Allocates registers to the `operands` of `inst`, which come to `places`, unless it needs more than there are.
    fn allocate_inst(
        &mut self,
        inst: Inst,
        operands: &[Operand],
        places: &mut [Allocation],
    ) -> Option<()> {
        let named = self.cursor.take(inst);
        self.relocated = RegSet::EMPTY;
        let is_plain = |&operand: &Operand| is_plain_use(operand) || is_plain_def(operand);
        if named == [RegSet::EMPTY; 2] && operands.iter().all(is_plain) {
            self.allocate_plain(inst, operands, places)
        } else {
            self.allocate_constrained(inst, operands, places, named)
        }
    }

    /// Allocates an instruction that reads registers, whichever they are, before it writes others.
    fn allocate_plain(
        &mut self,
        inst: Inst,
        operands: &[Operand],
        places: &mut [Allocation],
    ) -> Option<()> {
        let (free_after, occupied_after) = (self.free, self.occupied);
        let mut written = RegSet::EMPTY;
        for (&operand, place) in operands.iter().zip(&mut *places) {
            if is_plain_def(operand) {
                let vreg = vreg_of(operand);
                let register = match self.end_of_life(vreg, occupied_after) {
                    Some(register) => register,
                    None => self.unoccupied(written, inst)?,
                };
                written.insert(register);
                *place = self.in_register(register);
                self.store(vreg, register);
            }
        }
        self.clear_homes(operands, inst, written);
        let mut read = RegSet::EMPTY;
        for (&operand, place) in operands.iter().zip(places) {
            if is_plain_use(operand) {
                let register = self.read(vreg_of(operand), inst, read, written)?;
                read.insert(register);
                *place = self.in_register(register);
            }
        }
        self.flush(ProgPoint::after(inst), (free_after & self.free) - written);
        Some(())
    }

    /// The register that has `vreg` when it is read. If it has none it gets one that is not `taken`, and `near` if possible; none if all are needed.
    fn read(&mut self, vreg: VReg, inst: Inst, taken: RegSet, near: RegSet) -> Option<Register> {
        let value = &self.values[vreg.vreg()];
        if let Some(home) = value.home {
            return Some(home);
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
        Some(register)
    }

    /// A register for `vreg` from its definition to its use by `inst`.
    fn choose(&mut self, vreg: VReg, inst: Inst, taken: RegSet, near: RegSet) -> Option<Register> {
        let candidates = self.free - taken;
        if candidates.is_empty() {
            return self.make_room(taken, inst);
        }
        let value = &self.values[vreg.vreg()];
        let unnamed = match value.slot.is_valid() {
            // It is loaded anyway, so that it need not stay where it is up to its definition.
            true => candidates,
            false => candidates - self.cursor.last_since(value.start),
        };
        let wanted = value.wanted.filter(|&wanted| {
            !taken.contains(wanted)
                && (unnamed.contains(wanted) || self.can_occupy(wanted, vreg, inst))
        });
        let choice = wanted
            .or((unnamed & near).first())
            .or(unnamed.first())
            .or(candidates.first());
        debug_assert!(choice.is_some(), "there are candidates");
        choice
    }

    /// A register that has no value before or after the instruction, except what is loaded or moved there behind it.
    fn unoccupied(&mut self, taken: RegSet, inst: Inst) -> Option<Register> {
        match (self.free - taken).first() {
            Some(register) => Some(register),
            None => self.make_room(taken, inst),
        }
    }

    /// Whether `register` can have `vreg` from its definition up to the start of `inst`: it is free, nobody's home in between, and not named.
    fn can_occupy(&self, register: Register, vreg: VReg, inst: Inst) -> bool {
        if self.occupied.contains(register) || self.is_named_before(vreg, register) {
            return false;
        }
        let start = self.values[vreg.vreg()].start;
        self.free.contains(register)
            || self.registers.allocatable.contains(register)
                && !self.homes.is_home(register, start, ProgPoint::after(inst))
    }

    /// Whether an instruction between the definition of `vreg` and the current one names `register`, as far as the last one tells that
    /// names any.
    fn is_named_before(&self, vreg: VReg, register: Register) -> bool {
        let start = self.values[vreg.vreg()].start;
        let named = self.cursor.last_since(start);
        named.contains(register)
    }

    /// Displaces the value that is needed last, out of a register that is not `taken`.
    fn make_room(&mut self, taken: RegSet, inst: Inst) -> Option<Register> {
        let mut candidates = self.occupied - self.relocated - taken;
        for operand in self.func.inst_operands(inst) {
            if let Some(register) = self.values[vreg_of(*operand).vreg()].register {
                candidates.remove(register);
            }
        }
        let next_access = |register: &Register| self.occupants[register.index()].1;
        let victim = candidates.max_by_key(next_access)?;
        self.lacked_registers = true;
        self.displace(victim, inst);
        Some(victim)
    }

    /// Takes its register from a value, which is loaded behind the instruction.
    fn displace(&mut self, register: Register, inst: Inst) {
        let (vreg, _) = self.occupants[register.index()];
        self.note_move(vreg, inst, self.in_register(register));
        let value = &mut self.values[vreg.vreg()];
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
    #[inline]
    fn clear_homes(&mut self, operands: &[Operand], inst: Inst, taken: RegSet) {
        if !(self.occupied - self.available).is_empty() {
            self.clear_homes_of_read(operands, inst, taken);
        }
    }

    fn clear_homes_of_read(&mut self, operands: &[Operand], inst: Inst, taken: RegSet) {
        for operand in operands {
            let home = self.values[vreg_of(*operand).vreg()].home;
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
        let has_slot = self.values[occupant.vreg()].slot.is_valid();
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
        self.values[vreg.vreg()].register = Some(register);
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
        let value = &mut self.values[vreg.vreg()];
        let home = value.home.filter(|&home| !occupied.contains(home));
        let register = value.register.take();
        if let Some(register) = register {
            self.vacate(register);
        }
        register.or(home)
    }

    /// Stores `vreg`, which is written to `register`, to its spill slot, if it has one.
    fn store(&mut self, vreg: VReg, register: Register) {
        let value = &self.values[vreg.vreg()];
        if let Some(slot) = value.spill_slot() {
            if !value.is_global() {
                self.slots.give_back(value.slot, self.heap);
            }
            let from = self.in_register(register);
            self.after.add(from, slot, self.heap);
        }
    }

    /// Notes where `vreg` is behind its definition.
    fn note_place(&mut self, vreg: VReg) {
        if self.label_places().is_none() {
            return;
        }
        let value = &self.values[vreg.vreg()];
        let place = value.spill_slot().or_else(|| self.place(vreg));
        if let (Some(places), Some(place)) = (self.label_places(), place) {
            places.define(vreg, place);
        }
    }

    /// Notes that `vreg`, a value of the block, is in `place` behind `inst`.
    fn note_move(&mut self, vreg: VReg, inst: Inst, place: Allocation) {
        if self.label_places().is_some()
            && !self.values[vreg.vreg()].is_global()
            && let Some(places) = &mut self.label_places
        {
            places.add_move(vreg, ProgPoint::before(inst.next()), place, self.heap);
        }
    }

    /// Where values are, if anybody asks: nobody does without the feature `object-info`.
    fn label_places(&mut self) -> Option<&mut LabelPlaces> {
        let label_places = self.label_places.as_deref_mut();
        label_places.filter(|_| cfg!(feature = "object-info"))
    }

    /// Adds the moves of `point`, which is before or after the current instruction, to the edits, which are listed backward. `free` are registers
    /// that the moves may use.
    #[inline]
    fn flush(&mut self, point: ProgPoint, free: RegSet) {
        let moves = match point.pos() {
            InstPosition::Before => &self.before,
            InstPosition::After => &self.after,
        };
        if !moves.is_empty() {
            self.add_edits(point, free);
        }
    }

    fn add_edits(&mut self, point: ProgPoint, free: RegSet) {
        let moves = match point.pos() {
            InstPosition::Before => &mut self.before,
            InstPosition::After => &mut self.after,
        };
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
