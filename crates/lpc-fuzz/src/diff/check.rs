//! One program: compiled with all settings of a plan, executed, and compared with what the interpreter says.

use super::attempt::place_of_panic;
use super::compile::{Build, Compilation, Compiler};
use super::configuration::{Plan, describe};
use super::emulate::emulate;
use super::faults::Fault;
use super::interpret::{Expectation, interpret};
use super::outcome::{Kind, Observation, difference};
use super::timing::{Phase, Times};
use crate::program::TestProgram;
use lpc_codegen::Settings;
use std::fmt;

/// Where code was executed, or failed to become code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It was compiled.
    Compiler,
    /// It was executed in the emulator.
    Emulator,
    /// It was executed in QEMU.
    Qemu,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compiler => "compiler",
            Self::Emulator => "emulator",
            Self::Qemu => "QEMU",
        })
    }
}

/// Something that is wrong with a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Where it was found.
    pub stage: Stage,
    /// The settings that the program was compiled with.
    pub settings: Settings,
    /// The number of the input, where it is wrong with one.
    pub input: Option<usize>,
    /// In which respect something is wrong.
    pub kind: Kind,
    /// What is wrong.
    pub what: String,
}

impl Finding {
    /// Whether the same is wrong here as in `other`, a finding about a similar program.
    pub fn is_like(&self, other: &Self) -> bool {
        self.stage == other.stage
            && self.kind == other.kind
            && place_of_panic(&self.what) == place_of_panic(&other.what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.stage, describe(&self.settings))?;
        if let Some(input) = self.input {
            write!(f, ", input {input}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// What came of a program.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The calls of compiled code that were executed.
    pub executions: u64,
    /// What the interpreter says of each input, or why it says nothing.
    pub expected: Vec<Result<Expectation, String>>,
    /// The different codes, without those that could not be linked.
    pub builds: Vec<Build>,
    /// With how many settings it cannot be compiled, as the machine lacks multiplication.
    pub refusals: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Checks programs one by one.
#[derive(Debug, Default)]
pub struct Checker {
    compiler: Compiler,
    /// A mistake to make on purpose.
    fault: Option<Fault>,
    /// How long that took.
    pub times: Times,
}

/// In one build of each program the stack is watched at every call: in one of the first so many, whichever the size of the program
/// selects. Most programs have more.
const WATCHED_BUILDS: usize = 6;

impl Checker {
    /// A checker that makes `fault`, if that is given.
    pub fn new(fault: Option<Fault>) -> Self {
        let mut new = Self {
            fault,
            ..Self::default()
        };
        new.compiler.fault = fault;
        new
    }

    /// How long all phases took.
    pub fn times(&self) -> Times {
        let mut times = self.times.clone();
        times.add(&self.compiler.times);
        times
    }

    /// Checks `program` with all settings of `plan`.
    pub fn check(&mut self, program: &TestProgram, plan: &Plan) -> Checked {
        let expected = self.times.measure(Phase::Interpret, || interpret(program));
        let mut checked = Checked {
            expected,
            ..Checked::default()
        };
        if checked.expected.iter().all(Result::is_err) {
            return checked;
        }
        let Compilation {
            builds,
            failures,
            refusals,
        } = self.compiler.compile(&program.module, plan);
        checked.refusals = refusals;
        let failures = failures.into_iter().map(|(settings, what)| Finding {
            stage: Stage::Compiler,
            settings,
            input: None,
            kind: Kind::NoCode,
            what,
        });
        checked.findings.extend(failures);
        for build in builds {
            self.run(program, build, &mut checked);
        }
        checked
    }

    fn run(&mut self, program: &TestProgram, build: Build, checked: &mut Checked) {
        // Watching takes time.
        let functions = program.module.functions();
        let insts: usize = functions.map(|(_, func)| func.dfg.num_insts()).sum();
        let is_watched = checked.builds.len() == insts % WATCHED_BUILDS;
        let observations = emulate(
            program,
            &build,
            &checked.expected,
            is_watched,
            &mut self.times,
        );
        let mut observations = match observations {
            Ok(observations) => observations,
            Err(what) => {
                checked.findings.push(Finding {
                    stage: Stage::Compiler,
                    settings: build.settings,
                    input: None,
                    kind: Kind::NoCode,
                    what,
                });
                return;
            }
        };
        checked.executions += observations.len() as u64;
        if let (Some(fault), true) = (self.fault, build.settings.regalloc == Fault::ALLOCATOR) {
            let changed = observations.iter_mut();
            changed.for_each(|observation| fault.change_observation(observation));
        }
        let findings = compare(program, &checked.expected, &observations);
        checked
            .findings
            .extend(findings.map(|(input, (kind, what))| Finding {
                stage: Stage::Emulator,
                settings: build.settings.clone(),
                input: Some(input),
                kind,
                what,
            }));
        checked.builds.push(build);
    }
}

/// What is wrong in `observations`, which are about the inputs of `program` whose answer is known, and with which input.
pub(super) fn compare(
    program: &TestProgram,
    expected: &[Result<Expectation, String>],
    observations: &[Observation],
) -> impl Iterator<Item = (usize, (Kind, String))> {
    let answers = expected.iter().enumerate();
    let answers = answers.filter_map(|(input, answer)| Some((input, answer.as_ref().ok()?)));
    answers
        .zip(observations)
        .filter_map(|((input, answer), found)| {
            let difference = difference(&program.module, &answer.observation, found)?;
            Some((input, difference))
        })
}

/// A plan with nothing but `settings`.
pub fn plan_of(settings: &Settings) -> Plan {
    Plan {
        settings: vec![settings.clone()],
    }
}
