//! Routines that compiled code calls for what takes too many instructions in line.
//!
//! They are written in LPIR, with the same builder that front ends use, and compiled like any other function: they need
//! nothing from the host. [`compile_module`](crate::compile_module) adds those that a module calls.

mod atomics;
mod division;

use alloc::vec::Vec;
use lpc_lpir::builder::{FunctionBuilder, FunctionBuilderContext};
use lpc_lpir::heap::{Heap, HeapError};
use lpc_lpir::ir::{
    AbiParam, CallConv, ExternalName, Function, RESERVED_PREFIX, Signature, Type, Value,
};

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
    /// `(address: i32, operand: i16, found: i16) -> old: i16`: an atomic change of a big-endian value in memory. What was
    /// found there before, in the byte order of the machine, need not be there any more.
    AtomicRmwBig16(ByteOrderedOp),
    /// The same for `i32`.
    AtomicRmwBig32(ByteOrderedOp),
}

/// An operation of an `atomic_rmw` to which the order of the bytes matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ByteOrderedOp {
    /// Addition.
    Add,
    /// Unsigned minimum.
    Umin,
    /// Unsigned maximum.
    Umax,
    /// Signed minimum.
    Smin,
    /// Signed maximum.
    Smax,
}

impl ByteOrderedOp {
    /// The part that it has in the names of routines.
    const fn name(self) -> &'static str {
        match self {
            Self::Add => "atomic_add",
            Self::Umin => "atomic_umin",
            Self::Umax => "atomic_umax",
            Self::Smin => "atomic_smin",
            Self::Smax => "atomic_smax",
        }
    }
}

impl Routine {
    /// All routines.
    pub const ALL: [Self; 15] = [
        Self::DivideTwoWords,
        Self::Udivrem64,
        Self::Udivrem128,
        Self::Sdivrem64,
        Self::Sdivrem128,
        Self::AtomicRmwBig16(ByteOrderedOp::Add),
        Self::AtomicRmwBig16(ByteOrderedOp::Umin),
        Self::AtomicRmwBig16(ByteOrderedOp::Umax),
        Self::AtomicRmwBig16(ByteOrderedOp::Smin),
        Self::AtomicRmwBig16(ByteOrderedOp::Smax),
        Self::AtomicRmwBig32(ByteOrderedOp::Add),
        Self::AtomicRmwBig32(ByteOrderedOp::Umin),
        Self::AtomicRmwBig32(ByteOrderedOp::Umax),
        Self::AtomicRmwBig32(ByteOrderedOp::Smin),
        Self::AtomicRmwBig32(ByteOrderedOp::Smax),
    ];

    /// The most bytes of stack that the routine takes, those it calls included. Routines do not check the limit of the stack;
    /// functions that do leave room for them.
    pub const fn max_stack(self) -> u32 {
        match self {
            Self::Udivrem128 | Self::Sdivrem128 => 1024,
            _ => 384,
        }
    }

    /// The name of its symbol, in parts.
    const fn name_parts(self) -> [&'static str; 3] {
        let (operation, width) = match self {
            Self::DivideTwoWords => ("udivrem", "_64_32"),
            Self::Udivrem64 => ("udivrem", "64"),
            Self::Udivrem128 => ("udivrem", "128"),
            Self::Sdivrem64 => ("sdivrem", "64"),
            Self::Sdivrem128 => ("sdivrem", "128"),
            Self::AtomicRmwBig16(op) => (op.name(), "_big16"),
            Self::AtomicRmwBig32(op) => (op.name(), "_big32"),
        };
        [RESERVED_PREFIX, operation, width]
    }

    /// The name of its symbol, as calls have it.
    pub fn name(self) -> ExternalName {
        ExternalName::symbol(self.name_parts().concat())
    }

    /// The same, in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn name_in(self, heap: &mut Heap) -> Result<ExternalName, HeapError> {
        ExternalName::symbol_in(&self.name_parts(), heap)
    }

    /// The routine whose symbol is `name`.
    pub fn from_name(name: &ExternalName) -> Option<Self> {
        let ExternalName::Symbol(name) = name else {
            return None;
        };
        Self::ALL.into_iter().find(|routine| {
            let mut parts = routine.name_parts().into_iter();
            parts.try_fold(&**name, |rest, part| rest.strip_prefix(part)) == Some("")
        })
    }

    /// The types of its parameters and of its results, which all travel in registers.
    pub const fn types(self) -> (&'static [Type], &'static [Type]) {
        match self {
            Self::DivideTwoWords => (&[Type::I32; 3], &[Type::I32; 2]),
            Self::Udivrem64 | Self::Sdivrem64 => (&[Type::I64; 2], &[Type::I64; 2]),
            Self::Udivrem128 | Self::Sdivrem128 => (&[Type::I128; 2], &[Type::I128; 2]),
            Self::AtomicRmwBig16(_) => (&[Type::I32, Type::I16, Type::I16], &[Type::I16]),
            Self::AtomicRmwBig32(_) => (&[Type::I32; 3], &[Type::I32]),
        }
    }

    /// The words of its results.
    pub const fn num_result_words(self) -> usize {
        match self {
            Self::AtomicRmwBig16(_) | Self::AtomicRmwBig32(_) => 1,
            Self::DivideTwoWords => 2,
            Self::Udivrem64 | Self::Sdivrem64 => 4,
            Self::Udivrem128 | Self::Sdivrem128 => 8,
        }
    }

    /// Its signature.
    pub fn signature(self) -> Signature {
        let (params, returns) = self.types();
        let list = |types: &[Type]| -> Vec<AbiParam> {
            types.iter().copied().map(AbiParam::new).collect()
        };
        Signature {
            params: list(params),
            returns: list(returns),
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
            Self::AtomicRmwBig16(op) => atomics::build_rmw_big(&mut func, op, Type::I16),
            Self::AtomicRmwBig32(op) => atomics::build_rmw_big(&mut func, op, Type::I32),
        }
        func
    }
}

/// Builds `func` from its parameters.
fn build<const N: usize>(func: &mut Function, body: impl FnOnce(&mut FunctionBuilder, [Value; N])) {
    let mut context = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(func, &mut context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    b.seal_block(entry);
    let params = b.block_params(entry);
    let params = params
        .try_into()
        .expect("a routine has the parameters of its signature");
    body(&mut b, params);
    b.seal_all_blocks();
    b.finalize();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::abi::words_of;

    #[test]
    fn words_of_results_are_those_of_their_types() {
        for routine in Routine::ALL {
            let (_, returns) = routine.types();
            let words: u32 = returns.iter().copied().map(words_of).sum();
            assert_eq!(routine.num_result_words(), words as usize, "{routine:?}");
        }
    }
}
