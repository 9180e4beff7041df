//! Routines that compiled code calls for what takes too many instructions in line.
//!
//! They are written in LPIR, with the same builder that front ends use, and compiled like any other function: they need
//! nothing from the host. [`compile_module`](crate::compile_module) adds those that a module calls.

mod division;

use alloc::vec::Vec;
use lpc_lpir::ir::{AbiParam, CallConv, ExternalName, Function, Signature, Type};

/// A routine of the runtime.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Routine {
    /// `(high: i32, low: i32, divisor: i32) -> quotient: i32, remainder: i32`, unsigned. The quotient must fit: `high` is
    /// less than the divisor.
    DivideTwoWords,
    /// `(dividend: i64, divisor: i64) -> quotient: i64, remainder: i64`, unsigned. The divisor is not zero.
    Udivrem64,
    /// `(dividend: i128, divisor: i128) -> quotient: i128, remainder: i128`, unsigned. The divisor is not zero.
    Udivrem128,
    /// As [`Self::Udivrem64`], signed. The remainder has the sign of the dividend; a quotient that does not fit wraps
    /// around.
    Sdivrem64,
    /// As [`Self::Sdivrem64`], for `i128`.
    Sdivrem128,
}

impl Routine {
    /// All routines.
    pub const ALL: [Self; 5] = [
        Self::DivideTwoWords,
        Self::Udivrem64,
        Self::Udivrem128,
        Self::Sdivrem64,
        Self::Sdivrem128,
    ];

    /// The name of its symbol. Names that start with `__lpc_` are reserved for the runtime.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::DivideTwoWords => "__lpc_udivrem_64_32",
            Self::Udivrem64 => "__lpc_udivrem64",
            Self::Udivrem128 => "__lpc_udivrem128",
            Self::Sdivrem64 => "__lpc_sdivrem64",
            Self::Sdivrem128 => "__lpc_sdivrem128",
        }
    }

    /// The name of its symbol, as calls have it.
    pub fn name(self) -> ExternalName {
        ExternalName::symbol(self.symbol())
    }

    /// The routine whose symbol is `name`.
    pub fn from_name(name: &ExternalName) -> Option<Self> {
        let ExternalName::Symbol(name) = name else {
            return None;
        };
        Self::ALL
            .into_iter()
            .find(|routine| routine.symbol() == &**name)
    }

    /// Its signature.
    pub fn signature(self) -> Signature {
        let (params, ty): (&[Type], _) = match self {
            Self::DivideTwoWords => (&[Type::I32; 3], Type::I32),
            Self::Udivrem64 | Self::Sdivrem64 => (&[Type::I64; 2], Type::I64),
            Self::Udivrem128 | Self::Sdivrem128 => (&[Type::I128; 2], Type::I128),
        };
        let list = |types: &[Type]| -> Vec<AbiParam> {
            types.iter().copied().map(AbiParam::new).collect()
        };
        Signature {
            params: list(params),
            returns: list(&[ty; 2]),
            call_conv: CallConv::Fast,
        }
    }

    /// Its code.
    pub fn function(self) -> Function {
        let mut func = Function::new(self.name(), self.signature());
        match self {
            Self::DivideTwoWords => division::build_divide_two_words(&mut func),
            Self::Udivrem64 => division::build_udivrem64(&mut func),
            Self::Udivrem128 => division::build_udivrem128(&mut func),
            Self::Sdivrem64 => division::build_sdivrem(&mut func, Type::I64, Self::Udivrem64),
            Self::Sdivrem128 => division::build_sdivrem(&mut func, Type::I128, Self::Udivrem128),
        }
        func
    }
}
