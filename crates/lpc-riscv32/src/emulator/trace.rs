//! Watching a run instruction by instruction.

use super::Counters;
use super::code::Code;
use super::hart::Hart;
use super::memory::Memory;
use super::profile::{Executions, Profiler};
use crate::fetch::FetchedInst;
use crate::gpr::Gpr;
use crate::inst::Inst;

/// An instruction that is about to execute.
pub struct TraceEvent<'a> {
    /// Its address.
    pub pc: u32,
    /// The instruction; for a 16-bit one, the 32-bit instruction that it stands for.
    pub inst: Inst,
    /// Its length in bytes: 2 or 4.
    pub length: u32,
    pub(super) hart: &'a Hart,
}

impl TraceEvent<'_> {
    /// The value of a register before the instruction executes.
    pub fn gpr(&self, gpr: Gpr) -> u32 {
        self.hart.registers.read(gpr.number())
    }

    /// The memory before the instruction executes.
    pub fn memory(&self) -> &Memory {
        &self.hart.memory
    }
}

/// Who watches a run.
pub(super) enum Observer<'a> {
    Nobody,
    /// Is called before each instruction.
    Tracer(&'a mut dyn FnMut(&TraceEvent<'_>)),
    Profiler(Profiler<'a>),
}

impl Observer<'_> {
    /// Reports the instruction at `pc`, which is decoded and about to execute.
    #[inline(always)]
    pub(super) fn before(&mut self, pc: u32, hart: &Hart, code: &Code) {
        if let Observer::Tracer(tracer) = self
            && let Ok(FetchedInst { inst, length, .. }) = code.fetch(pc, &hart.memory)
        {
            tracer(&TraceEvent {
                pc,
                inst,
                length,
                hart,
            });
        }
    }

    /// Reports what the instruction at `pc` has changed in the counters.
    #[inline(always)]
    pub(super) fn after(&mut self, pc: u32, before: Counters, after: Counters) {
        if let Observer::Profiler(profiler) = self {
            profiler.add(
                pc,
                Executions {
                    count: after.instructions - before.instructions,
                    taken: after.taken_branches - before.taken_branches,
                },
            );
        }
    }
}
