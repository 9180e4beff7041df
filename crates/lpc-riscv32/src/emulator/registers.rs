//! The hart's general-purpose registers.

use crate::gpr::Gpr;

/// The registers, and one more that takes the results for `zero`.
///
/// A destination number is [`Registers::destination`], so that writing needs no test for `zero`.
/// The array is longer than what the numbers can reach after masking, so that access needs no
/// bounds check either.
#[derive(Clone)]
pub(super) struct Registers([u32; 64]);

impl Registers {
    const SINK: u8 = 32;

    /// All registers zero.
    pub(super) fn new() -> Registers {
        Registers([0; 64])
    }

    /// The number under which results for `gpr` are written.
    pub(super) fn destination(gpr: Gpr) -> u8 {
        if gpr == Gpr::ZERO {
            Registers::SINK
        } else {
            gpr.number()
        }
    }

    /// Reads the register whose number is the low five bits.
    #[inline(always)]
    pub(super) fn read(&self, number: u8) -> u32 {
        self.0[usize::from(number & 31)]
    }

    /// Writes the register with the given [`Registers::destination`] number.
    #[inline(always)]
    pub(super) fn write(&mut self, destination: u8, value: u32) {
        self.0[usize::from(destination & 63)] = value;
    }
}
