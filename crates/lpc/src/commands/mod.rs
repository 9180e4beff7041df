//! The subcommands, one file each.

pub(crate) mod compile;
pub(crate) mod device;
pub(crate) mod dis;
pub(crate) mod render;
pub(crate) mod run;
mod run_elf;
pub(crate) mod test;
