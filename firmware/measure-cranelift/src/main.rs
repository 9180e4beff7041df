//! Measures Cranelift on the chip: prints a line for each function that it compiles.
//!
//! It has no 32-bit target: it compiles for RV64, functions with numbers of 32 bits and an address of 64.
#![no_std]
#![no_main]

mod cranelift;

use board::heap;

board::entry!(main);

fn main() {
    // SAFETY: nothing is allocated yet.
    unsafe { heap::init(usize::MAX) };
    measure::run::<cranelift::Fast>("cranelift fast");
    measure::run::<cranelift::Backtracking>("cranelift backtracking");
}
