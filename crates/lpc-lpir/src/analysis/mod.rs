//! What follows from the shape of a function: the edges between its blocks, which block dominates which, and its loops.
//!
//! ```text
//!  Function ─► ControlFlowGraph ─► DominatorTree ─► LoopAnalysis
//! ```
//!
//! Each analysis describes the function as it was when it was computed; computing it again keeps its memory. None of them
//! recurses, and each takes time almost linear in the number of blocks and edges, whatever the shape of the graph.

mod dominator_tree;
mod flowgraph;
mod loop_analysis;

#[cfg(test)]
mod test_graph;

pub use dominator_tree::DominatorTree;
pub use flowgraph::{BlockPredecessor, ControlFlowGraph};
pub use loop_analysis::{Loop, LoopAnalysis};
