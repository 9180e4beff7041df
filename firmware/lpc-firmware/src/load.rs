//! From the bytes of a module to a program in the sandbox.

use crate::failure::Failure;
use crate::line::MAX_DATA;
use crate::program::Program;
use crate::sandbox::{DoesNotFit, Sandbox};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use board::pmp::GRANULE;
use board::{counters, heap, stack, timer};
use core::fmt::{self, Write};
use lpc_codegen::{CompileBudget, CompileError, CompiledModule, Settings, compile_module_within};
use lpc_device::{Cost, FailureKind, HostFunction, Loaded, WireSettings};
use lpc_link::{Image, LinkError, Linker};
use lpc_lpir::binary::{self, DecodeErrorKind};
use lpc_lpir::entity::PrimaryMap;
use lpc_lpir::ir::{AnyEntity, ExternalName, FuncId, Module, SourceLoc};
use lpc_lpir::text::{Location, SourceMap, parse_module, parse_module_with_sources};
use lpc_lpir::verifier::verify_module;

/// Reads, verifies, compiles and links `module`, and puts it into the sandbox.
pub(crate) fn load(
    settings: &WireSettings<'_>,
    module: &[u8],
    sandbox: &mut Sandbox,
) -> Result<(Program, Loaded), Failure> {
    let settings = settings.settings();
    let settings = settings.map_err(|error| Failure::new(FailureKind::Request, error))?;
    let source = Source::of(module)?;
    let (module, read) = measured(|| source.read());
    let module = module?;
    let (verified, verify) = measured(|| source.verify(&module));
    verified?;
    let (compiled, compile) = measured(|| source.compile(&module, &settings));
    let compiled = compiled?;
    let (image, link) = measured(|| link(&module, compiled, sandbox));
    let image = image?;
    let loaded = Loaded {
        base: image.base(),
        host_calls: sandbox.program().start,
        bytes: image.bytes().len() as u32,
        memory: image.memory_size(),
        read,
        verify,
        compile,
        link,
    };
    sandbox.load(&image).map_err(|DoesNotFit| {
        let (size, room) = (image.memory_size(), sandbox.program().len());
        let message = format!("the program takes {size} bytes, and there are {room}");
        Failure::new(FailureKind::Memory, message)
    })?;
    let program = Program::new(&module, image);
    let program = program.map_err(|error| Failure::new(FailureKind::Compile, error))?;
    Ok((program, loaded))
}

/// A module as it came.
enum Source<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

impl<'a> Source<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, Failure> {
        if binary::is_binary(bytes) {
            return Ok(Self::Binary(bytes));
        }
        match str::from_utf8(bytes) {
            Ok(text) => Ok(Self::Text(text)),
            Err(_) => Err(Failure::new(
                FailureKind::Module,
                "1:1: this is neither text in UTF-8 nor a module in the binary form",
            )),
        }
    }

    fn read(&self) -> Result<Module, Failure> {
        let failed = |error: &dyn fmt::Display| Failure::new(FailureKind::Module, error);
        match self {
            Self::Text(text) => {
                let mut module = parse_module(text).map_err(|error| failed(&error))?;
                number_instructions(&mut module);
                Ok(module)
            }
            Self::Binary(bytes) => binary::decode(bytes).map_err(|error| match error.kind {
                DecodeErrorKind::OutOfMemory { .. } => Failure::new(FailureKind::Memory, error),
                _ => failed(&error),
            }),
        }
    }

    fn verify(&self, module: &Module) -> Result<(), Failure> {
        let Err(errors) = verify_module(module) else {
            return Ok(());
        };
        let places = self.places();
        let errors = errors.0.iter().flat_map(|function| {
            let errors = function.errors.0.iter();
            errors.map(move |error| (function, error))
        });
        let mut message = String::new();
        for (function, error) in errors {
            let location = places.location(module, function.function, error.location);
            let what = format_args!("{}: {}", function.name, error.message);
            let separator = if message.is_empty() { "" } else { "\n" };
            // A string takes all text.
            let _ = write!(message, "{separator}{}", Described { location, what });
            // More is not sent.
            if message.len() >= MAX_DATA {
                break;
            }
        }
        Err(Failure::new(FailureKind::Verifier, message))
    }

    fn compile(&self, module: &Module, settings: &Settings) -> Result<CompiledModule, Failure> {
        let budget = CompileBudget::new(heap::size() - heap::usage().current);
        compile_module_within(module, settings, budget).map_err(|error| {
            let entity = error
                .error
                .inst()
                .map_or(AnyEntity::Function, AnyEntity::Inst);
            let function = module.function(error.function);
            let what = error.error.display(function);
            match error.error {
                // Nor is there memory to find out where.
                CompileError::OutOfMemory { .. } | CompileError::OverBudget { .. } => {
                    Failure::new(FailureKind::Memory, what)
                }
                _ => {
                    let places = self.places();
                    let location = places.location(module, error.function, entity);
                    Failure::new(FailureKind::Compile, Described { location, what })
                }
            }
        })
    }

    /// Where everything stands in the text. That is read again for it, as most programs have no errors, and places take memory.
    fn places(&self) -> Places {
        Places(match self {
            Self::Text(text) => parse_module_with_sources(text)
                .ok()
                .map(|(_, sources)| sources),
            Self::Binary(_) => None,
        })
    }
}

/// Where the parts of functions stand in the text, if there is one.
struct Places(Option<PrimaryMap<FuncId, SourceMap>>);

impl Places {
    fn location(&self, module: &Module, function: FuncId, entity: AnyEntity) -> Option<Location> {
        let sources = self.0.as_ref()?;
        Some(sources[function].nearest(module.function(function), entity))
    }
}

/// What is wrong, behind its place where that is known.
struct Described<T> {
    location: Option<Location>,
    what: T,
}

impl<T: fmt::Display> fmt::Display for Described<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = self.location {
            write!(f, "{location}: ")?;
        }
        self.what.fmt(f)
    }
}

/// Makes the number of each instruction its source location.
fn number_instructions(module: &mut Module) {
    let ids: Vec<_> = module.functions().map(|(id, _)| id).collect();
    for id in ids {
        let function = module.function_mut(id);
        for block in function.layout.blocks() {
            for inst in function.layout.block_insts(block) {
                function.srclocs[inst] = SourceLoc::new(inst.as_u32());
            }
        }
    }
}

fn link(module: &Module, compiled: CompiledModule, sandbox: &Sandbox) -> Result<Image, Failure> {
    let failed = |error| match error {
        LinkError::OutOfMemory => Failure::new(FailureKind::Memory, error),
        error => Failure::new(FailureKind::Link, error),
    };
    let imports = module.declared_functions().filter_map(|(name, signature)| {
        let function = HostFunction::find(name, signature)?;
        Some((name, function.address(sandbox.program().start)))
    });
    let imports: Vec<_> = imports.collect();
    let address_of = |name: &ExternalName| {
        let mut imports = imports.iter();
        let (_, address) = imports.find(|(import, _)| *import == name)?;
        Some(*address)
    };
    let mut linker = Linker::new();
    linker.align_sections(GRANULE as u32);
    linker.add_module(module, &compiled).map_err(failed)?;
    drop(compiled);
    let base = sandbox.image_start(linker.alignment());
    linker.link(base, &address_of).map_err(failed)
}

/// Does `work`, and tells what it took.
fn measured<R>(work: impl FnOnce() -> R) -> (R, Cost) {
    heap::reset_peak();
    let start_time = timer::microseconds();
    let ((result, instructions), stack) = stack::measure(|| {
        let start = counters::instructions();
        let result = work();
        (result, counters::instructions() - start)
    });
    let cost = Cost {
        instructions,
        microseconds: timer::microseconds() - start_time,
        heap: heap::usage().peak as u32,
        stack: stack as u32,
    };
    (result, cost)
}
