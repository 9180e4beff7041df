//! Moves that happen at once, as moves that happen one after the other.
//!
//! Each place is written by one move at most, but may be read by several. A move is in the way of those that read the place it
//! writes. So moves are made whose places nobody is going to read; when there are none left, the others form cycles, and a cycle is
//! opened by saving one of its places:
//!
//! ```text
//!   a ─► b ─► c        c = b, b = a            a ─► b        t = b
//!        └─► d         d = b before that       ▲    │        b = a
//!                                              └────┘        a = t
//! ```
//!
//! The machine moves from register to register, from memory and to memory. From memory to memory it takes a register, and if none
//! is free, one is saved meanwhile.

use super::registers::{RegSet, RegisterFile};
use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, HeapError, bytes_of};
use regalloc2::{Allocation, SpillSlot};

/// `to = from`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Move {
    pub(super) from: Allocation,
    pub(super) to: Allocation,
}

/// Where values may be put in between.
pub(super) struct Temporaries<'a> {
    /// Registers that nobody uses, none of which the moves name.
    pub(super) free: RegSet,
    pub(super) registers: &'a RegisterFile,
    /// The number of spill slots: those after them are free.
    pub(super) num_slots: &'a mut usize,
}

/// Moves that happen at once. The lists are kept from one use to the next.
#[derive(Default)]
pub(super) struct ParallelMoves {
    moves: Vec<Move>,
    /// What they come to, one after the other.
    sequence: Vec<Move>,
    /// The places that are read, each once, in order.
    sources: Vec<Source>,
    ready: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Source {
    place: Allocation,
    /// How many moves have yet to read it.
    readers: u32,
    /// The move that writes it.
    writer: Option<u32>,
    /// Where its value is by now.
    holder: Allocation,
}

impl ParallelMoves {
    pub(super) fn is_empty(&self) -> bool {
        self.moves.is_empty()
    }

    /// The bytes that the lists take.
    pub(super) fn heap_bytes(&self) -> usize {
        bytes_of(&self.moves)
            + bytes_of(&self.sequence)
            + bytes_of(&self.sources)
            + bytes_of(&self.ready)
    }

    /// Adds `to = from`. No other move may write `to`. Without memory for it in `heap` it is left out.
    pub(super) fn add(&mut self, from: Allocation, to: Allocation, heap: &mut Heap) {
        if from != to {
            debug_assert!(
                self.moves.len() > 64 || self.moves.iter().all(|other| other.to != to),
                "{to} is written twice at once"
            );
            heap.push(&mut self.moves, Move { from, to });
        }
    }

    /// Removes the moves, and gives what they come to, one after the other; without memory in `heap` anything at all.
    pub(super) fn resolve(&mut self, mut temporaries: Temporaries<'_>, heap: &mut Heap) -> &[Move] {
        self.sequence.clear();
        if let [single] = self.moves[..] {
            self.push(single, &mut temporaries, heap);
        } else if self.make_room(heap).is_ok() {
            self.resolve_several(&mut temporaries, heap);
        }
        self.moves.clear();
        &self.sequence
    }

    /// Makes room for what stands in proportion to the moves, apart from what they come to.
    fn make_room(&mut self, heap: &mut Heap) -> Result<(), HeapError> {
        self.sources.clear();
        self.ready.clear();
        heap.reserve(&mut self.sources, self.moves.len())?;
        // A move is ready once, or twice where its cycle is opened.
        heap.reserve(&mut self.ready, 2 * self.moves.len())
    }

    fn resolve_several(&mut self, temporaries: &mut Temporaries<'_>, heap: &mut Heap) {
        self.find_sources();
        self.ready.clear();
        for (index, it) in (0..).zip(&self.moves) {
            if find(&self.sources, it.to).is_none() {
                self.ready.push(index);
            }
        }
        let mut next_cycle = 0;
        loop {
            while let Some(index) = self.ready.pop() {
                self.make(index, temporaries, heap);
            }
            // What is read and not written any more was ready, so that the place is written by a move of a cycle.
            while self
                .sources
                .get(next_cycle)
                .is_some_and(|it| it.readers == 0)
            {
                next_cycle += 1;
            }
            let Some(source) = self.sources.get_mut(next_cycle) else {
                return;
            };
            let writer = source
                .writer
                .expect("what is not ready is written in a cycle");
            let saved = Move {
                from: source.place,
                to: temporaries.place(),
            };
            source.holder = saved.to;
            self.push(saved, temporaries, heap);
            // The place has been read for all.
            self.ready.push(writer);
        }
    }

    /// Lists the places that are read.
    fn find_sources(&mut self) {
        self.moves.sort_unstable_by_key(|it| (it.from, it.to));
        self.sources.clear();
        for it in &self.moves {
            match self.sources.last_mut() {
                Some(last) if last.place == it.from => last.readers += 1,
                _ => self.sources.push(Source {
                    place: it.from,
                    readers: 1,
                    writer: None,
                    holder: it.from,
                }),
            }
        }
        for (index, it) in (0..).zip(&self.moves) {
            if let Some(source) = find(&self.sources, it.to) {
                self.sources[source].writer = Some(index);
            }
        }
    }

    /// Makes the move number `index`, which is in nobody's way.
    fn make(&mut self, index: u32, temporaries: &mut Temporaries<'_>, heap: &mut Heap) {
        let Move { from, to } = self.moves[index as usize];
        let source = find(&self.sources, from).expect("all sources are listed");
        let source = &mut self.sources[source];
        let holder = source.holder;
        source.readers -= 1;
        if source.readers == 0
            && holder == from
            && let Some(writer) = source.writer
        {
            self.ready.push(writer);
        }
        self.push(Move { from: holder, to }, temporaries, heap);
    }

    /// Appends `it`, which may be from memory to memory.
    fn push(&mut self, it: Move, temporaries: &mut Temporaries<'_>, heap: &mut Heap) {
        if !it.from.is_stack() || !it.to.is_stack() {
            heap.push(&mut self.sequence, it);
            return;
        }
        let through = |register| {
            let load = Move {
                from: it.from,
                to: register,
            };
            let store = Move {
                from: register,
                to: it.to,
            };
            [load, store]
        };
        if let Some(free) = temporaries.free.first() {
            let register = Allocation::reg(temporaries.registers.preg(free));
            heap.extend(&mut self.sequence, &through(register));
            return;
        }
        let victim = temporaries.registers.allocatable.first();
        let victim = victim.expect("a machine has registers");
        let register = Allocation::reg(temporaries.registers.preg(victim));
        let saved = temporaries.slot();
        let save = Move {
            from: register,
            to: saved,
        };
        heap.push(&mut self.sequence, save);
        heap.extend(&mut self.sequence, &through(register));
        let restore = Move {
            from: saved,
            to: register,
        };
        heap.push(&mut self.sequence, restore);
    }
}

impl Temporaries<'_> {
    /// A place that keeps a value to the end: the last free register stays free for moves from memory to memory.
    fn place(&mut self) -> Allocation {
        if self.free.len() < 2 {
            return self.slot();
        }
        let register = self.free.next().expect("there are two");
        Allocation::reg(self.registers.preg(register))
    }

    fn slot(&mut self) -> Allocation {
        *self.num_slots += 1;
        Allocation::stack(SpillSlot::new(*self.num_slots - 1))
    }
}

fn find(sources: &[Source], place: Allocation) -> Option<usize> {
    sources
        .binary_search_by_key(&place, |source| source.place)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};

    const NUM_REGISTERS: usize = 4;
    const NUM_SLOTS: usize = 3;

    fn register(number: usize) -> Allocation {
        Allocation::reg(PReg::new(number, RegClass::Int))
    }

    fn slot(number: usize) -> Allocation {
        Allocation::stack(SpillSlot::new(number))
    }

    fn register_file() -> RegisterFile {
        let pregs: PRegSet = (0..NUM_REGISTERS)
            .filter_map(|number| register(number).as_reg())
            .collect();
        RegisterFile::new(&MachineEnv {
            preferred_regs_by_class: [pregs, PRegSet::empty(), PRegSet::empty()],
            non_preferred_regs_by_class: [PRegSet::empty(); 3],
            scratch_by_class: [None; 3],
            fixed_stack_slots: Vec::new(),
        })
    }

    /// Checks that `moves` come to the same at once and one after the other, with as many free registers as there are. Nothing but what they
    /// write, those registers and new slots changes.
    fn check(moves: &[(Allocation, Allocation)]) {
        let registers = register_file();
        let named = |place| moves.iter().any(|&(from, to)| from == place || to == place);
        let is_free =
            |&it: &super::super::registers::Register| !named(Allocation::reg(registers.preg(it)));
        let all_free = registers.allocatable.filter(is_free);
        for num_free in 0..=all_free.count() {
            let mut free = RegSet::EMPTY;
            registers
                .allocatable
                .filter(is_free)
                .take(num_free)
                .for_each(|it| free.insert(it));
            let mut num_slots = NUM_SLOTS;
            let mut parallel = ParallelMoves::default();
            let mut heap = Heap::unlimited();
            for &(from, to) in moves {
                parallel.add(from, to, &mut heap);
            }
            let temporaries = Temporaries {
                free,
                registers: &registers,
                num_slots: &mut num_slots,
            };
            let sequence = parallel.resolve(temporaries, &mut heap);
            let places = (0..NUM_REGISTERS)
                .map(register)
                .chain((0..NUM_SLOTS).map(slot));
            let before: BTreeMap<_, _> = places.map(|place| (place, place)).collect();
            let mut after = before.clone();
            for it in sequence {
                assert!(
                    !it.from.is_stack() || !it.to.is_stack(),
                    "{moves:?}: {sequence:?}"
                );
                let value = after[&it.from];
                after.insert(it.to, value);
            }
            for (&place, &value) in &before {
                let is_free = place
                    .as_reg()
                    .is_some_and(|preg| free.contains(registers.known_number(preg)));
                let written = moves.iter().find(|&&(_, to)| to == place);
                let expected = written.map_or(value, |&(from, _)| from);
                assert!(
                    is_free || after[&place] == expected,
                    "{moves:?}: {sequence:?}"
                );
            }
            assert!(parallel.is_empty());
        }
    }

    #[test]
    fn all_moves_between_a_few_places() {
        let places = [register(0), register(1), register(2), slot(0), slot(1)];
        // For each place, which one it gets its value from: all functions, permutations with their cycles among them.
        for choice in 0..places.len().pow(places.len() as u32) {
            let mut rest = choice;
            let moves = places.map(|to| {
                let from = places[rest % places.len()];
                rest /= places.len();
                (from, to)
            });
            check(&moves);
            check(&moves[..3]);
        }
    }

    #[test]
    fn a_cycle_through_all_registers_and_slots() {
        let places: Vec<_> = (0..NUM_REGISTERS)
            .map(register)
            .chain((0..NUM_SLOTS).map(slot))
            .collect();
        let rotated = places.iter().cycle().skip(1);
        let moves: Vec<_> = places.iter().copied().zip(rotated.copied()).collect();
        check(&moves);
    }
}
