//! Run commands and invocations.

use super::{Failure, ParseResult, Parser, error_at};
use crate::ir::{DataValue, ExternalName, Signature, Type};
use crate::text::error::{Location, ParseError};
use crate::text::lexer::Token;
use crate::text::run_command::{Comparison, Invocation, RunCommand};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

/// Reads the comment `text` as a run command about a function of the signature `signature`. `None` when it is not one.
///
/// ```text
/// command ::= "run" [":" invocation ("==" | "!=") results]
///           | "print" [":" invocation]
///           | "trap" ":" invocation "==" trap-code
/// results ::= value | "[" [value { "," value }] "]"
/// ```
///
/// Without an invocation a function without parameters is called. `run` then wants its one result not to be zero.
///
/// # Errors
/// When it starts as a run command and is not right, or does not agree with the signature.
pub fn parse_run_command(
    text: &str,
    signature: &Signature,
) -> Result<Option<RunCommand>, ParseError> {
    parse_run_command_at(text, Location::START, signature)
}

/// As [`parse_run_command`], with the location of the text in its file, to which the location of an error is then relative.
pub fn parse_run_command_at(
    text: &str,
    location: Location,
    signature: &Signature,
) -> Result<Option<RunCommand>, ParseError> {
    let command = text.trim_start_matches([' ', '\t', ';']);
    let skipped = (text.len() - command.len()) as u32;
    let start = Location {
        line: location.line,
        column: location.column + skipped,
    };
    let mut parser = Parser::starting_at(command, start);
    finish(parser.parse_run_command(signature))
}

/// Reads `name(args)`, with or without a `%` before the name, which may be quoted, where `signature` gives the signature of the function of a
/// name, as the user of a command line writes it.
///
/// # Errors
/// When it is no invocation, when there is no such function, or when the arguments do not agree with the signature.
pub fn parse_invocation<'s>(
    text: &str,
    signature: impl FnOnce(&ExternalName) -> Option<&'s Signature>,
) -> Result<Invocation, ParseError> {
    let text = text.trim_start();
    if text.starts_with('"') {
        let named = format!("%{text}");
        return finish(
            Parser::starting_at(&named, Location::START).parse_user_invocation(None, signature),
        );
    }
    let (name, mut parser) = match text.split_once('(').map_or(text, |(name, _)| name) {
        word if is_word(word.trim_end()) => {
            let location = Location {
                line: 1,
                column: word.len() as u32 + 1,
            };
            let rest = Parser::starting_at(&text[word.len()..], location);
            (Some(ExternalName::symbol(word.trim_end())), rest)
        }
        _ => (None, Parser::starting_at(text, Location::START)),
    };
    finish(parser.parse_user_invocation(name, signature))
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

fn finish<T>(result: ParseResult<T>) -> Result<T, ParseError> {
    result.map_err(Failure::into_error)
}

impl Parser<'_> {
    fn parse_run_command(&mut self, signature: &Signature) -> ParseResult<Option<RunCommand>> {
        let Token::Identifier(word) = self.token else {
            return Ok(None);
        };
        let command = match word {
            "run" => {
                self.advance();
                self.parse_run(signature)?
            }
            "print" => {
                self.advance();
                RunCommand::Print(self.parse_optional_invocation(signature)?)
            }
            "trap" => {
                self.advance();
                // A sentence that starts with this word is no command.
                if !self.optional(b':') {
                    return Ok(None);
                }
                let invocation = self.parse_run_invocation(signature)?;
                self.parse_equals()?;
                let code = self.parse_trap_code()?;
                RunCommand::Trap { invocation, code }
            }
            _ => return Ok(None),
        };
        if self.token != Token::End {
            return self.expected("the end of the command");
        }
        Ok(Some(command))
    }

    fn parse_run(&mut self, signature: &Signature) -> ParseResult<RunCommand> {
        if self.at(b':') {
            let invocation = self.parse_optional_invocation(signature)?;
            let comparison = if self.optional(b'!') {
                self.expect(b'=', "after `!`")?;
                Comparison::NotEqual
            } else {
                self.parse_equals()?;
                Comparison::Equal
            };
            let expected = self.parse_run_results(signature)?;
            return Ok(RunCommand::Run {
                invocation,
                comparison,
                expected,
            });
        }
        let [result] = signature.returns.as_slice() else {
            return self.error("`run` alone needs a function with one result");
        };
        let expected = [DataValue::new(result.value_type, 0)].to_vec();
        Ok(RunCommand::Run {
            invocation: self.parse_optional_invocation(signature)?,
            comparison: Comparison::NotEqual,
            expected,
        })
    }

    fn parse_equals(&mut self) -> ParseResult<()> {
        if self.optional(b'=') && self.optional(b'=') {
            return Ok(());
        }
        self.expected("`==`")
    }

    /// `: %name(values)`, or nothing for a function without parameters.
    fn parse_optional_invocation(&mut self, signature: &Signature) -> ParseResult<Invocation> {
        if self.optional(b':') {
            return self.parse_run_invocation(signature);
        }
        if !signature.params.is_empty() {
            return self.expected("`:` and an invocation, as the function has parameters");
        }
        Ok(Invocation {
            name: None,
            args: Vec::new(),
        })
    }

    fn parse_run_invocation(&mut self, signature: &Signature) -> ParseResult<Invocation> {
        let name = Some(self.parse_external_name()?);
        let args = self.parse_run_arguments(signature)?;
        Ok(Invocation { name, args })
    }

    /// `name` is the name when it was written without a `%`, and then stands before this text.
    fn parse_user_invocation<'s>(
        &mut self,
        name: Option<ExternalName>,
        signature: impl FnOnce(&ExternalName) -> Option<&'s Signature>,
    ) -> ParseResult<Invocation> {
        let name = match name {
            Some(name) => name,
            None => self.parse_external_name()?,
        };
        let Some(signature) = signature(&name) else {
            let message = format_args!("there is no function {name}");
            return Err(error_at(Location::START, message).into());
        };
        let args = if self.token == Token::End && signature.params.is_empty() {
            Vec::new()
        } else {
            self.parse_run_arguments(signature)?
        };
        if self.token != Token::End {
            return self.expected("the end of the invocation");
        }
        Ok(Invocation {
            name: Some(name),
            args,
        })
    }

    fn parse_run_arguments(&mut self, signature: &Signature) -> ParseResult<Vec<DataValue>> {
        self.expect(b'(', "before the arguments")?;
        let wanted = match signature.params.len() {
            1 => "1 argument".to_string(),
            count => format!("{count} arguments"),
        };
        let mut args = Vec::new();
        for param in &signature.params {
            if self.at(b')') {
                let given = args.len();
                return self.error(format_args!("expected {wanted}, found {given}"));
            }
            if !args.is_empty() {
                self.expect(b',', "before the next value")?;
            }
            args.push(self.parse_data_value(param.value_type)?);
        }
        if self.at(b',') {
            return self.error(format_args!("expected {wanted}, found more"));
        }
        self.expect(b')', "after the arguments")?;
        Ok(args)
    }

    fn parse_run_results(&mut self, signature: &Signature) -> ParseResult<Vec<DataValue>> {
        let types = signature.returns.iter().map(|result| result.value_type);
        let bracketed = self.optional(b'[');
        if !bracketed && types.len() != 1 {
            return self.expected("`[` before the results");
        }
        let values = self.parse_data_values(types)?;
        if bracketed {
            self.expect(b']', "after the results")?;
        }
        Ok(values)
    }

    /// A value of each of `types`, with commas between them.
    fn parse_data_values(
        &mut self,
        types: impl Iterator<Item = Type>,
    ) -> ParseResult<Vec<DataValue>> {
        let mut values = Vec::new();
        for ty in types {
            if !values.is_empty() {
                self.expect(b',', "before the next value")?;
            }
            values.push(self.parse_data_value(ty)?);
        }
        Ok(values)
    }
}
