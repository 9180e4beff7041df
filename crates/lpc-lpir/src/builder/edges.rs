//! The edges that lead to each block, as far as they are known while a function is being built.
//!
//! An edge is named by the branch and the position among its destinations, so that an argument can be given to exactly this
//! edge. The edges of a block form a list through one flat array, the last declared first.

use crate::entity::SecondaryMap;
use crate::ir::{Block, DataFlowGraph, Inst, Layout, Value};
use alloc::vec::Vec;

/// The number that ends a list.
const END: u32 = u32::MAX;

/// An edge from the end of a block to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// The branch.
    pub(super) inst: Inst,
    /// The position among the destinations of the branch.
    destination: u32,
    next: u32,
}

/// The edges to all blocks.
#[derive(Clone, Debug)]
pub(super) struct Edges {
    edges: Vec<Edge>,
    first: SecondaryMap<Block, u32>,
}

impl Edges {
    /// No edges.
    pub(super) const fn new() -> Self {
        Self {
            edges: Vec::new(),
            first: SecondaryMap::with_default(END),
        }
    }

    /// Forgets all edges and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.edges.clear();
        self.first.clear();
    }

    /// Adds the edges of the branch `inst`.
    pub(super) fn declare_branch(&mut self, inst: Inst, dfg: &DataFlowGraph) {
        for (destination, branch) in (0..).zip(dfg.branch_destinations(inst)) {
            let first = &mut self.first[branch.block(&dfg.value_lists)];
            self.edges.push(Edge {
                inst,
                destination,
                next: *first,
            });
            *first = self.edges.len() as u32 - 1;
        }
    }

    /// The edges to `block`.
    pub(super) fn to(&self, block: Block) -> impl Iterator<Item = Edge> + Clone + '_ {
        let first = self.edges.get(self.first[block] as usize);
        core::iter::successors(first, |edge| self.edges.get(edge.next as usize)).copied()
    }

    /// The edge that leads to the same block as `edge` and follows it.
    pub(super) fn after(&self, edge: Edge) -> Option<Edge> {
        self.edges.get(edge.next as usize).copied()
    }

    /// The first edge to `block` and the second one.
    pub(super) fn first_two(&self, block: Block) -> (Option<Edge>, Option<Edge>) {
        let mut edges = self.to(block);
        (edges.next(), edges.next())
    }

    /// The blocks that the edges to `block` come from.
    pub(super) fn predecessors<'a>(
        &'a self,
        block: Block,
        layout: &'a Layout,
    ) -> impl Iterator<Item = Block> + 'a {
        self.to(block).map(|edge| edge.source(layout))
    }
}

impl Edge {
    /// The block that the edge comes from.
    pub(super) fn source(self, layout: &Layout) -> Block {
        let block = layout.inst_block(self.inst);
        block.expect("a declared branch stays in its block")
    }

    /// The argument of this edge for the parameter at `position`.
    pub(super) fn arg(self, position: usize, dfg: &DataFlowGraph) -> Value {
        let branch = dfg.branch_destinations(self.inst)[self.destination as usize];
        let arg = branch.args(&dfg.value_lists).nth(position);
        arg.expect("every finished parameter has an argument on every edge")
    }

    /// Gives this edge one more argument.
    pub(super) fn append_arg(self, arg: Value, dfg: &mut DataFlowGraph) {
        let (branches, pool) = dfg.branch_destinations_mut(self.inst);
        branches[self.destination as usize].append_arg(arg, pool);
    }

    /// Removes the argument for the parameter at `position`.
    pub(super) fn remove_arg(self, position: usize, dfg: &mut DataFlowGraph) {
        let (branches, pool) = dfg.branch_destinations_mut(self.inst);
        branches[self.destination as usize].remove_arg(position, pool);
    }
}
