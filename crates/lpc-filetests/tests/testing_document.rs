//! The tests that `docs/testing.md` shows pass.

use lpc_filetests::{Options, Summary, run_paths};
use std::fs;
use tempfile::TempDir;

const DOCUMENT: &str = include_str!("../../../docs/testing.md");

#[test]
fn the_tests_in_the_document_pass() {
    let folder = TempDir::new().unwrap();
    let blocks = DOCUMENT.split("```text\n").skip(1);
    let tests = blocks.filter(|block| block.starts_with("test "));
    for (number, block) in tests.enumerate() {
        let (text, _) = block.split_once("```").expect("blocks end");
        let is_vcode = text.contains("\nvcode ");
        let extension = if is_vcode { "vcode" } else { "clif" };
        fs::write(folder.path().join(format!("{number}.{extension}")), text).unwrap();
    }
    let mut output = Vec::new();
    let paths = [folder.path().to_path_buf()];
    let summary = run_paths(&paths, &Options::default(), &mut output).unwrap();
    let expected = Summary {
        passed: 3,
        ..Summary::default()
    };
    assert_eq!(summary, expected, "{}", String::from_utf8_lossy(&output));
}
