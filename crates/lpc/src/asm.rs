//! Compiled functions as assembly text, which GNU as takes.
//!
//! Branches go to labels, relocations are written with the operators of the assembler, and an instruction with which the
//! code of an LPIR instruction starts has that as its comment:
//!
//! ```text
//!  fib:
//!      addi sp,sp,-16
//!      sw ra,12(sp)
//!      li a1,2                         # v2 = icmp ult v0, v1
//!      bltu a0,a1,.L1
//! ```

use lpc_codegen::CompiledFunction;
use lpc_codegen::backend::reloc::{MachReloc, RelocKind, RelocTarget};
use lpc_lpir::ir::{ExternalName, SourceLoc};
use lpc_riscv32::display::DisplayOptions;
use lpc_riscv32::fetch::{FetchedInst, fetch};
use lpc_riscv32::{ExtensionSet, Gpr, Opcode};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The column of comments.
const COMMENT_COLUMN: usize = 36;

/// Writes functions as assembly text.
pub(crate) struct AssemblyWriter<'a> {
    extensions: ExtensionSet,
    /// The source of the instruction with a source location of a function.
    comment: &'a dyn Fn(&ExternalName, SourceLoc) -> Option<String>,
    next_label: u32,
    text: String,
}

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
    pub(crate) fn function(&mut self, function: &CompiledFunction) {
        let buffer = &function.code.buffer;
        let symbol = symbol(&function.name);
        let align = buffer.alignment.max(1).trailing_zeros();
        self.line(format_args!("\n    .p2align {align}"));
        self.line(format_args!("    .globl {symbol}"));
        self.line(format_args!("{symbol}:"));
        let code = &buffer.bytes[..buffer.code_size as usize];
        let labels = self.labels(code, &buffer.relocs);
        let mut srclocs = buffer.srclocs.iter().peekable();
        let mut offset = 0;
        while let Ok(inst) = fetch(&code[offset as usize..], self.extensions) {
            if let Some(label) = labels.get(&offset) {
                self.line(format_args!(".L{label}:"));
            }
            let (text, length) = self.instruction(&inst, offset, &buffer.relocs, &labels);
            let source = srclocs.next_if(|run| run.start <= offset);
            let comment = source.and_then(|run| (self.comment)(&function.name, run.srcloc));
            match comment {
                Some(comment) => {
                    self.line(format_args!(
                        "    {text:<width$}# {comment}",
                        width = COMMENT_COLUMN
                    ));
                }
                None => self.line(format_args!("    {text}")),
            }
            offset += length;
        }
        self.data(&buffer.bytes[offset as usize..]);
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("strings take every text");
    }

    /// Names for all places that instructions refer to.
    fn labels(&mut self, code: &[u8], relocs: &[MachReloc]) -> Labels {
        let mut offsets: Vec<u32> = relocs
            .iter()
            .filter_map(|reloc| match reloc.target {
                RelocTarget::Local(offset) => Some(offset),
                RelocTarget::External(_) => None,
            })
            .collect();
        let mut offset = 0;
        while let Ok(FetchedInst { inst, length, .. }) = fetch(&code[offset..], self.extensions) {
            if inst.opcode.is_branch() || inst.opcode == Opcode::Jal {
                offsets.push((offset as u32).wrapping_add_signed(inst.imm));
            }
            offset += length as usize;
        }
        offsets.sort_unstable();
        offsets.dedup();
        let first = self.next_label;
        self.next_label += offsets.len() as u32;
        offsets.into_iter().zip(first..).collect()
    }

    /// The text of an instruction, and the number of bytes that it stands for: a call is two instructions.
    fn instruction(
        &self,
        fetched: &FetchedInst,
        offset: u32,
        relocs: &[MachReloc],
        labels: &Labels,
    ) -> (String, u32) {
        let inst = fetched.inst;
        let reloc = relocs
            .binary_search_by_key(&offset, |reloc| reloc.offset)
            .ok()
            .map(|index| &relocs[index]);
        if let Some(reloc) = reloc {
            return relocated(fetched, reloc, labels);
        }
        let target = (inst.opcode.is_branch() || inst.opcode == Opcode::Jal)
            .then(|| labels.get(&offset.wrapping_add_signed(inst.imm)))
            .flatten();
        let text = inst
            .display(DisplayOptions {
                pseudo: true,
                ..DisplayOptions::default()
            })
            .to_string();
        let text = match (target, text.rfind([' ', ','])) {
            (Some(label), Some(end)) => format!("{}.L{label}", &text[..=end]),
            _ => text,
        };
        (text, fetched.length)
    }

    /// Constants and tables, as words where there are whole ones.
    fn data(&mut self, data: &[u8]) {
        for chunk in data.chunks(4) {
            match <[u8; 4]>::try_from(chunk) {
                Ok(word) => self.line(format_args!("    .word {:#010x}", u32::from_le_bytes(word))),
                Err(_) => chunk
                    .iter()
                    .for_each(|byte| self.line(format_args!("    .byte {byte:#04x}"))),
            }
        }
    }
}

/// An instruction that a relocation completes.
fn relocated(fetched: &FetchedInst, reloc: &MachReloc, labels: &Labels) -> (String, u32) {
    let inst = fetched.inst;
    let target = target(reloc, labels);
    let text = match reloc.kind {
        RelocKind::Call if inst.rd == Gpr::RA => return (format!("call {target}"), 8),
        RelocKind::Call => return (format!("tail {target}"), 8),
        RelocKind::PcRelHi20 => format!("auipc {},%pcrel_hi({target})", inst.rd),
        RelocKind::Hi20 => format!("lui {},%hi({target})", inst.rd),
        RelocKind::PcRelLo12I | RelocKind::Lo12I => {
            let operator = low_operator(reloc.kind);
            let (mnemonic, rd, rs1) = (inst.opcode.mnemonic(), inst.rd, inst.rs1);
            if inst.opcode == Opcode::Addi {
                format!("{mnemonic} {rd},{rs1},{operator}({target})")
            } else {
                format!("{mnemonic} {rd},{operator}({target})({rs1})")
            }
        }
        RelocKind::PcRelLo12S | RelocKind::Lo12S => {
            let operator = low_operator(reloc.kind);
            let (mnemonic, rs1, rs2) = (inst.opcode.mnemonic(), inst.rs1, inst.rs2);
            format!("{mnemonic} {rs2},{operator}({target})({rs1})")
        }
        RelocKind::Abs32 => format!(".word {target}"),
    };
    (text, fetched.length)
}

fn low_operator(kind: RelocKind) -> &'static str {
    match kind {
        RelocKind::PcRelLo12I | RelocKind::PcRelLo12S => "%pcrel_lo",
        _ => "%lo",
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

/// The name of a function, as the assembler takes it.
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
