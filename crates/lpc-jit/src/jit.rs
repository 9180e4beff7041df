//! From a module to code that can be called.

use crate::code_memory::CodeMemory;
use crate::error::{ImportSignature, JitError};
use crate::host::HostFunctions;
use crate::module::{JitModule, OwnedRegion};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use lpc_codegen::runtime::Routine;
use lpc_codegen::{CompiledFunction, Compiler, MemoryUse, Settings};
use lpc_link::{InPlaceLinker, LinkError};
use lpc_lpir::ir::{AbiParam, DataObject, ExternalName, Function, Linkage, Module, Signature};

/// Compiles modules into a code memory. See the [crate documentation](crate).
pub struct Jit<M: CodeMemory> {
    memory: Rc<RefCell<M>>,
    host: HostFunctions,
    compiler: Compiler,
}

impl<M: CodeMemory> Jit<M> {
    /// Compiles into `memory` what may call the functions in `host`.
    pub fn new(memory: M, host: HostFunctions) -> Self {
        Self::with_compiler(memory, host, Compiler::new())
    }

    /// As [`Self::new`], by a compiler that may be limited in what it takes.
    pub fn with_compiler(memory: M, host: HostFunctions, compiler: Compiler) -> Self {
        Self {
            memory: Rc::new(RefCell::new(memory)),
            host,
            compiler,
        }
    }

    /// The functions that modules may call. Those that are added are there for modules that are compiled later.
    pub fn host_mut(&mut self) -> &mut HostFunctions {
        &mut self.host
    }

    /// The size of the largest module that there is room for, in bytes.
    pub fn largest_free(&self) -> u32 {
        self.memory.borrow().largest_free()
    }

    /// Compiles `module`, which must have passed the verifier, and loads it. Each function is freed as it is compiled.
    ///
    /// # Errors
    /// When a function cannot be compiled, when an import is unknown or has another signature, and when there is no room.
    pub fn compile(
        &mut self,
        module: Module,
        settings: &Settings,
    ) -> Result<JitModule<M>, JitError> {
        let mut builder = self.builder(settings)?;
        let (functions, data) = module.into_definitions();
        for (function, linkage) in functions {
            builder.add_function(function, linkage)?;
        }
        for object in data {
            builder.add_data(object)?;
        }
        builder.finish()
    }

    /// Starts a module that is compiled with `settings` and loaded function by function, as they come, so that there need not be more than
    /// one of them in memory. Calls are not [shortened](Settings::linker_relaxation).
    ///
    /// # Errors
    /// When there is no room at all.
    pub fn builder(&mut self, settings: &Settings) -> Result<ModuleBuilder<'_, M>, JitError> {
        let memory = OwnedRegion::largest(&self.memory);
        let memory = memory.ok_or(JitError::OutOfCodeMemory {
            needed: 1,
            available: 0,
        })?;
        let mut linker = InPlaceLinker::new();
        linker.align_sections(self.memory.borrow().section_alignment());
        Ok(ModuleBuilder {
            memory,
            settings: Settings {
                linker_relaxation: false,
                ..settings.clone()
            },
            linker,
            signatures: Vec::new(),
            unfit_imports: Vec::new(),
            compile_memory: MemoryUse::default(),
            jit: self,
        })
    }
}

/// A module that is compiled function by function.
///
/// While there is one, all of the largest free part of the code memory is taken; what the module does not need is given back when it is
/// finished.
pub struct ModuleBuilder<'j, M: CodeMemory> {
    jit: &'j mut Jit<M>,
    settings: Settings,
    memory: OwnedRegion<M>,
    linker: InPlaceLinker,
    /// As in the [`JitModule`].
    signatures: Vec<(u32, Signature)>,
    /// Declarations that do not fit the host function of their name. The module itself may have yet to define what they name.
    unfit_imports: Vec<ImportSignature>,
    /// As in the [`JitModule`].
    compile_memory: MemoryUse,
}

impl<M: CodeMemory> ModuleBuilder<'_, M> {
    /// Compiles `function`, which must have passed the verifier, and frees it on the way.
    ///
    /// # Errors
    /// When it cannot be compiled, when its name is taken, and when there is no room for it.
    pub fn add_function(&mut self, function: Function, linkage: Linkage) -> Result<(), JitError> {
        self.check_imports(&function);
        if linkage == Linkage::Local {
            return self.compile(function, linkage).map(|_| ());
        }
        let signature = copy_signature(&function.signature)?;
        let offset = self.compile(function, linkage)?;
        self.signatures.try_reserve(1).map_err(LinkError::from)?;
        self.signatures.push((offset, signature));
        Ok(())
    }

    /// Adds `object`, which [`DataObject::check`] accepts.
    ///
    /// # Errors
    /// When its name is taken.
    pub fn add_data(&mut self, object: DataObject) -> Result<(), JitError> {
        Ok(self.linker.add_data(object)?)
    }

    /// Links the module, and makes it executable.
    ///
    /// # Errors
    /// When an import is unknown or has another signature, and when there is no room.
    pub fn finish(mut self) -> Result<JitModule<M>, JitError> {
        self.add_routines()?;
        let imports = self.imports()?;
        let image = self.linker.lay_out()?;
        let alignment = image.alignment();
        // Who protects the end of the module protects all of the unit that it is in.
        let unit = self.jit.memory.borrow().section_alignment();
        let size = image.size().checked_next_multiple_of(unit);
        let available = self.memory.region().size();
        let no_room = JitError::OutOfCodeMemory {
            needed: size.unwrap_or(u32::MAX),
            available,
        };
        let memory = self.memory;
        let Some(size) = size.filter(|size| *size <= available) else {
            return Err(no_room);
        };
        let mut memory = memory.settle(size, alignment).ok_or(no_room)?;
        let (base, data_base) = {
            let region = memory.region();
            (region.address(), region.data_address())
        };
        let address_of = |name: &ExternalName| {
            let index = imports.binary_search_by(|(import, _)| import.cmp(name));
            Some(imports[index.ok()?].1)
        };
        let map = memory.write(|bytes| image.link_apart(base, data_base, bytes, &address_of))?;
        memory.publish(map.sections());
        Ok(JitModule {
            executor: self.jit.memory.borrow().executor(),
            memory,
            map,
            signatures: self.signatures,
            compile_memory: self.compile_memory,
        })
    }

    /// Compares what `function` declares of its imports with the host functions of their names.
    fn check_imports(&mut self, function: &Function) {
        for declared in function.dfg.ext_funcs.values() {
            let Some(host) = self.jit.host.find(&declared.name) else {
                continue;
            };
            let signature = &function.dfg.signatures[declared.signature];
            let served = host.signature().can_serve(signature);
            let is_known = |error: &ImportSignature| error.name == declared.name;
            if served != Ok(true) && !self.unfit_imports.iter().any(is_known) {
                let error = ImportSignature {
                    name: declared.name.clone(),
                    declared: signature.clone(),
                    provided: *host.signature(),
                    not_c: served.err(),
                };
                self.unfit_imports.push(error);
            }
        }
    }

    /// Compiles `function` to where it belongs, and tells where that is, in bytes from the start of the module.
    fn compile(&mut self, function: Function, linkage: Linkage) -> Result<u32, JitError> {
        let name = copy_name(&function.name)?;
        let compiled = self.jit.compiler.compile_owned(function, &self.settings);
        let CompiledFunction { name, code, memory } =
            compiled.map_err(|error| JitError::Compile {
                function: name,
                error,
            })?;
        self.compile_memory = self.compile_memory.max(memory);
        let linker = &mut self.linker;
        let added = self
            .memory
            .write(|bytes| linker.add_function(name, linkage, code.buffer, bytes));
        match added {
            Ok(offset) => Ok(offset),
            Err(LinkError::NoRoom { needed }) => Err(JitError::OutOfCodeMemory {
                needed,
                available: self.memory.region().size(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds the routines of the runtime that the module calls, and those that the routines call.
    fn add_routines(&mut self) -> Result<(), JitError> {
        loop {
            let called = self.linker.undefined_names().filter_map(Routine::from_name);
            let called: Vec<_> = called.collect();
            if called.is_empty() {
                return Ok(());
            }
            for routine in called {
                self.compile(routine.function(), Linkage::Local)?;
            }
        }
    }

    /// The addresses of the host functions that the module uses, in the order of their names.
    fn imports(&self) -> Result<Vec<(ExternalName, u32)>, JitError> {
        let mut imports = Vec::new();
        let mut memory = self.jit.memory.borrow_mut();
        for name in self.linker.undefined_names() {
            let mut unfit = self.unfit_imports.iter();
            if let Some(error) = unfit.find(|error| error.name == *name) {
                return Err(JitError::ImportSignature(Box::new(error.clone())));
            }
            let function = self.jit.host.find(name);
            if let Some(address) = function.and_then(|function| memory.host_address(function)) {
                imports.try_reserve(1).map_err(LinkError::from)?;
                imports.push((copy_name(name)?, address));
            }
        }
        Ok(imports)
    }
}

/// A copy of `signature`, or the error that there is no memory for it.
fn copy_signature(signature: &Signature) -> Result<Signature, LinkError> {
    let copy = |params: &[AbiParam]| {
        let mut copy = Vec::new();
        copy.try_reserve_exact(params.len())?;
        copy.extend_from_slice(params);
        Ok::<_, LinkError>(copy)
    };
    Ok(Signature {
        params: copy(&signature.params)?,
        returns: copy(&signature.returns)?,
        call_conv: signature.call_conv,
    })
}

/// A copy of `name`, or the error that there is no memory for it.
fn copy_name(name: &ExternalName) -> Result<ExternalName, LinkError> {
    let text = match name {
        ExternalName::Symbol(text) => text,
        ExternalName::User { .. } => return Ok(name.clone()),
    };
    let mut copy = String::new();
    copy.try_reserve_exact(text.len())?;
    copy.push_str(text);
    Ok(ExternalName::symbol(copy))
}
