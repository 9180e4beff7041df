//! A batch of cases: written down, compiled, linked, run and compared.
//!
//! ```text
//!   cases ─┬─► functions.c ─── gcc, clang ──► functions-C.o ───┐
//!          ├─► functions.clif ──── lpc ─────► functions-L.o ───┼─ ld, ld.lld ─► program-N ─► QEMU, emulator ─► differences
//!          └─► tables.S ────────── as ──────► tables.o ────────┘
//! ```

use super::c_text::c_text;
use super::case::Case;
use super::configuration::{Engine, Plan, ProgramPlan};
use super::engine::{self, Run};
use super::faults::Fault;
use super::guest_text::{LINKER_SCRIPT, RUNTIME, START, guest_text};
use super::lpir_text::lpir_text;
use super::model::{Expectation, expectation};
use super::{lpc_object, toolchain};
use crate::error::Error;
use lpc_lpir::ir::Module;
use std::fs;
use std::path::{Path, PathBuf};

/// What runs each program.
pub const ENGINES: [Engine; 2] = [Engine::Qemu, Engine::Emulator];

/// A case that went wrong in a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// The number of the case.
    pub case: u64,
    /// The program.
    pub program: ProgramPlan,
    /// What ran it.
    pub engine: Engine,
    /// What was wrong.
    pub messages: Vec<String>,
}

/// What came of a batch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BatchReport {
    /// The number of calls between functions, in all programs.
    pub calls: u64,
    /// What went wrong.
    pub mismatches: Vec<Mismatch>,
    /// The programs on which a C compiler crashed, and what it said. They were not run.
    pub crashes: Vec<String>,
}

/// The files of a batch, in a folder of its own.
struct Build<'a> {
    folder: &'a Path,
    module: Module,
}

/// Builds and runs the programs of `plan` with `cases` in `folder`.
///
/// # Errors
/// When a program cannot be built, unless because its C compiler crashes.
pub fn run(
    cases: &[Case],
    plan: &Plan,
    engines: &[Engine],
    fault: Option<Fault>,
    folder: &Path,
) -> Result<BatchReport, Error> {
    let expectations: Vec<Expectation> = cases.iter().map(expectation).collect();
    let build = Build::new(cases, &expectations, fault, folder)?;
    let calls: u64 = expectations
        .iter()
        .map(|expectation| expectation.calls)
        .sum();
    let mut report = BatchReport::default();
    for (index, program) in plan.programs.iter().enumerate() {
        let file = match build.program(index, program) {
            Err(error @ Error::CompilerCrash { .. }) => {
                report.crashes.push(error.to_string());
                continue;
            }
            result => result?,
        };
        for engine in engines {
            let run = engine::run(*engine, &file, program.extensions())?;
            let differences = differences(cases, &expectations, &run);
            report.calls += calls;
            report
                .mismatches
                .extend(differences.into_iter().map(|(case, messages)| Mismatch {
                    case,
                    program: program.clone(),
                    engine: *engine,
                    messages,
                }));
        }
    }
    Ok(report)
}

impl<'a> Build<'a> {
    fn new(
        cases: &[Case],
        expectations: &[Expectation],
        fault: Option<Fault>,
        folder: &'a Path,
    ) -> Result<Self, Error> {
        let lpir = lpir_text(cases);
        for (name, text) in [
            ("functions.c", c_text(cases, fault).as_str()),
            ("functions.clif", &lpir),
            ("tables.S", &guest_text(cases, expectations)),
            ("start.S", START),
            ("runtime.c", RUNTIME),
            ("guest.ld", LINKER_SCRIPT),
        ] {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|error| Error::File(path, error))?;
        }
        Ok(Self {
            folder,
            module: lpc_object::read(&lpir)?,
        })
    }

    /// Builds a program. Objects that an earlier one had as well are there already.
    fn program(&self, index: usize, plan: &ProgramPlan) -> Result<PathBuf, Error> {
        let march = plan.march;
        let source = |name: &str| self.folder.join(name);
        let c = format!(
            "{}{}{}",
            plan.c.compiler,
            plan.c.optimization,
            u8::from(plan.c.has_frame_pointers)
        );
        let functions = self.object(&format!("functions-{march}-{c}.o"), |object| {
            toolchain::compile_c(&plan.c, march, &source("functions.c"), object)
        })?;
        let runtime = self.object(&format!("runtime-{march}-{c}.o"), |object| {
            toolchain::compile_c(&plan.c, march, &source("runtime.c"), object)
        })?;
        let start = self.object(&format!("start-{march}.o"), |object| {
            toolchain::assemble(march, &source("start.S"), object)
        })?;
        let tables = self.object(&format!("tables-{march}.o"), |object| {
            toolchain::assemble(march, &source("tables.S"), object)
        })?;
        let lpir = format!(
            "{:?}-{:?}-{}",
            plan.lpir.regalloc,
            plan.lpir.opt_level,
            u8::from(plan.lpir.has_frame_pointers)
        );
        let lpir = self.object(&format!("functions-{march}-{lpir}.o"), |object| {
            lpc_object::write(&self.module, &plan.settings(), object)
        })?;
        let program = self.folder.join(format!("program-{index}"));
        let objects = [&start, &runtime, &tables, &functions, &lpir].map(PathBuf::as_path);
        toolchain::link(plan.linker, &source("guest.ld"), &objects, &program)?;
        Ok(program)
    }

    fn object(
        &self,
        name: &str,
        make: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        let path = self.folder.join(name);
        if !path.exists() {
            make(&path)?;
        }
        Ok(path)
    }
}

/// The cases that went wrong in a run, and how; see `guest/runtime.c`.
fn differences(cases: &[Case], expectations: &[Expectation], run: &Run) -> Vec<(u64, Vec<String>)> {
    let mut found: Vec<(u64, Vec<String>)> = Vec::new();
    let mut current = None;
    let mut is_done = false;
    let mut add = |number: u64, message: String| match found.last_mut() {
        Some((last, messages)) if *last == number => messages.push(message),
        _ => found.push((number, vec![message])),
    };
    for line in run.output.lines() {
        let mut words = line.split(' ');
        let keyword = words.next().unwrap_or_default();
        let numbers: Vec<u32> = words
            .filter_map(|word| u32::from_str_radix(word, 16).ok())
            .collect();
        let case: Option<(&Case, &Expectation)> = current;
        match (keyword, numbers.as_slice(), case) {
            ("case", [index], _) => {
                let index = *index as usize;
                current = cases.get(index).zip(expectations.get(index));
            }
            ("done", [], _) => is_done = true,
            ("word", [index, expected, found], Some((case, expectation))) => {
                let place = expectation.describe(case, *index as usize);
                add(
                    case.number,
                    format!("{place}: expected {expected:#010x}, found {found:#010x}"),
                );
            }
            ("words", [expected, found], Some((case, _))) => {
                add(
                    case.number,
                    format!("expected a trace of {expected} words, found {found}"),
                );
            }
            ("registers", [function, mask], Some((case, _))) => {
                add(
                    case.number,
                    format!("f{function}: {}", describe_registers(*mask)),
                );
            }
            _ => {
                let number = case.map_or(0, |(case, _)| case.number);
                add(number, format!("the program wrote `{line}`"));
            }
        }
    }
    if !is_done || run.failure.is_some() {
        let number = current.map_or(0, |(case, _)| case.number);
        let reason = run.failure.as_deref().unwrap_or("it ended too early");
        add(
            number,
            format!("the program failed, and cases after this one did not run: {reason}"),
        );
    }
    found
}

/// What the bits of `violation_mask` in `guest/start.S` mean.
fn describe_registers(mask: u32) -> String {
    if mask >> 15 & 1 == 1 {
        return "the stack pointer is not a multiple of 16 at entry".to_owned();
    }
    let names = (0..12).map(|number| format!("s{number}"));
    let names = names
        .chain(["sp", "gp", "tp"].map(str::to_owned))
        .enumerate();
    let changed: Vec<_> = names
        .filter(|(bit, _)| mask >> bit & 1 == 1)
        .map(|(_, name)| name)
        .collect();
    format!("not preserved: {}", changed.join(", "))
}
