//! Measures lpc on the chip: prints a line for each function that it compiles. Without features, there is no compiler.
#![no_std]
#![no_main]

#[cfg(feature = "full")]
extern crate alloc;

#[cfg(all(feature = "full", not(feature = "passes")))]
mod examples;
#[cfg(any(feature = "smallest", feature = "full"))]
mod lpc;
#[cfg(feature = "passes")]
mod passes;

use board::heap;

#[cfg(all(feature = "smallest", feature = "full"))]
compile_error!("a program measures the smallest compiler or the full one");

board::entry!(main);

fn main() {
    // SAFETY: nothing is allocated yet.
    unsafe { heap::init(usize::MAX) };
    measure_all();
}

#[cfg(not(any(feature = "smallest", feature = "full")))]
fn measure_all() {
    measure::run::<measure::Nothing>("nothing");
}

#[cfg(all(feature = "smallest", not(feature = "optimizing")))]
fn measure_all() {
    measure::run::<lpc::Fast>("lpc fast");
}

#[cfg(feature = "optimizing")]
fn measure_all() {
    measure::run::<lpc::Optimizing>("lpc optimizing");
}

#[cfg(all(feature = "full", not(feature = "passes")))]
fn measure_all() {
    measure::run::<lpc::Ion>("lpc ion");
    measure::run::<lpc::Default>("lpc default");
    examples::run("lpc fast", &lpc::fast());
    examples::run("lpc ion", &lpc::ion());
    examples::run("lpc default", &lpc_codegen::Settings::default());
}

#[cfg(feature = "passes")]
fn measure_all() {
    passes::run();
}
