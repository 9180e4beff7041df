//! lpc on a chip: takes programs over the serial line, compiles them, and runs them.
//!
//! | what | file |
//! |---|---|
//! | requests and replies on the serial line | `line.rs` |
//! | from a module to a program in memory | `load.rs` |
//! | the program, and what it is called with | `program.rs` |
//! | calling its functions | `call.rs` |
//! | the memory that it may use | `sandbox.rs` |
//!
//! It outlives whatever comes over the line. Errors are answered, programs run in user mode and under a limit, and where the
//! compiler finds no memory, or is wrong, the request is abandoned: the heap holds nothing but the program and what a request
//! needs, so that both are forgotten, and the heap starts anew.
#![no_std]
#![no_main]

extern crate alloc;

mod call;
mod failure;
mod line;
mod load;
mod program;
mod sandbox;

use board::pmp::GRANULE;
use board::recovery::{Fault, catch};
use board::{heap, stack};
use call::Job;
use failure::Failure;
use line::{Line, Receiver, Sender};
use lpc_device::frame::{FrameError, decode};
use lpc_device::{Description, FailureKind, PROTOCOL_VERSION, Reply, Request};
use program::Program;
use sandbox::Sandbox;

board::entry!(main);

fn main() {
    let mut device = Device::new();
    let Line {
        mut receiver,
        mut sender,
    } = Line::take();
    loop {
        let served = catch(|| device.serve(&mut receiver, &mut sender));
        if let Err(fault) = served {
            device.start_over();
            sender.send_failure(&failure_of(&fault));
        }
    }
}

/// What there is between requests.
struct Device {
    sandbox: Sandbox,
    /// All that is on the heap.
    program: Option<Program>,
    /// The bytes that the heap can have.
    heap: usize,
}

impl Device {
    fn new() -> Self {
        Self {
            sandbox: Sandbox::take(),
            program: None,
            // SAFETY: nothing is allocated yet.
            heap: unsafe { heap::init(usize::MAX) },
        }
    }

    /// Waits for a request, and answers it.
    fn serve(&mut self, receiver: &mut Receiver, sender: &mut Sender) {
        let request = receiver.receive().and_then(decode::<Request<'_>>);
        let answered = match request {
            Ok(request) => self.answer(&request, sender),
            Err(error) => Err(line_failure(error)),
        };
        match answered {
            Ok(None) => {}
            // What it needs of the request it has kept, so that the program can receive its input.
            Ok(Some(job)) => {
                if let Some(program) = &self.program {
                    job.run(program, &mut self.sandbox, receiver, sender);
                }
            }
            Err(failure) => sender.send_failure(&failure),
        }
    }

    /// Answers a request, unless it is for a program to run, which is still to be done.
    fn answer(
        &mut self,
        request: &Request<'_>,
        sender: &mut Sender,
    ) -> Result<Option<Job>, Failure> {
        match *request {
            Request::Describe { nonce } => {
                sender.send(&Reply::Description(self.describe(nonce)));
            }
            Request::Load {
                ref settings,
                heap_limit,
                module,
            } => {
                self.start_over_with(heap_limit as usize);
                let (program, loaded) = load::load(settings, module, &mut self.sandbox)?;
                self.program = Some(program);
                sender.send(&Reply::Loaded(loaded));
            }
            Request::Reset => {
                let (program, sandbox) = self.program()?;
                program.reset_data(sandbox);
                sender.send(&Reply::Done);
            }
            Request::Call {
                function,
                instruction_limit,
                calls,
                arguments,
            } => {
                let (program, _) = self.program()?;
                return Job::new(program, function, instruction_limit, calls, arguments).map(Some);
            }
            Request::Input(_) => return Err(Failure::request("no program waits for input")),
            Request::Read { address, length } => {
                let (_, sandbox) = self.program()?;
                let bytes = sandbox.bytes(address, length);
                let bytes = bytes.filter(|bytes| bytes.len() <= line::MAX_DATA);
                let bytes = bytes.ok_or_else(|| Failure::request("memory that cannot be read"))?;
                sender.send(&Reply::Memory(bytes));
            }
        }
        Ok(None)
    }

    fn describe(&self, nonce: u32) -> Description {
        Description {
            nonce,
            version: PROTOCOL_VERSION,
            max_request: line::MAX_REQUEST as u32,
            max_data: line::MAX_DATA as u32,
            heap: self.heap as u32,
            stack: stack::range().len() as u32,
            program_memory: sandbox::PROGRAM_SIZE as u32,
            program_stack: sandbox::STACK_SIZE as u32,
            section_alignment: GRANULE as u32,
        }
    }

    /// The program that is loaded.
    fn program(&mut self) -> Result<(&Program, &mut Sandbox), Failure> {
        let program = self.program.as_ref();
        let program = program.ok_or_else(|| Failure::request("no program is loaded"))?;
        Ok((program, &mut self.sandbox))
    }

    /// Forgets the program, and all else that is on the heap.
    fn start_over(&mut self) {
        self.start_over_with(self.heap);
    }

    fn start_over_with(&mut self, heap_limit: usize) {
        core::mem::forget(self.program.take());
        // SAFETY: only the program was on the heap, and what requests needed that were answered or abandoned.
        unsafe { heap::init(heap_limit) };
    }
}

fn line_failure(error: FrameError) -> Failure {
    Failure::new(FailureKind::Line, error.text())
}

fn failure_of(fault: &Fault) -> Failure {
    let kind = match fault {
        Fault::OutOfMemory { .. } | Fault::StackOverflow => FailureKind::Memory,
        Fault::Panic(_) | Fault::Trap { .. } => FailureKind::Internal,
    };
    Failure::new(kind, fault)
}
