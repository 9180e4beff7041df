//! Integers, types and names.

use super::dialect;
use super::{ParseResult, Parser, error_at};
use crate::ir::{DataValue, ExternalName, Imm64, Offset32, Type};
use crate::text::lexer::Token;
use alloc::string::String;
use core::fmt;
use core::str::Chars;

/// An integer that is not what it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum IntegerError {
    Malformed,
    OutOfRange,
}

impl Parser<'_> {
    /// An integer of `bits` bits, as its bits, or `None` when the next token is not a number.
    ///
    /// In decimal and in hexadecimal it may be in the signed or in the unsigned range of that width.
    fn optional_integer(&mut self, bits: u32) -> ParseResult<Option<u128>> {
        let Token::Integer(text) = self.token else {
            return Ok(None);
        };
        match parse_integer(text, bits) {
            Ok(value) => {
                self.advance();
                Ok(Some(value))
            }
            Err(IntegerError::Malformed) => self.error(format_args!("`{text}` is not an integer")),
            Err(IntegerError::OutOfRange) => {
                self.error(format_args!("`{text}` does not fit in {bits} bits"))
            }
        }
    }

    fn expect_integer(&mut self, bits: u32, what: impl fmt::Display) -> ParseResult<u128> {
        match self.optional_integer(bits)? {
            Some(value) => Ok(value),
            None => self.expected(what),
        }
    }

    /// The immediate of a constant of type `ty`.
    pub(super) fn parse_imm(&mut self, ty: Type) -> ParseResult<Imm64> {
        let what = format_args!("an integer of {} bits", ty.bits());
        let bits = self.expect_integer(ty.bits(), what)?;
        Ok(Imm64::new(DataValue::new(ty, bits).signed() as i64))
    }

    /// A number of type `ty`, as run directives have it.
    pub(super) fn parse_data_value(&mut self, ty: Type) -> ParseResult<DataValue> {
        if !ty.is_int() {
            return self.unsupported(format_args!("a value of type {ty}"));
        }
        let bits = self.expect_integer(ty.bits(), format_args!("an integer of type {ty}"))?;
        Ok(DataValue::new(ty, bits))
    }

    /// A 64-bit integer.
    pub(super) fn parse_imm64(&mut self, what: &str) -> ParseResult<Imm64> {
        let bits = self.expect_integer(64, what)?;
        Ok(Imm64::new(bits as i64))
    }

    /// A size or another number that is at least zero and fits in 32 bits.
    pub(super) fn parse_u32(&mut self, what: &str) -> ParseResult<u32> {
        let location = self.location;
        let number = self.parse_imm64(what)?.bits();
        u32::try_from(number).map_err(|_| {
            let message = format_args!("{number} is not in the range of a 32-bit size");
            error_at(location, message).into()
        })
    }

    /// An offset with its sign, or nothing, which is zero.
    pub(super) fn optional_offset(&mut self) -> ParseResult<Offset32> {
        let location = self.location;
        let offset = self.optional_offset64()?.bits();
        match i32::try_from(offset) {
            Ok(bytes) => Ok(Offset32::new(bytes)),
            Err(_) => {
                let message = format_args!("offset {offset} does not fit in 32 bits");
                Err(error_at(location, message).into())
            }
        }
    }

    /// A 64-bit offset with its sign, or nothing, which is zero.
    pub(super) fn optional_offset64(&mut self) -> ParseResult<Imm64> {
        match self.token {
            Token::Integer(text) if text.starts_with(['+', '-']) => self.parse_imm64("an offset"),
            _ => Ok(Imm64::new(0)),
        }
    }

    /// A type that LPIR has.
    pub(super) fn parse_type(&mut self, what: &str) -> ParseResult<Type> {
        let Token::Identifier(word) = self.token else {
            return self.expected(what);
        };
        match word.parse::<Type>() {
            Ok(ty) if ty.is_int() => {
                self.advance();
                Ok(ty)
            }
            _ if dialect::is_clif_type(word) => {
                self.unsupported(format_args!("type {word} is not supported"))
            }
            _ if matches!(word, "r32" | "r64") => {
                self.error("reference types are gone from CLIF: use i32")
            }
            _ => self.expected(what),
        }
    }

    /// ```text
    /// external-name ::= "%" word | "%" quoted-text | "u" number ":" number
    /// ```
    pub(super) fn parse_external_name(&mut self) -> ParseResult<ExternalName> {
        const WHAT: &str = "a name, as in %name or u0:0";
        match self.token {
            Token::Name(name) if !name.is_empty() => {
                self.advance();
                Ok(ExternalName::symbol(name))
            }
            Token::QuotedName(quoted) => {
                let Some(name) = unescape(quoted) else {
                    return self.error(format_args!("`{quoted}` has an escape that is not one"));
                };
                if name.is_empty() {
                    return self.error("a name has at least one character");
                }
                self.advance();
                Ok(ExternalName::symbol(name))
            }
            Token::Identifier(word) if word.starts_with("userextname") => {
                self.unsupported("a reference to a table of external names")
            }
            Token::Identifier(word) => {
                let digits = word.strip_prefix('u').unwrap_or_default();
                let Some(namespace) = parse_name_number(digits) else {
                    return self.expected(WHAT);
                };
                self.advance();
                self.expect(b':', "after the namespace of a name")?;
                let Token::Integer(digits) = self.token else {
                    return self.expected("the index of a name");
                };
                let Some(index) = parse_name_number(digits) else {
                    return self.error(format_args!("`{digits}` is not a 32-bit number"));
                };
                self.advance();
                Ok(ExternalName::user(namespace, index))
            }
            _ => self.expected(WHAT),
        }
    }

    /// A word of a closed set.
    pub(super) fn parse_enum<T: core::str::FromStr>(&mut self, what: &str) -> ParseResult<T> {
        let Token::Identifier(word) = self.token else {
            return self.expected(what);
        };
        match word.parse() {
            Ok(item) => {
                self.advance();
                Ok(item)
            }
            Err(_) => self.expected(what),
        }
    }
}

fn parse_name_number(digits: &str) -> Option<u32> {
    let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_decimal {
        digits.parse().ok()
    } else {
        None
    }
}

/// The bits of the integer that `text` states, in `bits` bits.
///
/// `_` may stand anywhere in hexadecimal, and in decimal where the width is 64 bits.
fn parse_integer(text: &str, bits: u32) -> Result<u128, IntegerError> {
    let (negative, magnitude) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = match magnitude.strip_prefix("0x") {
        Some(digits) => parse_digits(digits, 16, true)?,
        None => parse_digits(magnitude, 10, bits == 64)?,
    };
    let mask = u128::MAX >> (128 - bits);
    if negative {
        let limit = 1u128 << (bits - 1);
        if magnitude > limit {
            return Err(IntegerError::OutOfRange);
        }
        return Ok(magnitude.wrapping_neg() & mask);
    }
    if magnitude > mask {
        return Err(IntegerError::OutOfRange);
    }
    Ok(magnitude)
}

fn parse_digits(text: &str, radix: u32, underscores: bool) -> Result<u128, IntegerError> {
    let mut value = 0u128;
    let mut any = false;
    for character in text.chars() {
        if character == '_' && underscores {
            continue;
        }
        let digit = character.to_digit(radix).ok_or(IntegerError::Malformed)?;
        value = value
            .checked_mul(radix.into())
            .and_then(|value| value.checked_add(digit.into()))
            .ok_or(IntegerError::OutOfRange)?;
        any = true;
    }
    if any {
        Ok(value)
    } else {
        Err(IntegerError::Malformed)
    }
}

/// The text that `quoted` stands for: the inverse of `str::escape_default`. `None` when an escape is malformed.
fn unescape(quoted: &str) -> Option<String> {
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        text.push(unescape_char(&mut characters)?);
    }
    Some(text)
}

/// The character that an escape stands for, of which the `\` has been taken. `None` when it is malformed.
pub(super) fn unescape_char(characters: &mut Chars<'_>) -> Option<char> {
    Some(match characters.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        escaped @ ('\\' | '\'' | '"') => escaped,
        'u' => {
            let (digits, rest) = characters.as_str().strip_prefix('{')?.split_once('}')?;
            *characters = rest.chars();
            char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
        }
        _ => return None,
    })
}
