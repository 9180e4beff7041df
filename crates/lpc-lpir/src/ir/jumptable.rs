//! The targets of a `br_table`.

use super::BlockCall;
use alloc::vec::Vec;

/// Where a `br_table` goes for each index, and where it goes for an index beyond them.
#[derive(Clone, Debug)]
pub struct JumpTableData {
    /// The default branch first, then the branch of each index.
    branches: Vec<BlockCall>,
}

impl JumpTableData {
    /// A table with the branch `default` for indices beyond `entries`.
    pub fn new(default: BlockCall, entries: &[BlockCall]) -> Self {
        let mut branches = Vec::with_capacity(entries.len() + 1);
        branches.push(default);
        branches.extend_from_slice(entries);
        Self::from_branches(branches)
    }

    /// A table of these branches, the first of which is the default.
    ///
    /// # Panics
    /// When there is none.
    pub fn from_branches(branches: Vec<BlockCall>) -> Self {
        assert!(!branches.is_empty(), "a table has a default branch");
        Self { branches }
    }

    /// The branch that is taken for an index beyond the table.
    pub fn default_branch(&self) -> BlockCall {
        self.branches[0]
    }

    /// The branches of the indices 0, 1, 2, …
    pub fn entries(&self) -> &[BlockCall] {
        &self.branches[1..]
    }

    /// The default branch, then those of the indices.
    pub fn all_branches(&self) -> &[BlockCall] {
        &self.branches
    }

    /// The default branch, then those of the indices, mutably.
    pub fn all_branches_mut(&mut self) -> &mut [BlockCall] {
        &mut self.branches
    }
}
