//! The registers that hold one IR value.

use super::reg::{Reg, Writable};
use core::fmt;

/// The most registers that one value takes: an `i128` on a machine with 32-bit registers.
pub const MAX_VALUE_REGS: usize = 4;

/// The one, two or four registers that hold a value, the least significant word first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ValueRegs<R: Copy> {
    parts: [R; MAX_VALUE_REGS],
    len: u8,
}

impl<R: Copy> ValueRegs<R> {
    /// A value in one register.
    pub const fn one(reg: R) -> Self {
        Self {
            parts: [reg; MAX_VALUE_REGS],
            len: 1,
        }
    }

    /// A value in two registers.
    pub const fn two(low: R, high: R) -> Self {
        Self {
            parts: [low, high, high, high],
            len: 2,
        }
    }

    /// A value in four registers.
    pub const fn four(parts: [R; MAX_VALUE_REGS]) -> Self {
        Self { parts, len: 4 }
    }

    /// The registers, the least significant word first.
    pub fn regs(&self) -> &[R] {
        &self.parts[..self.len()]
    }

    /// How many registers there are.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a value has at least one register"
    )]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// The register of a value that has just one.
    pub fn only_reg(&self) -> Option<R> {
        match self.regs() {
            [reg] => Some(*reg),
            _ => None,
        }
    }

    /// Each register converted by `convert`.
    pub fn map<S: Copy>(self, convert: impl FnMut(R) -> S) -> ValueRegs<S> {
        ValueRegs {
            parts: self.parts.map(convert),
            len: self.len,
        }
    }
}

impl ValueRegs<Writable<Reg>> {
    /// The registers, to be read.
    pub fn to_regs(self) -> ValueRegs<Reg> {
        self.map(Writable::to_reg)
    }
}

impl<R: Copy + fmt::Debug> fmt::Debug for ValueRegs<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.regs().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size() {
        let one = ValueRegs::one(7);
        assert_eq!((one.regs(), one.only_reg()), (&[7][..], Some(7)));
        let two = ValueRegs::two(1, 2);
        assert_eq!((two.regs(), two.only_reg()), (&[1, 2][..], None));
        let four = ValueRegs::four([1, 2, 3, 4]).map(|part| part * 2);
        assert_eq!(four.regs(), &[2, 4, 6, 8]);
    }
}
