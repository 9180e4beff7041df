//! Work of the compiler on one function, with everything that may come of it.

use lpc_codegen::CompileError;
use lpc_lpir::ir::Function;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why there is no result.
#[derive(Clone, Debug)]
pub(crate) enum NoResult {
    /// The function needs something that we lack.
    Lacking(String),
    /// The compiler is wrong.
    Failed(String),
}

/// What `work` on `func` gives.
pub(crate) fn attempt<T>(
    func: &Function,
    work: impl FnOnce() -> Result<T, CompileError>,
) -> Result<T, NoResult> {
    let result = catch_panic(work).map_err(NoResult::Failed)?;
    result.map_err(|error| {
        let text = error.display(func).to_string();
        match error {
            CompileError::Unsupported { .. } | CompileError::Signature { .. } => {
                NoResult::Lacking(text)
            }
            _ => NoResult::Failed(text),
        }
    })
}

/// What `work` gives, or the message with which it panicked: a panic in one test must not end all others.
pub(crate) fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let message = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied());
        format!("panicked: {}", message.unwrap_or("without a message"))
    })
}
