//! A device in QEMU.

use super::client::Client;
use super::error::Error;
use core::time::Duration;
use std::borrow::ToOwned;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::string::String;

/// The machine that a firmware runs on: `virt`, with the extensions that lpc knows, without floats, and like most chips without supervisor
/// mode. Its time is the number of instructions that it has executed, in nanoseconds, so that measurements repeat exactly.
const ARGUMENTS: &[&str] = &[
    "-machine",
    "virt",
    "-m",
    "64M",
    "-cpu",
    "rv32,f=false,d=false,zfa=false,s=false,h=false,zcb=true,zicond=true,zbkb=true",
    "-icount",
    "shift=0",
    "-bios",
    "none",
    "-display",
    "none",
    "-monitor",
    "none",
    "-serial",
    "stdio",
];

const TOOL: &str = "qemu-system-riscv32";
const PACKAGE: &str = "qemu-system-misc";

/// A machine, which ends with this.
pub struct Qemu(Child);

impl Qemu {
    /// Starts a machine with the program in the ELF file `firmware`, and connects to it.
    ///
    /// # Errors
    /// When QEMU is not installed, or when nothing answers that is an lpc device.
    pub fn start(firmware: &Path, timeout: Duration) -> Result<(Self, Client), Error> {
        let mut command = Command::new(TOOL);
        command.args(ARGUMENTS).arg("-kernel").arg(firmware);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::MissingTool {
                tool: TOOL,
                package: PACKAGE,
            },
            _ => Error::Io(error),
        })?;
        let mut machine = Self(child);
        let (Some(output), Some(input)) = (machine.0.stdin.take(), machine.0.stdout.take()) else {
            return Err(Error::Closed(String::new()));
        };
        match Client::connect(input, output, timeout) {
            Ok(client) => Ok((machine, client)),
            Err(error) => Err(machine.reason(error)),
        }
    }

    /// What QEMU says, if it has ended, in place of `error`.
    fn reason(&mut self, error: Error) -> Error {
        if !matches!(error, Error::Closed(_) | Error::Io(_)) {
            return error;
        }
        let mut text = String::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            let _ = self.0.wait();
            // What cannot be read is not known.
            let _ = stderr.read_to_string(&mut text);
        }
        Error::Closed(text.trim().to_owned())
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
