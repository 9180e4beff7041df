//! What tests and benchmarks share: a small assembler, so that they can state programs as text.
//!
//! The assembler takes raw instructions in the syntax that the disassembler prints, one a line, with
//! `label:` on a line of its own, labels or distances (`.+8`) as targets and `#` comments.

use lpc_riscv32::inst::AtomicOrder;
use lpc_riscv32::{Csr, Format, Gpr, Inst, Opcode};
use std::collections::HashMap;

/// Assembles `source` to 32-bit instructions. Panics on what it does not understand.
pub(crate) fn assemble(source: &str) -> Vec<u8> {
    let lines: Vec<&str> = source
        .lines()
        .map(|line| line.split('#').next().unwrap().trim())
        .filter(|line| !line.is_empty())
        .collect();
    let mut labels = HashMap::new();
    let mut address = 0;
    for line in &lines {
        match line.strip_suffix(':') {
            Some(label) => assert!(labels.insert(label, address).is_none(), "{label} twice"),
            None => address += 4,
        }
    }
    let mut bytes = Vec::new();
    for line in lines.iter().filter(|line| !line.ends_with(':')) {
        let inst = instruction(line, bytes.len() as i32, &labels);
        let word = inst
            .encode()
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

fn instruction(line: &str, address: i32, labels: &HashMap<&str, i32>) -> Inst {
    let (mnemonic, operands) = line.split_once(' ').unwrap_or((line, ""));
    let operands: Vec<&str> = operands
        .split([',', '(', ')'])
        .map(str::trim)
        .filter(|operand| !operand.is_empty())
        .collect();
    let gpr = |index: usize| -> Gpr {
        operands[index]
            .parse()
            .unwrap_or_else(|error| panic!("{line}: {error}"))
    };
    let target = |index: usize| match labels.get(operands[index]) {
        Some(label) => label - address,
        None => number(operands[index]),
    };
    let imm = |index: usize| number(operands[index]);
    let (opcode, order) = opcode_and_order(mnemonic);
    let mut inst = Inst {
        imm: order,
        ..Inst::no_operands(opcode)
    };
    match opcode.format() {
        Format::R => (inst.rd, inst.rs1, inst.rs2) = (gpr(0), gpr(1), gpr(2)),
        Format::Unary | Format::LoadReserved => (inst.rd, inst.rs1) = (gpr(0), gpr(1)),
        Format::I | Format::Shift => (inst.rd, inst.rs1, inst.imm) = (gpr(0), gpr(1), imm(2)),
        Format::Load | Format::JumpRegister => {
            (inst.rd, inst.imm, inst.rs1) = (gpr(0), imm(1), gpr(2));
        }
        Format::Store => (inst.rs2, inst.imm, inst.rs1) = (gpr(0), imm(1), gpr(2)),
        Format::Branch => (inst.rs1, inst.rs2, inst.imm) = (gpr(0), gpr(1), target(2)),
        Format::Upper => (inst.rd, inst.imm) = (gpr(0), imm(1)),
        Format::Jump => (inst.rd, inst.imm) = (gpr(0), target(1)),
        Format::StoreConditional | Format::AtomicMemory => {
            (inst.rd, inst.rs2, inst.rs1) = (gpr(0), gpr(1), gpr(2));
        }
        Format::CsrRegister => inst = Inst::csr(opcode, gpr(0), csr(operands[1]), gpr(2)),
        Format::CsrImmediate => {
            let operand = imm(2).try_into().unwrap();
            inst = Inst::csr_immediate(opcode, gpr(0), csr(operands[1]), operand);
        }
        Format::Fence => inst.imm = fence_set(operands[0]) << 4 | fence_set(operands[1]),
        Format::NoOperands => {}
    }
    inst
}

/// The opcode, and its ordering bits as [`Inst::imm`] holds them.
fn opcode_and_order(mnemonic: &str) -> (Opcode, i32) {
    let relaxed = AtomicOrder::RELAXED;
    let orders = [
        (".aqrl", AtomicOrder::SEQUENTIALLY_CONSISTENT),
        (
            ".aq",
            AtomicOrder {
                acquire: true,
                ..relaxed
            },
        ),
        (
            ".rl",
            AtomicOrder {
                release: true,
                ..relaxed
            },
        ),
        ("", relaxed),
    ];
    orders
        .iter()
        .find_map(|(suffix, order)| {
            let opcode = Opcode::from_mnemonic(mnemonic.strip_suffix(suffix)?)?;
            let bits = i32::from(order.acquire) << 1 | i32::from(order.release);
            Some((opcode, bits))
        })
        .unwrap_or_else(|| panic!("unknown mnemonic {mnemonic}"))
}

fn fence_set(letters: &str) -> i32 {
    letters
        .chars()
        .map(|letter| 8 >> "iorw".find(letter).unwrap())
        .sum()
}

fn csr(name: &str) -> Csr {
    (0..4096)
        .filter_map(Csr::new)
        .find(|csr| csr.name() == Some(name))
        .unwrap_or_else(|| Csr::new(number(name) as u16).unwrap())
}

fn number(text: &str) -> i32 {
    let text = text.strip_prefix('.').unwrap_or(text);
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).map(|value| value as i32),
        None => text.parse(),
    }
    .unwrap_or_else(|_| panic!("not a number or label: {text}"))
}
