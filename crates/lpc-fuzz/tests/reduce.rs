//! Programs that fail because an interpreter was given a wrong meaning of an instruction become small.

use lpc_fuzz::program::{TestProgram, generate};
use lpc_fuzz::reduce::{Expectation, reduce, to_filetest};
use lpc_interp::{Error, Interpreter, Limits, NoHost};
use lpc_lpir::ir::{DataValue, ExternalName, InstructionData, Module, Opcode, Type};
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;
use std::path::Path;

/// The module of an example, with calls of one of its functions.
fn example(file: &str, entry: &str, inputs: &[&[i32]]) -> TestProgram {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let text = std::fs::read_to_string(path.join(file)).unwrap();
    program(&text, entry, inputs)
}

fn program(text: &str, entry: &str, inputs: &[&[i32]]) -> TestProgram {
    let argument = |&number: &i32| DataValue::from_signed(Type::I32, number.into());
    let inputs = inputs
        .iter()
        .map(|args| args.iter().map(argument).collect());
    TestProgram {
        module: parse_module(text).unwrap(),
        entry: ExternalName::symbol(entry),
        inputs: inputs.collect(),
    }
}

/// What the call with each input gives: its results or its trap. `None` if one of them does anything else.
fn outcomes(module: &Module, program: &TestProgram) -> Option<Vec<Expectation>> {
    let limits = Limits {
        instructions: 100_000,
        stack_size: 1 << 16,
        heap_size: 0,
        call_depth: 100,
    };
    let outcome = |input: &Vec<DataValue>| {
        let mut interpreter = Interpreter::new(module, limits);
        match interpreter.call(&program.entry, input, &mut NoHost) {
            Ok(results) => Some(Expectation::Results(results)),
            Err(Error::Trap(trap)) => Some(Expectation::Trap(trap.code)),
            Err(_) => None,
        }
    };
    program.inputs.iter().map(outcome).collect()
}

/// `module` with the opcode `to` in the place of `from` with operands of type `ty`.
fn confused(module: &Module, from: Opcode, ty: Type, to: Opcode) -> Module {
    let mut module = module.clone();
    let ids: Vec<_> = module.functions().map(|(id, _)| id).collect();
    for id in ids {
        let func = module.function_mut(id);
        let blocks: Vec<_> = func.layout.blocks().collect();
        for block in blocks {
            let insts: Vec<_> = func.layout.block_insts(block).collect();
            for inst in insts {
                if func.dfg.controlling_type(inst) == Some(ty)
                    && let InstructionData::Binary { opcode, .. } = func.dfg.inst_mut(inst)
                    && *opcode == from
                {
                    *opcode = to;
                }
            }
        }
    }
    module
}

/// Whether it makes a difference for `program` that `from` means `to`.
fn depends_on(program: &TestProgram, from: Opcode, ty: Type, to: Opcode) -> bool {
    let wrong = confused(&program.module, from, ty, to);
    let right = outcomes(&program.module, program);
    right.is_some() && outcomes(&wrong, program) != right
}

/// Reduces `program` while it makes a difference that `from` means `to`.
fn reduced(program: &TestProgram, from: Opcode, ty: Type, to: Opcode) -> TestProgram {
    assert!(depends_on(program, from, ty, to));
    let reduced = reduce(program, &mut |program| {
        assert!(verify_module(&program.module).is_ok());
        depends_on(program, from, ty, to)
    });
    assert!(depends_on(&reduced, from, ty, to));
    reduced
}

fn count_instructions(module: &Module) -> usize {
    let functions = module.functions();
    let counts = functions.map(|(_, func)| {
        let blocks = func.layout.blocks();
        blocks
            .map(|block| func.layout.block_insts(block).count())
            .sum::<usize>()
    });
    counts.sum()
}

#[test]
fn a_loop_over_data_becomes_one_instruction() {
    let program = example("crc32.clif", "digits_crc", &[&[0], &[3]]);
    let reduced = reduced(&program, Opcode::Bxor, Type::I32, Opcode::Bor);
    let expectation = &outcomes(&reduced.module, &reduced).unwrap()[0];
    assert_eq!(
        to_filetest(&reduced, "rv32imac", expectation),
        "test run
target rv32imac

function %crc() -> i32 fast {
block0:
    v0 = iconst.i32 1
    v1 = bxor v0, v0  ; v0 = 1, v0 = 1
    return v1
}

; run: %crc() == 0
"
    );
}

#[test]
fn traps_are_expected_by_their_code() {
    let text = "function %f(i32) {
block0(v0: i32):
    v1 = iconst.i32 2
    v2 = bxor v0, v1
    v3 = isub v2, v0
    trapz v3, user7
    return
}";
    let program = program(text, "f", &[&[7], &[1], &[2]]);
    let reduced = reduced(&program, Opcode::Bxor, Type::I32, Opcode::Bor);
    let expectation = &outcomes(&reduced.module, &reduced).unwrap()[0];
    assert_eq!(
        to_filetest(&reduced, "rv32imc", expectation),
        "test run
target rv32imc

function %f() fast {
block0:
    v0 = iconst.i32 1
    v1 = bxor v0, v0  ; v0 = 1, v0 = 1
    trapz v1, user7
    trap user1
}

; trap: %f() == user7
"
    );
}

#[test]
fn large_random_programs_become_a_few_instructions() {
    for (from, ty, to) in [
        (Opcode::Imul, Type::I64, Opcode::Iadd),
        (Opcode::Isub, Type::I16, Opcode::Bor),
        (Opcode::Ushr, Type::I32, Opcode::Sshr),
        (Opcode::Band, Type::I8, Opcode::Bxor),
    ] {
        let failing = (0..).find_map(|index| {
            let program = generate(9, index, 4);
            let is_large = count_instructions(&program.module) >= 100;
            (is_large && depends_on(&program, from, ty, to)).then_some(program)
        });
        let reduced = reduced(&failing.unwrap(), from, ty, to);
        let module = &reduced.module;
        assert!(count_instructions(module) <= 5, "{module}");
        assert_eq!(reduced.inputs.len(), 1);
    }
}

#[test]
fn the_predicate_is_asked_a_bounded_number_of_times() {
    // Some candidates fail and others do not, for no reason.
    let program = example("sha256.clif", "digest_word", &[&[0]]);
    let mut calls = 0;
    let reduced = reduce(&program, &mut |_| {
        calls += 1;
        calls % 50 == 1
    });
    assert!((100..=5_001).contains(&calls), "{calls} calls");
    assert!(count_instructions(&reduced.module) < count_instructions(&program.module));
}

#[test]
fn a_program_that_does_not_fail_stays_as_it_is() {
    let program = example("crc32.clif", "digits_crc", &[&[1]]);
    let reduced = reduce(&program, &mut |_| false);
    assert_eq!(reduced.module.to_string(), program.module.to_string());
    assert_eq!(reduced.inputs, program.inputs);
}
