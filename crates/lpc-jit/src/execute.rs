//! Calling code by its address.

use crate::types::FunctionType;
use alloc::vec::Vec;
use core::array;
use core::convert::Infallible;
use lpc_codegen::backend::abi::{AbiSignature, AbiSlot, AbiValue, WORD_BYTES};
use lpc_codegen::backend::reg::RealReg;
use lpc_codegen::backend::transfer::Garbage;
use lpc_codegen::isa::riscv32::regs;
use lpc_lpir::ir::DataValue;
use lpc_riscv32::Gpr;

/// What executes code.
pub trait Execute: Clone {
    /// Why a call may not return. [`Infallible`](core::convert::Infallible) where the code runs on the machine itself: what traps
    /// there goes to the machine's trap handler.
    type Error;

    /// Calls the function at `address`, which is a C function of the type `F`.
    ///
    /// # Errors
    /// When it does not return.
    fn call<F: FunctionType + NativeCall>(
        &self,
        address: u32,
        arguments: F::Arguments,
    ) -> Result<F::Results, Self::Error>;

    /// Calls the function at `address`, of any convention, with the words in `call`, which become those that it returns.
    ///
    /// # Errors
    /// When it does not return.
    fn call_words(&self, address: u32, call: &mut WordCall) -> Result<(), Self::Error>;
}

#[cfg(target_arch = "riscv32")]
pub use crate::ram::NativeCall;

/// A function type by which the processor can call: this one cannot.
#[cfg(not(target_arch = "riscv32"))]
pub trait NativeCall {}

#[cfg(not(target_arch = "riscv32"))]
impl<F: FunctionType> NativeCall for F {}

/// The words of a call, where the calling convention puts them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WordCall {
    /// `a0` to `a7`: before the call the arguments, after it the results.
    pub registers: [u32; 8],
    /// The stack arguments. Their number is a multiple of four.
    pub stack: Vec<u32>,
    /// The area to which results go that have no registers: before the call its content means nothing.
    pub return_area: Vec<u32>,
    /// Which of `registers` is to hold the address of the return area, if there is one.
    pub return_area_register: Option<usize>,
}

impl WordCall {
    /// The call of a function of the signature `abi` with `arguments`, which are of its types. What the convention leaves undefined is `garbage`.
    pub(crate) fn new(abi: &AbiSignature, arguments: &[DataValue], garbage: &mut Garbage) -> Self {
        let mut words = |bytes: u32| {
            let count = bytes.div_ceil(WORD_BYTES);
            (0..count).map(|_| garbage.word()).collect()
        };
        let mut call = Self {
            stack: words(abi.stack_args_size),
            return_area: words(abi.return_area_size),
            registers: array::from_fn(|_| garbage.word()),
            return_area_register: abi.return_area_pointer.map(argument_register),
        };
        for (value, data) in abi.args().iter().zip(arguments) {
            let Ok(()) = abi.store_words(value, data.words(), garbage, |slot, word| {
                match slot {
                    AbiSlot::Reg(reg) => call.registers[argument_register(reg)] = word,
                    AbiSlot::Memory(offset) => call.stack[(offset / WORD_BYTES) as usize] = word,
                }
                Ok::<(), Infallible>(())
            });
        }
        call
    }

    /// The results of a function of the signature `abi`, which has returned.
    pub(crate) fn results(&self, abi: &AbiSignature) -> Vec<DataValue> {
        let values = abi.rets().iter();
        values
            .map(|value| self.value(abi, value, &self.return_area))
            .collect()
    }

    /// The arguments of a function of the signature `abi`.
    #[cfg(feature = "emulator")]
    pub(crate) fn arguments(&self, abi: &AbiSignature) -> Vec<DataValue> {
        let values = abi.args().iter();
        values
            .map(|value| self.value(abi, value, &self.stack))
            .collect()
    }

    /// Puts `results` where a C function of the signature `abi` returns them: in registers. The other registers are garbage.
    ///
    /// # Panics
    /// When there are results in memory, which functions of other conventions have.
    #[cfg(feature = "emulator")]
    pub(crate) fn set_results(
        &mut self,
        abi: &AbiSignature,
        results: &[DataValue],
        garbage: &mut Garbage,
    ) {
        self.registers.fill_with(|| garbage.word());
        for (value, data) in abi.rets().iter().zip(results) {
            let Ok(()) = abi.store_words(value, data.words(), garbage, |slot, word| {
                let AbiSlot::Reg(reg) = slot else {
                    unreachable!("C functions are checked to return no more than two words");
                };
                self.registers[argument_register(reg)] = word;
                Ok::<(), Infallible>(())
            });
        }
    }

    /// The value that travels as `value`, with its words in memory in `memory`.
    fn value(&self, abi: &AbiSignature, value: &AbiValue, memory: &[u32]) -> DataValue {
        let Ok(bits) = abi.load_bits(value, |slot| {
            Ok::<u32, Infallible>(match slot {
                AbiSlot::Reg(reg) => self.registers[argument_register(reg)],
                AbiSlot::Memory(offset) => memory[(offset / WORD_BYTES) as usize],
            })
        });
        DataValue::new(value.ty, bits)
    }
}

/// The number of an argument register, from 0 for `a0`.
fn argument_register(reg: RealReg) -> usize {
    regs::gpr(reg.to_reg()).index() - Gpr::A0.index()
}
