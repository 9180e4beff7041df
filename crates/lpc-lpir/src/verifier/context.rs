//! What an error shows of the instruction that it is about.

use crate::ir::{Function, Inst};
use alloc::string::String;

#[cfg(feature = "text-writer")]
pub(super) use printed::context;

/// The instruction as text: nothing, as there is no writer.
#[cfg(not(feature = "text-writer"))]
pub(super) fn context(_: &Function, _: Inst) -> Option<String> {
    None
}

#[cfg(feature = "text-writer")]
mod printed {
    use super::*;
    use core::fmt::{self, Write};

    /// The number of bytes of an instruction that are printed. The table of a `br_table` can be long, and each of its branches
    /// can be wrong.
    const LONGEST: usize = 240;

    /// The instruction as text, cut off when it is long.
    pub(in crate::verifier) fn context(func: &Function, inst: Inst) -> Option<String> {
        Some(shortened(&func.display_inst(inst)))
    }

    fn shortened(text: &dyn fmt::Display) -> String {
        let mut shortened = Shortened(String::new());
        if write!(shortened, "{text}").is_err() {
            shortened.0.push('…');
        }
        shortened.0
    }

    /// A string that takes no more than its share, and then ends the writing.
    struct Shortened(String);

    impl Write for Shortened {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            if self.0.len() + text.len() > LONGEST {
                return Err(fmt::Error);
            }
            self.0.push_str(text);
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use alloc::vec::Vec;

        #[test]
        fn long_texts_are_cut_off() {
            assert_eq!(shortened(&"short"), "short");
            let pieces: Vec<_> = (0..1000).collect();
            let text = shortened(&std::format_args!("{pieces:?}"));
            assert!(
                text.len() < LONGEST + 4 && text.starts_with("[0, 1, 2,") && text.ends_with('…')
            );
        }
    }
}
