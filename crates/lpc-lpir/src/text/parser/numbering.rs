//! Which entity a number in the text stands for.
//!
//! `v7` in the text becomes the value number 7, so that errors and printed functions name things as their author did. The
//! numbers that the text leaves out are gaps: undefined values, blocks outside the layout, empty declarations. They cost
//! memory, so they are bounded, for each kind of entity, by
//!
//! ```text
//! gaps ≤ spare + 4 × defined entities
//! ```
//!
//! A function with more is read again with its entities renumbered densely, in the order in which the text names them:
//! `v4000000000` costs as much as `v0`. The rule depends on the numbers only, and not on how they are written, so a function
//! that was printed falls under the same rule, and printing what was read back gives the same text.
//!
//! The rule can be checked only at the end. Until then numbers are bounded by the length of the text of the function: the
//! definition of a value takes at least three bytes (`v1:`) and any other at least five, so in a function that keeps the
//! rule no value has a number beyond `spare + 2 × bytes`, and nothing else one beyond `spare + bytes`.

use super::{Failure, ParseResult};
use alloc::collections::BTreeMap;

/// The gaps that any function may have among its values, as in examples written by hand.
const SPARE_VALUES: u32 = 1024;
/// The same among its blocks.
const SPARE_BLOCKS: u32 = 512;
/// The same among each kind of declaration.
const SPARE_DECLARATIONS: u32 = 64;

/// The numbers of all kinds of entities of a function.
pub(super) struct Numbering {
    pub(super) values: Numbers,
    pub(super) blocks: Numbers,
    pub(super) stack_slots: Numbers,
    pub(super) global_values: Numbers,
    pub(super) func_refs: Numbers,
    pub(super) sig_refs: Numbers,
}

impl Numbering {
    /// Keeps the numbers of a function whose text is `bytes` long.
    pub(super) fn keeping(bytes: usize) -> Self {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let declarations = || Numbers::keeping(SPARE_DECLARATIONS, bytes);
        Self {
            values: Numbers::keeping(SPARE_VALUES, bytes.saturating_mul(2)),
            blocks: Numbers::keeping(SPARE_BLOCKS, bytes),
            stack_slots: declarations(),
            global_values: declarations(),
            func_refs: declarations(),
            sig_refs: declarations(),
        }
    }

    /// Numbers entities in the order of their first appearance.
    pub(super) fn renumbering() -> Self {
        Self {
            values: Numbers::renumbering(),
            blocks: Numbers::renumbering(),
            stack_slots: Numbers::renumbering(),
            global_values: Numbers::renumbering(),
            func_refs: Numbers::renumbering(),
            sig_refs: Numbers::renumbering(),
        }
    }

    /// Checks the rule on gaps for the whole function.
    pub(super) fn check_gaps(&self) -> ParseResult<()> {
        let kinds = [
            &self.values,
            &self.blocks,
            &self.stack_slots,
            &self.global_values,
            &self.func_refs,
            &self.sig_refs,
        ];
        if kinds.into_iter().all(Numbers::keeps_rule) {
            Ok(())
        } else {
            Err(Failure::SparseNumbers)
        }
    }
}

/// The numbers of one kind of entity.
pub(super) struct Numbers {
    spare: u32,
    /// Numbers below are kept.
    limit: u32,
    /// The entity of each number of the text, where they are not kept.
    renumbered: Option<BTreeMap<u32, u32>>,
    /// One more than the highest number seen.
    next: u32,
    defined: u32,
}

impl Numbers {
    fn keeping(spare: u32, room: u32) -> Self {
        Self {
            spare,
            limit: spare.saturating_add(room),
            renumbered: None,
            next: 0,
            defined: 0,
        }
    }

    fn renumbering() -> Self {
        Self {
            spare: 0,
            limit: u32::MAX,
            renumbered: Some(BTreeMap::new()),
            next: 0,
            defined: 0,
        }
    }

    /// The index of the entity that `number` stands for. `len` is how many entities there are; when the index is not below,
    /// the caller makes entities until it is.
    pub(super) fn index(&mut self, number: u32, len: usize) -> ParseResult<usize> {
        self.next = self.next.max(number.saturating_add(1));
        match &mut self.renumbered {
            None if number < self.limit => Ok(number as usize),
            None => Err(Failure::SparseNumbers),
            Some(renumbered) => Ok(*renumbered.entry(number).or_insert(len as u32) as usize),
        }
    }

    /// Counts the definition of an entity.
    pub(super) fn count_definition(&mut self) {
        self.defined += 1;
    }

    /// The number that an entity without a written one gets: one more than the highest.
    pub(super) fn next(&self) -> u32 {
        self.next
    }

    /// Whether numbers are kept as they are written.
    pub(super) fn are_kept(&self) -> bool {
        self.renumbered.is_none()
    }

    fn keeps_rule(&self) -> bool {
        let gaps = self.next.saturating_sub(self.defined);
        !self.are_kept() || gaps <= self.spare.saturating_add(self.defined.saturating_mul(4))
    }
}
