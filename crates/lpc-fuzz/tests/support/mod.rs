//! What the tests of the fuzzers share.

use lpc_fuzz::Error;

/// What `result` holds, unless tools are missing.
///
/// # Panics
/// If the work failed, or if tools are missing and `CI` is set: nothing is skipped then.
pub(crate) fn unless_tools_are_missing<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error @ (Error::MissingTool { .. } | Error::OldTool { .. })) => {
            assert!(std::env::var_os("CI").is_none(), "{error}");
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}
