//! The binary form of functions that are built through the API, and of such with changes.

use super::compile::{Choices, build};
use super::{binary, pipeline};
use lpc_codegen::{CompiledModule, Settings, compile_module};
use lpc_lpir::binary::{decode, encode};
use lpc_lpir::ir::Module;
use lpc_lpir::verifier::verify_module;

/// The most bytes that are changed in a message.
const MOST_CHANGES: usize = 4;

/// Takes `data` for choices of what is changed and of what is in a module; encodes and decodes that, as it is and changed.
///
/// # Panics
/// If a module that the verifier accepts comes back as another one, or for the reasons of [`binary::run`].
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let settings = pipeline::settings(choices.number() as u16);
    let count = choices.below(MOST_CHANGES + 1);
    let changes: Vec<_> = (0..count)
        .map(|_| (choices.number() as usize, choices.byte()))
        .collect();
    let Ok(module) = build::module(&mut choices) else {
        return;
    };
    let is_valid = verify_module(&module).is_ok();
    let mut message = match encode(&module) {
        Ok(message) => message,
        Err(error) => return assert!(!is_valid, "{error}\n{module}"),
    };
    if is_valid {
        check_same(&module, &message, &settings);
    }
    binary::check(&message);
    for (position, byte) in changes {
        let len = message.len();
        message[position % len] = byte;
    }
    binary::check(&message);
}

/// Checks that `message`, which was made of `module`, is that module: it compiles to the same.
fn check_same(module: &Module, message: &[u8], settings: &Settings) {
    let decoded = decode(message).unwrap_or_else(|error| panic!("{error}\n{module}"));
    assert_eq!(encode(&decoded).as_deref(), Ok(message), "{module}");
    let data = |module: &Module| -> Vec<_> {
        let objects = module.data_objects();
        objects.map(|(_, data)| data.clone()).collect()
    };
    assert_eq!(data(&decoded), data(module));
    assert_eq!(decoded.imports(), module.imports());
    let code = |module: &Module| compile_module(module, settings).ok().map(summary);
    assert_eq!(code(&decoded), code(module), "{module}");
}

/// The code of all functions, with what is to be filled in and where it traps.
fn summary(compiled: CompiledModule) -> Vec<String> {
    let functions = compiled.functions.iter();
    let parts = functions.map(|function| {
        let code = &function.code.buffer;
        format!(
            "{} {:x?} {:?} {:?}",
            function.name, code.bytes, code.relocs, code.traps
        )
    });
    parts.collect()
}
