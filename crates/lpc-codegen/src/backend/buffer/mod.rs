//! The buffer that machine code is emitted into.
//!
//! A [`MachBuffer`] takes bytes, labels and *label uses*: instructions, such as branches, that refer to a label. How long a
//! branch is depends on how far it reaches, and how far it reaches depends on how long the branches in between are. So
//! nothing is decided while code is emitted: a label use takes no room in the buffer, and every place in the code is noted
//! as the number of bytes *and* of label uses before it.
//!
//! ```text
//!  bytes:   ────────────┬───────────────┬─────┬──────────
//!                       beq L2          j L1  bltu L1           label uses: zero bytes wide
//!  place:   (12 bytes, 0 uses)    (28 bytes, 2 uses)
//! ```
//!
//! [`MachBuffer::finish`] then gives each use the shortest of its forms that reaches (see [`relax`](super::relax)) and copies
//! bytes and uses to their final places, in one pass. There is no distance at which a branch fails.
//!
//! After the code come its data, each aligned to its size: jump tables and constants.
//!
//! Code for a linker that may shorten calls stays as it can be moved: everything in it that refers to another place of the
//! same function is listed ([`MachBufferFinalized::references`]), and padding has the most bytes that it may need.

mod finish;

pub use super::relax::{LabelUseForm, LabelUseForms, MachLabel};
use finish::HAS_PADDING;
pub use finish::{MachBufferFinalized, MachCallSite, MachSrcLoc, MachTrap};

use super::machinst::{CodeOffset, MachInst};
use super::relax::{Alignment, LabelPlace, LabelUse, Layout, Padding, Place, UseKind, relax};
use super::reloc::{ReferenceKind, RelocKind};
use super::unwind::UnwindInst;
use super::value_labels::{ValueLabel, ValuePlace};
use super::vcode::BlockIndex;
use crate::settings::NOTES_OBJECT_INFO;
use alloc::vec::Vec;
use core::fmt;
use lpc_lpir::heap::{Heap, HeapError};
use lpc_lpir::ir::{ExternalName, SourceLoc, TrapCode};

/// An instruction or a short sequence of them that refers to a label.
pub trait MachInstLabelUse: LabelUseForms + Clone + fmt::Debug {
    /// What must be known of the target.
    type Info;

    /// The number of the shortest form that this one can take on the target. It can take all that are longer.
    fn first_form(&self, info: &Self::Info) -> u8;

    /// Appends the encoding in the form number `form`, with the label at `distance` from its start.
    fn encode(&self, form: u8, distance: i32, info: &Self::Info, code: &mut Vec<u8>);

    /// How the form number `form` refers to its label, and how many bytes behind its start.
    fn reference(&self, form: u8) -> (ReferenceKind, u8);
}

impl MachLabel {
    /// The label of a block. The first labels of a buffer are those of the function's blocks.
    pub const fn from_block(block: BlockIndex) -> Self {
        Self::new(block.0)
    }

    /// The block of a label that [`Self::from_block`] made.
    pub const fn to_block(self) -> BlockIndex {
        regalloc2::Block(self.index() as u32)
    }
}

/// A word of data that holds the distance between two labels.
#[derive(Clone, Copy, Debug)]
struct LabelDifference {
    data_offset: u32,
    from: MachLabel,
    to: MachLabel,
}

#[derive(Clone, Debug)]
enum PlacedTarget {
    External(ExternalName),
    Code(Place),
}

#[derive(Clone, Debug)]
struct PlacedReloc {
    place: Place,
    kind: RelocKind,
    target: PlacedTarget,
    addend: i32,
}

/// A trap that is reached by a branch and stands after the function.
#[derive(Clone, Copy, Debug)]
struct DeferredTrap {
    label: MachLabel,
    code: TrapCode,
    srcloc: SourceLoc,
}

/// Where a word of a value is, between two places.
#[derive(Clone, Copy, Debug)]
struct PlacedValue {
    label: ValueLabel,
    start: Place,
    end: Place,
    place: ValuePlace,
}

/// The place of an instruction, for what refers to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodePlace(Place);

/// Code in the making. See the [module](self).
#[derive(Clone, Debug)]
pub struct MachBuffer<I: MachInst> {
    info: I::EmitInfo,
    code: Vec<u8>,
    uses: Vec<LabelUse<I::LabelUse>>,
    labels: Vec<LabelPlace>,
    data: Vec<u8>,
    data_alignment: u32,
    code_alignment: u32,
    differences: Vec<LabelDifference>,
    relocs: Vec<PlacedReloc>,
    traps: Vec<(Place, TrapCode)>,
    call_sites: Vec<Place>,
    /// Where each run of code with the same source location starts.
    srclocs: Vec<(Place, SourceLoc)>,
    unwind: Vec<(Place, UnwindInst)>,
    value_locations: Vec<PlacedValue>,
    deferred_traps: Vec<DeferredTrap>,
    /// How many of them are taken before the prologue.
    entry_traps: usize,
    heap: Heap,
}

impl<I: MachInst> MachBuffer<I> {
    /// An empty buffer for code of the target, with a label for each of `num_blocks` blocks, and room for about `num_insts`
    /// instructions. Its memory is that of `heap`, which it gives back in the end. Where there is none, [`Self::heap`] has the error.
    pub fn new(info: I::EmitInfo, num_blocks: usize, num_insts: usize, mut heap: Heap) -> Self {
        let code = heap.vec(num_insts * 4);
        let labels = heap.filled(LabelPlace::Unbound, num_blocks);
        Self {
            info,
            code: code.unwrap_or_default(),
            uses: Vec::new(),
            labels: labels.unwrap_or_default(),
            data: Vec::new(),
            data_alignment: 1,
            code_alignment: I::function_alignment(&info)
                .max(I::preferred_function_alignment(&info).bytes()),
            differences: Vec::new(),
            relocs: Vec::new(),
            traps: Vec::new(),
            call_sites: Vec::new(),
            srclocs: Vec::new(),
            unwind: Vec::new(),
            value_locations: Vec::new(),
            deferred_traps: Vec::new(),
            entry_traps: 0,
            heap,
        }
    }

    /// The bytes that [`Self::new`] takes at once.
    pub(super) fn bytes_at_start(num_blocks: usize, num_insts: usize) -> usize {
        num_insts * 4 + num_blocks * size_of::<LabelPlace>()
    }

    /// Where the memory comes from. When there is none, what is appended is left out, and the error stays here.
    pub fn heap(&mut self) -> &mut Heap {
        &mut self.heap
    }

    /// What is known of the target.
    pub fn info(&self) -> &I::EmitInfo {
        &self.info
    }

    fn place(&self) -> Place {
        Place {
            bytes: self.code.len() as u32,
            uses: self.uses.len() as u32,
        }
    }

    /// The bytes of the code so far, with every label use in its largest form and the deferred traps.
    pub fn largest_size(&self) -> CodeOffset {
        let start = CodePlace(Place { bytes: 0, uses: 0 });
        let traps = self.deferred_traps.len() * I::trap_opcode(&self.info).len();
        self.largest_size_since(start) + traps as CodeOffset
    }

    /// The bytes of the code since `start`, with every label use in its largest form; without deferred traps, which stand
    /// behind the function.
    pub fn largest_size_since(&self, start: CodePlace) -> CodeOffset {
        let uses = self.uses[start.0.uses as usize..].iter();
        let uses = uses.map(LabelUse::largest_size).sum::<CodeOffset>();
        self.place().bytes - start.0.bytes + uses
    }

    /// The place of whatever is emitted next.
    pub fn cur_place(&self) -> CodePlace {
        CodePlace(self.place())
    }

    /// Appends an instruction of 16 bits.
    pub fn put2(&mut self, halfword: u16) {
        self.put_bytes(halfword.to_le_bytes());
    }

    /// Appends an instruction of 32 bits.
    pub fn put4(&mut self, word: u32) {
        self.put_bytes(word.to_le_bytes());
    }

    /// Appends so few bytes that each is stored by itself.
    fn put_bytes<const N: usize>(&mut self, bytes: [u8; N]) {
        if self.heap.has_room(&mut self.code, N) {
            self.code.extend(bytes);
        }
    }

    /// Appends the instruction that always traps, because of `code`.
    pub fn put_trap(&mut self, code: TrapCode) {
        self.add_trap(code);
        let opcode = I::trap_opcode(&self.info);
        self.heap.extend(&mut self.code, opcode);
    }

    /// A new label, to be bound later.
    pub fn get_label(&mut self) -> MachLabel {
        let label = MachLabel::new(self.labels.len() as u32);
        self.heap.push(&mut self.labels, LabelPlace::Unbound);
        label
    }

    /// Puts `label` at the end of the code so far.
    pub fn bind_label(&mut self, label: MachLabel) {
        self.set_label(label, LabelPlace::Code(self.place()));
    }

    /// Makes `label` the same as `target`, which must not have been made the same as `label`.
    pub fn alias_label(&mut self, label: MachLabel, target: MachLabel) {
        let target = self.resolve_label(target);
        debug_assert_ne!(label, target);
        self.set_label(label, LabelPlace::Alias(target));
    }

    fn set_label(&mut self, label: MachLabel, place: LabelPlace) {
        // A label that there was no memory for is missing.
        if let Some(label) = self.labels.get_mut(label.index()) {
            debug_assert_eq!(*label, LabelPlace::Unbound);
            *label = place;
        }
    }

    /// The label that `label` was made the same as, or itself.
    pub fn resolve_label(&self, label: MachLabel) -> MachLabel {
        let mut label = label;
        if I::optimizes(&self.info) {
            while let Some(&LabelPlace::Alias(target)) = self.labels.get(label.index()) {
                label = target;
            }
        }
        label
    }

    /// Appends an instruction that refers to `label`.
    pub fn use_label(&mut self, kind: I::LabelUse, label: MachLabel) {
        let label = self.resolve_label(label);
        let label_use = LabelUse {
            bytes: self.code.len() as u32,
            label,
            form: kind.first_form(&self.info),
            kind: UseKind::Label(kind),
        };
        self.heap.push(&mut self.uses, label_use);
    }

    /// Appends padding, so that what follows is at an address that is a multiple of `alignment`, a power of two: where the features
    /// `optimizer` or `object-info` are there, without which nobody asks.
    pub fn align_to(&mut self, alignment: u32) {
        let alignment = Alignment {
            bytes: alignment,
            unit: I::function_alignment(&self.info),
        };
        if !HAS_PADDING || alignment.max_padding() == 0 {
            return;
        }
        self.code_alignment = self.code_alignment.max(alignment.bytes);
        let label_use = LabelUse {
            bytes: self.code.len() as u32,
            label: MachLabel::new(0),
            form: 0,
            kind: UseKind::Align(alignment),
        };
        self.heap.push(&mut self.uses, label_use);
    }

    /// Notes that the next instruction is to be filled in with the address of, or the distance to, `target`.
    pub fn add_reloc(&mut self, kind: RelocKind, target: &ExternalName, addend: i32) {
        let Ok(target) = target.copy_in(&mut self.heap) else {
            return;
        };
        let reloc = PlacedReloc {
            place: self.place(),
            kind,
            target: PlacedTarget::External(target),
            addend,
        };
        self.heap.push(&mut self.relocs, reloc);
    }

    /// Notes that the next instruction belongs together with the one at `target`.
    pub fn add_local_reloc(&mut self, kind: RelocKind, target: CodePlace) {
        let reloc = PlacedReloc {
            place: self.place(),
            kind,
            target: PlacedTarget::Code(target.0),
            addend: 0,
        };
        self.heap.push(&mut self.relocs, reloc);
    }

    /// Notes that the next instruction may trap, and why.
    pub fn add_trap(&mut self, code: TrapCode) {
        let trap = (self.place(), code);
        self.heap.push(&mut self.traps, trap);
    }

    /// Notes that the last instruction was a call: what follows is where it returns to.
    pub fn add_call_site(&mut self) {
        let place = self.place();
        self.heap.push(&mut self.call_sites, place);
    }

    /// Notes that from here on the frame is as `inst` says.
    pub fn add_unwind(&mut self, inst: UnwindInst) {
        if !NOTES_OBJECT_INFO {
            return;
        }
        let unwind = (self.place(), inst);
        self.heap.push(&mut self.unwind, unwind);
    }

    /// Notes where a word of a value is, while control is between two places.
    pub fn add_value_location(
        &mut self,
        label: ValueLabel,
        start: CodePlace,
        end: CodePlace,
        place: ValuePlace,
    ) {
        let value = PlacedValue {
            label,
            start: start.0,
            end: end.0,
            place,
        };
        self.heap.push(&mut self.value_locations, value);
    }

    /// Notes that what follows comes from `srcloc`.
    pub fn set_srcloc(&mut self, srcloc: SourceLoc) {
        if !NOTES_OBJECT_INFO || self.cur_srcloc() == srcloc {
            return;
        }
        let place = self.place();
        match self.srclocs.last_mut() {
            Some(last) if last.0 == place => last.1 = srcloc,
            _ => self.heap.push(&mut self.srclocs, (place, srcloc)),
        }
    }

    fn cur_srcloc(&self) -> SourceLoc {
        match self.srclocs.last() {
            Some(&(_, srcloc)) if NOTES_OBJECT_INFO => srcloc,
            _ => SourceLoc::default(),
        }
    }

    /// The label of a trap of its own that will stand after the function's code, for a branch to be taken to.
    pub fn defer_trap(&mut self, code: TrapCode) -> MachLabel {
        let label = self.get_label();
        let srcloc = self.cur_srcloc();
        let trap = DeferredTrap {
            label,
            code,
            srcloc,
        };
        self.heap.push(&mut self.deferred_traps, trap);
        label
    }

    /// Adds bytes to the data, at an address that is a multiple of `alignment`, and returns their label.
    pub fn add_data(&mut self, bytes: &[u8], alignment: u32) -> MachLabel {
        let label = self.start_data(alignment);
        self.heap.extend(&mut self.data, bytes);
        label
    }

    /// Adds a jump table to the data, and returns its label: one word for each target, the distance from the table.
    pub fn add_jump_table(&mut self, targets: &[MachLabel]) -> MachLabel {
        let table = self.start_data(4);
        for &target in targets {
            let difference = LabelDifference {
                data_offset: self.data.len() as u32,
                from: table,
                to: self.resolve_label(target),
            };
            self.heap.push(&mut self.differences, difference);
            self.heap.extend(&mut self.data, &[0; 4]);
        }
        table
    }

    fn start_data(&mut self, alignment: u32) -> MachLabel {
        self.data_alignment = self.data_alignment.max(alignment);
        let start = self.data.len().next_multiple_of(alignment as usize);
        let padding = start - self.data.len();
        if self.heap.has_room(&mut self.data, padding) {
            self.data.resize(start, 0);
        }
        let label = self.get_label();
        self.set_label(label, LabelPlace::Data(start as u32));
        label
    }

    /// Notes that the traps that were deferred so far are taken while the frame is as at the entry, which state has been
    /// [remembered](UnwindInst::RememberState).
    pub fn keep_entry_traps(&mut self) {
        self.entry_traps = self.deferred_traps.len();
    }

    /// Puts the deferred traps behind the code, one for each: first those of the body, then those of the entry, as what is
    /// known of the frame changes in the order of the code.
    fn emit_deferred_traps(&mut self) {
        let traps = core::mem::take(&mut self.deferred_traps);
        let (entry, body) = traps.split_at(self.entry_traps);
        self.emit_traps(body);
        if NOTES_OBJECT_INFO && !entry.is_empty() && !self.unwind.is_empty() {
            self.add_unwind(UnwindInst::RestoreState);
        }
        self.emit_traps(entry);
        self.heap.free(traps);
    }

    fn emit_traps(&mut self, traps: &[DeferredTrap]) {
        for trap in traps {
            self.set_srcloc(trap.srcloc);
            self.bind_label(trap.label);
            self.put_trap(trap.code);
        }
    }

    /// Chooses the form of every label use and puts everything in its final place, in `finished`, which is empty before. The heap goes
    /// back to `heap`. Nothing is to be appended behind this.
    ///
    /// `relaxable` keeps what a linker needs to move the code: see the [module](self).
    ///
    /// # Errors
    /// [`HeapError`] where there was no memory for something that was appended, or there is none for the code.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn finish(
        &mut self,
        relaxable: bool,
        heap: &mut Heap,
        finished: &mut MachBufferFinalized,
    ) -> Result<(), HeapError> {
        self.emit_deferred_traps();
        let padding = if relaxable {
            if !self.data.is_empty() {
                self.align_to(self.data_alignment);
            }
            Padding::Largest
        } else {
            Padding::Exact
        };
        let data_alignment = if relaxable { 1 } else { self.data_alignment };
        *heap = core::mem::take(&mut self.heap);
        heap.check()?;
        let layout = Layout::new(heap.vec(self.uses.len() + 1)?);
        let layout = relax(
            layout,
            &mut self.uses,
            &self.labels,
            self.code.len(),
            data_alignment,
            padding,
        );
        self.finalize(&layout, relaxable, heap, finished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::reloc::MachReference;
    use crate::backend::value_labels::ValueLocation;
    use crate::isa::riscv32::emit::{EmitInfo, LabelUse};
    use crate::isa::riscv32::inst::MInst;
    use alloc::vec;
    use lpc_lpir::ir::Value;
    use lpc_riscv32::{ExtensionSet, Gpr, Opcode};

    const NOP: u32 = 0x13;
    const COMPRESSED_NOP: u16 = 1;

    fn buffer(extensions: ExtensionSet) -> MachBuffer<MInst> {
        MachBuffer::new(EmitInfo::new(extensions), 1, 0, Heap::unlimited())
    }

    fn finish(mut buffer: MachBuffer<MInst>, relaxable: bool) -> MachBufferFinalized {
        let mut finished = MachBufferFinalized::default();
        let mut heap = Heap::unlimited();
        buffer.finish(relaxable, &mut heap, &mut finished).unwrap();
        finished
    }

    #[test]
    fn the_largest_size_counts_the_longest_forms_and_the_traps_behind() {
        for (extensions, trap) in [(ExtensionSet::RV32I, 4), (ExtensionSet::RV32IMAC, 2)] {
            let mut buffer = buffer(extensions);
            buffer.put2(COMPRESSED_NOP);
            buffer.put4(NOP);
            assert_eq!(buffer.largest_size(), 6);
            for code in [TrapCode::STACK_OVERFLOW, TrapCode::HEAP_OUT_OF_BOUNDS] {
                let label = buffer.defer_trap(code);
                buffer.use_label(LabelUse::branch(Opcode::Beq, Gpr::A0, Gpr::A1), label);
            }
            assert_eq!(buffer.largest_size(), 6 + 2 * (12 + trap));
        }
    }

    #[test]
    fn padding_in_front_of_what_is_aligned() {
        let mut buffer = buffer(ExtensionSet::RV32IMAC);
        buffer.put2(COMPRESSED_NOP);
        buffer.align_to(8);
        buffer.put4(NOP);
        let finished = finish(buffer, false);
        assert_eq!(finished.bytes, [1, 0, 1, 0, 0x13, 0, 0, 0, 0x13, 0, 0, 0]);
        assert_eq!((finished.alignment, finished.code_size), (8, 12));
    }

    #[test]
    fn what_instructions_have_anyway_takes_no_padding() {
        let mut buffer = buffer(ExtensionSet::RV32I);
        buffer.align_to(4);
        buffer.put4(NOP);
        let finished = finish(buffer, true);
        assert_eq!((finished.alignment, finished.references), (4, vec![]));
    }

    /// Padding in front of the data is there only where there are data.
    #[test]
    fn relaxable_code_keeps_the_most_padding() {
        let mut buffer = buffer(ExtensionSet::RV32IMAC);
        buffer.put4(NOP);
        assert_eq!(finish(buffer.clone(), true).references, []);
        buffer.add_data(&[7; 8], 8);
        let finished = finish(buffer, true);
        let padding = MachReference {
            offset: 4,
            kind: ReferenceKind::Align,
            target: 10,
        };
        assert_eq!(finished.references, [padding]);
        assert_eq!((finished.code_size, finished.data_start), (10, 10));
        assert_eq!(finished.bytes[10..], [7; 8]);
    }

    /// A branch that does not reach leaps over the jump that does; a table is listed word by word.
    #[test]
    fn references_of_relaxable_code() {
        let mut buffer = buffer(ExtensionSet::RV32I);
        let [far, end] = [(); 2].map(|()| buffer.get_label());
        buffer.use_label(LabelUse::branch(Opcode::Beq, Gpr::A0, Gpr::A1), far);
        buffer.bind_label(end);
        for _ in 0..1024 {
            buffer.put4(NOP);
        }
        buffer.bind_label(far);
        buffer.add_jump_table(&[end]);
        buffer.add_jump_table(&[far, end]);
        let reference = |offset, kind, target| MachReference {
            offset,
            kind,
            target,
        };
        let (far, data) = (8 + 4096, 8 + 4096u32);
        let word = |index: u32, to, from| {
            let offset = data + 4 * index;
            [
                reference(offset, ReferenceKind::Add32, to),
                reference(offset, ReferenceKind::Sub32, from),
            ]
        };
        let words = [
            word(0, 8, data),
            word(1, far, data + 4),
            word(2, 8, data + 4),
        ];
        let mut expected = vec![reference(4, ReferenceKind::Jal, far)];
        expected.extend(words.into_iter().flatten());
        assert_eq!(finish(buffer, true).references, expected);
    }

    /// Padding that turns out to take nothing comes from nowhere.
    #[test]
    fn source_locations_without_code_are_left_out() {
        let mut buffer = buffer(ExtensionSet::RV32I);
        let [first, second] = [1, 2].map(SourceLoc::new);
        buffer.set_srcloc(first);
        buffer.align_to(8);
        buffer.set_srcloc(second);
        buffer.put4(NOP);
        let run = MachSrcLoc {
            start: 0,
            end: 4,
            srcloc: second,
        };
        assert_eq!(finish(buffer, false).srclocs, [run]);
    }

    #[test]
    fn values_that_are_nowhere_for_any_instruction_are_left_out() {
        let mut buffer = buffer(ExtensionSet::RV32I);
        let label = |word| ValueLabel {
            value: Value::from_u32(0),
            word,
        };
        let place = ValuePlace::BelowCfa(8);
        let start = buffer.cur_place();
        buffer.add_value_location(label(1), start, start, place);
        buffer.put4(NOP);
        let end = buffer.cur_place();
        buffer.add_value_location(label(0), start, end, place);
        let location = ValueLocation {
            label: label(0),
            start: 0,
            end: 4,
            place,
        };
        assert_eq!(finish(buffer, false).value_locations, [location]);
    }

    /// The frame of the traps at the entry is that of the entry.
    #[test]
    fn traps_of_the_body_then_those_of_the_entry() {
        let traps = |has_entry_traps, has_unwind| {
            let mut buffer = buffer(ExtensionSet::RV32I);
            if has_unwind {
                buffer.add_unwind(UnwindInst::RememberState);
            }
            if has_entry_traps {
                let label = buffer.defer_trap(TrapCode::STACK_OVERFLOW);
                buffer.use_label(LabelUse::Jump, label);
            }
            buffer.keep_entry_traps();
            let label = buffer.defer_trap(TrapCode::HEAP_OUT_OF_BOUNDS);
            buffer.use_label(LabelUse::Jump, label);
            let finished = finish(buffer, false);
            let traps: Vec<_> = finished.traps.iter().map(|trap| trap.code).collect();
            (traps, finished.unwind)
        };
        let both = vec![TrapCode::HEAP_OUT_OF_BOUNDS, TrapCode::STACK_OVERFLOW];
        let remember = (0, UnwindInst::RememberState);
        let restore = (12, UnwindInst::RestoreState);
        assert_eq!(traps(true, true), (both.clone(), vec![remember, restore]));
        assert_eq!(traps(true, false), (both, vec![]));
        let body = vec![TrapCode::HEAP_OUT_OF_BOUNDS];
        assert_eq!(traps(false, true), (body, vec![remember]));
    }
}
