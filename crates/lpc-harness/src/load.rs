//! From a module to a machine that is ready to run it.

use crate::error::ProgramError;
use crate::host::HostFunctions;
use crate::options::{MEMORY_BASE, MachineOptions};
use crate::program::{Entry, Import, Program};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use lpc_codegen::backend::abi::AbiSignature;
use lpc_codegen::backend::transfer::Garbage;
use lpc_codegen::isa::riscv32::abi;
use lpc_codegen::{CompiledModule, Settings, compile_module};
use lpc_link::Linker;
use lpc_lpir::ir::{ExternalName, Module, Signature};
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory};
use lpc_riscv32::host_call::{HOST_CALL_SIZE, host_call};

/// How much of the stack is filled with garbage, in bytes: more than usual programs touch, and little enough to do it for
/// each program.
const GARBAGE_IN_STACK: u32 = 1 << 16;

/// After how many bytes the garbage in the stack repeats.
const GARBAGE_PERIOD: u32 = 1 << 12;

impl Program {
    /// Compiles `module`, which must have passed the verifier, and loads it into a machine.
    ///
    /// # Errors
    /// When the module cannot be compiled, calls a function that neither it nor `host` has, or does not fit into the memory.
    pub fn new(
        module: &Module,
        settings: &Settings,
        options: MachineOptions,
        host: &dyn HostFunctions,
    ) -> Result<Self, ProgramError> {
        let compiled = compile_module(module, settings)?;
        Self::load(module, &compiled, settings, options, host)
    }

    /// Links `compiled`, which was compiled from `module` with `settings`, and loads it into a machine.
    ///
    /// # Errors
    /// When the module calls a function that neither it nor `host` has, or when it does not fit into the memory.
    pub fn load(
        module: &Module,
        compiled: &CompiledModule,
        settings: &Settings,
        options: MachineOptions,
        host: &dyn HostFunctions,
    ) -> Result<Self, ProgramError> {
        let mut garbage = Garbage::new();
        let stack_top = MEMORY_BASE + (options.stack_size & !15);
        let mut memory =
            Memory::new(MEMORY_BASE, options.memory_size).map_err(|_| ProgramError::OutOfMemory)?;
        fill_with_garbage(&mut memory, stack_top, &mut garbage)?;
        let mut emulator = Emulator::new(
            MachineConfig {
                extensions: settings.extensions,
                misaligned: options.misaligned,
            },
            memory,
        );

        let imports = find_imports(module, host)?;
        let address_of_import = |name: &ExternalName| {
            let index = imports.iter().position(|import| import.name == *name)?;
            Some(stack_top + index as u32 * HOST_CALL_SIZE)
        };
        let mut linker = Linker::new();
        linker.align_sections(options.section_alignment);
        linker.add_module(module, compiled)?;
        let mut code = host_call().repeat(imports.len());
        let image_start = (stack_top + code.len() as u32).next_multiple_of(linker.alignment());
        code.resize((image_start - stack_top) as usize, 0);
        let image = linker.link(image_start, &address_of_import)?;
        let (text, data) = image.bytes().split_at(image.sections().text.end as usize);
        code.extend_from_slice(text);
        let image_end = image_start.checked_add(image.memory_size());
        if image_end.is_none_or(|end| end > emulator.memory().end()) {
            return Err(ProgramError::OutOfMemory);
        }
        emulator
            .load_code(stack_top, &code)
            .and_then(|()| Ok(emulator.write_memory(image_start + text.len() as u32, data)?))
            .and_then(|()| Ok(emulator.protect(stack_top, code.len() as u32)?))
            .and_then(|()| {
                let read_only = &image.sections().read_only;
                Ok(emulator.protect(
                    image_start + read_only.start,
                    read_only.end - read_only.start,
                )?)
            })
            .map_err(|_| ProgramError::OutOfMemory)?;

        let mut entries = BTreeMap::new();
        for (_, function) in module.functions() {
            let name = &function.name;
            let abi = abi_signature(name, &function.signature)?;
            if let Some(address) = image.address_of(name) {
                entries.insert(name.clone(), Entry { address, abi });
            }
        }
        Ok(Self {
            emulator,
            image,
            entries,
            imports,
            stack_top,
            options,
            garbage,
        })
    }
}

fn fill_with_garbage(
    memory: &mut Memory,
    stack_top: u32,
    garbage: &mut Garbage,
) -> Result<(), ProgramError> {
    let words = (0..GARBAGE_PERIOD / 4).map(|_| garbage.word());
    let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    let start = MEMORY_BASE.max(stack_top.saturating_sub(GARBAGE_IN_STACK));
    for address in (start..stack_top).step_by(bytes.len()) {
        let size = bytes.len().min((stack_top - address) as usize);
        memory
            .write(address, &bytes[..size])
            .map_err(|_| ProgramError::OutOfMemory)?;
    }
    Ok(())
}

/// The functions that the module declares, does not define and finds at the host.
fn find_imports(module: &Module, host: &dyn HostFunctions) -> Result<Vec<Import>, ProgramError> {
    let mut imports: Vec<Import> = Vec::new();
    for (name, signature) in module.declared_functions() {
        let is_known =
            module.find(name).is_some() || imports.iter().any(|import| import.name == *name);
        if !is_known && host.provides(name, signature) {
            imports.push(Import {
                name: name.clone(),
                abi: abi_signature(name, signature)?,
            });
        }
    }
    Ok(imports)
}

fn abi_signature(
    name: &ExternalName,
    signature: &Signature,
) -> Result<Arc<AbiSignature>, ProgramError> {
    let abi = abi::abi_signature(signature);
    abi.map(Arc::new).map_err(|error| ProgramError::Signature {
        name: name.clone(),
        error,
    })
}
