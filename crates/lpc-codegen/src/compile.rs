//! The compiler: a function or a module in, machine code out.
//!
//! [`Compiler::compile`] is the whole pipeline. Each of its steps can be called by itself, to look at what lies between.

use crate::backend::blockorder::BlockLoweringOrder;
use crate::backend::emit::{CompiledCode, EmitError, emit};
use crate::backend::lower::lower;
use crate::backend::regalloc::{self, Allocation, Allocators};
use crate::backend::reloc::RelocTarget;
use crate::backend::vcode::VCode;
use crate::error::{CompileError, ModuleCompileError};
use crate::isa::riscv32::abi::abi_signature;
use crate::isa::riscv32::emit::EmitInfo;
use crate::isa::riscv32::inst::MInst;
use crate::isa::riscv32::lower::Riscv32Backend;
use crate::runtime::Routine;
use crate::settings::Settings;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use lpc_lpir::analysis::{ControlFlowGraph, DominatorTree, LoopAnalysis};
use lpc_lpir::ir::{ExternalName, FuncId, Function, Module};

/// A compiled function.
#[derive(Clone, Debug)]
pub struct CompiledFunction {
    /// Its name.
    pub name: ExternalName,
    /// Its machine code.
    pub code: CompiledCode,
}

/// The compiled functions of a module, in its order, and behind them the routines that they call.
#[derive(Clone, Debug, Default)]
pub struct CompiledModule {
    /// The functions.
    pub functions: Vec<CompiledFunction>,
}

/// Compiles functions, and keeps memory from one to the next.
///
/// What it keeps is small, whatever the functions are: the memory for a large one is given back as soon as a pass is through with it.
#[derive(Default)]
pub struct Compiler {
    analyses: Analyses,
    allocators: Allocators,
}

/// What is known of the shape of a function.
#[derive(Default)]
struct Analyses {
    cfg: ControlFlowGraph,
    domtree: DominatorTree,
    loops: LoopAnalysis,
}

/// The most instructions of a function after which memory is kept. To allocate it anew costs little beside compiling more.
const MAX_INSTS_TO_KEEP_MEMORY: usize = 256;

impl Compiler {
    /// A compiler that has not compiled anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Compiles `func`, which must have passed the verifier.
    ///
    /// # Errors
    /// When the function needs something that the backend lacks, or is too large for the machine.
    pub fn compile(
        &mut self,
        func: &Function,
        settings: &Settings,
    ) -> Result<CompiledFunction, CompileError> {
        let vcode = self.lower(func, settings)?;
        self.finish(func.name.clone(), vcode, settings)
    }

    /// As [`Self::compile`], and gives the memory of `func` back as soon as it has been lowered.
    ///
    /// # Errors
    /// Those of [`Self::compile`].
    pub fn compile_owned(
        &mut self,
        func: Function,
        settings: &Settings,
    ) -> Result<CompiledFunction, CompileError> {
        let vcode = self.lower(&func, settings)?;
        let name = into_name(func);
        self.finish(name, vcode, settings)
    }

    /// The passes behind lowering.
    fn finish(
        &mut self,
        name: ExternalName,
        vcode: VCode<MInst>,
        settings: &Settings,
    ) -> Result<CompiledFunction, CompileError> {
        let allocation = self.allocate_registers(&vcode, settings)?;
        let code = emit_function(vcode, &allocation, settings)?;
        Ok(CompiledFunction { name, code })
    }

    /// As [`lower_function`].
    fn lower(
        &mut self,
        func: &Function,
        settings: &Settings,
    ) -> Result<VCode<MInst>, CompileError> {
        let abi = abi_signature(&func.signature)
            .map_err(|error| CompileError::Signature { call: None, error })?;
        let Analyses {
            cfg,
            domtree,
            loops,
        } = &mut self.analyses;
        cfg.compute(func);
        if domtree.compute_if_cyclic(func, cfg) {
            loops.compute(cfg, domtree);
        } else {
            loops.clear();
        }
        let order = BlockLoweringOrder::new(func, cfg, domtree);
        let is_large = func.dfg.num_insts() > MAX_INSTS_TO_KEEP_MEMORY;
        if is_large {
            (*cfg, *domtree) = Default::default();
        }
        let vcode = lower::<Riscv32Backend>(func, settings, &abi, order, loops);
        if is_large {
            *loops = LoopAnalysis::default();
        }
        vcode
    }

    /// As [`allocate_registers`].
    fn allocate_registers(
        &mut self,
        vcode: &VCode<MInst>,
        settings: &Settings,
    ) -> Result<Allocation, CompileError> {
        let allocation = regalloc::run(vcode, settings.regalloc, &mut self.allocators);
        if vcode.insts().len() > MAX_INSTS_TO_KEEP_MEMORY {
            self.allocators = Allocators::default();
        }
        allocation.map_err(CompileError::RegisterAllocation)
    }
}

/// The name of `func`, whose memory is given back here, in front of the passes that take the most.
fn into_name(func: Function) -> ExternalName {
    func.name
}

/// Compiles `func`, which must have passed the verifier. Who compiles many functions keeps a [`Compiler`].
///
/// # Errors
/// When the function needs something that the backend lacks, or is too large for the machine.
pub fn compile_function(
    func: &Function,
    settings: &Settings,
) -> Result<CompiledFunction, CompileError> {
    Compiler::new().compile(func, settings)
}

/// Compiles all functions of `module`, which must have passed the verifier, and the routines of the
/// [runtime](crate::runtime) that they call.
///
/// With the feature `parallel` they are compiled on all cores. The result is the same: no function depends on another.
///
/// # Errors
/// When one of the functions cannot be compiled; see [`compile_function`].
pub fn compile_module(
    module: &Module,
    settings: &Settings,
) -> Result<CompiledModule, ModuleCompileError> {
    let functions = map_functions(module, Compiler::new, |compiler, function, func| {
        let compiled = compiler.compile(func, settings);
        compiled.map_err(|error| ModuleCompileError { function, error })
    });
    let mut compiled = CompiledModule {
        functions: functions.into_iter().collect::<Result<_, _>>()?,
    };
    compiled.add_routines(settings);
    Ok(compiled)
}

/// What `work` gives for each function of `module`, in the order of the module. With the feature `parallel` the work is done
/// on all cores. It is given what `init` made before, for the first function or once for several.
#[cfg(not(feature = "parallel"))]
pub fn map_functions<S, R>(
    module: &Module,
    init: impl Fn() -> S,
    work: impl Fn(&mut S, FuncId, &Function) -> R,
) -> Vec<R> {
    let mut state = init();
    let functions = module.functions();
    functions
        .map(|(id, func)| work(&mut state, id, func))
        .collect()
}

/// What `work` gives for each function of `module`, in the order of the module. The work is done on all cores, or by the
/// threads of the pool that this is called in. It is given what `init` made before, once for several functions of a thread.
#[cfg(feature = "parallel")]
pub fn map_functions<S, R: Send>(
    module: &Module,
    init: impl Fn() -> S + Sync + Send,
    work: impl Fn(&mut S, FuncId, &Function) -> R + Sync + Send,
) -> Vec<R> {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};
    let functions: Vec<_> = module.functions().collect();
    functions
        .into_par_iter()
        .map_init(init, |state, (id, func)| work(state, id, func))
        .collect()
}

impl CompiledModule {
    /// Adds the routines that the functions call, and those that the routines call.
    pub fn add_routines(&mut self, settings: &Settings) {
        let mut compiler = Compiler::new();
        self.add_routines_with(&mut |routine| {
            let function = compiler.compile_owned(routine.function(), settings);
            function.expect("a target that calls routines can compile them")
        });
    }

    /// As [`Self::add_routines`], with the code that `compile` gives for each routine: for who compiles many modules, and keeps
    /// the routines.
    pub fn add_routines_with(&mut self, compile: &mut dyn FnMut(Routine) -> CompiledFunction) {
        let mut added = BTreeSet::new();
        let mut next = 0;
        while let Some(function) = self.functions.get(next) {
            next += 1;
            let called = function.called_routines();
            let called = called.filter(|routine| added.insert(*routine));
            for routine in called.collect::<Vec<_>>() {
                self.functions.push(compile(routine));
            }
        }
    }
}

impl CompiledFunction {
    /// The routines of the runtime that it calls.
    pub fn called_routines(&self) -> impl Iterator<Item = Routine> + '_ {
        let relocs = self.code.buffer.relocs.iter();
        relocs.filter_map(|reloc| match &reloc.target {
            RelocTarget::External(name) => Routine::from_name(name),
            RelocTarget::Local(_) => None,
        })
    }
}

/// Lowers `func` to virtual-register code.
///
/// # Errors
/// When the function needs something that the backend lacks.
pub fn lower_function(func: &Function, settings: &Settings) -> Result<VCode<MInst>, CompileError> {
    Compiler::new().lower(func, settings)
}

/// Gives each virtual register of `vcode` its places.
///
/// # Errors
/// When the function is too large for the allocators, or when they refuse the code, which is an error of the compiler.
pub fn allocate_registers(
    vcode: &VCode<MInst>,
    settings: &Settings,
) -> Result<Allocation, CompileError> {
    Compiler::new().allocate_registers(vcode, settings)
}

/// Turns `vcode` into machine code, with the registers that `allocation` gave it.
///
/// # Errors
/// When the frame or the code is too large.
pub fn emit_function(
    vcode: VCode<MInst>,
    allocation: &Allocation,
    settings: &Settings,
) -> Result<CompiledCode, CompileError> {
    let info = EmitInfo::from_settings(settings);
    let code = emit(vcode, &allocation.output, info, settings.linker_relaxation);
    let mut code = code.map_err(|error| match error {
        EmitError::FrameTooLarge(_) => CompileError::FrameTooLarge,
        EmitError::CodeTooLarge => CompileError::CodeTooLarge,
    })?;
    code.stats.regalloc = Some(allocation.algorithm);
    Ok(code)
}
