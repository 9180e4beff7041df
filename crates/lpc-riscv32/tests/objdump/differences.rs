//! What objdump prints otherwise than we do, and why.

use lpc_riscv32::disassembler::Line;
use lpc_riscv32::{Format, Opcode};

/// An instruction as objdump shows it.
pub(crate) struct Shown<'a> {
    pub(crate) text: &'a str,
    /// What we make of it.
    pub(crate) line: Line,
    /// How objdump names each control and status register.
    pub(crate) csr_names: &'a [String],
}

/// Something that objdump prints otherwise than we do.
pub(crate) struct Difference {
    /// An example.
    pub(crate) what: &'static str,
    pub(crate) reason: &'static str,
    /// The text without this difference, if it is there.
    pub(crate) remove: fn(&Shown<'_>) -> Option<String>,
}

/// What stands for an encoding that is no instruction.
const DATA: &str = ".word";

pub(crate) const DIFFERENCES: &[Difference] = &[
    // Encodings that are no instructions of ours
    Difference {
        what: "slli a0,a1,0x20",
        reason: "RV32 reserves shift amounts above 31; objdump takes those of RV64",
        remove: |shown| {
            let (_, amount) = shown.text.rsplit_once(",0x")?;
            let amount = u32::from_str_radix(amount, 16).ok()?;
            let is_illegal = shown.line.inst.is_none() && (32..64).contains(&amount);
            is_illegal.then(|| DATA.to_owned())
        },
    },
    Difference {
        what: "c.addi16sp sp,0",
        reason: "reserved, as the manual says; objdump up to 2.40 shows it",
        remove: |shown| {
            (shown.line.length == 2 && shown.line.bits == 0x6101).then(|| DATA.to_owned())
        },
    },
    Difference {
        what: "sret",
        reason: "our machines have machine mode only; objdump knows the instructions of all modes, past ones included",
        remove: |shown| {
            let mnemonic = shown.text.split(' ').next()?;
            let is_other_mode = ["uret", "sret", "hret", "dret"].contains(&mnemonic)
                || mnemonic.starts_with("sfence.");
            (shown.line.inst.is_none() && is_other_mode).then(|| DATA.to_owned())
        },
    },
    Difference {
        what: "c.unimp",
        reason: "without pseudo-instructions it is data for us, as it is an instruction of no machine",
        remove: |shown| (shown.text == "c.unimp").then(|| DATA.to_owned()),
    },
    // Operands
    Difference {
        what: "j 0x80000000 for j 80000000",
        reason: "objdump writes 0x where it knows no symbol, and we never do",
        remove: |shown| {
            let has_target = matches!(format_of(shown)?, Format::Branch | Format::Jump);
            let (before, target) = shown.text.rsplit_once("0x").filter(|_| has_target)?;
            Some(format!("{before}{target}"))
        },
    },
    Difference {
        what: "csrr a0,pmpaddr0 for csrr a0,0x3b0",
        reason: "we name the registers that machines of this crate have, objdump those of all machines",
        remove: |shown| {
            let is_csr = matches!(
                format_of(shown)?,
                Format::CsrRegister | Format::CsrImmediate
            );
            let csr = shown.line.inst?.csr_operand();
            let name = &shown.csr_names[usize::from(csr.number())];
            let is_unnamed = csr.name().is_none() && !name.starts_with("0x");
            (is_csr && is_unnamed).then(|| shown.text.replacen(name, &csr.to_string(), 1))
        },
    },
    // Pseudo-instructions
    Difference {
        what: "add a0,a1,1 for addi a0,a1,1",
        reason: "with pseudo-instructions objdump leaves the `i` away up to version 2.40, and no longer",
        remove: |shown| {
            let (mnemonic, operands) = shown.text.split_once(' ')?;
            let opcode = shown.line.inst?.opcode;
            let is_short = match opcode {
                Opcode::Sltiu => mnemonic == "sltu",
                _ => opcode.mnemonic().strip_suffix('i') == Some(mnemonic),
            };
            is_short.then(|| format!("{} {operands}", opcode.mnemonic()))
        },
    },
    Difference {
        what: "csrw mepc,1 for csrwi mepc,1",
        reason: "as above",
        remove: |shown| {
            let (mnemonic, operands) = shown.text.split_once(' ')?;
            let is_short = format_of(shown)? == Format::CsrImmediate
                && ["csrw", "csrs", "csrc"].contains(&mnemonic);
            is_short.then(|| format!("{mnemonic}i {operands}"))
        },
    },
    Difference {
        what: "add a0,zero,a1 for mv a0,a1",
        reason: "we show a move as that in both lengths of the instruction, objdump in the short one",
        remove: |shown| {
            let operands = shown.text.strip_prefix("add ")?;
            let (rd, rs2) = operands.split_once(",zero,")?;
            Some(format!("mv {rd},{rs2}"))
        },
    },
    // Compressed hints
    Difference {
        what: "c.nop 1 for li zero,1",
        reason: HINT,
        remove: |shown| {
            let operands = shown.text.strip_prefix("c.nop ")?;
            Some(format!("li zero,{operands}"))
        },
    },
    Difference {
        what: "c.li zero,1 for li zero,1",
        reason: HINT,
        remove: |shown| {
            let text = shown.text.strip_prefix("c.")?;
            let names = ["li zero,", "lui zero,", "mv zero,"];
            let is_hint = names.iter().any(|name| text.starts_with(name));
            is_hint.then(|| if text == "li zero,0" { "nop" } else { text }.to_owned())
        },
    },
    Difference {
        what: "c.add zero,a0 for mv zero,a0",
        reason: HINT,
        remove: |shown| {
            let register = shown.text.strip_prefix("c.add zero,")?;
            Some(format!("mv zero,{register}"))
        },
    },
    Difference {
        what: "addi a0,a0,0 for mv a0,a0",
        reason: HINT,
        remove: |shown| {
            let operands = shown.text.strip_prefix("addi ")?.strip_suffix(",0")?;
            Some(format!("mv {operands}"))
        },
    },
    Difference {
        what: "c.slli zero,0x1 for slli zero,zero,0x1",
        reason: HINT,
        remove: |shown| {
            let amount = shown.text.strip_prefix("c.slli zero,")?;
            Some(format!("slli zero,zero,{amount}"))
        },
    },
    Difference {
        what: "c.srli64 s0 for srli s0,s0,0x0",
        reason: HINT,
        remove: |shown| {
            let (mnemonic, register) = shown.text.strip_prefix("c.")?.split_once("64 ")?;
            Some(format!("{mnemonic} {register},{register},0x0"))
        },
    },
];

const HINT: &str =
    "we show a hint as the instruction without effect that it is, objdump by a name of its own";

fn format_of(shown: &Shown<'_>) -> Option<Format> {
    Some(shown.line.inst?.opcode.format())
}

/// Names of compressed forms, theirs and ours, that differ without pseudo-instructions.
pub(crate) const COMPRESSED_NAMES: &[(&str, &str)] = &[
    // The assembler knows `c.nop` as an addition to `zero`.
    ("c.addi", "c.nop"),
    // Shifts by 0 are hints of RV32 and RV64, and shifts by 64 of RV128.
    ("c.slli64", "c.slli"),
    ("c.srli64", "c.srli"),
    ("c.srai64", "c.srai"),
];
