//! A calculator that compiles what it computes, and runs it in the emulator. `firmware/calculator` is the same on a chip.
//!
//! ```sh
//! cargo run -p lpc-jit --features emulator --example calculator
//! ```

extern crate alloc;

mod calculator;
mod language;

use calculator::Calculator;
use lpc_jit::{EmulatorError, EmulatorMemory, EmulatorOptions, HostFunctions, Jit};
use std::error::Error;
use std::io::{self, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let memory = EmulatorMemory::new(EmulatorOptions::default())?;
    let mut calculator = Calculator::new(Jit::new(memory, HostFunctions::new()));
    let mut line = String::new();
    loop {
        print!("> ");
        io::stdout().flush()?;
        line.clear();
        if io::stdin().read_line(&mut line)? == 0 {
            return Ok(());
        }
        let answer = calculator.enter(line.trim_end(), |module, expression| {
            let error = match expression.call() {
                Ok(value) => return value.to_string(),
                Err(error) => error,
            };
            match error {
                EmulatorError::Stopped { pc, .. } => match module.trap_at(pc) {
                    Some(code) => format!("trap: {code}"),
                    None => format!("error: {error}"),
                },
                _ => format!("error: {error}"),
            }
        });
        match answer {
            Ok(answer) => answer.iter().for_each(|answer| println!("{answer}")),
            Err(error) => println!("error: {error}"),
        }
    }
}
