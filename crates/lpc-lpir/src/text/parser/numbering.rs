//! Which entity a number in the text stands for.
//!
//! `v7` in the text becomes the value number 7, so that errors and printed functions name things as their author did. The
//! numbers that the text leaves out are gaps: undefined values, blocks outside the layout, empty declarations. They cost
//! memory, so they are bounded. A function may have four gaps for each entity that it defines; gaps beyond that are taken
//! from the spare ones of the whole text, of which there are [`SPARE_GAPS`]. A function for which they do not suffice is read
//! again with its entities renumbered densely, in the order in which the text names them: `v4000000000` costs as much as
//! `v0`.
//!
//! The rule depends on the numbers only, and not on how they are written, and a function that is renumbered takes no spare
//! gaps. So the same functions keep their numbers when they are printed and read back, together or alone, and printing them
//! again gives the same text.
//!
//! The rule can be checked only at the end of a function. Until then numbers are bounded by the length of its text: the
//! definition of a value takes at least three bytes (`v1:`) and any other at least five, so in a function that keeps the
//! rule no value has a number beyond `spare + 2 × bytes`, and nothing else one beyond `spare + bytes`.

use super::{Failure, ParseResult};
use alloc::collections::BTreeMap;

/// The gaps that the functions of a text may have together beyond those that their size allows: enough for examples written
/// by hand, and little memory.
pub(super) const SPARE_GAPS: u32 = 8192;

/// The gaps that a function may have for each entity that it defines.
const GAPS_PER_DEFINITION: u32 = 4;

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
    /// Keeps the numbers of a function whose text is `bytes` long, when `spare` gaps are left.
    pub(super) fn keeping(spare: u32, bytes: usize) -> Self {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let others = || Numbers::below(spare.saturating_add(bytes));
        Self {
            values: Numbers::below(spare.saturating_add(bytes.saturating_mul(2))),
            blocks: others(),
            stack_slots: others(),
            global_values: others(),
            func_refs: others(),
            sig_refs: others(),
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

    /// The spare gaps that the function takes.
    pub(super) fn spare_gaps(&self) -> u32 {
        let kinds = [
            &self.values,
            &self.blocks,
            &self.stack_slots,
            &self.global_values,
            &self.func_refs,
            &self.sig_refs,
        ];
        let spare_gaps = kinds.into_iter().map(Numbers::spare_gaps);
        spare_gaps.fold(0, u32::saturating_add)
    }
}

/// The numbers of one kind of entity.
pub(super) struct Numbers {
    /// Numbers below are kept.
    limit: u32,
    /// The entity of each number of the text, where they are not kept.
    renumbered: Option<BTreeMap<u32, u32>>,
    /// One more than the highest number seen.
    next: u32,
    /// How many entities are defined.
    defined: u32,
}

impl Numbers {
    fn below(limit: u32) -> Self {
        Self {
            limit,
            renumbered: None,
            next: 0,
            defined: 0,
        }
    }

    fn renumbering() -> Self {
        Self {
            renumbered: Some(BTreeMap::new()),
            ..Self::below(0)
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

    fn spare_gaps(&self) -> u32 {
        if !self.are_kept() {
            return 0;
        }
        let gaps = self.next.saturating_sub(self.defined);
        gaps.saturating_sub(self.defined.saturating_mul(GAPS_PER_DEFINITION))
    }
}
