//! Names of functions and data.

use super::SigRef;
use crate::heap::{Heap, HeapError};
use alloc::boxed::Box;
use core::fmt;

/// How the names of routines start that the compiler provides itself. No function of a program has such a name.
pub const RESERVED_PREFIX: &str = "__lpc_";

/// The name of a function or of a datum, as the linker knows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ExternalName {
    /// A name that is a text: `%memcpy`, or `%"with spaces"`.
    Symbol(Box<str>),
    /// A name that is two numbers, for front ends that keep the texts themselves: `u0:3`.
    User {
        /// The first number.
        namespace: u32,
        /// The second number.
        index: u32,
    },
}

impl ExternalName {
    /// The name with the text `name`.
    pub fn symbol(name: impl Into<Box<str>>) -> Self {
        Self::Symbol(name.into())
    }

    /// The name with two numbers.
    pub const fn user(namespace: u32, index: u32) -> Self {
        Self::User { namespace, index }
    }

    /// The name with the text of `parts`, in memory of `heap`, where it is counted as a [box](Heap::boxed_bytes).
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn symbol_in(parts: &[&str], heap: &mut Heap) -> Result<Self, HeapError> {
        Ok(Self::Symbol(heap.text(parts)?))
    }

    /// A copy, in memory of `heap`, as [`Self::symbol_in`].
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn copy_in(&self, heap: &mut Heap) -> Result<Self, HeapError> {
        match self {
            Self::Symbol(name) => Self::symbol_in(&[name], heap),
            &Self::User { namespace, index } => Ok(Self::User { namespace, index }),
        }
    }

    /// Whether this is the text without characters, which names nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Symbol(name) if name.is_empty())
    }
}

/// Whether `%name` reads back as one token without quotes.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl fmt::Display for ExternalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol(name) if is_plain(name) => write!(f, "%{name}"),
            Self::Symbol(name) => write!(f, "%\"{}\"", name.escape_default()),
            Self::User { namespace, index } => write!(f, "u{namespace}:{index}"),
        }
    }
}

/// A function that is called, or whose address is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtFuncData {
    /// Its name.
    pub name: ExternalName,
    /// Its signature, among those that the calling function declares.
    pub signature: SigRef,
    /// Whether it is known to be linked near the caller.
    pub colocated: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_print_quoted_where_they_must() {
        assert_eq!(ExternalName::symbol("main").to_string(), "%main");
        assert_eq!(ExternalName::symbol("a b").to_string(), "%\"a b\"");
        assert_eq!(ExternalName::symbol("").to_string(), "%\"\"");
        assert_eq!(ExternalName::user(0, 3).to_string(), "u0:3");
    }
}
