//! The commands, a file each.

pub(crate) mod code;
pub(crate) mod compile;
pub(crate) mod emulator;
