//! The text form: Cranelift's CLIF, read and written.
//!
//! ```text
//!  text ─► Lexer ─► Parser ─► TestFile ── functions ──► Function + SourceMap ─► Display ─► text
//!                                  ├─── directives ──► Module: data, linkage, imports ─► Display ─► text
//!                                  └──── comments ───► RunCommand
//! ```
//!
//! [`parse_module`] reads a program, [`parse_test`] a file with all that stands around the functions. A function that uses
//! what CLIF has and LPIR lacks is skipped by itself and the rest of its file is read; what is not CLIF is a [`ParseError`]
//! with its line and column. Functions and modules print themselves through `Display`; what was printed reads back as the same,
//! so printing, reading and printing gives the same text.
//!
//! The reader takes memory and time in proportion to the text, whatever numbers stand in it, and does not recurse.

mod error;
mod lexer;
mod module_writer;
mod parser;
mod run_command;
mod source_map;
mod test_file;
#[cfg(test)]
mod tests;
mod writer;

pub use error::{Excerpt, Location, ParseError};
pub use parser::{
    parse_functions, parse_invocation, parse_module, parse_module_with_sources, parse_run_command,
    parse_run_command_at, parse_test, parse_test_with_wide_addresses,
};
pub use run_command::{Comparison, Invocation, Results, RunCommand};
pub use source_map::SourceMap;
pub use test_file::{
    Comment, HeaderKind, HeaderLine, Outcome, ParsedFunction, TestFile, TestFunction,
};
pub use writer::DisplayInst;
