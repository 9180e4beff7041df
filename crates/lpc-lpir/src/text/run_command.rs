//! Commands in comments that say how a function is called and what must come of it.

use crate::ir::{DataValue, ExternalName, TrapCode};
use alloc::vec::Vec;
use core::fmt;

/// A command. It is about the function above it, whatever name it states.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RunCommand {
    /// `run: %f(1, 2) == 3`: the function returns, with these results.
    Run {
        /// The call.
        invocation: Invocation,
        /// How the results compare with the expected ones.
        comparison: Comparison,
        /// The expected results.
        expected: Vec<DataValue>,
    },
    /// `print: %f(1)`: the function returns, and its results are shown.
    Print(Invocation),
    /// `trap: %f(1, 0) == int_divz`: the function traps.
    Trap {
        /// The call.
        invocation: Invocation,
        /// The reason of the trap.
        code: TrapCode,
    },
}

impl RunCommand {
    /// The call.
    pub fn invocation(&self) -> &Invocation {
        match self {
            Self::Run { invocation, .. }
            | Self::Print(invocation)
            | Self::Trap { invocation, .. } => invocation,
        }
    }
}

/// How results compare with expected ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// All are the same.
    Equal,
    /// At least one is different.
    NotEqual,
}

impl Comparison {
    /// Whether `actual` compares so with `expected`.
    pub fn holds(self, actual: &[DataValue], expected: &[DataValue]) -> bool {
        (actual == expected) == (self == Self::Equal)
    }
}

/// A call with the values of its arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invocation {
    /// The name that is stated, if one is.
    pub name: Option<ExternalName>,
    /// The arguments.
    pub args: Vec<DataValue>,
}

impl fmt::Display for RunCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run {
                invocation,
                comparison,
                expected,
            } => {
                write!(f, "run: {invocation} {comparison} {}", Results(expected))
            }
            Self::Print(invocation) => write!(f, "print: {invocation}"),
            Self::Trap { invocation, code } => write!(f, "trap: {invocation} == {code}"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
        })
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}({})", Values(&self.args)),
            None => write!(f, "({})", Values(&self.args)),
        }
    }
}

/// What a function returns, as a directive states it: one value by itself, and any other number of them in brackets.
#[derive(Clone, Copy, Debug)]
pub struct Results<'a>(pub &'a [DataValue]);

impl fmt::Display for Results<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [value] => write!(f, "{value}"),
            values => write!(f, "[{}]", Values(values)),
        }
    }
}

/// Values with commas between them.
struct Values<'a>(&'a [DataValue]);

impl fmt::Display for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{value}")?;
        }
        Ok(())
    }
}
