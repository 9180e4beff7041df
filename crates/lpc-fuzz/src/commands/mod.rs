//! The commands, one in each file: its arguments, and what it prints.

pub(crate) mod abi;
pub(crate) mod broken;
pub(crate) mod diff;
pub(crate) mod replay;
