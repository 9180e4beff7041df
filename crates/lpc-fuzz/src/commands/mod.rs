//! The commands, one in each file: its arguments, and what it prints.

pub(crate) mod abi;
pub(crate) mod broken;
pub(crate) mod device;
pub(crate) mod diff;
pub(crate) mod replay;

use lpc_fuzz::Error;
use std::fmt;
use std::io::Write;

/// Writes a line to the standard output.
fn print_line(line: fmt::Arguments<'_>) -> Result<(), Error> {
    writeln!(anstream::stdout(), "{line}").map_err(Error::Output)
}
