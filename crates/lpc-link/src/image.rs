//! Linked code with its symbol, trap and source tables.

use alloc::vec::Vec;
use lpc_codegen::backend::buffer::{MachSrcLoc, MachTrap};
use lpc_lpir::ir::{ExternalName, SourceLoc, TrapCode};

/// Code that is ready to be executed at one address.
///
/// All tables are sorted by offset, so that every question about an address is a binary search.
#[derive(Clone, Debug)]
pub struct Image {
    pub(crate) base: u32,
    pub(crate) bytes: Vec<u8>,
    /// The functions, in the order of their addresses.
    pub(crate) symbols: Vec<Symbol>,
    /// Positions in `symbols`, in the order of their names.
    pub(crate) by_name: Vec<u32>,
    pub(crate) traps: Vec<MachTrap>,
    pub(crate) srclocs: Vec<MachSrcLoc>,
}

/// A function in an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// Its name.
    pub name: ExternalName,
    /// Where it starts, in bytes from the start of the image.
    pub offset: u32,
    /// The bytes of its code.
    pub code_size: u32,
    /// The bytes of its code and of the constants and tables behind it.
    pub size: u32,
}

/// A place in a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Location<'a> {
    /// The name of the function.
    pub function: &'a ExternalName,
    /// The distance from its start in bytes.
    pub offset: u32,
}

impl Image {
    /// The address of the first byte.
    pub fn base(&self) -> u32 {
        self.base
    }

    /// What is to be stored at [`Self::base`].
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The functions, in the order of their addresses.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// The code and data of `symbol`, which is one of [`Self::symbols`].
    pub fn symbol_bytes(&self, symbol: &Symbol) -> &[u8] {
        &self.bytes[symbol.offset as usize..][..symbol.size as usize]
    }

    /// The address of the function that is called `name`.
    pub fn address_of(&self, name: &ExternalName) -> Option<u32> {
        let position = self
            .by_name
            .binary_search_by(|&index| self.symbols[index as usize].name.cmp(name))
            .ok()?;
        let symbol = &self.symbols[self.by_name[position] as usize];
        Some(self.base.wrapping_add(symbol.offset))
    }

    /// The function that `address` is in, and how far from its start.
    pub fn locate(&self, address: u32) -> Option<Location<'_>> {
        let offset = self.offset_of(address)?;
        let symbol = self.symbol_at_offset(offset)?;
        Some(Location {
            function: &symbol.name,
            offset: offset - symbol.offset,
        })
    }

    /// Why the instruction at `address` traps, if it is one that may.
    pub fn trap_at(&self, address: u32) -> Option<TrapCode> {
        let offset = self.offset_of(address)?;
        let index = self
            .traps
            .binary_search_by_key(&offset, |trap| trap.offset)
            .ok()?;
        Some(self.traps[index].code)
    }

    /// Where in the source the instruction at `address` comes from.
    pub fn srcloc_at(&self, address: u32) -> Option<SourceLoc> {
        let offset = self.offset_of(address)?;
        let index = self.srclocs.partition_point(|run| run.end <= offset);
        let run = self.srclocs.get(index)?;
        (run.start <= offset).then_some(run.srcloc)
    }

    fn offset_of(&self, address: u32) -> Option<u32> {
        let offset = address.wrapping_sub(self.base);
        ((offset as usize) < self.bytes.len()).then_some(offset)
    }

    pub(crate) fn symbol_at_offset(&self, offset: u32) -> Option<&Symbol> {
        let behind = self
            .symbols
            .partition_point(|symbol| symbol.offset <= offset);
        let symbol = &self.symbols[behind.checked_sub(1)?];
        (offset - symbol.offset < symbol.size).then_some(symbol)
    }
}
