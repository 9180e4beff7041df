//! Functions that are built through the API, from the verifier to their execution.

pub(super) mod build;
mod choices;

use super::pipeline;
pub(super) use choices::Choices;
use lpc_lpir::ir::FuncId;

/// Takes `data` for choices of what is in a module, and compiles it with settings that are chosen by it too.
///
/// # Panics
/// If something is wrong: see [`judge`](crate::broken::judge).
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let settings = pipeline::settings(choices.number() as u16);
    let seed = choices.number();
    if let Ok(module) = build::module(&mut choices) {
        pipeline::check(module, FuncId::from_u32(0), &settings, seed.into());
    }
}
