//! How often each instruction was executed.

use alloc::collections::BTreeMap;

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

    pub(super) fn add(&mut self, pc: u32, Executions { count, taken }: Executions) {
        let sum = self.by_pc.entry(pc).or_default();
        sum.count += count;
        sum.taken += taken;
    }
}
