//! Assembler syntax, as GNU objdump prints it.
//!
//! Mnemonic, one space, operands separated by commas. By default every instruction prints as what
//! it is (objdump's `-M no-aliases`); on request the usual pseudo-instructions stand for special
//! cases. Branch targets print as absolute addresses when the instruction's own address is known
//! and as `.+16` otherwise, which assemblers accept as well.

use crate::csr::Csr;
use crate::format::Format;
use crate::gpr::Gpr;
use crate::inst::{FenceSet, Inst};
use crate::table::Opcode;
use core::fmt;

/// How to print an instruction.
#[derive(Clone, Copy, Default)]
pub struct DisplayOptions<'a> {
    /// Print pseudo-instructions (`li`, `mv`, `ret`, `beqz`, ...) where one applies.
    pub pseudo: bool,
    /// The address of the instruction, to print branch targets as addresses.
    pub address: Option<u32>,
    /// Names for branch targets, printed as `<name>` behind the address.
    pub symbols: Option<&'a dyn Fn(u32) -> Option<&'a str>>,
}

/// An instruction that prints with [`DisplayOptions`].
pub struct DisplayInst<'a> {
    inst: Inst,
    options: DisplayOptions<'a>,
}

impl Inst {
    /// The instruction as text.
    pub fn display(self, options: DisplayOptions<'_>) -> DisplayInst<'_> {
        DisplayInst {
            inst: self,
            options,
        }
    }
}

/// Prints the instruction itself; with `{:#}` as a pseudo-instruction where one applies.
impl fmt::Display for Inst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = DisplayOptions {
            pseudo: f.alternate(),
            ..DisplayOptions::default()
        };
        self.display(options).fmt(f)
    }
}

impl fmt::Debug for Inst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DisplayInst<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.options.pseudo && self.fmt_pseudo(f)? {
            return Ok(());
        }
        self.fmt_raw(f)
    }
}

impl<'a> DisplayInst<'a> {
    fn fmt_raw(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inst {
            opcode,
            rd,
            rs1,
            rs2,
            imm,
        } = self.inst;
        f.write_str(opcode.mnemonic())?;
        match opcode.format() {
            Format::R => write!(f, " {rd},{rs1},{rs2}"),
            Format::Unary => write!(f, " {rd},{rs1}"),
            Format::I => write!(f, " {rd},{rs1},{imm}"),
            Format::Shift => write!(f, " {rd},{rs1},{imm:#x}"),
            Format::Load | Format::JumpRegister => write!(f, " {rd},{imm}({rs1})"),
            Format::Store => write!(f, " {rs2},{imm}({rs1})"),
            Format::Branch => write!(f, " {rs1},{rs2},{}", self.target()),
            Format::Upper => write!(f, " {rd},{imm:#x}"),
            Format::Jump => write!(f, " {rd},{}", self.target()),
            Format::LoadReserved => write!(f, "{} {rd},({rs1})", self.order_suffix()),
            Format::StoreConditional | Format::AtomicMemory => {
                write!(f, "{} {rd},{rs2},({rs1})", self.order_suffix())
            }
            Format::CsrRegister => write!(f, " {rd},{},{rs1}", self.inst.csr_operand()),
            Format::CsrImmediate => {
                let operand = self.inst.csr_immediate_operand();
                write!(f, " {rd},{},{operand}", self.inst.csr_operand())
            }
            Format::Fence => write!(
                f,
                " {},{}",
                FenceSet::from_bits(imm >> 4),
                FenceSet::from_bits(imm)
            ),
            Format::NoOperands => Ok(()),
        }
    }

    /// Prints a pseudo-instruction if one applies (unprivileged manual, "Pseudoinstructions").
    fn fmt_pseudo(&self, f: &mut fmt::Formatter<'_>) -> Result<bool, fmt::Error> {
        let printed = match self.inst.opcode.format() {
            Format::Branch => self.fmt_branch_on_zero(f),
            Format::Jump | Format::JumpRegister => self.fmt_jump(f),
            Format::CsrRegister | Format::CsrImmediate => self.fmt_csr(f),
            _ => self.fmt_arithmetic(f),
        };
        printed.transpose().map(|printed| printed.is_some())
    }

    fn fmt_arithmetic(&self, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        const ZERO: Gpr = Gpr::ZERO;
        let Inst {
            opcode,
            rd,
            rs1,
            rs2,
            imm,
        } = self.inst;
        Some(match (opcode, rs1, rs2, imm) {
            (Opcode::Addi, ZERO, _, 0) if rd == ZERO => f.write_str("nop"),
            (Opcode::Addi, ZERO, _, _) => write!(f, "li {rd},{imm}"),
            (Opcode::Addi, _, _, 0) => write!(f, "mv {rd},{rs1}"),
            (Opcode::Add, ZERO, _, _) => write!(f, "mv {rd},{rs2}"),
            (Opcode::Xori, _, _, -1) => write!(f, "not {rd},{rs1}"),
            (Opcode::Andi, _, _, 255) => write!(f, "zext.b {rd},{rs1}"),
            (Opcode::Sltiu, _, _, 1) => write!(f, "seqz {rd},{rs1}"),
            (Opcode::Sub, ZERO, _, _) => write!(f, "neg {rd},{rs2}"),
            (Opcode::Sltu, ZERO, _, _) => write!(f, "snez {rd},{rs2}"),
            (Opcode::Slt, _, ZERO, _) => write!(f, "sltz {rd},{rs1}"),
            (Opcode::Slt, ZERO, _, _) => write!(f, "sgtz {rd},{rs2}"),
            (Opcode::Fence, _, _, 0xff) => f.write_str("fence"),
            _ => return None,
        })
    }

    fn fmt_branch_on_zero(&self, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        let Inst {
            opcode, rs1, rs2, ..
        } = self.inst;
        let (mnemonic, register) = match (opcode, rs1, rs2) {
            (Opcode::Beq, _, Gpr::ZERO) => ("beqz", rs1),
            (Opcode::Bne, _, Gpr::ZERO) => ("bnez", rs1),
            (Opcode::Bge, Gpr::ZERO, _) => ("blez", rs2),
            (Opcode::Bge, _, Gpr::ZERO) => ("bgez", rs1),
            (Opcode::Blt, _, Gpr::ZERO) => ("bltz", rs1),
            (Opcode::Blt, Gpr::ZERO, _) => ("bgtz", rs2),
            _ => return None,
        };
        Some(write!(f, "{mnemonic} {register},{}", self.target()))
    }

    fn fmt_jump(&self, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        let Inst {
            opcode,
            rd,
            rs1,
            imm,
            ..
        } = self.inst;
        Some(match (opcode, rd, rs1, imm) {
            (Opcode::Jal, Gpr::ZERO, ..) => write!(f, "j {}", self.target()),
            (Opcode::Jal, Gpr::RA, ..) => write!(f, "jal {}", self.target()),
            (Opcode::Jalr, Gpr::ZERO, Gpr::RA, 0) => f.write_str("ret"),
            (Opcode::Jalr, Gpr::ZERO, _, 0) => write!(f, "jr {rs1}"),
            (Opcode::Jalr, Gpr::ZERO, ..) => write!(f, "jr {imm}({rs1})"),
            (Opcode::Jalr, Gpr::RA, _, 0) => write!(f, "jalr {rs1}"),
            (Opcode::Jalr, Gpr::RA, ..) => write!(f, "jalr {imm}({rs1})"),
            (Opcode::Jalr, _, _, 0) => write!(f, "jalr {rd},{rs1}"),
            _ => return None,
        })
    }

    fn fmt_csr(&self, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        let Inst {
            opcode, rd, rs1, ..
        } = self.inst;
        let csr = self.inst.csr_operand();
        let operand = self.inst.csr_immediate_operand();
        Some(match (opcode, rd, rs1) {
            (Opcode::Csrrw, Gpr::ZERO, Gpr::ZERO) if csr == Csr::CYCLE => f.write_str("unimp"),
            (Opcode::Csrrs, _, Gpr::ZERO) => match csr.counter_pseudo() {
                Some(mnemonic) => write!(f, "{mnemonic} {rd}"),
                None => write!(f, "csrr {rd},{csr}"),
            },
            (Opcode::Csrrw, Gpr::ZERO, _) => write!(f, "csrw {csr},{rs1}"),
            (Opcode::Csrrs, Gpr::ZERO, _) => write!(f, "csrs {csr},{rs1}"),
            (Opcode::Csrrc, Gpr::ZERO, _) => write!(f, "csrc {csr},{rs1}"),
            (Opcode::Csrrwi, Gpr::ZERO, _) => write!(f, "csrwi {csr},{operand}"),
            (Opcode::Csrrsi, Gpr::ZERO, _) => write!(f, "csrsi {csr},{operand}"),
            (Opcode::Csrrci, Gpr::ZERO, _) => write!(f, "csrci {csr},{operand}"),
            _ => return None,
        })
    }

    fn order_suffix(&self) -> &'static str {
        let order = self.inst.atomic_order();
        match (order.acquire, order.release) {
            (false, false) => "",
            (true, false) => ".aq",
            (false, true) => ".rl",
            (true, true) => ".aqrl",
        }
    }

    fn target(&self) -> Target<'a> {
        Target {
            offset: self.inst.imm,
            options: self.options,
        }
    }
}

/// The target of a branch or `jal`.
struct Target<'a> {
    offset: i32,
    options: DisplayOptions<'a>,
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(address) = self.options.address else {
            return write!(f, ".{:+}", self.offset);
        };
        let target = address.wrapping_add_signed(self.offset);
        write!(f, "{target:x}")?;
        match self.options.symbols.and_then(|symbols| symbols(target)) {
            Some(name) => write!(f, " <{name}>"),
            None => Ok(()),
        }
    }
}
