//! Calls by the processor itself.

use super::Native;
use crate::execute::{Execute, WordCall};
use crate::types::{FunctionType, Results, Value, for_each_arity};
use core::arch::asm;
use core::convert::Infallible;

impl Execute for Native {
    type Error = Infallible;

    #[inline]
    fn call<F: FunctionType + NativeCall>(
        &self,
        address: u32,
        arguments: F::Arguments,
    ) -> Result<F::Results, Infallible> {
        // SAFETY: who made the memory promised that the code in it may be called. That it is a function of this type has been checked when
        // its handle was made.
        Ok(unsafe { F::call_native(address, arguments) })
    }

    fn call_words(&self, address: u32, call: &mut WordCall) -> Result<(), Infallible> {
        if let Some(register) = call.return_area_register {
            call.registers[register] = call.return_area.as_mut_ptr() as usize as u32;
        }
        // SAFETY: who made the memory promised that the code in it may be called, and the words are where its convention has them.
        unsafe { call_with(address, &mut call.registers, &call.stack) };
        Ok(())
    }
}

/// Calls the function at `address` with these values in `a0` to `a7` and on the stack, and leaves in `registers` what it returns there. It
/// may remove its stack arguments.
///
/// # Safety
/// There is a function at `address` that takes such arguments. The size of `stack` is a multiple of 16 bytes.
unsafe fn call_with(address: u32, registers: &mut [u32; 8], stack: &[u32]) {
    debug_assert!(stack.len().is_multiple_of(4));
    // SAFETY: the stack pointer and the callee-saved registers that are used are as before in the end, and everything that a call may change is
    // declared.
    unsafe {
        asm!(
            // The stack arguments, the last one first.
            "mv s2, sp",
            "2:",
            "beq t1, t0, 3f",
            "addi t1, t1, -4",
            "addi sp, sp, -4",
            "lw t2, 0(t1)",
            "sw t2, 0(sp)",
            "j 2b",
            "3:",
            "lw a0, 0(s3)",
            "lw a1, 4(s3)",
            "lw a2, 8(s3)",
            "lw a3, 12(s3)",
            "lw a4, 16(s3)",
            "lw a5, 20(s3)",
            "lw a6, 24(s3)",
            "lw a7, 28(s3)",
            "jalr ra, 0(t3)",
            "mv sp, s2",
            "sw a0, 0(s3)",
            "sw a1, 4(s3)",
            "sw a2, 8(s3)",
            "sw a3, 12(s3)",
            "sw a4, 16(s3)",
            "sw a5, 20(s3)",
            "sw a6, 24(s3)",
            "sw a7, 28(s3)",
            in("t0") stack.as_ptr(),
            in("t1") stack.as_ptr_range().end,
            in("t3") address,
            in("s3") registers.as_mut_ptr(),
            out("s2") _,
            clobber_abi("C"),
        );
    }
}

/// A function type by which the processor can call.
pub trait NativeCall: FunctionType {
    /// Calls the function at `address`.
    ///
    /// # Safety
    /// There is a function of this type at `address`, and it may be called.
    unsafe fn call_native(address: u32, arguments: Self::Arguments) -> Self::Results;
}

macro_rules! native_calls {
    (($($ty:ident $arg:ident),*)) => {
        impl<R: Results, $($ty: Value),*> NativeCall for fn($($ty),*) -> R {
            #[inline]
            unsafe fn call_native(address: u32, ($($arg,)*): ($($ty,)*)) -> R {
                // SAFETY: the caller promises that this is such a function.
                let function = unsafe {
                    core::mem::transmute::<u32, extern "C" fn($($ty),*) -> R::Returned>(address)
                };
                R::from_returned(function($($arg),*))
            }
        }
    };
}

for_each_arity!(native_calls);
