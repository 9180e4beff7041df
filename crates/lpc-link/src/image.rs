//! Linked code with its symbol, trap and source tables.

use crate::map::{ImageMap, Location, Sections, Symbol, SymbolKind};
use alloc::vec::Vec;
use lpc_lpir::ir::{DataKind, ExternalName, SourceLoc, TrapCode};

/// Code and data that are ready to be used at one address.
///
/// ```text
///  base ─► ┌──────┬───────────┬───────────┬────────┐
///          │ text │ read-only │ writable  │ zeroed │   the zeroed data are not among the bytes
///          └──────┴───────────┴───────────┴────────┘
///           ◄──────────── bytes ─────────►
///           ◄────────────── memory_size ──────────►
/// ```
///
/// The base is where the processor executes the code and finds the data. The bytes may be written through another address of the
/// same memory, as chips need it whose RAM is seen on two buses; everything up to the memory size is to be set to zero behind
/// them. Addresses in data are those that the processor sees.
#[derive(Clone, Debug)]
pub struct Image {
    pub(crate) map: ImageMap,
    pub(crate) bytes: Vec<u8>,
}

impl Image {
    /// What is where, without the bytes.
    pub fn map(&self) -> &ImageMap {
        &self.map
    }

    /// The address of the first byte.
    pub fn base(&self) -> u32 {
        self.map.base()
    }

    /// What is to be stored at [`Self::base`].
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes that the image takes in memory. Those beyond [`Self::bytes`] are zero at first.
    pub fn memory_size(&self) -> u32 {
        self.map.memory_size()
    }

    /// Where the parts of the image are.
    pub fn sections(&self) -> &Sections {
        self.map.sections()
    }

    /// The functions and data objects, in the order of their addresses.
    pub fn symbols(&self) -> &[Symbol] {
        self.map.symbols()
    }

    /// The functions, in the order of their addresses, each with the bytes of its code.
    pub fn functions(&self) -> impl Iterator<Item = (&Symbol, &[u8])> {
        self.symbols()
            .iter()
            .filter_map(|symbol| match symbol.kind {
                SymbolKind::Function { code_size } => {
                    let code = &self.bytes[symbol.offset as usize..][..code_size as usize];
                    Some((symbol, code))
                }
                SymbolKind::Data(_) => None,
            })
    }

    /// What `symbol`, which is one of [`Self::symbols`], is made of; nothing where that is zeroed.
    pub fn symbol_bytes(&self, symbol: &Symbol) -> &[u8] {
        match symbol.kind {
            SymbolKind::Data(DataKind::Zeroed) => &[],
            _ => &self.bytes[symbol.offset as usize..][..symbol.size as usize],
        }
    }

    /// The address of the function or data object that is called `name`: see [`ImageMap::address_of`].
    pub fn address_of(&self, name: &ExternalName) -> Option<u32> {
        self.map.address_of(name)
    }

    /// The function or data object that `address` is in, and how far from its start.
    pub fn locate(&self, address: u32) -> Option<Location<'_>> {
        self.map.locate(address)
    }

    /// Why the instruction at `address` traps, if it is one that may.
    pub fn trap_at(&self, address: u32) -> Option<TrapCode> {
        self.map.trap_at(address)
    }

    /// Where in the source the instruction at `address` comes from.
    pub fn srcloc_at(&self, address: u32) -> Option<SourceLoc> {
        self.map.srcloc_at(address)
    }
}
