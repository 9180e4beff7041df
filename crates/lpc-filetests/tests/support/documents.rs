//! Documents whose blocks of code are tests.

use super::references::root;
use lpc_filetests::{Options, run_paths};
use std::fs;
use std::path::PathBuf;

/// The first line of an example, and the last one of each block of code.
const EXAMPLE_START: &str = "```clif";
const BLOCK_END: &str = "```";

/// What stands before the message with which an example, or a function in it, is expected to fail or to be skipped.
pub(crate) const FAILS: &str = "; fails: ";
const SKIPPED: &str = "; skipped: ";

/// The header of examples that have none.
const DEFAULT_HEADER: &str = "test run\n";

/// A document of the repository.
pub(crate) struct Document {
    /// Its path from the root of the repository.
    pub(crate) name: &'static str,
    /// Its text.
    pub(crate) text: String,
}

impl Document {
    /// Reads the document `name`.
    pub(crate) fn read(name: &'static str) -> Self {
        let text = fs::read_to_string(path(name)).unwrap();
        Self { name, text }
    }

    /// The blocks of code that start with the line `start`, each with the number of that line.
    pub(crate) fn blocks(&self, start: &str) -> Vec<(usize, String)> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            if line == start {
                let code = lines.by_ref().map(|(_, line)| line);
                let code: Vec<_> = code.take_while(|line| *line != BLOCK_END).collect();
                blocks.push((number + 1, code.join("\n") + "\n"));
            }
        }
        blocks
    }

    /// The blocks of code that are tests.
    pub(crate) fn examples(&self) -> Vec<(usize, String)> {
        self.blocks(EXAMPLE_START)
    }

    /// Checks that the document is the same as `new`, or makes it so when asked to by the environment.
    pub(crate) fn check_or_bless(&self, new: &str) {
        if *new == self.text {
            return;
        }
        if Options::from_environment().bless {
            fs::write(path(self.name), new).unwrap();
            return;
        }
        let diff = similar::TextDiff::from_lines(&self.text, new);
        let (name, variable) = (self.name, Options::BLESS_VARIABLE);
        panic!(
            "{name} is out of date ({variable}=1 rewrites it)\n{}",
            diff.unified_diff()
        );
    }

    /// Checks that all examples do what they say. With `LPC_TEST_BLESS=1` the texts that are expected in them are rewritten.
    pub(crate) fn check_examples(&self) {
        for (line, example) in self.examples() {
            let (output, blessed) = run(&example);
            if blessed != example {
                // Another test may have written to the document.
                let text = fs::read_to_string(path(self.name)).unwrap();
                fs::write(path(self.name), text.replacen(&example, &blessed, 1)).unwrap();
            }
            if !expected_messages(&example).is_empty() {
                for expected in expected_messages(&example) {
                    let is_there = output.lines().any(|line| line.ends_with(expected));
                    assert!(
                        is_there,
                        "{}:{line}: no `{expected}` in\n{output}",
                        self.name
                    );
                }
                continue;
            }
            let passed = output.ends_with(" passed, 0 failed, 0 skipped\n");
            assert!(
                passed && !output.starts_with('0'),
                "{}:{line}:\n{output}",
                self.name
            );
        }
    }
}

fn path(name: &str) -> PathBuf {
    root().join(name)
}

/// The messages with which parts of `example` are expected to fail or to be skipped.
fn expected_messages(example: &str) -> Vec<&str> {
    let lines = example.lines();
    lines
        .filter_map(|line| line.strip_prefix(FAILS).or(line.strip_prefix(SKIPPED)))
        .collect()
}

/// Runs `example` as a test file: as it is where it starts with header lines, otherwise with `test run`. Gives what was
/// printed, and the example with the texts that came out, where they are wanted.
fn run(example: &str) -> (String, String) {
    let header = if example.starts_with("test ") {
        ""
    } else {
        DEFAULT_HEADER
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("example.clif");
    fs::write(&file, format!("{header}{example}")).unwrap();
    let mut output = Vec::new();
    let options = Options {
        bless: Options::from_environment().bless,
        ..Options::default()
    };
    run_paths(std::slice::from_ref(&file), &options, &mut output).unwrap();
    let output = String::from_utf8(output).unwrap();
    let output = output.replace(&format!("{}/", folder.path().display()), "");
    let text = fs::read_to_string(&file).unwrap();
    (output, text[header.len()..].to_owned())
}
