//! Random programs are sound: see `lpc_fuzz::program`.

use lpc_fuzz::program::{TestProgram, generate};
use lpc_interp::{Error, Interpreter, Limits, NoHost};
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;

const SEED: u64 = 0x1bc;
const PROGRAMS: u64 = 3_000;
const INPUTS: usize = 4;

fn programs() -> impl Iterator<Item = (u64, TestProgram)> {
    (0..PROGRAMS).map(|index| (index, generate(SEED, index, INPUTS)))
}

#[test]
fn the_verifier_takes_them() {
    for (index, program) in programs() {
        if let Err(errors) = verify_module(&program.module) {
            panic!("program {index}: {errors}\n{}", program.module);
        }
    }
}

#[test]
fn their_text_reads_back() {
    for (index, program) in programs() {
        let text = program.module.to_string();
        match parse_module(&text) {
            Ok(again) => assert_eq!(again.to_string(), text, "program {index}"),
            Err(error) => panic!("program {index}: {error}\n{text}"),
        }
    }
}

#[test]
fn calls_return_or_trap() {
    let mut calls = 0;
    let mut traps = 0;
    for (index, program) in programs() {
        for arguments in &program.inputs {
            let limits = Limits {
                stack_size: 1 << 17,
                heap_size: 0,
                instructions: 100_000,
                ..Limits::default()
            };
            let mut interpreter = Interpreter::new(&program.module, limits);
            calls += 1;
            match interpreter.call(&program.entry, arguments, &mut NoHost) {
                Ok(_) => {}
                Err(Error::Trap(_)) => traps += 1,
                Err(error) => panic!(
                    "program {index}, {arguments:?}: {error}\n{}",
                    program.module
                ),
            }
        }
    }
    assert!(traps * 100 < calls * 20, "{traps} of {calls} calls trap");
}
