//! Encodings and assembler syntax against the GNU assembler.

use gnu::KNOWN_EXTENSIONS;
use lpc_riscv32::{Csr, ExtensionSet, Gpr, Inst, Opcode, compressed};
use std::fmt::Write;
use std::fs;
use std::process::Command;
use tools::{output_of, scratch_file, tools_are_there};

#[path = "support/gnu.rs"]
mod gnu;
#[path = "support/tools.rs"]
mod tools;

const OBJCOPY: &str = "riscv64-unknown-elf-objcopy";

/// The code that the assembler makes of `text`.
fn assemble(text: &str, extensions: ExtensionSet, name: &str) -> Vec<u8> {
    let object = gnu::assemble(text, extensions, name).unwrap();
    let binary = scratch_file(name, "bin");
    let mut objcopy = Command::new(OBJCOPY);
    objcopy.args(["-O", "binary", "-j", ".text"]);
    output_of(objcopy.arg(object).arg(&binary)).unwrap();
    fs::read(binary).unwrap()
}

/// Instructions of `opcode` with operands at the edges of what fits: whatever of them can be encoded.
fn samples(opcode: Opcode) -> Vec<(Inst, u32)> {
    let registers = [Gpr::ZERO, Gpr::SP, Gpr::S1, Gpr::A0, Gpr::T6];
    let immediates = [
        0, 1, 2, 16, 31, 0x33, 0xff, 0x7fe, 2047, -1, -2, -2048, 4094, -4096, 0xf_ffff, 0x8_0000,
        0xf_fffe, -0x10_0000,
    ];
    let csrs = [Csr::new(0x300), Csr::new(0x340), Csr::new(0xc00)]
        .into_iter()
        .flatten();
    let csrs = csrs.flat_map(|csr| [i32::from(csr.number()), i32::from(csr.number()) | 31 << 12]);
    let mut samples = Vec::new();
    for (index, imm) in immediates.into_iter().chain(csrs).enumerate() {
        for shift in 0..registers.len() {
            let register = |offset: usize| registers[(index + shift * offset) % registers.len()];
            for mask in 0..8 {
                let operand = |bit: usize| {
                    if mask >> bit & 1 == 1 {
                        register(bit + 1)
                    } else {
                        Gpr::ZERO
                    }
                };
                let inst = Inst {
                    opcode,
                    rd: operand(0),
                    rs1: operand(1),
                    rs2: operand(2),
                    imm,
                };
                samples.extend(inst.encode().ok().map(|word| (inst, word)));
            }
        }
    }
    samples.sort_unstable_by_key(|(_, word)| *word);
    samples.dedup_by_key(|(_, word)| *word);
    samples
}

#[test]
fn the_assembler_encodes_every_instruction_as_we_do() {
    if !tools_are_there(&[gnu::ASSEMBLER, OBJCOPY]) {
        return;
    }
    let extensions = *KNOWN_EXTENSIONS;
    let mut text = String::from(".option norvc\n.option norelax\n");
    let mut expected = Vec::new();
    for opcode in Opcode::ALL {
        if !opcode.is_in(extensions) {
            eprintln!("skipped, as this assembler lacks it: {}", opcode.mnemonic());
            continue;
        }
        let before = expected.len();
        for (inst, word) in samples(*opcode) {
            let line = inst.to_string();
            // A fence of nothing has no syntax; objdump prints this as well.
            if !line.contains("unknown") {
                writeln!(text, "{line}").unwrap();
                expected.push((inst, word));
            }
        }
        assert!(expected.len() > before, "{}", opcode.mnemonic());
    }
    let code = assemble(&text, extensions, "every_instruction");
    let words = code
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()));
    let words: Vec<_> = words.collect();
    assert_eq!(words.len(), expected.len());
    for (theirs, (inst, ours)) in words.into_iter().zip(expected) {
        assert_eq!(theirs, ours, "{inst}: {theirs:#010x} and {ours:#010x}");
    }
}

#[test]
fn the_assembler_compresses_every_instruction_as_we_do() {
    if !tools_are_there(&[gnu::ASSEMBLER, OBJCOPY]) {
        return;
    }
    // Zcb and its kin are younger than this assembler may be.
    let extensions = ExtensionSet::RV32IMAC;
    let mut insts: Vec<Inst> = (0..=u16::MAX)
        .filter_map(|bits| compressed::expand(bits, extensions))
        // Hints have no assembler syntax of their own.
        .filter(|inst| inst.rd != Gpr::ZERO || inst.opcode != Opcode::Add)
        .collect();
    insts.sort_unstable_by_key(|inst| inst.encode().ok());
    insts.dedup();
    assert!(insts.len() > 20_000);
    let mut text = String::from(".option rvc\n.option norelax\n");
    let mut expected = Vec::new();
    for inst in insts {
        match (inst.opcode, inst.rd) {
            // The assembler knows this one by its compressed name only.
            (Opcode::Jal, Gpr::RA) => writeln!(text, "c.jal .{:+}", inst.imm).unwrap(),
            // It compresses `jr` and not the `jalr` that it stands for.
            _ => writeln!(text, "{inst:#}").unwrap(),
        }
        let code = match compressed::compress(inst, extensions) {
            Some(bits) => bits.to_le_bytes().to_vec(),
            None => inst.encode().unwrap().to_le_bytes().to_vec(),
        };
        expected.push((inst, code));
    }
    let code = assemble(&text, extensions, "every_compressed_instruction");
    let mut rest = &code[..];
    for (inst, ours) in expected {
        let length = if rest[0] & 3 == 3 { 4 } else { 2 };
        let (theirs, behind) = rest.split_at(length);
        assert_eq!(theirs, ours, "{inst}");
        rest = behind;
    }
    assert!(rest.is_empty());
}
