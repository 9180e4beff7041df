//! Static executables: a linked module with start-up code.
//!
//! ```text
//!   base ─► ┌─────────────────┐
//!           │ start-up code   │  .text    what runs before main: see the module `start`
//!           │ linked image    │           the functions of the module, of the host, of the runtime
//!           ├─────────────────┤
//!           │ stack           │  .stack   where one is asked for
//!           └─────────────────┘
//! ```
//!
//! The start-up code stands in front of the image, so that its size alone decides where the image is: the image is linked
//! first, and then everything that the start-up code refers to has an address. `_start`, its first instruction, is the entry
//! point.

use super::host_functions;
use super::start::{Main, Stack, StartAddresses, StartCode};
use super::traps::TrapEntry;
use super::write::{
    Content, ExecutableFile, FileSymbol, FileSymbolKind, PAGE_SIZE, Part, Permissions,
};
use crate::error::LinkError;
use crate::image::{Image, SymbolKind};
use crate::linker::Linker;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use lpc_codegen::{CompileError, Settings};
use lpc_lpir::ir::{AbiParam, ExternalName, Module, Signature, Type};
use lpc_riscv32::ExtensionSet;

/// What an executable is to be like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExecutableOptions {
    /// The address of the first byte: a multiple of the size of a page, 4096.
    pub base: u32,
    /// Where the stack is.
    pub stack: Stack,
}

impl ExecutableOptions {
    /// The base that linkers use for this machine.
    pub const DEFAULT_BASE: u32 = 0x1_0000;
}

impl Default for ExecutableOptions {
    fn default() -> Self {
        Self {
            base: Self::DEFAULT_BASE,
            stack: Stack::default(),
        }
    }
}

/// Why there is no executable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ExecutableError {
    /// The module does not define `%main`.
    NoMain,
    /// `%main` is neither `() -> i32` nor `(i32, i32) -> i32`, nor one of these without the result.
    BadMain,
    /// The base is no multiple of the size of a page.
    MisalignedBase(u32),
    /// The functions of the host cannot be compiled with these settings.
    Host(CompileError),
    /// The functions cannot be linked.
    Link(LinkError),
    /// The executable does not fit into the address space or into the format. The text says what.
    TooLarge(String),
}

impl fmt::Display for ExecutableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMain => f.write_str("an executable starts with %main, which is not defined"),
            Self::BadMain => f.write_str(
                "%main of an executable is () or (i32, i32), and returns nothing or i32",
            ),
            Self::MisalignedBase(base) => write!(
                f,
                "an executable cannot start at {base:#010x}, which is not a multiple of {PAGE_SIZE:#x}"
            ),
            Self::Host(error) => write!(f, "the functions of the host: {error}"),
            Self::Link(error) => error.fmt(f),
            Self::TooLarge(what) => write!(f, "the executable is too large: {what}"),
        }
    }
}

impl core::error::Error for ExecutableError {}

impl From<LinkError> for ExecutableError {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

/// The file of an executable that runs `%main` of `module`, and exits with its result. `linker` has the functions of the
/// module, compiled with `settings`. What these need of the [host](super) and nobody defines is added.
///
/// # Errors
/// When the module does not make a program.
pub fn link_executable(
    mut linker: Linker,
    module: &Module,
    settings: &Settings,
    options: &ExecutableOptions,
) -> Result<Vec<u8>, ExecutableError> {
    if !options.base.is_multiple_of(PAGE_SIZE) {
        return Err(ExecutableError::MisalignedBase(options.base));
    }
    let main_name = ExternalName::symbol("main");
    let start_code = StartCode {
        main: check_main(module, &main_name)?,
        has_reserved_stack: matches!(options.stack, Stack::Reserved(_)),
    };
    add_host_functions(&mut linker, module, settings)?;
    let alignment = image_alignment(settings);
    let start_size = start_code.size().next_multiple_of(alignment);
    let image_base = options
        .base
        .checked_add(start_size)
        .ok_or(LinkError::TooLarge)?;
    let image = linker.link(image_base, &|_| None)?;

    let mut parts = Vec::new();
    let mut addresses = StartAddresses {
        start: options.base,
        main: image
            .address_of(&main_name)
            .ok_or(ExecutableError::NoMain)?,
        ..StartAddresses::default()
    };
    let end_of_text = image_base.wrapping_add(image.bytes().len() as u32);
    if let Stack::Reserved(size) = options.stack {
        let stack = stack_part(end_of_text, size)?;
        addresses.stack_end = stack.address + stack.size();
        parts.push(stack);
    }
    let mut text = start_code.assemble(addresses);
    text.resize(start_size as usize, 0);
    text.extend_from_slice(image.bytes());
    parts.insert(
        0,
        Part {
            name: ".text",
            address: options.base,
            content: Content::Bytes(text),
            alignment,
            permissions: Permissions::Execute,
        },
    );
    write(&image, parts, settings.extensions, options.base, start_code)
}

/// What the address of an image is a multiple of, whose functions are compiled with `settings`: at most the size of a page.
fn image_alignment(settings: &Settings) -> u32 {
    let Settings {
        function_alignment,
        loop_alignment,
        ..
    } = settings;
    // No function needs more by itself.
    let least = 16;
    (*function_alignment)
        .max(*loop_alignment)
        .bytes()
        .max(least)
}

/// What `%main` takes and returns.
fn check_main(module: &Module, name: &ExternalName) -> Result<Main, ExecutableError> {
    let id = module.find(name).ok_or(ExecutableError::NoMain)?;
    let Signature {
        params, returns, ..
    } = &module.function(id).signature;
    let all_words = |values: &[AbiParam]| values.iter().all(|value| value.value_type == Type::I32);
    match (params.len(), returns.len()) {
        (0 | 2, 0 | 1) if all_words(params) && all_words(returns) => Ok(Main {
            takes_arguments: !params.is_empty(),
            returns_status: !returns.is_empty(),
        }),
        _ => Err(ExecutableError::BadMain),
    }
}

fn add_host_functions(
    linker: &mut Linker,
    module: &Module,
    settings: &Settings,
) -> Result<(), ExecutableError> {
    let functions = host_functions::for_module(module, settings).map_err(ExecutableError::Host)?;
    if functions.is_empty() {
        return Ok(());
    }
    for function in &functions {
        linker.add_function(&function.name, &function.code.buffer)?;
    }
    let (name, code) = host_functions::system_call();
    Ok(linker.add_function(&name, &code)?)
}

/// A stack of at least `size` bytes in the page behind `end`.
fn stack_part(end: u32, size: u32) -> Result<Part, ExecutableError> {
    let too_large = || ExecutableError::TooLarge("there is no room for the stack".to_owned());
    let address = end.checked_next_multiple_of(PAGE_SIZE);
    let address = address.ok_or_else(too_large)?;
    let size = size
        .checked_next_multiple_of(16)
        .filter(|size| address.checked_add(*size).is_some())
        .ok_or_else(too_large)?;
    Ok(Part {
        name: ".stack",
        address,
        content: Content::Zeros(size),
        alignment: 16,
        permissions: Permissions::Write,
    })
}

fn write(
    image: &Image,
    parts: Vec<Part>,
    extensions: ExtensionSet,
    entry: u32,
    start_code: StartCode,
) -> Result<Vec<u8>, ExecutableError> {
    let names: Vec<String> = image
        .symbols()
        .iter()
        .map(|symbol| symbol_name(&symbol.name))
        .collect();
    let mut symbols = alloc::vec![
        mapping_symbol("$x", entry),
        FileSymbol {
            name: "_start",
            address: entry,
            size: start_code.size(),
            kind: FileSymbolKind::Function,
            part: TEXT,
            is_global: true,
        }
    ];
    let mut is_behind_data = false;
    for (symbol, name) in image.symbols().iter().zip(&names) {
        let SymbolKind::Function { code_size } = symbol.kind else {
            continue;
        };
        let address = image.base().wrapping_add(symbol.offset);
        if is_behind_data {
            symbols.push(mapping_symbol("$x", address));
        }
        is_behind_data = code_size < symbol.size;
        if is_behind_data {
            symbols.push(mapping_symbol("$d", address + code_size));
        }
        symbols.push(FileSymbol {
            name,
            address,
            size: symbol.size,
            kind: FileSymbolKind::Function,
            part: TEXT,
            is_global: true,
        });
    }
    let traps = image.traps.iter().map(|trap| TrapEntry {
        address: image.base().wrapping_add(trap.offset),
        code: trap.code,
    });
    let file = ExecutableFile {
        entry,
        extensions,
        parts,
        symbols,
        traps: traps.collect(),
    };
    file.write().map_err(ExecutableError::TooLarge)
}

/// The position of the part with the code.
const TEXT: usize = 0;

fn mapping_symbol(name: &'static str, address: u32) -> FileSymbol<'static> {
    FileSymbol {
        name,
        address,
        size: 0,
        kind: FileSymbolKind::Label,
        part: TEXT,
        is_global: false,
    }
}

/// What a function is called in the symbol table. A name of two numbers becomes a text that assemblers take.
fn symbol_name(name: &ExternalName) -> String {
    match name {
        ExternalName::Symbol(text) => text.as_ref().to_owned(),
        ExternalName::User { namespace, index } => format!("u{namespace}_{index}"),
    }
}
