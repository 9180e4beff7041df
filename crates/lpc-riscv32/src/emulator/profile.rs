//! How often each instruction was executed.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::ops::AddAssign;

/// How often the instructions at each address were executed, summed over all runs that were given it: see
/// [`Emulator::run_profiled`](super::Emulator::run_profiled).
///
/// Code that was overwritten in between has the sum of what was executed at its address.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Profile {
    by_pc: BTreeMap<u32, Executions>,
}

/// How often an instruction was executed. Not counted is when it trapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Executions {
    /// In all.
    pub count: u64,
    /// So that it was a conditional branch that was taken.
    pub taken: u64,
}

impl AddAssign for Executions {
    fn add_assign(&mut self, other: Executions) {
        self.count += other.count;
        self.taken += other.taken;
    }
}

impl Profile {
    /// Of no run.
    pub fn new() -> Profile {
        Profile::default()
    }

    /// How often the instruction at `pc` was executed.
    pub fn at(&self, pc: u32) -> Executions {
        self.by_pc.get(&pc).copied().unwrap_or_default()
    }

    /// The addresses of all instructions that were executed, in ascending order, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Executions)> {
        self.by_pc.iter().map(|(pc, executions)| (*pc, *executions))
    }

    fn add(&mut self, pc: u32, executions: Executions) {
        if executions.count != 0 {
            *self.by_pc.entry(pc).or_default() += executions;
        }
    }
}

/// Adds to a [`Profile`] what is executed, most of it only when dropped.
pub(super) struct Profiler<'a> {
    profile: &'a mut Profile,
    /// An address and its executions, which are not in the profile yet, at the place that the address hashes to.
    recent: Box<[(u32, Executions); RECENT]>,
}

/// A power of two.
const RECENT: usize = 1 << 10;

impl<'a> Profiler<'a> {
    pub(super) fn new(profile: &'a mut Profile) -> Profiler<'a> {
        Profiler {
            profile,
            recent: Box::new([(0, Executions::default()); RECENT]),
        }
    }

    pub(super) fn add(&mut self, pc: u32, executions: Executions) {
        let place = &mut self.recent[(pc >> 1) as usize % RECENT];
        if place.0 != pc {
            self.profile.add(place.0, place.1);
            *place = (pc, Executions::default());
        }
        place.1 += executions;
    }
}

impl Drop for Profiler<'_> {
    fn drop(&mut self) {
        for (pc, executions) in &*self.recent {
            self.profile.add(*pc, *executions);
        }
    }
}
