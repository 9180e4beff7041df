//! Machine code as text.
//!
//! ```text
//!    0: addi sp,sp,-16
//!    2: lw a5,0(a0)            # trap heap_oob
//!    4: auipc ra,0x0           # call %g
//!    8: jalr ra,0(ra)
//!    c: .word 0x0              # abs32 %table+4
//! ```

use lpc_codegen::backend::buffer::MachBufferFinalized;
use lpc_codegen::backend::reloc::{MachReloc, RelocKind, RelocTarget};
use lpc_riscv32::ExtensionSet;
use lpc_riscv32::disassembler::disassemble;
use lpc_riscv32::display::DisplayOptions;

/// The column of what is not in the bytes: relocations and traps.
const REMARK_COLUMN: usize = 32;

/// The code and data of `buffer`, one instruction or word a line.
pub(crate) fn print_code(buffer: &MachBufferFinalized, extensions: ExtensionSet) -> String {
    let code = &buffer.bytes[..buffer.code_size as usize];
    let data = &buffer.bytes[buffer.data_start as usize..];
    let mut lines = Vec::new();
    for line in disassemble(code, 0, extensions) {
        let options = DisplayOptions {
            pseudo: true,
            ..DisplayOptions::default()
        };
        lines.push((line.address, line.display(options).to_string()));
    }
    for (index, word) in data.chunks(4).enumerate() {
        let digits: String = word
            .iter()
            .rev()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let address = buffer.data_start + 4 * index as u32;
        lines.push((address, format!(".word 0x{digits}")));
    }
    let mut text = String::new();
    for (address, line) in lines {
        let remark = remark(buffer, address);
        let line = format!("{address:4x}: {line}");
        if remark.is_empty() {
            text.push_str(&line);
        } else {
            text.push_str(&format!("{line:REMARK_COLUMN$}#{remark}"));
        }
        text.push('\n');
    }
    text
}

/// What is known of the instruction or word at `address` besides its bytes.
fn remark(buffer: &MachBufferFinalized, address: u32) -> String {
    let mut remark = String::new();
    for reloc in buffer.relocs.iter().filter(|reloc| reloc.offset == address) {
        remark += &print_reloc(reloc);
    }
    for trap in buffer.traps.iter().filter(|trap| trap.offset == address) {
        remark += &format!(" trap {}", trap.code);
    }
    remark
}

fn print_reloc(reloc: &MachReloc) -> String {
    let kind = match reloc.kind {
        RelocKind::Call => "call",
        RelocKind::PcRelHi20 => "pcrel_hi",
        RelocKind::PcRelLo12I | RelocKind::PcRelLo12S => "pcrel_lo",
        RelocKind::Hi20 => "hi",
        RelocKind::Lo12I | RelocKind::Lo12S => "lo",
        RelocKind::Abs32 => "abs32",
    };
    let target = match &reloc.target {
        RelocTarget::External(name) => name.to_string(),
        RelocTarget::Local(offset) => format!("{offset:x}"),
    };
    match reloc.addend {
        0 => format!(" {kind} {target}"),
        addend => format!(" {kind} {target}{addend:+}"),
    }
}
