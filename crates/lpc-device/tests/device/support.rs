//! Devices for tests.

use lpc_codegen::Settings;
use lpc_device::host::{Calls, Client, Error, Outcome, Qemu};
use lpc_lpir::binary::encode;
use lpc_lpir::ir::{DataValue, Type};
use lpc_lpir::text::parse_module;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

/// How long an answer may take, on a machine that has much else to do.
const TIMEOUT: Duration = Duration::from_secs(300);

/// The target of the firmware.
const TARGET: &str = "riscv32imac-unknown-none-elf";

/// The exit code of `firmware/toolchain` when something is not installed.
const EXIT_MISSING: i32 = 2;

/// A heap that every program of these tests can be compiled in.
pub(crate) const HEAP: u32 = 1 << 20;

/// A device that has no program.
pub(crate) struct Device {
    pub(crate) client: Client,
    _machine: Qemu,
}

impl Device {
    /// Starts one, or says why there is none.
    ///
    /// # Panics
    /// In CI, if there is none.
    pub(crate) fn start() -> Option<Self> {
        static FIRMWARE: LazyLock<Result<PathBuf, String>> = LazyLock::new(firmware);
        let started = FIRMWARE.as_ref().map_err(String::clone);
        let started = started.and_then(|firmware| match Qemu::start(firmware, TIMEOUT) {
            Err(error @ Error::MissingTool { .. }) => Err(error.to_string()),
            started => Ok(started.expect("the firmware answers")),
        });
        match started {
            Ok((machine, client)) => Some(Self {
                client,
                _machine: machine,
            }),
            Err(why) if env::var_os("CI").is_some() => panic!("nothing is skipped in CI: {why}"),
            Err(why) => {
                eprintln!("skipped: {why}");
                None
            }
        }
    }

    /// Has it compile `text`, which is sent in the binary form: the line of QEMU is slow.
    pub(crate) fn load(&mut self, text: &str) -> Result<(), Error> {
        let loaded = self.client.load(&binary_of(text), &settings(), HEAP);
        loaded.map(|_| ())
    }

    /// Calls a function with words, which gives words.
    pub(crate) fn call(&mut self, function: u32, arguments: &[i32], results: usize) -> Outcome {
        let arguments = arguments.iter();
        let arguments = arguments.map(|&word| DataValue::from_signed(Type::I32, word.into()));
        let calls = Calls {
            function,
            arguments: &[arguments.collect()],
            results: &vec![Type::I32; results],
            instruction_limit: 2_000_000,
        };
        let called = self
            .client
            .call(&calls, &mut std::io::empty(), &mut std::io::sink());
        called.expect("the device calls it")
    }

    /// Checks that it compiles a program, and runs it.
    pub(crate) fn check_alive(&mut self) {
        let text = include_str!("../../../../examples/gcd.clif");
        self.load(text).expect("the device compiles");
        let outcome = self.call(0, &[48, 36], 1);
        assert_eq!(outcome.stopped, None);
        assert_eq!(outcome.results, [[DataValue::new(Type::I32, 12)]]);
        assert!(outcome.execution.instructions > 0);
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        linker_relaxation: true,
        ..Settings::default()
    }
}

/// The binary form of the module `text`.
pub(crate) fn binary_of(text: &str) -> Vec<u8> {
    encode(&parse_module(text).expect("the text is a module")).expect("it is well-formed")
}

/// The firmware, or why there is none.
fn firmware() -> Result<PathBuf, String> {
    if let Some(path) = env::var_os("LPC_FIRMWARE") {
        return Ok(path.into());
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // A folder of its own: Cargo holds a lock on the one of these tests.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware");
    let mut command = Command::new("bash");
    command.arg(repository.join("firmware/toolchain"));
    command.args([
        "cargo",
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--target",
        TARGET,
    ]);
    command.args(["--package", "lpc-firmware", "--manifest-path"]);
    command.arg(repository.join("firmware/Cargo.toml"));
    command.env("CARGO_TARGET_DIR", &target);
    let output = command.output().map_err(|error| format!("bash: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(EXIT_MISSING) {
        return Err(format!("the firmware is not built: {}", text.trim()));
    }
    assert!(
        output.status.success(),
        "the firmware does not build: {text}"
    );
    Ok(target.join(TARGET).join("release/lpc-firmware"))
}
