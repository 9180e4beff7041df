//! The differential fuzzer itself: it passes on lpc as it is, and finds every mistake that is made on purpose.

mod support;

use lpc_codegen::RegallocAlgorithm;
use lpc_fuzz::diff::check::Stage;
use lpc_fuzz::diff::faults::Fault;
use lpc_fuzz::diff::files::programs_of_file;
use lpc_fuzz::diff::outcome::Kind;
use lpc_fuzz::diff::qemu::Runner;
use lpc_fuzz::diff::{Mismatch, Options, Report, keep, reduce, run, run_programs};
use std::fs;
use support::unless_tools_are_missing;

fn options(count: u64, fault: Option<Fault>) -> Options {
    Options {
        seed: 7,
        count: Some(count),
        fault,
        ..Options::default()
    }
}

fn run_with(count: u64, fault: Option<Fault>) -> Report {
    run(&options(count, fault), None, &|_| {}).unwrap()
}

/// The texts of all findings.
fn findings(report: &Report) -> Vec<String> {
    let mismatches = report.mismatches.iter();
    let findings = mismatches.flat_map(|mismatch| &mismatch.findings);
    findings.map(ToString::to_string).collect()
}

#[test]
fn compiled_code_does_what_the_interpreter_does() {
    let report = run_with(200, None);
    assert_eq!(findings(&report), [""; 0]);
    assert_eq!(report.programs, 200);
    // Each call is executed for several allocators and machines.
    assert!(report.executions > 4 * report.answers, "{report:?}");
    assert!(report.traps > 0, "{report:?}");
    let undecided: u64 = report.undecided.values().sum();
    assert!(undecided * 100 <= report.answers, "{:?}", report.undecided);
}

#[test]
fn threads_change_nothing() {
    let of_threads = |threads| {
        let options = Options {
            threads,
            ..options(80, Some(Fault::WrongResult))
        };
        let report = run(&options, None, &|_| {}).unwrap();
        (report.programs, report.executions, findings(&report))
    };
    assert_eq!(of_threads(1), of_threads(3));
}

#[test]
fn a_program_by_itself_is_what_it_is_among_others() {
    let among_others = run_with(40, Some(Fault::WrongResult));
    let Mismatch {
        index, findings, ..
    } = &among_others.mismatches[3];
    let alone = Options {
        first: *index,
        ..options(1, Some(Fault::WrongResult))
    };
    let alone = run(&alone, None, &|_| {}).unwrap();
    assert_eq!(alone.mismatches.len(), 1);
    assert_eq!(alone.mismatches[0].findings, *findings);
}

#[test]
fn mistakes_are_found_and_only_where_they_are_made() {
    for fault in Fault::ALL {
        let report = run_with(120, Some(fault));
        assert!(!report.mismatches.is_empty(), "{fault:?}");
        let kinds: &[Kind] = match fault {
            // Wrong code may do anything.
            Fault::WrongInstruction => &[Kind::Outcome, Kind::Memory, Kind::Failure],
            Fault::WrongResult | Fault::WrongTrap => &[Kind::Outcome],
            Fault::WrongMemory => &[Kind::Memory],
            Fault::Panic => &[Kind::NoCode],
        };
        for finding in report.mismatches.iter().flat_map(|found| &found.findings) {
            assert_eq!(finding.settings.regalloc, RegallocAlgorithm::SinglePass);
            assert!(kinds.contains(&finding.kind), "{fault:?}: {finding}");
            let stage = match fault {
                Fault::Panic => Stage::Compiler,
                _ => Stage::Emulator,
            };
            assert_eq!(finding.stage, stage, "{fault:?}: {finding}");
        }
    }
}

#[test]
fn a_run_may_end_at_the_first_mismatch() {
    let options = Options {
        stops_at_first: true,
        ..options(1000, Some(Fault::WrongResult))
    };
    let report = run(&options, None, &|_| {}).unwrap();
    assert_eq!(report.mismatches.len(), 1);
    assert!(report.programs < 100);
}

#[test]
fn what_fails_is_made_small_and_kept_as_a_test() {
    let options = options(60, Some(Fault::WrongInstruction));
    let report = run(&options, None, &|_| {}).unwrap();
    let mismatch = &report.mismatches[0];
    let reduced = reduce(mismatch, &options, None);
    let text = reduced.program.module.to_string();
    let whole = mismatch.program.module.to_string();
    assert!(text.lines().count() < whole.lines().count(), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let path = keep(folder.path(), 7, mismatch.index, &reduced).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("test run\n"), "{text}");
    // The file has nothing wrong with it where no mistake is made, and fails where one is.
    let read = programs_of_file(&path, 4).unwrap();
    assert_eq!(read.programs.len(), reduced.program.module.len());
    let run = |fault| {
        let options = Options {
            machines: vec![reduced.finding.settings.extensions],
            fault,
            ..options.clone()
        };
        run_programs(&read.programs, &options)
    };
    assert_eq!(findings(&run(None)), [""; 0]);
    assert!(!run(Some(Fault::WrongInstruction)).mismatches.is_empty());
}

#[test]
fn functions_of_files_are_called_with_the_arguments_of_their_directives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.clif");
    let text = "
function %g(i32) -> i32 {
    fn0 = %nowhere(i32) -> i32
block0(v0: i32):
    v1 = call fn0(v0)
    return v1
}
function %f(i32) -> i32 {
    fn0 = %h(i32) -> i32
block0(v0: i32):
    v1 = call fn0(v0)
    return v1
}
; run: %f(1) == 2
; trap: %f(0) == int_divz
function %h(i32) -> i32 {
block0(v0: i32):
    v1 = iconst.i32 2
    v2 = udiv v1, v0
    return v2
}";
    fs::write(&path, text).unwrap();
    let read = programs_of_file(&path, 3).unwrap();
    let skipped: Vec<_> = read
        .skipped
        .iter()
        .map(|(name, why)| format!("{name}: {why}"))
        .collect();
    assert_eq!(skipped, ["%g: %nowhere is not defined"]);
    let programs: Vec<_> = read
        .programs
        .iter()
        .map(|program| (program.module.len(), program.inputs.len()))
        .collect();
    assert_eq!(programs, [(2, 2), (1, 3)]);
    let report = run_programs(&read.programs, &options(0, None));
    assert_eq!(findings(&report), [""; 0]);
    assert_eq!((report.programs, report.traps), (2, 1));
}

/// What executes programs in QEMU, unless tools are missing.
fn runner() -> Option<Runner> {
    unless_tools_are_missing(Runner::new())
}

#[test]
fn qemu_does_what_the_interpreter_does() {
    let Some(runner) = runner() else {
        return;
    };
    let options = Options {
        qemu_share: 1,
        ..options(160, None)
    };
    let report = run(&options, Some(&runner), &|_| {}).unwrap();
    assert_eq!(findings(&report), [""; 0]);
    // Programs without code of their own for the machine and the allocator are not executed.
    assert!(report.qemu_executions > 160 * 4 * 3 / 4, "{report:?}");
}

#[test]
fn wrong_instructions_are_found_in_qemu() {
    let Some(runner) = runner() else {
        return;
    };
    let options = Options {
        qemu_share: 1,
        ..options(160, Some(Fault::WrongInstruction))
    };
    let report = run(&options, Some(&runner), &|_| {}).unwrap();
    let found = report.mismatches.iter().flat_map(|found| &found.findings);
    let in_qemu: Vec<_> = found.filter(|found| found.stage == Stage::Qemu).collect();
    assert!(!in_qemu.is_empty());
    for finding in in_qemu {
        assert_eq!(finding.settings.regalloc, RegallocAlgorithm::SinglePass);
    }
}
