//! The finished code of a function.

use super::{MachBuffer, MachInstLabelUse, PlacedTarget};
use crate::backend::machinst::{CodeOffset, MachInst};
use crate::backend::relax::{Layout, UseKind};
use crate::backend::reloc::{MachReference, MachReloc, ReferenceKind, RelocTarget};
use crate::backend::unwind::UnwindInst;
use crate::backend::value_labels::ValueLocation;
use crate::settings::NOTES_OBJECT_INFO;
use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, HeapError};
use lpc_lpir::ir::{SourceLoc, TrapCode};

/// An instruction that may trap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MachTrap {
    /// Where the instruction starts.
    pub offset: CodeOffset,
    /// Why it traps.
    pub code: TrapCode,
}

/// A call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MachCallSite {
    /// Where the call returns to.
    pub return_offset: CodeOffset,
}

/// A stretch of code that comes from one place of the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MachSrcLoc {
    /// Where it starts.
    pub start: CodeOffset,
    /// Where it ends.
    pub end: CodeOffset,
    /// Where it comes from.
    pub srcloc: SourceLoc,
}

/// The machine code of a function, with what is needed to link and to explain it. All lists are in the order of the code.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MachBufferFinalized {
    /// Code and data.
    pub bytes: Vec<u8>,
    /// The part of `bytes` that is code. In relaxable code the padding in front of the data is part of it, as padding that
    /// may shrink.
    pub code_size: CodeOffset,
    /// Where the data start: behind the code, at the next multiple of their alignment. In relaxable code that is
    /// `code_size`, which need not be a multiple: the padding is as long as it may ever be, and the linker leaves what aligns.
    pub data_start: CodeOffset,
    /// What the address of the first byte must be a multiple of.
    pub alignment: u32,
    /// What the address of every instruction is a multiple of.
    pub instruction_alignment: u32,
    /// What is to be filled in.
    pub relocs: Vec<MachReloc>,
    /// Whether the code can be moved apart: `references` is complete, and padding has the most bytes that it may need.
    pub relaxable: bool,
    /// Where the code refers to itself, if it is relaxable. Such places are filled in already, apart from the words of jump
    /// tables, which are zero.
    pub references: Vec<MachReference>,
    /// The instructions that may trap.
    pub traps: Vec<MachTrap>,
    /// The calls.
    pub call_sites: Vec<MachCallSite>,
    /// Where the code comes from. Code that comes from nowhere is left out.
    pub srclocs: Vec<MachSrcLoc>,
    /// How the frame changes, for those who unwind the stack: each holds from its offset on.
    pub unwind: Vec<(CodeOffset, UnwindInst)>,
    /// Where the values of the function are, if that was asked for: in the order of the values and, for each of their words,
    /// of the code.
    pub value_locations: Vec<ValueLocation>,
}

/// Whether there may be padding in the code: in front of loops, and for linkers to take away.
pub(super) const HAS_PADDING: bool = cfg!(any(feature = "optimizer", feature = "object-info"));

impl<I: MachInst> MachBuffer<I> {
    /// Copies code, label uses and data to where `layout` puts them, and what is known of them.
    pub(super) fn finalize(
        &mut self,
        layout: &Layout,
        relaxable: bool,
        heap: &mut Heap,
        finished: &mut MachBufferFinalized,
    ) -> Result<(), HeapError> {
        finished.code_size = layout.code_size();
        finished.data_start = layout.data_start();
        finished.alignment = self.data_alignment.max(self.code_alignment);
        finished.instruction_alignment = I::function_alignment(&self.info);
        finished.relaxable = relaxable;
        self.place_bytes(layout, &mut finished.bytes, heap)?;
        heap.free(core::mem::take(&mut self.code));
        heap.free(core::mem::take(&mut self.data));
        if relaxable {
            finished.references = self.place_references(layout, heap)?;
        } else {
            self.place_differences(layout, &mut finished.bytes);
        }
        if NOTES_OBJECT_INFO {
            let unwind = self.unwind.iter();
            let unwind = unwind.map(|&(place, inst)| (layout.offset(place), inst));
            finished.unwind = heap.collect(unwind)?;
        }
        let traps = self.traps.iter();
        finished.traps = heap.collect(traps.map(|&(place, code)| MachTrap {
            offset: layout.offset(place),
            code,
        }))?;
        let call_sites = self.call_sites.iter();
        finished.call_sites = heap.collect(call_sites.map(|&place| MachCallSite {
            return_offset: layout.offset(place),
        }))?;
        if NOTES_OBJECT_INFO {
            finished.srclocs = self.place_srclocs(layout, heap)?;
            finished.value_locations = self.place_values(layout, heap)?;
        }
        finished.relocs = self.place_relocs(layout, heap)?;
        Ok(())
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn place_bytes(
        &self,
        layout: &Layout,
        bytes: &mut Vec<u8>,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        heap.reserve(bytes, layout.data_start() as usize + self.data.len())?;
        let mut copied = 0;
        for (index, label_use) in self.uses.iter().enumerate() {
            let end = label_use.bytes as usize;
            bytes.extend_from_slice(&self.code[copied..end]);
            copied = end;
            match &label_use.kind {
                UseKind::Label(kind) => {
                    let start = layout.use_offset(index, label_use.bytes);
                    let target = layout.label_offset(&self.labels, label_use.label);
                    let distance = target.wrapping_sub(start) as i32;
                    kind.encode(label_use.form, distance, &self.info, bytes);
                }
                UseKind::Align(_) if HAS_PADDING => I::gen_nops(layout.use_size(index), bytes),
                UseKind::Align(_) => {}
            }
        }
        bytes.extend_from_slice(&self.code[copied..]);
        debug_assert_eq!(bytes.len(), layout.code_size() as usize);
        if !self.data.is_empty() {
            bytes.resize(layout.data_start() as usize, 0);
            bytes.extend_from_slice(&self.data);
        }
        Ok(())
    }

    /// The places that refer to others, in the order of their offsets.
    fn place_references(
        &self,
        layout: &Layout,
        heap: &mut Heap,
    ) -> Result<Vec<MachReference>, HeapError> {
        let mut references = heap.vec(self.uses.len() + 2 * self.differences.len())?;
        for (index, label_use) in self.uses.iter().enumerate() {
            let offset = layout.use_offset(index, label_use.bytes);
            references.push(match &label_use.kind {
                UseKind::Label(kind) => {
                    let (kind, start) = kind.reference(label_use.form);
                    MachReference {
                        offset: offset + u32::from(start),
                        kind,
                        target: layout.label_offset(&self.labels, label_use.label),
                    }
                }
                UseKind::Align(alignment) => MachReference {
                    offset,
                    kind: ReferenceKind::Align,
                    target: offset + alignment.max_padding(),
                },
            });
        }
        for difference in &self.differences {
            let offset = layout.data_start() + difference.data_offset;
            for (kind, label) in [
                (ReferenceKind::Add32, difference.to),
                (ReferenceKind::Sub32, difference.from),
            ] {
                references.push(MachReference {
                    offset,
                    kind,
                    target: layout.label_offset(&self.labels, label),
                });
            }
        }
        Ok(references)
    }

    fn place_differences(&self, layout: &Layout, bytes: &mut [u8]) {
        for difference in &self.differences {
            let from = layout.label_offset(&self.labels, difference.from);
            let to = layout.label_offset(&self.labels, difference.to);
            let start = (layout.data_start() + difference.data_offset) as usize;
            bytes[start..start + 4].copy_from_slice(&to.wrapping_sub(from).to_le_bytes());
        }
    }

    fn place_values(
        &self,
        layout: &Layout,
        heap: &mut Heap,
    ) -> Result<Vec<ValueLocation>, HeapError> {
        let mut placed = heap.vec(self.value_locations.len())?;
        let locations = self.value_locations.iter().map(|value| ValueLocation {
            label: value.label,
            start: layout.offset(value.start),
            end: layout.offset(value.end),
            place: value.place,
        });
        placed.extend(locations.filter(|location| location.start < location.end));
        placed.sort_unstable_by_key(|location| (location.label, location.start, location.end));
        Ok(placed)
    }

    fn place_srclocs(
        &self,
        layout: &Layout,
        heap: &mut Heap,
    ) -> Result<Vec<MachSrcLoc>, HeapError> {
        let mut runs = heap.vec(self.srclocs.len())?;
        let ends = self
            .srclocs
            .iter()
            .skip(1)
            .map(|&(end, _)| layout.offset(end));
        let all = self
            .srclocs
            .iter()
            .zip(ends.chain([layout.code_size()]))
            .map(|(&(start, srcloc), end)| MachSrcLoc {
                start: layout.offset(start),
                end,
                srcloc,
            });
        runs.extend(all.filter(|run| run.start < run.end && !run.srcloc.is_default()));
        Ok(runs)
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn place_relocs(
        &mut self,
        layout: &Layout,
        heap: &mut Heap,
    ) -> Result<Vec<MachReloc>, HeapError> {
        let relocs = core::mem::take(&mut self.relocs);
        let place_target = |target| match target {
            PlacedTarget::External(name) => RelocTarget::External(name),
            PlacedTarget::Code(place) => RelocTarget::Local(layout.offset(place)),
        };
        heap.collect(relocs.into_iter().map(|reloc| MachReloc {
            offset: layout.offset(reloc.place),
            kind: reloc.kind,
            target: place_target(reloc.target),
            addend: reloc.addend,
        }))
    }
}
