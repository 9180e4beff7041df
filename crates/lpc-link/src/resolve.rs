//! Filling in addresses, once everything has its place.

use crate::error::{LinkError, UndefinedSymbol};
use crate::linker::LinkedData;
use crate::relocation::{self, Malformed};
use crate::symbols::{Scope, SymbolTable};
use crate::text::Text;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use lpc_codegen::backend::reloc::{MachReloc, RelocKind, RelocTarget};
use lpc_lpir::ir::ExternalName;

/// Where names are.
pub(crate) struct Addresses<'a> {
    /// The address of the image.
    pub(crate) base: u32,
    pub(crate) symbols: &'a SymbolTable,
    /// For each symbol, its distance from the start of the image.
    pub(crate) offsets: &'a [u32],
    pub(crate) imports: &'a dyn Fn(&ExternalName) -> Option<u32>,
}

impl Addresses<'_> {
    fn find(&self, scope: Scope, name: &ExternalName) -> Option<u32> {
        match self.symbols.find(scope, name) {
            Some(symbol) => Some(self.base.wrapping_add(self.offsets[symbol.index()])),
            None => (self.imports)(name),
        }
    }
}

/// Fills in all relocations of `text` and `data`, or names everything that is not defined. `data_offsets` says where the
/// data objects are in `bytes`.
pub(crate) fn resolve_all(
    bytes: &mut [u8],
    text: &Text,
    data: &[LinkedData],
    data_offsets: &[u32],
    addresses: &Addresses<'_>,
) -> Result<(), LinkError> {
    let mut undefined = Undefined::default();
    for (function, relocs, _) in text.functions() {
        for reloc in relocs {
            match resolve(bytes, relocs, reloc, function.scope, addresses) {
                Ok(()) => {}
                Err(Unresolved::Undefined(name)) => undefined.add(name, &function.name),
                Err(Unresolved::Malformed) => return Err(text.malformed(reloc.offset)),
            }
        }
    }
    for (data, &offset) in data.iter().zip(data_offsets) {
        for reloc in &data.object.relocs {
            match addresses.find(data.scope, &reloc.target) {
                Some(address) => {
                    let start = (offset + reloc.offset) as usize;
                    let value = address.wrapping_add_signed(reloc.addend);
                    relocation::apply(RelocKind::Abs32, &mut bytes[start..], value)
                        .expect("the relocations of data objects are inside of them");
                }
                None => undefined.add(&reloc.target, &data.object.name),
            }
        }
    }
    undefined.result()
}

/// Names that nobody defines, each one once.
#[derive(Default)]
struct Undefined<'a> {
    list: Vec<UndefinedSymbol>,
    named: BTreeSet<&'a ExternalName>,
}

impl<'a> Undefined<'a> {
    fn add(&mut self, name: &'a ExternalName, referenced_by: &ExternalName) {
        if self.named.insert(name) {
            self.list.push(UndefinedSymbol {
                name: name.clone(),
                referenced_by: referenced_by.clone(),
            });
        }
    }

    fn result(self) -> Result<(), LinkError> {
        if self.list.is_empty() {
            Ok(())
        } else {
            Err(LinkError::Undefined(self.list))
        }
    }
}

/// Why one relocation cannot be filled in.
enum Unresolved<'a> {
    Undefined(&'a ExternalName),
    Malformed,
}

impl From<Malformed> for Unresolved<'_> {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Fills in one of the relocations `relocs` of a function. The text starts where the image does.
fn resolve<'a>(
    bytes: &mut [u8],
    relocs: &'a [MachReloc],
    reloc: &'a MachReloc,
    scope: Scope,
    addresses: &Addresses<'_>,
) -> Result<(), Unresolved<'a>> {
    // The low part of a distance belongs to the `auipc` that it names, whose own relocation states the distance.
    let stating = match (reloc.kind, &reloc.target) {
        (RelocKind::PcRelLo12I | RelocKind::PcRelLo12S, RelocTarget::Local(auipc)) => {
            upper_part(relocs, *auipc)?
        }
        _ => reloc,
    };
    let target = match &stating.target {
        RelocTarget::Local(offset) => addresses.base.wrapping_add(*offset),
        RelocTarget::External(name) => addresses
            .find(scope, name)
            .ok_or(Unresolved::Undefined(name))?,
    };
    let mut value = target.wrapping_add_signed(stating.addend);
    if relocation::is_relative(stating.kind) {
        value = value.wrapping_sub(addresses.base.wrapping_add(stating.offset));
    }
    let place = bytes.get_mut(reloc.offset as usize..).ok_or(Malformed)?;
    relocation::apply(reloc.kind, place, value)?;
    Ok(())
}

/// The relocation of the `auipc` at `offset`. Relocations are in the order of their offsets.
fn upper_part(relocs: &[MachReloc], offset: u32) -> Result<&MachReloc, Malformed> {
    let index = relocs
        .binary_search_by_key(&offset, |reloc| reloc.offset)
        .map_err(|_| Malformed)?;
    let upper = &relocs[index];
    if upper.kind == RelocKind::PcRelHi20 {
        Ok(upper)
    } else {
        Err(Malformed)
    }
}
