//! What documents refer to: files, functions of test files, and items of source files.
//!
//! A reference stands between backticks:
//!
//! ```text
//! `crates/lpc/src/main.rs`             a file or folder
//! `crates/lpc/src/main.rs::main`       an item that the file defines: a function, a type, a trait, a constant or a macro
//! `control_flow.clif`: `%f`, `%g`      functions of the test file that was named last
//! ```
//!
//! A link leads to a file from the folder of the document.

use std::fs;
use std::path::{Path, PathBuf};

/// What separates a file from an item in it.
const ITEM_SEPARATOR: &str = "::";

/// The words that introduce the name of an item in a source file.
const KEYWORDS: [&str; 9] = [
    "fn ",
    "struct ",
    "enum ",
    "trait ",
    "type ",
    "const ",
    "static ",
    "mod ",
    "macro_rules! ",
];

/// A folder that paths in a document may start in.
pub(crate) struct Base(PathBuf);

impl Base {
    /// The folder `path` of the repository.
    pub(crate) fn new(path: &str) -> Self {
        Self(root().join(path))
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The texts between backticks in `line`.
pub(crate) fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The files that `line` names, with the items in them, if there are some.
pub(crate) fn files(line: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    code_spans(line).filter_map(|span| {
        let (path, item) = match span.split_once(ITEM_SEPARATOR) {
            Some((path, item)) => (path, Some(item)),
            None => (span, None),
        };
        let is_test = |extension| {
            path.strip_suffix(extension)
                .is_some_and(|name| !name.is_empty())
        };
        let is_path = path.contains('/') || is_test(".clif") || is_test(".vcode");
        (is_path && !path.contains(char::is_whitespace)).then_some((path, item))
    })
}

/// The files that links in `line` lead to, without the places in them.
pub(crate) fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1);
    targets.filter_map(|rest| {
        let (target, _) = rest.split_once(')')?;
        let path = target.split('#').next()?;
        (!path.is_empty() && !target.contains("://")).then_some(path)
    })
}

/// What is wrong with the references in `line`, whose paths start in one of `bases`.
pub(crate) fn problems(line: &str, bases: &[Base]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut last = None;
    for span in code_spans(line) {
        if let Some((path, item)) = files(&format!("`{span}`")).next() {
            let mut locations = bases.iter().map(|base| base.0.join(path));
            let Some(location) = locations.find(|location| location.exists()) else {
                problems.push(format!("there is no {path}"));
                continue;
            };
            if let Some(item) = item
                && !defines(&location, item)
            {
                problems.push(format!("{path} does not define {item}"));
            }
            last = Some(location);
        } else if let Some(file) = &last
            && is_function_name(span)
            && !has_function(file, span)
        {
            problems.push(format!("{} has no {span}", file.display()));
        }
    }
    problems
}

fn is_function_name(span: &str) -> bool {
    span.starts_with('%') && !span.contains(char::is_whitespace)
}

/// Whether the source file `path` defines `item`.
fn defines(path: &Path, item: &str) -> bool {
    let source = fs::read_to_string(path).unwrap_or_default();
    KEYWORDS.iter().any(|keyword| {
        let mut starts = source.match_indices(keyword);
        starts.any(|(index, _)| is_name(&source[index + keyword.len()..], item))
    })
}

/// Whether the test file `path` has the function `name`.
fn has_function(path: &Path, name: &str) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| {
        ["function ", "vcode "].iter().any(|keyword| {
            line.strip_prefix(keyword)
                .is_some_and(|rest| is_name(rest, name))
        })
    })
}

/// Whether the name at the start of `text` is `name`.
fn is_name(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.strip_prefix(name)
        .is_some_and(|rest| !rest.starts_with(is_part))
}
