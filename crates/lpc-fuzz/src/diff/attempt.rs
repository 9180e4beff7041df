//! Work of the compiler, with the panics that may come of it.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic was that is caught.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What `work` gives, or where and with which message it panicked. That is not written anywhere else.
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
        let place = PLACE.take();
        format!("{PANICKED}{place}: {}", message.unwrap_or("no message"))
    })
}

/// The start of what [`catch_panic`] says, in front of the place.
const PANICKED: &str = "panicked at ";

/// The place in what [`catch_panic`] says.
pub(crate) fn place_of_panic(text: &str) -> Option<&str> {
    let (place, _) = text.split_once(PANICKED)?.1.split_once(": ")?;
    Some(place)
}

/// Sees to it that panics in [`catch_panic`] are not reported by the standard library as well: a run may meet many.
fn quiet_what_is_caught() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| match info.location() {
            _ if !IS_CAUGHT.get() => report(info),
            Some(place) => PLACE.set(place.to_string()),
            None => PLACE.set("an unknown place".to_owned()),
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_messages_of_both_kinds() {
        assert_eq!(catch_panic(|| 1), Ok(1));
        let file = file!();
        let (line, constant) = (line!(), catch_panic::<()>(|| panic!("constant")));
        let text = constant.unwrap_err();
        assert_eq!(text, format!("panicked at {file}:{line}:63: constant"));
        assert_eq!(place_of_panic(&text), Some(&*format!("{file}:{line}:63")));
        let number = 3;
        let made = catch_panic::<()>(|| panic!("made of {number}")).unwrap_err();
        assert!(made.ends_with(": made of 3"), "{made}");
        assert_eq!(place_of_panic("expected 1"), None);
    }
}
