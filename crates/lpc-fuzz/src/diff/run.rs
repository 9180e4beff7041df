//! Many programs.

use super::check::{Checked, Checker, Finding, Stage, compare, plan_of};
use super::configuration::{PROGRAMS_OF_PLAN, Plan};
use super::faults::Fault;
use super::outcome::{Observation, Outcome};
use super::qemu::{Batch, Executed, QemuProgram, Queue, Runner};
use super::timing::{Phase, Times};
use crate::error::Error;
use crate::program::{TestProgram, generate};
use crate::reduce;
use lpc_riscv32::ExtensionSet;
use std::collections::BTreeMap;
use std::ops::Range;
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
    /// Of how many groups of programs with the same settings one is executed in QEMU as well.
    pub qemu_share: u64,
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
            qemu_share: 4,
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
    /// How many of them QEMU executed.
    pub qemu_executions: u64,
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

    /// Adds what QEMU did. The programs themselves are counted already.
    fn add_executed(&mut self, executed: Executed) {
        for (of, observations) in executed {
            self.executions += observations.len() as u64;
            self.qemu_executions += observations.len() as u64;
            let findings = qemu_findings(&of, &observations);
            if !findings.is_empty() {
                self.mismatches.push(Mismatch {
                    index: of.index,
                    program: of.program,
                    findings,
                });
            }
        }
    }

    /// Puts the mismatches in order, one for each program.
    fn sort_mismatches(&mut self) {
        self.mismatches.sort_by_key(|mismatch| mismatch.index);
        self.mismatches.dedup_by(|later, earlier| {
            let is_same = later.index == earlier.index;
            if is_same {
                earlier.findings.append(&mut later.findings);
            }
            is_same
        });
    }

    fn add_report(&mut self, other: Self) {
        self.programs += other.programs;
        self.executions += other.executions;
        self.qemu_executions += other.qemu_executions;
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

/// What was wrong in QEMU.
fn qemu_findings(program: &QemuProgram, observations: &[Observation]) -> Vec<Finding> {
    let differences = compare(&program.program, &program.expected, observations);
    let findings = differences.map(|(input, (kind, what))| Finding {
        stage: Stage::Qemu,
        settings: program.settings.clone(),
        input: Some(input),
        kind,
        what,
    });
    findings.collect()
}

/// Runs programs, some of them in QEMU as well if there is a `runner`, and shows `progress` what was found since it was last
/// called.
///
/// # Errors
/// When QEMU cannot be run.
pub fn run(
    options: &Options,
    runner: Option<&Runner>,
    progress: &(dyn Fn(&Report) + Sync),
) -> Result<Report, Error> {
    let source = Source::new(options);
    let total = Mutex::new((Report::default(), None));
    let work = || {
        let mut worker = Worker {
            options,
            checker: Checker::new(options.fault),
            queue: runner.map(|runner| Queue::new(runner, options.qemu_share)),
        };
        let result = worker.run(&source, &|report| {
            progress(&report);
            let mut total = total.lock().expect("no worker panics");
            total.0.add_report(report);
        });
        let mut total = total.lock().expect("no worker panics");
        total.0.times.add(&worker.checker.times());
        if let Err(error) = result {
            source.has_failed.store(true, Ordering::Relaxed);
            total.1 = Some(error);
        }
    };
    thread::scope(|scope| {
        for _ in 1..options.threads {
            scope.spawn(work);
        }
        work();
    });
    match total.into_inner().expect("no worker panics") {
        (_, Some(error)) => Err(error),
        (mut report, None) => {
            report.sort_mismatches();
            Ok(report)
        }
    }
}

/// One of the threads.
struct Worker<'a> {
    options: &'a Options,
    checker: Checker,
    queue: Option<Queue<'a>>,
}

impl Worker<'_> {
    fn run(&mut self, source: &Source<'_>, show: &dyn Fn(Report)) -> Result<(), Error> {
        while let Some(indices) = source.next() {
            show(self.run_some(source, indices)?);
        }
        let mut report = Report::default();
        if let Some(queue) = &mut self.queue {
            let executed = self.checker.times.measure(Phase::Qemu, || queue.finish());
            report.add_executed(executed?);
        }
        show(report);
        Ok(())
    }

    /// Runs the programs `indices`, whose settings are the same.
    fn run_some(&mut self, source: &Source<'_>, indices: Range<u64>) -> Result<Report, Error> {
        let Self {
            options,
            checker,
            queue,
        } = self;
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
            if let Some(queue) = queue {
                let add = || queue.add(index, &program, &plan, &checked);
                let executed = checker.times.measure(Phase::Qemu, add);
                report.add_executed(executed?);
            }
            if !checked.findings.is_empty() {
                report.mismatches.push(Mismatch {
                    index,
                    program,
                    findings: checked.findings,
                });
            }
            if !report.mismatches.is_empty() {
                source.has_found.store(true, Ordering::Relaxed);
            }
        }
        Ok(report)
    }
}

/// Hands out the numbers of programs.
struct Source<'a> {
    options: &'a Options,
    end: u64,
    next: AtomicU64,
    has_found: AtomicBool,
    /// Whether one of the threads cannot go on.
    has_failed: AtomicBool,
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
            has_failed: AtomicBool::new(false),
            deadline: options.time.map(|time| Instant::now() + time),
        }
    }

    /// Programs that have the same settings.
    fn next(&self) -> Option<Range<u64>> {
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
        let must_end = is_late || self.has_failed.load(Ordering::Relaxed);
        must_end || self.options.stops_at_first && self.has_found.load(Ordering::Relaxed)
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
pub fn reduce(mismatch: &Mismatch, options: &Options, runner: Option<&Runner>) -> Reduced {
    let finding = &mismatch.findings[0];
    let plan = plan_of(&finding.settings);
    let mut checker = Checker::new(options.fault);
    let mut check = |program: &TestProgram| {
        let mut checked = checker.check(program, &plan);
        if let (Stage::Qemu, Some(runner)) = (finding.stage, runner) {
            run_in_qemu(program, &mut checked, runner);
        }
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

/// Executes `program` in QEMU with the code of each build in `checked`, and adds what is wrong there. Nothing is if QEMU cannot be
/// run.
fn run_in_qemu(program: &TestProgram, checked: &mut Checked, runner: &Runner) {
    for build in &checked.builds {
        let mut batch = Batch::default();
        let of = QemuProgram {
            index: 0,
            program: program.clone(),
            settings: build.settings.clone(),
            expected: checked.expected.clone(),
        };
        if batch.add(of, build) != Ok(true) {
            continue;
        }
        let executed = batch.run(runner, build.settings.extensions);
        for (of, observations) in executed.into_iter().flatten() {
            checked.findings.extend(qemu_findings(&of, &observations));
        }
    }
}
