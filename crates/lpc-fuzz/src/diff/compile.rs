//! Compiling a program with many settings, doing once what they share.
//!
//! Each pass is run once for all settings that give it the same input. So no code is taken for equal that might not be: what a
//! setting has an effect on is not written down here, but comes out.
//!
//! ```text
//!  settings ──► lower ──► VCode ──────► allocate ────────► emit ───────────► code
//!               each      equal ones     each VCode and      each VCode, allocator,   equal ones
//!               setting   are one        each allocator      EmitInfo and relaxation  are one
//! ```
//!
//! Every register allocation is checked by regalloc2's checker.

use super::attempt::catch_panic;
use super::configuration::Plan;
use super::faults::Fault;
use super::timing::{Phase, Times};
use lpc_codegen::backend::regalloc::{self, Allocation};
use lpc_codegen::backend::vcode::VCode;
use lpc_codegen::isa::riscv32::emit::EmitInfo;
use lpc_codegen::isa::riscv32::inst::MInst;
use lpc_codegen::runtime::Routine;
use lpc_codegen::{
    CompileError, CompiledFunction, CompiledModule, RegallocAlgorithm, Settings,
    UnsupportedFeature, emit_function, lower_function,
};
use lpc_lpir::ir::{Function, Module};
use lpc_riscv32::Extension;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Code for a program.
#[derive(Clone, Debug)]
pub struct Build {
    /// The first settings that gave this code.
    pub settings: Settings,
    /// The functions of the program, and routines that they call.
    pub compiled: CompiledModule,
}

/// What came of compiling a program with all settings.
#[derive(Clone, Debug, Default)]
pub struct Compilation {
    /// The different codes.
    pub builds: Vec<Build>,
    /// The settings with which the compiler failed, and how.
    pub failures: Vec<(Settings, String)>,
    /// With how many settings the compiler said that it cannot compile this for a machine that lacks multiplication.
    pub refusals: u64,
}

/// Compiles programs.
#[derive(Debug, Default)]
pub struct Compiler {
    /// The plan that `routines` were compiled for.
    plan: Option<Plan>,
    /// The routines of the runtime that were needed.
    routines: BTreeMap<Routine, Versions>,
    /// A mistake to make on purpose.
    pub fault: Option<Fault>,
    /// How long that took.
    pub times: Times,
}

impl Compiler {
    /// Compiles `module` with all settings of `plan`.
    pub fn compile(&mut self, module: &Module, plan: &Plan) -> Compilation {
        if self.plan.as_ref() != Some(plan) {
            self.plan = Some(plan.clone());
            self.routines.clear();
        }
        let mut compilation = Compilation::default();
        let mut parts: Vec<Vec<Rc<CompiledFunction>>> = Vec::new();
        let mut functions: Vec<Versions> =
            module.functions().map(|_| Versions::default()).collect();
        for settings in &plan.settings {
            let compiled = catch_panic(|| self.compile_with(module, &mut functions, settings));
            let compiled = compiled.map_err(NoCode::Failed);
            let compiled = match compiled.and_then(|compiled| compiled) {
                Ok(compiled) => compiled,
                Err(NoCode::Refused) => {
                    compilation.refusals += 1;
                    continue;
                }
                Err(NoCode::Failed(what)) => {
                    compilation.failures.push((settings.clone(), what));
                    continue;
                }
            };
            // Equal code does the same on a machine that can do more.
            let is_known = parts.iter().zip(&compilation.builds).any(|(parts, build)| {
                settings.extensions.contains_all(build.settings.extensions)
                    && is_same_code(parts, &compiled)
            });
            if !is_known {
                compilation.builds.push(Build {
                    settings: settings.clone(),
                    compiled: CompiledModule {
                        functions: compiled.iter().map(|part| (**part).clone()).collect(),
                    },
                });
                parts.push(compiled);
            }
        }
        compilation
    }

    /// The functions of `module` and the routines that they call.
    fn compile_with(
        &mut self,
        module: &Module,
        versions: &mut [Versions],
        settings: &Settings,
    ) -> Result<Vec<Rc<CompiledFunction>>, NoCode> {
        let mut work = Work {
            settings,
            fault: self.fault,
            times: &mut self.times,
        };
        let mut compiled = Vec::new();
        for ((_, func), versions) in module.functions().zip(versions) {
            compiled.push(versions.compile(func, &mut work)?);
        }
        work.fault = None;
        let mut next = 0;
        let mut added: Vec<Routine> = Vec::new();
        while let Some(function) = compiled.get(next).cloned() {
            next += 1;
            for routine in function.called_routines() {
                if !added.contains(&routine) {
                    added.push(routine);
                    let versions = self.routines.entry(routine).or_default();
                    compiled.push(versions.compile_routine(routine, &mut work)?);
                }
            }
        }
        Ok(compiled)
    }
}

fn is_same_code(these: &[Rc<CompiledFunction>], others: &[Rc<CompiledFunction>]) -> bool {
    let mut pairs = these.iter().zip(others);
    these.len() == others.len() && pairs.all(|(this, other)| Rc::ptr_eq(this, other))
}

/// Why a program could not be compiled.
enum NoCode {
    /// Because the machine lacks multiplication.
    Refused,
    /// Because the compiler is wrong: what it says.
    Failed(String),
}

/// What the compilation of one function needs beside it.
struct Work<'a> {
    settings: &'a Settings,
    fault: Option<Fault>,
    times: &'a mut Times,
}

/// What became of one function so far, with all settings.
#[derive(Debug, Default)]
struct Versions {
    /// The position in `codes` that each lowering gave.
    lowered: Vec<(Settings, usize)>,
    /// The different results of lowering.
    codes: Vec<Code>,
    /// The results of emission, the same one where they are equal.
    emitted: Vec<(EmitKey, Rc<CompiledFunction>)>,
    /// The function itself, for routines.
    routine: Option<Box<Function>>,
}

/// Virtual-register code and its allocations.
#[derive(Debug)]
struct Code {
    vcode: VCode<MInst>,
    allocations: Vec<(RegallocAlgorithm, Allocation)>,
}

/// All that emission is given.
#[derive(Clone, PartialEq, Eq, Debug)]
struct EmitKey {
    /// A position in [`Versions::codes`].
    code: usize,
    algorithm: RegallocAlgorithm,
    info: EmitInfo,
    linker_relaxation: bool,
}

impl Versions {
    fn compile_routine(
        &mut self,
        routine: Routine,
        work: &mut Work<'_>,
    ) -> Result<Rc<CompiledFunction>, NoCode> {
        let function = self.routine.take();
        let function = function.unwrap_or_else(|| Box::new(routine.function()));
        let compiled = self.compile(&function, work);
        self.routine = Some(function);
        compiled
    }

    fn compile(
        &mut self,
        func: &Function,
        work: &mut Work<'_>,
    ) -> Result<Rc<CompiledFunction>, NoCode> {
        let settings = work.settings;
        let describe = |error: CompileError| match error {
            CompileError::Unsupported { what, .. } if needs_multiplication(what, settings) => {
                NoCode::Refused
            }
            error => NoCode::Failed(format!("{}: {}", func.name, error.display(func))),
        };
        let code = work
            .times
            .measure(Phase::Lower, || self.lower(func, settings));
        let code = code.map_err(describe)?;
        let algorithm = settings.regalloc;
        if work.fault == Some(Fault::Panic) && func.signature.params.len() > 2 {
            assert_ne!(algorithm, Fault::ALLOCATOR, "a mistake on purpose");
        }
        let allocate = || self.codes[code].allocate(algorithm);
        work.times
            .measure(Phase::Allocate, allocate)
            .map_err(describe)?;
        work.times.measure(Phase::Emit, || {
            self.emit(func, code, work.settings, work.fault)
        })
    }

    /// The position of the virtual-register code of `func`.
    fn lower(&mut self, func: &Function, settings: &Settings) -> Result<usize, CompileError> {
        let settings = Settings {
            // Lowering does not depend on it.
            regalloc: RegallocAlgorithm::Ion,
            ..settings.clone()
        };
        let known = self.lowered.iter().find(|(known, _)| *known == settings);
        if let Some((_, position)) = known {
            return Ok(*position);
        }
        let vcode = lower_for_one_hart(func, &settings)?;
        let known = self.codes.iter().position(|code| code.vcode == vcode);
        let position = known.unwrap_or_else(|| {
            self.codes.push(Code {
                vcode,
                allocations: Vec::new(),
            });
            self.codes.len() - 1
        });
        self.lowered.push((settings, position));
        Ok(position)
    }

    fn emit(
        &mut self,
        func: &Function,
        code: usize,
        settings: &Settings,
        fault: Option<Fault>,
    ) -> Result<Rc<CompiledFunction>, NoCode> {
        let key = EmitKey {
            code,
            algorithm: settings.regalloc,
            info: EmitInfo::from_settings(settings),
            linker_relaxation: settings.linker_relaxation,
        };
        if let Some((_, known)) = self.emitted.iter().find(|(known, _)| *known == key) {
            return Ok(known.clone());
        }
        let code = &self.codes[code];
        let allocation = code.allocation(key.algorithm);
        let allocation = allocation.expect("registers are allocated before code is emitted");
        let code = emit_function(code.vcode.clone(), allocation, settings);
        let failed =
            |error: CompileError| NoCode::Failed(format!("{}: {}", func.name, error.display(func)));
        let mut compiled = CompiledFunction::new(func.name.clone(), code.map_err(failed)?);
        if fault == Some(Fault::WrongInstruction) && key.algorithm == Fault::ALLOCATOR {
            Fault::change_subtraction(&mut compiled, &key.info);
        }
        let mut known = self.emitted.iter().map(|(_, known)| known);
        let known = known.find(|known| known.code.buffer == compiled.code.buffer);
        let compiled = known.cloned().unwrap_or_else(|| Rc::new(compiled));
        self.emitted.push((key, compiled.clone()));
        Ok(compiled)
    }
}

impl Code {
    fn allocation(&self, algorithm: RegallocAlgorithm) -> Option<&Allocation> {
        let mut allocations = self.allocations.iter();
        let found = allocations.find(|(known, _)| *known == algorithm);
        found.map(|(_, allocation)| allocation)
    }

    fn allocate(&mut self, algorithm: RegallocAlgorithm) -> Result<(), CompileError> {
        if self.allocation(algorithm).is_none() {
            let allocation = regalloc::run_validated(&self.vcode, algorithm)
                .map_err(CompileError::RegisterAllocation)?;
            self.allocations.push((algorithm, allocation));
        }
        Ok(())
    }
}

/// Lowers `func` for the emulated machine. That has one hart, so that what is impossible where there are more is lowered with
/// this setting.
fn lower_for_one_hart(func: &Function, settings: &Settings) -> Result<VCode<MInst>, CompileError> {
    lower_function(func, settings).or_else(|error| match error {
        CompileError::Unsupported { .. } if !settings.single_hart => {
            let settings = Settings {
                single_hart: true,
                ..settings.clone()
            };
            lower_function(func, &settings)
        }
        _ => Err(error),
    })
}

/// Whether `what` is refused because the machine of `settings` cannot multiply or divide.
fn needs_multiplication(what: UnsupportedFeature, settings: &Settings) -> bool {
    let has = |extension| settings.extensions.contains(extension);
    match what {
        UnsupportedFeature::Multiplication => !has(Extension::Zmmul),
        UnsupportedFeature::Division => !has(Extension::M),
        _ => false,
    }
}
