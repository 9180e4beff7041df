//! Where the entities of a function stand in the text it was read from.

use super::error::Location;
use crate::entity::SecondaryMap;
use crate::ir::{AnyEntity, Block, FuncRef, GlobalValue, Inst, SigRef, StackSlot};

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

    /// Where `entity` is defined. A value stands where its instruction or block does, which the function knows: it has no
    /// place here.
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
}
