//! Data objects as assembly text.
//!
//! ```text
//!     .section .rodata
//!     .balign 4
//!     .type table, @object
//!     .size table, 12
//! table:
//!     .byte 0x01,0x00,0x00,0x00
//!     .4byte f+8
//!     .zero 4
//! ```
//!
//! Addresses are written as `.4byte`, which aligns nothing: they may be anywhere in an object.

use super::{AssemblyWriter, symbol};
use lpc_lpir::ir::{DATA_RELOC_SIZE, DataKind, DataObject, DataReloc, Linkage};

/// The bytes that are written in a line.
const BYTES_PER_LINE: usize = 8;

impl AssemblyWriter<'_> {
    /// Appends `data`.
    pub(crate) fn data_object(&mut self, data: &DataObject) {
        let symbol = symbol(&data.name);
        let section = match data.kind {
            DataKind::Writable => ".data",
            DataKind::ReadOnly => ".rodata",
            DataKind::Zeroed => ".bss",
        };
        self.line(format_args!("\n    .section {section}"));
        self.line(format_args!("    .balign {}", data.alignment));
        if data.linkage == Linkage::Export {
            self.line(format_args!("    .globl {symbol}"));
        }
        self.line(format_args!("    .type {symbol}, @object"));
        self.line(format_args!("    .size {symbol}, {}", data.size));
        self.line(format_args!("{symbol}:"));
        self.content(data);
    }

    fn content(&mut self, data: &DataObject) {
        let mut start = 0;
        for reloc in &data.relocs {
            let offset = reloc.offset as usize;
            self.bytes(&data.bytes[start..offset]);
            self.address(reloc);
            start = offset + DATA_RELOC_SIZE as usize;
        }
        self.bytes(&data.bytes[start..]);
        let zeros = data.size as usize - data.bytes.len();
        if zeros > 0 {
            self.line(format_args!("    .zero {zeros}"));
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for line in bytes.chunks(BYTES_PER_LINE) {
            let line: Vec<_> = line.iter().map(|byte| format!("{byte:#04x}")).collect();
            self.line(format_args!("    .byte {}", line.join(",")));
        }
    }

    fn address(&mut self, reloc: &DataReloc) {
        let target = symbol(&reloc.target);
        match reloc.addend {
            0 => self.line(format_args!("    .4byte {target}")),
            addend => self.line(format_args!("    .4byte {target}{addend:+}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_lpir::text::parse_module;
    use lpc_riscv32::ExtensionSet;

    #[test]
    fn sections_symbols_and_content() {
        let module = parse_module(
            "; data: %table readonly align 4 local = { i32 1, %f, %\"a b\"-4, i8 [1, 2, 3, 4, 5, 6, 7, 8, 9], zero 3 }
            ; data: %\"a b\" = { i8 255 }
            ; data: u0:1 zeroed 64 align 16",
        )
        .unwrap();
        let no_comments = |_: &_, _| None;
        let mut writer = AssemblyWriter::new(ExtensionSet::default(), &no_comments);
        for (_, data) in module.data_objects() {
            writer.data_object(data);
        }
        assert_eq!(
            writer.finish(),
            "    .text

    .section .rodata
    .balign 4
    .type table, @object
    .size table, 24
table:
    .byte 0x01,0x00,0x00,0x00
    .4byte f
    .4byte \"a b\"-4
    .byte 0x01,0x02,0x03,0x04,0x05,0x06,0x07,0x08
    .byte 0x09
    .zero 3

    .section .data
    .balign 1
    .globl \"a b\"
    .type \"a b\", @object
    .size \"a b\", 1
\"a b\":
    .byte 0xff

    .section .bss
    .balign 16
    .globl u0_1
    .type u0_1, @object
    .size u0_1, 64
u0_1:
    .zero 64
"
        );
    }
}
