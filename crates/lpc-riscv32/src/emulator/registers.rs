//! The hart's general-purpose registers.

use crate::gpr::Gpr;

/// The registers, and one more that takes the results for `zero`.
///
/// Results are written under a [`Registers::destination`] number, so that writing needs no test for
/// `zero`. The array has an element for every `u8`, so that access needs no bounds check.
#[derive(Clone)]
pub(super) struct Registers([u32; 256]);

impl Registers {
    pub(super) const SINK: u8 = 32;

    /// All registers zero.
    pub(super) fn new() -> Registers {
        Registers([0; 256])
    }

    /// The number under which results for `gpr` are written.
    pub(super) fn destination(gpr: Gpr) -> u8 {
        if gpr == Gpr::ZERO {
            Registers::SINK
        } else {
            gpr.number()
        }
    }

    /// Reads the register with the given number.
    #[inline(always)]
    pub(super) fn read(&self, number: u8) -> u32 {
        self.0[usize::from(number)]
    }

    /// Writes the register with the given [`Registers::destination`] number.
    #[inline(always)]
    pub(super) fn write(&mut self, destination: u8, value: u32) {
        self.0[usize::from(destination)] = value;
    }
}
