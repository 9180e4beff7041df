//! Compiled modules as assembly text, which GNU as takes.
//!
//! Branches go to labels, relocations are written with the operators of the assembler, and an instruction with which the
//! code of an LPIR instruction starts has that as its comment:
//!
//! ```text
//!      .globl fib
//!      .type fib, @function
//!  fib:
//!      addi sp,sp,-16
//!      sw ra,12(sp)
//!      li a1,2                         # v2 = icmp ult v0, v1
//!      bltu a0,a1,.L1
//!      …
//!      .size fib, .-fib
//! ```
//!
//! Linkers may shorten what the assembler makes of the text. So whatever is a distance in the code is one between labels in the
//! text, jump tables included: the functions are those that were compiled for that
//! ([`MachBufferFinalized::relaxable`]).
//!
//! Instructions have the same text whether they take two bytes or four: the assembler, told the same instruction set by
//! `-march`, compresses what the compiler compresses.

mod data;

use lpc_codegen::CompiledFunction;
use lpc_codegen::backend::buffer::MachBufferFinalized;
use lpc_codegen::backend::reloc::{
    MachReference, MachReloc, ReferenceKind, RelocKind, RelocTarget,
};
use lpc_lpir::ir::{ExternalName, Linkage, SourceLoc};
use lpc_riscv32::disassembler::disassemble;
use lpc_riscv32::display::DisplayOptions;
use lpc_riscv32::{ExtensionSet, Gpr, Inst, Opcode};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The column of comments.
const COMMENT_COLUMN: usize = 36;

/// Writes functions and data as assembly text.
pub(crate) struct AssemblyWriter<'a> {
    extensions: ExtensionSet,
    /// The source of the instruction with a source location of a function.
    comment: &'a dyn Fn(&ExternalName, SourceLoc) -> Option<String>,
    next_label: u32,
    text: String,
}

/// Instructions print as pseudo-instructions.
const PSEUDO: DisplayOptions<'_> = DisplayOptions {
    pseudo: true,
    address: None,
    symbols: None,
};

/// The labels of one function, by offset.
type Labels = BTreeMap<u32, u32>;

impl<'a> AssemblyWriter<'a> {
    /// A writer of code for a machine with `extensions`.
    pub(crate) fn new(
        extensions: ExtensionSet,
        comment: &'a dyn Fn(&ExternalName, SourceLoc) -> Option<String>,
    ) -> Self {
        Self {
            extensions,
            comment,
            next_label: 1,
            text: String::from("    .text\n"),
        }
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    /// Appends `function`.
    pub(crate) fn function(&mut self, function: &CompiledFunction, linkage: Linkage) {
        let buffer = &function.code.buffer;
        let symbol = symbol(&function.name);
        let align = buffer.alignment.max(1).trailing_zeros();
        self.line(format_args!("\n    .p2align {align}"));
        if linkage == Linkage::Export {
            self.line(format_args!("    .globl {symbol}"));
        }
        self.line(format_args!("    .type {symbol}, @function"));
        self.line(format_args!("{symbol}:"));
        let labels = self.labels(buffer);
        self.code(function, &labels);
        self.data(buffer, &labels);
        self.line(format_args!("    .size {symbol}, .-{symbol}"));
    }

    fn code(&mut self, function: &CompiledFunction, labels: &Labels) {
        let buffer = &function.code.buffer;
        let code = &buffer.bytes[..buffer.code_size as usize];
        let mut srclocs = buffer.srclocs.iter().peekable();
        let mut lines = disassemble(code, 0, self.extensions).peekable();
        while let Some(line) = lines.next() {
            let offset = line.address;
            self.label(offset, labels);
            let reference = find_by_offset(&buffer.references, offset, |place| place.offset);
            if let Some(padding) = reference.filter(|place| place.kind == ReferenceKind::Align) {
                let align = padding.alignment().trailing_zeros();
                self.line(format_args!("    .p2align {align}"));
                while lines
                    .next_if(|line| line.address < padding.target)
                    .is_some()
                {}
                continue;
            }
            let reloc = find_by_offset(&buffer.relocs, offset, |reloc| reloc.offset);
            let text = match (line.inst, reloc) {
                (Some(inst), Some(reloc)) => relocated(inst, reloc, labels),
                (Some(inst), None) => part_of_pair(inst, offset, &buffer.references, labels)
                    .unwrap_or_else(|| instruction(inst, offset, labels)),
                (None, _) => line.display(PSEUDO).to_string(),
            };
            if reloc.is_some_and(|reloc| reloc.kind == RelocKind::Call) {
                // The assembler makes two instructions of the one that stands for both.
                lines.next();
            }
            let source = srclocs.next_if(|run| run.start <= offset);
            let comment = match find_by_offset(&buffer.traps, offset, |trap| trap.offset) {
                Some(trap) if line.inst.is_none() => Some(format!("trap {}", trap.code)),
                _ => source.and_then(|run| (self.comment)(&function.name, run.srcloc)),
            };
            match comment {
                Some(comment) => self.line(format_args!("    {text:COMMENT_COLUMN$}# {comment}")),
                None => self.line(format_args!("    {text}")),
            }
        }
    }

    fn label(&mut self, offset: u32, labels: &Labels) {
        if let Some(label) = labels.get(&offset) {
            self.line(format_args!(".L{label}:"));
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("strings take every text");
    }

    /// Names for all places that instructions and tables refer to.
    fn labels(&mut self, buffer: &MachBufferFinalized) -> Labels {
        let relocs = buffer.relocs.iter();
        let mut offsets: Vec<u32> = relocs
            .filter_map(|reloc| match reloc.target {
                RelocTarget::Local(offset) => Some(offset),
                RelocTarget::External(_) => None,
            })
            .collect();
        let code = &buffer.bytes[..buffer.code_size as usize];
        let insts = disassemble(code, 0, self.extensions);
        offsets.extend(insts.filter_map(|line| jump_target(line.inst?, line.address)));
        for reference in &buffer.references {
            match reference.kind {
                ReferenceKind::Pair => offsets.extend([reference.offset, reference.target]),
                ReferenceKind::Add32 | ReferenceKind::Sub32 => offsets.push(reference.target),
                // Branches have been found in the code.
                _ => {}
            }
        }
        offsets.sort_unstable();
        offsets.dedup();
        let first = self.next_label;
        self.next_label += offsets.len() as u32;
        offsets.into_iter().zip(first..).collect()
    }

    /// Constants and tables, as words where there are whole ones. The words of tables are distances between labels.
    fn data(&mut self, buffer: &MachBufferFinalized, labels: &Labels) {
        let mut references = buffer.references.iter();
        let data = &buffer.bytes[buffer.data_start as usize..];
        for (chunk, offset) in data.chunks(4).zip((buffer.data_start..).step_by(4)) {
            self.label(offset, labels);
            let mut at_word = |kind| {
                let mut places = references.clone();
                let place = places.find(|place| place.offset == offset && place.kind == kind)?;
                references = places;
                labels.get(&place.target).copied()
            };
            let distance = at_word(ReferenceKind::Add32).zip(at_word(ReferenceKind::Sub32));
            let bits = chunk
                .iter()
                .rev()
                .fold(0, |bits, byte| bits << 8 | u32::from(*byte));
            match (distance, chunk.len()) {
                (Some((to, from)), _) => self.line(format_args!("    .word .L{to}-.L{from}")),
                (None, 4) => self.line(format_args!("    .word {bits:#010x}")),
                (None, _) => chunk
                    .iter()
                    .for_each(|byte| self.line(format_args!("    .byte {byte:#04x}"))),
            }
        }
    }
}

/// An instruction of a pair that states the distance to a place of the same function.
fn part_of_pair(
    inst: Inst,
    offset: u32,
    references: &[MachReference],
    labels: &Labels,
) -> Option<String> {
    let pair_at = |offset: u32| {
        let place = find_by_offset(references, offset, |place| place.offset)?;
        (place.kind == ReferenceKind::Pair).then_some(place)
    };
    let Inst { rd, rs1, .. } = inst;
    if let Some(pair) = pair_at(offset) {
        return Some(format!("auipc {rd},%pcrel_hi(.L{})", labels[&pair.target]));
    }
    let upper = labels[&pair_at(offset.checked_sub(AUIPC_SIZE)?)?.offset];
    let mnemonic = inst.opcode.mnemonic();
    Some(match inst.opcode {
        Opcode::Addi => format!("{mnemonic} {rd},{rs1},%pcrel_lo(.L{upper})"),
        _ => format!("{mnemonic} {rd},%pcrel_lo(.L{upper})({rs1})"),
    })
}

/// How far the second instruction of a pair is behind the first one, in bytes.
const AUIPC_SIZE: u32 = 4;

/// The element of `list`, which is sorted, that is at `offset`.
fn find_by_offset<T>(list: &[T], offset: u32, offset_of: impl Fn(&T) -> u32) -> Option<&T> {
    let index = list.binary_search_by_key(&offset, offset_of).ok()?;
    Some(&list[index])
}

/// Where an instruction at `offset` jumps to, if it is a branch or a jump within the function.
fn jump_target(inst: Inst, offset: u32) -> Option<u32> {
    let is_jump = inst.opcode.is_branch() || inst.opcode == Opcode::Jal;
    is_jump.then(|| offset.wrapping_add_signed(inst.imm))
}

/// An instruction, with a label as the target of a jump.
fn instruction(inst: Inst, offset: u32, labels: &Labels) -> String {
    let text = format!("{inst:#}");
    let label = jump_target(inst, offset).and_then(|target| labels.get(&target));
    // The target is the last operand.
    match (label, text.rfind([' ', ','])) {
        (Some(label), Some(end)) => format!("{}.L{label}", &text[..=end]),
        _ => text,
    }
}

/// An instruction that a relocation completes.
fn relocated(inst: Inst, reloc: &MachReloc, labels: &Labels) -> String {
    let target = target(reloc, labels);
    let operator = match reloc.kind {
        RelocKind::PcRelLo12I | RelocKind::PcRelLo12S => "%pcrel_lo",
        _ => "%lo",
    };
    let Inst { rd, rs1, rs2, .. } = inst;
    let mnemonic = inst.opcode.mnemonic();
    match reloc.kind {
        RelocKind::Call if rd == Gpr::RA => format!("call {target}"),
        RelocKind::Call => format!("tail {target}"),
        RelocKind::PcRelHi20 => format!("auipc {rd},%pcrel_hi({target})"),
        RelocKind::Hi20 => format!("lui {rd},%hi({target})"),
        RelocKind::PcRelLo12I | RelocKind::Lo12I if inst.opcode == Opcode::Addi => {
            format!("{mnemonic} {rd},{rs1},{operator}({target})")
        }
        RelocKind::PcRelLo12I | RelocKind::Lo12I => {
            format!("{mnemonic} {rd},{operator}({target})({rs1})")
        }
        RelocKind::PcRelLo12S | RelocKind::Lo12S => {
            format!("{mnemonic} {rs2},{operator}({target})({rs1})")
        }
        RelocKind::Abs32 => format!(".word {target}"),
    }
}

fn target(reloc: &MachReloc, labels: &Labels) -> String {
    let mut text = match &reloc.target {
        RelocTarget::External(name) => symbol(name),
        RelocTarget::Local(offset) => format!(".L{}", labels[offset]),
    };
    if reloc.addend != 0 {
        write!(text, "{:+}", reloc.addend).expect("strings take every text");
    }
    text
}

/// The name of a function or datum, as the assembler takes it.
fn symbol(name: &ExternalName) -> String {
    let is_plain = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte))
    };
    match name {
        ExternalName::Symbol(text) if is_plain(text) => text.to_string(),
        ExternalName::Symbol(text) => format!("\"{}\"", text.escape_default()),
        ExternalName::User { namespace, index } => format!("u{namespace}_{index}"),
    }
}
