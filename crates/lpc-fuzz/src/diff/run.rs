//! Many programs.

use super::check::{Checked, Checker, Finding, plan_of};
use super::configuration::{PROGRAMS_OF_PLAN, Plan};
use super::faults::Fault;
use super::outcome::Outcome;
use super::timing::{Phase, Times};
use crate::program::{TestProgram, generate};
use crate::reduce;
use lpc_riscv32::ExtensionSet;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// With how many plans a program is compiled that is not one of many.
const PLANS_FOR_GIVEN_PROGRAM: u64 = 8;

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the programs depend on.
    pub seed: u64,
    /// The number of the first one.
    pub first: u64,
    /// How many there are. `None` for no end.
    pub count: Option<u64>,
    /// With how many inputs each is run.
    pub inputs: usize,
    /// After what time no further program is started.
    pub time: Option<Duration>,
    /// How many threads work.
    pub threads: usize,
    /// The machines to compile for; those of [`Plan::new`] if there are none.
    pub machines: Vec<ExtensionSet>,
    /// Whether no further program is started once one has failed.
    pub stops_at_first: bool,
    /// A mistake to make on purpose.
    pub fault: Option<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            first: 0,
            count: Some(1000),
            inputs: 4,
            time: None,
            threads: 1,
            machines: Vec::new(),
            stops_at_first: false,
            fault: None,
        }
    }
}

/// A program that went wrong.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// Its number.
    pub index: u64,
    /// The program.
    pub program: TestProgram,
    /// What was wrong, at least one thing.
    pub findings: Vec<Finding>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The number of programs.
    pub programs: u64,
    /// The number of calls of compiled code that were executed.
    pub executions: u64,
    /// The programs that went wrong, in their order.
    pub mismatches: Vec<Mismatch>,
    /// The number of calls that the interpreter answered.
    pub answers: u64,
    /// How many of them were traps.
    pub traps: u64,
    /// How many calls it did not answer, by the reason.
    pub undecided: BTreeMap<String, u64>,
    /// How often a program was refused for a machine without multiplication.
    pub refusals: u64,
    /// The number of different codes that were compiled.
    pub builds: u64,
    /// The bytes of code in them.
    pub code_bytes: u64,
    /// Where the time went.
    pub times: Times,
}

impl Report {
    fn add(&mut self, checked: &Checked) {
        self.programs += 1;
        self.executions += checked.executions;
        self.refusals += checked.refusals;
        self.builds += checked.builds.len() as u64;
        let functions = checked
            .builds
            .iter()
            .flat_map(|build| &build.compiled.functions);
        let bytes = functions.map(|function| u64::from(function.code.buffer.code_size));
        self.code_bytes += bytes.sum::<u64>();
        for expected in &checked.expected {
            match expected {
                Ok(answer) => {
                    self.answers += 1;
                    let is_trap = matches!(answer.observation.outcome, Outcome::Trapped(_));
                    self.traps += u64::from(is_trap);
                }
                Err(reason) => *self.undecided.entry(reason.clone()).or_default() += 1,
            }
        }
    }

    fn add_report(&mut self, other: Self) {
        self.programs += other.programs;
        self.executions += other.executions;
        self.mismatches.extend(other.mismatches);
        self.answers += other.answers;
        self.traps += other.traps;
        for (reason, count) in other.undecided {
            *self.undecided.entry(reason).or_default() += count;
        }
        self.refusals += other.refusals;
        self.builds += other.builds;
        self.code_bytes += other.code_bytes;
        self.times.add(&other.times);
    }
}

/// Runs programs, and shows `progress` what was found since it was last called.
pub fn run(options: &Options, progress: &(dyn Fn(&Report) + Sync)) -> Report {
    let source = Source::new(options);
    let total = Mutex::new(Report::default());
    let work = || {
        let mut checker = Checker::new(options.fault);
        while let Some(indices) = source.next() {
            let report = run_some(options, &source, indices, &mut checker);
            progress(&report);
            total.lock().expect("no worker panics").add_report(report);
        }
        let mut total = total.lock().expect("no worker panics");
        total.times.add(&checker.times());
    };
    thread::scope(|scope| {
        for _ in 1..options.threads {
            scope.spawn(work);
        }
        work();
    });
    let mut report = total.into_inner().expect("no worker panics");
    report.mismatches.sort_by_key(|mismatch| mismatch.index);
    report
}

/// Runs the programs `indices`, whose settings are the same.
fn run_some(
    options: &Options,
    source: &Source<'_>,
    indices: std::ops::Range<u64>,
    checker: &mut Checker,
) -> Report {
    let mut report = Report::default();
    let plan = Plan::new(options.seed, indices.start, &options.machines);
    for index in indices {
        if source.is_over() {
            break;
        }
        let generate = || generate(options.seed, index, options.inputs);
        let program = checker.times.measure(Phase::Generate, generate);
        let checked = checker.check(&program, &plan);
        report.add(&checked);
        if !checked.findings.is_empty() {
            source.has_found.store(true, Ordering::Relaxed);
            report.mismatches.push(Mismatch {
                index,
                program,
                findings: checked.findings,
            });
        }
    }
    report
}

/// Hands out the numbers of programs.
struct Source<'a> {
    options: &'a Options,
    end: u64,
    next: AtomicU64,
    has_found: AtomicBool,
    deadline: Option<Instant>,
}

impl<'a> Source<'a> {
    fn new(options: &'a Options) -> Self {
        let count = options.count.unwrap_or(u64::MAX);
        Self {
            options,
            end: options.first.saturating_add(count),
            next: AtomicU64::new(options.first),
            has_found: AtomicBool::new(false),
            deadline: options.time.map(|time| Instant::now() + time),
        }
    }

    /// Programs that have the same settings.
    fn next(&self) -> Option<std::ops::Range<u64>> {
        let behind = |start: u64| {
            let of_plan = PROGRAMS_OF_PLAN - start % PROGRAMS_OF_PLAN;
            start.saturating_add(of_plan).min(self.end)
        };
        let advance = |start| (start < self.end).then(|| behind(start));
        let start = self
            .next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, advance)
            .ok()?;
        (!self.is_over()).then(|| start..behind(start))
    }

    /// Whether no further program is to be started.
    fn is_over(&self) -> bool {
        let is_late = self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline);
        is_late || self.options.stops_at_first && self.has_found.load(Ordering::Relaxed)
    }
}

/// Runs given programs with the settings of `options`, each with those of several plans.
pub fn run_programs(programs: &[TestProgram], options: &Options) -> Report {
    let mut report = Report::default();
    let mut checker = Checker::new(options.fault);
    for (index, program) in (0..).zip(programs) {
        let mut findings = Vec::new();
        for number in 0..PLANS_FOR_GIVEN_PROGRAM {
            let plan = Plan::new(options.seed, number * PROGRAMS_OF_PLAN, &options.machines);
            let checked = checker.check(program, &plan);
            match number {
                0 => report.add(&checked),
                _ => report.executions += checked.executions,
            }
            findings.extend(checked.findings);
        }
        if !findings.is_empty() {
            report.mismatches.push(Mismatch {
                index,
                program: program.clone(),
                findings,
            });
        }
        if options.stops_at_first && !report.mismatches.is_empty() {
            break;
        }
    }
    report.times = checker.times();
    report
}

/// A program made small.
#[derive(Clone, Debug)]
pub struct Reduced {
    /// The program.
    pub program: TestProgram,
    /// What is still wrong with it.
    pub finding: Finding,
    /// What its first input must give.
    pub expected: Outcome,
}

/// The smallest program made of that of `mismatch` with which the first thing that was wrong still is.
pub fn reduce(mismatch: &Mismatch, options: &Options) -> Reduced {
    let finding = &mismatch.findings[0];
    let plan = plan_of(&finding.settings);
    let mut checker = Checker::new(options.fault);
    let mut check = |program: &TestProgram| {
        let checked = checker.check(program, &plan);
        let mut findings = checked.findings.into_iter();
        let found = findings.find(|found| found.is_like(finding))?;
        let expected = checked.expected.into_iter();
        let mut expected = expected.map(|answer| Some(answer.ok()?.observation.outcome));
        Some((found, expected.next()??))
    };
    let program = reduce::reduce(&mismatch.program, &mut |program| check(program).is_some());
    let (finding, expected) = check(&program).unwrap_or_else(|| {
        // The first input has no answer.
        (finding.clone(), Outcome::Failed("nothing".to_owned()))
    });
    Reduced {
        program,
        finding,
        expected,
    }
}
