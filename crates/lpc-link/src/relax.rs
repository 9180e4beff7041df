//! Shortening calls.
//!
//! Code calls through `auipc` and `jalr`, which reach everything. When all functions are known, most turn out to be near, and
//! one instruction does: `jal`, or in two bytes `c.jal` or `c.j`. What lies behind moves up.
//!
//! ```text
//!   auipc ra, %call(g)           jal ra, g              c.jal g
//!   jalr  ra, ra          ─►                    or                      8, 4 or 2 bytes
//! ```
//!
//! The calls of a text are label uses and its functions are labels, so the forms are chosen as those of branches within a
//! function are: by [`relax`]. Alignment is part of that: of functions, of loops, of the data behind code.
//!
//! Only functions that were compiled for this are touched. Each of them lists its own branches, tables and padding
//! ([`MachReference`]), so nothing has to be guessed from bytes. Everything gets closer and nothing farther away, so a branch
//! that reached its target still does.

use crate::relocation;
use crate::symbols::SymbolId;
use crate::text::{Text, TextFunction};
use alloc::vec::Vec;
use lpc_codegen::backend::relax::{
    Alignment, LabelPlace, LabelUse, LabelUseForm, LabelUseForms, Layout, MachLabel, Padding,
    Place, UseKind, relax,
};
use lpc_codegen::backend::reloc::{
    MachReference, MachReloc, ReferenceKind, RelocKind, RelocTarget,
};
use lpc_riscv32::immediate::ImmediateRange;
use lpc_riscv32::{Gpr, Inst, JumpOffset, Opcode, compressed};

/// Where a call leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CallTarget {
    /// To a function of the text.
    Function(SymbolId),
    /// To so many bytes from the start of the text, which may lie outside of it.
    Outside(u32),
}

/// Shortens the calls of `text` whose targets are known.
///
/// # Errors
/// The offset, from the start of the text, of what is not as its table says.
pub(crate) fn shorten_calls(
    text: &mut Text,
    num_symbols: usize,
    target_of: &dyn Fn(&TextFunction, &MachReloc) -> Option<CallTarget>,
) -> Result<(), u32> {
    if !text.functions.iter().any(|function| function.relaxable) {
        return Ok(());
    }
    let mut pieces = Pieces::new(num_symbols, common_unit(&text.functions));
    for (function, relocs, references) in text.functions() {
        pieces.add_function(&text.bytes, function, relocs, references, target_of)?;
    }
    let fixed_bytes = text.bytes.len() - pieces.raw_bytes as usize;
    let layout = relax(
        Layout::new(Vec::with_capacity(pieces.uses.len() + 1)),
        &mut pieces.uses,
        &pieces.labels,
        fixed_bytes,
        1,
        Padding::Exact,
    );
    let moved = Moved {
        pieces: &pieces,
        layout: &layout,
    };
    moved.apply(text)
}

/// What the sizes of all functions stay multiples of, however their code is moved.
fn common_unit(functions: &[TextFunction]) -> u32 {
    const LARGEST: u32 = 4;
    let units = functions
        .iter()
        .map(|function| function.instruction_alignment.max(1) | function.size);
    let bits = units.fold(LARGEST, |bits, unit| bits | unit);
    1 << bits.trailing_zeros()
}

/// A call that can be shortened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Call {
    /// Where the return address goes.
    link: Gpr,
    has_compressed: bool,
}

const CALL_SIZE: u32 = 8;

const FORMS: [LabelUseForm; 3] = [
    form(2, compressed::JUMP_RANGE),
    form(4, JumpOffset::RANGE),
    LabelUseForm::anywhere(CALL_SIZE as u8),
];

const fn form(size: u8, range: ImmediateRange) -> LabelUseForm {
    LabelUseForm {
        size,
        min: range.min,
        max: range.max,
    }
}

impl LabelUseForms for Call {
    fn forms(&self) -> &'static [LabelUseForm] {
        let is_compressible = self.link == Gpr::RA || self.link == Gpr::ZERO;
        if self.has_compressed && is_compressible {
            &FORMS
        } else {
            &FORMS[1..]
        }
    }
}

/// The parts of the text whose size may change.
struct Pieces {
    uses: Vec<LabelUse<Call>>,
    /// For each of `uses`, where it was and how many bytes it took.
    raw: Vec<RawPiece>,
    /// The sum of the bytes of `raw`.
    raw_bytes: u32,
    /// Where the last function ended.
    end_of_last: u32,
    /// What the sizes of all functions are multiples of.
    unit: u32,
    /// First the functions, by their symbols, then what is outside.
    labels: Vec<LabelPlace>,
}

#[derive(Clone, Copy)]
struct RawPiece {
    offset: u32,
    size: u32,
}

impl Pieces {
    fn new(num_symbols: usize, unit: u32) -> Self {
        let mut labels = Vec::new();
        labels.resize(num_symbols, LabelPlace::Unbound);
        Self {
            uses: Vec::new(),
            raw: Vec::new(),
            raw_bytes: 0,
            end_of_last: 0,
            unit,
            labels,
        }
    }

    fn add_function(
        &mut self,
        bytes: &[u8],
        function: &TextFunction,
        relocs: &[MachReloc],
        references: &[MachReference],
        target_of: &dyn Fn(&TextFunction, &MachReloc) -> Option<CallTarget>,
    ) -> Result<(), u32> {
        self.align(function);
        self.labels[function.symbol.index()] = LabelPlace::Code(Place {
            bytes: function.start - self.raw_bytes,
            uses: self.uses.len() as u32,
        });
        if !function.relaxable {
            return Ok(());
        }
        let mut paddings = references
            .iter()
            .filter(|reference| reference.kind == ReferenceKind::Align)
            .peekable();
        for reloc in relocs.iter().filter(|reloc| reloc.kind == RelocKind::Call) {
            while let Some(padding) = paddings.next_if(|padding| padding.offset < reloc.offset) {
                self.padding(padding, function);
            }
            if let Some(target) = target_of(function, reloc)
                && reloc.addend == 0
            {
                self.call(bytes, reloc.offset, target, function)?;
            }
        }
        paddings.for_each(|padding| self.padding(padding, function));
        Ok(())
    }

    /// The padding in front of `function`: all bytes between the end of the last function and its start.
    fn align(&mut self, function: &TextFunction) {
        let alignment = Alignment {
            bytes: function.alignment,
            unit: self.unit,
        };
        let size = function.start - self.end_of_last;
        self.push(
            UseKind::Align(alignment),
            MachLabel::new(0),
            self.end_of_last,
            size,
        );
        self.end_of_last = function.start + function.size;
    }

    fn padding(&mut self, padding: &MachReference, function: &TextFunction) {
        let alignment = Alignment {
            bytes: padding.alignment(),
            unit: function.instruction_alignment,
        };
        let size = padding.target - padding.offset;
        self.push(
            UseKind::Align(alignment),
            MachLabel::new(0),
            padding.offset,
            size,
        );
    }

    fn call(
        &mut self,
        bytes: &[u8],
        offset: u32,
        target: CallTarget,
        function: &TextFunction,
    ) -> Result<(), u32> {
        let jalr = relocation::inst_at(bytes, offset + 4).ok_or(offset)?;
        if jalr.opcode != Opcode::Jalr {
            return Err(offset);
        }
        let label = match target {
            CallTarget::Function(symbol) => MachLabel::new(symbol.index() as u32),
            CallTarget::Outside(offset) => {
                self.labels.push(LabelPlace::Absolute(offset));
                MachLabel::new(self.labels.len() as u32 - 1)
            }
        };
        let call = Call {
            link: jalr.rd,
            has_compressed: function.instruction_alignment == 2,
        };
        self.push(UseKind::Label(call), label, offset, CALL_SIZE);
        Ok(())
    }

    fn push(&mut self, kind: UseKind<Call>, label: MachLabel, offset: u32, size: u32) {
        self.uses.push(LabelUse {
            bytes: offset - self.raw_bytes,
            label,
            form: 0,
            kind,
        });
        self.raw_bytes += size;
        self.raw.push(RawPiece { offset, size });
    }
}

/// Where everything goes.
struct Moved<'a> {
    pieces: &'a Pieces,
    layout: &'a Layout,
}

impl Moved<'_> {
    /// Where the byte at `offset` goes. Nothing refers to the inside of a piece.
    fn offset(&self, offset: u32) -> u32 {
        self.behind(offset, |piece| piece.offset + piece.size <= offset)
    }

    /// Where a stretch of bytes ends that ended at `offset`: in front of a piece that starts there.
    fn end(&self, offset: u32) -> u32 {
        self.behind(offset, |piece| piece.offset < offset)
    }

    /// Where the byte at `offset` goes, if the pieces in front of it are those for which `is_before` holds.
    fn behind(&self, offset: u32, is_before: impl Fn(&RawPiece) -> bool) -> u32 {
        let before = self.pieces.raw.partition_point(is_before);
        let Some(last) = before.checked_sub(1) else {
            return offset;
        };
        let piece = self.pieces.raw[last];
        let distance = offset.saturating_sub(piece.offset + piece.size);
        self.start(last) + self.layout.use_size(last) + distance
    }

    /// Where the piece number `index` starts.
    fn start(&self, index: usize) -> u32 {
        self.layout.use_offset(index, self.pieces.uses[index].bytes)
    }

    fn apply(&self, text: &mut Text) -> Result<(), u32> {
        text.bytes = self.bytes(text);
        for function in &mut text.functions {
            let end = self.end(function.start + function.size);
            let code_end = self.end(function.start + function.code_size);
            function.start = self.offset_of_function(function);
            function.size = end - function.start;
            function.code_size = code_end - function.start;
        }
        for trap in &mut text.traps {
            trap.offset = self.offset(trap.offset);
        }
        for run in &mut text.srclocs {
            run.start = self.offset(run.start);
            run.end = self.end(run.end);
        }
        self.move_relocs(text);
        self.move_references(text)
    }

    fn offset_of_function(&self, function: &TextFunction) -> u32 {
        let label = MachLabel::new(function.symbol.index() as u32);
        self.layout.label_offset(&self.pieces.labels, label)
    }

    /// The bytes with every piece in its new size. Short calls lead nowhere yet.
    fn bytes(&self, text: &Text) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.layout.code_size() as usize);
        let mut copied = 0;
        for (index, (piece, label_use)) in self.pieces.raw.iter().zip(&self.pieces.uses).enumerate()
        {
            bytes.extend_from_slice(&text.bytes[copied..piece.offset as usize]);
            copied = (piece.offset + piece.size) as usize;
            let old = &text.bytes[piece.offset as usize..copied];
            let size = self.layout.use_size(index) as usize;
            match &label_use.kind {
                UseKind::Label(call) if size < old.len() => {
                    put_short_call(call.link, size, &mut bytes);
                }
                // The padding between functions may grow, in zeros.
                _ if size > old.len() => bytes.resize(bytes.len() + size, 0),
                _ => bytes.extend_from_slice(shorter_padding(old, size)),
            }
        }
        bytes.extend_from_slice(&text.bytes[copied..]);
        bytes
    }

    fn move_relocs(&self, text: &mut Text) {
        for reloc in &mut text.relocs {
            reloc.offset = self.offset(reloc.offset);
            if let RelocTarget::Local(offset) = &mut reloc.target {
                *offset = self.offset(*offset);
            }
        }
    }

    fn move_references(&self, text: &mut Text) -> Result<(), u32> {
        for reference in &mut text.references {
            reference.offset = self.offset(reference.offset);
            reference.target = self.offset(reference.target);
            let place = text.bytes.get_mut(reference.offset as usize..);
            let distance = reference.target.wrapping_sub(reference.offset);
            place
                .ok_or(relocation::Malformed)
                .and_then(|place| {
                    relocation::apply_reference(reference.kind, place, reference.target, distance)
                })
                .map_err(|relocation::Malformed| reference.offset)?;
        }
        Ok(())
    }
}

/// The first `size` bytes of `padding` that are whole instructions: it starts with the one of two bytes, if there is one.
fn shorter_padding(padding: &[u8], size: usize) -> &[u8] {
    let skipped = if size.is_multiple_of(4) {
        padding.len() % 4
    } else {
        0
    };
    &padding[skipped..skipped + size]
}

/// Appends a call of `size` bytes, to be filled in.
fn put_short_call(link: Gpr, size: usize, bytes: &mut Vec<u8>) {
    let jump = Inst::jal(link, JumpOffset::default());
    if size == 2 {
        let halfword = compressed::compress(jump, lpc_riscv32::ExtensionSet::RV32IMAC);
        let halfword = halfword.expect("the form is one of this call");
        bytes.extend_from_slice(&halfword.to_le_bytes());
    } else {
        let word = jump.encode().expect("no distance is too far");
        bytes.extend_from_slice(&word.to_le_bytes());
    }
}
