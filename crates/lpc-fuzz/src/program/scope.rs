//! The values that may be used where instructions are put.

use super::random::Random;
use lpc_lpir::ir::{Type, Value};

/// The integer types, in the order of their width.
pub(super) const INTS: [Type; 5] = [Type::I8, Type::I16, Type::I32, Type::I64, Type::I128];

/// How many of the values that were defined last are near.
const NEAR: u32 = 6;

/// The values whose definitions dominate the place where instructions are put, by type, in the order of their definition.
///
/// Values that nothing uses would hide what is wrong with them. So those are preferred as operands, and what is left over is
/// known at the end of each part of the program.
#[derive(Debug, Default)]
pub(super) struct Scope {
    values: [Vec<Available>; INTS.len()],
}

#[derive(Clone, Copy, Debug)]
struct Available {
    value: Value,
    is_used: bool,
}

/// A place in the order of definitions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark([usize; INTS.len()]);

impl Scope {
    pub(super) fn push(&mut self, value: Value, ty: Type) {
        self.values[ty as usize].push(Available {
            value,
            is_used: false,
        });
    }

    /// Adds a value that need not be used.
    pub(super) fn push_used(&mut self, value: Value, ty: Type) {
        self.values[ty as usize].push(Available {
            value,
            is_used: true,
        });
    }

    pub(super) fn mark(&self) -> Mark {
        Mark(self.values.each_ref().map(Vec::len))
    }

    /// Forgets the values that were defined since `mark`.
    pub(super) fn truncate(&mut self, mark: Mark) {
        for (values, len) in self.values.iter_mut().zip(mark.0) {
            values.truncate(len);
        }
    }

    /// A value of type `ty`, if there is one: often one that is not used yet, or a near one.
    pub(super) fn pick(&mut self, random: &mut Random, ty: Type) -> Option<Value> {
        let values = &mut self.values[ty as usize];
        let len = values.len() as u32;
        if len == 0 {
            return None;
        }
        let unused = values.iter().rposition(|available| !available.is_used);
        let index = match (random.below(10), unused) {
            (0..=4, Some(unused)) => unused,
            (0..=7, _) => (len - 1 - random.below(NEAR.min(len))) as usize,
            _ => random.below(len) as usize,
        };
        values[index].is_used = true;
        Some(values[index].value)
    }

    /// The value of type `ty` that was defined last, which gets used.
    pub(super) fn take_last(&mut self, ty: Type) -> Value {
        let last = self.values[ty as usize].last_mut();
        let last = last.expect("a value of this type was just defined");
        last.is_used = true;
        last.value
    }

    /// Any of the types of which there is a value.
    pub(super) fn some_type(&self, random: &mut Random) -> Option<Type> {
        let mut types = [Type::I8; INTS.len()];
        let mut len = 0;
        for ty in INTS {
            if !self.values[ty as usize].is_empty() {
                types[len] = ty;
                len += 1;
            }
        }
        (len > 0).then(|| random.pick(&types[..len]))
    }

    /// Takes note of the values defined since `mark` that are not used, which the caller is going to use.
    pub(super) fn take_unused(&mut self, mark: Mark) -> Vec<(Value, Type)> {
        let mut unused = Vec::new();
        for (ty, len) in INTS.into_iter().zip(mark.0) {
            for available in &mut self.values[ty as usize][len..] {
                if !available.is_used {
                    available.is_used = true;
                    unused.push((available.value, ty));
                }
            }
        }
        unused
    }
}
