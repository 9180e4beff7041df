//! Code that does not keep the calling convention is found out.

use lpc_codegen::{Settings, compile_module};
use lpc_harness::{HostFunctions, MachineOptions, NoHost, Program, RunError, Violation};
use lpc_lpir::ir::{DataValue, ExternalName, Signature, TrapCode, Type};
use lpc_lpir::text::parse_module;
use lpc_riscv32::{Emulator, Gpr, Imm12, Imm20, Inst, JumpOffset, Opcode};

/// Runs `code` as the code of `%f`, a function of the signature `signature`.
fn run(signature: &str, code: &[Inst], host: &mut dyn HostFunctions) -> RunError {
    let text = format!("function %f{signature} {{\nblock0:\n    trap user1\n}}\n");
    let module = parse_module(&text).unwrap();
    let settings = Settings::default();
    let mut compiled = compile_module(&module, &settings).unwrap();
    let buffer = &mut compiled.functions[0].code.buffer;
    let words = code.iter().map(|inst| inst.encode().unwrap().to_le_bytes());
    buffer.bytes = words.flatten().collect();
    buffer.code_size = buffer.bytes.len() as u32;
    buffer.traps.clear();
    let options = MachineOptions {
        check_stack_alignment: true,
        instruction_limit: 100,
        ..MachineOptions::default()
    };
    let mut program = Program::load(&module, &compiled, &settings, options, host).unwrap();
    program
        .call(&ExternalName::symbol("f"), &[], host)
        .unwrap_err()
}

fn violation(signature: &str, code: &[Inst]) -> Violation {
    match run(signature, code, &mut NoHost) {
        RunError::Violation { violation, place } => {
            assert_eq!(place.function, Some((ExternalName::symbol("f"), 0)));
            violation
        }
        error => panic!("{error}"),
    }
}

fn addi(rd: Gpr, rs1: Gpr, number: i32) -> Inst {
    Inst::i(Opcode::Addi, rd, rs1, Imm12::new(number).unwrap())
}

const RETURN: Inst = Inst::jalr(Gpr::ZERO, Gpr::RA, Imm12::ZERO);

#[test]
fn every_register_that_must_survive_is_checked() {
    let saved = Gpr::all().filter(|gpr| {
        let name = gpr.abi_name();
        name.starts_with('s') || [Gpr::GP, Gpr::TP].contains(gpr)
    });
    let saved: Vec<_> = saved.collect();
    assert_eq!(saved.len(), 15);
    for gpr in saved {
        let found = violation("()", &[addi(gpr, gpr, 16), RETURN]);
        let Violation::Clobbered {
            register,
            expected,
            found,
        } = found
        else {
            panic!("{found}");
        };
        assert_eq!((register, found), (gpr, expected.wrapping_add(16)));
    }
}

#[test]
fn registers_that_a_call_may_change_are_not() {
    let text = "function %f() {\nblock0:\n    return\n}\n";
    let module = parse_module(text).unwrap();
    let settings = Settings::default();
    let mut compiled = compile_module(&module, &settings).unwrap();
    let temporaries = Gpr::all().filter(|gpr| gpr.abi_name().starts_with(['a', 't']));
    let temporaries = temporaries.filter(|gpr| *gpr != Gpr::TP);
    let code = temporaries.map(|gpr| addi(gpr, gpr, 1)).chain([RETURN]);
    let code = code.flat_map(|inst| inst.encode().unwrap().to_le_bytes());
    compiled.functions[0].code.buffer.bytes = code.collect();
    let options = MachineOptions::default();
    let mut program = Program::load(&module, &compiled, &settings, options, &NoHost).unwrap();
    let results = program.call(&ExternalName::symbol("f"), &[], &mut NoHost);
    assert_eq!(results, Ok(vec![]));
    assert_eq!(program.counters().instructions, 15 + 1);
}

#[test]
fn results_must_be_extended_as_declared() {
    let ty = Type::I8;
    let result = |extension, word| {
        violation(
            &format!("() -> i8 {extension}"),
            &[addi(Gpr::A0, Gpr::ZERO, word), RETURN],
        )
    };
    let word = 0x80;
    assert_eq!(result("sext", 0x80), Violation::NotExtended { ty, word });
    let word = -0x80_i32 as u32;
    assert_eq!(result("uext", -0x80), Violation::NotExtended { ty, word });
}

#[test]
fn the_stack_must_be_aligned_at_calls() {
    let call = Inst::jalr(Gpr::RA, Gpr::RA, Imm12::ZERO);
    let code = [addi(Gpr::SP, Gpr::SP, -8), call];
    let RunError::Violation { violation, place } = run("()", &code, &mut NoHost) else {
        panic!("the stack is not aligned");
    };
    assert!(matches!(violation, Violation::MisalignedStack(sp) if sp % 16 == 8));
    assert_eq!(place.function, Some((ExternalName::symbol("f"), 4)));
}

/// A tail call jumps to the start of a function; a jump within a function is none, whatever the stack pointer is.
#[test]
fn the_stack_must_be_aligned_at_tail_calls() {
    let offset = |bytes| JumpOffset::new(bytes).unwrap();
    let misalign = addi(Gpr::SP, Gpr::SP, -8);
    let near = [
        misalign,
        Inst::jal(Gpr::ZERO, offset(4)),
        Inst::jal(Gpr::ZERO, offset(-8)),
    ];
    let through_register = [
        misalign,
        Inst::upper(Opcode::Auipc, Gpr::T1, Imm20::new(0).unwrap()),
        Inst::jalr(Gpr::ZERO, Gpr::T1, Imm12::new(-4).unwrap()),
    ];
    for code in [near, through_register] {
        let RunError::Violation { violation, place } = run("()", &code, &mut NoHost) else {
            panic!("the stack is not aligned");
        };
        assert!(matches!(violation, Violation::MisalignedStack(sp) if sp % 16 == 8));
        assert_eq!(place.function, Some((ExternalName::symbol("f"), 8)));
    }
}

#[test]
fn calls_to_the_host_from_anywhere_else_are_faults() {
    struct Nothing;
    impl HostFunctions for Nothing {
        fn provides(&self, _: &ExternalName, _: &Signature) -> bool {
            true
        }
        fn call(
            &mut self,
            _: &ExternalName,
            _: &[DataValue],
            _: &mut Emulator,
        ) -> Result<Vec<DataValue>, TrapCode> {
            unreachable!("the program imports nothing")
        }
    }
    let code = [Inst::no_operands(Opcode::Ecall)];
    assert!(matches!(
        run("()", &code, &mut Nothing),
        RunError::Fault { .. }
    ));
}
