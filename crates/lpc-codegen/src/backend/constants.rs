//! Constants that a function keeps in memory, after its code.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Whether there can be constants: no rule of lowering makes any, code that is read as text may have some.
pub(crate) const HAS_CONSTANTS: bool = cfg!(feature = "vcode-text");

/// A constant of a [`VCodeConstants`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VCodeConstant(u32);

impl VCodeConstant {
    /// The constant with the number `index`.
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The number of the constant.
    pub const fn index(self) -> u32 {
        self.0
    }
}

/// The constants of a function. Equal ones are stored once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VCodeConstants {
    values: Vec<Box<[u8]>>,
}

impl VCodeConstants {
    /// The constant with the given bytes. It is aligned to the largest power of two that divides its size, 16 at most.
    pub fn insert(&mut self, bytes: &[u8]) -> VCodeConstant {
        let mut values = self.values.iter();
        let index = values.position(|value| **value == *bytes);
        let index = index.unwrap_or_else(|| {
            self.values.push(bytes.into());
            self.values.len() - 1
        });
        VCodeConstant(index as u32)
    }

    /// The bytes of a constant, or `None` if there is no such constant.
    pub fn get(&self, constant: VCodeConstant) -> Option<&[u8]> {
        self.values.get(constant.0 as usize).map(|bytes| &**bytes)
    }

    /// All constants in order.
    pub fn iter(&self) -> impl Iterator<Item = (VCodeConstant, &[u8])> {
        (0..)
            .map(VCodeConstant)
            .zip(self.values.iter().map(|bytes| &**bytes))
    }

    /// Whether there are no constants.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// The alignment of a constant with `size` bytes.
pub fn constant_alignment(size: usize) -> u32 {
    1 << size.trailing_zeros().min(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_constants_are_shared() {
        let mut constants = VCodeConstants::default();
        let first = constants.insert(&[1, 2, 3, 4]);
        let second = constants.insert(&[1, 2, 3, 5]);
        assert_ne!(first, second);
        assert_eq!(constants.insert(&[1, 2, 3, 4]), first);
        assert_eq!(constants.get(second), Some(&[1, 2, 3, 5][..]));
        assert_eq!(constants.iter().count(), 2);
        assert_eq!(constants.get(VCodeConstant::new(2)), None);
    }

    #[test]
    fn alignment_follows_size() {
        let alignments = [1, 2, 3, 4, 8, 12, 16, 32].map(constant_alignment);
        assert_eq!(alignments, [1, 2, 1, 4, 8, 4, 16, 16]);
    }
}
