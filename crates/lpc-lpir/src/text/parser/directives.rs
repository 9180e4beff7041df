//! The directives of a module: data, linkage and imports, in comments between functions.
//!
//! ```text
//! directive ::= "data" ":" data | "local" ":" name { "," name } | "import" ":" import
//! data      ::= name { attribute } [ "=" "{" [ item { "," item } ] "}" ]
//! attribute ::= "local" | "readonly" | "zeroed" bytes | "align" bytes
//! item      ::= type integer | type "[" integer { "," integer } "]" | name [offset] | text | "zero" bytes
//! import    ::= name signature | "data" name
//! ```
//!
//! A directive stands in one comment, and goes on in those that follow until its braces are closed. To anyone who does not know
//! directives they are comments.
//!
//! ```text
//!  ; data: %table align 4 = {        ◄── first line, where the directive is recognized
//!  ;     i32 [1, 2],  ; remark       ◄── read as tokens of the same directive
//!  ; }
//! ```

use super::immediates::unescape_char;
use super::{Failure, ParseResult, Parser, error_at};
use crate::entity::PrimaryMap;
use crate::ir::{
    DATA_RELOC_SIZE, DataId, DataKind, DataObject, DataReloc, ExternalName, Import, ImportKind,
    Linkage, MAX_DATA_ALIGNMENT, MAX_DATA_SIZE, Module, Type,
};
use crate::text::error::{Location, ParseError};
use crate::text::lexer::{Lexer, Token};
use crate::text::test_file::Comment;
use alloc::vec::Vec;
use core::slice;

/// The words that directives start with.
const WORDS: [&str; 3] = ["data", "local", "import"];

/// What the directives of a file state.
#[derive(Default)]
pub(super) struct Directives {
    /// The data objects and imports.
    pub(super) module: Module,
    /// Where the name of each data object stands.
    pub(super) data_locations: PrimaryMap<DataId, Location>,
    /// The functions that are local, and where that is stated.
    pub(super) local: Vec<(ExternalName, Location)>,
}

impl Directives {
    /// Reads the directives among `comments`, which stand between two functions.
    pub(super) fn read(&mut self, comments: &[Comment<'_>]) -> Result<(), ParseError> {
        let mut lines = comments.iter();
        while let Some(comment) = lines.next() {
            let Some((word, location)) = first_word(comment) else {
                continue;
            };
            if WORDS.contains(&word) {
                let mut reader = Reader::new(comment, lines);
                reader
                    .parse_directive(word, self)
                    .map_err(Failure::into_error)?;
                lines = reader.lines;
            } else if let Some(meant) = misspelt(word, comment) {
                let message = format_args!("there is no directive `{word}:`; is it `{meant}:`?");
                return Err(error_at(location, message));
            }
        }
        Ok(())
    }
}

/// Checks that there is no directive among `comments`, which stand in a function.
pub(super) fn check_none(comments: &[Comment<'_>]) -> Result<(), ParseError> {
    for comment in comments {
        if let Some((word, location)) = first_word(comment)
            && WORDS.contains(&word)
            && is_about_a_name(comment)
        {
            let message = format_args!("`{word}:` stands between functions, and not in one");
            return Err(error_at(location, message));
        }
    }
    Ok(())
}

/// The text of `comment` without the markers before it, and where it starts.
fn content<'a>(comment: &Comment<'a>) -> (&'a str, Location) {
    let content = comment.text.trim_start_matches([' ', '\t', ';']);
    let skipped = (comment.text.len() - content.len()) as u32;
    let location = Location {
        column: comment.location.column + 1 + skipped,
        ..comment.location
    };
    (content, location)
}

/// The word with which `comment` starts, if a colon is behind it, and where it stands.
fn first_word<'a>(comment: &Comment<'a>) -> Option<(&'a str, Location)> {
    let (content, location) = content(comment);
    let (word, _) = content.split_once(':')?;
    let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_word.then_some((word, location))
}

/// Whether `comment` has a name behind its colon, as all directives have.
fn is_about_a_name(comment: &Comment<'_>) -> bool {
    let (_, rest) = comment.text.split_once(':').unwrap_or_default();
    let rest = rest.trim_start();
    let name = rest.strip_prefix("data ").unwrap_or(rest).trim_start();
    name.starts_with('%')
}

/// The word of a directive that `word` differs from by a slip or two, if `comment` looks like a directive otherwise.
fn misspelt(word: &str, comment: &Comment<'_>) -> Option<&'static str> {
    let mut words = WORDS.into_iter();
    words.find(|right| is_about_a_name(comment) && edit_distance(word, right) <= 2)
}

/// The least number of letters that are put in, taken out or exchanged to make `a` from `b`, which are short.
fn edit_distance(a: &str, b: &str) -> usize {
    const LONGEST: usize = 8;
    if a.len() > LONGEST || b.len() > LONGEST {
        return usize::MAX;
    }
    // The distances of the empty start of `a` from all starts of `b`; then those of its longer starts.
    let mut distances: [usize; LONGEST + 1] = core::array::from_fn(|length| length);
    for (row, a) in a.bytes().enumerate() {
        let mut diagonal = core::mem::replace(&mut distances[0], row + 1);
        for (column, b) in b.bytes().enumerate() {
            let exchanged = diagonal + usize::from(a != b);
            diagonal = distances[column + 1];
            distances[column + 1] = exchanged.min(diagonal + 1).min(distances[column] + 1);
        }
    }
    distances[b.len()]
}

/// Reads a directive.
struct Reader<'a, 'c> {
    parser: Parser<'a>,
    /// The comments behind the line that is being read.
    lines: slice::Iter<'c, Comment<'a>>,
}

impl<'a, 'c> Reader<'a, 'c> {
    /// A reader of the directive with which `comment` starts.
    fn new(comment: &Comment<'a>, lines: slice::Iter<'c, Comment<'a>>) -> Self {
        let (text, location) = content(comment);
        Self {
            parser: Parser::starting_at(text, location),
            lines,
        }
    }

    fn parse_directive(&mut self, word: &str, directives: &mut Directives) -> ParseResult<()> {
        self.parser.advance();
        self.parser.expect(b':', "after the word of a directive")?;
        let location = self.parser.location;
        let error = |error| error_at(location, error);
        match word {
            "data" => {
                let data = self.parse_data()?;
                directives.module.add_data(data).map_err(error)?;
                directives.data_locations.push(location);
            }
            "import" => {
                let import = self.parse_import()?;
                directives.module.add_import(import).map_err(error)?;
            }
            _ => self.parse_local(&mut directives.local)?,
        }
        match self.parser.token {
            Token::End => Ok(()),
            _ => self.parser.expected("the end of the directive"),
        }
    }

    /// Goes to the next line when this one is at its end and the braces are still open.
    fn go_on(&mut self) -> ParseResult<()> {
        while self.parser.token == Token::End {
            let Some(comment) = self.lines.next() else {
                return self
                    .parser
                    .error("the `{` of the directive is not closed: expected `}` in a comment");
            };
            let start = Location {
                column: comment.location.column + 1,
                ..comment.location
            };
            self.parser.lexer = Lexer::new(comment.text, start);
            self.parser.advance();
        }
        Ok(())
    }

    fn parse_local(&mut self, local: &mut Vec<(ExternalName, Location)>) -> ParseResult<()> {
        loop {
            let location = self.parser.location;
            local.push((self.parser.parse_external_name()?, location));
            if !self.parser.optional(b',') {
                return Ok(());
            }
        }
    }

    fn parse_import(&mut self) -> ParseResult<Import> {
        if self.parser.optional_word("data") {
            let name = self.parser.parse_external_name()?;
            let kind = ImportKind::Data;
            return Ok(Import { name, kind });
        }
        let name = self.parser.parse_external_name()?;
        let kind = ImportKind::Function(self.parser.parse_signature()?);
        Ok(Import { name, kind })
    }

    fn parse_data(&mut self) -> ParseResult<DataObject> {
        let name = self.parser.parse_external_name()?;
        let attributes = self.parse_attributes()?;
        let mut object = DataObject::new(name, DataKind::Writable, 1, Vec::new());
        object.alignment = attributes.alignment.unwrap_or(1);
        object.linkage = attributes.linkage;
        if let Some(size) = attributes.zeroed {
            object.kind = DataKind::Zeroed;
            object.size = size;
            return Ok(object);
        }
        if attributes.readonly {
            object.kind = DataKind::ReadOnly;
        }
        let content = self.parse_content()?;
        object.size = content.size() as u32;
        object.bytes = content.bytes;
        object.relocs = content.relocs;
        Ok(object)
    }

    fn parse_attributes(&mut self) -> ParseResult<Attributes> {
        let mut attributes = Attributes::default();
        loop {
            let location = self.parser.location;
            let Token::Identifier(word) = self.parser.token else {
                return Ok(attributes);
            };
            let twice = match word {
                "local" => {
                    self.parser.advance();
                    core::mem::replace(&mut attributes.linkage, Linkage::Local) == Linkage::Local
                }
                "readonly" => {
                    self.parser.advance();
                    core::mem::replace(&mut attributes.readonly, true)
                }
                "zeroed" => {
                    self.parser.advance();
                    let size = self.parser.parse_u32("the size of the data")?;
                    attributes.zeroed.replace(size).is_some()
                }
                "align" => {
                    self.parser.advance();
                    let alignment = self.parse_alignment()?;
                    attributes.alignment.replace(alignment).is_some()
                }
                _ => {
                    return self
                        .parser
                        .expected("`local`, `readonly`, `zeroed`, `align` or `=`");
                }
            };
            if twice {
                let message = format_args!("`{word}` stands there twice");
                return Err(error_at(location, message).into());
            }
            if attributes.readonly && attributes.zeroed.is_some() {
                let message = "data that is zeroed cannot be `readonly`";
                return Err(error_at(location, message).into());
            }
        }
    }

    fn parse_alignment(&mut self) -> ParseResult<u32> {
        let location = self.parser.location;
        let alignment = self.parser.parse_u32("the alignment of the data")?;
        if alignment.is_power_of_two() && alignment <= MAX_DATA_ALIGNMENT {
            return Ok(alignment);
        }
        let message =
            format_args!("alignment {alignment} is not a power of two up to {MAX_DATA_ALIGNMENT}");
        Err(error_at(location, message).into())
    }

    fn parse_content(&mut self) -> ParseResult<Content> {
        let mut content = Content::default();
        self.parser.expect(b'=', "before the content of the data")?;
        self.parser.expect(b'{', "before the content of the data")?;
        self.go_on()?;
        if self.parser.optional(b'}') {
            return Ok(content);
        }
        loop {
            let location = self.parser.location;
            self.parse_item(&mut content)?;
            if content.size() > u64::from(MAX_DATA_SIZE) {
                let message = format_args!("a module may have {MAX_DATA_SIZE} bytes of data");
                return Err(error_at(location, message).into());
            }
            self.go_on()?;
            if !self.parser.optional(b',') {
                self.parser.expect(b'}', "after the content of the data")?;
                return Ok(content);
            }
            self.go_on()?;
        }
    }

    fn parse_item(&mut self, content: &mut Content) -> ParseResult<()> {
        const WHAT: &str = "an item of data, as in `i32 7`, `%name`, `\"text\"` or `zero 16`";
        match self.parser.token {
            Token::Text(quoted) => {
                let Some(bytes) = unescape_bytes(quoted) else {
                    let message = format_args!("`{quoted}` has an escape that is not one");
                    return self.parser.error(message);
                };
                self.parser.advance();
                content.push(&bytes);
                Ok(())
            }
            Token::Identifier("zero") => {
                self.parser.advance();
                let count = self.parser.parse_u32("the number of zeros")?;
                content.zeros += u64::from(count);
                Ok(())
            }
            Token::Identifier(word) if is_user_namespace(word) => self.parse_address(content),
            Token::Identifier(_) => {
                let ty = self.parser.parse_type(WHAT)?;
                self.parse_integers(ty, content)
            }
            Token::Name(_) | Token::QuotedName(_) => self.parse_address(content),
            _ => self.parser.expected(WHAT),
        }
    }

    fn parse_address(&mut self, content: &mut Content) -> ParseResult<()> {
        let target = self.parser.parse_external_name()?;
        let addend = self.parser.optional_offset()?.bytes();
        content.push_address(target, addend);
        Ok(())
    }

    fn parse_integers(&mut self, ty: Type, content: &mut Content) -> ParseResult<()> {
        if !self.parser.optional(b'[') {
            return self.parse_integer(ty, content);
        }
        loop {
            self.go_on()?;
            self.parse_integer(ty, content)?;
            self.go_on()?;
            if !self.parser.optional(b',') {
                return self.parser.expect(b']', "after the integers");
            }
        }
    }

    fn parse_integer(&mut self, ty: Type, content: &mut Content) -> ParseResult<()> {
        let value = self.parser.parse_data_value(ty)?;
        content.push(&value.unsigned().to_le_bytes()[..ty.bytes() as usize]);
        Ok(())
    }
}

/// Whether `word` starts a name of the form `u0:3`.
fn is_user_namespace(word: &str) -> bool {
    let digits = word.strip_prefix('u').unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What stands between the name of a data object and its content.
#[derive(Default)]
struct Attributes {
    linkage: Linkage,
    readonly: bool,
    zeroed: Option<u32>,
    alignment: Option<u32>,
}

/// The content of a data object, as far as it has been read.
///
/// Zeros take memory only when something stands behind them: those at the end are a part of the size alone.
#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    /// The zeros behind `bytes`.
    zeros: u64,
    relocs: Vec<DataReloc>,
}

impl Content {
    fn size(&self) -> u64 {
        self.bytes.len() as u64 + self.zeros
    }

    /// Appends `bytes`. There are not too many zeros: the size was checked when they were read.
    fn push(&mut self, bytes: &[u8]) {
        let size = self.size() as usize;
        self.zeros = 0;
        self.bytes.resize(size, 0);
        self.bytes.extend_from_slice(bytes);
    }

    fn push_address(&mut self, target: ExternalName, addend: i32) {
        self.relocs.push(DataReloc {
            offset: self.size() as u32,
            target,
            addend,
        });
        self.push(&[0; DATA_RELOC_SIZE as usize]);
    }
}

/// The bytes that `quoted` stands for: its characters in UTF-8, the escapes of names, and `\x` with two hexadecimal digits for
/// one byte. `None` when an escape is malformed.
fn unescape_bytes(quoted: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        let character = match character {
            '\\' => match characters.as_str().strip_prefix('x') {
                Some(rest) => {
                    let (digits, rest) = rest.split_at_checked(2)?;
                    let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                    bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_number)?);
                    characters = rest.chars();
                    continue;
                }
                None => unescape_char(&mut characters)?,
            },
            character => character,
        };
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_of_words() {
        for (a, b, distance) in [
            ("data", "data", 0),
            ("dat", "data", 1),
            ("imports", "import", 1),
            ("lcoal", "local", 2),
            ("print", "import", 5),
            ("", "data", 4),
            ("abcdefghi", "data", usize::MAX),
        ] {
            assert_eq!(edit_distance(a, b), distance, "{a} {b}");
        }
    }

    #[test]
    fn texts_are_bytes() {
        assert_eq!(
            unescape_bytes("a\\n\\x00\\xfFé").unwrap(),
            b"a\n\0\xff\xc3\xa9"
        );
        assert_eq!(
            unescape_bytes("\\\"\\'\\\\\\u{e9}").unwrap(),
            b"\"'\\\xc3\xa9"
        );
        for malformed in ["\\x", "\\x1", "\\x+1", "\\x1é", "\\q", "\\", "\\u{110000}"] {
            assert_eq!(unescape_bytes(malformed), None, "{malformed}");
        }
    }
}
