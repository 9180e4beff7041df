//! The calling conventions of RV32.
//!
//! `system_v` is that of the RISC-V psABI for the ABI `ilp32` ("Integer Calling Convention"), extended by a return area for
//! results that C cannot return. `fast` and `tail` differ from it in that eight words of results travel in registers; in
//! `tail` the callee also removes its stack arguments, so that a call in the place of a return may pass more of them than
//! its caller received.

use super::regs::real_reg;
use crate::backend::abi::{AbiError, AbiSignature, CallConvSpec};
use crate::backend::reg::RealReg;
use lpc_lpir::heap::Heap;
use lpc_lpir::ir::{CallConv, Signature};
use lpc_riscv32::Gpr;

/// `a0`–`a7`.
pub static ARGUMENT_REGISTERS: [RealReg; 8] = {
    let mut registers = [real_reg(Gpr::A0); 8];
    let mut index = 1;
    while index < registers.len() {
        registers[index] = real_reg(Gpr::ARGUMENTS[index]);
        index += 1;
    }
    registers
};

/// What `call_conv` consists of.
pub fn call_conv_spec(call_conv: CallConv) -> CallConvSpec {
    let results_in_registers = match call_conv {
        CallConv::SystemV => 2,
        CallConv::Fast | CallConv::Tail => ARGUMENT_REGISTERS.len(),
    };
    CallConvSpec {
        argument_registers: &ARGUMENT_REGISTERS,
        result_registers: &ARGUMENT_REGISTERS[..results_in_registers],
        callee_pops: call_conv == CallConv::Tail,
    }
}

/// Where the arguments and results of `signature` travel.
///
/// # Errors
/// When the signature has a parameter that the convention does not know.
pub fn abi_signature(signature: &Signature) -> Result<AbiSignature, AbiError> {
    abi_signature_in(signature, &mut Heap::unlimited())
}

/// As [`abi_signature`], in memory of `heap`.
///
/// # Errors
/// Those of [`abi_signature`], and when there is no memory.
pub fn abi_signature_in(signature: &Signature, heap: &mut Heap) -> Result<AbiSignature, AbiError> {
    AbiSignature::new(signature, &call_conv_spec(signature.call_conv), heap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::abi::{AbiSlot, AbiValue, MAX_MEMORY_SIZE, WORD_BYTES};
    use crate::isa::riscv32::regs::gpr;
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec;
    use alloc::vec::Vec;
    use lpc_lpir::ir::{AbiParam, Type};

    fn describe(abi: &AbiSignature, values: &[AbiValue]) -> String {
        let words: Vec<_> = values
            .iter()
            .map(|value| {
                let slots = abi.slots(value).iter().map(|slot| match slot {
                    AbiSlot::Reg(reg) => format!("{}", gpr(reg.to_reg())),
                    AbiSlot::Memory(offset) => format!("+{offset}"),
                });
                slots.collect::<Vec<_>>().join(":")
            })
            .collect();
        words.join(" ")
    }

    fn abi(call_conv: CallConv, params: &[Type], returns: &[Type]) -> AbiSignature {
        let list = |types: &[Type]| types.iter().copied().map(AbiParam::new).collect();
        abi_signature(&Signature {
            params: list(params),
            returns: list(returns),
            call_conv,
        })
        .unwrap()
    }

    fn args(params: &[Type]) -> String {
        let abi = abi(CallConv::SystemV, params, &[]);
        describe(&abi, abi.args())
    }

    #[test]
    fn arguments_of_one_word() {
        assert_eq!(args(&[]), "");
        assert_eq!(args(&[Type::I8, Type::I16, Type::I32]), "a0 a1 a2");
        assert_eq!(args(&[Type::I32; 10]), "a0 a1 a2 a3 a4 a5 a6 a7 +0 +4");
    }

    #[test]
    fn pairs_are_not_aligned_to_even_registers_and_may_be_split() {
        assert_eq!(args(&[Type::I32, Type::I64]), "a0 a1:a2");
        let mut params = vec![Type::I32; 7];
        params.extend([Type::I64, Type::I32]);
        assert_eq!(args(&params), "a0 a1 a2 a3 a4 a5 a6 a7:+0 +4");
    }

    #[test]
    fn whole_wide_values_on_the_stack_are_aligned() {
        let mut params = vec![Type::I32; 9];
        params.extend([Type::I64, Type::I32, Type::I128]);
        assert_eq!(
            args(&params),
            "a0 a1 a2 a3 a4 a5 a6 a7 +0 +8:+12 +16 +32:+36:+40:+44"
        );
        assert_eq!(abi(CallConv::Fast, &params, &[]).stack_args_size, 48);
    }

    #[test]
    fn results_beyond_the_registers_go_to_the_return_area() {
        for (call_conv, count, expected) in [
            (CallConv::SystemV, 2, "a0 a1"),
            (CallConv::SystemV, 4, "a0 a1 +0 +4"),
            (CallConv::Fast, 8, "a0 a1 a2 a3 a4 a5 a6 a7"),
            (CallConv::Tail, 9, "a0 a1 a2 a3 a4 a5 a6 a7 +0"),
        ] {
            let abi = abi(call_conv, &[Type::I32], &vec![Type::I32; count]);
            assert_eq!(describe(&abi, abi.rets()), expected);
            let has_area = expected.contains('+');
            assert_eq!(abi.return_area_pointer.is_some(), has_area);
            assert_eq!(
                describe(&abi, abi.args()),
                if has_area { "a1" } else { "a0" }
            );
        }
    }

    #[test]
    fn signatures_that_take_too_much_memory_are_refused() {
        let words = (MAX_MEMORY_SIZE / WORD_BYTES) as usize;
        let signature = |params, returns| Signature {
            params: vec![AbiParam::new(Type::I8); params],
            returns: vec![AbiParam::new(Type::I8); returns],
            call_conv: CallConv::SystemV,
        };
        let size = |params, returns| {
            let abi = abi_signature(&signature(params, returns))?;
            Ok(abi.stack_args_size + abi.return_area_size)
        };
        assert_eq!(size(words + 8, 0), Ok(MAX_MEMORY_SIZE));
        assert_eq!(size(words + 9, 0), Err(AbiError::TooLarge));
        assert_eq!(size(0, words + 2), Ok(MAX_MEMORY_SIZE));
        assert_eq!(size(0, words + 3), Err(AbiError::TooLarge));
    }

    #[test]
    fn structures_by_value_are_refused() {
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params.push(AbiParam::special(
            Type::I32,
            lpc_lpir::ir::ArgumentPurpose::StructArgument(8),
        ));
        let error = abi_signature(&signature).unwrap_err();
        assert_eq!(error, AbiError::StructArgument);
        let text = "a structure passed by value (sarg) is not supported";
        assert_eq!(error.to_string(), text);
    }
}
