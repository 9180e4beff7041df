//! Where debuggers find the values of a function: each place that is stated is read while the function runs.

use lpc_codegen::backend::buffer::MachBufferFinalized;
use lpc_codegen::backend::emit::CompiledCode;
use lpc_codegen::backend::value_labels::ValuePlace;
use lpc_codegen::isa::riscv32::regs::gpr;
use lpc_codegen::{CompiledModule, RegallocAlgorithm, Settings, compile_function};
use lpc_link::{Image, Linker};
use lpc_lpir::text::parse_module;
use lpc_riscv32::Gpr;
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Stop};
use std::collections::BTreeMap;

const BASE: u32 = 0x8000_0000;
const STACK_TOP: u32 = BASE + (1 << 20);

fn compile(text: &str, regalloc: RegallocAlgorithm) -> (Image, Vec<CompiledCode>) {
    let module = parse_module(text).unwrap();
    let settings = Settings {
        value_labels: true,
        regalloc,
        ..Settings::default()
    };
    let functions = module.functions();
    let functions = functions.map(|(_, func)| compile_function(func, &settings).unwrap());
    let functions: Vec<_> = functions.collect();
    let compiled = CompiledModule {
        functions: functions.clone(),
    };
    let mut linker = Linker::new();
    linker.add_module(&module, &compiled).unwrap();
    let codes = functions.into_iter().map(|function| function.code);
    (linker.link(BASE, &|_| None).unwrap(), codes.collect())
}

/// The words of values that are said to be somewhere at the instruction at `offset`, with what is there.
fn values_at(
    code: &MachBufferFinalized,
    offset: u32,
    cfa: u32,
    machine: &Emulator,
) -> Vec<(String, u32)> {
    let here = code
        .value_locations
        .iter()
        .filter(|location| (location.start..location.end).contains(&offset));
    here.map(|location| {
        let word = match location.place {
            ValuePlace::Reg(reg) => machine.gpr(gpr(reg.to_reg())),
            ValuePlace::BelowCfa(distance) => machine.memory().read_u32(cfa - distance).unwrap(),
        };
        (
            format!("{}.{}", location.label.value, location.label.word),
            word,
        )
    })
    .collect()
}

/// Calls the first function and notes all that is said of its values, which must not change while it runs: nothing loops here.
fn observe(text: &str, regalloc: RegallocAlgorithm, arguments: &[u32]) -> BTreeMap<String, u32> {
    let (image, codes) = compile(text, regalloc);
    let mut memory = Memory::new(BASE, 2 << 20).unwrap();
    memory.write(BASE, image.bytes()).unwrap();
    let config = MachineConfig::new(Settings::default().extensions);
    let mut machine = Emulator::new(config, memory);
    machine
        .set_executable(BASE, image.sections().text.end)
        .unwrap();
    assert_eq!(
        machine.call(BASE, STACK_TOP, arguments, 0).unwrap(),
        Stop::LimitReached
    );
    let cfa = machine.gpr(Gpr::SP);
    let symbol = &image.symbols()[0];
    let mut seen = BTreeMap::new();
    loop {
        let offset = machine.pc() - image.base();
        if offset < symbol.size {
            for (name, word) in values_at(&codes[0].buffer, offset, cfa, &machine) {
                let known = *seen.entry(name.clone()).or_insert(word);
                assert_eq!(known, word, "{name} at {offset:#x}");
            }
        }
        match machine.step() {
            Ok(()) => {}
            Err(stop) => {
                assert_eq!(stop, Stop::Halted);
                return seen;
            }
        }
    }
}

#[test]
fn values_in_registers_and_pairs() {
    let text = "
        function %f(i32, i64) -> i64 {
        block0(v0: i32, v1: i64):
            v2 = imul v0, v0
            v3 = uextend.i64 v2
            v4 = iadd v3, v1
            brif v0, block1, block2
        block1:
            v5 = ishl v4, v0
            return v5
        block2 cold:
            v6 = isub v4, v1
            return v6
        }";
    let expected = [
        ("v0.0", 3),
        ("v1.0", 0xffff_fffe),
        ("v1.1", 5),
        ("v2.0", 9),
        ("v4.0", 7),
        ("v4.1", 6),
        ("v5.0", 56),
        ("v5.1", 48),
    ];
    for regalloc in RegallocAlgorithm::ALLOCATORS {
        let seen = observe(text, regalloc, &[3, 0xffff_fffe, 5]);
        for (name, word) in expected {
            assert_eq!(seen.get(name), Some(&word), "{regalloc:?} {name}: {seen:?}");
        }
        assert!(!seen.contains_key("v6.0"));
        let seen = observe(text, regalloc, &[0, 2, 5]);
        assert_eq!((seen["v6.0"], seen["v6.1"]), (0, 0));
    }
}

/// More values than registers live across a call: those in the frame are found there.
#[test]
fn values_in_the_frame() {
    use std::fmt::Write;
    let count = 20;
    let mut text =
        String::from("function %f(i32) -> i32 {\nfn0 = %g(i32) -> i32\nblock0(v0: i32):\n");
    for index in 1..=count {
        writeln!(text, "v{index} = imul v{}, v0", index - 1).unwrap();
    }
    writeln!(text, "v100 = call fn0(v0)").unwrap();
    for index in 1..=count {
        writeln!(text, "v{} = bxor v{}, v{index}", 100 + index, 99 + index).unwrap();
    }
    writeln!(text, "return v{}\n}}", 100 + count).unwrap();
    text += "function %g(i32) -> i32 {\nblock0(v0: i32):\nv1 = bnot v0\nreturn v1\n}";

    for regalloc in RegallocAlgorithm::ALLOCATORS {
        are_in_the_frame(&text, regalloc, count);
    }
}

fn are_in_the_frame(text: &str, regalloc: RegallocAlgorithm, count: usize) {
    let (_, codes) = compile(text, regalloc);
    let locations = &codes[0].buffer.value_locations;
    let in_frame = locations
        .iter()
        .filter(|location| matches!(location.place, ValuePlace::BelowCfa(_)));
    assert!(in_frame.count() > 5, "{locations:?}");

    let seen = observe(text, regalloc, &[3]);
    let mut power = 3u32;
    let mut sum = !3u32;
    for index in 1..=count {
        power = power.wrapping_mul(3);
        sum ^= power;
        assert_eq!(seen.get(&format!("v{index}.0")), Some(&power), "v{index}");
        assert_eq!(
            seen.get(&format!("v{}.0", 100 + index)),
            Some(&sum),
            "v{}",
            100 + index
        );
    }
}

/// More values than registers live within a block, those of a second half in the spill slots of the first: wherever a value is said to be, it is.
#[test]
fn values_that_are_spilled_within_a_block() {
    use std::fmt::Write;
    let count = 40;
    let mut text = String::from("function %f(i32) -> i32 {\nblock0(v0: i32):\nv999 = bnot v0\n");
    let mut values = 0;
    for half in 0..2 {
        let first = 1 + half * 2 * count;
        writeln!(
            text,
            "v{first} = iadd v{}, v0",
            if half == 0 { 999 } else { first - 1 }
        )
        .unwrap();
        for index in first + 1..first + count {
            writeln!(text, "v{index} = imul v{}, v0", index - 1).unwrap();
        }
        for index in first..first + count {
            // Values are read in an order of their own, so that they are loaded long before that.
            let operand = first + (index - first) * 7 % count;
            writeln!(
                text,
                "v{} = bxor v{}, v{operand}",
                index + count,
                index + count - 1
            )
            .unwrap();
        }
        values = first + 2 * count - 1;
    }
    writeln!(text, "return v{values}\n}}").unwrap();
    for regalloc in RegallocAlgorithm::ALLOCATORS {
        let seen = observe(&text, regalloc, &[3]);
        for index in 1..=values {
            assert!(
                seen.contains_key(&format!("v{index}.0")),
                "{regalloc:?} v{index}"
            );
        }
    }
}

/// `v2` is made for the register that `v0` has, which is read after that: it is moved there, and others take its first register.
#[test]
fn values_that_are_moved() {
    let text = "
        function %f(i32, i32) -> i32 {
        block0(v0: i32, v1: i32):
            brif v1, block2, block1
        block1:
            jump block3(v1)
        block2:
            v2 = iadd v0, v1
            v3 = imul v0, v2
            v4 = bxor v3, v1
            v5 = imul v4, v2
            v6 = bxor v5, v3
            v7 = imul v6, v4
            v8 = bxor v7, v5
            v9 = imul v8, v6
            v10 = bxor v9, v7
            trapz v10, user1
            jump block3(v2)
        block3(v11: i32):
            return v11
        }";
    for regalloc in RegallocAlgorithm::ALLOCATORS {
        let seen = observe(text, regalloc, &[3, 4]);
        for (name, word) in [("v2.0", 7), ("v3.0", 21), ("v4.0", 17), ("v11.0", 7)] {
            assert_eq!(seen.get(name), Some(&word), "{regalloc:?} {name}: {seen:?}");
        }
    }
}

#[test]
fn nothing_is_noted_unless_asked_for() {
    let module = parse_module("function %f(i32) -> i32 { block0(v0: i32): return v0 }").unwrap();
    let (_, func) = module.functions().next().unwrap();
    let compiled = compile_function(func, &Settings::default()).unwrap();
    assert_eq!(compiled.code.buffer.value_locations, []);
}
