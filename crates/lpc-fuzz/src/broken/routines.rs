//! The routines of the runtime, compiled once in each thread for each settings: they take longer than most programs.

use lpc_codegen::runtime::Routine;
use lpc_codegen::{CompiledFunction, CompiledModule, Settings, compile_function};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;

thread_local! {
    /// By the settings as text, as they have no order.
    static COMPILED: RefCell<BTreeMap<(String, Routine), CompiledFunction>> = RefCell::default();
}

/// As [`CompiledModule::add_routines`].
pub(super) fn add_routines(module: &mut CompiledModule, settings: &Settings) {
    let key = format!("{settings:?}");
    let Ok(()) = module.add_routines_with::<Infallible>(&mut |routine| {
        COMPILED.with_borrow_mut(|compiled| {
            let function = compiled.entry((key.clone(), routine));
            let function = function.or_insert_with(|| {
                let function = compile_function(&routine.function(), settings);
                function.expect("a target that calls routines can compile them")
            });
            Ok(function.clone())
        })
    });
}
