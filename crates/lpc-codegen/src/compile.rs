//! The compiler: a function or a module in, machine code out.
//!
//! [`Compiler::compile`] is the whole pipeline. Each of its steps can be called by itself, to look at what lies between.

use crate::backend::abi::FunctionAbis;
use crate::backend::blockorder::BlockLoweringOrder;
use crate::backend::emit::{CompiledCode, emit_in};
use crate::backend::lower::{Lowered, bytes_at_start, lower};
use crate::backend::regalloc::{self, Allocation, Allocators};
use crate::backend::reloc::RelocTarget;
use crate::backend::vcode::VCode;
use crate::budget::{CompileBudget, MemoryUse};
use crate::error::{CompileError, ModuleCompileError};
use crate::isa::riscv32::abi::abi_signature_in;
use crate::isa::riscv32::emit::EmitInfo;
use crate::isa::riscv32::inst::MInst;
use crate::isa::riscv32::lower::Riscv32Backend;
use crate::runtime::Routine;
use crate::settings::Settings;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use lpc_lpir::analysis::{ControlFlowGraph, DominatorTree, LoopAnalysis};
use lpc_lpir::entity::EntityRef;
use lpc_lpir::heap::{Heap, HeapError, Pass};
use lpc_lpir::ir::{ExternalName, FuncId, Function, Module};

/// A compiled function.
#[derive(Clone, Debug)]
pub struct CompiledFunction {
    /// Its name.
    pub name: ExternalName,
    /// Its machine code.
    pub code: CompiledCode,
    /// The memory that compiling it took.
    pub memory: MemoryUse,
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
///
/// With a [`CompileBudget`] of its own, [`Self::with_budget`], it keeps nothing, so that whether a function fits does not depend on what was
/// compiled before.
#[derive(Default)]
pub struct Compiler {
    budget: CompileBudget,
    allocators: Allocators,
}

/// The most instructions of a function after which memory is kept. To allocate it anew costs little beside compiling more.
const MAX_INSTS_TO_KEEP_MEMORY: usize = 256;

impl Compiler {
    /// A compiler that has not compiled anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// A compiler that takes no more memory for a function than `budget` allows.
    pub fn with_budget(budget: CompileBudget) -> Self {
        Self {
            budget,
            ..Self::default()
        }
    }

    /// Compiles `func`, which must have passed the verifier.
    ///
    /// # Errors
    /// When the function needs something that the backend lacks, or is too large for the machine or the [budget](CompileBudget), or when
    /// there is no memory.
    pub fn compile(
        &mut self,
        func: &Function,
        settings: &Settings,
    ) -> Result<CompiledFunction, CompileError> {
        let heap = self.start();
        let compiled = self.try_compile(func, settings, heap);
        self.end();
        compiled
    }

    fn try_compile(
        &mut self,
        func: &Function,
        settings: &Settings,
        heap: Heap,
    ) -> Result<CompiledFunction, CompileError> {
        let mut lowered = Lowered::new(heap);
        self.lower(func, settings, &mut lowered)?;
        let mut code = CompiledCode::default();
        let mut heap = self.finish(lowered, settings, &mut code)?;
        Ok(CompiledFunction {
            name: func.name.copy_in(&mut heap)?,
            code,
            memory: MemoryUse::of(&heap),
        })
    }

    /// As [`Self::compile`], and gives the memory of `func` back as soon as its instructions have been lowered.
    ///
    /// # Errors
    /// Those of [`Self::compile`].
    pub fn compile_owned(
        &mut self,
        func: Function,
        settings: &Settings,
    ) -> Result<CompiledFunction, CompileError> {
        let mut lowered = Lowered::new(self.start());
        let result = self.lower(&func, settings, &mut lowered);
        let mut compiled = CompiledFunction::new(into_name(func), CompiledCode::default());
        let heap = match result {
            Ok(()) => self.finish(lowered, settings, &mut compiled.code),
            Err(error) => Err(error),
        };
        self.end();
        compiled.memory = MemoryUse::of(&heap?);
        Ok(compiled)
    }

    /// The heap for a function.
    fn start(&mut self) -> Heap {
        let mut heap = Heap::with_limit(self.budget.max_heap);
        heap.set_used(self.allocators.heap_bytes());
        heap.start(Pass::Analysis);
        heap
    }

    /// Gives memory back, if there is a budget.
    fn end(&mut self) {
        if !self.budget.is_unlimited() {
            self.allocators = Allocators::default();
        }
    }

    /// The passes behind lowering, which do not need the function. What comes of it goes to `code`.
    #[cfg_attr(target_os = "none", inline(never))]
    fn finish(
        &mut self,
        mut lowered: Lowered<MInst>,
        settings: &Settings,
        code: &mut CompiledCode,
    ) -> Result<Heap, CompileError> {
        self.build_vcode(&mut lowered)?;
        let (vcode, mut heap) = lowered.builder.into_parts();
        let allocation = self.allocate_registers(&vcode, settings, &mut heap)?;
        heap.start(Pass::Emission);
        emit_with(vcode, &allocation, settings, &mut heap, code)?;
        Ok(heap)
    }

    /// Lowers the instructions of `func`.
    #[cfg_attr(target_os = "none", inline(never))]
    fn lower(
        &self,
        func: &Function,
        settings: &Settings,
        lowered: &mut Lowered<MInst>,
    ) -> Result<(), CompileError> {
        let heap = lowered.builder.heap();
        heap.require(bytes_at_start::<MInst>(func))?;
        let abis = FunctionAbis::new(func, abi_signature_in, heap)
            .map_err(|error| CompileError::of_signature(None, error))?;
        let order = BlockLoweringOrder::new(func, heap)?;
        let lower_with = |loops: Option<&LoopAnalysis>, lowered: &mut Lowered<MInst>| {
            lowered.builder.heap().start(Pass::Lowering);
            lower::<Riscv32Backend>(func, settings, &abis, &order, loops, lowered)
        };
        let mut done_with = abis.heap_bytes + order.heap_bytes();
        if settings.optimizes() && order.is_cyclic() {
            let loops = find_loops(func, heap)?;
            done_with += loops.heap_bytes();
            lower_with(Some(&loops), lowered)?;
        } else {
            lower_with(None, lowered)?;
        }
        lowered.builder.heap().give_back(done_with);
        Ok(())
    }

    /// Completes the code of a function.
    // Of its own, so that what it has on the stack is gone when registers are allocated.
    #[inline(never)]
    fn build_vcode(&self, lowered: &mut Lowered<MInst>) -> Result<(), CompileError> {
        let Lowered { builder, vregs } = lowered;
        builder.complete(core::mem::take(vregs))?;
        let used =
            self.allocators.heap_bytes() + builder.vcode_bytes() + builder.heap().boxed_bytes();
        builder.heap().set_used(used);
        Ok(())
    }

    /// As [`allocate_registers`].
    fn allocate_registers(
        &mut self,
        vcode: &VCode<MInst>,
        settings: &Settings,
        heap: &mut Heap,
    ) -> Result<Allocation, CompileError> {
        heap.start(Pass::RegisterAllocation);
        let others = heap.used() - self.allocators.heap_bytes().min(heap.used());
        let allocation = regalloc::run(vcode, settings.regalloc, &mut self.allocators, heap);
        if !self.budget.is_unlimited() || vcode.insts().len() > MAX_INSTS_TO_KEEP_MEMORY {
            self.allocators = Allocators::default();
        }
        let allocation = allocation?;
        heap.set_used(others + self.allocators.heap_bytes() + allocation.heap_bytes());
        Ok(allocation)
    }
}

/// The loops of `func`, which better code is made in.
fn find_loops(func: &Function, heap: &mut Heap) -> Result<LoopAnalysis, HeapError> {
    let mut cfg = ControlFlowGraph::new();
    cfg.compute_in(func, heap)?;
    let mut domtree = DominatorTree::new();
    domtree.compute_in(func, &cfg, heap)?;
    let mut loops = LoopAnalysis::new();
    loops.compute_in(&cfg, &domtree, heap)?;
    heap.give_back(cfg.heap_bytes() + domtree.heap_bytes());
    Ok(loops)
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
    compile_module_within(module, settings, CompileBudget::UNLIMITED)
}

/// As [`compile_module`], where compiling each function, and each routine, keeps to `budget`. The code of those before is not counted.
///
/// # Errors
/// When one of the functions, or a routine that they call, cannot be compiled; see [`compile_function`].
pub fn compile_module_within(
    module: &Module,
    settings: &Settings,
    budget: CompileBudget,
) -> Result<CompiledModule, ModuleCompileError> {
    let new_compiler = || Compiler::with_budget(budget);
    let functions = map_functions(module, new_compiler, |compiler, function, func| {
        let compiled = compiler.compile(func, settings);
        compiled.map_err(|error| ModuleCompileError { function, error })
    });
    let mut compiled = CompiledModule {
        functions: functions.into_iter().collect::<Result<_, _>>()?,
    };
    let mut compiler = new_compiler();
    let added = compiled
        .add_routines_with(&mut |routine| compiler.compile_owned(routine.function(), settings));
    match added {
        Ok(()) => Ok(compiled),
        Err(error) => Err(ModuleCompileError {
            function: compiled.first_caller_of_routines(),
            error,
        }),
    }
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
    ///
    /// # Panics
    /// When there is no memory for them.
    pub fn add_routines(&mut self, settings: &Settings) {
        let mut compiler = Compiler::new();
        let added = self
            .add_routines_with(&mut |routine| compiler.compile_owned(routine.function(), settings));
        added.expect("a target that calls routines can compile them");
    }

    /// As [`Self::add_routines`], with the code that `compile` gives for each routine: for who compiles many modules and keeps
    /// the routines, or has to be told of errors.
    ///
    /// # Errors
    /// Those of `compile`. Some routines may have been added then.
    pub fn add_routines_with<E>(
        &mut self,
        compile: &mut dyn FnMut(Routine) -> Result<CompiledFunction, E>,
    ) -> Result<(), E> {
        let mut added = BTreeSet::new();
        let mut next = 0;
        while let Some(function) = self.functions.get(next) {
            next += 1;
            let called = function.called_routines();
            let called = called.filter(|routine| added.insert(*routine));
            for routine in called.collect::<Vec<_>>() {
                self.functions.push(compile(routine)?);
            }
        }
        Ok(())
    }

    /// The first of the functions that call routines.
    fn first_caller_of_routines(&self) -> FuncId {
        let mut functions = self.functions.iter();
        let first = functions.position(|function| function.called_routines().next().is_some());
        FuncId::new(first.expect("there is a call of each routine"))
    }
}

impl CompiledFunction {
    /// A function whose passes were called one by one: nothing is known of the memory that they took.
    pub fn new(name: ExternalName, code: CompiledCode) -> Self {
        Self {
            name,
            code,
            memory: MemoryUse::default(),
        }
    }

    /// The bytes of the stack that it takes while it runs, without those of the functions that it calls. The arguments that it
    /// receives on the stack are its caller's.
    pub fn frame_size(&self) -> u32 {
        self.code.frame.sp_adjustment()
    }

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
    let compiler = Compiler::new();
    let mut lowered = Lowered::new(Heap::unlimited());
    compiler.lower(func, settings, &mut lowered)?;
    compiler.build_vcode(&mut lowered)?;
    let (vcode, _) = lowered.builder.into_parts();
    Ok(vcode)
}

/// Gives each virtual register of `vcode` its places.
///
/// # Errors
/// When the function is too large for the allocators, or when they refuse the code, which is an error of the compiler.
pub fn allocate_registers(
    vcode: &VCode<MInst>,
    settings: &Settings,
) -> Result<Allocation, CompileError> {
    Compiler::new().allocate_registers(vcode, settings, &mut Heap::unlimited())
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
    let mut heap = Heap::unlimited();
    heap.set_used(vcode.heap_bytes());
    let mut code = CompiledCode::default();
    emit_with(vcode, allocation, settings, &mut heap, &mut code)?;
    Ok(code)
}

fn emit_with(
    vcode: VCode<MInst>,
    allocation: &Allocation,
    settings: &Settings,
    heap: &mut Heap,
    code: &mut CompiledCode,
) -> Result<(), CompileError> {
    let info = EmitInfo::from_settings(settings);
    let relaxable = settings.keeps_relaxable();
    emit_in(vcode, &allocation.output, info, relaxable, heap, code)?;
    code.stats.regalloc = Some(allocation.algorithm);
    Ok(())
}
