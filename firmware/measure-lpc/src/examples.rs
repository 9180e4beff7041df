//! The examples, from their binary form.

use alloc::vec::Vec;
use lpc_codegen::{Compiler, Settings};
use lpc_lpir::binary::decode;
use lpc_lpir::ir::Function;
use measure::Compiled;

include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// Lets a compiler that is called `name` compile the examples, as [`measure::measure`] does.
pub(crate) fn run(name: &str, settings: &Settings) {
    for &(example, bytes) in EXAMPLES {
        let functions = || -> Vec<Function> {
            let module = decode(bytes).ok().expect("examples are valid");
            let (functions, _) = module.into_definitions();
            functions.map(|(function, _)| function).collect()
        };
        measure::measure(name, example, 0, functions, |functions| {
            compile(functions, settings)
        });
    }
}

/// Compiles `functions` one after the other, and keeps their code until all are compiled.
fn compile(functions: Vec<Function>, settings: &Settings) -> Compiled {
    let mut compiler = Compiler::new();
    let compiled = functions
        .into_iter()
        .map(|function| compiler.compile_owned(function, settings).ok());
    let compiled: Option<Vec<_>> = compiled.collect();
    let compiled = compiled.expect("examples can be compiled");
    Compiled {
        code_size: compiled
            .iter()
            .map(|function| function.code.buffer.code_size)
            .sum(),
        vcode_insts: compiled
            .iter()
            .map(|function| function.code.stats.vcode_insts)
            .sum(),
    }
}
