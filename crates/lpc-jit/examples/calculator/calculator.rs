//! A calculator that compiles what it computes: on a chip into its own memory, elsewhere into that of the emulator.

use crate::language::{RESULT, SyntaxError, compile_line};
use alloc::vec::Vec;
use core::fmt;
use lpc_codegen::Settings;
use lpc_jit::{CodeMemory, Execute, Jit, JitError, JitModule, TypedFunction};
use lpc_lpir::ir::{ExternalName, Function, Module};

/// A compiled expression.
pub(crate) type Expression<'m, M> = TypedFunction<'m, fn() -> i32, <M as CodeMemory>::Executor>;

/// A calculator, whose code goes to the memory `M`.
pub(crate) struct Calculator<M: CodeMemory> {
    jit: Jit<M>,
    /// The functions that were defined.
    definitions: Vec<Function>,
}

impl<M: CodeMemory<Executor: Execute>> Calculator<M> {
    /// A calculator that knows no functions.
    pub(crate) fn new(jit: Jit<M>) -> Self {
        Self {
            jit,
            definitions: Vec::new(),
        }
    }

    /// Does what `line` says. An expression is compiled together with all definitions, given to `evaluate` with the module that it is
    /// in, and forgotten: its memory is free again. A definition has no result.
    pub(crate) fn enter<R>(
        &mut self,
        line: &str,
        evaluate: impl FnOnce(&JitModule<M>, Expression<'_, M>) -> R,
    ) -> Result<Option<R>, Error> {
        let function = compile_line(line, &self.definitions).map_err(Error::Syntax)?;
        let result = ExternalName::symbol(RESULT);
        if function.name != result {
            self.define(function)?;
            return Ok(None);
        }
        let mut module = Module::new();
        for function in self.definitions.iter().cloned().chain([function]) {
            let added = module.add_function(function);
            added.map_err(|_| Error::DefinedTwice)?;
        }
        let module = self.jit.compile(module, &Settings::default());
        let module = module.map_err(Error::Jit)?;
        let expression = module.function_named(&result);
        let expression = expression.expect("it takes nothing and gives an i32");
        Ok(Some(evaluate(&module, expression)))
    }

    /// A function takes the place of one with the same name, unless those that call it would call it otherwise.
    fn define(&mut self, function: Function) -> Result<(), Error> {
        let mut known = self.definitions.iter_mut();
        match known.find(|known| known.name == function.name) {
            Some(known) if known.signature == function.signature => *known = function,
            Some(_) => return Err(Error::DefinedTwice),
            None => self.definitions.push(function),
        }
        Ok(())
    }
}

/// Why a line cannot be done.
#[derive(Debug)]
pub(crate) enum Error {
    /// It means nothing.
    Syntax(SyntaxError),
    /// A function is defined again, with another number of parameters.
    DefinedTwice,
    /// It cannot be compiled, as there is no room for its code.
    Jit(JitError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => error.fmt(f),
            Self::DefinedTwice => f.write_str("it is defined with another number of parameters"),
            Self::Jit(error) => error.fmt(f),
        }
    }
}
