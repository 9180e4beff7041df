//! Compiling a source file step by step, with the time that each step takes.

use crate::HEAP;
use crate::diagnostics::Diagnostic;
use crate::failure::Failure;
use crate::source::SourceModule;
use lpc_codegen::backend::emit::CodegenStats;
use lpc_codegen::backend::pressure::register_pressure;
use lpc_codegen::backend::reg::RegClass;
use lpc_codegen::backend::vcode_text::print_allocated_vcode;
use lpc_codegen::runtime::Routine;
use lpc_codegen::{
    CompileError, CompiledFunction, CompiledModule, Settings, allocate_registers, emit_function,
    lower_function, map_functions,
};
use lpc_lpir::ir::{AnyEntity, FuncId, Function};
use lpc_lpir::text::Location;
use peakmem_alloc::PeakMemAllocTrait;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

/// A compiled module, and what compiling it took.
pub(crate) struct Compilation {
    pub(crate) compiled: CompiledModule,
    /// The sum over all functions.
    pub(crate) times: PassTimes,
    /// The most bytes that compiling allocated at a time, the result included.
    pub(crate) peak_heap: usize,
}

/// The time that each pass of the compiler took, over all threads.
#[derive(Clone, Copy, Default)]
pub(crate) struct PassTimes {
    pub(crate) lower: Duration,
    pub(crate) allocate: Duration,
    pub(crate) emit: Duration,
    /// All passes over the routines of the runtime that the program needs.
    pub(crate) routines: Duration,
}

impl AddAssign for PassTimes {
    fn add_assign(&mut self, other: Self) {
        self.lower += other.lower;
        self.allocate += other.allocate;
        self.emit += other.emit;
        self.routines += other.routines;
    }
}

impl Compilation {
    /// Compiles all functions of `source`.
    ///
    /// # Errors
    /// One error for each function that cannot be compiled.
    pub(crate) fn new(source: &SourceModule, settings: &Settings) -> Result<Self, Failure> {
        HEAP.reset_peak_memory();
        let mut times = PassTimes::default();
        let mut compiled = CompiledModule::default();
        let mut errors = Vec::new();
        let functions = map_functions(
            &source.module,
            || (),
            |(), id, func| {
                let mut times = PassTimes::default();
                (id, compile_function(func, settings, &mut times), times)
            },
        );
        for (id, function, function_times) in functions {
            times += function_times;
            match function {
                Ok(function) => compiled.functions.push(function),
                Err(error) => errors.push(compile_diagnostic(source, id, &error)),
            }
        }
        if !errors.is_empty() {
            return Err(source.failure(errors));
        }
        timed(&mut times.routines, || {
            compiled.add_routines(settings);
        });
        Ok(Self {
            compiled,
            times,
            peak_heap: HEAP.get_peak_memory(),
        })
    }

    /// The figures of all functions added up.
    pub(crate) fn stats(&self) -> CodegenStats {
        let mut sum = CodegenStats::default();
        for function in &self.compiled.functions {
            let stats = &function.code.stats;
            sum.vcode_blocks += stats.vcode_blocks;
            sum.vcode_insts += stats.vcode_insts;
            sum.vregs += stats.vregs;
            sum.moves += stats.moves;
            sum.spills += stats.spills;
            sum.reloads += stats.reloads;
            sum.spillslots += stats.spillslots;
        }
        sum
    }

    /// The bytes of code and data of all functions.
    pub(crate) fn code_bytes(&self) -> usize {
        let functions = self.compiled.functions.iter();
        functions
            .map(|function| function.code.buffer.bytes.len())
            .sum()
    }

    /// For each function, the most values in integer registers that are needed at once. The functions are lowered once more for
    /// that: their virtual-register code is not kept.
    pub(crate) fn register_pressures(
        &self,
        source: &SourceModule,
        settings: &Settings,
    ) -> Vec<u32> {
        let pressure = |func: &Function| {
            let vcode = lower_function(func, settings);
            let vcode = vcode.expect("functions that were compiled can be lowered");
            register_pressure(&vcode, RegClass::Int)
        };
        let functions = self.compiled.functions.iter();
        functions
            .map(|function| match source.module.find(&function.name) {
                Some(id) => pressure(source.module.function(id)),
                None => {
                    let routine = Routine::from_name(&function.name);
                    pressure(&routine.expect("all others are routines").function())
                }
            })
            .collect()
    }
}

/// The functions of `source` as virtual-register code, with the registers that were allocated beside the virtual ones.
///
/// # Errors
/// One error for each function that cannot be compiled.
pub(crate) fn allocated_vcode(
    source: &SourceModule,
    settings: &Settings,
) -> Result<String, Failure> {
    let mut texts = Vec::new();
    let mut errors = Vec::new();
    for (id, func) in source.module.functions() {
        let vcode = lower_function(func, settings);
        let text = vcode.and_then(|vcode| {
            let allocation = allocate_registers(&vcode, settings)?;
            Ok(print_allocated_vcode(
                &func.name,
                &vcode,
                &allocation.output,
            ))
        });
        match text {
            Ok(text) => texts.push(text),
            Err(error) => errors.push(compile_diagnostic(source, id, &error)),
        }
    }
    if errors.is_empty() {
        Ok(texts.join("\n"))
    } else {
        Err(source.failure(errors))
    }
}

/// The passes of [`lpc_codegen::compile_function`], timed.
fn compile_function(
    func: &Function,
    settings: &Settings,
    times: &mut PassTimes,
) -> Result<CompiledFunction, CompileError> {
    let vcode = timed(&mut times.lower, || lower_function(func, settings))?;
    let allocation = timed(&mut times.allocate, || allocate_registers(&vcode, settings))?;
    let code = timed(&mut times.emit, || {
        emit_function(vcode, &allocation, settings)
    })?;
    Ok(CompiledFunction::new(func.name.clone(), code))
}

/// Does `work`, and adds the time that it takes to `time`.
pub(crate) fn timed<T>(time: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    *time += start.elapsed();
    result
}

/// `error`, shown at the instruction to blame.
fn compile_diagnostic(source: &SourceModule, id: FuncId, error: &CompileError) -> Diagnostic {
    let entity = error.inst().map_or(AnyEntity::Function, AnyEntity::Inst);
    let location = source.location(id, entity).unwrap_or(Location::START);
    source.diagnostic(location, error.to_string())
}
