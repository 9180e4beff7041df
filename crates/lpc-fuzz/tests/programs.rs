//! Random programs are sound: see `lpc_fuzz::program`.

use lpc_fuzz::program::{Statistics, TestProgram, generate};
use lpc_interp::{Error, Interpreter, Limits, NoHost};
use lpc_lpir::ir::{ControllingType, InstructionData, IntCC, Opcode, Properties, Type};
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

#[test]
fn every_opcode_occurs_with_every_type() {
    let mut statistics = Statistics::default();
    for (_, program) in programs() {
        statistics.add(&program);
    }
    let mut missing = Vec::new();
    for &opcode in Opcode::ALL {
        // The table leaves room for wide addresses, which the verifier does not take.
        let is_possible =
            |ty: &Type| ty.is_int() && (!opcode.has(Properties::CALL) || *ty == Type::POINTER);
        let types = match opcode.controlling_type() {
            ControllingType::Untyped => vec![None],
            ControllingType::Explicit(types) | ControllingType::Operand(_, types) => {
                types.iter().filter(is_possible).map(Some).collect()
            }
        };
        let counts = types
            .into_iter()
            .map(|ty| (ty, statistics.count(opcode, ty)));
        missing.extend(
            counts
                .filter(|&(_, count)| count == 0)
                .map(|(ty, _)| (opcode, ty)),
        );
    }
    assert_eq!(missing, []);
}

#[test]
fn every_condition_occurs_with_every_type() {
    let mut found = std::collections::BTreeSet::new();
    for (_, program) in programs() {
        for (_, function) in program.module.functions() {
            let blocks = function.layout.blocks();
            for inst in blocks.flat_map(|block| function.layout.block_insts(block)) {
                if let InstructionData::IntCompare { cond, args, .. } = function.dfg.inst(inst) {
                    found.insert((cond.name(), function.dfg.value_type(args[0])));
                }
            }
        }
    }
    assert_eq!(found.len(), IntCC::ALL.len() * 5);
}

#[test]
fn every_property_occurs() {
    let mut statistics = Statistics::default();
    for (_, program) in programs() {
        statistics.add(&program);
    }
    for property in [
        "both edges to one block",
        "branch backward",
        "cold block",
        "data",
        "large frame",
        "long table",
        "more than 1000 instructions",
        "recursion",
        "results in the return area",
        "several functions",
        "stack arguments",
        "stack slots",
        "table",
        "table without entries",
    ] {
        assert!(statistics.programs_with(property) > 0, "{property}");
    }
}
