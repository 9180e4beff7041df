//! The physical registers as the allocator counts them: in the order in which it prefers them, so that a set is one number and
//! the best register of a set is its lowest bit.

use core::fmt;
use core::num::NonZeroU8;
use core::ops::{BitAnd, BitOr, BitOrAssign, Sub};
use regalloc2::{MachineEnv, PReg, PRegSet};

/// The number of a physical register: the smaller, the better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Register(NonZeroU8);

impl Register {
    /// The best.
    pub(super) const FIRST: Self = Self(NonZeroU8::MIN);

    /// One more than the highest number, for arrays that are indexed by [`Self::index`].
    pub(super) const LIMIT: usize = RegSet::BITS as usize;

    #[inline]
    pub(super) fn index(self) -> usize {
        // The number is lower than the limit; so that it is seen to be.
        usize::from(self.0.get()) % Self::LIMIT
    }
}

/// A set of registers: one word of the smallest machine that allocates, with room for all integer registers but that which is zero.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RegSet(u32);

impl RegSet {
    const BITS: u32 = u32::BITS;

    pub(super) const EMPTY: Self = Self(0);

    pub(super) fn only(register: Register) -> Self {
        Self(1 << register.index())
    }

    pub(super) fn contains(self, register: Register) -> bool {
        self.0 >> register.index() & 1 != 0
    }

    pub(super) fn insert(&mut self, register: Register) {
        self.0 |= 1 << register.index();
    }

    pub(super) fn remove(&mut self, register: Register) {
        self.0 &= !(1 << register.index());
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The best of its registers.
    // Where no instruction counts zeros, that takes a dozen of them.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn first(self) -> Option<Register> {
        let number = self.0.trailing_zeros() % Self::BITS;
        NonZeroU8::new(number as u8).map(Register)
    }
}

impl BitOr for RegSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for RegSet {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for RegSet {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Sub for RegSet {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Iterator for RegSet {
    type Item = Register;

    fn next(&mut self) -> Option<Register> {
        let register = self.first()?;
        self.remove(register);
        Some(register)
    }
}

impl fmt::Debug for RegSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.map(Register::index)).finish()
    }
}

/// The registers of a machine.
pub(super) struct RegisterFile {
    pregs: [PReg; Register::LIMIT],
    numbers: [Option<Register>; PReg::NUM_INDEX],
    count: u8,
    /// The last set that was asked for: one follows the other of calls that clobber the same.
    last_set: (PRegSet, RegSet),
    /// Those that may be allocated.
    pub(super) allocatable: RegSet,
    /// Those of them that cost nothing to use.
    pub(super) preferred: RegSet,
}

impl RegisterFile {
    pub(super) fn new(env: &MachineEnv) -> Self {
        let mut file = Self {
            pregs: [PReg::invalid(); Register::LIMIT],
            numbers: [None; PReg::NUM_INDEX],
            count: 0,
            last_set: (PRegSet::empty(), RegSet::EMPTY),
            allocatable: RegSet::EMPTY,
            preferred: RegSet::EMPTY,
        };
        for preg in env.preferred_regs_by_class.iter().flatten() {
            let register = file.number(preg);
            file.preferred.insert(register);
        }
        file.allocatable = file.preferred;
        for preg in env.non_preferred_regs_by_class.iter().flatten() {
            let register = file.number(preg);
            file.allocatable.insert(register);
        }
        file
    }

    /// The number of `preg`, which gets one if it has none: it may be named by the code without being allocatable.
    ///
    /// # Panics
    /// When there are more registers than numbers.
    pub(super) fn number(&mut self, preg: PReg) -> Register {
        let number = &mut self.numbers[preg.index()];
        *number.get_or_insert_with(|| {
            self.count += 1;
            assert!(
                usize::from(self.count) < Register::LIMIT,
                "too many registers"
            );
            self.pregs[usize::from(self.count)] = preg;
            Register(NonZeroU8::new(self.count).expect("numbers start at one"))
        })
    }

    /// The number of `preg`, which has been asked for before or is allocatable.
    pub(super) fn known_number(&self, preg: PReg) -> Register {
        self.numbers[preg.index()].expect("the register has a number")
    }

    pub(super) fn preg(&self, register: Register) -> PReg {
        self.pregs[register.index()]
    }

    pub(super) fn set(&mut self, pregs: PRegSet) -> RegSet {
        if self.last_set.0 == pregs {
            return self.last_set.1;
        }
        let mut set = RegSet::EMPTY;
        for preg in pregs {
            set.insert(self.number(preg));
        }
        self.last_set = (pregs, set);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;
    use regalloc2::RegClass;

    fn preg(number: usize) -> PReg {
        PReg::new(number, RegClass::Int)
    }

    #[test]
    fn preferred_registers_come_first() {
        let env = MachineEnv {
            preferred_regs_by_class: [
                [preg(7), preg(40)].into_iter().collect(),
                PRegSet::empty(),
                PRegSet::empty(),
            ],
            non_preferred_regs_by_class: [
                [preg(3)].into_iter().collect(),
                PRegSet::empty(),
                PRegSet::empty(),
            ],
            scratch_by_class: [None; 3],
            fixed_stack_slots: Vec::new(),
        };
        let mut file = RegisterFile::new(&env);
        let order: Vec<_> = file
            .allocatable
            .map(|register| file.preg(register))
            .collect();
        assert_eq!(order, [preg(7), preg(40), preg(3)]);
        assert_eq!((file.preferred.len(), file.allocatable.len()), (2, 3));
        let named = file.number(preg(1));
        assert_eq!(
            (file.preg(named), file.known_number(preg(1))),
            (preg(1), named)
        );
        assert!(!file.allocatable.contains(named));
        let sets = [vec![7], vec![7, 3], vec![7, 3], vec![40], vec![7]].map(|numbers| {
            let pregs: PRegSet = numbers.into_iter().map(preg).collect();
            file.set(pregs)
                .map(|register| file.preg(register).hw_enc())
                .collect::<Vec<_>>()
        });
        assert_eq!(sets, [vec![7], vec![7, 3], vec![7, 3], vec![40], vec![7]]);
    }

    #[test]
    fn sets() {
        let [one, two] = [1, 31].map(|number| Register(NonZeroU8::new(number).unwrap()));
        let mut set = RegSet::only(two);
        assert_eq!((set.first(), set.len()), (Some(two), 1));
        set.insert(one);
        assert_eq!(set.collect::<Vec<_>>(), [one, two]);
        assert_eq!(set - RegSet::only(one), RegSet::only(two));
        set.remove(one);
        set.remove(two);
        assert_eq!((set, set.first()), (RegSet::EMPTY, None));
    }
}
