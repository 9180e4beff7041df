//! What the targets that compile have in common.

use crate::broken::{Verdict, judge};
use crate::program::TestProgram;
use lpc_codegen::{CodeAlignment, OptLevel, Settings};
use lpc_lpir::ir::{DataValue, FuncId, Function, Module};
use lpc_riscv32::{Extension, ExtensionSet};

/// The instruction sets that code is made for.
const MACHINES: [ExtensionSet; 5] = [
    ExtensionSet::RV32IMAC,
    ExtensionSet::RV32I,
    ExtensionSet::RV32IM,
    ExtensionSet::RV32IMAC
        .with(Extension::B)
        .with(Extension::Zcb)
        .with(Extension::Zicond),
    ExtensionSet::all(),
];

/// The settings that `bits` select; all bits are worth something.
pub(super) fn settings(bits: u16) -> Settings {
    let machine = usize::from(bits >> 8) % MACHINES.len();
    let flag = |bit: u32| bits >> bit & 1 != 0;
    let alignment = |is_large| match is_large {
        true => CodeAlignment::new(16).expect("a power of two"),
        false => CodeAlignment::NONE,
    };
    let opt_level = OptLevel::ALL[usize::from(bits >> 6 & 3) % OptLevel::ALL.len()];
    Settings {
        extensions: MACHINES[machine],
        opt_level,
        regalloc: opt_level.regalloc(),
        preserve_frame_pointers: flag(0),
        single_hart: !flag(1),
        linker_relaxation: flag(2),
        unwind_info: flag(3),
        value_labels: flag(4),
        function_alignment: alignment(flag(5)),
        loop_alignment: alignment(flag(5)),
    }
}

/// Takes `module` as far as it gets, to calls of the function number `entry`, and returns whether it is compiled.
///
/// # Panics
/// If something is wrong: see [`judge`].
pub(super) fn check(module: Module, entry: FuncId, settings: &Settings, seed: u64) -> bool {
    let mut random = fastrand::Rng::with_seed(seed);
    let function = module.function(entry);
    let program = TestProgram {
        entry: function.name.clone(),
        inputs: (0..CALLS)
            .map(|_| arguments(function, &mut random))
            .collect(),
        module,
    };
    match judge(&program, settings) {
        Ok(verdict) => matches!(verdict, Verdict::Compiled { .. }),
        Err(failure) => panic!(
            "{failure}\ncalling {} with {:?} and {settings:?}:\n{}",
            program.entry, program.inputs, program.module
        ),
    }
}

/// How often the function is called.
const CALLS: usize = 2;

/// Arguments for `function`, made of `random`.
fn arguments(function: &Function, random: &mut fastrand::Rng) -> Vec<DataValue> {
    let params = function.signature.params.iter();
    let values = params.map(|param| {
        let number = match random.u8(..4) {
            0 => random.i128(-3..4),
            1 => 1 << random.u8(..127),
            _ => random.i128(..),
        };
        DataValue::from_signed(param.value_type, number)
    });
    values.collect()
}
