//! Bytes as a sequence of choices.

use arbitrary::Unstructured;

/// Choices that bytes make. When there are no more bytes, the first of the possibilities is chosen, so that any bytes are
/// enough for everything and building comes to an end.
pub(in super::super) struct Choices<'a> {
    bytes: Unstructured<'a>,
}

impl<'a> Choices<'a> {
    pub(in super::super) fn new(data: &'a [u8]) -> Self {
        Self {
            bytes: Unstructured::new(data),
        }
    }

    /// A number below `count`, which must not be 0.
    pub(in super::super) fn below(&mut self, count: usize) -> usize {
        let number = self.bytes.int_in_range(0..=count as u32 - 1);
        number.unwrap_or(0) as usize
    }

    /// One of `items`, of which there must be one.
    pub(in super::super) fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// True once in `count`.
    pub(in super::super) fn rarely(&mut self, count: u8) -> bool {
        self.byte() >= u8::MAX - u8::MAX / count
    }

    pub(in super::super) fn byte(&mut self) -> u8 {
        self.bytes.arbitrary().unwrap_or(0)
    }

    pub(in super::super) fn number(&mut self) -> u32 {
        self.bytes.arbitrary().unwrap_or(0)
    }

    /// A constant: small ones, powers of two and all others.
    pub(in super::super) fn constant(&mut self) -> i64 {
        match self.below(4) {
            0 => i64::from(self.byte() as i8),
            1 => (1_i64 << self.below(64)).wrapping_sub(i64::from(self.byte() & 1)),
            2 => i64::from(self.number() as i32),
            _ => self.bytes.arbitrary().unwrap_or(0),
        }
    }

    /// Whether all bytes are used.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
