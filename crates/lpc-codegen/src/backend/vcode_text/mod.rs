//! The text form of virtual-register code.
//!
//! It prints and parses, to a fixpoint, so that register allocation and emission can be tested by themselves.
//!
//! ```text
//! vcode %gcd {                              a function; in its header, what it needs of its frame:
//!     stackslots 24, align 8                  also incoming_args, tail_args, outgoing_args, unchecked_stack (bytes),
//!     const0 = 0x0011aabb                     pops_incoming_args, preserve_frame_pointers, and constants (bytes in the order of memory)
//!     stack_limit lw t0, 8(a0)                an instruction of those that compute the stack limit, before the prologue
//!
//! block0:                                   blocks, numbered from 0 in the order in which they are laid out
//!     args v192=a0, v193=a1                 fixed constraints: virtual register = physical register
//!     @0012 add v194, v192, v193            an instruction with its source location
//!     beq v194, zero, block1, block2
//!
//! block1 edge:                              made to split a critical edge
//!     jump block3(v194)                     arguments for the parameters of the target, where it is first named
//!
//! block3(v195) cold:                        a parameter; laid out after all blocks that are not cold
//!     rets v195=a0
//! }
//! ```
//!
//! Virtual registers are `v192`, `v193`, …, with a suffix `f` or `v` for those of the float and vector classes. Comments
//! run from `;` to the end of the line. One line holds one instruction. What follows the mnemonic is defined by the
//! machine: see [`MachInstText`].
//!
//! [`print_allocated_vcode`] shows an allocation beside it (`v194:a0`), with the allocator's moves as lines that start with
//! `+`. That form does not parse.

mod cursor;
mod inst_parser;
mod parse;
mod write;

pub use cursor::{Cursor, VCodeParseError};
pub use inst_parser::InstParser;
pub use parse::{NamedVCode, parse_vcode};
pub use write::{InstPrinter, print_allocated_vcode, print_vcode};

use super::machinst::MachInst;
use super::reg::RealReg;
use core::fmt;

/// A machine instruction that has a text form.
pub trait MachInstText: MachInst {
    /// The name of a physical register.
    fn reg_name(reg: RealReg) -> &'static str;

    /// The physical register with the name `name`.
    fn reg_by_name(name: &str) -> Option<RealReg>;

    /// Prints the instruction.
    ///
    /// # Errors
    /// Those of the underlying writer.
    fn print(&self, printer: &mut InstPrinter<'_, '_>) -> fmt::Result;

    /// Parses the operands of the instruction that is called `mnemonic`.
    ///
    /// # Errors
    /// When the text is not such an instruction.
    fn parse(mnemonic: &str, parser: &mut InstParser<'_, '_>) -> Result<Self, VCodeParseError>;
}
