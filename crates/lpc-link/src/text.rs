//! The code of all functions, one behind the other, with what is known of it.

use crate::error::LinkError;
use crate::symbols::{Scope, SymbolId};
use alloc::vec::Vec;
use lpc_codegen::backend::buffer::{MachBufferFinalized, MachSrcLoc, MachTrap};
use lpc_codegen::backend::reloc::{MachReference, MachReloc, RelocTarget};
use lpc_lpir::ir::ExternalName;

/// A function in a [`Text`].
#[derive(Clone, Debug)]
pub(crate) struct TextFunction {
    pub(crate) name: ExternalName,
    pub(crate) symbol: SymbolId,
    /// Where it looks up names.
    pub(crate) scope: Scope,
    /// Where it starts.
    pub(crate) start: u32,
    /// The bytes of its code.
    pub(crate) code_size: u32,
    /// The bytes of its code and of the constants and tables behind it.
    pub(crate) size: u32,
    /// What its address is a multiple of.
    pub(crate) alignment: u32,
    /// What the addresses of its instructions are multiples of.
    pub(crate) instruction_alignment: u32,
    /// Whether the code can be moved apart.
    pub(crate) relaxable: bool,
    /// How many of the text's relocations, and of its references, are up to the end of this function.
    pub(crate) relocs_end: usize,
    pub(crate) references_end: usize,
}

/// The code of all functions. All offsets count from its start, and all lists are in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    pub(crate) functions: Vec<TextFunction>,
    pub(crate) relocs: Vec<MachReloc>,
    pub(crate) references: Vec<MachReference>,
    pub(crate) traps: Vec<MachTrap>,
    pub(crate) srclocs: Vec<MachSrcLoc>,
}

impl Text {
    /// What the address of the text is a multiple of.
    pub(crate) fn alignment(&self) -> u32 {
        let alignments = self.functions.iter().map(|function| function.alignment);
        alignments.max().unwrap_or(1)
    }

    /// Adds a function behind the others.
    ///
    /// # Errors
    /// When there are too many bytes.
    pub(crate) fn add(
        &mut self,
        name: &ExternalName,
        symbol: SymbolId,
        scope: Scope,
        code: &MachBufferFinalized,
    ) -> Result<(), LinkError> {
        let alignment = code.alignment.max(1);
        let start = self.bytes.len().next_multiple_of(alignment as usize);
        if start + code.bytes.len() > u32::MAX as usize {
            return Err(LinkError::TooLarge);
        }
        self.bytes.resize(start, 0);
        self.bytes.extend_from_slice(&code.bytes);
        self.add_tables(code, start as u32);
        self.functions.push(TextFunction {
            name: name.clone(),
            symbol,
            scope,
            start: start as u32,
            code_size: code.code_size,
            size: code.bytes.len() as u32,
            alignment,
            instruction_alignment: code.instruction_alignment,
            relaxable: code.relaxable,
            relocs_end: self.relocs.len(),
            references_end: self.references.len(),
        });
        Ok(())
    }

    fn add_tables(&mut self, code: &MachBufferFinalized, start: u32) {
        self.relocs
            .extend(code.relocs.iter().map(|reloc| MachReloc {
                offset: reloc.offset + start,
                target: match &reloc.target {
                    RelocTarget::Local(offset) => RelocTarget::Local(offset + start),
                    external => external.clone(),
                },
                ..*reloc
            }));
        self.references
            .extend(code.references.iter().map(|reference| MachReference {
                offset: reference.offset + start,
                target: reference.target + start,
                ..*reference
            }));
        self.traps.extend(code.traps.iter().map(|trap| MachTrap {
            offset: trap.offset + start,
            ..*trap
        }));
        self.srclocs
            .extend(code.srclocs.iter().map(|run| MachSrcLoc {
                start: run.start + start,
                end: run.end + start,
                ..*run
            }));
    }

    /// The functions, each with its relocations and references.
    pub(crate) fn functions(
        &self,
    ) -> impl Iterator<Item = (&TextFunction, &[MachReloc], &[MachReference])> {
        let mut relocs_start = 0;
        let mut references_start = 0;
        self.functions.iter().map(move |function| {
            let relocs = &self.relocs[relocs_start..function.relocs_end];
            let references = &self.references[references_start..function.references_end];
            relocs_start = function.relocs_end;
            references_start = function.references_end;
            (function, relocs, references)
        })
    }

    /// The error that the relocation, or the reference, at `offset` is not what it says.
    pub(crate) fn malformed(&self, offset: u32) -> LinkError {
        let behind = self
            .functions
            .partition_point(|function| function.start <= offset);
        let function = &self.functions[behind - 1];
        LinkError::MalformedRelocation {
            function: function.name.clone(),
            offset: offset - function.start,
        }
    }
}
