//! The file level: header lines and functions.

use super::{Failure, Parser, error_at};
use crate::ir::AnyEntity;
use crate::text::error::ParseError;
use crate::text::lexer::Token;
use crate::text::test_file::{HeaderKind, HeaderLine, Outcome, TestFile, TestFunction};
use alloc::vec::Vec;

impl<'a> Parser<'a> {
    /// ```text
    /// file ::= { header-line } { function }
    /// ```
    pub(super) fn parse_file(&mut self) -> Result<TestFile<'a>, ParseError> {
        let header = self.parse_header();
        let preamble_comments = core::mem::take(&mut self.comments);
        let mut functions = Vec::new();
        while self.token != Token::End {
            functions.push(self.parse_test_function()?);
        }
        Ok(TestFile {
            header,
            preamble_comments,
            functions,
        })
    }

    /// Header lines are raw: nothing in them is a token, not even `;`.
    fn parse_header(&mut self) -> Vec<HeaderLine<'a>> {
        let mut header = Vec::new();
        while let Token::Identifier(word) = self.token
            && let Some(kind) = HeaderKind::from_word(word)
        {
            let location = self.location;
            let text = self.lexer.rest_of_line();
            header.push(HeaderLine {
                kind,
                location,
                text,
            });
            self.advance();
        }
        header
    }

    /// ```text
    /// function ::= "function" name signature "{" preamble body "}"
    /// ```
    fn parse_test_function(&mut self) -> Result<TestFunction<'a>, ParseError> {
        self.entity = AnyEntity::Function;
        if !self.optional_word("function") {
            return Err(error_at(
                self.location,
                format_args!("expected `function`, found {}", self.token),
            ));
        }
        let location = self.location;
        let name = match self.parse_function_name() {
            Ok(name) => name,
            Err(Failure::Error(error) | Failure::Unsupported(error)) => return Err(error),
            Err(Failure::SparseNumbers) => unreachable!("a name has no entity numbers"),
        };
        let outcome = match self.parse_function(&name, location) {
            Ok(parsed) => Outcome::Parsed(parsed),
            Err(Failure::Unsupported(reason)) => {
                self.skip_function()?;
                Outcome::Skipped(reason)
            }
            Err(Failure::Error(error)) => return Err(error),
            Err(Failure::SparseNumbers) => unreachable!("renumbered entities are dense"),
        };
        let comments = core::mem::take(&mut self.comments);
        Ok(TestFunction {
            name,
            location,
            outcome,
            comments,
        })
    }
}
