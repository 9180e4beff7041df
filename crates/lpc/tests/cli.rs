//! The commands as a user sees them: arguments, output, exit codes.
//!
//! The cases are in `cmd`, and are run in the folder of its programs. `TRYCMD=overwrite` rewrites what they expect to what comes out.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn commands() {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/programs");
    std::env::set_current_dir(programs).expect("the programs are there");
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        .case("../*.trycmd")
        .case("../*.toml");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut lpc = Command::new(env!("CARGO_BIN_EXE_lpc"))
        .args(["dis", "-", "--format", "bin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lpc can be started");
    drop(lpc.stdout.take());
    // The listing is larger than what a pipe holds.
    let mut stdin = lpc.stdin.take().expect("the input is a pipe");
    stdin.write_all(&[0x13, 0, 0, 0].repeat(100_000)).unwrap();
    drop(stdin);
    let output = lpc.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}
