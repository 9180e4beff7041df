//! Functions that are built through the API, from the verifier to their execution.

mod build;
mod choices;

use super::module::check_execution;
use super::pipeline;
use choices::Choices;
use lpc_lpir::ir::Module;
use lpc_lpir::text::{Outcome, parse_module, parse_test};
use lpc_lpir::verifier::verify_module;

/// Takes `data` for choices of what is in a module, and compiles it with settings that are chosen by it too.
///
/// # Panics
/// If the verifier panics, or something does for a module that it has accepted, or the emulator disagrees with the
/// interpreter about what is defined.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let settings = pipeline::settings(choices.number() as u16);
    let seed = choices.number();
    let Ok(module) = build::module(&mut choices) else {
        return;
    };
    if let Err(errors) = verify_module(&module) {
        let _ = errors.to_string();
        return;
    }
    check_text(&module);
    check_execution(&module, &settings, seed.into());
}

/// Checks that the module is read as it was printed, if all of its types can be read.
fn check_text(module: &Module) {
    let printed = module.to_string();
    let file = parse_test(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
    let functions = file.functions.iter();
    let mut outcomes = functions.map(|function| &function.outcome);
    if outcomes.all(|outcome| matches!(outcome, Outcome::Parsed(_))) {
        match parse_module(&printed) {
            Ok(again) => assert_eq!(again.to_string(), printed),
            Err(error) => panic!("{error}\n{printed}"),
        }
    }
}
