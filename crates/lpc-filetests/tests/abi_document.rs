//! `docs/abi.md` agrees with the compiler: its tables, and its examples.
//!
//! With `LPC_TEST_BLESS=1` the table of signatures and the texts in the examples are rewritten.

mod support;

use lpc_codegen::backend::abi::{AbiSignature, AbiSlot, AbiValue};
use lpc_codegen::isa::riscv32::abi::{abi_signature, call_conv_spec};
use lpc_codegen::isa::riscv32::regs;
use lpc_codegen::{Settings, compile_module};
use lpc_harness::{MachineOptions, NoHost, Program};
use lpc_lpir::ir::{CallConv, ExternalName, SigRef, Signature, Type};
use lpc_lpir::text::parse_module;
use lpc_riscv32::Gpr;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::documents::Document;
use support::references::code_spans;

const TABLE_START: &str = "<!-- signatures -->\n";
const TABLE_END: &str = "<!-- end of signatures -->\n";

/// The lines of the table of signatures that are above its rows.
const HEAD_LINES: usize = 2;

const C_COMPILERS: [(&str, &[&str]); 2] = [
    (
        "riscv64-unknown-elf-gcc",
        &["-march=rv32imac", "-mabi=ilp32"],
    ),
    (
        "clang-19",
        &["--target=riscv32-unknown-elf", "-march=rv32imac"],
    ),
];

fn document() -> Document {
    Document::read("docs/abi.md")
}

/// The cells of the row of a table whose first cell is `first`.
fn row(document: &Document, first: &str) -> Vec<String> {
    let start = format!("| {first} |");
    let line = document.text.lines().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("no row `{start}`"));
    let cells = line.trim_matches('|').split('|');
    cells.map(|cell| cell.trim().to_owned()).collect()
}

/// The signature `text`.
fn signature(text: &str) -> Signature {
    let module = format!("function %f() {{ sig0 = {text} block0: return }}");
    let module = parse_module(&module).unwrap_or_else(|error| panic!("{text}: {error}"));
    let (_, function) = module.functions().next().unwrap();
    function.dfg.signatures[SigRef::from_u32(0)].clone()
}

/// Where `values` travel, as in the table.
fn places(abi: &AbiSignature, values: &[AbiValue]) -> Vec<String> {
    let place = |slot: &AbiSlot| match slot {
        AbiSlot::Reg(reg) => regs::gpr(reg.to_reg()).to_string(),
        AbiSlot::Memory(offset) => format!("+{offset}"),
    };
    let values = values.iter();
    values
        .map(|value| {
            let words: Vec<_> = abi.slots(value).iter().map(place).collect();
            words.join(":")
        })
        .collect()
}

/// The row of the table about the signature `text`.
fn signature_row(text: &str) -> String {
    let abi = abi_signature(&signature(text)).unwrap();
    let pointer = abi.return_area_pointer;
    let pointer = pointer.map(|reg| format!("({})", regs::gpr(reg.to_reg())));
    let args = pointer.into_iter().chain(places(&abi, abi.args()));
    let cell = |places: Vec<String>| match places.is_empty() {
        true => "–".to_owned(),
        false => format!("`{}`", places.join(" ")),
    };
    format!(
        "| `{text}` | {} | {} | {} | {} |\n",
        cell(args.collect()),
        cell(places(&abi, abi.rets())),
        abi.stack_args_size,
        abi.return_area_size
    )
}

#[test]
fn places_of_arguments_and_results() {
    let document = document();
    let (before, rest) = document.text.split_once(TABLE_START).unwrap();
    let (table, after) = rest.split_once(TABLE_END).unwrap();
    let mut new = format!("{before}{TABLE_START}");
    for (number, line) in table.lines().enumerate() {
        if number < HEAD_LINES {
            new += &format!("{line}\n");
        } else {
            new += &signature_row(code_spans(line).next().unwrap());
        }
    }
    new += &format!("{TABLE_END}{after}");
    document.check_or_bless(&new);
}

#[test]
fn properties_of_the_conventions() {
    let document = document();
    let specs = [CallConv::SystemV, CallConv::Fast, CallConv::Tail].map(call_conv_spec);
    let expect = |first: &str, cells: [String; 3]| {
        assert_eq!(row(&document, first)[1..], cells, "{first}");
    };
    expect(
        "words of arguments in registers",
        specs.map(|spec| spec.argument_registers.len().to_string()),
    );
    expect(
        "words of results in registers",
        specs.map(|spec| spec.result_registers.len().to_string()),
    );
    expect(
        "who removes the stack arguments",
        specs.map(|spec| match spec.callee_pops {
            true => "the callee".to_owned(),
            false => "the caller".to_owned(),
        }),
    );
    let can_tail_call = ["system_v", "fast", "tail"].map(|call_conv| {
        let text = format!(
            "function %f() {call_conv} {{ fn0 = %f() {call_conv} block0: return_call fn0() }}"
        );
        let module = parse_module(&text).unwrap();
        match lpc_lpir::verifier::verify_module(&module) {
            Ok(()) => "yes".to_owned(),
            Err(_) => "no".to_owned(),
        }
    });
    expect("may be called by `return_call`", can_tail_call);
}

#[test]
fn words_of_types() {
    let document = document();
    for (types, names) in [
        (&[Type::I8, Type::I16, Type::I32][..], "`i8` `i16` `i32`"),
        (&[Type::I64], "`i64`"),
        (&[Type::I128], "`i128`"),
    ] {
        for ty in types {
            // One of nine words in front of it lies on the stack, and so does the value as a whole.
            let abi = abi_signature(&signature(&format!("({}{ty}) system_v", "i32, ".repeat(9))));
            let abi = abi.unwrap();
            let slots = abi.slots(&abi.args()[9]);
            let AbiSlot::Memory(alignment) = slots[0] else {
                panic!("{ty} travels in a register");
            };
            let expected = [slots.len().to_string(), alignment.to_string()];
            assert_eq!(row(&document, names)[1..], expected, "{ty}");
        }
    }
}

/// The results of `%f` in `text`, which takes nothing, in the emulator.
fn results_of_f(text: &str) -> Vec<u32> {
    let module = parse_module(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let (settings, options) = (Settings::default(), MachineOptions::default());
    let mut program = Program::new(&module, &settings, options, &NoHost).unwrap();
    let results = program.call(&ExternalName::symbol("f"), &[], &mut NoHost);
    let results = results.unwrap();
    results.iter().map(|data| data.unsigned() as u32).collect()
}

/// A callee with another signature sees the address of the return area as its first argument.
#[test]
fn the_address_of_a_return_area_is_a_multiple_of_16() {
    for results in 3..8 {
        for stack_words in 0..5 {
            let types = vec!["i32"; results].join(", ");
            let params = vec!["i32"; 7 + stack_words].join(", ");
            let args = vec!["v0"; 7 + stack_words].join(", ");
            let values: Vec<_> = (0..results)
                .map(|index| format!("v{}", 10 + index))
                .collect();
            let values = values.join(", ");
            let [address, ..] = results_of_f(&format!(
                "function %first(i32) -> i32 system_v {{ block0(v0: i32): return v0 }}
                function %f() -> i32 {{
                    ss0 = explicit_slot 4
                    fn0 = %first(i32) -> i32 system_v
                    sig1 = ({params}) -> {types} system_v
                    block0:
                    v0 = stack_addr.i32 ss0
                    v1 = func_addr.i32 fn0
                    {values} = call_indirect sig1, v1({args})
                    return v10
                }}"
            ))[..] else {
                panic!("there is a result");
            };
            assert_ne!(address, 0);
            assert_eq!(address % 16, 0, "{results} results, {stack_words} words");
        }
    }
}

#[test]
fn stack_slots_lie_in_the_order_of_their_numbers() {
    let sizes = [4, 16, 1, 8, 100, 2];
    let mut text = String::from("function %f() -> i32, i32, i32, i32, i32, i32 {\n");
    for (index, size) in sizes.iter().enumerate() {
        text += &format!("ss{index} = explicit_slot {size}\n");
    }
    text += "block0:\n";
    for index in 0..sizes.len() {
        text += &format!("v{index} = stack_addr.i32 ss{index}\n");
    }
    text += "return v0, v1, v2, v3, v4, v5\n}\n";
    let addresses = results_of_f(&text);
    for (index, (pair, size)) in addresses.windows(2).zip(sizes).enumerate() {
        assert!(pair[0] + size <= pair[1], "ss{index}: {addresses:x?}");
    }
}

#[test]
fn each_trap_has_an_address_of_its_own() {
    let module = parse_module(
        "function %f(i32, i32) -> i32 {
        block0(v0: i32, v1: i32):
            trapz v0, user1
            trapz v1, user1
            trapnz v0, user2
            v2 = udiv v0, v1
            v3 = udiv v1, v0
            v4 = iadd v2, v3
            trapz v4, user1
            brif v4, block1, block2
        block1:
            trap user1
        block2:
            trap user1
        }",
    );
    let compiled = compile_module(&module.unwrap(), &Settings::default()).unwrap();
    let traps = &compiled.functions[0].code.buffer.traps;
    assert_eq!(traps.len(), 8);
    assert!(traps.windows(2).all(|pair| pair[0].offset < pair[1].offset));
}

#[test]
fn who_saves_which_register() {
    let document = document();
    let names = |what: &str| -> Vec<String> {
        let lines = document.text.lines();
        let mut line = lines.filter(|line| line.starts_with("| `") && line.contains(what));
        let cells = line.next().unwrap();
        let (registers, _) = cells.split_once(" | ").unwrap();
        let mut names: Vec<_> = code_spans(registers).map(str::to_owned).collect();
        names.sort();
        names
    };
    let sorted = |set: regalloc2::PRegSet, more: &[Gpr]| {
        let set = set.into_iter().map(|preg| regs::gpr(preg.into()));
        let registers = set.chain(more.iter().copied());
        let mut names: Vec<_> = registers.map(|gpr| gpr.to_string()).collect();
        names.sort();
        names
    };
    let caller_saved = sorted(regs::CALLER_SAVED, &[Gpr::RA]);
    assert_eq!(names("saved by the caller"), caller_saved);
    let callee_saved = sorted(regs::CALLEE_SAVED, &[Gpr::SP]);
    assert_eq!(names("saved by the callee"), callee_saved);
    assert_eq!(names("never read or written"), ["gp", "tp"]);
}

#[test]
fn examples_do_what_they_say() {
    document().check_examples();
}

/// The C code is accepted by the compilers that are installed.
#[test]
fn declarations_in_c_compile() {
    let document = document();
    let blocks = document.blocks("```c");
    assert!(!blocks.is_empty());
    for (compiler, options) in C_COMPILERS {
        if Command::new(compiler).arg("--version").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "{compiler} is missing");
            eprintln!("skipped: {compiler} is missing");
            continue;
        }
        for (line, code) in &blocks {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("abi_{line}.c"));
            fs::write(&file, code).unwrap();
            let mut command = Command::new(compiler);
            command.args(options).args(["-Wall", "-Werror", "-O2"]);
            command.args(["-ffreestanding", "-fsyntax-only"]).arg(&file);
            let output = command.output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            let name = document.name;
            assert!(
                output.status.success(),
                "{name}:{line}, {compiler}:\n{errors}"
            );
        }
    }
}
