//! Where in the source program an instruction comes from.

use core::fmt;

/// An opaque number that a front end attaches to instructions; `@0012` in the text form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceLoc(u32);

impl SourceLoc {
    /// The location with the number `bits`. `u32::MAX` means no location.
    pub const fn new(bits: u32) -> Self {
        Self(bits)
    }

    /// The number.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether there is no location.
    pub const fn is_default(self) -> bool {
        self.0 == u32::MAX
    }
}

impl Default for SourceLoc {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl fmt::Display for SourceLoc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_default() {
            f.write_str("@-")
        } else {
            write!(f, "@{:04x}", self.0)
        }
    }
}

impl fmt::Debug for SourceLoc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
