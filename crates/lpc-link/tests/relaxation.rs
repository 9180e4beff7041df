//! Calls that the linker shortens, and what moves up with them.

use lpc_codegen::backend::buffer::MachBufferFinalized;
use lpc_codegen::{CodeAlignment, RegallocAlgorithm, Settings, compile_module};
use lpc_link::{Image, LinkError, Linker};
use lpc_lpir::ir::ExternalName;
use lpc_lpir::text::parse_module;
use lpc_riscv32::disassembler::disassemble;
use lpc_riscv32::display::DisplayOptions;
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Stop};
use lpc_riscv32::{ExtensionSet, Gpr, Opcode};
use std::fmt::Write;

const BASE: u32 = 0x1_0000;

fn settings(march: &str) -> Settings {
    Settings {
        extensions: march.parse().unwrap(),
        // The expected code is that of the allocator that finds the best.
        regalloc: RegallocAlgorithm::Ion,
        linker_relaxation: true,
        ..Settings::default()
    }
}

fn link_with(text: &str, settings: &Settings, outside: u32) -> Image {
    let module = parse_module(text).unwrap();
    let compiled = compile_module(&module, settings).unwrap();
    let mut linker = Linker::new();
    linker.add_module(&module, &compiled).unwrap();
    let name = ExternalName::symbol("outside");
    let imports = |wanted: &ExternalName| (*wanted == name).then_some(outside);
    linker.link(BASE, &imports).unwrap()
}

fn listing(image: &Image) -> String {
    let mut text = String::new();
    for (symbol, code) in image.functions() {
        writeln!(text, "{}:", symbol.name).unwrap();
        let address = image.base() + symbol.offset;
        for line in disassemble(code, address, ExtensionSet::RV32IMAC) {
            let options = DisplayOptions {
                pseudo: true,
                address: Some(line.address),
                symbols: None,
            };
            writeln!(text, "{:x}: {}", line.address, line.display(options)).unwrap();
        }
        let data = &image.symbol_bytes(symbol)[code.len()..];
        for word in data.chunks(4) {
            writeln!(text, "{word:02x?}").unwrap();
        }
    }
    text
}

const CALLS: &str = "
    function %first(i32) -> i32 {
        fn0 = %second(i32) -> i32
        fn1 = %outside(i32) -> i32
    block0(v0: i32):
        v1 = call fn0(v0)
        brif v1, block1, block2
    block1:
        v2 = call fn1(v1)
        return v2
    block2:
        return v1
    }
    function %second(i32) -> i32 tail {
        fn0 = %first(i32) -> i32 tail
    block0(v0: i32):
        return_call fn0(v0)
    }";

#[test]
fn near_calls_are_one_instruction() {
    let expected = "\
%first:
10000: addi sp,sp,-16
10002: sw ra,12(sp)
10004: jal 10018
10006: beqz a0,10012
10008: jal 20100
1000c: lw ra,12(sp)
1000e: addi sp,sp,16
10010: ret
10012: lw ra,12(sp)
10014: addi sp,sp,16
10016: ret
%second:
10018: j 10000
";
    let image = link_with(CALLS, &settings("rv32imac"), 0x2_0100);
    assert_eq!(listing(&image), expected);
}

#[test]
fn without_compressed_instructions_a_call_takes_four_bytes() {
    let expected = "\
%first:
10000: addi sp,sp,-16
10004: sw ra,12(sp)
10008: jal 1002c
1000c: beqz a0,10020
10010: jal 20100
10014: lw ra,12(sp)
10018: addi sp,sp,16
1001c: ret
10020: lw ra,12(sp)
10024: addi sp,sp,16
10028: ret
%second:
1002c: j 10000
";
    let image = link_with(CALLS, &settings("rv32im"), 0x2_0100);
    assert_eq!(listing(&image), expected);
}

#[test]
fn far_calls_stay_as_they_are() {
    let image = link_with(CALLS, &settings("rv32imac"), 0x4000_0000);
    let text = listing(&image);
    assert!(
        text.contains("10008: auipc ra,0x3fff0\n1000c: jalr -8(ra)\n"),
        "{text}"
    );
    // Neither `jal` nor `c.jal` can state an odd distance.
    let image = link_with(CALLS, &settings("rv32imac"), 0x2_0101);
    assert!(listing(&image).contains("auipc ra"));
    // What is known to be fixed is not touched either.
    let fixed = Settings {
        linker_relaxation: false,
        ..settings("rv32imac")
    };
    let text = listing(&link_with(CALLS, &fixed, 0x2_0100));
    assert_eq!(text.matches("auipc").count(), 3, "{text}");
}

/// The table and the loop keep their alignment, and the distances in the table are those of the moved code.
#[test]
fn tables_and_loops_move_along() {
    let text = "
        function %f(i32) -> i32 {
            fn0 = %g()
        block0(v0: i32):
            call fn0()
            br_table v0, block1, [block2, block3]
        block1:
            return v0
        block2:
            call fn0()
            jump block3
        block3:
            call fn0()
            brif v0, block3, block1
        }
        function %g() {
        block0:
            return
        }";
    let settings = Settings {
        loop_alignment: CodeAlignment::new(16).unwrap(),
        ..settings("rv32imac")
    };
    let image = link_with(text, &settings, 0);
    let expected = "\
%f:
10000: addi sp,sp,-16
10002: sw ra,12(sp)
10004: sw s0,8(sp)
10006: mv s0,a0
10008: jal 10048
1000a: li a4,2
1000c: bgeu s0,a4,10024
10010: slli a4,s0,0x2
10014: auipc a5,0x0
10018: addi a5,a5,44
1001c: add a4,a4,a5
1001e: lw a4,0(a4)
10020: add a4,a4,a5
10022: jr a4
10024: mv a0,s0
10026: j 10036
10028: jal 10048
1002a: nop
1002c: nop
10030: jal 10048
10032: bnez s0,10030
10034: mv a0,s0
10036: lw ra,12(sp)
10038: lw s0,8(sp)
1003a: addi sp,sp,16
1003c: ret
1003e: nop
[e8, ff, ff, ff]
[f0, ff, ff, ff]
%g:
10048: ret
";
    assert_eq!(listing(&image), expected);
}

/// Functions that need more than others stay where they can be.
#[test]
fn functions_keep_their_alignment() {
    let settings = Settings {
        function_alignment: CodeAlignment::new(64).unwrap(),
        ..settings("rv32imac")
    };
    let image = link_with(CALLS, &settings, 0x2_0100);
    let offsets: Vec<_> = image.functions().map(|(symbol, _)| symbol.offset).collect();
    assert_eq!(offsets, [0, 64]);
    let module = parse_module(CALLS).unwrap();
    let compiled = compile_module(&module, &settings).unwrap();
    let mut linker = Linker::new();
    linker.add_module(&module, &compiled).unwrap();
    assert_eq!(linker.alignment(), 64);
    let error = linker.link(32, &|_| Some(0)).unwrap_err();
    assert_eq!(
        error,
        LinkError::MisalignedBase {
            base: 32,
            alignment: 64
        }
    );
}

/// A call with `between` bytes between it and its callee takes so many bytes.
fn call_size(march: &str, between: usize) -> u32 {
    let text = "
        function %f() { fn0 = %g() block0: return_call fn0() }
        function %g() { block0: return }";
    let compiled = compile_module(&parse_module(text).unwrap(), &settings(march)).unwrap();
    let [f, g] = &compiled.functions[..] else {
        panic!("two functions")
    };
    let filler = MachBufferFinalized {
        bytes: vec![0; between],
        alignment: f.code.buffer.alignment,
        instruction_alignment: f.code.buffer.instruction_alignment,
        ..MachBufferFinalized::default()
    };
    let mut linker = Linker::new();
    linker.add_function(&f.name, &f.code.buffer).unwrap();
    let name = ExternalName::symbol("filler");
    linker.add_function(&name, &filler).unwrap();
    linker.add_function(&g.name, &g.code.buffer).unwrap();
    let image = linker.link(BASE, &|_| None).unwrap();
    let size = image.symbols()[0].size;
    // The call leads to %g.
    let mut memory = Memory::new(BASE, 4 << 20).unwrap();
    memory.write(BASE, image.bytes()).unwrap();
    let mut emulator = Emulator::new(MachineConfig::new(march.parse().unwrap()), memory);
    let length = image.bytes().len() as u32;
    emulator.set_executable(BASE, length).unwrap();
    let stop = emulator.call(BASE, BASE + (4 << 20), &[], 10).unwrap();
    assert_eq!(stop, Stop::Halted);
    let executed = if size == 8 { 3 } else { 2 };
    assert_eq!(emulator.counters().instructions, executed);
    size
}

#[test]
fn the_shortest_call_that_reaches() {
    for (march, between, size) in [
        ("rv32imac", 2044, 2),
        ("rv32imac", 2046, 4),
        ("rv32imac", (1 << 20) - 6, 4),
        ("rv32imac", (1 << 20) - 4, 8),
        ("rv32im", 0, 4),
        ("rv32im", (1 << 20) - 8, 4),
        ("rv32im", (1 << 20) - 4, 8),
    ] {
        assert_eq!(call_size(march, between), size, "{march}, {between}");
    }
}

/// An import above the text at every distance around the edge of `jal`, behind functions whose padding is not what it could be.
#[test]
fn imports_at_the_edge_of_reach() {
    let mut text = String::new();
    for index in 0..100 {
        writeln!(
            text,
            "function %f{index}(i32) -> i32 {{ block0(v0: i32): v1 = imul v0, v0 return v1 }}"
        )
        .unwrap();
    }
    text += "function %main() { fn0 = %outside() block0: call fn0() return }";
    let settings = Settings {
        function_alignment: CodeAlignment::new(64).unwrap(),
        ..settings("rv32imac")
    };
    let mut sizes = Vec::new();
    for distance in ((1 << 20) - 200..(1 << 20) + 8000).step_by(62) {
        let outside = BASE + distance;
        let image = link_with(&text, &settings, outside);
        let (symbol, code) = image.functions().last().unwrap();
        let address = image.base() + symbol.offset;
        let jumps = disassemble(code, address, ExtensionSet::RV32IMAC)
            .filter_map(|line| Some((line.address, line.inst?)))
            .filter(|(_, inst)| inst.rd == Gpr::RA && inst.opcode != Opcode::Lw);
        let mut target = 0;
        for (address, inst) in jumps {
            match inst.opcode {
                Opcode::Auipc => target = address.wrapping_add((inst.imm as u32) << 12),
                Opcode::Jalr => target = target.wrapping_add(inst.imm as u32),
                Opcode::Jal => target = address.wrapping_add(inst.imm as u32),
                _ => panic!("{inst}"),
            }
        }
        assert_eq!(target, outside);
        sizes.push(code.len());
    }
    sizes.dedup();
    assert_eq!(sizes.len(), 2, "first near, then far: {sizes:?}");
}

/// Names that are local to a module are nothing to another one, and calls lead to the right one after everything has moved.
#[test]
fn modules_with_local_names() {
    let text = |value: u32, name: &str| {
        format!(
            "function %helper() -> i32 {{ block0: v0 = iconst.i32 {value} return v0 }}
             ; local: %helper
             function %{name}() -> i32 {{ fn0 = %helper() -> i32 block0: v0 = call fn0() return v0 }}"
        )
    };
    let mut linker = Linker::new();
    for (value, name) in [(7, "first"), (9, "second")] {
        let module = parse_module(&text(value, name)).unwrap();
        let compiled = compile_module(&module, &settings("rv32imac")).unwrap();
        linker.add_module(&module, &compiled).unwrap();
    }
    let image = linker.link(BASE, &|_| None).unwrap();
    for (name, value) in [("first", 7), ("second", 9)] {
        let mut memory = Memory::new(BASE, 1 << 16).unwrap();
        memory.write(BASE, image.bytes()).unwrap();
        let mut emulator = Emulator::new(MachineConfig::new(ExtensionSet::RV32IMAC), memory);
        emulator
            .set_executable(BASE, image.sections().text.end)
            .unwrap();
        let entry = image.address_of(&ExternalName::symbol(name)).unwrap();
        let stop = emulator.call(entry, BASE + (1 << 16), &[], 100).unwrap();
        assert_eq!((stop, emulator.gpr(Gpr::A0)), (Stop::Halted, value));
    }
}
