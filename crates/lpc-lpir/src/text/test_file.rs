//! What a file holds: header lines, comments, functions and directives.

use super::error::{Location, ParseError};
use super::source_map::SourceMap;
use crate::entity::PrimaryMap;
use crate::ir::{AnyEntity, DataId, ExternalName, Function, Linkage, Module};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A file that was read.
#[derive(Clone, Debug)]
pub struct TestFile<'a> {
    /// The lines before the first function, in order. A `set` line is valid for the `target` lines behind it.
    pub header: Vec<HeaderLine<'a>>,
    /// The comments before the first function.
    pub preamble_comments: Vec<Comment<'a>>,
    /// The data objects and imports that directives state. The functions are not in it yet: who needs them chooses what becomes
    /// of those that were skipped.
    pub module: Module,
    /// Where the name of each data object stands.
    pub data_locations: PrimaryMap<DataId, Location>,
    /// The functions, in order.
    pub functions: Vec<TestFunction<'a>>,
}

impl<'a> TestFile<'a> {
    /// The header lines of a kind, in order.
    pub fn header_lines(&self, kind: HeaderKind) -> impl Iterator<Item = &HeaderLine<'a>> {
        self.header.iter().filter(move |line| line.kind == kind)
    }
}

/// What a header line is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderKind {
    /// `test run`: what is to be tested.
    Test,
    /// `target riscv32`: for which machine.
    Target,
    /// `set opt_level=speed`: with which settings.
    Set,
    /// `feature "disas"`: a feature that the compiler must have.
    Feature,
}

impl HeaderKind {
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "test" => Some(Self::Test),
            "target" => Some(Self::Target),
            "set" => Some(Self::Set),
            "feature" => Some(Self::Feature),
            _ => None,
        }
    }
}

/// A line before the first function that says how the file is to be tested.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeaderLine<'a> {
    /// What it is about.
    pub kind: HeaderKind,
    /// Where it starts.
    pub location: Location,
    /// What stands behind its first word, to the end of the line.
    pub text: &'a str,
}

/// A comment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Comment<'a> {
    /// Where its `;` stands.
    pub location: Location,
    /// What stands behind the `;`, to the end of the line.
    pub text: &'a str,
    /// What it belongs to: the part of the function that it stands in or behind.
    pub entity: AnyEntity,
}

impl<'a> Comment<'a> {
    /// The text without further `;` and spaces around it.
    pub fn content(&self) -> &'a str {
        self.text.trim_start_matches(';').trim()
    }

    /// What stands behind `directive`, such as `error:`, when the comment starts with that.
    pub fn directive(&self, directive: &str) -> Option<&'a str> {
        self.content().strip_prefix(directive).map(str::trim)
    }
}

/// A function of a file.
#[derive(Clone, Debug)]
pub struct TestFunction<'a> {
    /// Its name.
    pub name: ExternalName,
    /// Where its name stands.
    pub location: Location,
    /// Who may refer to it, as directives state.
    pub linkage: Linkage,
    /// What became of it.
    pub outcome: Outcome,
    /// The comments in it, and behind it up to the next function, in order.
    pub comments: Vec<Comment<'a>>,
}

/// What became of a function.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was read.
    Parsed(Box<ParsedFunction>),
    /// It uses something that CLIF has and LPIR does not: what, and where.
    Skipped(ParseError),
}

/// A function with the places of its parts.
#[derive(Clone, Debug)]
pub struct ParsedFunction {
    /// The function.
    pub function: Function,
    /// Where its parts stand.
    pub source_map: SourceMap,
}

impl ParsedFunction {
    /// Where `entity` is defined, or the nearest place to that. See [`SourceMap::nearest`].
    pub fn location(&self, entity: AnyEntity) -> Location {
        self.source_map.nearest(&self.function, entity)
    }
}
