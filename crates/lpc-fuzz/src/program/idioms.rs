//! Patterns that the compiler knows.

use super::function::FunctionGenerator;

impl FunctionGenerator<'_> {
    /// One of the patterns.
    pub(super) fn idiom(&mut self) {
        self.any_instruction();
    }
}
