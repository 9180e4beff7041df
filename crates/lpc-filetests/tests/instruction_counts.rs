//! The code of each operation is no longer than clang's, unless the file says why.
//!
//! In `filetests/compile/ops`, a line before each function says how long clang's code for it is:
//!
//! ```text
//! ;; clang 4
//! ;; clang 2: why it is shorter than ours
//! ```

use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A function, and what is said of clang's code for it.
struct Count {
    function: String,
    instructions: usize,
    clang: usize,
    has_reason: bool,
}

#[test]
fn no_operation_takes_more_instructions_than_with_clang_without_a_reason() {
    let mut functions = 0;
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        for count in counts(&text) {
            functions += 1;
            assert!(
                count.has_reason || count.instructions <= count.clang,
                "{}: {} takes {} instructions, clang {}, and no reason is given",
                file.display(),
                count.function,
                count.instructions,
                count.clang
            );
        }
    }
    assert!(functions > 1000, "{functions} functions are there");
}

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../filetests/compile/ops");
    let entries = WalkDir::new(root).into_iter().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect()
}

/// The functions of a file. An instruction is a line of the expected code, `;   1a: add a0,a0,a1`; data are no instructions.
fn counts(text: &str) -> Vec<Count> {
    let mut counts: Vec<Count> = Vec::new();
    let mut remark = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix(";; clang ") {
            remark = Some(rest);
        } else if let Some(rest) = line.strip_prefix("function ") {
            let said = remark
                .take()
                .expect("clang's count stands before the function");
            let (clang, has_reason) = match said.split_once(": ") {
                Some((clang, _)) => (clang, true),
                None => (said, false),
            };
            counts.push(Count {
                function: rest.split('(').next().unwrap().to_owned(),
                instructions: 0,
                clang: clang.parse().unwrap(),
                has_reason,
            });
        } else if let Some(count) = counts.last_mut()
            && line.starts_with("; ")
            && !line.contains(".word")
        {
            count.instructions += 1;
        }
    }
    counts
}
