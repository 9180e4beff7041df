//! A function: its braces and its signature.

use super::body::WrittenValue;
use super::numbering::Numbering;
use super::{Failure, ParseResult, Parser, dialect, error_at};
use crate::ir::{
    AbiParam, AnyEntity, ArgumentExtension, ArgumentPurpose, Block, CallConv, ExternalName,
    Function, GlobalValue, Signature, Type, Value,
};
use crate::text::error::{Location, ParseError};
use crate::text::lexer::Token;
use crate::text::source_map::SourceMap;
use crate::text::test_file::ParsedFunction;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A function that is being read.
pub(super) struct Context {
    pub(super) function: Function,
    pub(super) source_map: SourceMap,
    pub(super) numbering: Numbering,
    /// Values that were used before they were defined: the value, its number in the text, and where it was used.
    pub(super) forward_values: Vec<(Value, u32, Location)>,
    /// The same for blocks, where their numbers are not kept. Where they are, an undefined block is left to the verifier,
    /// which can name it.
    pub(super) forward_blocks: Vec<(Block, u32, Location)>,
    /// The same for the global values that others are based on.
    pub(super) forward_global_values: Vec<(GlobalValue, u32, Location)>,
    /// The results of the instruction that is being read. Kept here to use the memory again, as is the next.
    pub(super) results: Vec<WrittenValue>,
    /// The operands of a list of the instruction that is being read.
    pub(super) operands: Vec<Value>,
}

impl Context {
    fn new(function: Function, location: Location, numbering: Numbering) -> Self {
        Self {
            function,
            source_map: SourceMap::new(location),
            numbering,
            forward_values: Vec::new(),
            forward_blocks: Vec::new(),
            forward_global_values: Vec::new(),
            results: Vec::new(),
            operands: Vec::new(),
        }
    }
}

impl Parser<'_> {
    /// The name of a function. Unlike those that are referred to, it may be empty.
    pub(super) fn parse_function_name(&mut self) -> ParseResult<ExternalName> {
        if let Token::Name("") | Token::QuotedName("") = self.token {
            self.advance();
            return Ok(ExternalName::symbol(""));
        }
        self.parse_external_name()
    }

    /// Reads a function from behind its name up to its closing brace, which is left.
    pub(super) fn parse_function(
        &mut self,
        name: &ExternalName,
        location: Location,
    ) -> ParseResult<Box<ParsedFunction>> {
        let start = self.clone();
        // Where the text of the function ends is known only when it is read; a brace in a comment makes this too short,
        // which at worst renumbers the entities of a function with sparse numbers.
        let rest = self.lexer.rest();
        let bytes = rest.find('}').unwrap_or(rest.len());
        match self.try_function(name, location, Numbering::keeping(self.spare_gaps, bytes)) {
            Err(Failure::SparseNumbers) => {
                *self = start;
                self.try_function(name, location, Numbering::renumbering())
            }
            result => result,
        }
    }

    fn try_function(
        &mut self,
        name: &ExternalName,
        location: Location,
        numbering: Numbering,
    ) -> ParseResult<Box<ParsedFunction>> {
        let signature = self.parse_signature()?;
        let function = Function::new(name.clone(), signature);
        let mut context = Context::new(function, location, numbering);
        self.expect(b'{', "before the body of the function")?;
        self.parse_preamble(&mut context)?;
        self.parse_body(&mut context)?;
        let gaps = context.numbering.spare_gaps();
        let Some(spare_gaps) = self.spare_gaps.checked_sub(gaps) else {
            return Err(Failure::SparseNumbers);
        };
        self.spare_gaps = spare_gaps;
        Ok(Box::new(ParsedFunction {
            function: context.function,
            source_map: context.source_map,
        }))
    }

    /// Passes over the rest of a function up to its closing brace, which is left.
    pub(super) fn skip_function(&mut self) -> Result<(), ParseError> {
        self.entity = AnyEntity::Function;
        while !self.at(b'}') {
            if self.token == Token::End {
                let message =
                    "expected `}` after the body of the function, found the end of the text";
                return Err(error_at(self.location, message));
            }
            self.advance();
        }
        Ok(())
    }

    /// ```text
    /// signature ::= "(" [params] ")" ["->" params] [call-conv]
    /// ```
    pub(super) fn parse_signature(&mut self) -> ParseResult<Signature> {
        let mut signature = Signature::default();
        self.expect(b'(', "before the parameters of a signature")?;
        if !self.at(b')') {
            signature.params = self.parse_abi_params("a parameter type")?;
        }
        self.expect(b')', "after the parameters of a signature")?;
        if self.token == Token::Arrow {
            self.advance();
            signature.returns = self.parse_abi_params("a result type")?;
        }
        if let Token::Identifier(word) = self.token
            && let Some(call_conv) = self.parse_call_conv(word)?
        {
            self.advance();
            signature.call_conv = call_conv;
        }
        Ok(signature)
    }

    /// The convention `word`, or `None` when the word belongs to what follows the signature.
    fn parse_call_conv(&self, word: &str) -> ParseResult<Option<CallConv>> {
        match word.parse() {
            Ok(call_conv) => Ok(Some(call_conv)),
            Err(()) if dialect::is_foreign_call_conv(word) => {
                self.unsupported(format_args!("calling convention {word}"))
            }
            Err(()) if word == "stack_limit" || dialect::missing_declaration(word).is_some() => {
                Ok(None)
            }
            Err(()) => self.error(format_args!("unknown calling convention `{word}`")),
        }
    }

    /// ```text
    /// params ::= param { "," param }
    /// ```
    fn parse_abi_params(&mut self, what: &str) -> ParseResult<Vec<AbiParam>> {
        let mut params = Vec::new();
        loop {
            if params.len() > usize::from(u16::MAX) {
                return self.error("a signature has at most 65535 parameters and 65535 results");
            }
            params.push(self.parse_abi_param(what)?);
            if !self.optional(b',') {
                return Ok(params);
            }
        }
    }

    /// ```text
    /// param ::= type { "uext" | "sext" | "sret" | "vmctx" | "sarg" "(" bytes ")" }
    /// ```
    fn parse_abi_param(&mut self, what: &str) -> ParseResult<AbiParam> {
        let location = self.location;
        let mut param = AbiParam::new(self.parse_type(what)?);
        while let Token::Identifier(word) = self.token {
            match word {
                "uext" => param.extension = ArgumentExtension::Uext,
                "sext" => param.extension = ArgumentExtension::Sext,
                "sret" => param.purpose = ArgumentPurpose::StructReturn,
                "vmctx" => param.purpose = ArgumentPurpose::VMContext,
                "sarg" => {
                    self.advance();
                    self.expect(b'(', "before the size of a structure")?;
                    let size = self.parse_u32("the size of a structure")?;
                    param.purpose = ArgumentPurpose::StructArgument(size);
                    self.expect(b')', "after the size of a structure")?;
                    continue;
                }
                _ => break,
            }
            self.advance();
        }
        if param.purpose != ArgumentPurpose::Normal && param.value_type == Type::I64 {
            self.check_wide_address(location)?;
        }
        Ok(param)
    }
}
