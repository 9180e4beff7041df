//! Where arguments and results of any number travel, against a second description of the conventions: one that knows the
//! words by their numbers alone.

use lpc_codegen::backend::abi::{AbiSignature, AbiSlot, AbiValue};
use lpc_codegen::isa::riscv32::abi::abi_signature;
use lpc_codegen::isa::riscv32::regs::real_reg;
use lpc_lpir::ir::{AbiParam, CallConv, Signature, Type};
use lpc_riscv32::Gpr;

const CALL_CONVS: [CallConv; 3] = [CallConv::SystemV, CallConv::Fast, CallConv::Tail];

fn abi(call_conv: CallConv, params: &[Type], returns: &[Type]) -> AbiSignature {
    let list = |types: &[Type]| types.iter().copied().map(AbiParam::new).collect();
    let signature = Signature {
        params: list(params),
        returns: list(returns),
        call_conv,
    };
    abi_signature(&signature).unwrap()
}

/// The places of all words of `values`.
fn places(abi: &AbiSignature, values: &[AbiValue]) -> Vec<AbiSlot> {
    let slots = values.iter().flat_map(|value| abi.slots(value));
    slots.copied().collect()
}

/// The places of `count` words of which the first `registers` have registers, from `first` on.
fn expected(count: usize, first: usize, registers: usize) -> Vec<AbiSlot> {
    (first..first + count)
        .map(|word| match word < registers {
            true => AbiSlot::Reg(real_reg(Gpr::ARGUMENTS[word])),
            false => AbiSlot::Memory(4 * (word - registers) as u32),
        })
        .collect()
}

fn result_registers(call_conv: CallConv) -> usize {
    match call_conv {
        CallConv::SystemV => 2,
        CallConv::Fast | CallConv::Tail => 8,
    }
}

#[test]
fn any_number_of_arguments_and_results_of_one_word() {
    for call_conv in CALL_CONVS {
        let registers = result_registers(call_conv);
        for results in 0..=24 {
            for arguments in 0..=24 {
                let abi = abi(
                    call_conv,
                    &vec![Type::I32; arguments],
                    &vec![Type::I16; results],
                );
                let what = format!("{call_conv:?} {arguments} {results}");
                assert_eq!(
                    places(&abi, abi.rets()),
                    expected(results, 0, registers),
                    "{what}"
                );
                let in_memory = results.saturating_sub(registers);
                assert_eq!(abi.return_area_size, 4 * in_memory as u32, "{what}");
                let hidden = usize::from(in_memory > 0);
                let pointer = (hidden == 1).then(|| real_reg(Gpr::A0));
                assert_eq!(abi.return_area_pointer, pointer, "{what}");
                assert_eq!(
                    places(&abi, abi.args()),
                    expected(arguments, hidden, 8),
                    "{what}"
                );
                let stack = 4 * (arguments + hidden).saturating_sub(8) as u32;
                assert_eq!(abi.stack_args_size, stack.next_multiple_of(16), "{what}");
            }
        }
    }
}

/// A pair or a quad takes what registers are left, and lies at a multiple of its size where none is.
#[test]
fn wide_values_behind_any_number_of_words() {
    for call_conv in CALL_CONVS {
        for (ty, words) in [(Type::I64, 2), (Type::I128, 4)] {
            for before in 0..=20 {
                let mut types = vec![Type::I8; before];
                types.push(ty);
                let offset = 4 * before.saturating_sub(8) as u32;
                let wide: Vec<_> = match before < 8 {
                    true => expected(words, before, 8),
                    false => (0..words as u32)
                        .map(|word| {
                            AbiSlot::Memory(offset.next_multiple_of(4 * words as u32) + 4 * word)
                        })
                        .collect(),
                };
                let abi = abi(call_conv, &types, &[]);
                let last = abi.args().last().unwrap();
                assert_eq!(abi.slots(last), wide, "{call_conv:?} {ty} {before}");
            }
        }
    }
}
