//! Functions.

use super::dfg::DataFlowGraph;
use super::entities::{Block, GlobalValue, Inst, StackSlot};
use super::extname::ExternalName;
use super::global_value::GlobalValueData;
use super::layout::Layout;
use super::signature::Signature;
use super::sourceloc::SourceLoc;
use super::stackslot::StackSlotData;
use crate::entity::{PackedOption, PrimaryMap, SecondaryMap};

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: ExternalName,
    /// Its parameters, results and calling convention.
    pub signature: Signature,
    /// Its instructions and values.
    pub dfg: DataFlowGraph,
    /// The order of its blocks and instructions.
    pub layout: Layout,
    /// Its explicit stack slots.
    pub stack_slots: PrimaryMap<StackSlot, StackSlotData>,
    /// What it takes from its environment.
    pub global_values: PrimaryMap<GlobalValue, GlobalValueData>,
    /// The global value that is the lowest address its stack may reach, where it is to check that.
    pub stack_limit: PackedOption<GlobalValue>,
    /// Where its instructions come from.
    pub srclocs: SecondaryMap<Inst, SourceLoc>,
}

impl Function {
    /// A function without blocks.
    pub fn new(name: ExternalName, signature: Signature) -> Self {
        Self {
            name,
            signature,
            dfg: DataFlowGraph::new(),
            layout: Layout::new(),
            stack_slots: PrimaryMap::new(),
            global_values: PrimaryMap::new(),
            stack_limit: PackedOption::NONE,
            srclocs: SecondaryMap::new(),
        }
    }

    /// Makes the function like a new one, and keeps the memory of its tables for the next.
    pub fn clear(&mut self) {
        self.dfg.clear();
        self.layout.clear();
        self.stack_slots.clear();
        self.global_values.clear();
        self.stack_limit = PackedOption::NONE;
        self.srclocs.clear();
    }

    /// Gives back the memory that its tables have too much, as they do where they have grown.
    ///
    /// An allocator that moves a list to make it smaller needs memory for both places meanwhile. Without it, the program ends, as it does when
    /// a function grows.
    pub fn shrink_to_fit(&mut self) {
        self.dfg.shrink_to_fit();
        self.layout.shrink_to_fit();
        self.srclocs.shrink_to_fit();
    }

    /// The block where it starts.
    pub fn entry_block(&self) -> Option<Block> {
        self.layout.entry_block()
    }

    /// The last instruction of `block`, when that is a terminator.
    pub fn block_terminator(&self, block: Block) -> Option<Inst> {
        let last = self.layout.last_inst(block)?;
        let is_terminator = self.dfg.inst(last).opcode().is_terminator();
        is_terminator.then_some(last)
    }

    /// The blocks that may follow `block`, in the order in which its terminator names them; one may occur more than once.
    pub fn block_successors(
        &self,
        block: Block,
    ) -> impl DoubleEndedIterator<Item = Block> + ExactSizeIterator + '_ {
        let branches = match self.layout.last_inst(block) {
            Some(inst) => self.dfg.branch_destinations(inst),
            None => &[],
        };
        branches
            .iter()
            .map(|branch| branch.block(&self.dfg.value_lists))
    }
}
