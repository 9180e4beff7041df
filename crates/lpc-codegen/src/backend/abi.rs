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
use lpc_lpir::heap::{Heap, HeapError, bytes_of};
use lpc_lpir::ir::{AbiParam, ArgumentExtension, ArgumentPurpose, CallConv, Signature, Type};

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
    args: Vec<AbiValue>,
    rets: Vec<AbiValue>,
    slots: Vec<AbiSlot>,
}

/// Why a signature cannot be compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AbiError {
    /// A parameter is a structure that is passed by value in the stack.
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
        let is_struct =
            |param: &AbiParam| matches!(param.purpose, ArgumentPurpose::StructArgument(_));
        if signature.params.iter().any(is_struct) {
            return Err(AbiError::StructArgument);
        }
        let words: u32 = signature
            .params
            .iter()
            .chain(&signature.returns)
            .map(|param| words_of(param.value_type))
            .sum();
        let mut slots = heap.vec(words as usize)?;

        let mut results = Assigner::new(spec.result_registers);
        let rets = results.assign_all(&signature.returns, &mut slots, heap)?;
        let return_area_size = results.memory_size()?;

        let mut arguments = Assigner::new(spec.argument_registers);
        let return_area_pointer = match return_area_size {
            0 => None,
            _ => arguments.next_register(),
        };
        let args = arguments.assign_all(&signature.params, &mut slots, heap)?;
        Ok(Self {
            call_conv: signature.call_conv,
            callee_pops: spec.callee_pops,
            stack_args_size: arguments.memory_size()?.next_multiple_of(16),
            return_area_size,
            return_area_pointer,
            args,
            rets,
            slots,
        })
    }

    /// The arguments.
    pub fn args(&self) -> &[AbiValue] {
        &self.args
    }

    /// The results.
    pub fn rets(&self) -> &[AbiValue] {
        &self.rets
    }

    /// How many words of `values`, arguments or results of this signature, travel in registers.
    pub fn num_registers(&self, values: &[AbiValue]) -> usize {
        let slots = values.iter().flat_map(|value| self.slots(value));
        slots.filter(|slot| matches!(slot, AbiSlot::Reg(_))).count()
    }

    /// The bytes that this takes.
    pub fn heap_bytes(&self) -> usize {
        bytes_of(&self.args) + bytes_of(&self.rets) + bytes_of(&self.slots)
    }

    /// Where the words of an argument or of a result of this signature travel, the low one first.
    pub fn slots(&self, value: &AbiValue) -> &[AbiSlot] {
        &self.slots[value.slots.as_usize()]
    }
}

/// Hands out registers and memory to the words of values.
struct Assigner {
    registers: core::slice::Iter<'static, RealReg>,
    memory: u32,
}

impl Assigner {
    fn new(registers: &'static [RealReg]) -> Self {
        Self {
            registers: registers.iter(),
            memory: 0,
        }
    }

    fn next_register(&mut self) -> Option<RealReg> {
        self.registers.next().copied()
    }

    fn assign_all(
        &mut self,
        params: &[AbiParam],
        slots: &mut Vec<AbiSlot>,
        heap: &mut Heap,
    ) -> Result<Vec<AbiValue>, HeapError> {
        heap.collect(params.iter().map(|param| {
            let start = slots.len();
            self.assign(param.value_type, slots);
            AbiValue {
                ty: param.value_type,
                extension: param.extension,
                slots: IndexRange::new(start, slots.len()),
            }
        }))
    }

    fn assign(&mut self, ty: Type, slots: &mut Vec<AbiSlot>) {
        if self.registers.as_slice().is_empty() {
            let alignment = ty.bytes().max(WORD_BYTES);
            self.memory = self.memory.next_multiple_of(alignment);
        }
        for _ in 0..words_of(ty) {
            slots.push(match self.next_register() {
                Some(register) => AbiSlot::Reg(register),
                None => {
                    let offset = self.memory;
                    self.memory += WORD_BYTES;
                    AbiSlot::Memory(offset)
                }
            });
        }
    }

    fn memory_size(&self) -> Result<u32, AbiError> {
        if self.memory > MAX_MEMORY_SIZE {
            return Err(AbiError::TooLarge);
        }
        Ok(self.memory)
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
