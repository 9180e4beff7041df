//! Files of virtual-register code.

use lpc_codegen::backend::vcode_text::{NamedVCode, VCodeParseError, parse_vcode};
use lpc_codegen::isa::riscv32::inst::MInst;
use lpc_lpir::text::{HeaderLine, TestFile, parse_test};

/// A file of virtual-register code that was read.
pub(crate) struct VCodeFile<'a> {
    /// The lines before the first function.
    pub(crate) header: Vec<HeaderLine<'a>>,
    /// The functions, in order.
    pub(crate) functions: Vec<NamedVCode<MInst>>,
}

impl<'a> VCodeFile<'a> {
    /// Reads `text`.
    ///
    /// # Errors
    /// The first place where the text is not virtual-register code.
    pub(crate) fn parse(text: &'a str) -> Result<Self, VCodeParseError> {
        let (header_text, functions_text) = text.split_at(header_length(text));
        // The header is that of all test files; its lines are left empty for the rest, so that lines keep their numbers.
        let header = parse_test(header_text).map(|TestFile { header, .. }| header);
        let header = header.map_err(|error| VCodeParseError {
            line: error.location.line,
            column: error.location.column,
            message: error.message,
        })?;
        let empty_lines = "\n".repeat(header_text.lines().count());
        let functions = parse_vcode(&(empty_lines + functions_text))?;
        Ok(Self { header, functions })
    }
}

/// The bytes before the first function.
fn header_length(text: &str) -> usize {
    let lines = text.split_inclusive('\n');
    let header = lines.take_while(|line| line.split_whitespace().next() != Some("vcode"));
    header.map(str::len).sum()
}
