//! The inputs of the coverage-guided fuzzers that the repository keeps, and those that are made of its files.

use lpc_fuzz::targets::TARGETS;
use lpc_fuzz::targets::replay::{Report, replay_kept};
use std::fs;
use std::path::Path;

#[test]
fn no_target_finds_anything_with_the_inputs_that_are_kept() {
    for target in &TARGETS {
        let mut report = Report::default();
        replay_kept(target, &mut report);
        assert!(report.inputs > 0, "{}: there are no inputs", target.name);
        assert!(report.failures.is_empty(), "{:#?}", report.failures);
    }
}

/// Whoever adds a target to the table adds it to `fuzz/` too.
#[test]
fn each_target_has_a_fuzzer() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("there is a manifest");
    for target in &TARGETS {
        let name = target.name;
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let file = fuzz.join(format!("fuzz_targets/{name}.rs"));
        let text = fs::read_to_string(file).expect("there is a file for each target");
        assert!(text.contains(&format!("targets::{name}::run")), "{text}");
    }
    let files = fs::read_dir(fuzz.join("fuzz_targets")).expect("there is a folder");
    assert_eq!(files.count(), TARGETS.len());
}
