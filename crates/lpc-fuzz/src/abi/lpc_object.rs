//! The object file that lpc makes of LPIR.

use crate::error::Error;
use lpc_codegen::{Settings, compile_module};
use lpc_link::elf::{ObjectOptions, write_object};
use lpc_lpir::ir::Module;
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;
use std::fmt::Display;
use std::fs;
use std::path::Path;

/// Reads and verifies `text`.
///
/// # Errors
/// When lpc refuses it.
pub fn read(text: &str) -> Result<Module, Error> {
    let module = parse_module(text).map_err(refused)?;
    verify_module(&module).map_err(refused)?;
    Ok(module)
}

/// Compiles `module` to the object file `object`.
///
/// # Errors
/// When lpc cannot compile it.
pub fn write(module: &Module, settings: &Settings, object: &Path) -> Result<(), Error> {
    let compiled = compile_module(module, settings).map_err(refused)?;
    let options = ObjectOptions {
        extensions: settings.extensions,
        sections_by_name: false,
        unwind_tables: settings.unwind_info,
        trap_table: false,
        source: None,
    };
    let bytes = write_object(module, &compiled, &options).map_err(refused)?;
    fs::write(object, bytes).map_err(|error| Error::File(object.to_owned(), error))
}

fn refused(error: impl Display) -> Error {
    Error::Lpc(error.to_string())
}
