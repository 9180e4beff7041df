//! Executables that call a kernel as often as they are told.

use crate::code::build_clif;
use crate::error::{Error, Result};
use crate::kernels::{Kernel, MEMORY_SIZE, STACK_SIZE};
use cpu_time::ThreadTime;
use lpc_codegen::Settings;
use lpc_process::{End, Process, ProcessOptions, Streams};
use std::io;
use std::time::Duration;

/// `main(argc, argv)`: takes `argv[1]` for a decimal number, calls the kernel so often, and returns its last result.
const MAIN: &str = "
function %main(i32, i32) -> i32 system_v {
    fn0 = %kernel() -> i32 system_v

block0(v0: i32, v1: i32):
    v2 = load.i32 v1+4
    v3 = iconst.i32 0
    v4 = iconst.i32 1
    v5 = iconst.i32 10
    v6 = iconst.i32 48                      ; '0'
    jump block1(v2, v3)

block1(v7: i32, v8: i32):
    v9 = uload8.i32 v7
    brif v9, block2, block3(v8, v3)

block2:
    v10 = imul v8, v5
    v11 = isub v9, v6
    v12 = iadd v10, v11
    v13 = iadd v7, v4
    jump block1(v13, v12)

block3(v14: i32, v15: i32):
    brif v14, block4, block5

block4:
    v16 = call fn0()
    v17 = isub v14, v4
    jump block3(v17, v16)

block5:
    return v15
}
";

/// An executable that calls a kernel as often as its first argument says.
pub struct Program {
    /// The name of the kernel.
    pub kernel: &'static str,
    /// The file.
    pub executable: Vec<u8>,
    /// What the kernel returns.
    result: u32,
    /// The instructions of a call.
    instructions_per_call: u64,
}

/// A run of a program in the emulator.
pub(super) struct Run {
    pub(super) instructions: u64,
    /// Of the processor, without loading.
    pub(super) time: Duration,
}

impl Program {
    /// Compiles `kernel` with the default settings.
    ///
    /// # Errors
    /// When the program is not what it should be.
    pub fn new(kernel: &Kernel) -> Result<Program> {
        let mut program = Program {
            kernel: kernel.name,
            executable: build_clif(kernel, MAIN, &Settings::default())?,
            result: kernel.result()?,
            instructions_per_call: 0,
        };
        let executed = [1, 2, 3].map(|calls| Ok(program.run(calls)?.instructions));
        let [one, two, three]: [Result<u64>; 3] = executed;
        let (one, two, three) = (one?, two?, three?);
        if two - one != three - two {
            let kernel = kernel.name;
            return Err(Error::Other(format!("{kernel}: calls differ")));
        }
        program.instructions_per_call = two - one;
        Ok(program)
    }

    /// The instructions that so many calls execute.
    pub fn instructions(&self, calls: u64) -> u64 {
        self.instructions_per_call * calls
    }

    /// How many calls execute at least so many instructions.
    pub fn calls(&self, instructions: u64) -> u64 {
        instructions.div_ceil(self.instructions_per_call)
    }

    /// The status with which the program ends, after one call or more.
    pub(super) fn status(&self) -> u32 {
        self.result & 0xff
    }

    /// Runs the program in the emulator.
    pub(super) fn run(&self, calls: u64) -> Result<Run> {
        let in_words =
            |error: &dyn std::fmt::Display| Error::Other(format!("{}: {error}", self.kernel));
        let arguments = [self.kernel.to_owned(), calls.to_string()];
        let options = ProcessOptions {
            heap_and_stack_size: MEMORY_SIZE,
            stack_size: STACK_SIZE,
            instruction_limit: u64::MAX,
        };
        let process = Process::load(&self.executable, None, &arguments, options);
        let mut process = process.map_err(|error| in_words(&error))?;
        let (mut input, mut output, mut errors) = (io::empty(), io::sink(), io::sink());
        let mut streams = Streams::new(&mut input, &mut output, &mut errors);
        let start = ThreadTime::now();
        let end = process.run(&mut streams);
        let time = start.elapsed();
        let expected = if calls == 0 { 0 } else { self.result };
        match end {
            End::Exited(result) if result == expected => Ok(Run {
                instructions: process.counters().instructions,
                time,
            }),
            end => Err(in_words(&format!("ends with {end:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Program;
    use crate::kernels::KERNELS;

    #[test]
    fn the_kernel_is_called_as_often_as_told() {
        let kernel = KERNELS.iter().find(|kernel| kernel.name == "queens");
        let program = Program::new(kernel.unwrap()).unwrap();
        let executed = |calls| program.run(calls).unwrap().instructions;
        let overhead = executed(0);
        let twelve = program.instructions(12);
        assert_eq!(program.calls(twelve), 12);
        assert_eq!(program.calls(twelve + 1), 13);
        // What is executed once is little beside a call.
        assert!((twelve..twelve + 2 * overhead).contains(&executed(12)));
        assert!(overhead < 100, "{overhead} instructions");
    }
}
