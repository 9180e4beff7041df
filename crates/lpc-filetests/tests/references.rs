//! What documents name exists, and each part in the tables of `docs/architecture.md` has a test.

mod support;

use std::fs;
use support::references::{self, Base};

/// The documents whose references are checked.
const DOCUMENTS: [&str; 8] = [
    "README.md",
    "docs/abi.md",
    "docs/architecture.md",
    "docs/binary.md",
    "docs/embedded.md",
    "docs/lpir.md",
    "docs/objects.md",
    "docs/testing.md",
];

/// Where paths in them start.
const BASES: [&str; 3] = ["", "crates", "crates/lpc-codegen/src"];

/// The heading above the tables of parts.
const PARTS: &str = "## Where each part is, and its test";

fn read(document: &str) -> String {
    fs::read_to_string(references::root().join(document)).unwrap()
}

#[test]
fn what_documents_name_exists() {
    let bases = BASES.map(Base::new);
    let mut problems = Vec::new();
    for document in DOCUMENTS {
        let path = references::root().join(document);
        for (number, line) in (1..).zip(read(document).lines()) {
            for link in references::links(line) {
                if !path.with_file_name(link).exists() {
                    problems.push(format!("{document}:{number}: {link} leads nowhere"));
                }
            }
            for problem in references::problems(line, &bases) {
                problems.push(format!("{document}:{number}: {problem}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The last cell of every row names a file that is a test, or a test in a file.
#[test]
fn every_part_has_a_test() {
    let document = read("docs/architecture.md");
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
