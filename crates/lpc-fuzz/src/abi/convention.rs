//! Where words travel, worked out a second time.
//!
//! C compilers know the psABI. What they do not know are the parts of the conventions that are lpc's own: values of 128 bits
//! as four words, results beyond the registers, stack arguments that the callee removes. C code has to spell these out, and
//! for that this module says where the words are. It is written from the documentation of the conventions, and shares
//! nothing with the compiler: a mistake on either side is a mismatch.

use super::case::{Function, Param, Type, Width};
use lpc_lpir::ir::CallConv;

/// The number of registers that carry arguments.
const ARGUMENT_REGISTERS: u32 = 8;

/// Where a word travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In the argument or result register of this number.
    Register(u32),
    /// In memory, so many bytes above the start of the stack arguments or of the return area.
    Memory(u32),
}

/// The places of several values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    /// For each value the places of its words, the low one first.
    pub values: Vec<Vec<Place>>,
    /// The bytes of memory that they take.
    pub memory: u32,
}

impl Places {
    /// The places of the arguments of `function`.
    pub fn of_arguments(function: &Function) -> Self {
        let is_hidden_pointer =
            function.struct_return().is_some() || Self::of_results(function).memory > 0;
        let types = function.params.iter().map(|Param { ty, .. }| ty);
        Self::assign(u32::from(is_hidden_pointer), ARGUMENT_REGISTERS, types)
    }

    /// The places of the results of `function`, which must not be a structure by reference.
    pub fn of_results(function: &Function) -> Self {
        if function.struct_return().is_some() {
            return Self::assign(0, 0, []);
        }
        let types = function.results.iter().map(|result| &result.ty);
        Self::assign(0, result_registers(function.call_conv), types)
    }

    /// The values take registers from `first` on up to `end`, then memory. What is in memory as a whole is aligned.
    fn assign<'a>(first: u32, end: u32, types: impl IntoIterator<Item = &'a Type>) -> Self {
        let mut register = first;
        let mut memory = 0u32;
        let mut places = |ty: &Type| {
            let (words, alignment) = extent(ty);
            if register == end {
                memory = memory.next_multiple_of(alignment);
            }
            let word = |_| {
                if register < end {
                    register += 1;
                    return Place::Register(register - 1);
                }
                memory += 4;
                Place::Memory(memory - 4)
            };
            (0..words).map(word).collect()
        };
        let values = types.into_iter().map(&mut places).collect();
        Self { values, memory }
    }
}

/// The words that a value takes, and its alignment in memory.
fn extent(ty: &Type) -> (u32, u32) {
    match ty {
        Type::Int(int) => (int.width.words(), int.width.bytes().max(4)),
        Type::Pointer(_) => (1, 4),
        Type::Struct(layout) if layout.is_by_reference() => (1, 4),
        Type::Struct(layout) => (layout.size().div_ceil(4), layout.alignment().max(4)),
    }
}

/// The number of registers that carry results.
pub fn result_registers(call_conv: CallConv) -> u32 {
    match call_conv {
        CallConv::SystemV => 2,
        CallConv::Fast | CallConv::Tail => 8,
    }
}

/// The bytes that `function` adds to the stack pointer of its caller.
pub fn popped_bytes(function: &Function) -> u32 {
    match function.call_conv {
        CallConv::Tail => Places::of_arguments(function).memory.next_multiple_of(16),
        CallConv::SystemV | CallConv::Fast => 0,
    }
}

/// The integers that lpc takes in the place of a structure by value.
pub fn words_of_struct(ty: &Type) -> Vec<Width> {
    let (words, alignment) = extent(ty);
    match alignment {
        8 => vec![Width::W64],
        _ => vec![Width::W32; words as usize],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::case::{FunctionResult, Int, Language, Struct};

    fn function(call_conv: CallConv, params: &[Type], results: &[Type]) -> Function {
        let result = |ty: &Type| FunctionResult {
            ty: ty.clone(),
            as_word: false,
            sources: Vec::new(),
        };
        Function {
            language: Language::Lpir,
            call_conv,
            params: params.iter().cloned().map(Param::new).collect(),
            results: results.iter().map(result).collect(),
            calls: Vec::new(),
            live: Vec::new(),
            is_checked: false,
        }
    }

    fn describe(places: &Places) -> String {
        let word = |place: &Place| match place {
            Place::Register(number) => format!("a{number}"),
            Place::Memory(offset) => format!("+{offset}"),
        };
        let value = |words: &Vec<Place>| words.iter().map(word).collect::<Vec<_>>().join(":");
        places
            .values
            .iter()
            .map(value)
            .collect::<Vec<_>>()
            .join(" ")
    }

    const I64: Type = Type::Int(Int::new(Width::W64));
    const I128: Type = Type::Int(Int::new(Width::W128));

    fn structure(fields: &[Width]) -> Type {
        let fields = fields.to_vec();
        Type::Struct(Struct { fields })
    }

    #[test]
    fn arguments() {
        for (params, expected) in [
            (vec![Type::I32, I64, I128], "a0 a1:a2 a3:a4:a5:a6"),
            (
                [vec![Type::I32; 7], vec![I64]].concat(),
                "a0 a1 a2 a3 a4 a5 a6 a7:+0",
            ),
            (
                [vec![I64; 4], vec![Type::I32, I64]].concat(),
                "a0:a1 a2:a3 a4:a5 a6:a7 +0 +8:+12",
            ),
            (
                [vec![I64; 4], vec![Type::I32, I128]].concat(),
                "a0:a1 a2:a3 a4:a5 a6:a7 +0 +16:+20:+24:+28",
            ),
            (
                vec![
                    structure(&[Width::W8; 3]),
                    structure(&[Width::W16; 3]),
                    structure(&[Width::W64; 2]),
                ],
                "a0 a1:a2 a3",
            ),
            (
                [
                    vec![I64; 4],
                    vec![
                        Type::I32,
                        structure(&[Width::W32; 2]),
                        Type::I32,
                        structure(&[Width::W64]),
                    ],
                ]
                .concat(),
                "a0:a1 a2:a3 a4:a5 a6:a7 +0 +4:+8 +12 +16:+20",
            ),
        ] {
            let function = function(CallConv::SystemV, &params, &[]);
            assert_eq!(describe(&Places::of_arguments(&function)), expected);
        }
    }

    #[test]
    fn results_and_the_hidden_pointer() {
        for (call_conv, results, arguments, expected) in [
            (CallConv::SystemV, vec![I64], "a0", "a0:a1"),
            (CallConv::SystemV, vec![Type::I32, I64], "a1", "a0 a1:+0"),
            (
                CallConv::SystemV,
                vec![structure(&[Width::W32; 3])],
                "a1",
                "",
            ),
            (
                CallConv::Fast,
                vec![I64; 4],
                "a0",
                "a0:a1 a2:a3 a4:a5 a6:a7",
            ),
            (
                CallConv::Tail,
                vec![I128; 3],
                "a1",
                "a0:a1:a2:a3 a4:a5:a6:a7 +0:+4:+8:+12",
            ),
        ] {
            let function = function(call_conv, &[Type::I32], &results);
            assert_eq!(describe(&Places::of_arguments(&function)), arguments);
            assert_eq!(describe(&Places::of_results(&function)), expected);
        }
    }

    #[test]
    fn only_tail_functions_pop_their_arguments() {
        for (call_conv, popped) in [
            (CallConv::SystemV, 0),
            (CallConv::Fast, 0),
            (CallConv::Tail, 16),
        ] {
            assert_eq!(
                popped_bytes(&function(call_conv, &[Type::I32; 9], &[])),
                popped
            );
        }
    }
}
