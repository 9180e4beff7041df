//! What is where in linked code: symbols, traps and source locations by address.

use crate::error::LinkError;
use alloc::vec::Vec;
use core::ops::Range;
use lpc_codegen::backend::buffer::{MachSrcLoc, MachTrap};
use lpc_lpir::ir::{DataKind, ExternalName, Linkage, SourceLoc, TrapCode};

/// What is where in code and data that are linked for one address, without their bytes.
///
/// All tables are sorted by offset, so that every question about an address is a binary search.
#[derive(Clone, Debug)]
pub struct ImageMap {
    pub(crate) base: u32,
    /// Where the first byte would be if data were there: the base, unless the processor has data at other addresses than code.
    data_base: u32,
    pub(crate) sections: Sections,
    /// The functions and data objects, in the order of their addresses.
    pub(crate) symbols: Vec<Symbol>,
    /// Positions in `symbols`, in the order of their names, exported ones first.
    pub(crate) by_name: Vec<u32>,
    pub(crate) traps: Vec<MachTrap>,
    pub(crate) srclocs: Vec<MachSrcLoc>,
}

/// Where the parts of an image are, in bytes from its start. Gaps between them are for alignment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sections {
    /// The code of all functions, with their constants and jump tables.
    pub text: Range<u32>,
    /// Data that nobody writes to.
    pub read_only: Range<u32>,
    /// Data with a first content.
    pub writable: Range<u32>,
    /// Data that are zero at first. Whoever loads the image must see to that.
    pub zeroed: Range<u32>,
}

/// A function or a data object in an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// Its name.
    pub name: ExternalName,
    /// Who may refer to it.
    pub linkage: Linkage,
    /// What it is.
    pub kind: SymbolKind,
    /// Where it starts, in bytes from the start of the image.
    pub offset: u32,
    /// The bytes that it takes: for a function those of its code, and of the constants and tables behind it.
    pub size: u32,
}

/// What a symbol stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SymbolKind {
    /// A function.
    Function {
        /// The bytes of its code, without what lies behind it.
        code_size: u32,
    },
    /// A data object.
    Data(DataKind),
}

/// A place in a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Location<'a> {
    /// The name of the function.
    pub function: &'a ExternalName,
    /// The distance from its start in bytes.
    pub offset: u32,
}

impl ImageMap {
    /// The map of an image at `base`, whose data are where they would be if it were at `data_base`, with these `symbols`, which are in no order
    /// yet, and these tables, which are.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(crate) fn new(
        (base, data_base): (u32, u32),
        sections: Sections,
        mut symbols: Vec<Symbol>,
        traps: Vec<MachTrap>,
        srclocs: Vec<MachSrcLoc>,
    ) -> Result<Self, LinkError> {
        // No two are at the same offset.
        symbols.sort_unstable_by_key(|symbol| symbol.offset);
        let mut by_name: Vec<u32> = Vec::new();
        by_name.try_reserve_exact(symbols.len())?;
        by_name.extend(0..symbols.len() as u32);
        by_name.sort_unstable_by_key(|&index| {
            let symbol = &symbols[index as usize];
            (&symbol.name, symbol.linkage == Linkage::Local, index)
        });
        Ok(Self {
            base,
            data_base,
            sections,
            symbols,
            by_name,
            traps,
            srclocs,
        })
    }

    /// The address of the first byte.
    pub fn base(&self) -> u32 {
        self.base
    }

    /// The bytes that code and data take in memory.
    pub fn memory_size(&self) -> u32 {
        self.sections.zeroed.end
    }

    /// Where the parts are.
    pub fn sections(&self) -> &Sections {
        &self.sections
    }

    /// The functions and data objects, in the order of their addresses.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// The function or data object that is called `name`. Of several, that are local to their modules, the first one.
    pub fn find(&self, name: &ExternalName) -> Option<&Symbol> {
        let symbol_at = |&index: &u32| &self.symbols[index as usize];
        let first = self
            .by_name
            .partition_point(|index| symbol_at(index).name < *name);
        let symbol = self.by_name.get(first).map(symbol_at)?;
        (symbol.name == *name).then_some(symbol)
    }

    /// The address of the function or data object that is called `name`. Of several, that are local to their modules, the
    /// first one.
    pub fn address_of(&self, name: &ExternalName) -> Option<u32> {
        Some(self.address_of_symbol(self.find(name)?))
    }

    /// The address of `symbol`, which is one of [`Self::symbols`].
    pub fn address_of_symbol(&self, symbol: &Symbol) -> u32 {
        let base = match symbol.kind {
            SymbolKind::Function { .. } => self.base,
            SymbolKind::Data(_) => self.data_base,
        };
        base.wrapping_add(symbol.offset)
    }

    /// The function or data object that `address` is in, and how far from its start.
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
        let text_size = self.sections.text.end;
        let offset = address.wrapping_sub(self.base);
        if offset < text_size {
            return Some(offset);
        }
        let offset = address.wrapping_sub(self.data_base);
        (text_size..self.memory_size())
            .contains(&offset)
            .then_some(offset)
    }

    pub(crate) fn symbol_at_offset(&self, offset: u32) -> Option<&Symbol> {
        let behind = self
            .symbols
            .partition_point(|symbol| symbol.offset <= offset);
        let symbol = &self.symbols[behind.checked_sub(1)?];
        (offset - symbol.offset < symbol.size).then_some(symbol)
    }
}
