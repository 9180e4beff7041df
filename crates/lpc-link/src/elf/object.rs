//! Writing relocatable objects.
//!
//! [`write_object`] makes an object of a compiled module, which linkers put together with the objects of other compilers:
//!
//! ```text
//!  compiled functions ──► .text     code, and behind each function its constants and jump tables
//!  data objects ────────► .data .rodata .bss
//!  relocations ─────────► .rela.text …
//!  unwind information ──► .eh_frame                      (frame.rs)
//!  traps ───────────────► .debug.lpc_traps               (trap_table.rs)
//!  source lines ────────► .debug_info .debug_line …      (debug_info.rs, debug_line.rs)
//!  instruction set ─────► .riscv.attributes              (attributes.rs)
//! ```
//!
//! **Relaxation.** A linker that finds a call's target near replaces `auipc`, `jalr` by one shorter instruction and takes the
//! freed bytes away. So a distance between two places of a function is a constant of the object only if nothing that shrinks lies
//! between them. Else the places have labels in the symbol table, whose values linkers keep right:
//! `ObjectBuilder::place` tells how to refer to a place in either case.

use super::attributes::attributes;
use super::builder::ObjectBuilder;
use super::debug_info::{self, DebugInfo};
use super::{code, data, frame, trap_table};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use lpc_codegen::CompiledModule;
use lpc_lpir::ir::{ExternalName, Module};
use lpc_riscv32::ExtensionSet;
use object::elf;
use object::{SectionFlags, SectionKind};

/// What an object is to hold.
#[derive(Clone, Copy)]
pub struct ObjectOptions<'a> {
    /// The instruction set that the code was compiled for.
    pub extensions: ExtensionSet,
    /// Whether each function and each datum has a section of its own (`.text.NAME`), so that linkers can leave out those that
    /// nobody refers to.
    pub sections_by_name: bool,
    /// Whether there are tables for unwinding the stack.
    pub unwind_tables: bool,
    /// Whether there is a table of why instructions trap: see [`traps`](super::traps).
    pub trap_table: bool,
    /// Where the program was read from, for a debugger. Without it there is no debug information.
    pub source: Option<DebugInfo<'a>>,
}

/// Why there can be no object.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ObjectError {
    /// Two functions or data have this name in the symbol table.
    DuplicateSymbol(String),
    /// A name holds the character that ends names in an object.
    NameWithNul(ExternalName),
    /// A source file or its folder cannot have this name: it is empty or holds a NUL.
    BadSourceName(String),
    /// Something exceeds what the format can hold.
    TooLarge(String),
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateSymbol(name) => write!(f, "symbol {name} is defined twice"),
            Self::NameWithNul(name) => {
                write!(f, "{name} cannot be the name of a symbol: it holds a NUL")
            }
            Self::BadSourceName(name) => {
                write!(f, "{name:?} cannot be the name of a source file or folder")
            }
            Self::TooLarge(what) => write!(f, "the object is too large: {what}"),
        }
    }
}

impl core::error::Error for ObjectError {}

impl From<object::write::Error> for ObjectError {
    /// All that the writer of ELF files can still find wrong is that something does not fit.
    fn from(error: object::write::Error) -> Self {
        Self::TooLarge(format!("{error}"))
    }
}

/// The object of `module`, whose functions are compiled to `compiled`.
///
/// Names that the module neither defines nor declares are undefined symbols.
///
/// # Errors
/// When two things have the same name in the symbol table, a name cannot be there, or the object is too large for the format.
///
/// ```
/// use lpc_codegen::{Settings, compile_module};
/// use lpc_link::elf::{ObjectOptions, write_object};
/// use lpc_lpir::text::parse_module;
///
/// let module = parse_module("function %f(i32) -> i32 system_v { block0(v0: i32): return v0 }")?;
/// let settings = Settings {
///     linker_relaxation: true,
///     unwind_info: true,
///     ..Settings::default()
/// };
/// let options = ObjectOptions {
///     extensions: settings.extensions,
///     sections_by_name: false,
///     unwind_tables: true,
///     trap_table: true,
///     source: None,
/// };
/// let object = write_object(&module, &compile_module(&module, &settings)?, &options)?;
/// assert!(object.starts_with(b"\x7fELF"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_object(
    module: &Module,
    compiled: &CompiledModule,
    options: &ObjectOptions<'_>,
) -> Result<Vec<u8>, ObjectError> {
    let mut builder = ObjectBuilder::new(module, compiled, options);
    code::add_functions(&mut builder)?;
    data::add_data(&mut builder)?;
    code::add_code_relocations(&mut builder)?;
    data::add_data_relocations(&mut builder)?;
    if options.unwind_tables {
        frame::add_unwind_tables(&mut builder)?;
    }
    if options.trap_table {
        trap_table::add_trap_table(&mut builder)?;
    }
    if let Some(source) = &options.source {
        debug_info::add_debug_info(&mut builder, source)?;
    }
    add_attributes(&mut builder);
    Ok(builder.object.write()?)
}

/// Says what the code needs of its machine and of its linker.
fn add_attributes(builder: &mut ObjectBuilder<'_>) {
    let data = attributes(builder.module, builder.options.extensions);
    let section = builder.add_note(".riscv.attributes", SectionKind::Metadata, data);
    builder.object.section_mut(section).flags = SectionFlags::Elf {
        sh_type: elf::SHT_RISCV_ATTRIBUTES,
        sh_flags: elf::SectionFlags(0),
    };
    // Linkers for operating systems make the stack executable unless each object says that it need not be.
    builder.add_note(".note.GNU-stack", SectionKind::Metadata, Vec::new());
}
