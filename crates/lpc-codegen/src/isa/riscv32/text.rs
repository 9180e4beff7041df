//! The text form of RV32 instructions with virtual registers.
//!
//! Instructions of the machine are written as in assembly, pseudo-instructions and short sequences under names of their
//! own. Where an address stands, it is one of
//!
//! ```text
//!  8(v192)             a register and an offset
//!  slot+8              the explicit stack slots
//!  incoming_arg+4      the arguments of the function in memory
//!  outgoing_arg+0      the arguments of the next call in memory
//!  tail_arg(32)+4      the arguments in memory of a tail call that passes 32 bytes of them
//!  spillslot3          a word of the allocator
//!  const0              a constant of the function
//! ```
//!
//! Calls are written `call %f(v192=a0) -> v193=a0 clobbers a1-a7, t0 pops 16`.

mod parse;
mod print;

use super::inst::MInst;
use super::regs;
use crate::backend::reg::RealReg;
use crate::backend::vcode_text::{InstParser, InstPrinter, MachInstText, VCodeParseError};
use core::fmt;
use lpc_riscv32::Gpr;

impl MachInstText for MInst {
    fn reg_name(reg: RealReg) -> &'static str {
        regs::gpr(reg.to_reg()).abi_name()
    }

    fn reg_by_name(name: &str) -> Option<RealReg> {
        name.parse::<Gpr>().ok().map(regs::real_reg)
    }

    fn print(&self, printer: &mut InstPrinter<'_, '_>) -> fmt::Result {
        print::print(self, printer)
    }

    fn parse(mnemonic: &str, parser: &mut InstParser<'_, '_>) -> Result<Self, VCodeParseError> {
        parse::parse(mnemonic, parser)
    }
}
