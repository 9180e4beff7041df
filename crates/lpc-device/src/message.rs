//! What is said between host and device.

use crate::settings::WireSettings;
use serde::{Deserialize, Serialize};

/// The version of these messages. It changes with any of them.
pub const PROTOCOL_VERSION: u32 = 1;

/// What the host asks for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Who is there?
    ///
    /// This and its answer are the same in all versions.
    Describe {
        /// A number that the answer repeats, so that it can be told from answers to what was asked before.
        nonce: u32,
    },
    /// Compile a module, and make it the program. The one before is gone, whatever comes of this.
    Load {
        /// How to compile.
        settings: WireSettings<'a>,
        /// The bytes that the heap may have.
        heap_limit: u32,
        /// The module, in the text or the binary form.
        #[serde(borrow)]
        module: &'a [u8],
    },
    /// Make all data of the program what they are at first.
    Reset,
    /// Call a function of the program, with one or several sets of arguments.
    Call {
        /// The number of the function in the module.
        function: u32,
        /// The most instructions that each call may execute.
        instruction_limit: u64,
        /// How many calls.
        calls: u32,
        /// The words of the arguments of all calls, little-endian, the lower word of a value first.
        arguments: &'a [u8],
    },
    /// Bytes for the program that waits for them; none are the end of the input.
    Input(&'a [u8]),
    /// Read the memory of the program.
    Read {
        /// Where.
        address: u32,
        /// How many bytes.
        length: u32,
    },
}

/// What the device answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Reply<'a> {
    /// To [`Request::Describe`].
    Description(Description),
    /// To [`Request::Load`].
    Loaded(Loaded),
    /// To [`Request::Reset`].
    Done,
    /// To [`Request::Read`].
    Memory(&'a [u8]),
    /// What the program has written, while it runs.
    Output(&'a [u8]),
    /// The program waits for [`Request::Input`].
    NeedsInput,
    /// To [`Request::Call`]: all calls returned.
    Returned {
        /// The words of their results, as those of arguments.
        results: &'a [u8],
        /// What they took.
        execution: Execution,
    },
    /// To [`Request::Call`]: one of the calls did not return.
    Stopped {
        /// How many returned before.
        returned: u32,
        /// Why.
        cause: Cause,
        /// Where.
        place: Place,
        /// What all calls took.
        execution: Execution,
    },
    /// The request was not granted, or not understood.
    Failed {
        /// In which respect.
        kind: FailureKind,
        /// What is wrong, for a person to read.
        message: &'a str,
    },
}

/// A device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Description {
    /// The number of the request.
    pub nonce: u32,
    /// Its [`PROTOCOL_VERSION`].
    pub version: u32,
    /// The most bytes of a request.
    pub max_request: u32,
    /// The most bytes that can be read at once, and the most bytes of results of a [`Request::Call`].
    pub max_data: u32,
    /// The bytes that its heap can have.
    pub heap: u32,
    /// The bytes of its stack, that the compiler runs on.
    pub stack: u32,
    /// The bytes for the code and the data of programs.
    pub program_memory: u32,
    /// The bytes for the stack of programs.
    pub program_stack: u32,
    /// What the addresses of the sections of programs are multiples of.
    pub section_alignment: u32,
}

/// A module that has become the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Loaded {
    /// The address that it is linked for.
    pub base: u32,
    /// The address of the calls to the host: see [`HostFunction::address`](crate::HostFunction::address).
    pub host_calls: u32,
    /// The bytes of its code and data, without those that are zero at first.
    pub bytes: u32,
    /// The bytes that it takes in memory.
    pub memory: u32,
    /// What reading the module took.
    pub read: Cost,
    /// What verifying it took.
    pub verify: Cost,
    /// What compiling its functions took.
    pub compile: Cost,
    /// What linking them took.
    pub link: Cost,
}

/// What some work of the device took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Cost {
    /// The instructions that were executed.
    pub instructions: u64,
    /// The time, in microseconds.
    pub microseconds: u64,
    /// The most bytes that were allocated at once, those from before included.
    pub heap: u32,
    /// The bytes of stack.
    pub stack: u32,
}

/// What calls took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Execution {
    /// The instructions that the program executed.
    pub instructions: u64,
    /// The time, in microseconds.
    pub microseconds: u64,
    /// The most bytes of the program's stack.
    pub stack: u32,
}

/// Why a program stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Cause {
    /// It trapped, as LPIR has it: the number of the [`TrapCode`](lpc_lpir::ir::TrapCode).
    Trap(u8),
    /// An exception that LPIR knows nothing of: the registers `mcause` and `mtval`.
    Exception {
        /// The kind of exception.
        cause: u32,
        /// The address or the instruction at fault.
        value: u32,
    },
    /// It reached the limit of instructions.
    Limit,
}

/// Where a program stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The address of the instruction.
    pub pc: u32,
    /// The number of the function in the module, and the distance from its start in bytes.
    pub function: Option<(u32, u32)>,
    /// The source location of the instruction, if that is known. That of a module in the text form is the number of the
    /// instruction of LPIR.
    pub srcloc: Option<u32>,
}

/// In which respect a request failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FailureKind {
    /// The bytes on the line are no request: they were garbled on their way, or are too many.
    Line,
    /// The request makes no sense now, or has parts that do not.
    Request,
    /// The module cannot be read. The message starts with line and column.
    Module,
    /// The module is not well-formed.
    Verifier,
    /// The module cannot be compiled.
    Compile,
    /// The module cannot be linked.
    Link,
    /// There is too little memory.
    Memory,
    /// The firmware is wrong.
    Internal,
}
