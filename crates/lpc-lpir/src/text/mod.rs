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
//! Reader and writer are there with the features `text-reader` and `text-writer`.
//!
//! The reader takes memory and time in proportion to the text, whatever numbers stand in it, and does not recurse.

#[cfg(feature = "text-reader")]
mod error;
#[cfg(feature = "text-reader")]
mod lexer;
#[cfg(feature = "text-writer")]
mod module_writer;
#[cfg(feature = "text-reader")]
mod parser;
#[cfg(feature = "text-reader")]
mod run_command;
#[cfg(feature = "text-reader")]
mod source_map;
#[cfg(feature = "text-reader")]
mod test_file;
#[cfg(test)]
mod tests;
#[cfg(feature = "text-writer")]
mod writer;

#[cfg(feature = "text-reader")]
pub use error::{Excerpt, Location, ParseError};
#[cfg(feature = "text-reader")]
pub use parser::{
    parse_functions, parse_invocation, parse_module, parse_module_with_sources, parse_run_command,
    parse_run_command_at, parse_test, parse_test_with_wide_addresses,
};
#[cfg(feature = "text-reader")]
pub use run_command::{Comparison, Invocation, Results, RunCommand};
#[cfg(feature = "text-reader")]
pub use source_map::SourceMap;
#[cfg(feature = "text-reader")]
pub use test_file::{
    Comment, HeaderKind, HeaderLine, Outcome, ParsedFunction, TestFile, TestFunction,
};
#[cfg(feature = "text-writer")]
pub use writer::DisplayInst;
