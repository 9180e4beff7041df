//! LPIR: an SSA intermediate representation for 32-bit machines, in the syntax of Cranelift's CLIF.
//!
//! A [`Function`](ir::Function) is made of a [`DataFlowGraph`](ir::DataFlowGraph) (which instruction defines and uses which
//! value) and a [`Layout`](ir::Layout) (in which order the blocks, and the instructions of each block, stand):
//!
//! ```text
//!  Module ── functions ──► Function
//!                            ├── name, signature, stack slots, global values
//!                            ├── dfg:    Inst ─► InstructionData ─► Values ─► (defining Inst | block parameter)
//!                            └── layout: block0 ⇄ block1 ⇄ …   each:  inst ⇄ inst ⇄ terminator
//! ```
//!
//! Every entity (value, instruction, block, stack slot, …) is a 32-bit index into a table of its function, so a function is
//! a handful of flat arrays. What each opcode is called, which operands it takes and of which types stands in one table,
//! [`ir::Opcode`]; text reader, text writer, verifier and builder are driven by it.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod analysis;
#[cfg(feature = "binary")]
pub mod binary;
pub mod builder;
pub mod entity;
pub mod heap;
pub mod ir;
#[cfg(any(feature = "text-reader", feature = "text-writer"))]
pub mod text;
#[cfg(feature = "verifier")]
pub mod verifier;
