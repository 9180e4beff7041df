//! The programs of others that lpc is measured beside. None of them need be installed.

use crate::error::{Error, Result};
use std::fmt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Clang.
pub const CLANG: Tool = Tool::new("clang-19", "clang-19");
/// LLVM's linker.
pub const LLD: Tool = Tool::new("ld.lld-19", "lld-19");
/// LLVM's code generator.
pub const LLC: Tool = Tool::new("llc-19", "llvm-19");
/// GCC.
pub const GCC: Tool = Tool::new("riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf");
/// QEMU in user mode.
pub const QEMU: Tool = Tool::new("qemu-riscv32", "qemu-user");
/// QEMU as a whole machine.
pub const QEMU_SYSTEM: Tool = Tool::new("qemu-system-riscv32", "qemu-system-misc");

/// A program of someone else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tool {
    /// Its name.
    pub program: &'static str,
    /// The Debian package that it is in.
    pub package: &'static str,
}

/// A program that is not installed, which is why something is not measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MissingTool(pub Tool);

impl fmt::Display for MissingTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not installed", self.0.package)
    }
}

impl Tool {
    const fn new(program: &'static str, package: &'static str) -> Self {
        Self { program, package }
    }

    /// Checks that it is installed.
    ///
    /// # Errors
    /// [`MissingTool`] if it cannot be started.
    pub fn check(self) -> Result<(), MissingTool> {
        let mut command = self.command();
        command
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match command.status() {
            Ok(_) => Ok(()),
            Err(_) => Err(MissingTool(self)),
        }
    }

    /// A command that starts it.
    pub fn command(self) -> Command {
        Command::new(self.program)
    }
}

/// Checks that all of `tools` are installed.
///
/// # Errors
/// The first one that is not.
pub fn check_all(tools: &[Tool]) -> Result<(), MissingTool> {
    tools.iter().try_for_each(|tool| tool.check())
}

/// Runs `command`, which must succeed.
///
/// # Errors
/// [`Error::Tool`] with its status and what it wrote, when it does not.
pub fn run(command: &mut Command) -> Result<()> {
    let failed = |command: &Command, output: String| Error::Tool {
        command: format!("{command:?}"),
        output,
    };
    let output = command
        .output()
        .map_err(|error| failed(command, error.to_string()))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let written = String::from_utf8_lossy(&output.stderr);
            Err(failed(command, format!("{}\n{written}", output.status)))
        }
    }
}

/// The time of the processor that all processes have used which this one has started and waited for.
#[cfg(unix)]
pub fn time_of_children() -> Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeVal;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the argument is valid");
    let duration =
        |time: TimeVal| Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000);
    duration(usage.user_time()) + duration(usage.system_time())
}

/// Elsewhere it is not known, and the tools that are timed with it are not there under their names.
#[cfg(not(unix))]
pub fn time_of_children() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::{GCC, MissingTool, Tool, check_all};

    #[test]
    fn what_is_not_there_is_named() {
        let missing = Tool::new("lpc-bench-has-no-such-tool", "no-such-package");
        assert_eq!(check_all(&[missing, GCC]), Err(MissingTool(missing)));
        let why = MissingTool(missing).to_string();
        assert_eq!(why, "no-such-package is not installed");
    }
}
