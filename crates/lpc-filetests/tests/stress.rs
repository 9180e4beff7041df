//! Large programs compile with every register allocator in linear time, the emulator gives the same results as the interpreter,
//! and all that on a small stack.
//!
//! Builds without optimization of the allocator, and those in which its checker runs, are slow: sizes are reduced there by
//! [`DIVISOR`]. The release build, `cargo test --release -p lpc-filetests --test stress`, tests the full sizes.

use cpu_time::ThreadTime;
use lpc_codegen::Settings;
use lpc_codegen::backend::regalloc::RegallocAlgorithm;
use lpc_filetests::stress::built::Construction;
use lpc_filetests::stress::{LargeProgram, Shape};
use lpc_harness::{MachineOptions, NoHost, Program};
use lpc_interp::{Interpreter, Limits};
use lpc_lpir::ir::{DataValue, ExternalName, Module, Type};
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;
use std::thread;
use std::time::Duration;

/// By how much programs are smaller when allocations are checked.
const DIVISOR: u32 = if cfg!(debug_assertions) { 20 } else { 1 };

/// The stack on which everything is done. Nothing recurses over a program, so it does not matter how large that is.
const STACK_SIZE: usize = if cfg!(debug_assertions) { 256 } else { 64 } << 10;

/// By how much the program is smaller that a large one is compared with.
const GROWTH: u32 = 8;

/// How much longer the large program may take: more than [`GROWTH`] times, for what caches cost, and less than if the time grew with
/// the power 1.34 of the size.
const MAX_SLOWDOWN: u32 = 2 * GROWTH;

/// Checks the largest program of `shape` with each allocator, and gives the sizes of the code.
fn check(shape: Shape) -> Vec<usize> {
    on_small_stack(move || {
        let size = shape.largest_size() / DIVISOR;
        let program = shape.program(size);
        let module = read(&program);
        check_module(&module, &program, &format!("{shape:?}"))
            .into_iter()
            .zip(RegallocAlgorithm::ALLOCATORS)
            .map(|((code_size, time), regalloc)| {
                // The other allocator takes more than linear time up to a limit.
                if regalloc == RegallocAlgorithm::SinglePass {
                    let small = read(&shape.program(size / GROWTH));
                    assert_grows_linearly(&small, time, &format!("{shape:?}"));
                }
                code_size
            })
            .collect()
    })
}

/// The program of `text`, verified and printed to a fixpoint.
fn read(program: &LargeProgram) -> Module {
    let module = parse_module(&program.text).unwrap();
    verify_module(&module).unwrap();
    let text = module.to_string();
    assert!(parse_module(&text).unwrap().to_string() == text);
    module
}

/// Compares the calls of `program` with the interpreter. The size of the code and the time of compiling it, by allocator.
fn check_module(module: &Module, program: &LargeProgram, what: &str) -> Vec<(usize, Duration)> {
    let name = ExternalName::symbol(program.function);
    let expected = interpret(module, program);
    let algorithms = RegallocAlgorithm::ALLOCATORS.into_iter();
    algorithms
        .map(|regalloc| {
            let start = ThreadTime::now();
            let mut compiled = compile(module, regalloc);
            let time = start.elapsed();
            for (arguments, expected) in program.calls.iter().zip(&expected) {
                let results = compiled
                    .call(&name, &words(arguments), &mut NoHost)
                    .unwrap_or_else(|error| panic!("{what}, {regalloc:?}: {error}"));
                assert_eq!(results, *expected, "{what}, {regalloc:?}, {arguments:?}");
            }
            (compiled.image().bytes().len(), time)
        })
        .collect()
}

/// `time` is what compiling a program took that is [`GROWTH`] times as large as `small`.
fn assert_grows_linearly(small: &Module, time: Duration, what: &str) {
    if cfg!(debug_assertions) {
        return;
    }
    let times = [(); 3].map(|()| {
        let start = ThreadTime::now();
        compile(small, RegallocAlgorithm::SinglePass);
        start.elapsed()
    });
    let least = times.into_iter().min().unwrap();
    assert!(
        time < least * MAX_SLOWDOWN,
        "{what}: {time:?}, and {least:?} for a program of 1/{GROWTH} of the size"
    );
}

fn compile(module: &Module, regalloc: RegallocAlgorithm) -> Program {
    let settings = Settings {
        regalloc,
        linker_relaxation: true,
        ..Settings::default()
    };
    let options = MachineOptions {
        memory_size: 64 << 20,
        ..MachineOptions::default()
    };
    Program::new(module, &settings, options, &NoHost).unwrap()
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

/// What `work` gives on a stack of [`STACK_SIZE`].
fn on_small_stack<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_SIZE);
        let thread = thread.spawn_scoped(scope, work).unwrap();
        thread.join().unwrap()
    })
}

#[test]
fn two_hundred_thousand_instructions_with_branches_over_all_of_it() {
    for code_size in check(Shape::Branches) {
        let expected = (1 << 20) / DIVISOR as usize;
        assert!(code_size > expected, "branches do not get far: {code_size}");
    }
}

#[test]
fn twenty_thousand_functions_that_call_each_other() {
    for code_size in check(Shape::Functions) {
        let expected = (1 << 20) / DIVISOR as usize;
        assert!(code_size > expected, "calls do not get far: {code_size}");
    }
}

#[test]
fn five_hundred_thousand_instructions_in_one_block() {
    check(Shape::Straight);
    check(Shape::StraightWide);
    check(Shape::Accesses);
    check(Shape::CallsInARow);
}

#[test]
fn a_hundred_thousand_values_in_a_chain() {
    check(Shape::Chain);
    check(Shape::Constants);
    check(Shape::Traps);
}

#[test]
fn a_hundred_thousand_blocks() {
    check(Shape::Ladder);
    check(Shape::Diamonds);
    check(Shape::LoopsInARow);
    check(Shape::ValuesAcrossBlocks);
}

#[test]
fn ten_thousand_blocks_in_each_other() {
    check(Shape::NestedLoops);
    check(Shape::NestedIfs);
}

#[test]
fn tables_of_ten_thousand_entries() {
    check(Shape::JumpTable);
    check(Shape::DistinctTargets);
    check(Shape::OneTarget);
    check(Shape::TableArguments);
    check(Shape::TargetArguments);
}

#[test]
fn ten_thousand_values_at_once() {
    check(Shape::LiveValues);
    check(Shape::ValuesAcrossCalls);
    check(Shape::ManyValuesAcrossBlocks);
}

#[test]
fn five_thousand_parameters() {
    check(Shape::BlockParameters);
    check(Shape::ParametersOfBlocks);
    check(Shape::Arguments);
}

#[test]
fn ten_thousand_stack_slots_and_references() {
    check(Shape::StackSlots);
    check(Shape::References);
}

/// What the builder makes of variables compiles, with each allocator.
#[test]
fn variables_through_a_hundred_thousand_blocks() {
    for construction in Construction::ALL {
        on_small_stack(|| {
            let mut module = Module::new();
            let size = construction.largest_size() / DIVISOR;
            module.add_function(construction.function(size)).unwrap();
            verify_module(&module).unwrap();
            let program = LargeProgram {
                text: String::new(),
                function: "built",
                calls: vec![vec![0], vec![7], vec![-100]],
            };
            check_module(&module, &program, &format!("{construction:?}"));
        });
    }
}
