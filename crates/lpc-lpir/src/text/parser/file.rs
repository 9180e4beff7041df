//! The file level: header lines, functions and the directives between them.

use super::directives::{self, Directives};
use super::{Failure, Parser, error_at};
use crate::ir::{AnyEntity, ExternalName, Linkage};
use crate::text::error::{Location, ParseError};
use crate::text::lexer::Token;
use crate::text::test_file::{HeaderKind, HeaderLine, Outcome, TestFile, TestFunction};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

impl<'a> Parser<'a> {
    /// ```text
    /// file ::= { header-line } { function }
    /// ```
    ///
    /// Directives are comments, and may stand anywhere but in functions.
    pub(super) fn parse_file(&mut self) -> Result<TestFile<'a>, ParseError> {
        let header = self.parse_header();
        let preamble_comments = core::mem::take(&mut self.comments);
        let mut directives = Directives::default();
        directives.read(&preamble_comments)?;
        let mut functions = Vec::new();
        while self.token != Token::End {
            functions.push(self.parse_test_function(&mut directives)?);
        }
        set_linkage(&mut functions, directives.local)?;
        Ok(TestFile {
            header,
            preamble_comments,
            module: directives.module,
            data_locations: directives.data_locations,
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
    fn parse_test_function(
        &mut self,
        directives: &mut Directives,
    ) -> Result<TestFunction<'a>, ParseError> {
        self.entity = AnyEntity::Function;
        if !self.optional_word("function") {
            return Err(error_at(
                self.location,
                format_args!("expected `function`, found {}", self.token),
            ));
        }
        let location = self.location;
        let name = self.parse_function_name().map_err(Failure::into_error)?;
        let outcome = match self.parse_function(&name, location) {
            Ok(parsed) => Outcome::Parsed(parsed),
            Err(Failure::Unsupported(reason)) => {
                self.skip_function()?;
                Outcome::Skipped(reason)
            }
            Err(failure) => return Err(failure.into_error()),
        };
        let inside = self.comments.len();
        directives::check_none(&self.comments)?;
        self.entity = AnyEntity::Function;
        self.expect(b'}', "after the body of the function")
            .map_err(Failure::into_error)?;
        let comments = core::mem::take(&mut self.comments);
        directives.read(&comments[inside..])?;
        Ok(TestFunction {
            name,
            location,
            linkage: Linkage::Export,
            outcome,
            comments,
        })
    }
}

/// Makes those of `functions` local that directives call so.
fn set_linkage(
    functions: &mut [TestFunction<'_>],
    local: Vec<(ExternalName, Location)>,
) -> Result<(), ParseError> {
    if local.is_empty() {
        return Ok(());
    }
    let mut by_name = BTreeMap::new();
    for function in functions {
        by_name.insert(function.name.clone(), &mut function.linkage);
    }
    for (name, location) in local {
        let Some(linkage) = by_name.get_mut(&name) else {
            let message = format_args!("there is no function {name} in this file");
            return Err(error_at(location, message));
        };
        if **linkage == Linkage::Local {
            return Err(error_at(location, format_args!("{name} is local already")));
        }
        **linkage = Linkage::Local;
    }
    Ok(())
}
