//! Runs inputs through targets, without a fuzzer.

use super::Target;
use super::seeds::{Seed, files_in, read, repository};
use crate::diff::attempt::catch_panic;
use std::path::{Path, PathBuf};

/// Where the inputs of a target are kept, from the root of the repository: those that reach all that was ever reached, and
/// those that failed once.
const FOLDERS: [&str; 2] = ["fuzz/corpus", "fuzz/regressions"];

/// An input that a target found something wrong with.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The target.
    pub target: &'static str,
    /// Where the input comes from.
    pub input: String,
    /// Where the target panicked, and its message.
    pub message: String,
}

/// What became of inputs.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many there were.
    pub inputs: usize,
    /// Those that failed.
    pub failures: Vec<Failure>,
}

/// Runs the inputs in the files and folders `paths` through `target`.
pub fn replay(target: &Target, paths: &[PathBuf], report: &mut Report) {
    for path in paths {
        let files = if path.is_dir() {
            files_in(path)
        } else {
            vec![path.clone()]
        };
        for seed in files.into_iter().filter_map(read) {
            replay_input(target, &seed, report);
        }
    }
}

/// Runs all inputs of `target` in the repository through it: those that are kept, and those that are made of other files.
pub fn replay_kept(target: &Target, report: &mut Report) {
    let folders = FOLDERS.map(|folder| repository().join(folder).join(target.name));
    replay(target, &folders, report);
    for seed in (target.seeds)() {
        replay_input(target, &seed, report);
    }
}

/// The target whose inputs are kept in the folder that `path` is in.
pub fn target_of(path: &Path) -> Option<&'static Target> {
    let mut names = path.iter().rev().filter_map(|name| name.to_str());
    names.find_map(super::find)
}

fn replay_input(target: &Target, seed: &Seed, report: &mut Report) {
    report.inputs += 1;
    if let Err(message) = catch_panic(|| (target.run)(&seed.bytes)) {
        report.failures.push(Failure {
            target: target.name,
            input: seed.name.clone(),
            message,
        });
    }
}
