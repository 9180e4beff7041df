//! Virtual registers: which there are, which stand for others, and their final numbers.
//!
//! Lowering takes registers as it likes: one for a value when it is first asked for, another for the result of the instruction that
//! computes it; then one *stands for* the other. The allocator, whose time and memory grow with the numbers, gets only those for
//! which no other stands, in the same order.

use super::reg::{PINNED_REGS, Reg, RegClass, VirtualReg, Writable};
use alloc::vec;
use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, bytes_of};
use regalloc2::VReg;

/// Hands out virtual registers, and remembers which stand for others.
#[derive(Clone, Debug, Default)]
pub struct VRegAllocator {
    /// For each register that was handed out, the index of the register that stands for it, or [`NO_ALIAS`]. Indices are
    /// counted from the first virtual register.
    aliases: Vec<u32>,
}

impl VRegAllocator {
    /// An allocator that has handed out nothing.
    pub const fn new() -> Self {
        Self {
            aliases: Vec::new(),
        }
    }

    /// Makes room for exactly `count` registers in memory of `heap`. If there is none, [`Heap::check`] tells.
    pub fn make_room(&mut self, count: usize, heap: &mut Heap) {
        // The error stays with the heap.
        let _ = heap.reserve(&mut self.aliases, count);
    }

    /// Makes room for `count` registers in memory of `heap`. Says whether there is some; if not, [`Heap::check`] tells.
    #[inline]
    pub fn has_room(&mut self, count: u32, heap: &mut Heap) -> bool {
        heap.has_room(&mut self.aliases, count as usize)
    }

    /// An allocator that has handed out `num_vregs` registers already.
    pub fn with_allocated(num_vregs: u32) -> Self {
        Self {
            aliases: vec![NO_ALIAS; num_vregs as usize],
        }
    }

    /// A fresh virtual register.
    ///
    /// # Panics
    /// When there are more than a thousand million: the instructions that name them do not fit in memory.
    pub fn alloc(&mut self, class: RegClass) -> VirtualReg {
        let reg = VirtualReg::with_index(PINNED_REGS + self.num_vregs(), class)
            .expect("virtual registers are fewer than 2^30");
        self.aliases.push(NO_ALIAS);
        reg
    }

    /// The first of `count` fresh virtual registers that follow each other, at least one.
    ///
    /// # Panics
    /// As [`Self::alloc`].
    pub fn alloc_row(&mut self, count: u32, class: RegClass) -> VirtualReg {
        let first = self.alloc(class);
        if count > 1 {
            self.alloc_more(count - 1, class);
        }
        first
    }

    #[inline(never)]
    fn alloc_more(&mut self, count: u32, class: RegClass) {
        for _ in 0..count {
            self.alloc(class);
        }
    }

    /// A fresh virtual register that is about to be written.
    pub fn alloc_writable(&mut self, class: RegClass) -> Writable<Reg> {
        Writable::from_reg(self.alloc(class).to_reg())
    }

    /// How many registers were handed out.
    pub fn num_vregs(&self) -> u32 {
        self.aliases.len() as u32
    }

    /// Makes `target` stand wherever `alias` is named, which must then not be defined by any instruction.
    pub fn set_alias(&mut self, alias: VirtualReg, target: VirtualReg) {
        debug_assert_ne!(alias, target, "a register cannot stand for itself");
        debug_assert_eq!(alias.class(), target.class());
        let index = alias.to_allocator_vreg().vreg();
        debug_assert_eq!(
            self.aliases[index], NO_ALIAS,
            "{alias} has an alias already"
        );
        self.aliases[index] = target.to_allocator_vreg().vreg() as u32;
    }

    /// Numbers the registers.
    pub fn into_numbering(self) -> VRegNumbering {
        let mut entries = self.aliases;
        let mut num_vregs = 0;
        for entry in &mut entries {
            if *entry == NO_ALIAS {
                *entry = num_vregs;
                num_vregs += 1;
            } else {
                *entry |= ALIAS;
            }
        }
        VRegNumbering { entries, num_vregs }
    }
}

/// Marks a register that no other stands for, until the registers are numbered. It is no index: those have 30 bits.
const NO_ALIAS: u32 = u32::MAX;

/// The bit that tells the index of a register that stands for another one from a number.
const ALIAS: u32 = 1 << 31;

/// The final numbers of virtual registers.
#[derive(Clone, Debug)]
pub struct VRegNumbering {
    /// For each register its number, or with [`ALIAS`] the index of the register that stands for it.
    entries: Vec<u32>,
    num_vregs: u32,
}

impl VRegNumbering {
    /// The register `vreg`, or the one that stands for it, under its final number.
    #[inline]
    pub fn number(&mut self, vreg: VReg) -> VReg {
        let entry = self.entries[vreg.vreg()];
        let number = match entry & ALIAS {
            0 => entry,
            _ => self.number_behind(vreg.vreg()),
        };
        VReg::new(number as usize, vreg.class())
    }

    /// The bytes that the numbers take.
    pub(super) fn heap_bytes(&self) -> usize {
        bytes_of(&self.entries)
    }

    /// How many registers have numbers.
    pub fn num_vregs(&self) -> u32 {
        self.num_vregs
    }

    /// The number at the end of the chain of aliases that begins with `start`. The whole chain has it then.
    #[inline(never)]
    fn number_behind(&mut self, start: usize) -> u32 {
        let mut end = start;
        while self.entries[end] & ALIAS != 0 {
            end = (self.entries[end] & !ALIAS) as usize;
        }
        let number = self.entries[end];
        let mut step = start;
        while step != end {
            step = (core::mem::replace(&mut self.entries[step], number) & !ALIAS) as usize;
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(numbering: &mut VRegNumbering, regs: &[VirtualReg]) -> Vec<usize> {
        let number = |reg: &VirtualReg| numbering.number(reg.to_allocator_vreg()).vreg();
        regs.iter().map(number).collect()
    }

    #[test]
    fn the_first_register_follows_the_physical_ones() {
        let mut vregs = VRegAllocator::new();
        assert_eq!(vregs.alloc(RegClass::Int).index(), 192);
        assert_eq!(vregs.alloc_writable(RegClass::Float).to_reg().index(), 193);
        assert_eq!(vregs.num_vregs(), 2);
    }

    #[test]
    fn registers_that_others_stand_for_have_no_numbers() {
        let mut vregs = VRegAllocator::new();
        let [a, b, c, d] = [0; 4].map(|_| vregs.alloc(RegClass::Int));
        vregs.set_alias(a, b);
        vregs.set_alias(b, d);
        let mut numbering = vregs.into_numbering();
        assert_eq!(numbers(&mut numbering, &[a, b, c, d]), [1, 1, 0, 1]);
        assert_eq!(numbering.num_vregs(), 2);
    }

    /// Chains of any length take linear time.
    #[test]
    fn long_chains() {
        let mut vregs = VRegAllocator::new();
        let regs: Vec<_> = (0..100_000).map(|_| vregs.alloc(RegClass::Int)).collect();
        for pair in regs.windows(2) {
            vregs.set_alias(pair[0], pair[1]);
        }
        let mut numbering = vregs.into_numbering();
        assert_eq!(numbers(&mut numbering, &regs), vec![0; regs.len()]);
    }
}
