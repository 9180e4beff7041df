//! Reading one line of text.

use alloc::string::String;
use core::fmt;
use lpc_lpir::ir::ExternalName;

/// Why a text is not virtual-register code, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VCodeParseError {
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for VCodeParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl core::error::Error for VCodeParseError {}

/// A position in a line of text.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    /// Bytes of `text` that have been read.
    offset: usize,
    line: u32,
}

impl<'a> Cursor<'a> {
    /// The start of the line number `line`, which is `text`.
    pub fn new(text: &'a str, line: u32) -> Self {
        Self {
            text,
            offset: 0,
            line,
        }
    }

    /// The error `message` at what comes next.
    pub fn error<T>(&self, message: impl Into<String>) -> Result<T, VCodeParseError> {
        let mut here = *self;
        here.skip_space();
        let column = here.text[..here.offset].chars().count() as u32 + 1;
        Err(VCodeParseError {
            line: self.line,
            column,
            message: message.into(),
        })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.offset += rest.len() - rest.trim_start().len();
    }

    /// Whether nothing but a comment is left.
    pub fn at_end(&mut self) -> bool {
        self.skip_space();
        let rest = self.rest();
        rest.is_empty() || rest.starts_with(';')
    }

    /// Makes sure that nothing but a comment is left.
    ///
    /// # Errors
    /// If something is.
    pub fn expect_end(&mut self) -> Result<(), VCodeParseError> {
        if self.at_end() {
            return Ok(());
        }
        self.error("unexpected text at the end of the line")
    }

    /// The character that comes next, spaces left out.
    pub fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.rest().chars().next()
    }

    /// Reads `text` if it comes next.
    pub fn eat(&mut self, text: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(text);
        if found {
            self.offset += text.len();
        }
        found
    }

    /// Reads `text`.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn expect(&mut self, text: &str) -> Result<(), VCodeParseError> {
        if self.eat(text) {
            return Ok(());
        }
        self.error(alloc::format!("expected `{text}`"))
    }

    /// Reads letters, digits, dots and underscores.
    ///
    /// # Errors
    /// If something else comes next; `expected` says what was meant to.
    pub fn word(&mut self, expected: &str) -> Result<&'a str, VCodeParseError> {
        self.skip_space();
        let rest = self.rest();
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.');
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        if word.is_empty() {
            return self.error(alloc::format!("expected {expected}"));
        }
        self.offset += word.len();
        Ok(word)
    }

    /// Reads the word `word` if it comes next, and not as the start of a longer one.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let mut ahead = *self;
        let found = ahead.word("").is_ok_and(|found| found == word);
        if found {
            *self = ahead;
        }
        found
    }

    /// Reads a decimal or hexadecimal integer, with a sign or without, from `min` to `max`.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn integer(&mut self, min: i64, max: i64) -> Result<i64, VCodeParseError> {
        let start = {
            self.skip_space();
            *self
        };
        let negative = self.eat("-");
        if !negative {
            self.eat("+");
        }
        let digits = self.word("an integer")?;
        let magnitude = match digits.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(digits, 16),
            None => digits.parse(),
        };
        // A second sign is not part of a word, so digits are digits.
        let value = magnitude.map(|magnitude| if negative { -magnitude } else { magnitude });
        match value {
            Ok(value) if (min..=max).contains(&value) => Ok(value),
            _ => start.error(alloc::format!("expected an integer from {min} to {max}")),
        }
    }

    /// Reads bytes as pairs of hexadecimal digits behind `0x`.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn hex_bytes(&mut self) -> Result<alloc::vec::Vec<u8>, VCodeParseError> {
        self.skip_space();
        let start = *self;
        let word = self.word("bytes in hexadecimal")?;
        let digits = word.strip_prefix("0x").unwrap_or("").as_bytes();
        let digit = |byte: u8| (byte as char).to_digit(16);
        let bytes: Option<_> = digits
            .chunks(2)
            .map(|pair| match *pair {
                [high, low] => Some((digit(high)? * 16 + digit(low)?) as u8),
                _ => None,
            })
            .collect();
        match bytes {
            Some(bytes) if !digits.is_empty() => Ok(bytes),
            _ => start.error("expected `0x` and pairs of hexadecimal digits"),
        }
    }

    /// Reads the name of a function or datum: `%name`, `%"name"` or `u0:1`.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn external_name(&mut self) -> Result<ExternalName, VCodeParseError> {
        const EXPECTED: &str = "a name such as `%f`";
        if self.eat("%\"") {
            return self.quoted_name();
        }
        if self.eat("%") {
            return Ok(ExternalName::symbol(self.word(EXPECTED)?));
        }
        let start = *self;
        let number = |text: &str| text.parse::<u32>().ok();
        let namespace = self.word(EXPECTED)?.strip_prefix('u').and_then(number);
        let Some(namespace) = namespace else {
            return start.error("expected a name such as `%f`");
        };
        self.expect(":")?;
        let index = self.integer(0, u32::MAX.into())?;
        Ok(ExternalName::user(namespace, index as u32))
    }

    /// Reads the rest of a quoted name, whose escapes are those of Rust.
    fn quoted_name(&mut self) -> Result<ExternalName, VCodeParseError> {
        let mut name = String::new();
        loop {
            let start = *self;
            match self.next_char() {
                Some('"') => return Ok(ExternalName::symbol(name)),
                Some('\\') => match self.escape() {
                    Some(c) => name.push(c),
                    None => return start.error("unknown escape in a name"),
                },
                Some(c) => name.push(c),
                None => return start.error("the name has no closing quote"),
            }
        }
    }

    fn next_char(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.offset += next.len_utf8();
        Some(next)
    }

    fn escape(&mut self) -> Option<char> {
        match self.next_char()? {
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            c @ ('"' | '\'' | '\\') => Some(c),
            'u' => {
                let rest = self.rest().strip_prefix('{')?;
                let digits = &rest[..rest.find('}')?];
                self.offset += digits.len() + 2;
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn error<T: fmt::Debug>(result: Result<T, VCodeParseError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn words_and_integers() {
        let mut cursor = Cursor::new("  add.w v1, -0x10(x) ; rest", 3);
        assert_eq!(cursor.word("a word"), Ok("add.w"));
        assert!(!cursor.eat_word("v"));
        assert!(cursor.eat_word("v1"));
        assert!(cursor.eat(","));
        assert_eq!(cursor.integer(-16, 0), Ok(-16));
        assert_eq!(error(cursor.expect("[")), "3:18: expected `[`");
        assert!(cursor.eat("(x)") && cursor.at_end());
    }

    #[test]
    fn bad_integers() {
        for (text, column) in [
            ("12x", 1),
            (" 0x", 2),
            ("- ", 3),
            ("300", 1),
            ("99999999999999999999", 1),
        ] {
            let found = Cursor::new(text, 1).integer(0, 255).unwrap_err();
            assert_eq!(found.column, column, "{text}");
        }
    }

    #[test]
    fn names_read_back() {
        for name in [
            ExternalName::symbol("memcpy"),
            ExternalName::symbol("two words; \"quoted\"\n\u{e9}"),
            ExternalName::user(1, 70),
        ] {
            let text = name.to_string();
            let mut cursor = Cursor::new(&text, 1);
            assert_eq!(cursor.external_name(), Ok(name));
            assert!(cursor.at_end());
        }
        for text in [
            "%",
            "%\"abc",
            "%\"\\x\"",
            "u",
            "u1",
            "f",
            "%\"\\u{110000}\"",
        ] {
            assert!(Cursor::new(text, 1).external_name().is_err(), "{text}");
        }
    }

    #[test]
    fn bytes() {
        assert_eq!(Cursor::new("0x00ff", 1).hex_bytes().unwrap(), [0, 255]);
        for text in ["0x", "0x123", "12", "0xgg", ""] {
            assert!(Cursor::new(text, 1).hex_bytes().is_err(), "{text}");
        }
    }
}
