//! Homes: one place for each value that lives in several blocks or across a call, for as long as it lives.
//!
//! A linear scan (Poletto and Sarkar, "Linear Scan Register Allocation", 1999): the values are taken in the order of their definitions,
//! each gets a register that is free from there to its end, and when there is none, the value that is read least of all goes to memory.
//! A value with a home needs no moves on edges, wherever they lead; only the parameters of blocks have to be passed.
//!
//! Registers that need not be saved are taken by values that nothing clobbers, but not all of them, as the values that live within a
//! block need some as well.

use super::registers::{RegSet, Register, RegisterFile};
use super::values::{FixedPoints, LifeCursor, Value, Values};
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use lpc_lpir::heap::{Heap, HeapError, bytes_of};
use regalloc2::{Block, ProgPoint, SpillSlot, VReg};

/// The most registers that are homes and need not be saved.
const MAX_PREFERRED_HOMES: u32 = 7;

/// How often a value must be read for a register to be saved for it: else memory costs as little.
const MIN_WEIGHT_TO_SAVE: u32 = 3;

/// Gives homes to those of the `values` that need one. These are left of `definitions`, in the order of [`Values::compute`], and in order.
///
/// # Errors
/// [`HeapError`] where `heap` has no memory for the lists.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn assign_homes(
    values: &mut Values,
    definitions: &mut Vec<VReg>,
    registers: &RegisterFile,
    in_registers: bool,
    heap: &mut Heap,
) -> Result<InMemory, HeapError> {
    let globals = definitions;
    globals.retain(|vreg| {
        let value = &values.list[vreg.vreg()];
        value.is_global() && value.is_used()
    });
    order_by(globals, |vreg| values.list[vreg.vreg()].start);
    let lacks_registers = !in_registers || LinearScan::new(values, registers).run(globals);
    Ok(InMemory {
        num_slots: assign_slots(values, globals, heap)?,
        lacks_registers,
    })
}

/// Puts what an instruction defines early, by its `start`, in front of what it defines late, which [`LifeCursor`] relies on. All else is in
/// order, so that little has to be moved.
fn order_by(globals: &mut [VReg], start: impl Fn(VReg) -> ProgPoint) {
    for end in 1..globals.len() {
        let mut place = end;
        while place > 0 && start(globals[place - 1]) > start(globals[place]) {
            globals.swap(place - 1, place);
            place -= 1;
        }
    }
}

/// The values whose homes are in memory.
pub(super) struct InMemory {
    /// The spill slots that they take.
    pub(super) num_slots: usize,
    /// Whether some of them are there for want of registers, and not because that costs less.
    pub(super) lacks_registers: bool,
}

struct LinearScan<'a> {
    values: &'a mut [Value],
    fixed: &'a FixedPoints,
    registers: &'a RegisterFile,
    cursor: LifeCursor,
    /// What is in each register.
    occupants: [VReg; Register::LIMIT],
    occupied: RegSet,
    ends: Ends,
    /// The registers that have been homes.
    used: RegSet,
    /// Whether there was a value that could have no register unless another one went to memory.
    lacks_registers: bool,
}

impl<'a> LinearScan<'a> {
    fn new(values: &'a mut Values, registers: &'a RegisterFile) -> Self {
        Self {
            values: &mut values.list,
            fixed: &values.fixed,
            registers,
            cursor: LifeCursor::default(),
            occupants: [VReg::invalid(); Register::LIMIT],
            occupied: RegSet::EMPTY,
            ends: Ends::new(),
            used: RegSet::EMPTY,
            lacks_registers: false,
        }
    }

    /// Gives homes to the `globals`. Returns whether there were too few registers.
    fn run(&mut self, globals: &[VReg]) -> bool {
        for &vreg in globals {
            self.expire(self.values[vreg.vreg()].start);
            if let Some(register) = self.choose(vreg) {
                self.occupy(register, vreg);
            }
        }
        self.lacks_registers
    }

    /// Frees the registers of values that end at `point` or before.
    fn expire(&mut self, point: ProgPoint) {
        while let Some(register) = self.ends.pop_until(point) {
            self.occupied.remove(register);
        }
    }

    fn occupy(&mut self, register: Register, vreg: VReg) {
        let value = &mut self.values[vreg.vreg()];
        value.home = Some(register);
        self.occupants[register.index()] = vreg;
        self.occupied.insert(register);
        self.used.insert(register);
        self.ends.insert(value.end, register);
    }

    /// Frees `register` before its value ends.
    fn vacate(&mut self, register: Register) {
        self.ends.remove(register);
        self.occupied.remove(register);
    }

    /// The register that becomes the home of `vreg`, out of which another value may have been driven.
    fn choose(&mut self, vreg: VReg) -> Option<Register> {
        let candidates = self.candidates(vreg);
        let value = &self.values[vreg.vreg()];
        let free = candidates - self.occupied;
        let wanted = value.wanted.filter(|&wanted| free.contains(wanted));
        let partner = value.partner().and_then(|vreg| {
            let partner = &self.values[vreg.vreg()];
            partner.home.or(partner.wanted)
        });
        let partner = partner.filter(|&partner| free.contains(partner));
        if let Some(hint) = partner.or(wanted) {
            return Some(hint);
        }
        let costs_nothing = free & (self.registers.preferred | self.used);
        if let Some(register) = costs_nothing.first() {
            return Some(register);
        }
        if value.weight >= MIN_WEIGHT_TO_SAVE
            && let Some(register) = free.first()
        {
            return Some(register);
        }
        let weight = value.weight;
        self.lacks_registers |= free.is_empty();
        self.drive_out(candidates & self.occupied, weight)
    }

    /// The registers that could be the home of `vreg`, whoever is in them now.
    fn candidates(&mut self, vreg: VReg) -> RegSet {
        let value = &self.values[vreg.vreg()];
        let (start, end) = (value.start, value.end.prev());
        let named = self.cursor.named_between(self.fixed, start, end);
        let preferred = self.registers.preferred;
        let has_room = (self.used & preferred).len() < MAX_PREFERRED_HOMES;
        let allowed = match has_room {
            true => self.registers.allocatable,
            false => self.registers.allocatable - (preferred - self.used),
        };
        allowed - named
    }

    /// Sends the value in one of `registers` to memory that is read least, if it is read less than `weight`.
    fn drive_out(&mut self, registers: RegSet, weight: u32) -> Option<Register> {
        let weight_in = |register: &Register| {
            let vreg = self.occupants[register.index()];
            self.values[vreg.vreg()].weight
        };
        let victim = registers.min_by_key(weight_in)?;
        if weight_in(&victim) >= weight {
            return None;
        }
        let vreg = self.occupants[victim.index()];
        self.values[vreg.vreg()].home = None;
        self.vacate(victim);
        Some(victim)
    }
}

/// Registers that are occupied, and until when, in the order of the ends: the first end comes last.
struct Ends {
    list: [(ProgPoint, Register); Register::LIMIT],
    len: usize,
}

impl Ends {
    fn new() -> Self {
        Self {
            list: [(ProgPoint::invalid(), Register::FIRST); Register::LIMIT],
            len: 0,
        }
    }

    /// Removes the register that is free first, if that is at `point` or before.
    fn pop_until(&mut self, point: ProgPoint) -> Option<Register> {
        let &(end, register) = self.list[..self.len].last()?;
        if end > point {
            return None;
        }
        self.len -= 1;
        Some(register)
    }

    /// Adds `register`, which is not among them: so there is room.
    fn insert(&mut self, end: ProgPoint, register: Register) {
        let mut place = self.len;
        self.len += 1;
        while place > 0 && self.list[place - 1].0 < end {
            self.list[place] = self.list[place - 1];
            place -= 1;
        }
        self.list[place] = (end, register);
    }

    fn remove(&mut self, register: Register) {
        let list = &mut self.list[..self.len];
        let place = list.iter().position(|&(_, other)| other == register);
        let place = place.expect("an occupied register has an end");
        list.copy_within(place + 1.., place);
        self.len -= 1;
    }
}

/// Gives spill slots to the `globals`, in the order of their definitions, that are in no register. Returns how many there are.
#[cfg_attr(target_os = "none", inline(never))]
fn assign_slots(
    values: &mut Values,
    globals: &[VReg],
    heap: &mut Heap,
) -> Result<usize, HeapError> {
    let is_homeless = |vreg: &&VReg| values.list[vreg.vreg()].home.is_none();
    let count = globals.iter().filter(is_homeless).count();
    let mut num_slots = 0;
    let ends: Vec<Reverse<(ProgPoint, SpillSlot)>> = heap.vec(count)?;
    let mut ends = BinaryHeap::from(ends);
    for &vreg in globals {
        let value = &mut values.list[vreg.vreg()];
        if value.home.is_some() {
            continue;
        }
        if let Some(mut first) = ends.peek_mut()
            && first.0.0 <= value.start
        {
            value.slot = first.0.1;
            first.0.0 = value.end;
            continue;
        }
        value.slot = SpillSlot::new(num_slots);
        num_slots += 1;
        ends.push(Reverse((value.end, value.slot)));
    }
    heap.free(ends.into_vec());
    Ok(num_slots)
}

/// When registers are homes.
pub(super) struct Homes {
    /// For each block, the registers that are homes of values which live in it.
    by_block: Vec<RegSet>,
    /// The lives of the values in each register, in order: first those of one register, then those of the next.
    lives: Vec<(ProgPoint, ProgPoint)>,
    /// Where the lives in each register end in that list.
    ends: [u32; Register::LIMIT],
}

impl Default for Homes {
    fn default() -> Self {
        Self {
            by_block: Vec::new(),
            lives: Vec::new(),
            ends: [0; Register::LIMIT],
        }
    }
}

impl Homes {
    /// Notes the homes of the `globals`, in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub(super) fn compute(
        &mut self,
        values: &Values,
        globals: &[VReg],
        num_blocks: usize,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        heap.refill(&mut self.by_block, RegSet::EMPTY, num_blocks)?;
        let at_home = || {
            let values = globals.iter().map(|vreg| &values.list[vreg.vreg()]);
            values.filter_map(|value| Some((value.home?, value)))
        };
        let mut counts = [0; Register::LIMIT];
        for (home, value) in at_home() {
            let blocks = value.first_block.index()..=value.last_block.index();
            for set in &mut self.by_block[blocks] {
                set.insert(home);
            }
            counts[home.index()] += 1;
        }
        let mut num_lives = 0;
        for (end, count) in self.ends.iter_mut().zip(counts) {
            // From here it moves to the end with each life that is added.
            *end = num_lives;
            num_lives += count;
        }
        let nowhere = (ProgPoint::invalid(), ProgPoint::invalid());
        heap.refill(&mut self.lives, nowhere, num_lives as usize)?;
        for (home, value) in at_home() {
            let end = &mut self.ends[home.index()];
            self.lives[*end as usize] = (value.start, value.end);
            *end += 1;
        }
        Ok(())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        bytes_of(&self.by_block) + bytes_of(&self.lives)
    }

    /// The registers that are homes somewhere in `block`.
    pub(super) fn in_block(&self, block: Block) -> RegSet {
        self.by_block[block.index()]
    }

    /// Whether `register` is the home of a value which lives between `start` and `end`, `start` included.
    pub(super) fn is_home(&self, register: Register, start: ProgPoint, end: ProgPoint) -> bool {
        let lives = self.lives_in(register);
        let started = lives.partition_point(|&(first, _)| first < end);
        let last = lives[..started].last();
        last.is_some_and(|&(_, last_end)| last_end > start)
    }

    /// The lives of the values whose home `register` is, in order.
    fn lives_in(&self, register: Register) -> &[(ProgPoint, ProgPoint)] {
        let [from, to] = [register.index() - 1, register.index()].map(|index| self.ends[index]);
        &self.lives[from as usize..to as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regalloc2::{Inst, MachineEnv, PReg, PRegSet, RegClass};

    fn point(number: usize) -> ProgPoint {
        ProgPoint::before(Inst::new(number))
    }

    #[test]
    fn what_is_defined_early_comes_first() {
        let starts = [2, 5, 7, 5, 5, 9].map(point);
        let mut globals: Vec<_> = (0..6)
            .map(|number| VReg::new(number, RegClass::Int))
            .collect();
        order_by(&mut globals, |vreg| starts[vreg.vreg()]);
        let order: Vec<_> = globals.iter().map(|vreg| vreg.vreg()).collect();
        assert_eq!(order, [0, 1, 3, 4, 2, 5]);
    }

    #[test]
    fn registers_are_free_in_the_order_of_the_ends() {
        let env = MachineEnv {
            preferred_regs_by_class: [
                (0..4)
                    .map(|number| PReg::new(number, RegClass::Int))
                    .collect(),
                PRegSet::empty(),
                PRegSet::empty(),
            ],
            non_preferred_regs_by_class: [PRegSet::empty(); 3],
            scratch_by_class: [None; 3],
            fixed_stack_slots: Vec::new(),
        };
        let registers: Vec<_> = RegisterFile::new(&env).allocatable.collect();
        let [a, b, c, d] = registers[..] else {
            panic!("there are four registers");
        };
        let mut ends = Ends::new();
        for (end, register) in [(6, a), (3, b), (9, c), (4, d)] {
            ends.insert(point(end), register);
        }
        assert_eq!(ends.pop_until(point(2)), None);
        ends.remove(d);
        let freed = core::iter::from_fn(|| ends.pop_until(point(6)));
        assert_eq!(freed.collect::<Vec<_>>(), [b, a]);
        ends.insert(point(7), d);
        let freed = core::iter::from_fn(|| ends.pop_until(point(9)));
        assert_eq!(freed.collect::<Vec<_>>(), [d, c]);
    }
}
