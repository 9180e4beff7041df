//! Runs the tests and the examples of the repository.

use lpc_filetests::{Options, run_paths};
use std::path::Path;

/// Runs what is in the folder `name` of the repository; none may fail or be skipped.
fn run_folder(name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.canonicalize().unwrap().join(name);
    let mut output = Vec::new();
    let summary = run_paths(&[folder], &Options::from_environment(), &mut output).unwrap();
    print!("{}", String::from_utf8_lossy(&output));
    assert_eq!((summary.failed, summary.skipped), (0, 0));
    assert!(summary.passed > 0);
}

#[test]
fn filetests() {
    run_folder("filetests");
}

#[test]
fn examples() {
    run_folder("examples");
}
