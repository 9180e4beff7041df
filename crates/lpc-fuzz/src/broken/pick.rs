//! Picking something of a module at random.

use fastrand::Rng;
use lpc_lpir::entity::EntityRef;
use lpc_lpir::ir::{Block, FuncId, Function, Inst, Module, Type, Value};

/// Any function.
pub(super) fn function<'m>(module: &'m mut Module, random: &mut Rng) -> Option<&'m mut Function> {
    let ids: Vec<FuncId> = module.functions().map(|(id, _)| id).collect();
    let id = random.choice(ids)?;
    Some(module.function_mut(id))
}

/// Any block of the layout.
pub(super) fn block(func: &Function, random: &mut Rng) -> Option<Block> {
    random.choice(func.layout.blocks().collect::<Vec<_>>())
}

/// Any instruction of the layout for which `condition` holds.
pub(super) fn inst(
    func: &Function,
    random: &mut Rng,
    condition: impl Fn(Inst) -> bool,
) -> Option<Inst> {
    let blocks = func.layout.blocks();
    let insts = blocks.flat_map(|block| func.layout.block_insts(block));
    random.choice(insts.filter(|&inst| condition(inst)).collect::<Vec<_>>())
}

/// Any value that is defined.
pub(super) fn value(func: &Function, random: &mut Rng) -> Option<Value> {
    random.choice(func.dfg.values().collect::<Vec<_>>())
}

/// Any type.
pub(super) fn ty(random: &mut Rng) -> Type {
    Type::ALL[random.usize(..Type::ALL.len())]
}

/// Any reference to one of `count` entities, or now and then to one that does not exist.
pub(super) fn reference<E: EntityRef>(count: usize, random: &mut Rng) -> E {
    match random.u8(..8) {
        0 => E::new(count),
        1 => E::new(count + random.usize(..1000)),
        _ => E::new(random.usize(..count.max(1))),
    }
}

/// A number, small ones and the limits of types being frequent.
pub(super) fn number(random: &mut Rng) -> i64 {
    match random.u8(..4) {
        0 => random.i64(-4..8),
        1 => 1 << random.u8(..64),
        2 => (1 << random.u8(..63)) - 1,
        _ => random.i64(..),
    }
}
