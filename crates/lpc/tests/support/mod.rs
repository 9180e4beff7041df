//! Running other programs in tests, and comparing what they print.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a program may take. All finish within seconds; what does not hangs.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Whether all of `programs` are there.
///
/// # Panics
/// If one is not there and `CI` is set: nothing is skipped then.
pub(crate) fn tools_are_there(programs: &[&str]) -> bool {
    let is_missing = |program: &&&str| {
        let version = Command::new(program).arg("--version").output();
        version.is_err()
    };
    let missing = programs.iter().find(is_missing);
    if let Some(program) = missing {
        assert!(std::env::var_os("CI").is_none(), "{program} is missing");
        eprintln!("skipped: {program} is missing");
    }
    missing.is_none()
}

/// A folder for the files of the test `name`, which is empty.
pub(crate) fn scratch_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It may be there from an earlier run.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("folders can be made");
    folder
}

/// A command of the words of `line`, with `arguments` behind them.
pub(crate) fn command(line: &str, arguments: &[&dyn AsRef<OsStr>]) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("there is a program"));
    command.args(words);
    command.args(arguments.iter().map(|argument| argument.as_ref()));
    command
}

/// What `command` prints.
///
/// # Panics
/// If it fails, complains or hangs.
pub(crate) fn run(command: &mut Command) -> String {
    let output = finish(command);
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && messages.is_empty(),
        "{command:?}: {}\n{messages}",
        output.status
    );
    String::from_utf8(output.stdout).expect("programs print UTF-8")
}

/// Runs `command` to its end.
///
/// # Panics
/// If it cannot be started, or hangs.
pub(crate) fn finish(command: &mut Command) -> Output {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = read_all(child.stdout.take().expect("it is a pipe"));
    let stderr = read_all(child.stderr.take().expect("it is a pipe"));
    let status = wait(&mut child).unwrap_or_else(|| panic!("{command:?} takes too long"));
    let join = |reader: JoinHandle<Vec<u8>>| reader.join().expect("reading does not panic");
    Output {
        status,
        stdout: join(stdout),
        stderr: join(stderr),
    }
}

/// Reads on, so that the other end never waits.
fn read_all(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("pipes can be read");
        bytes
    })
}

/// Waits for the end of `child`, which is ended if it takes too long: then there is no result.
pub(crate) fn wait(child: &mut Child) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < TIME_LIMIT {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it is still running");
    child.wait().expect("it can be waited for");
    None
}

/// Compares `text` with the file `name` in the folder of the tests. `LPC_TEST_BLESS=1` rewrites the file.
pub(crate) fn check_text(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name);
    if std::env::var_os("LPC_TEST_BLESS").is_some() {
        std::fs::write(&path, text).expect("expectations can be written");
    }
    let expected = std::fs::read_to_string(&path).expect("there is an expectation");
    assert_eq!(text, expected, "{name}");
}
