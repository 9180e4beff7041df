//! Watching a run instruction by instruction.

use super::hart::Hart;
use super::memory::Memory;
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

/// What the execution loop reports to. Without tracing it is compiled away.
pub(super) trait Trace {
    /// Whether to report at all.
    const ENABLED: bool;

    /// Reports one instruction.
    fn instruction(&mut self, event: &TraceEvent<'_>);
}

/// Reports nothing.
pub(super) struct NoTrace;

impl Trace for NoTrace {
    const ENABLED: bool = false;

    fn instruction(&mut self, _: &TraceEvent<'_>) {}
}

impl Trace for &mut dyn FnMut(&TraceEvent<'_>) {
    const ENABLED: bool = true;

    fn instruction(&mut self, event: &TraceEvent<'_>) {
        self(event);
    }
}
