//! The index of known pitfalls is complete, and the tests that it names exist.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use support::references::{self, Base};

const FOLDER: &str = "filetests/run/pitfalls";

fn folder() -> PathBuf {
    references::root().join(FOLDER)
}

fn index() -> String {
    fs::read_to_string(folder().join("README.md")).unwrap()
}

/// The rows of the tables that are about pitfalls, each with the number of its line.
fn rows(index: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(index.lines());
    lines.filter(|(_, line)| {
        line.starts_with("| ") && !line.starts_with("| pitfall |") && !line.starts_with("|---")
    })
}

#[test]
fn every_pitfall_has_tests_that_exist() {
    let index = index();
    let bases = [FOLDER, ""].map(Base::new);
    let mut problems = Vec::new();
    for (number, row) in rows(&index) {
        if references::files(row).next().is_none() {
            problems.push(format!("line {number}: no test is named"));
        }
        for problem in references::problems(row, &bases) {
            problems.push(format!("line {number}: {problem}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_file_is_named_and_executed() {
    let index = index();
    let named: BTreeSet<_> = rows(&index)
        .flat_map(|(_, row)| references::files(row))
        .map(|(path, _)| path.to_owned())
        .collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "README.md" {
            continue;
        }
        assert!(named.contains(name), "the index does not name {name}");
        let text = fs::read_to_string(&path).unwrap();
        let is_run = text.lines().any(|line| line == "test run");
        assert!(is_run, "{name} is not executed");
    }
}
