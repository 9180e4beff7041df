//! Integers in C: their types, the expressions that produce them, and the words that they consist of.

use crate::abi::case::{Extension, Int, Width};

/// What the bits are that nobody may look at.
pub(super) const GARBAGE: u32 = 0xa5c3_96e1;

/// The type of C that an integer has as a parameter or result.
pub(super) fn c_type(int: Int) -> &'static str {
    match (int.width, int.extension) {
        (Width::W8, Extension::Zero) if int.is_bool => "_Bool",
        (Width::W8, Extension::Zero) => "u8",
        (Width::W8, Extension::Sign) => "signed char",
        (Width::W16, Extension::Zero) => "u16",
        (Width::W16, Extension::Sign) => "short",
        // All of a word that nobody has extended.
        (Width::W8 | Width::W16, Extension::None) | (Width::W32, _) => "u32",
        (Width::W64 | Width::W128, _) => "u64",
    }
}

/// The unsigned type of a width.
pub(super) fn unsigned(width: Width) -> &'static str {
    match width {
        Width::W8 => "u8",
        Width::W16 => "u16",
        Width::W32 => "u32",
        Width::W64 | Width::W128 => "u64",
    }
}

/// A scalar: an expression of its unsigned type, or two of 64 bits.
#[derive(Clone)]
pub(super) struct Expression {
    pub(super) halves: Vec<String>,
}

impl Expression {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            halves: vec![text.into()],
        }
    }

    /// The expressions of its words.
    pub(super) fn words(&self, width: Width) -> Vec<String> {
        if width.words() == 1 {
            return vec![format!("(u32)({})", self.halves[0])];
        }
        let halves = self.halves.iter();
        halves
            .flat_map(|half| [format!("(u32)({half})"), format!("(u32)(({half}) >> 32)")])
            .collect()
    }
}

pub(super) fn constant(value: u64) -> String {
    format!("{value:#x}ull")
}

/// A value as C passes it: in its type, and with garbage above it if nobody extends it.
pub(super) fn passed(int: Int, value: &Expression) -> String {
    let value = &value.halves[0];
    match int.extension {
        Extension::None if int.width.is_narrow() => {
            let garbage = GARBAGE & !(int.width.mask() as u32);
            format!("((u32)({value}) | {garbage:#x}u)")
        }
        _ => format!("(({})({value}))", c_type(int)),
    }
}

/// The word of a narrow integer that C has received as `value`.
pub(super) fn received(int: Int, value: &str) -> String {
    match int.extension {
        Extension::None => format!("(u32)({})({value})", unsigned(int.width)),
        Extension::Zero | Extension::Sign => format!("(u32)({value})"),
    }
}
