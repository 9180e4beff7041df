//! Calling conventions: where arguments and results travel.
//!
//! [`AbiSignature`] is computed from a [`Signature`] and is the one description of it: the function that is called, those
//! that call it and whoever calls compiled code from outside (an emulator, a host) all read it.
//!
//! A value is a sequence of 32-bit words, the low one first; a value narrower than a word takes a whole one. The words of
//! all arguments, in order, take the argument registers and then slots of four bytes on the stack:
//!
//! ```text
//!   (i32, i64, … , i64)      a0 │ a1 a2 │ …  │ a7 , sp+0 │      a pair may be split between the last register and the stack
//!   on the stack whole:      an i64 is aligned to 8 bytes, an i128 to 16
//! ```
//!
//! The words of the results take the result registers of the convention. What is left goes to the **return area**: memory
//! that the caller provides and whose address it passes as a hidden first argument, before all others. Its slots are laid
//! out as those of stack arguments.

use super::ranges::IndexRange;
use super::reg::RealReg;
use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, HeapError};
use lpc_lpir::ir::{
    AbiParam, ArgumentExtension, ArgumentPurpose, CallConv, Function, Signature, Type,
};

/// The bytes of a word: of a register, and of a slot on the stack.
pub const WORD_BYTES: u32 = 4;

/// What a calling convention consists of, for a machine.
#[derive(Clone, Copy, Debug)]
pub struct CallConvSpec {
    /// The registers that words of arguments travel in, in order.
    pub argument_registers: &'static [RealReg],
    /// The registers that words of results travel in, in order.
    pub result_registers: &'static [RealReg],
    /// Whether the callee removes its stack arguments.
    pub callee_pops: bool,
}

/// Where a word of an argument or of a result travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AbiSlot {
    /// In a register.
    Reg(RealReg),
    /// In memory, so many bytes above the start of the stack arguments or of the return area.
    Memory(u32),
}

/// An argument or a result.
#[derive(Clone, Copy, Debug)]
pub struct AbiValue {
    /// Its type.
    pub ty: Type,
    /// What is known of the bits above a narrow value.
    pub extension: ArgumentExtension,
    slots: IndexRange,
}

/// A signature as the machine sees it.
#[derive(Clone, Debug)]
pub struct AbiSignature {
    /// The convention.
    pub call_conv: CallConv,
    /// Whether the callee removes its stack arguments.
    pub callee_pops: bool,
    /// The bytes of the stack arguments, a multiple of 16.
    pub stack_args_size: u32,
    /// The bytes of the return area, or zero where there is none.
    pub return_area_size: u32,
    /// Where the address of the return area travels.
    pub return_area_pointer: Option<RealReg>,
    /// How many words of arguments travel in registers, with the address of the return area.
    pub(crate) arg_registers: usize,
    /// How many words of results travel in registers.
    pub(crate) ret_registers: usize,
    /// The results, and behind them the arguments.
    values: Vec<AbiValue>,
    num_rets: usize,
    slots: Vec<AbiSlot>,
}

/// Why a signature cannot be compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AbiError {
    /// A parameter or result is a structure that is passed by value in the stack.
    StructArgument,
    /// The arguments or the results take more than [`MAX_MEMORY_SIZE`] bytes of memory. The verifier lets no such signature
    /// pass, as it has more parameters or results than the language allows.
    TooLarge,
    /// There is no memory to say where they travel.
    Memory(HeapError),
}

impl From<HeapError> for AbiError {
    fn from(error: HeapError) -> Self {
        Self::Memory(error)
    }
}

/// The most bytes that the stack arguments, or a return area, may take.
pub const MAX_MEMORY_SIZE: u32 = 1 << 24;

/// The number of words, and so of registers, of a value of type `ty`.
pub const fn words_of(ty: Type) -> u32 {
    ty.bits().div_ceil(8 * WORD_BYTES)
}

impl AbiSignature {
    /// The places of the arguments and results of `signature` under the convention `spec`, in memory of `heap`.
    ///
    /// # Errors
    /// When the signature has a parameter that the convention does not know, or there is no memory.
    pub fn new(
        signature: &Signature,
        spec: &CallConvSpec,
        heap: &mut Heap,
    ) -> Result<Self, AbiError> {
        let Signature {
            params, returns, ..
        } = signature;
        let words = returns.iter().chain(params);
        let num_words = words.map(|param| words_of(param.value_type)).sum::<u32>();
        let mut abi = Self {
            call_conv: signature.call_conv,
            callee_pops: spec.callee_pops,
            stack_args_size: 0,
            return_area_size: 0,
            return_area_pointer: None,
            arg_registers: 0,
            ret_registers: 0,
            values: Vec::new(),
            num_rets: returns.len(),
            slots: Vec::new(),
        };
        // The errors stay with the heap.
        let _ = heap.reserve(&mut abi.values, returns.len() + params.len());
        let _ = heap.reserve(&mut abi.slots, num_words as usize);

        let mut registers = spec.result_registers.iter();
        abi.return_area_size = abi.assign(returns, &mut registers, heap)?;
        abi.ret_registers = spec.result_registers.len() - registers.len();

        let mut registers = spec.argument_registers.iter();
        if abi.return_area_size != 0 {
            abi.return_area_pointer = registers.next().copied();
        }
        abi.stack_args_size = abi.assign(params, &mut registers, heap)?;
        abi.stack_args_size = abi.stack_args_size.next_multiple_of(16);
        abi.arg_registers = spec.argument_registers.len() - registers.len();
        heap.check()?;
        Ok(abi)
    }

    /// Hands out `registers`, and memory where they do not suffice, to the words of `params`. Gives the size of that memory.
    fn assign(
        &mut self,
        params: &[AbiParam],
        registers: &mut core::slice::Iter<'_, RealReg>,
        heap: &mut Heap,
    ) -> Result<u32, AbiError> {
        let mut memory = 0u32;
        for param in params {
            if let ArgumentPurpose::StructArgument(_) = param.purpose {
                return Err(AbiError::StructArgument);
            }
            let ty = param.value_type;
            if registers.as_slice().is_empty() {
                memory = memory.next_multiple_of(ty.bytes().max(WORD_BYTES));
            }
            let start = self.slots.len();
            for _ in 0..words_of(ty) {
                let slot = match registers.next() {
                    Some(&register) => AbiSlot::Reg(register),
                    None => {
                        memory += WORD_BYTES;
                        AbiSlot::Memory(memory - WORD_BYTES)
                    }
                };
                heap.push(&mut self.slots, slot);
            }
            let value = AbiValue {
                ty,
                extension: param.extension,
                slots: IndexRange::new(start, self.slots.len()),
            };
            heap.push(&mut self.values, value);
        }
        match memory <= MAX_MEMORY_SIZE {
            true => Ok(memory),
            false => Err(AbiError::TooLarge),
        }
    }

    /// The arguments.
    pub fn args(&self) -> &[AbiValue] {
        &self.values[self.num_rets..]
    }

    /// The results.
    pub fn rets(&self) -> &[AbiValue] {
        &self.values[..self.num_rets]
    }

    /// Where the words of an argument or of a result of this signature travel, the low one first.
    pub fn slots(&self, value: &AbiValue) -> &[AbiSlot] {
        &self.slots[value.slots.as_usize()]
    }
}

/// The signatures of a function, as the machine sees them.
pub struct FunctionAbis {
    /// Its own.
    pub own: AbiSignature,
    /// Those that it declares for its calls, in their order. Only those that calls name must be known to the convention.
    pub of_calls: Vec<Result<AbiSignature, AbiError>>,
    /// The bytes that they take.
    pub heap_bytes: usize,
}

impl FunctionAbis {
    /// Those of `func`, each of which `compute` gives, in memory of `heap`.
    ///
    /// # Errors
    /// When the function's own cannot be passed, and when there is no memory.
    pub fn new(
        func: &Function,
        compute: fn(&Signature, &mut Heap) -> Result<AbiSignature, AbiError>,
        heap: &mut Heap,
    ) -> Result<Self, AbiError> {
        let before = heap.used();
        let signatures = &func.dfg.signatures;
        let mut abis = Self {
            own: compute(&func.signature, heap)?,
            of_calls: heap.vec(signatures.len())?,
            heap_bytes: 0,
        };
        for (_, signature) in signatures.iter() {
            abis.of_calls.push(compute(signature, heap));
        }
        heap.check()?;
        abis.heap_bytes = heap.used() - before;
        Ok(abis)
    }
}

impl core::fmt::Display for AbiError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::StructArgument => {
                f.write_str("a structure passed by value (sarg) is not supported")
            }
            Self::TooLarge => f.write_str("the arguments or results take too much memory"),
            Self::Memory(error) => error.fmt(f),
        }
    }
}
