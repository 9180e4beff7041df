//! Splits a text into tokens.
//!
//! A token borrows from the text; nothing is allocated. The lexer keeps the number of the line and where the line starts, so
//! that the location of a token is a subtraction:
//!
//! ```text
//!       line_start        position
//!       ▼                 ▼
//!  …\n    v2 = iadd.i32 v0, v1
//! ```
//!
//! Columns count characters, so `line_start` moves forward by the surplus bytes of every character that takes more than one.

use super::error::Location;
use core::fmt;

/// A piece of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token<'a> {
    /// The end of the text.
    End,
    /// From `;` to the end of the line, both included in neither.
    Comment(&'a str),
    /// One of `( ) { } [ ] < > , . : = ! + - * @`.
    Punctuation(u8),
    /// `->`
    Arrow,
    /// A number without a point: an optional sign, a digit, then digits, letters and `_`.
    Integer(&'a str),
    /// A number with a point.
    Float(&'a str),
    /// `v3`
    Value(u32),
    /// `block3`
    Block(u32),
    /// `ss3`
    StackSlot(u32),
    /// `gv3`
    GlobalValue(u32),
    /// `fn3`
    FuncRef(u32),
    /// `sig3`
    SigRef(u32),
    /// Any other word.
    Identifier(&'a str),
    /// `%name`, without the `%`.
    Name(&'a str),
    /// `%"name"`, what stands between the quotes, with escapes as they are written.
    QuotedName(&'a str),
    /// `"text"`, what stands between the quotes.
    Text(&'a str),
    /// `@00c7`, the hexadecimal digits.
    SourceLoc(&'a str),
    /// A character that starts no token.
    Invalid(char),
}

/// Writes the token as it stands in the text.
impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::End => f.write_str("the end of the text"),
            Self::Comment(text) => write!(f, "`;{text}`"),
            Self::Punctuation(byte) => write!(f, "`{}`", char::from(byte)),
            Self::Arrow => f.write_str("`->`"),
            Self::Integer(text) | Self::Float(text) | Self::Identifier(text) => {
                write!(f, "`{text}`")
            }
            Self::Value(number) => write!(f, "`v{number}`"),
            Self::Block(number) => write!(f, "`block{number}`"),
            Self::StackSlot(number) => write!(f, "`ss{number}`"),
            Self::GlobalValue(number) => write!(f, "`gv{number}`"),
            Self::FuncRef(number) => write!(f, "`fn{number}`"),
            Self::SigRef(number) => write!(f, "`sig{number}`"),
            Self::Name(name) => write!(f, "`%{name}`"),
            Self::QuotedName(name) => write!(f, "`%\"{name}\"`"),
            Self::Text(text) => write!(f, "`\"{text}\"`"),
            Self::SourceLoc(digits) => write!(f, "`@{digits}`"),
            Self::Invalid(character) => write!(f, "{character:?}"),
        }
    }
}

/// Reads the tokens of a text one after the other.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    /// Where the next byte to read is.
    position: usize,
    /// The number of the line.
    line: u32,
    /// Where the first character of the line is, or would be if every character up to `position` were one byte. Before the
    /// text, when that starts in the middle of a line.
    line_start: isize,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `text`, where `start` is the location of its first character.
    pub(super) fn new(text: &'a str, start: Location) -> Self {
        Self {
            text,
            position: 0,
            line: start.line,
            line_start: 1 - start.column as isize,
        }
    }

    /// What is left to read.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    /// Reads the rest of the line and returns it without spaces around it.
    pub(super) fn rest_of_line(&mut self) -> &'a str {
        let rest = self.rest();
        let line = rest.split('\n').next().unwrap_or_default();
        self.position += line.len();
        self.pass_characters(line);
        line.trim()
    }

    /// Reads the next token.
    pub(super) fn next(&mut self) -> (Token<'a>, Location) {
        self.skip_space();
        let location = Location {
            line: self.line,
            column: (self.position as isize - self.line_start) as u32 + 1,
        };
        (self.scan(), location)
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.position + ahead).copied()
    }

    fn skip_space(&mut self) {
        while let Some(byte @ (b' ' | b'\t'..=b'\r')) = self.peek(0) {
            self.position += 1;
            if byte == b'\n' {
                self.line += 1;
                self.line_start = self.position as isize;
            }
        }
    }

    fn scan(&mut self) -> Token<'a> {
        let Some(byte) = self.peek(0) else {
            return Token::End;
        };
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.scan_word(),
            b'0'..=b'9' => self.scan_number(),
            b'+' | b'-' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => {
                self.scan_number()
            }
            b'-' if self.peek(1) == Some(b'>') => {
                self.position += 2;
                Token::Arrow
            }
            b'@' if self.peek(1).is_some_and(|next| next.is_ascii_hexdigit()) => {
                self.position += 1;
                Token::SourceLoc(self.take_while(|byte| byte.is_ascii_hexdigit()))
            }
            b'(' | b')' | b'{' | b'}' | b'[' | b']' | b'<' | b'>' | b',' | b'.' | b':' | b'='
            | b'!' | b'+' | b'-' | b'*' | b'@' => {
                self.position += 1;
                Token::Punctuation(byte)
            }
            b';' => {
                let text = self.take_while(|byte| byte != b'\n');
                // The text may end behind it, in the same line.
                self.pass_characters(text);
                Token::Comment(&text[1..])
            }
            b'%' if self.peek(1) == Some(b'"') => self
                .scan_quoted(2)
                .map_or_else(|| self.scan_invalid(), Token::QuotedName),
            b'%' => {
                self.position += 1;
                Token::Name(self.take_while(is_word_byte))
            }
            b'"' => self
                .scan_quoted(1)
                .map_or_else(|| self.scan_invalid(), Token::Text),
            _ => self.scan_invalid(),
        }
    }

    /// Takes the bytes for which `belongs` holds, all of which are ASCII or up to the end of the line.
    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let start = self.position;
        let bytes = &self.text.as_bytes()[start..];
        let length = bytes.iter().position(|&byte| !belongs(byte));
        self.position += length.unwrap_or(bytes.len());
        &self.text[start..self.position]
    }

    fn scan_word(&mut self) -> Token<'a> {
        let word = self.take_while(is_word_byte);
        numbered_entity(word).unwrap_or(Token::Identifier(word))
    }

    fn scan_number(&mut self) -> Token<'a> {
        let start = self.position;
        // The sign or the first digit.
        self.position += 1;
        let mut is_float = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'.' => is_float = true,
                // The sign of a binary exponent.
                b'+' | b'-'
                    if is_float
                        && matches!(self.text.as_bytes()[self.position - 1], b'p' | b'P') => {}
                _ if is_word_byte(byte) => {}
                _ => break,
            }
            self.position += 1;
        }
        let text = &self.text[start..self.position];
        if is_float {
            Token::Float(text)
        } else {
            Token::Integer(text)
        }
    }

    /// Reads up to a closing quote in the same line, from behind the opening one. `None` when there is none.
    fn scan_quoted(&mut self, opening: usize) -> Option<&'a str> {
        let start = self.position + opening;
        let bytes = &self.text.as_bytes()[start..];
        let mut length = 0;
        loop {
            match bytes.get(length)? {
                b'"' => break,
                b'\n' => return None,
                b'\\' => length += 2,
                _ => length += 1,
            }
        }
        let quoted = self.text.get(start..start + length)?;
        self.position = start + length + 1;
        self.pass_characters(quoted);
        Some(quoted)
    }

    /// Takes care that each character of `text`, a part of the line that was read, counts as one.
    fn pass_characters(&mut self, text: &str) {
        self.line_start += (text.len() - text.chars().count()) as isize;
    }

    fn scan_invalid(&mut self) -> Token<'a> {
        let Some(character) = self.rest().chars().next() else {
            return Token::End;
        };
        let length = character.len_utf8();
        self.pass_characters(&self.rest()[..length]);
        self.position += length;
        Token::Invalid(character)
    }
}

const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The entity that `word` names, if it is a prefix of entities with a number that an entity can have.
fn numbered_entity<'a>(word: &str) -> Option<Token<'a>> {
    let digits = word.bytes().rev().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let (prefix, number) = word.split_at(word.len() - digits);
    if number.len() > 1 && number.starts_with('0') {
        return None;
    }
    let number = || number.parse().ok().filter(|&number| number != u32::MAX);
    match prefix {
        "v" => number().map(Token::Value),
        "block" => number().map(Token::Block),
        "ss" => number().map(Token::StackSlot),
        "gv" => number().map(Token::GlobalValue),
        "fn" => number().map(Token::FuncRef),
        "sig" => number().map(Token::SigRef),
        _ => None,
    }
}

/// Whether `word` would name an entity if its number were smaller.
pub(super) fn has_too_large_number(word: &str) -> bool {
    let digits = word.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    let prefix = &word[..word.len() - digits.len()];
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0');
    let is_entity = matches!(prefix, "v" | "block" | "ss" | "gv" | "fn" | "sig");
    is_entity && is_number && !digits.is_empty() && numbered_entity(word).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut lexer = Lexer::new(text, Location::START);
        let next = || Some(lexer.next().0).filter(|&token| token != Token::End);
        core::iter::from_fn(next).collect()
    }

    #[test]
    fn entities_and_other_words() {
        assert_eq!(
            tokens("v0 block12 ss3 gv4 fn5 sig6 v4294967294"),
            [
                Token::Value(0),
                Token::Block(12),
                Token::StackSlot(3),
                Token::GlobalValue(4),
                Token::FuncRef(5),
                Token::SigRef(6),
                Token::Value(u32::MAX - 1),
            ]
        );
        let words = [
            "v",
            "v01",
            "v4294967295",
            "i32",
            "V1",
            "_",
            "blocks1",
            "x86_cvtt2dq",
        ];
        for word in words {
            assert_eq!(tokens(word), [Token::Identifier(word)]);
        }
    }

    #[test]
    fn numbers_take_their_sign() {
        assert_eq!(
            tokens("v0+16 ss1-0x8 1_0 +-5 0x1.8p-3 -1.5"),
            [
                Token::Value(0),
                Token::Integer("+16"),
                Token::StackSlot(1),
                Token::Integer("-0x8"),
                Token::Integer("1_0"),
                Token::Punctuation(b'+'),
                Token::Integer("-5"),
                Token::Float("0x1.8p-3"),
                Token::Float("-1.5"),
            ]
        );
    }

    #[test]
    fn names_texts_and_locations() {
        assert_eq!(
            tokens("%a_1%\"b \\\" c\" \"d\" @00c7 @x -> #"),
            [
                Token::Name("a_1"),
                Token::QuotedName("b \\\" c"),
                Token::Text("d"),
                Token::SourceLoc("00c7"),
                Token::Punctuation(b'@'),
                Token::Identifier("x"),
                Token::Arrow,
                Token::Invalid('#'),
            ]
        );
    }

    #[test]
    fn a_quote_that_is_not_closed_in_its_line_is_no_text() {
        assert_eq!(
            tokens("\"a\nb\" \"c\\"),
            [
                Token::Invalid('"'),
                Token::Identifier("a"),
                Token::Identifier("b"),
                Token::Text(" "),
                Token::Identifier("c"),
                Token::Invalid('\\'),
            ]
        );
    }

    #[test]
    fn columns_count_characters() {
        let mut lexer = Lexer::new("é %\"ü\" a ; ö\n\tb", Location { line: 3, column: 5 });
        let locations: Vec<_> = core::iter::from_fn(|| {
            let (token, location) = lexer.next();
            (token != Token::End).then_some((location.line, location.column))
        })
        .collect();
        assert_eq!(locations, [(3, 5), (3, 7), (3, 12), (3, 14), (4, 2)]);
    }

    #[test]
    fn the_end_of_the_text_is_behind_its_last_character() {
        let end = Location { line: 1, column: 4 };
        let mut lexer = Lexer::new("; ö", Location::START);
        assert_eq!(lexer.next().0, Token::Comment(" ö"));
        assert_eq!(lexer.next(), (Token::End, end));
        let mut lexer = Lexer::new("ab\u{2007}", Location::START);
        lexer.rest_of_line();
        assert_eq!(lexer.next(), (Token::End, end));
    }
}
