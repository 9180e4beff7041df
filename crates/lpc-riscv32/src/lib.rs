//! RV32 instructions: registers, extensions, encoding, decoding, disassembly and an emulator.
//!
//! Everything this crate knows about an instruction comes from one row of the table in [`table`]:
//!
//! ```text
//!              ┌────────────── table (one row an instruction) ─────────────┐
//!              │ opcode, mnemonic, format, fixed bits, extension           │
//!              └──┬──────────────┬───────────────┬───────────────┬─────────┘
//!       Inst::encode       Inst::decode    display, disassembler   emulator (which extension)
//! ```
//!
//! * [`gpr`], [`csr`], [`immediate`]: the operands.
//! * [`extension`]: sets of extensions, with their text form (`rv32imac_zba_zbb`).
//! * [`format`](mod@format): how the operands of each instruction format lie in its 32 bits.
//! * [`inst`]: [`Inst`], one instruction with its operands, encoded and decoded.
//! * [`compressed`]: the 16-bit forms, as a table of the same kind that maps them to [`Inst`].
//! * [`fetch`](mod@fetch): the instruction at the start of a byte sequence.
//! * [`host_call`](mod@host_call): the code of functions that are provided by who runs a program.
//! * [`display`] and [`disassembler`]: assembler syntax.
//! * [`emulator`]: runs machine code.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod compressed;
pub mod csr;
#[cfg(feature = "disassembler")]
pub mod disassembler;
#[cfg(feature = "disassembler")]
pub mod display;
#[cfg(feature = "emulator")]
pub mod emulator;
pub mod extension;
pub mod fetch;
pub mod format;
pub mod gpr;
pub mod host_call;
pub mod immediate;
pub mod inst;
pub mod table;

pub use csr::Csr;
#[cfg(feature = "emulator")]
pub use emulator::Emulator;
pub use extension::{Extension, ExtensionSet};
pub use format::Format;
pub use gpr::Gpr;
pub use immediate::{BranchOffset, Imm12, Imm20, JumpOffset, ShiftAmount};
pub use inst::{DecodeError, EncodeError, Inst};
pub use table::Opcode;
