//! Broken programs: nothing fails on lpc as it is, every kind of break is made, and what is wrong is noticed.

use lpc_codegen::Settings;
use lpc_fuzz::broken::breaks::KINDS;
use lpc_fuzz::broken::{self, Options, Stage, VARIANTS_OF_PROGRAM, Verdict, judge};
use lpc_fuzz::diff::files::programs_of_file;
use lpc_fuzz::program::{TestProgram, generate};
use lpc_lpir::ir::{DataValue, ExternalName, Type};
use lpc_lpir::text::parse_module;
use std::path::Path;

fn run(count: u64, program: &(dyn Fn(u64) -> TestProgram + Sync)) -> broken::Report {
    let options = Options {
        seed: 3,
        first: 0,
        count,
        threads: 1,
    };
    let report = broken::run(&options, program, &|_| {});
    for found in &report.failures {
        let found = found.clone().reduced();
        eprintln!(
            "{}: {:?}\n{}\n{}",
            found.index,
            found.breaks,
            found.failure,
            found.text()
        );
    }
    assert_eq!(report.failures.len(), 0);
    report
}

#[test]
fn random_programs() {
    let report = run(3_000, &|number| generate(3, number, 2));
    assert_eq!(report.variants, 3_000);
    // The breaks must be neither so coarse that nothing is accepted nor so fine that nothing is rejected.
    assert!(report.rejected > 1_500, "{report}");
    assert!(report.compiled > 150, "{report}");
    assert!(report.refused > 0, "{report}");
    assert!(report.executed > 100, "{report}");
}

#[test]
fn filetests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../filetests/run");
    let mut programs = Vec::new();
    for file in [
        "atomics-cas.clif",
        "overflow.clif",
        "calls/calls.clif",
        "control/br_table.clif",
        "data/function_tables.clif",
        "data/pointers.clif",
    ] {
        programs.extend(programs_of_file(&folder.join(file), 2).unwrap().programs);
    }
    let count = programs.len() as u64;
    let report = run(count * VARIANTS_OF_PROGRAM, &|number| {
        programs[(number % count) as usize].clone()
    });
    assert!(report.executed > 0, "{report}");
    for (kind, count) in KINDS.iter().zip(&report.kinds) {
        assert!(count.made > 0, "never: {}", kind.name);
    }
}

fn verdict(text: &str) -> Result<Verdict, Stage> {
    let program = TestProgram {
        module: parse_module(text).unwrap(),
        entry: ExternalName::symbol("f"),
        inputs: vec![vec![DataValue::from_signed(Type::I32, 5)]],
    };
    judge(&program, &Settings::default()).map_err(|failure| failure.stage)
}

#[test]
fn verdicts() {
    let executed = Verdict::Compiled { is_executed: true };
    let compiled = Verdict::Compiled { is_executed: false };
    for (body, expected) in [
        ("return v0", executed),
        ("trap user1", executed),
        // What comes of it is up to the machine.
        ("v1 = load.i32 v0\nreturn v1", compiled),
        ("jump block1\nblock1:\njump block1", compiled),
        // The backend has no such atomic accesses.
        ("v1 = atomic_load.i64 v0\nreturn v0", Verdict::Refused),
        ("v1 = iconst.i64 1\nreturn v1", Verdict::Rejected),
    ] {
        let text = format!("function %f(i32) -> i32 {{\nblock0(v0: i32):\n{body}\n}}");
        assert_eq!(verdict(&text), Ok(expected), "{body}");
    }
}
