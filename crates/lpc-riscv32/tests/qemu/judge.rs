//! The program `judge.c` in QEMU: instructions go in, what they do comes out.

use crate::tools::{output_of, scratch_file};
use lpc_riscv32::{Extension, ExtensionSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

pub(crate) const QEMU: &str = "qemu-riscv32";
pub(crate) const COMPILER: &str = "riscv64-unknown-elf-gcc";

/// The judge itself, where nothing else may be read or written.
pub(crate) const PROGRAM: u32 = 0x0100_0000;
pub(crate) const PROGRAM_END: u32 = 0x0110_0000;
/// Memory that can be read and written, in words.
pub(crate) const SCRATCH: u32 = 0x2000_0000;
pub(crate) const SCRATCH_WORDS: usize = 1024;
/// Memory that can be read and executed.
pub(crate) const CODE: u32 = SCRATCH + 4 * SCRATCH_WORDS as u32;
pub(crate) const CODE_SIZE: u32 = 0x30_0000;
/// How many cases the judge takes at once. A batch and its outcomes fit into a pipe.
pub(crate) const MAX_BATCH: usize = 128;

/// The registers `x1` to `x31`.
pub(crate) type Registers = [u32; 31];

/// One execution of an instruction or two.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) pc: u32,
    /// An instruction of 16 or 32 bits, or two of 32 bits.
    pub(crate) bits: u64,
    /// Of `bits` in bytes: 2, 4 or 8.
    pub(crate) length: u32,
    /// Whether only a timer ends it.
    pub(crate) is_endless: bool,
    pub(crate) registers: Registers,
}

impl Case {
    /// The bytes of its code.
    pub(crate) fn code(&self) -> Vec<u8> {
        self.bits.to_le_bytes()[..self.length as usize].to_vec()
    }
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The signal that ended it, with what `siginfo_t` says of it.
    pub(crate) signal: Signal,
    pub(crate) code: u32,
    pub(crate) address: u32,
    pub(crate) pc: u32,
    pub(crate) registers: Registers,
    /// How many words of the scratch memory changed, and the first of them with their indices.
    pub(crate) changed: u32,
    pub(crate) changes: [(u32, u32); 2],
}

/// A signal of Linux, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signal(pub(crate) u32);

impl Signal {
    pub(crate) const ILLEGAL: Signal = Signal(4);
    pub(crate) const TRAP: Signal = Signal(5);
    pub(crate) const BUS: Signal = Signal(7);
    pub(crate) const FAULT: Signal = Signal(11);
    pub(crate) const ALARM: Signal = Signal(14);
    /// None: QEMU gives up at a jump to a misaligned address.
    pub(crate) const JUMP_MISALIGNED: Signal = Signal(0);
}

/// The judge, compiled to instructions that all machines have.
static PROGRAM_FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/qemu/judge.c");
    let program = scratch_file("judge", "elf");
    let mut compiler = Command::new(COMPILER);
    compiler.args([
        "-march=rv32i",
        "-mabi=ilp32",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
    ]);
    compiler.args([
        "-ffreestanding",
        "-fno-builtin",
        "-nostdlib",
        "-Wl,--no-relax",
    ]);
    compiler.arg(format!("-Wl,-Ttext-segment={PROGRAM:#x}"));
    let numbers = [
        ("PROGRAM", PROGRAM),
        ("PROGRAM_END", PROGRAM_END),
        ("SCRATCH", SCRATCH),
        ("SCRATCH_WORDS", SCRATCH_WORDS as u32),
        ("CODE", CODE),
        ("CODE_SIZE", CODE_SIZE),
        ("MAX_BATCH", MAX_BATCH as u32),
    ];
    compiler.args(numbers.map(|(name, value)| format!("-D{name}={value:#x}u")));
    output_of(compiler.arg(source).arg("-o").arg(&program)).unwrap();
    program
});

/// A running judge.
pub(crate) struct Judge {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Judge {
    /// Starts the judge on a processor with exactly the given extensions. Where control ends stands `fill`.
    pub(crate) fn new(extensions: ExtensionSet, fill: u32, scratch: &[u32]) -> Judge {
        let mut child = Command::new(QEMU)
            .args(["-cpu", &processor(extensions)])
            .arg(&*PROGRAM_FILE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = child.stdout.take().unwrap();
        let mut judge = Judge {
            child,
            input,
            output,
        };
        assert_eq!(scratch.len(), SCRATCH_WORDS);
        judge.send([&[fill], scratch].concat());
        judge
    }

    /// Sends cases, whose outcomes can then be [received](Judge::receive).
    pub(crate) fn execute(&mut self, cases: &[Case]) {
        assert!((1..=MAX_BATCH).contains(&cases.len()));
        let mut words = vec![cases.len() as u32];
        for case in cases {
            words.extend([case.pc, case.bits as u32, (case.bits >> 32) as u32]);
            words.extend([case.length, u32::from(case.is_endless)]);
            words.extend(case.registers);
        }
        self.send(words);
    }

    fn send(&mut self, words: Vec<u32>) {
        let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        // If the judge is gone, receiving says why.
        let _ = self.input.write_all(&bytes);
    }

    /// The outcomes of the earliest cases that were sent.
    ///
    /// # Errors
    /// What QEMU says if it gave up.
    pub(crate) fn receive(&mut self, count: usize) -> Result<Vec<Outcome>, String> {
        const WORDS: usize = 4 + 31 + 5;
        let mut bytes = vec![0; count * WORDS * 4];
        if self.output.read_exact(&mut bytes).is_err() {
            return Err(self.last_words());
        }
        let words: Vec<u32> = bytes
            .chunks_exact(4)
            .map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        let outcomes = words.chunks_exact(WORDS).map(|words| Outcome {
            signal: Signal(words[0]),
            code: words[1],
            address: words[2],
            pc: words[3],
            registers: words[4..35].try_into().unwrap(),
            changed: words[35],
            changes: [(words[36], words[37]), (words[38], words[39])],
        });
        Ok(outcomes.collect())
    }

    fn last_words(&mut self) -> String {
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut text).unwrap();
        format!("{}: {text}", self.child.wait().unwrap())
    }

    /// Ends the judge, which has no more to do.
    pub(crate) fn finish(mut self) {
        self.send(vec![0]);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// QEMU's name for the processor with exactly the given extensions.
fn processor(extensions: ExtensionSet) -> String {
    // B is a name for its parts, of another version of the privileged manual.
    let is_property = |extension: &Extension| !matches!(extension, Extension::I | Extension::B);
    let properties = extensions.iter().filter(is_property);
    let properties = properties.map(|extension| format!(",{extension}=true"));
    format!("rv32i{}", properties.collect::<String>())
}

/// Whether this QEMU has a processor with the given extensions; if not, what it says.
pub(crate) fn has_processor(extensions: ExtensionSet) -> Result<(), String> {
    let mut judge = Judge::new(extensions, 0, &[0; SCRATCH_WORDS]);
    judge.send(vec![0]);
    let mut rest = Vec::new();
    judge.output.read_to_end(&mut rest).unwrap();
    match judge.child.wait().unwrap().success() {
        true => Ok(()),
        false => Err(judge.last_words()),
    }
}
