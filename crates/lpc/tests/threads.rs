//! Functions are compiled at the same time, and the result does not show it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A module of functions of different sizes, each of which calls another one.
fn module() -> String {
    let mut text = String::new();
    for index in 0..300 {
        writeln!(text, "function %f{index}(i32, i64) -> i64 {{").unwrap();
        writeln!(
            text,
            "    fn0 = %f{}(i32, i64) -> i64",
            (index * 7 + 1) % 300
        )
        .unwrap();
        writeln!(text, "block0(v0: i32, v1: i64):").unwrap();
        for value in 2..2 + index % 40 {
            writeln!(text, "    v{value} = imul v{}, v1", value - 1).unwrap();
        }
        let last = 1 + index % 40;
        writeln!(text, "    brif v0, block1, block2").unwrap();
        writeln!(text, "block1:\n    v90 = call fn0(v0, v{last})").unwrap();
        writeln!(text, "    v91 = sdiv v90, v1\n    return v91").unwrap();
        writeln!(text, "block2:\n    return v{last}\n}}").unwrap();
    }
    text
}

fn compile(source: &Path, emit: &str, threads: &str) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lpc"));
    command.arg("compile").arg(source);
    command.args(["--emit", emit, "-o", "-", "--threads", threads]);
    let output = command.output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
    output.stdout
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = folder.join("threads.clif");
    fs::write(&source, module()).unwrap();
    for emit in ["bin", "obj"] {
        let expected = compile(&source, emit, "1");
        assert!(expected.len() > 10_000);
        for threads in ["2", "3", "8", "0"] {
            assert!(
                compile(&source, emit, threads) == expected,
                "{emit}, {threads}"
            );
        }
    }
}
