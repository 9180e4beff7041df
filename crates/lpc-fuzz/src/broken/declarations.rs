//! Breaks of what functions and modules declare.

use super::breaks::{Outcome, in_function};
use super::pick;
use fastrand::Rng;
use lpc_lpir::ir::{
    DataKind, DataObject, DataReloc, ExternalName, GlobalValueData, Imm64, InstructionData,
    Linkage, MemFlags, Module, Offset32,
};

/// The address of a slot or symbol is that of another one, maybe one that is not declared.
pub(super) fn other_reference(module: &mut Module, random: &mut Rng) -> Option<()> {
    use InstructionData::{StackAddr, UnaryGlobalValue};
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |inst| {
            matches!(
                func.dfg.inst(inst),
                StackAddr { .. } | UnaryGlobalValue { .. }
            )
        })?;
        let slots = func.stack_slots.len();
        let global_values = func.global_values.len();
        match func.dfg.inst_mut(inst) {
            StackAddr { stack_slot, .. } => *stack_slot = pick::reference(slots, random),
            UnaryGlobalValue { global_value, .. } => {
                *global_value = pick::reference(global_values, random);
            }
            _ => return None,
        }
        Some(())
    })
}

/// A stack slot has another size or alignment.
pub(super) fn slot(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let slots = func.stack_slots.values_mut();
        let slot = random.choice(slots.collect::<Vec<_>>())?;
        match random.bool() {
            true => slot.size = pick::number(random) as u32,
            false => slot.align_shift = random.u8(..40),
        }
        Some(())
    })
}

/// There is another global value, or one is computed otherwise, maybe from itself.
pub(super) fn global_value(module: &mut Module, random: &mut Rng) -> Option<()> {
    let names = module.functions().map(|(_, func)| func.name.clone());
    let name = random.choice(names.collect::<Vec<_>>())?;
    in_function(module, random, |func, random| {
        let base = pick::reference(func.global_values.len(), random);
        let data = match random.u8(..4) {
            0 => GlobalValueData::VMContext,
            1 => GlobalValueData::Load {
                base,
                offset: Offset32::new(pick::number(random) as i32),
                global_type: pick::ty(random),
                flags: MemFlags::trusted(),
            },
            2 => GlobalValueData::IAddImm {
                base,
                offset: Imm64::new(pick::number(random)),
                global_type: pick::ty(random),
            },
            _ => GlobalValueData::Symbol {
                name,
                offset: Imm64::new(pick::number(random)),
                colocated: random.bool(),
            },
        };
        let values = func.global_values.values_mut();
        match random.choice(values.collect::<Vec<_>>()) {
            Some(value) if random.bool() => *value = data,
            _ => {
                func.global_values.push(data);
            }
        }
        Some(())
    })
}

/// A function checks its stack against a global value, maybe one that is not declared.
pub(super) fn stack_limit(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let limit: lpc_lpir::ir::GlobalValue = pick::reference(func.global_values.len(), random);
        func.stack_limit = limit.into();
        Some(())
    })
}

/// A function is called otherwise than its module knows.
pub(super) fn function_name(module: &mut Module, random: &mut Rng) -> Option<()> {
    let names = module.functions().map(|(_, func)| func.name.clone());
    let names = names.chain([
        ExternalName::symbol("__lpc_udivrem64"),
        ExternalName::symbol("other"),
    ]);
    let name = random.choice(names.collect::<Vec<_>>())?;
    let mut copy = parts_of(module, |_| {})?;
    let mut id = None;
    for (_, func) in module.functions() {
        let mut func = func.clone();
        let is_chosen = id.is_none() && random.bool();
        if is_chosen {
            func.name = name.clone();
        }
        let added = copy.add_function(func).ok()?;
        id = id.or(is_chosen.then_some(added));
    }
    *module = copy;
    id.map(drop)
}

/// A data object has another size, alignment, kind or content, or other addresses in it.
pub(super) fn data(module: &mut Module, random: &mut Rng) -> Outcome {
    let objects = module.data_objects().count();
    if objects == 0 {
        return Outcome::NothingThere;
    }
    let chosen = random.usize(..objects);
    let names = module.functions().map(|(_, func)| func.name.clone());
    let names = names.chain(module.data_objects().map(|(_, object)| object.name.clone()));
    let names: Vec<_> = names.chain([ExternalName::symbol("not_there")]).collect();
    let mut number = 0;
    let copy = parts_of(module, |object| {
        if number == chosen {
            change(object, &names, random);
        }
        number += 1;
    });
    let Some(mut copy) = copy else {
        return Outcome::Refused;
    };
    for (id, func) in module.functions() {
        let Ok(added) = copy.add_function(func.clone()) else {
            return Outcome::Refused;
        };
        copy.set_linkage(added, module.linkage(id));
    }
    *module = copy;
    Outcome::Broken
}

fn change(object: &mut DataObject, names: &[ExternalName], random: &mut Rng) {
    match random.u8(..7) {
        0 => object.size = pick::number(random) as u32,
        1 => object.alignment = 1 << random.u8(..14),
        2 => object.alignment = pick::number(random) as u32,
        3 => {
            object.kind = match random.u8(..3) {
                0 => DataKind::ReadOnly,
                1 => DataKind::Writable,
                _ => DataKind::Zeroed,
            }
        }
        4 => object.bytes.truncate(random.usize(..=object.bytes.len())),
        5 => object.linkage = Linkage::Local,
        _ => {
            let offset = random.u32(..object.size.saturating_add(4).max(1));
            object.relocs.push(DataReloc {
                offset,
                target: random
                    .choice(names.iter())
                    .expect("there are names")
                    .clone(),
                addend: pick::number(random) as i32,
            });
            if random.bool() {
                object.relocs.sort_by_key(|reloc| reloc.offset);
            }
        }
    }
}

/// The imports and changed data of `module`. `None` if they cannot be in a module.
fn parts_of(module: &Module, mut change: impl FnMut(&mut DataObject)) -> Option<Module> {
    let mut copy = Module::new();
    for import in module.imports() {
        copy.add_import(import.clone()).ok()?;
    }
    for (_, object) in module.data_objects() {
        let mut object = object.clone();
        change(&mut object);
        copy.add_data(object).ok()?;
    }
    Some(copy)
}
