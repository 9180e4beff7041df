//! Work of the compiler, with the panics that may come of it.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What `work` gives, or the message with which it panicked. The message is not written anywhere else.
pub(crate) fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    quiet_what_is_caught();
    let was_caught = IS_CAUGHT.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(was_caught);
    result.map_err(|payload| {
        let message = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied());
        format!("panicked: {}", message.unwrap_or("without a message"))
    })
}

/// Sees to it that panics in [`catch_panic`] are not reported by the standard library as well: a run may meet many.
fn quiet_what_is_caught() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_CAUGHT.get() {
                report(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_both_kinds() {
        assert_eq!(catch_panic(|| 1), Ok(1));
        let constant: Result<(), _> = catch_panic(|| panic!("constant"));
        assert_eq!(constant, Err("panicked: constant".to_owned()));
        let number = 3;
        let made: Result<(), _> = catch_panic(|| panic!("made of {number}"));
        assert_eq!(made, Err("panicked: made of 3".to_owned()));
    }
}
