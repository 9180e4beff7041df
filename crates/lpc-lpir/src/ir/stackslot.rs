//! Explicit stack slots.

use core::fmt;

/// A region of the stack frame whose address the function can take.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StackSlotData {
    /// The size in bytes.
    pub size: u32,
    /// The base-2 logarithm of the alignment in bytes.
    pub align_shift: u8,
}

impl StackSlotData {
    /// A slot of `size` bytes that is aligned to `1 << align_shift` bytes.
    pub const fn new(size: u32, align_shift: u8) -> Self {
        Self { size, align_shift }
    }
}

impl fmt::Display for StackSlotData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "explicit_slot {}", self.size)?;
        if self.align_shift != 0 {
            write!(f, ", align = {}", 1u64 << self.align_shift)?;
        }
        Ok(())
    }
}
