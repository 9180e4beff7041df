//! Large programs compile with every register allocator, and the emulator gives the same results as the interpreter.
//!
//! Builds without optimization of the allocator, and those in which its checker runs, are slow: sizes are reduced there by
//! [`DIVISOR`]. The release build, `cargo test --release -p lpc-filetests --test stress`, tests the full sizes.

use lpc_codegen::Settings;
use lpc_codegen::backend::regalloc::RegallocAlgorithm;
use lpc_filetests::stress::{LargeProgram, Shape};
use lpc_harness::{MachineOptions, NoHost, Program};
use lpc_interp::{Interpreter, Limits};
use lpc_lpir::ir::{DataValue, ExternalName, Module, Type};
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;

/// By how much programs are smaller when allocations are checked.
const DIVISOR: u32 = if cfg!(debug_assertions) { 10 } else { 1 };

/// Checks the program of `size / DIVISOR` units with each allocator, and gives the sizes of the code.
fn check(shape: Shape, size: u32) -> Vec<usize> {
    let program = shape.program(size / DIVISOR);
    let module = parse_module(&program.text).unwrap();
    verify_module(&module).unwrap();
    let expected = interpret(&module, &program);
    let algorithms = RegallocAlgorithm::ALL.into_iter();
    algorithms
        .map(|regalloc| {
            let settings = Settings {
                regalloc,
                linker_relaxation: true,
                ..Settings::default()
            };
            let options = MachineOptions {
                memory_size: 32 << 20,
                ..MachineOptions::default()
            };
            let mut compiled = Program::new(&module, &settings, options, &NoHost).unwrap();
            for (arguments, expected) in program.calls.iter().zip(&expected) {
                let name = ExternalName::symbol(program.function);
                let results = compiled
                    .call(&name, &words(arguments), &mut NoHost)
                    .unwrap_or_else(|error| panic!("{shape:?}, {regalloc:?}: {error}"));
                assert_eq!(results, *expected, "{shape:?}, {regalloc:?}, {arguments:?}");
            }
            compiled.image().bytes().len()
        })
        .collect()
}

/// The results of all calls of `program`.
fn interpret(module: &Module, program: &LargeProgram) -> Vec<Vec<DataValue>> {
    let mut interpreter = Interpreter::new(module, Limits::default());
    let name = ExternalName::symbol(program.function);
    let calls = program.calls.iter();
    calls
        .map(|arguments| {
            interpreter
                .call(&name, &words(arguments), &mut lpc_interp::NoHost)
                .unwrap()
        })
        .collect()
}

fn words(numbers: &[i32]) -> Vec<DataValue> {
    let word = |number: &i32| DataValue::from_signed(Type::I32, i128::from(*number));
    numbers.iter().map(word).collect()
}

#[test]
fn two_hundred_thousand_instructions_with_branches_over_all_of_it() {
    for code_size in check(Shape::Branches, 200_000) {
        let expected = (1 << 20) / DIVISOR as usize;
        assert!(code_size > expected, "branches do not get far: {code_size}");
    }
}

#[test]
fn two_hundred_thousand_instructions_in_one_block() {
    check(Shape::Straight, 200_000);
}

#[test]
fn twenty_thousand_functions_that_call_each_other() {
    for code_size in check(Shape::Functions, 20_000) {
        let expected = (1 << 20) / DIVISOR as usize;
        assert!(code_size > expected, "calls do not get far: {code_size}");
    }
}

#[test]
fn a_thousand_arguments() {
    check(Shape::Arguments, 1_000 * DIVISOR);
}

#[test]
fn many_of_everything() {
    for (shape, size) in [
        (Shape::Diamonds, 10_000),
        (Shape::Ladder, 5_000),
        (Shape::NestedLoops, 1_000),
        (Shape::JumpTable, 20_000),
        (Shape::LiveValues, 10_000),
        (Shape::BlockParameters, 1_000),
    ] {
        check(shape, size);
    }
}
