//! Functions that are nothing but a control flow graph, for the tests of the analyses.

use crate::ir::{
    Block, BlockCall, ExternalName, Function, InstructionData, JumpTableData, Opcode, Signature,
    Type, ValueList,
};
use std::vec::Vec;

/// The block with the number `number`.
pub(super) fn block(number: u32) -> Block {
    Block::from_u32(number)
}

/// A function in which block `n` has the successors `edges[n]`.
pub(super) fn function_with_edges(edges: &[&[u32]]) -> Function {
    let mut func = Function::new(ExternalName::symbol("graph"), Signature::default());
    for _ in edges {
        let block = func.dfg.make_block();
        func.layout.append_block(block);
    }
    let condition = func.dfg.append_block_param(block(0), Type::I32);
    for (number, successors) in edges.iter().enumerate() {
        let dfg = &mut func.dfg;
        let calls: Vec<_> = successors
            .iter()
            .map(|&to| BlockCall::new(block(to), [], &mut dfg.value_lists))
            .collect();
        let terminator = match calls[..] {
            [] => InstructionData::MultiAry {
                opcode: Opcode::Return,
                args: ValueList::new(),
            },
            [destination] => InstructionData::Jump {
                opcode: Opcode::Jump,
                destination,
            },
            [block_then, block_else] => InstructionData::Brif {
                opcode: Opcode::Brif,
                arg: condition,
                blocks: [block_then, block_else],
            },
            [default, ref entries @ ..] => InstructionData::BranchTable {
                opcode: Opcode::BrTable,
                arg: condition,
                table: dfg.jump_tables.push(JumpTableData::new(default, entries)),
            },
        };
        let inst = dfg.make_inst(terminator);
        func.layout.append_inst(inst, block(number as u32));
    }
    func
}

/// As [`function_with_edges`], for a graph that is computed.
pub(super) fn function_with_edge_lists(edges: &[Vec<u32>]) -> Function {
    let edges: Vec<_> = edges.iter().map(Vec::as_slice).collect();
    function_with_edges(&edges)
}
