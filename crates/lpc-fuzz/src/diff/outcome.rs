//! What comes of a call, and how that is compared.

use crate::data_memory::writable_objects;
use lpc_lpir::ir::{DataValue, Module, TrapCode};
use lpc_lpir::text::Results;
use std::fmt;

/// What came of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The function returned.
    Returned(Vec<DataValue>),
    /// It trapped.
    Trapped(TrapCode),
    /// Something happened that must not: what.
    Failed(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned(values) => Results(values).fmt(f),
            Self::Trapped(code) => write!(f, "trap {code}"),
            Self::Failed(what) => f.write_str(what),
        }
    }
}

/// What can be seen of a call from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    /// What came of it.
    pub outcome: Outcome,
    /// The contents of the data objects then that the program may store to, one behind the other.
    pub memory: Vec<u8>,
}

/// In which respect code is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// There is none: the compiler or the linker failed.
    NoCode,
    /// It did something that no code may do.
    Failure,
    /// It returned what it should not, or trapped so.
    Outcome,
    /// It stored what it should not.
    Memory,
}

/// How `found` differs from `expected`, if it does.
pub fn difference(
    module: &Module,
    expected: &Observation,
    found: &Observation,
) -> Option<(Kind, String)> {
    if expected.outcome != found.outcome {
        let kind = match found.outcome {
            Outcome::Failed(_) => Kind::Failure,
            Outcome::Returned(_) | Outcome::Trapped(_) => Kind::Outcome,
        };
        let what = format!("{}, expected {}", found.outcome, expected.outcome);
        return Some((kind, what));
    }
    let bytes = expected.memory.iter().zip(&found.memory);
    let position = bytes
        .clone()
        .position(|(expected, found)| expected != found)?;
    let mut start = 0;
    let object = writable_objects(module).find(|object| {
        let is_inside = position < start + object.size as usize;
        if !is_inside {
            start += object.size as usize;
        }
        is_inside
    })?;
    let what = format!(
        "{}+{:#x} is {:#04x}, expected {:#04x}, the first of {} wrong bytes",
        object.name,
        position - start,
        found.memory[position],
        expected.memory[position],
        bytes.filter(|(expected, found)| expected != found).count(),
    );
    Some((Kind::Memory, what))
}
