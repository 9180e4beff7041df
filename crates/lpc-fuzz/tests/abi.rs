//! The ABI fuzzer itself: it passes on lpc as it is, and finds every mistake that is made on purpose.

mod support;

use lpc_fuzz::Error;
use lpc_fuzz::abi::faults::Fault;
use lpc_fuzz::abi::{self, Options, Report, toolchain};
use support::unless_tools_are_missing;

/// Runs `count` cases, unless tools are missing.
fn run(count: u64, fault: Option<Fault>) -> Option<(Options, Report)> {
    let options = Options {
        seed: 7,
        count,
        fault,
        ..Options::default()
    };
    let report = unless_tools_are_missing(abi::run(&options, &|_| {}))?;
    Some((options, report))
}

#[test]
fn lpc_and_c_compilers_agree() {
    let Some((_, report)) = run(48, None) else {
        return;
    };
    assert_eq!(report.mismatches, []);
    assert_eq!(report.cases, 48);
    // Every case is a call in each of four programs and on both machines at the least.
    assert!(report.calls >= 48 * 8, "{} calls", report.calls);
}

#[test]
fn mistakes_are_found() {
    for fault in Fault::ALL {
        let Some((_, report)) = run(25, Some(fault)) else {
            return;
        };
        assert!(!report.mismatches.is_empty(), "{fault:?}");
    }
}

#[test]
fn registers_that_are_not_preserved_are_named() {
    let Some((_, report)) = run(10, Some(Fault::ClobberedRegister)) else {
        return;
    };
    let messages = report
        .mismatches
        .iter()
        .flat_map(|mismatch| &mismatch.messages);
    let found = messages
        .filter(|message| message.ends_with(": not preserved: s5"))
        .count();
    assert!(found > 0, "{:?}", report.mismatches);
}

#[test]
fn exchanged_arguments_are_named_and_the_case_is_reduced() {
    let Some((options, report)) = run(25, Some(Fault::SwappedArguments)) else {
        return;
    };
    let mismatch = &report.mismatches[0];
    let messages = &mismatch.messages;
    let names_parameter = |message: &String| message.contains(": parameter ");
    assert!(messages.iter().any(names_parameter), "{messages:?}");
    let reduced = abi::reduce(mismatch, &options).unwrap();
    // What is left is a function that calls the one with the mistake.
    let functions = &reduced.functions;
    assert!(functions.len() <= 3, "{reduced:#?}");
    let (callee, callers) = functions.split_last().unwrap();
    assert!((1..=5).contains(&callee.params.len()), "{reduced:#?}");
    assert!(
        callers.iter().all(|function| function.params.is_empty()),
        "{reduced:#?}"
    );
    assert!(
        functions.iter().all(|function| function.live.is_empty()),
        "{reduced:#?}"
    );
}

#[test]
fn a_missing_tool_names_its_package() {
    let error = Error::MissingTool {
        program: "qemu-riscv32",
        package: "qemu-user",
    };
    assert_eq!(
        error.to_string(),
        "qemu-riscv32 is missing: install the Debian package qemu-user"
    );
    assert_eq!(toolchain::QEMU.package, "qemu-user");
}
