//! What `docs/architecture.md` names exists, and each part in its tables has a test.

mod support;

use std::fs;
use support::references::{self, Base};

/// The heading above the tables of parts.
const PARTS: &str = "## Where each part is, and its test";

fn document() -> String {
    fs::read_to_string(references::root().join("docs/architecture.md")).unwrap()
}

#[test]
fn what_it_names_exists() {
    let document = document();
    let bases = ["", "crates", "crates/lpc-codegen/src"].map(Base::new);
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(document.lines()) {
        for problem in references::problems(line, &bases) {
            problems.push(format!("line {number}: {problem}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The last cell of every row names a file that is a test, or a test in a file.
#[test]
fn every_part_has_a_test() {
    let document = document();
    let (_, parts) = document.split_once(PARTS).unwrap();
    let rows = parts.lines().filter(|line| line.starts_with("| "));
    let mut count = 0;
    for row in rows.filter(|row| !row.ends_with("| tests |")) {
        let last = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let has_test = references::files(last).any(|(path, item)| {
            item.is_some()
                || [".clif", ".vcode", ".trycmd"]
                    .iter()
                    .any(|end| path.ends_with(end))
        });
        assert!(has_test, "no test: {row}");
        count += 1;
    }
    assert!(count > 40, "{count} rows");
}
