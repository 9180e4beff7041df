//! Executing programs in QEMU, and what they print.

use crate::tools::QEMU_SYSTEM;
use crate::{Error, Result};
use serde::Deserialize;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use wait_timeout::ChildExt;

/// The machine: with the extensions of the chip, and a clock that instructions drive.
const MACHINE: &[&str] = &[
    "-machine",
    "virt",
    "-m",
    "64M",
    "-cpu",
    "rv32,f=false,d=false,zfa=false",
    "-icount",
    "shift=0",
    "-bios",
    "none",
    "-nographic",
    "-kernel",
];

/// How long a program may take.
const TIMEOUT: Duration = Duration::from_secs(600);

/// What compiling a function takes: a line that a program prints.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(super) struct Measurement {
    /// The compiler with its settings.
    pub(super) compiler: String,
    /// The shape of the function, or the name of the example.
    pub(super) function: String,
    /// The instructions that it was to have; 0 for examples.
    pub(super) size: u32,
    /// The instructions of virtual-register code, or 0 where the compiler does not tell.
    pub(super) vcode_insts: u64,
    /// The bytes of its code.
    pub(super) code_size: u64,
    /// The instructions that were executed to build it.
    pub(super) build: u64,
    /// The instructions that were executed to compile it.
    pub(super) compile: u64,
    /// The bytes of heap that are taken before it is compiled: those of the IR, and what the compiler keeps.
    pub(super) ir: u64,
    /// The most bytes of heap that were taken at a time, the IR included.
    pub(super) heap: u64,
    /// The most bytes of stack that were taken at a time.
    pub(super) stack: u64,
}

/// Executes the program in the ELF file at `path`, and reads what it prints.
pub(super) fn run(path: &Path) -> Result<Vec<Measurement>> {
    anstream::eprintln!("executing: {}", path.display());
    let mut command = QEMU_SYSTEM.command();
    command.args(MACHINE).arg(path);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let failed = |error: std::io::Error| Error::Other(format!("{}: {error}", QEMU_SYSTEM.program));
    let mut machine = command.spawn().map_err(failed)?;
    let mut output = machine.stdout.take().expect("it is piped");
    // Who writes to a full pipe waits.
    let reader = thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).map(|_| text)
    });
    let status = machine.wait_timeout(TIMEOUT).map_err(failed)?;
    if status.is_none() {
        machine
            .kill()
            .and_then(|()| machine.wait().map(drop))
            .map_err(failed)?;
    }
    let in_words = |why: &str| Error::Other(format!("{command:?}: {why}"));
    let text = reader
        .join()
        .expect("reading does not panic")
        .map_err(failed)?;
    match status {
        Some(status) if status.success() => parse(&text),
        Some(status) => Err(in_words(&format!("{status}\n{text}"))),
        None => Err(in_words(&format!("does not end\n{text}"))),
    }
}

/// Reads lines of JSON.
fn parse(text: &str) -> Result<Vec<Measurement>> {
    let read =
        |line| serde_json::from_str(line).map_err(|error| Error::Other(format!("{line}: {error}")));
    text.lines().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::{Measurement, parse};

    #[test]
    fn lines_of_json() {
        let line = r#"{"compiler":"lpc fast","function":"loops","size":100,"vcode_insts":117,"code_size":408,"build":486180,"compile":1050322,"ir":15538,"heap":25742,"stack":7332}"#;
        let expected = Measurement {
            compiler: "lpc fast".to_owned(),
            function: "loops".to_owned(),
            size: 100,
            vcode_insts: 117,
            code_size: 408,
            build: 486_180,
            compile: 1_050_322,
            ir: 15_538,
            heap: 25_742,
            stack: 7_332,
        };
        assert_eq!(parse(&format!("{line}\n")).unwrap(), [expected]);
        let error = parse("panicked at\n").unwrap_err().to_string();
        assert!(error.starts_with("panicked at: "), "{error}");
    }
}
