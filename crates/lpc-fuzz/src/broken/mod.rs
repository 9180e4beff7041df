//! Broken programs: whatever the verifier accepts, the rest of lpc must be able to deal with.
//!
//! ```text
//!                                                          ┌─► rejected    ─► was there a reason?
//!  program ─► one to three breaks ─► reader ─► verifier ───┤
//!             (breaks.rs and the files it names)           └─► accepted    ─► interpreter, compiler, emulator
//!                                                                             (judge.rs)
//! ```
//!
//! A *break* changes a module at random, through the API of its data structures or in its text. Most make it invalid. The verifier
//! must not panic over any; what it accepts must compile with every optimization level and register allocator, or be refused with a
//! typed error, and do what the interpreter does, where that is [defined](crate::defined). And what is certainly wrong, by a judgement that
//! shares nothing with the verifier (`certain`), it must not accept.

pub mod breaks;
mod calls;
mod certain;
mod control;
mod declarations;
mod judge;
mod opcodes;
mod operands;
mod pick;
mod routines;
mod text;
mod types;

pub use judge::{Failure, Stage, Verdict, judge};

use crate::diff::attempt::catch_panic;
use crate::diff::configuration::MACHINES;
use crate::program::TestProgram;
use crate::reduce::reduce;
use breaks::{KINDS, Kind, Outcome};
use fastrand::Rng;
use lpc_codegen::Settings;
use lpc_lpir::ir::Module;
use lpc_riscv32::Extension;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// How many variants are made of a program.
pub const VARIANTS_OF_PROGRAM: u64 = 40;

/// The most breaks of a variant.
const MOST_BREAKS: usize = 3;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the variants depend on.
    pub seed: u64,
    /// The number of the first variant.
    pub first: u64,
    /// How many there are.
    pub count: u64,
    /// How many threads work.
    pub threads: usize,
}

/// What was done and found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The broken programs.
    pub variants: u64,
    /// Those that the reader or the verifier refused.
    pub rejected: u64,
    /// Those that were compiled.
    pub compiled: u64,
    /// Those that the compiler refused with an error.
    pub refused: u64,
    /// Those that were executed too, as what they do is defined.
    pub executed: u64,
    /// How often each kind of break was made, and in how many variants with it something was accepted.
    pub kinds: Vec<KindCount>,
    /// What went wrong.
    pub failures: Vec<Found>,
}

/// How often a kind of break was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KindCount {
    /// In how many variants.
    pub made: u64,
    /// In how many of them the verifier accepted the result.
    pub accepted: u64,
}

/// A variant with which something went wrong.
#[derive(Clone, Debug)]
pub struct Found {
    /// The number of the variant.
    pub index: u64,
    /// The names of its breaks.
    pub breaks: Vec<&'static str>,
    /// What went wrong.
    pub failure: Failure,
    /// The program.
    pub program: TestProgram,
    /// What it is compiled with, apart from the level and the allocator.
    pub settings: Settings,
}

impl Found {
    /// A smaller program with which something goes wrong at the same stage, where the verifier accepts the program.
    pub fn reduced(self) -> Self {
        let stage = self.failure.stage;
        if stage == Stage::Verifier {
            return self;
        }
        let mut still_fails = |program: &TestProgram| {
            judge(program, &self.settings).is_err_and(|failure| failure.stage == stage)
        };
        let program = reduce(&self.program, &mut still_fails);
        match judge(&program, &self.settings) {
            Err(failure) => Self {
                failure,
                program,
                ..self
            },
            Ok(_) => self,
        }
    }

    /// The program as text, if it is sound enough to be printed.
    pub fn text(&self) -> String {
        let printed = catch_panic(|| self.program.module.to_string());
        printed.unwrap_or_else(|message| format!("cannot be printed: {message}"))
    }
}

/// Makes and judges variants of the programs that `program` gives by number.
pub fn run(
    options: &Options,
    program: &(dyn Fn(u64) -> TestProgram + Sync),
    progress: &(dyn Fn(u64) + Sync),
) -> Report {
    let next = AtomicU64::new(options.first);
    let end = options.first.saturating_add(options.count);
    let total = Mutex::new(Report::default());
    let work = || {
        let mut report = Report::default();
        loop {
            let following =
                |start: u64| (start < end).then(|| start.saturating_add(VARIANTS_OF_PROGRAM));
            let start = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, following);
            let Ok(start) = start else {
                break;
            };
            let indices = start..end.min(start.saturating_add(VARIANTS_OF_PROGRAM));
            let original = program(start / VARIANTS_OF_PROGRAM);
            progress(indices.end - indices.start);
            for index in indices {
                report.add_variant(&original, options.seed, index);
            }
        }
        total.lock().expect("no worker panics").add(report);
    };
    thread::scope(|scope| {
        for _ in 1..options.threads {
            scope.spawn(work);
        }
        work();
    });
    let mut report = total.into_inner().expect("no worker panics");
    report.failures.sort_by_key(|found| found.index);
    report
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} variants, {} rejected, {} compiled, {} refused with an error, {} failures",
            self.variants,
            self.rejected,
            self.compiled,
            self.refused,
            self.failures.len()
        )
    }
}

impl Report {
    /// Makes the variant `index` of `original`, and judges it.
    fn add_variant(&mut self, original: &TestProgram, seed: u64, index: u64) {
        let mut random = Rng::with_seed(seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let Variant { program, breaks } = Variant::new(original, &mut random);
        self.variants += 1;
        self.kinds.resize(KINDS.len(), KindCount::default());
        let settings = settings_of(index);
        let verdict = match &program {
            Some(program) => judge(program, &settings),
            None => Ok(Verdict::Rejected),
        };
        for &kind in &breaks {
            self.kinds[kind].made += 1;
            self.kinds[kind].accepted += u64::from(!matches!(verdict, Ok(Verdict::Rejected)));
        }
        match (verdict, program) {
            (Ok(Verdict::Rejected), _) | (_, None) => self.rejected += 1,
            (Ok(Verdict::Refused), _) => self.refused += 1,
            (Ok(Verdict::Compiled { is_executed }), _) => {
                self.compiled += 1;
                self.executed += u64::from(is_executed);
            }
            (Err(failure), Some(program)) => {
                self.failures.push(Found {
                    index,
                    breaks: breaks.iter().map(|&kind| KINDS[kind].name).collect(),
                    failure,
                    program,
                    settings,
                });
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.variants += other.variants;
        self.rejected += other.rejected;
        self.compiled += other.compiled;
        self.refused += other.refused;
        self.executed += other.executed;
        self.kinds.resize(KINDS.len(), KindCount::default());
        for (count, other) in self.kinds.iter_mut().zip(other.kinds) {
            count.made += other.made;
            count.accepted += other.accepted;
        }
        self.failures.extend(other.failures);
    }
}

/// What the variant `index` is compiled with: for one machine after the other. Those without atomic instructions have one hart.
fn settings_of(index: u64) -> Settings {
    let extensions = MACHINES[(index % MACHINES.len() as u64) as usize];
    Settings {
        extensions,
        single_hart: !extensions.contains(Extension::A),
        ..Settings::default()
    }
}

/// A broken program.
struct Variant {
    /// `None` if a text could not be read any more.
    program: Option<TestProgram>,
    /// Which kinds of [`KINDS`] it was broken by.
    breaks: Vec<usize>,
}

impl Variant {
    fn new(original: &TestProgram, random: &mut Rng) -> Self {
        let mut module = original.module.clone();
        let mut breaks = Vec::new();
        let wanted = random.usize(1..=MOST_BREAKS);
        // Not every kind finds something to break in every program.
        for _ in 0..100 {
            let kind = random.usize(..KINDS.len());
            match break_module(&KINDS[kind], &mut module, random) {
                Outcome::NothingThere => continue,
                Outcome::Broken => breaks.push(kind),
                Outcome::Refused => {
                    breaks.push(kind);
                    return Self {
                        program: None,
                        breaks,
                    };
                }
            }
            if breaks.len() == wanted {
                break;
            }
        }
        let program = TestProgram {
            module,
            entry: original.entry.clone(),
            inputs: original.inputs.clone(),
        };
        Self {
            program: Some(program),
            breaks,
        }
    }
}

/// Breaks `module`. Breaks need not care what those before them have left: where they panic over it, nothing is changed.
fn break_module(kind: &Kind, module: &mut Module, random: &mut Rng) -> Outcome {
    let mut broken = module.clone();
    let outcome = catch_panic(|| (kind.apply)(&mut broken, random));
    match outcome {
        Ok(outcome) => {
            *module = broken;
            outcome
        }
        Err(_) => Outcome::NothingThere,
    }
}
