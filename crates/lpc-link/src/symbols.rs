//! The names of what is linked, and who may use them.
//!
//! Exported names are known to everybody. A name that is local to a module is known there only, and is found first there.

use crate::error::LinkError;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lpc_lpir::ir::{ExternalName, Linkage};

/// A function or a data object of a [`Linker`](crate::Linker), in the order in which they were added.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct SymbolId(u32);

impl SymbolId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A module, as far as names are concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Scope(u32);

/// All names.
#[derive(Debug)]
pub(crate) struct SymbolTable {
    len: u32,
    exported: BTreeMap<ExternalName, SymbolId>,
    /// The local names of each scope.
    local: Vec<BTreeMap<ExternalName, SymbolId>>,
}

impl SymbolTable {
    /// A table without names, and with one scope.
    pub(crate) fn new() -> Self {
        Self {
            len: 0,
            exported: BTreeMap::new(),
            local: [BTreeMap::new()].into(),
        }
    }

    /// The scope of what is added now.
    pub(crate) fn scope(&self) -> Scope {
        Scope(self.local.len() as u32 - 1)
    }

    /// Opens a scope for what is added from now on.
    pub(crate) fn open_scope(&mut self) {
        self.local.push(BTreeMap::new());
    }

    /// Adds a name.
    ///
    /// # Errors
    /// When the name is taken.
    pub(crate) fn add(
        &mut self,
        name: &ExternalName,
        linkage: Linkage,
    ) -> Result<SymbolId, LinkError> {
        let scope = self.local.len() - 1;
        let names = match linkage {
            Linkage::Export => &mut self.exported,
            Linkage::Local => &mut self.local[scope],
        };
        let id = SymbolId(self.len);
        if names.contains_key(name) {
            return Err(LinkError::DuplicateSymbol(name.clone()));
        }
        names.insert(name.clone(), id);
        self.len += 1;
        Ok(id)
    }

    /// What `name` means in `scope`.
    pub(crate) fn find(&self, scope: Scope, name: &ExternalName) -> Option<SymbolId> {
        let local = self.local[scope.0 as usize].get(name);
        local.or_else(|| self.exported.get(name)).copied()
    }

    /// Whether everybody knows `name`.
    pub(crate) fn is_exported(&self, name: &ExternalName) -> bool {
        self.exported.contains_key(name)
    }

    /// Whether everybody knows `name` as this symbol.
    pub(crate) fn is_exported_as(&self, name: &ExternalName, symbol: SymbolId) -> bool {
        self.exported.get(name) == Some(&symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_names_are_found_first_and_only_in_their_scope() {
        let f = ExternalName::symbol("f");
        let mut symbols = SymbolTable::new();
        let first = symbols.scope();
        let local = symbols.add(&f, Linkage::Local).unwrap();
        assert!(symbols.add(&f, Linkage::Local).is_err());
        symbols.open_scope();
        let second = symbols.scope();
        assert_eq!(symbols.find(second, &f), None);
        let exported = symbols.add(&f, Linkage::Export).unwrap();
        assert!(symbols.add(&f, Linkage::Export).is_err());
        assert_eq!(symbols.find(first, &f), Some(local));
        assert_eq!(symbols.find(second, &f), Some(exported));
        assert_eq!((local.index(), exported.index()), (0, 1));
    }
}
