//! Breaks of types and immediates.

use super::breaks::in_function;
use super::pick;
use fastrand::Rng;
use lpc_lpir::ir::{
    AbiParam, ArgumentExtension, ArgumentPurpose, Function, Imm64, InstructionData, MemFlags,
    Module, Offset32, Signature,
};

/// A value has another type, and nothing else changes.
pub(super) fn of_value(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let value = pick::value(func, random)?;
        func.dfg.set_value_type(value, pick::ty(random));
        Some(())
    })
}

/// A parameter or result has another type: of the function, or of a signature that it declares.
pub(super) fn in_signature(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let ty = pick::ty(random);
        any_param(func, random)?.value_type = ty;
        Some(())
    })
}

/// A parameter or result has another purpose or extension.
pub(super) fn purpose(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let purpose = match random.u8(..4) {
            0 => ArgumentPurpose::Normal,
            1 => ArgumentPurpose::StructReturn,
            2 => ArgumentPurpose::StructArgument(pick::number(random) as u32),
            _ => ArgumentPurpose::VMContext,
        };
        let extension = match random.u8(..3) {
            0 => ArgumentExtension::None,
            1 => ArgumentExtension::Uext,
            _ => ArgumentExtension::Sext,
        };
        let param = any_param(func, random)?;
        *param = AbiParam {
            purpose,
            extension,
            ..*param
        };
        Some(())
    })
}

fn any_param<'f>(func: &'f mut Function, random: &mut Rng) -> Option<&'f mut AbiParam> {
    let signatures = func.dfg.signatures.values_mut();
    let signatures = signatures.chain([&mut func.signature]);
    let params = signatures.flat_map(
        |Signature {
             params, returns, ..
         }| { params.iter_mut().chain(returns.iter_mut()) },
    );
    random.choice(params.collect::<Vec<_>>())
}

/// A constant is another number, maybe one that its type has no room for.
pub(super) fn constant(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |inst| {
            matches!(func.dfg.inst(inst), InstructionData::UnaryImm { .. })
        })?;
        let number = pick::number(random);
        let InstructionData::UnaryImm { imm, .. } = func.dfg.inst_mut(inst) else {
            return None;
        };
        *imm = Imm64::new(number);
        Some(())
    })
}

/// A memory access has any flags.
pub(super) fn memory_flags(module: &mut Module, random: &mut Rng) -> Option<()> {
    use InstructionData::*;
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |inst| {
            func.dfg.inst(inst).mem_flags().is_some()
        })?;
        let (Load { flags, .. }
        | LoadNoOffset { flags, .. }
        | Store { flags, .. }
        | StoreNoOffset { flags, .. }
        | AtomicRmw { flags, .. }
        | AtomicCas { flags, .. }) = func.dfg.inst_mut(inst)
        else {
            return None;
        };
        let mut changed = MemFlags::new();
        for name in ["notrap", "aligned", "readonly", "can_move", "big", "little"] {
            if random.bool() {
                // Some contradict each other.
                let _ = changed.set_by_name(name);
            }
        }
        *flags = changed;
        Some(())
    })
}

/// The offset of an access or of the address of a slot is another one.
pub(super) fn offset(module: &mut Module, random: &mut Rng) -> Option<()> {
    use InstructionData::*;
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |inst| {
            matches!(
                func.dfg.inst(inst),
                Load { .. } | Store { .. } | StackAddr { .. }
            )
        })?;
        let number = pick::number(random) as i32;
        let (Load { offset, .. } | Store { offset, .. } | StackAddr { offset, .. }) =
            func.dfg.inst_mut(inst)
        else {
            return None;
        };
        *offset = Offset32::new(number);
        Some(())
    })
}
