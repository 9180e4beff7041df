//! A calculator that compiles what it computes, into the memory of the board. `docs/embedded.md` tells how it works.
//!
//! It takes lines from the serial line, and ends with Ctrl-D. When the heap is full of definitions, it forgets them and goes on.
#![no_std]
#![no_main]

extern crate alloc;

#[path = "../../../crates/lpc-jit/examples/calculator/calculator.rs"]
mod calculator;
#[path = "../../../crates/lpc-jit/examples/calculator/language.rs"]
mod language;

use alloc::format;
use alloc::string::{String, ToString};
use board::console::Console;
use board::exit::exit;
use board::recovery::{Fault, catch};
use board::{heap, println, uart};
use calculator::Calculator;
use core::fmt::Write;
use core::mem::MaybeUninit;
use lpc_jit::{HostFunctions, Jit, RamMemory};

board::entry!(main);

/// For definitions, and for compiling.
const HEAP_SIZE: usize = 128 << 10;

/// For the code of one line and all definitions.
const CODE_SIZE: usize = 16 << 10;

/// Where the code goes.
static mut CODE: MaybeUninit<[u8; CODE_SIZE]> = MaybeUninit::uninit();

fn main() {
    loop {
        // SAFETY: nothing is allocated yet, or all of it was abandoned.
        unsafe { heap::init(HEAP_SIZE) };
        match catch(calculate) {
            Ok(()) => exit(0),
            Err(fault) => println!("error: {fault}; all definitions are forgotten"),
        }
    }
}

/// Answers lines until there are no more.
fn calculate() {
    let code = (&raw mut CODE).cast::<u8>();
    let address = code.addr() as u32;
    // SAFETY: nobody else uses `CODE` any more, and all RAM of the board is executable. The code of the calculator touches no memory but its
    // stack.
    let memory = unsafe { RamMemory::with_alias(code, address, CODE_SIZE as u32) };
    let mut calculator = Calculator::new(Jit::new(memory, HostFunctions::new()));
    while let Some(line) = read_line() {
        let answer = calculator.enter(&line, |module, expression| {
            let fault = match catch(|| expression.call()) {
                Ok(Ok(value)) => return value.to_string(),
                Err(fault) => fault,
            };
            match fault {
                Fault::Trap { pc, .. } => match module.trap_at(pc as u32) {
                    Some(code) => format!("trap: {code}"),
                    None => format!("error: {fault}"),
                },
                _ => format!("error: {fault}"),
            }
        });
        match answer {
            Ok(answer) => answer.iter().for_each(|answer| println!("{answer}")),
            Err(error) => println!("error: {error}"),
        }
    }
}

/// The next line that is typed, which is shown. `None` for Ctrl-D.
fn read_line() -> Option<String> {
    const END: u8 = 4;
    const BACKSPACE: u8 = 8;
    const DELETE: u8 = 127;
    let mut line = String::new();
    let _ = write!(Console, "> ");
    loop {
        match uart::read() {
            END => return None,
            b'\r' | b'\n' => {
                println!();
                return Some(line);
            }
            BACKSPACE | DELETE => {
                let erased = line.pop();
                if erased.is_some() {
                    let _ = write!(Console, "\x08 \x08");
                }
            }
            byte @ b' '..=b'~' => {
                line.push(byte.into());
                uart::write(byte);
            }
            _ => {}
        }
    }
}
