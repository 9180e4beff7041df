//! Code generation, as far as it is the same for every machine.
//!
//! Everything here works on a [`MachInst`](machinst::MachInst); what is particular to a machine lies under
//! [`isa`](crate::isa).
//!
//! ```text
//!  lower ─► VCodeBuilder ─► VCode ─► regalloc ─► emit ─► MachBuffer ─► CompiledCode
//!                             ▲                    ▲
//!                       vcode_text             FrameLayout
//! ```

pub mod abi;
#[cfg(feature = "ion")]
pub mod allocation_cost;
pub mod blockorder;
#[cfg(feature = "checker")]
mod branch_args;
pub mod buffer;
pub mod constants;
pub mod emit;
pub mod frame;
mod live_ranges;
pub mod lower;
pub mod machinst;
pub mod operands;
pub mod pressure;
pub mod ranges;
pub mod reg;
pub mod regalloc;
#[cfg(feature = "checker")]
mod regalloc_validation;
pub mod relax;
pub mod reloc;
mod single_pass;
pub mod transfer;
pub mod unwind;
pub mod value_labels;
pub mod vcode;
pub mod vcode_builder;
#[cfg(feature = "vcode-text")]
pub mod vcode_text;
pub mod vreg_numbering;
