//! The object file that lpc makes of LPIR.

use super::toolchain;
use crate::error::Error;
use lpc_codegen::backend::reloc::{RelocKind, RelocTarget};
use lpc_codegen::{CompiledFunction, CompiledModule, Settings, compile_module};
use lpc_lpir::ir::Module;
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Reads and verifies `text`.
///
/// # Errors
/// When lpc refuses it.
pub fn read(text: &str) -> Result<Module, Error> {
    let module = parse_module(text).map_err(|error| Error::Lpc(error.to_string()))?;
    verify_module(&module).map_err(|error| Error::Lpc(error.to_string()))?;
    Ok(module)
}

/// Compiles `module` to the object file `object`.
///
/// # Errors
/// When lpc cannot compile it.
pub fn write(module: &Module, settings: &Settings, object: &Path) -> Result<(), Error> {
    let compiled =
        compile_module(module, settings).map_err(|error| Error::Lpc(error.to_string()))?;
    let source = object.with_extension("s");
    let text = assembly(&compiled);
    fs::write(&source, text).map_err(|error| Error::File(source.clone(), error))?;
    toolchain::assemble(&settings.extensions.to_string(), &source, object)
}

fn assembly(compiled: &CompiledModule) -> String {
    let mut text = String::from("    .text\n    .option norelax\n");
    for function in &compiled.functions {
        add_function(&mut text, function).expect("strings take every text");
    }
    text
}

fn add_function(text: &mut String, function: &CompiledFunction) -> std::fmt::Result {
    let name = function.name.to_string();
    let name = name.trim_start_matches('%');
    let buffer = &function.code.buffer;
    let align = buffer.alignment.max(1).trailing_zeros();
    writeln!(text, "    .p2align {align}\n    .globl {name}\n{name}:")?;
    for reloc in &buffer.relocs {
        let target = match &reloc.target {
            RelocTarget::External(target) => target.to_string().trim_start_matches('%').to_owned(),
            RelocTarget::Local(offset) => format!("place_{name}_{offset}"),
        };
        let kind = match reloc.kind {
            RelocKind::Call => "R_RISCV_CALL_PLT",
            RelocKind::PcRelHi20 => "R_RISCV_PCREL_HI20",
            RelocKind::PcRelLo12I => "R_RISCV_PCREL_LO12_I",
            RelocKind::PcRelLo12S => "R_RISCV_PCREL_LO12_S",
            RelocKind::Hi20 => "R_RISCV_HI20",
            RelocKind::Lo12I => "R_RISCV_LO12_I",
            RelocKind::Lo12S => "R_RISCV_LO12_S",
            RelocKind::Abs32 => "R_RISCV_32",
        };
        writeln!(
            text,
            "    .reloc {name}+{}, {kind}, {target}+{}",
            reloc.offset, reloc.addend
        )?;
    }
    for (offset, parcel) in buffer.bytes.chunks(2).enumerate() {
        let offset = 2 * offset as u32;
        let is_target = |target: &RelocTarget| *target == RelocTarget::Local(offset);
        if buffer.relocs.iter().any(|reloc| is_target(&reloc.target)) {
            writeln!(text, "place_{name}_{offset}:")?;
        }
        let bytes: Vec<_> = parcel.iter().map(u8::to_string).collect();
        writeln!(text, "    .byte {}", bytes.join(","))?;
    }
    Ok(())
}
