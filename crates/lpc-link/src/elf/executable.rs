//! Static executables: a linked module with start-up code.
//!
//! ```text
//!   base ─► ┌─────────────────┐
//!           │ start-up code   │  .text    what runs before main: see the module `start`
//!           │ functions       │           those of the module, of the host, of the runtime
//!           ├─────────────────┤
//!           │ read-only data  │  .rodata
//!           ├─────────────────┤
//!           │ writable data   │  .data
//!           │ zeroed data     │  .bss     not in the file, and cleared by the start-up code
//!           ├─────────────────┤
//!           │ stack           │  .stack   where one is asked for; not in the file
//!           └─────────────────┘
//! ```
//!
//! Every section starts in a page of its own, since pages have permissions.
//!
//! The linker takes the start-up code as a function called `_start`, the first one and the entry point. What it refers to is
//! known only when everything has its place: until then it holds no addresses, and then the code with addresses, which is as
//! long, takes its place in the image.

use super::attributes::attributes;
use super::builder::symbol_name;
use super::debug_info::DebugInfo;
use super::host_functions;
use super::image_lines::debug_sections;
use super::object::ObjectError;
use super::start::{Main, Stack, StartAddresses, StartCode};
use super::traps::TrapEntry;
use super::write::{
    Content, ExecutableFile, FileSymbol, FileSymbolKind, PAGE_SIZE, Part, Permissions,
};
use crate::error::LinkError;
use crate::image::Image;
use crate::linker::Linker;
use crate::map::SymbolKind;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use lpc_codegen::backend::buffer::MachBufferFinalized;
use lpc_codegen::{CompileError, CompiledModule, Settings};
use lpc_lpir::ir::{AbiParam, ExternalName, Linkage, Module, Signature, Type};

/// What an executable is to be like.
#[derive(Clone, Copy)]
pub struct ExecutableOptions<'a> {
    /// The address of the first byte: a multiple of the size of a page, 4096.
    pub base: u32,
    /// Where the stack is.
    pub stack: Stack,
    /// What the program was read from, to state the line of each instruction; not stated if this is `None`.
    pub source: Option<DebugInfo<'a>>,
}

impl ExecutableOptions<'_> {
    /// The base that linkers use for this machine.
    pub const DEFAULT_BASE: u32 = 0x1_0000;
}

impl Default for ExecutableOptions<'_> {
    fn default() -> Self {
        Self {
            base: Self::DEFAULT_BASE,
            stack: Stack::default(),
            source: None,
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
    /// A name cannot stand in the symbol table or in the debug information, or the latter is too large.
    Format(ObjectError),
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
            Self::Format(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ExecutableError {}

impl From<LinkError> for ExecutableError {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl From<ObjectError> for ExecutableError {
    fn from(error: ObjectError) -> Self {
        Self::Format(error)
    }
}

/// The name of the start-up code.
const START: &str = "_start";

/// The file of an executable that runs `%main` of `module`, and exits with its result. `compiled` was made from the module with
/// `settings`. Names that nobody defines are looked up with `imports`, and then among the functions of the
/// [host](super), which are added where they are needed.
///
/// # Errors
/// When the module does not make a program.
pub fn link_executable(
    module: &Module,
    compiled: &CompiledModule,
    settings: &Settings,
    options: &ExecutableOptions<'_>,
    imports: &dyn Fn(&ExternalName) -> Option<u32>,
) -> Result<Vec<u8>, ExecutableError> {
    if !options.base.is_multiple_of(PAGE_SIZE) {
        return Err(ExecutableError::MisalignedBase(options.base));
    }
    let main = ExternalName::symbol("main");
    let start_code = StartCode {
        main: check_main(module, &main)?,
        has_reserved_stack: matches!(options.stack, Stack::Reserved(_)),
    };
    let mut linker = Linker::new();
    linker.align_sections(PAGE_SIZE);
    let placeholder = start_code.assemble(StartAddresses::default());
    linker.add_function(&ExternalName::symbol(START), &machine_code(placeholder))?;
    linker.add_module(module, compiled)?;
    add_host_functions(&mut linker, module, settings, imports)?;
    let mut image = linker.link(options.base, imports)?;

    let stack = match options.stack {
        Stack::Inherited => None,
        Stack::Reserved(size) => Some(reserve_stack(&image, size)?),
    };
    let zeroed = &image.map.sections.zeroed;
    let start = start_code.assemble(StartAddresses {
        start: image.map.base,
        main: image.address_of(&main).ok_or(ExecutableError::NoMain)?,
        bss_start: image.map.base + zeroed.start,
        bss_end: image.map.base + zeroed.end,
        stack_end: stack.as_ref().map_or(0, |stack| stack.end),
    });
    image.bytes[..start.len()].copy_from_slice(&start);
    let debug_sections = match &options.source {
        Some(source) => debug_sections(&image, source)?,
        None => Vec::new(),
    };
    let attributes = attributes(module, settings.extensions);
    write(&image, stack, settings, attributes, debug_sections)
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

/// A function that consists of instructions of four bytes, `code`, and refers to nothing.
fn machine_code(code: Vec<u8>) -> MachBufferFinalized {
    MachBufferFinalized {
        code_size: code.len() as u32,
        data_start: code.len() as u32,
        bytes: code,
        alignment: 4,
        instruction_alignment: 4,
        ..MachBufferFinalized::default()
    }
}

fn add_host_functions(
    linker: &mut Linker,
    module: &Module,
    settings: &Settings,
    imports: &dyn Fn(&ExternalName) -> Option<u32>,
) -> Result<(), ExecutableError> {
    let functions =
        host_functions::for_module(module, settings, imports).map_err(ExecutableError::Host)?;
    if functions.is_empty() {
        return Ok(());
    }
    for function in &functions {
        linker.add_function(&function.name, &function.code.buffer)?;
    }
    let (name, code) = host_functions::system_call();
    Ok(linker.add_function(&name, &machine_code(code))?)
}

/// The addresses of a stack of at least `size` bytes in the page behind `image`.
fn reserve_stack(image: &Image, size: u32) -> Result<Range<u32>, ExecutableError> {
    let reserve = || {
        let end_of_image = image.map.base.checked_add(image.memory_size())?;
        let start = end_of_image.checked_next_multiple_of(PAGE_SIZE)?;
        let end = start.checked_add(size.checked_next_multiple_of(16)?)?;
        Some(start..end)
    };
    let too_large = || ExecutableError::TooLarge("there is no room for the stack".to_owned());
    reserve().ok_or_else(too_large)
}

/// The file of the executable `image`, whose first function is the start-up code.
fn write(
    image: &Image,
    stack: Option<Range<u32>>,
    settings: &Settings,
    attributes: Vec<u8>,
    debug_sections: Vec<(&'static str, Vec<u8>)>,
) -> Result<Vec<u8>, ExecutableError> {
    let names = image
        .map
        .symbols
        .iter()
        .map(|symbol| symbol_name(&symbol.name));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let parts = parts(image, stack);
    let traps = image.map.traps.iter().map(|trap| TrapEntry {
        address: image.map.base + trap.offset,
        code: trap.code,
    });
    let file = ExecutableFile {
        entry: image.map.base,
        extensions: settings.extensions,
        attributes,
        symbols: symbols(image, &names, &parts),
        parts,
        traps: traps.collect(),
        debug_sections,
    };
    file.write().map_err(ExecutableError::TooLarge)
}

/// The sections of the executable that are not empty, in the order of their addresses.
fn parts(image: &Image, stack: Option<Range<u32>>) -> Vec<Part> {
    let bytes = |range: &Range<u32>| {
        Content::Bytes(image.bytes[range.start as usize..range.end as usize].to_vec())
    };
    let zeros = |range: &Range<u32>| Content::Zeros(range.end - range.start);
    let part = |name, permissions, start, content| Part {
        name,
        address: start,
        content,
        alignment: PAGE_SIZE,
        permissions,
    };
    let sections = &image.map.sections;
    let (text, read_only) = (&sections.text, &sections.read_only);
    let (writable, zeroed) = (&sections.writable, &sections.zeroed);
    let address = |range: &Range<u32>| image.map.base + range.start;
    let mut parts = Vec::new();
    use Permissions::{Execute, Read, Write};
    parts.push(part(".text", Execute, address(text), bytes(text)));
    parts.push(part(".rodata", Read, address(read_only), bytes(read_only)));
    parts.push(part(".data", Write, address(writable), bytes(writable)));
    parts.push(part(".bss", Write, address(zeroed), zeros(zeroed)));
    if let Some(stack) = stack {
        parts.push(part(".stack", Write, stack.start, zeros(&stack)));
    }
    parts.retain(|part| part.size() > 0);
    parts
}

/// The symbols of `image`, called `names`, and those that tell code from data in it.
fn symbols<'a>(image: &Image, names: &'a [String], parts: &[Part]) -> Vec<FileSymbol<'a>> {
    let mut symbols = alloc::vec![mapping_symbol("$x", image.map.base)];
    let mut is_behind_data = false;
    for (symbol, name) in image.map.symbols.iter().zip(names) {
        let address = image.map.base + symbol.offset;
        if let SymbolKind::Function { code_size } = symbol.kind {
            if is_behind_data {
                symbols.push(mapping_symbol("$x", address));
            }
            is_behind_data = code_size < symbol.size;
            if is_behind_data {
                symbols.push(mapping_symbol("$d", address + code_size));
            }
        }
        let part = parts.iter().rposition(|part| part.address <= address);
        symbols.push(FileSymbol {
            name,
            address,
            size: symbol.size,
            kind: match symbol.kind {
                SymbolKind::Function { .. } => FileSymbolKind::Function,
                SymbolKind::Data(_) => FileSymbolKind::Object,
            },
            part: part.unwrap_or(TEXT),
            is_global: symbol.linkage == Linkage::Export,
        });
    }
    symbols
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
