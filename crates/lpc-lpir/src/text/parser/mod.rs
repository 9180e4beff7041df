//! The reader: recursive descent without recursion, as the grammar has no nesting.
//!
//! | file | reads |
//! |---|---|
//! | `file` | header lines, the list of functions |
//! | `directives` | data, linkage and imports, in comments |
//! | `function` | braces and signature of a function |
//! | `preamble` | declarations |
//! | `body` | blocks, results, aliases, instructions and their types |
//! | `operands` | the operands of each instruction format |
//! | `immediates` | integers, names, types |
//! | `numbering` | which entity a number in the text stands for |
//! | `dialect` | words of CLIF that LPIR lacks, or that are gone |
//!
//! The parser looks one token ahead. A comment belongs to the entity that is being read when it is passed, so the current
//! entity is set when its first token is taken and stays until the next one starts.
//!
//! A function that needs what LPIR lacks stops with [`Failure::Unsupported`]; the file level then passes over it and goes on.

mod body;
mod dialect;
mod directives;
mod file;
mod function;
mod immediates;
mod numbering;
mod operands;
mod preamble;
mod run_command;

use self::numbering::SPARE_GAPS;
use super::error::{Location, ParseError};
use super::lexer::{Lexer, Token, has_too_large_number};
use super::source_map::SourceMap;
use super::test_file::{Comment, Outcome, TestFile};
use crate::entity::PrimaryMap;
use crate::ir::{AnyEntity, FuncId, Function, Module};
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

pub use run_command::{parse_invocation, parse_run_command, parse_run_command_at};

/// Reads `text` as a file: header lines, then functions, and directives among them. Two functions may have the same name.
///
/// # Errors
/// The first thing that is not CLIF. What is CLIF and not LPIR is no error: its function is skipped.
pub fn parse_test(text: &str) -> Result<TestFile<'_>, ParseError> {
    Parser::new(text)?.parse_file()
}

/// As [`parse_test`], with addresses that may be of type `i64`, as they are where pointers have 64 bits. A function with such
/// an address does not pass the verifier: this is for those who give it another type first.
///
/// # Errors
/// As [`parse_test`].
pub fn parse_test_with_wide_addresses(text: &str) -> Result<TestFile<'_>, ParseError> {
    let mut parser = Parser::new(text)?;
    parser.allows_wide_addresses = true;
    parser.parse_file()
}

/// Reads all functions of `text`.
///
/// # Errors
/// The first thing that is not LPIR.
pub fn parse_functions(text: &str) -> Result<Vec<Function>, ParseError> {
    let mut functions = Vec::new();
    for function in parse_test(text)?.functions {
        match function.outcome {
            Outcome::Parsed(parsed) => functions.push(parsed.function),
            Outcome::Skipped(reason) => return Err(reason),
        }
    }
    Ok(functions)
}

/// Reads `text` as a module: its functions, and the data, linkage and imports that its directives state.
///
/// # Errors
/// The first thing that is not LPIR, or the second definition of the same name.
pub fn parse_module(text: &str) -> Result<Module, ParseError> {
    parse_module_with_sources(text).map(|(module, _)| module)
}

/// As [`parse_module`], with the places of the parts of each function, for messages about them.
///
/// # Errors
/// As [`parse_module`].
pub fn parse_module_with_sources(
    text: &str,
) -> Result<(Module, PrimaryMap<FuncId, SourceMap>), ParseError> {
    let file = parse_test(text)?;
    let mut module = file.module;
    let mut sources = PrimaryMap::new();
    for test in file.functions {
        let parsed = match test.outcome {
            Outcome::Parsed(parsed) => *parsed,
            Outcome::Skipped(reason) => return Err(reason),
        };
        let added = module.add_function(parsed.function);
        let id = added.map_err(|error| error_at(test.location, error))?;
        module.set_linkage(id, test.linkage);
        sources.push(parsed.source_map);
    }
    Ok((module, sources))
}

/// Why a function was not read.
#[derive(Debug)]
enum Failure {
    /// It is not CLIF.
    Error(ParseError),
    /// It is CLIF, but not LPIR.
    Unsupported(ParseError),
    /// The numbers of its entities are too far apart to be kept.
    SparseNumbers,
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        Self::Error(error)
    }
}

impl Failure {
    /// The error that this is where nothing can be skipped.
    fn into_error(self) -> ParseError {
        match self {
            Self::Error(error) | Self::Unsupported(error) => error,
            Self::SparseNumbers => unreachable!("only the first try at a body gives up on numbers"),
        }
    }
}

type ParseResult<T> = Result<T, Failure>;

#[cold]
fn error_at(location: Location, message: impl fmt::Display) -> ParseError {
    ParseError {
        location,
        message: message.to_string(),
    }
}

/// What some editors put before a text in UTF-8. It is not part of the text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The state of the reader.
#[derive(Clone)]
struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The next token.
    token: Token<'a>,
    /// Where the next token stands.
    location: Location,
    /// The entity that is being read.
    entity: AnyEntity,
    /// The comments passed so far that nobody has taken.
    comments: Vec<Comment<'a>>,
    /// The gaps in the numbers of entities that are left for the functions to come.
    spare_gaps: u32,
    /// Whether addresses may be as wide as those of 64-bit machines.
    allows_wide_addresses: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, ParseError> {
        if u32::try_from(text.len()).is_err() {
            return Err(error_at(
                Location::START,
                "a text of four gigabytes or more",
            ));
        }
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        Ok(Self::starting_at(text, Location::START))
    }

    /// A parser of `text`, whose first character is at `location` of a larger text.
    fn starting_at(text: &'a str, location: Location) -> Self {
        let mut parser = Self {
            lexer: Lexer::new(text, location),
            token: Token::End,
            location,
            entity: AnyEntity::Function,
            comments: Vec::new(),
            spare_gaps: SPARE_GAPS,
            allows_wide_addresses: false,
        };
        parser.advance();
        parser
    }

    /// Goes to the next token; comments on the way belong to the current entity.
    fn advance(&mut self) {
        loop {
            let (token, location) = self.lexer.next();
            if let Token::Comment(text) = token {
                let entity = self.entity;
                self.comments.push(Comment {
                    location,
                    text,
                    entity,
                });
                continue;
            }
            self.token = token;
            self.location = location;
            return;
        }
    }

    /// An error at the next token.
    #[cold]
    fn error<T>(&self, message: impl fmt::Display) -> ParseResult<T> {
        Err(error_at(self.location, message).into())
    }

    /// The error that something else is expected in place of the next token.
    #[cold]
    fn expected<T>(&self, what: impl fmt::Display) -> ParseResult<T> {
        match self.token {
            Token::Identifier(word) if has_too_large_number(word) => {
                self.error(format_args!("the number of `{word}` is too large"))
            }
            token => self.error(format_args!("expected {what}, found {token}")),
        }
    }

    /// The failure that the next token is CLIF and not LPIR.
    #[cold]
    fn unsupported<T>(&self, what: impl fmt::Display) -> ParseResult<T> {
        Err(Failure::Unsupported(error_at(self.location, what)))
    }

    /// Checks whether the address at `location` may be as wide as those of 64-bit machines.
    fn check_wide_address(&self, location: Location) -> ParseResult<()> {
        if self.allows_wide_addresses {
            return Ok(());
        }
        let message = "an address of type i64: addresses are i32";
        Err(Failure::Unsupported(error_at(location, message)))
    }

    /// Whether the next token is `byte`.
    fn at(&self, byte: u8) -> bool {
        matches!(self.token, Token::Punctuation(found) if found == byte)
    }

    /// Takes `byte` if it is next.
    fn optional(&mut self, byte: u8) -> bool {
        let found = self.at(byte);
        if found {
            self.advance();
        }
        found
    }

    /// Takes `byte`, which must be next. `place` says where it belongs: "after the operand".
    fn expect(&mut self, byte: u8, place: &str) -> ParseResult<()> {
        if self.optional(byte) {
            return Ok(());
        }
        self.expected(format_args!("`{}` {place}", char::from(byte)))
    }

    /// Takes the word `word` if it is next.
    fn optional_word(&mut self, word: &str) -> bool {
        let found = self.token == Token::Identifier(word);
        if found {
            self.advance();
        }
        found
    }
}
