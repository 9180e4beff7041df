//! Ranges of indices, as compactly as flat arrays need them.

use alloc::vec::Vec;
use core::ops::Range;
use lpc_lpir::heap::{Heap, HeapError, bytes_of};

/// A range of `u32` indices that is `Copy`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IndexRange {
    /// The first index.
    pub start: u32,
    /// The index after the last.
    pub end: u32,
}

impl IndexRange {
    /// The range from `start` to the end of an array of `len` elements.
    pub fn new(start: usize, len: usize) -> Self {
        let index = |index: usize| u32::try_from(index).expect("arrays have 32-bit indices");
        Self {
            start: index(start),
            end: index(len),
        }
    }

    /// The range for indexing a slice.
    pub fn as_usize(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Consecutive ranges that start at 0 and leave no gaps: only their ends are stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ranges {
    ends: Vec<u32>,
}

impl Ranges {
    /// No ranges, with room for `capacity` of them in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn with_capacity(capacity: usize, heap: &mut Heap) -> Result<Self, HeapError> {
        Ok(Self {
            ends: heap.vec(capacity)?,
        })
    }

    /// The bytes that the ranges take.
    pub fn heap_bytes(&self) -> usize {
        bytes_of(&self.ends)
    }

    /// Adds the range from the end of the last one to `end`.
    pub fn push_end(&mut self, end: usize) {
        let start = self.ends.last().copied().unwrap_or(0);
        let range = IndexRange::new(start as usize, end);
        debug_assert!(range.start <= range.end);
        self.ends.push(range.end);
    }

    /// All ranges in order.
    pub fn iter(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        (0..self.ends.len()).map(|index| self.get(index))
    }

    /// The range number `index`.
    pub fn get(&self, index: usize) -> Range<usize> {
        let start = match index.checked_sub(1) {
            Some(before) => self.ends[before],
            None => 0,
        };
        start as usize..self.ends[index] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_ranges() {
        let mut ranges = Ranges::with_capacity(3, &mut Heap::unlimited()).unwrap();
        for end in [2, 2, 5] {
            ranges.push_end(end);
        }
        assert_eq!(ranges.get(0), 0..2);
        assert_eq!(ranges.get(1), 2..2);
        assert_eq!(ranges.get(2), 2..5);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [0..2, 2..2, 2..5]);
    }

    #[test]
    fn index_range_of_the_end_of_an_array() {
        let range = IndexRange::new(3, 5);
        assert_eq!(range.as_usize(), 3..5);
    }
}
