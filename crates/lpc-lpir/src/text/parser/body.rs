//! The body of a function: blocks, results, aliases, instructions and their types.

use super::function::Context;
use super::{Failure, ParseResult, Parser, dialect, error_at};
use crate::entity::EntityRef;
use crate::ir::{
    AnyEntity, Block, ControllingType, Inst, InstructionData, InstructionFormat, Opcode, SourceLoc,
    Type, TypeSet, Value,
};
use crate::text::error::Location;
use crate::text::lexer::Token;

/// The parameters of a block or the results of an instruction are numbered with 16 bits.
const MAX_DEFINITIONS: usize = u16::MAX as usize;

/// A value that is defined: its number in the text, and where.
pub(super) type WrittenValue = (Value, u32, Location);

impl Context {
    /// The value with the number `number` in the text, whether it is defined yet or not.
    fn value(&mut self, number: u32) -> ParseResult<Value> {
        let dfg = &mut self.function.dfg;
        let index = self.numbering.values.index(number, dfg.num_values())?;
        while dfg.num_values() <= index {
            dfg.reserve_value();
        }
        Ok(Value::new(index))
    }

    /// The block with the number `number` in the text, whether it is defined yet or not.
    fn block(&mut self, number: u32) -> ParseResult<Block> {
        let dfg = &mut self.function.dfg;
        let index = self.numbering.blocks.index(number, dfg.num_blocks())?;
        while dfg.num_blocks() <= index {
            dfg.make_block();
        }
        Ok(Block::new(index))
    }

    /// Checks that `written` has no definition yet, and counts the one that it gets now.
    fn count_definition(&mut self, written: WrittenValue) -> ParseResult<()> {
        let (value, number, location) = written;
        if self.function.dfg.value_is_defined(value) {
            return Err(error_at(location, format_args!("v{number} is defined twice")).into());
        }
        self.numbering.values.count_definition();
        Ok(())
    }

    /// The controlling type of an instruction: the one that is stated, or that of the operand that decides.
    fn controlling_type(
        &self,
        data: &InstructionData,
        stated: Option<Type>,
        location: Location,
    ) -> ParseResult<Option<Type>> {
        let opcode = data.opcode();
        let (None, ControllingType::Operand(index, types)) = (stated, opcode.controlling_type())
        else {
            return Ok(stated);
        };
        let dfg = &self.function.dfg;
        let operand = data.arguments(&dfg.value_lists).nth(usize::from(index));
        let operand = operand.expect("the format has the operand that decides");
        if !dfg.value_is_defined(operand) {
            let example = example(types);
            let message = format_args!(
                "`{opcode}` needs a type here, as in `{opcode}.{example}`: its operand is not defined yet"
            );
            return Err(error_at(location, message).into());
        }
        let ty = dfg.value_type(operand);
        if !types.contains(ty) {
            return Err(wrong_type(opcode, ty, location));
        }
        Ok(Some(ty))
    }

    /// Makes the written results those of `inst`.
    fn define_results(
        &mut self,
        inst: Inst,
        controlling: Option<Type>,
        results: &[WrittenValue],
        location: Location,
    ) -> ParseResult<()> {
        let mut required = 0;
        while let Some(ty) = self
            .function
            .dfg
            .required_result_type(inst, required, controlling)
        {
            if let Some(&result) = results.get(required) {
                self.count_definition(result)?;
                self.function.dfg.define_result(inst, result.0, ty);
            }
            required += 1;
        }
        if required != results.len() {
            let opcode = self.function.dfg.inst(inst).opcode();
            let given = results.len();
            let message = format_args!("`{opcode}` gives {required} results, not {given}");
            return Err(error_at(location, message).into());
        }
        Ok(())
    }
}

/// A type of `types` to show in a message.
fn example(types: TypeSet) -> Type {
    if types.contains(Type::I32) {
        Type::I32
    } else {
        types.iter().next().unwrap_or(Type::I32)
    }
}

#[cold]
fn wrong_type(opcode: Opcode, ty: Type, location: Location) -> Failure {
    let types = opcode.controlling_type().types();
    let message = format_args!("`{opcode}` cannot be of type {ty}, only of {types}");
    error_at(location, message).into()
}

impl Parser<'_> {
    /// ```text
    /// body ::= { block }
    /// ```
    pub(super) fn parse_body(&mut self, context: &mut Context) -> ParseResult<()> {
        while !self.at(b'}') {
            self.parse_block(context)?;
        }
        for &(value, number, location) in &context.forward_values {
            if !context.function.dfg.value_is_defined(value) {
                return Err(error_at(location, format_args!("undefined value v{number}")).into());
            }
        }
        for &(block, number, location) in &context.forward_blocks {
            if !context.function.layout.is_block_inserted(block) {
                let message = format_args!("undefined block block{number}");
                return Err(error_at(location, message).into());
            }
        }
        Ok(())
    }

    /// ```text
    /// block ::= "block"n ["(" [param { "," param }] ")"] ["cold"] ":" { instruction | alias }
    /// param ::= "v"n ":" type
    /// ```
    fn parse_block(&mut self, context: &mut Context) -> ParseResult<()> {
        let Token::Block(number) = self.token else {
            return self.expected("a block or `}`");
        };
        let block = context.block(number)?;
        if context.function.layout.is_block_inserted(block) {
            return self.error(format_args!("block{number} is defined twice"));
        }
        context.source_map.blocks[block] = Some(self.location);
        context.numbering.blocks.count_definition();
        context.function.layout.append_block(block);
        self.entity = block.into();
        self.advance();
        if self.optional(b'(') {
            self.parse_block_params(context, block)?;
        }
        if self.optional_word("cold") {
            context.function.layout.set_cold(block);
        }
        self.expect(b':', "after the block")?;
        loop {
            match self.token {
                Token::Value(_) | Token::Identifier(_) | Token::SourceLoc(_) => {
                    self.parse_inst_or_alias(context, block)?;
                }
                Token::Punctuation(b'<') => return self.unsupported("debug tags"),
                Token::Block(_) | Token::Punctuation(b'}') => return Ok(()),
                _ => return self.expected("an instruction, a block or `}`"),
            }
        }
    }

    fn parse_block_params(&mut self, context: &mut Context, block: Block) -> ParseResult<()> {
        if self.optional(b')') {
            return Ok(());
        }
        for _ in 0..MAX_DEFINITIONS {
            let (value, number, location) = self.parse_definition(context, "a parameter")?;
            self.expect(b':', "after the parameter")?;
            let ty = self.parse_type("the type of the parameter")?;
            context.count_definition((value, number, location))?;
            context.function.dfg.define_block_param(block, value, ty);
            if !self.optional(b',') {
                return self.expect(b')', "after the parameters of the block");
            }
        }
        self.error("a block has at most 65535 parameters")
    }

    /// A value that is defined here.
    fn parse_definition(&mut self, context: &mut Context, what: &str) -> ParseResult<WrittenValue> {
        let location = self.location;
        let Token::Value(number) = self.token else {
            return self.expected(what);
        };
        let value = context.value(number)?;
        self.advance();
        Ok((value, number, location))
    }

    /// ```text
    /// instruction ::= ["@"hex] [results "="] opcode ["." type] operands
    /// alias       ::= ["@"hex] "v"n "->" "v"n
    /// results     ::= "v"n { "," "v"n }
    /// ```
    fn parse_inst_or_alias(&mut self, context: &mut Context, block: Block) -> ParseResult<()> {
        // Comments from here on are about the instruction, which is made when its operands are known.
        self.entity = Inst::new(context.function.dfg.num_insts()).into();
        let srcloc = self.optional_srcloc()?;
        let mut results = core::mem::take(&mut context.results);
        results.clear();
        if let Token::Value(_) = self.token {
            results.push(self.parse_definition(context, "a result")?);
            if self.token == Token::Arrow {
                let alias = results[0];
                context.results = results;
                return self.parse_alias(context, alias);
            }
            while self.optional(b',') {
                results.push(self.parse_definition(context, "a result")?);
            }
            self.expect(b'=', "after the results")?;
        }
        self.parse_inst(context, block, &results, srcloc)?;
        context.results = results;
        Ok(())
    }

    fn optional_srcloc(&mut self) -> ParseResult<SourceLoc> {
        let Token::SourceLoc(digits) = self.token else {
            return Ok(SourceLoc::default());
        };
        let Ok(bits) = u32::from_str_radix(digits, 16) else {
            return self.error(format_args!(
                "source location `@{digits}` does not fit in 32 bits"
            ));
        };
        self.advance();
        Ok(SourceLoc::new(bits))
    }

    /// Checks that the values which nothing has defined up to here are `results`, or defined behind here: without a definition
    /// that is the error, whatever else is wrong for the lack of it.
    #[cold]
    fn check_operands_are_defined(
        &self,
        context: &Context,
        results: &[WrittenValue],
    ) -> ParseResult<()> {
        for &(value, number, location) in &context.forward_values {
            let is_result = results.iter().any(|&(result, ..)| result == value);
            let is_defined = context.function.dfg.value_is_defined(value);
            if !is_defined && !is_result && !self.clone().defines_value(number) {
                return Err(error_at(location, format_args!("undefined value v{number}")).into());
            }
        }
        Ok(())
    }

    /// Whether the rest of the function defines the value `number`, as `v1:`, `v1 =`, `v1, v2 =` or `v1 ->`.
    fn defines_value(mut self, number: u32) -> bool {
        // Whether the value is in the list that was read last, and whether that goes on.
        let (mut is_listed, mut goes_on) = (false, false);
        loop {
            match self.token {
                Token::Value(found) => is_listed = found == number || is_listed && goes_on,
                Token::Punctuation(b',') => {}
                Token::Punctuation(b'=' | b':') | Token::Arrow if is_listed => return true,
                Token::End | Token::Punctuation(b'}') => return false,
                _ => is_listed = false,
            }
            goes_on = self.at(b',');
            self.advance();
        }
    }

    /// An alias may be written more than once, if it always stands for the same value. An alias of an alias becomes one of
    /// the value at the end, so that no use has a chain to follow.
    fn parse_alias(&mut self, context: &mut Context, alias: WrittenValue) -> ParseResult<()> {
        let (value, number, _) = alias;
        self.entity = AnyEntity::Value(value);
        self.advance();
        let Token::Value(original_number) = self.token else {
            return self.expected("a value");
        };
        let original = context.value(original_number)?;
        let dfg = &context.function.dfg;
        if original == value {
            return self.error(format_args!("v{number} is an alias of itself"));
        }
        if !dfg.value_is_defined(original) {
            let message = format_args!("v{original_number} is not defined yet");
            return self.error(message);
        }
        let original = dfg.resolve_aliases(original);
        if !dfg.value_is_defined(value) || dfg.alias_target(value) != Some(original) {
            context.count_definition(alias)?;
            context.function.dfg.change_to_alias(value, original);
        }
        self.advance();
        Ok(())
    }

    fn parse_inst(
        &mut self,
        context: &mut Context,
        block: Block,
        results: &[WrittenValue],
        srcloc: SourceLoc,
    ) -> ParseResult<()> {
        let location = self.location;
        let opcode = self.parse_opcode()?;
        let stated = self.parse_suffix(opcode, location)?;
        let data = self.parse_operands(context, opcode, stated)?;
        if self.at(b',') && opcode.is_call() {
            return self.unsupported("a stack map");
        }
        let controlling = match context.controlling_type(&data, stated, location) {
            Ok(controlling) => controlling,
            Err(failure) => {
                self.check_operands_are_defined(context, results)?;
                return Err(failure);
            }
        };
        let inst = context.function.dfg.make_inst(data);
        context.function.layout.append_inst(inst, block);
        context.source_map.insts[inst] = Some(location);
        if !srcloc.is_default() {
            context.function.srclocs[inst] = srcloc;
        }
        context.define_results(inst, controlling, results, location)
    }

    fn parse_opcode(&mut self) -> ParseResult<Opcode> {
        let Token::Identifier(word) = self.token else {
            return self.expected("an opcode");
        };
        let Ok(opcode) = word.parse() else {
            if dialect::is_missing_opcode(word) {
                return self.unsupported(format_args!("opcode {word}"));
            }
            if let Some(hint) = dialect::gone_opcode(word) {
                return self.error(format_args!("`{word}` is gone from CLIF: {hint}"));
            }
            return self.error(format_args!("unknown opcode `{word}`"));
        };
        self.advance();
        Ok(opcode)
    }

    /// The type suffix of `opcode`, which is optional where an operand decides, and must be a type that the opcode can have.
    fn parse_suffix(&mut self, opcode: Opcode, start: Location) -> ParseResult<Option<Type>> {
        let controlling = opcode.controlling_type();
        if !self.optional(b'.') {
            return match controlling {
                ControllingType::Explicit(types) => {
                    let example = example(types);
                    let message =
                        format_args!("`{opcode}` needs a type, as in `{opcode}.{example}`");
                    Err(error_at(start, message).into())
                }
                _ => Ok(None),
            };
        }
        let location = self.location;
        let ty = self.parse_type("a type after `.`")?;
        let types = controlling.types();
        let is_address =
            opcode.gives_address() || opcode.format() == InstructionFormat::CallIndirect;
        if is_address && ty == Type::I64 {
            self.check_wide_address(location)?;
            Ok(Some(ty))
        } else if types.contains(ty) {
            Ok(Some(ty))
        } else if types == TypeSet::EMPTY {
            Err(error_at(location, format_args!("`{opcode}` takes no type")).into())
        } else {
            Err(wrong_type(opcode, ty, location))
        }
    }

    /// A value that is used here.
    pub(super) fn parse_value(&mut self, context: &mut Context, what: &str) -> ParseResult<Value> {
        let Token::Value(number) = self.token else {
            return self.expected(what);
        };
        let value = context.value(number)?;
        if !context.function.dfg.value_is_defined(value) {
            context.forward_values.push((value, number, self.location));
        }
        self.advance();
        Ok(value)
    }

    /// A value that is used as an address.
    pub(super) fn parse_address(&mut self, context: &mut Context) -> ParseResult<Value> {
        let location = self.location;
        let value = self.parse_value(context, "an address")?;
        let dfg = &context.function.dfg;
        if dfg.value_is_defined(value) && dfg.value_type(value) == Type::I64 {
            self.check_wide_address(location)?;
        }
        Ok(value)
    }

    /// A block that is branched to.
    pub(super) fn parse_destination(&mut self, context: &mut Context) -> ParseResult<Block> {
        let Token::Block(number) = self.token else {
            return self.expected("a block");
        };
        let block = context.block(number)?;
        if !context.numbering.blocks.are_kept() && !context.function.layout.is_block_inserted(block)
        {
            context.forward_blocks.push((block, number, self.location));
        }
        self.advance();
        Ok(block)
    }
}
