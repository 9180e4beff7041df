//! Which value each variable has at the end of each block.
//!
//! A hash table in one flat array, with open addressing: a pair of block and variable is stored in the first free slot at or
//! behind the one that its hash selects. Nothing is ever removed, so a search may stop at the first free slot. At most three
//! quarters of the slots are taken.

use super::ssa::Variable;
use crate::entity::PackedOption;
use crate::ir::{Block, Value};
use alloc::vec;
use alloc::vec::Vec;

/// A map from blocks and variables to values.
#[derive(Clone, Debug)]
pub(super) struct Definitions {
    /// As many as a power of two, or none.
    slots: Vec<Slot>,
    taken: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    block: Block,
    variable: Variable,
    /// No value marks a free slot.
    value: PackedOption<Value>,
}

const FREE: Slot = Slot {
    block: Block::from_u32(0),
    variable: Variable::from_u32(0),
    value: PackedOption::NONE,
};

const SMALLEST: usize = 16;

impl Definitions {
    /// An empty map.
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            taken: 0,
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.taken = 0;
    }

    /// The value that was set last for `variable` in `block`.
    pub(super) fn get(&self, block: Block, variable: Variable) -> Option<Value> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots[self.slot_of(block, variable)].value.expand()
    }

    /// Sets the value of `variable` in `block`.
    pub(super) fn set(&mut self, block: Block, variable: Variable, value: Value) {
        if self.taken * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let index = self.slot_of(block, variable);
        if self.slots[index].value.is_none() {
            self.taken += 1;
        }
        self.slots[index] = Slot {
            block,
            variable,
            value: value.into(),
        };
    }

    /// The slot that holds `variable` in `block`, or the free one where it belongs.
    fn slot_of(&self, block: Block, variable: Variable) -> usize {
        // The multiplier is 2^64 divided by the golden ratio; it spreads consecutive numbers over the high bits.
        let key = u64::from(block.as_u32()) << 32 | u64::from(variable.as_u32());
        let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mask = self.slots.len() - 1;
        let mut index = (hash >> 32) as usize & mask;
        loop {
            let slot = &self.slots[index];
            if slot.value.is_none() || (slot.block == block && slot.variable == variable) {
                return index;
            }
            index = (index + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![FREE; (self.slots.len() * 2).max(SMALLEST)];
        let smaller = core::mem::replace(&mut self.slots, larger);
        for &slot in &smaller {
            if slot.value.is_some() {
                let index = self.slot_of(slot.block, slot.variable);
                self.slots[index] = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts() {
        let [block0, block1] = [0, 1].map(Block::from_u32);
        let [x, y] = [0, 1].map(Variable::from_u32);
        let mut definitions = Definitions::new();
        assert_eq!(definitions.get(block0, x), None);
        definitions.set(block0, x, Value::from_u32(5));
        definitions.set(block0, y, Value::from_u32(6));
        definitions.set(block0, x, Value::from_u32(7));
        assert_eq!(definitions.get(block0, x), Some(Value::from_u32(7)));
        assert_eq!(definitions.get(block0, y), Some(Value::from_u32(6)));
        assert_eq!(definitions.get(block1, x), None);
        definitions.clear();
        assert_eq!(definitions.get(block0, x), None);
    }

    #[test]
    fn many_pairs() {
        let mut definitions = Definitions::new();
        let value = |block, variable| Value::from_u32(block * 1000 + variable);
        for block in 0..200 {
            for variable in 0..100 {
                definitions.set(
                    Block::from_u32(block),
                    Variable::from_u32(variable),
                    value(block, variable),
                );
            }
        }
        for block in 0..200 {
            for variable in 0..100 {
                let found = definitions.get(Block::from_u32(block), Variable::from_u32(variable));
                assert_eq!(found, Some(value(block, variable)));
            }
        }
    }
}
