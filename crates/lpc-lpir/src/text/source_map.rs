//! Where the entities of a function stand in the text it was read from.

use super::error::Location;
use crate::entity::SecondaryMap;
use crate::ir::{
    AnyEntity, Block, FuncRef, Function, GlobalValue, Inst, SigRef, StackSlot, ValueDef,
};

/// The places of the definitions of a function. An instruction stands where its opcode does.
#[derive(Clone, Debug)]
pub struct SourceMap {
    /// The name of the function.
    pub(super) function: Location,
    pub(super) blocks: SecondaryMap<Block, Option<Location>>,
    pub(super) insts: SecondaryMap<Inst, Option<Location>>,
    pub(super) stack_slots: SecondaryMap<StackSlot, Option<Location>>,
    pub(super) global_values: SecondaryMap<GlobalValue, Option<Location>>,
    pub(super) func_refs: SecondaryMap<FuncRef, Option<Location>>,
    pub(super) sig_refs: SecondaryMap<SigRef, Option<Location>>,
    pub(super) stack_limit: Option<Location>,
}

impl SourceMap {
    pub(super) fn new(function: Location) -> Self {
        Self {
            function,
            blocks: SecondaryMap::new(),
            insts: SecondaryMap::new(),
            stack_slots: SecondaryMap::new(),
            global_values: SecondaryMap::new(),
            func_refs: SecondaryMap::new(),
            sig_refs: SecondaryMap::new(),
            stack_limit: None,
        }
    }

    /// Where `entity` is defined. A value has no place here: see [`Self::nearest`].
    pub fn location(&self, entity: impl Into<AnyEntity>) -> Option<Location> {
        match entity.into() {
            AnyEntity::Function => Some(self.function),
            AnyEntity::Block(block) => self.blocks[block],
            AnyEntity::Inst(inst) => self.insts[inst],
            AnyEntity::Value(_) => None,
            AnyEntity::StackSlot(slot) => self.stack_slots[slot],
            AnyEntity::GlobalValue(global_value) => self.global_values[global_value],
            AnyEntity::FuncRef(func_ref) => self.func_refs[func_ref],
            AnyEntity::SigRef(sig_ref) => self.sig_refs[sig_ref],
            AnyEntity::StackLimit => self.stack_limit,
        }
    }

    /// Where `entity` of `function` is defined. A value is where its instruction or block is, and what has no place of its
    /// own where the function is.
    pub fn nearest(&self, function: &Function, entity: AnyEntity) -> Location {
        let place = match entity {
            AnyEntity::Value(value) if function.dfg.value_is_defined(value) => {
                match function.dfg.value_def(value) {
                    ValueDef::Result(inst, _) => inst.into(),
                    ValueDef::Param(block, _) => block.into(),
                }
            }
            entity => entity,
        };
        self.location(place).unwrap_or(self.function)
    }
}
