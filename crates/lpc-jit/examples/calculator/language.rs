//! The language of the calculator, from text to LPIR in one pass.
//!
//! ```text
//! line       ::= name "(" [name {"," name}] ")" "=" expression | expression
//! expression ::= comparison ["?" expression ":" expression]
//! comparison ::= sum ["<" sum | ">" sum | "==" sum]
//! sum        ::= product {"+" product | "-" product}
//! product    ::= factor {"*" factor | "/" factor | "%" factor}
//! factor     ::= "-" factor | number | name | name "(" [expression {"," expression}] ")" | "(" expression ")"
//! ```
//!
//! All values are integers of 32 bits. A line becomes a function; one that is no definition becomes a function without parameters.

use alloc::vec::Vec;
use core::fmt;
use lpc_lpir::builder::{FunctionBuilder, FunctionBuilderContext};
use lpc_lpir::ir::{
    AbiParam, CallConv, ExtFuncData, ExternalName, Function, IntCC, Signature, Type, Value,
};

/// The name of the function that is made of an expression. Nobody can define one of that name.
pub(crate) const RESULT: &str = "=";

/// How deep expressions may be nested: the parser recurses, and the stack of a chip is small.
const MAX_DEPTH: u32 = 32;

/// The most parameters of a function.
const MAX_PARAMS: usize = 16;

/// Why a line means nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SyntaxError {
    /// Where in the line, counted from 1 in bytes.
    pub(crate) column: usize,
    /// What is wrong there.
    pub(crate) message: &'static str,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)
    }
}

type Parsed<T> = Result<T, SyntaxError>;

/// The function that `line` is. It may call `known` functions, and itself.
pub(crate) fn compile_line(line: &str, known: &[Function]) -> Parsed<Function> {
    let mut lexer = Lexer { line, position: 0 };
    let (name, params) = match parse_head(&mut lexer) {
        Some(head) => head,
        None => {
            lexer.position = 0;
            (RESULT, Vec::new())
        }
    };
    if params.len() > MAX_PARAMS {
        return lexer.error("there are too many parameters");
    }
    let mut function = Function::new(ExternalName::symbol(name), signature(params.len()));
    let mut context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut function, &mut context);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    let values = builder.block_params(entry);
    let mut compiler = Compiler {
        lexer,
        builder,
        variables: params.into_iter().zip(values).collect(),
        known,
        depth: 0,
    };
    let result = compiler.expression()?;
    if compiler.lexer.peek().is_some() {
        return compiler.lexer.error("expected an operator");
    }
    compiler.builder.ins().return_(&[result]);
    compiler.builder.finalize();
    Ok(function)
}

/// `count` integers in, one out, in the convention of C: so that Rust can call it.
fn signature(count: usize) -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params = (0..count).map(|_| AbiParam::new(Type::I32)).collect();
    signature.returns = [AbiParam::new(Type::I32)].into();
    signature
}

/// The start of a definition, up to its `=`.
fn parse_head<'a>(lexer: &mut Lexer<'a>) -> Option<(&'a str, Vec<&'a str>)> {
    let name = lexer.name()?;
    let mut params = Vec::new();
    if !lexer.take("(") {
        return None;
    }
    while let Some(param) = lexer.name() {
        params.push(param);
        lexer.take(",");
    }
    let is_definition = lexer.take(")") && !lexer.is_next("==") && lexer.take("=");
    is_definition.then_some((name, params))
}

/// A line that is being compiled.
struct Compiler<'a, 'b> {
    lexer: Lexer<'a>,
    builder: FunctionBuilder<'b>,
    variables: Vec<(&'a str, Value)>,
    known: &'b [Function],
    depth: u32,
}

impl Compiler<'_, '_> {
    /// A choice takes three blocks: one for each case, and one in which both meet. It has the result as its parameter.
    fn expression(&mut self) -> Parsed<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.lexer.error("this is nested too deeply");
        }
        let mut value = self.comparison()?;
        if self.lexer.take("?") {
            let [then, otherwise, join] = [(); 3].map(|()| self.builder.create_block());
            let result = self.builder.append_block_param(join, Type::I32);
            self.builder.ins().brif(value, then, &[], otherwise, &[]);
            for (block, end) in [(then, Some(":")), (otherwise, None)] {
                self.builder.switch_to_block(block);
                self.builder.seal_block(block);
                let case = self.expression()?;
                self.builder.ins().jump(join, &[case]);
                if end.is_some_and(|end| !self.lexer.take(end)) {
                    return self.lexer.error("expected `:`");
                }
            }
            self.builder.switch_to_block(join);
            self.builder.seal_block(join);
            value = result;
        }
        self.depth -= 1;
        Ok(value)
    }

    fn comparison(&mut self) -> Parsed<Value> {
        let left = self.sum()?;
        let conditions = [
            ("<", IntCC::SignedLessThan),
            (">", IntCC::SignedGreaterThan),
            ("==", IntCC::Equal),
        ];
        for (operator, condition) in conditions {
            if self.lexer.take(operator) {
                let right = self.sum()?;
                let holds = self.builder.ins().icmp(condition, left, right);
                return Ok(self.builder.ins().uextend(Type::I32, holds));
            }
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed<Value> {
        let mut left = self.product()?;
        loop {
            if self.lexer.take("+") {
                let right = self.product()?;
                left = self.builder.ins().iadd(left, right);
            } else if self.lexer.take("-") {
                let right = self.product()?;
                left = self.builder.ins().isub(left, right);
            } else {
                return Ok(left);
            }
        }
    }

    fn product(&mut self) -> Parsed<Value> {
        let mut left = self.factor()?;
        loop {
            if self.lexer.take("*") {
                let right = self.factor()?;
                left = self.builder.ins().imul(left, right);
            } else if self.lexer.take("/") {
                let right = self.factor()?;
                left = self.builder.ins().sdiv(left, right);
            } else if self.lexer.take("%") {
                let right = self.factor()?;
                left = self.builder.ins().srem(left, right);
            } else {
                return Ok(left);
            }
        }
    }

    fn factor(&mut self) -> Parsed<Value> {
        let mut is_negative = false;
        while self.lexer.take("-") {
            is_negative = !is_negative;
        }
        let value = self.operand()?;
        Ok(match is_negative {
            true => self.builder.ins().ineg(value),
            false => value,
        })
    }

    fn operand(&mut self) -> Parsed<Value> {
        if let Some(number) = self.lexer.number()? {
            return Ok(self.builder.ins().iconst(Type::I32, number.into()));
        }
        if self.lexer.take("(") {
            let value = self.expression()?;
            return match self.lexer.take(")") {
                true => Ok(value),
                false => self.lexer.error("expected `)`"),
            };
        }
        let Some(name) = self.lexer.name() else {
            return self.lexer.error("expected a number, a name or `(`");
        };
        if self.lexer.take("(") {
            return self.call(name);
        }
        let variable = self.variables.iter().find(|(known, _)| *known == name);
        match variable {
            Some(&(_, value)) => Ok(value),
            None => self.lexer.error("there is no such variable"),
        }
    }

    fn call(&mut self, name: &str) -> Parsed<Value> {
        let mut args = Vec::new();
        while !self.lexer.take(")") {
            if !args.is_empty() && !self.lexer.take(",") {
                return self.lexer.error("expected `,` or `)`");
            }
            args.push(self.expression()?);
        }
        let name = ExternalName::symbol(name);
        let itself = (&self.builder.func.name, &self.builder.func.signature);
        let mut known = self.known.iter().map(|one| (&one.name, &one.signature));
        let signature = match itself.0 == &name {
            true => itself.1,
            false => match known.find(|(known, _)| **known == name) {
                Some((_, signature)) => signature,
                None => return self.lexer.error("there is no such function"),
            },
        };
        if signature.params.len() != args.len() {
            return self.lexer.error("the function has not as many parameters");
        }
        let signature = signature.clone();
        let signature = self.builder.import_signature(signature);
        let callee = self.builder.import_function(ExtFuncData {
            name,
            signature,
            colocated: true,
        });
        let call = self.builder.ins().call(callee, &args);
        Ok(self.builder.inst_results(call)[0])
    }
}

/// A line, and how far it was read.
struct Lexer<'a> {
    line: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&mut self) -> &'a str {
        let rest = &self.line[self.position..];
        let trimmed = rest.trim_start();
        self.position += rest.len() - trimmed.len();
        trimmed
    }

    fn peek(&mut self) -> Option<char> {
        self.rest().chars().next()
    }

    fn is_next(&mut self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    fn take(&mut self, text: &str) -> bool {
        let is_next = self.is_next(text);
        if is_next {
            self.position += text.len();
        }
        is_next
    }

    /// As many characters as `belong` together, if there are any.
    fn word(&mut self, belong: fn(char) -> bool) -> Option<&'a str> {
        let rest = self.rest();
        let end = rest.find(|character| !belong(character));
        let word = &rest[..end.unwrap_or(rest.len())];
        self.position += word.len();
        (!word.is_empty()).then_some(word)
    }

    fn name(&mut self) -> Option<&'a str> {
        if self.peek()?.is_ascii_digit() {
            return None;
        }
        self.word(|character| character.is_ascii_alphanumeric() || character == '_')
    }

    fn number(&mut self) -> Parsed<Option<i32>> {
        let Some(digits) = self.word(|character| character.is_ascii_digit()) else {
            return Ok(None);
        };
        match digits.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => self.error("the number is too large"),
        }
    }

    fn error<T>(&mut self, message: &'static str) -> Parsed<T> {
        self.rest();
        let column = self.position + 1;
        Err(SyntaxError { column, message })
    }
}
