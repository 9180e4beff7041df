//! SSA construction: from variables that are assigned any number of times to values that are defined once.
//!
//! The algorithm is that of Braun, Buchwald, Hack, Leißa, Mallon and Zwinkau, "Simple and Efficient Construction of Static
//! Single Assignment Form" (2013). It needs no dominator tree: the value of a variable is looked for backward from where it is
//! used, at the moment when it is used.
//!
//! - A block in which the variable was assigned or looked up before: the value is known.
//! - A *sealed* block, all of whose predecessors are known, with one predecessor: the value is that at its end.
//! - A sealed block with more predecessors: it gets a parameter, the value is looked for in each predecessor, and what is found
//!   becomes the argument on that edge. When all edges bring the same value, or the parameter itself around a loop, the
//!   parameter is *trivial*: it becomes an alias of that value.
//! - A block that is not sealed: it gets a parameter, which waits until the block is sealed.
//! - A sealed block without predecessors: the variable was never assigned, and is zero.
//!
//! ```text
//!  block0:               x = 1                      v0 = iconst.i32 1
//!                        jump block1                jump block1(v0)
//!  block1:                                     ►  block1(v1: i32):
//!                        x = x + x                  v2 = iadd v1, v1
//!                        brif x, block1, block2     brif v2, block1(v2), block2
//!  block2:               return x                 block2:
//!                                                   return v2
//! ```
//!
//! A parameter that was needed when it was made may become trivial when another one does. Such parameters are removed at the
//! end; see [`remove_redundant_params`].
//!
//! Lookups do not recurse: what is still to be done stands in a work list.

use super::cursor::FuncCursor;
use super::definitions::Definitions;
use super::edges::Edges;
use super::redundant_params::{
    Operands, block_and_position, remove_redundant_params, replace_param, resolve,
};
use crate::entity::{PrimaryMap, SecondaryMap};
use crate::entity_impl;
use crate::ir::{Block, DataFlowGraph, Function, Inst, MemFlags, Type, Value};
use alloc::vec::Vec;

entity_impl!(
    /// A variable of the source program.
    Variable, "var"
);

/// The number that ends a list.
const END: u32 = u32::MAX;

/// The state of the construction for one function.
#[derive(Clone, Debug)]
pub(super) struct SsaBuilder {
    variables: PrimaryMap<Variable, Type>,
    definitions: Definitions,
    edges: Edges,
    blocks: SecondaryMap<Block, BlockState>,
    /// The parameters that wait for their block to be sealed, as a list per block, the last one first.
    waiting: Vec<WaitingParam>,
    /// The parameters that were needed when they were finished.
    params: Vec<Value>,
    work: Vec<Task>,
    /// The blocks that the current lookup has walked through, and its number.
    walked: Vec<Block>,
    walk: u32,
}

#[derive(Clone, Copy, Debug)]
struct BlockState {
    fill: Fill,
    sealed: bool,
    /// Whether the block ever got a parameter for a variable.
    has_variable_params: bool,
    first_waiting: u32,
    /// The number of the last lookup that walked through this block.
    last_walk: u32,
}

/// How far a block is filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fill {
    /// It has no instructions.
    Empty,
    /// It has instructions and no terminator.
    Partial,
    /// It has a terminator.
    Filled,
}

#[derive(Clone, Copy, Debug)]
struct WaitingParam {
    variable: Variable,
    param: Value,
    next: u32,
}

/// A step of a lookup.
#[derive(Clone, Copy, Debug)]
enum Task {
    /// Makes the value of the variable at the end of the block known.
    Find(Variable, Block),
    /// Gives the parameter its arguments or replaces it, now that the variable is known in all predecessors.
    Finish(Variable, Value),
}

impl SsaBuilder {
    pub(super) const fn new() -> Self {
        let state = BlockState {
            fill: Fill::Empty,
            sealed: false,
            has_variable_params: false,
            first_waiting: END,
            last_walk: 0,
        };
        Self {
            variables: PrimaryMap::new(),
            definitions: Definitions::new(),
            edges: Edges::new(),
            blocks: SecondaryMap::with_default(state),
            waiting: Vec::new(),
            params: Vec::new(),
            work: Vec::new(),
            walked: Vec::new(),
            walk: 0,
        }
    }

    /// Forgets everything and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.variables.clear();
        self.definitions.clear();
        self.edges.clear();
        self.blocks.clear();
        self.waiting.clear();
        self.params.clear();
        self.walk = 0;
    }

    /// Makes a variable of type `ty`.
    pub(super) fn declare_var(&mut self, ty: Type) -> Variable {
        self.variables.push(ty)
    }

    /// The type of `variable`.
    pub(super) fn variable_type(&self, variable: Variable) -> Type {
        self.variables[variable]
    }

    /// Assigns `value` to `variable` in `block`, behind all that was done there before.
    pub(super) fn def_var(&mut self, variable: Variable, block: Block, value: Value) {
        self.definitions.set(block, variable, value);
    }

    /// The value of `variable` where `block` ends so far.
    pub(super) fn use_var(
        &mut self,
        func: &mut Function,
        variable: Variable,
        block: Block,
    ) -> Value {
        self.work.push(Task::Find(variable, block));
        self.run(func);
        known_value(&mut self.definitions, &mut func.dfg, variable, block)
    }

    /// Adds the edges of the branch `inst`.
    ///
    /// # Panics
    /// When a block that it goes to is sealed.
    pub(super) fn declare_branch(&mut self, inst: Inst, dfg: &DataFlowGraph) {
        for branch in dfg.branch_destinations(inst) {
            let block = branch.block(&dfg.value_lists);
            assert!(
                !self.is_sealed(block),
                "{block} is sealed and cannot get another predecessor"
            );
        }
        self.edges.declare_branch(inst, dfg);
    }

    /// How far `block` is filled.
    pub(super) fn fill(&self, block: Block) -> Fill {
        self.blocks[block].fill
    }

    /// Notes how far `block` is filled.
    pub(super) fn set_fill(&mut self, block: Block, fill: Fill) {
        self.blocks[block].fill = fill;
    }

    /// Whether all predecessors of `block` are known.
    pub(super) fn is_sealed(&self, block: Block) -> bool {
        self.blocks[block].sealed
    }

    /// Whether `block` has a predecessor so far.
    pub(super) fn has_predecessors(&self, block: Block) -> bool {
        self.edges.to(block).next().is_some()
    }

    /// Whether `block` ever got a parameter for a variable.
    pub(super) fn has_variable_params(&self, block: Block) -> bool {
        self.blocks[block].has_variable_params
    }

    /// All predecessors of `block` are known now: its waiting parameters get their arguments or are replaced.
    pub(super) fn seal_block(&mut self, block: Block, func: &mut Function) {
        let state = &mut self.blocks[block];
        state.sealed = true;
        let mut next = core::mem::replace(&mut state.first_waiting, END);
        let mut waiting = Vec::new();
        while let Some(&param) = self.waiting.get(next as usize) {
            waiting.push(param);
            next = param.next;
        }
        for param in waiting.iter().rev() {
            self.find_in_predecessors(param.variable, block, func);
            self.run(func);
        }
        // The last parameter first, so that removing one seldom moves others.
        waiting.retain(|waiting| !self.replace_if_trivial(waiting.variable, waiting.param, func));
        // In the order of the parameters, which is that of the arguments.
        for param in waiting.iter().rev() {
            self.append_args(param.variable, param.param, func);
        }
    }

    /// Removes the parameters that have become redundant. All blocks are sealed.
    pub(super) fn finish(&mut self, func: &mut Function) {
        remove_redundant_params(&self.params, &self.edges, func);
    }

    fn run(&mut self, func: &mut Function) {
        while let Some(task) = self.work.pop() {
            match task {
                Task::Find(variable, block) => self.find(variable, block, func),
                Task::Finish(variable, param) => {
                    if !self.replace_if_trivial(variable, param, func) {
                        self.append_args(variable, param, func);
                    }
                }
            }
        }
    }

    /// Makes the value of `variable` at the end of `block` known. The value may be a parameter that is still to be finished.
    fn find(&mut self, variable: Variable, block: Block, func: &mut Function) {
        self.walk += 1;
        let mut current = block;
        let value = loop {
            if self.definitions.get(current, variable).is_some() {
                break known_value(&mut self.definitions, &mut func.dfg, variable, current);
            }
            let state = &mut self.blocks[current];
            let is_cycle = core::mem::replace(&mut state.last_walk, self.walk) == self.walk;
            if !state.sealed {
                break self.add_waiting_param(variable, current, func);
            }
            match self.edges.first_two(current) {
                (None, _) => break zero(func, current, self.variables[variable]),
                (Some(edge), None) if !is_cycle => {
                    self.walked.push(current);
                    current = edge.source(&func.layout);
                }
                _ => {
                    let param = self.add_param(variable, current, func);
                    self.work.push(Task::Finish(variable, param));
                    self.find_in_predecessors(variable, current, func);
                    break param;
                }
            }
        };
        self.definitions.set(current, variable, value);
        while let Some(walked) = self.walked.pop() {
            self.definitions.set(walked, variable, value);
        }
    }

    fn find_in_predecessors(&mut self, variable: Variable, block: Block, func: &Function) {
        for predecessor in self.edges.predecessors(block, &func.layout) {
            self.work.push(Task::Find(variable, predecessor));
        }
    }

    fn add_param(&mut self, variable: Variable, block: Block, func: &mut Function) -> Value {
        self.blocks[block].has_variable_params = true;
        func.dfg.append_block_param(block, self.variables[variable])
    }

    fn add_waiting_param(
        &mut self,
        variable: Variable,
        block: Block,
        func: &mut Function,
    ) -> Value {
        let param = self.add_param(variable, block, func);
        let number = self.waiting.len() as u32;
        let next = core::mem::replace(&mut self.blocks[block].first_waiting, number);
        self.waiting.push(WaitingParam {
            variable,
            param,
            next,
        });
        param
    }

    /// Replaces `param` when all edges bring the same value besides itself. Returns whether it did.
    fn replace_if_trivial(
        &mut self,
        variable: Variable,
        param: Value,
        func: &mut Function,
    ) -> bool {
        let (block, _) = block_and_position(param, &func.dfg);
        let predecessors = self.edges.predecessors(block, &func.layout);
        let values = predecessors
            .map(|block| known_value(&mut self.definitions, &mut func.dfg, variable, block));
        let original = match Operands::of(param, values) {
            Operands::Different => return false,
            Operands::Same(value) => value,
            Operands::None => zero(func, block, self.variables[variable]),
        };
        replace_param(param, original, &mut func.dfg);
        true
    }

    /// Gives all edges their argument for `param`, which is the first parameter of its block without arguments.
    fn append_args(&mut self, variable: Variable, param: Value, func: &mut Function) {
        let (block, _) = block_and_position(param, &func.dfg);
        for edge in self.edges.to(block) {
            let source = edge.source(&func.layout);
            let arg = known_value(&mut self.definitions, &mut func.dfg, variable, source);
            edge.append_arg(arg, &mut func.dfg);
        }
        self.params.push(param);
    }
}

/// The value of `variable` at the end of `block`, where it is known.
fn known_value(
    definitions: &mut Definitions,
    dfg: &mut DataFlowGraph,
    variable: Variable,
    block: Block,
) -> Value {
    let value = definitions.get(block, variable);
    let value = value.expect("the variable was looked up in this block");
    let original = resolve(value, dfg);
    if original != value {
        definitions.set(block, variable, original);
    }
    original
}

/// A zero of type `ty` at the top of `block`.
fn zero(func: &mut Function, block: Block, ty: Type) -> Value {
    if !func.layout.is_block_inserted(block) {
        func.layout.append_block(block);
    }
    let mut cursor = FuncCursor::new(func).at_first_inst(block);
    let constant_type = match ty {
        Type::I128 | Type::F64 => Type::I64,
        Type::F32 => Type::I32,
        _ => ty,
    };
    let constant = cursor.ins().iconst(constant_type, 0);
    if constant_type == ty {
        constant
    } else if ty.is_int() {
        cursor.ins().uextend(ty, constant)
    } else {
        cursor.ins().bitcast(ty, MemFlags::new(), constant)
    }
}

#[cfg(test)]
mod tests {
    use super::super::redundant_params::Operands;
    use super::super::test_eval::stored_values;
    use super::super::{FunctionBuilder, FunctionBuilderContext};
    use super::*;
    use crate::analysis::ControlFlowGraph;
    use crate::ir::{BlockCall, ExternalName, JumpTableData, Opcode, Signature};
    use crate::verifier::verify_function;
    use std::vec;

    /// A program on variables, as a front end would see it. Each block does its assignments, stores a variable and leaves.
    struct Program {
        variables: usize,
        blocks: Vec<Source>,
    }

    struct Source {
        /// Variable, and what is assigned: the sum of two variables and a constant.
        assignments: Vec<(usize, [usize; 2], u32)>,
        stored: usize,
        /// Nothing returns, one jumps, two branch on the lowest bit of the variable, more select by its lowest two bits.
        successors: Vec<usize>,
        selector: usize,
    }

    fn source(
        assignments: &[(usize, [usize; 2], u32)],
        stored: usize,
        successors: &[usize],
        selector: usize,
    ) -> Source {
        Source {
            assignments: assignments.to_vec(),
            stored,
            successors: successors.to_vec(),
            selector,
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Sealing {
        /// Each block as soon as its last predecessor is filled.
        Early,
        /// All blocks at the end.
        Late,
    }

    impl Program {
        /// What it stores, by executing it on variables.
        fn expected(&self, max_blocks: usize) -> Vec<u32> {
            let mut values = vec![0u32; self.variables];
            let mut stored = Vec::new();
            let mut next = Some(0);
            for _ in 0..max_blocks {
                let Some(block) = next else { break };
                let source = &self.blocks[block];
                for &(to, [a, b], constant) in &source.assignments {
                    values[to] = values[a].wrapping_add(values[b]).wrapping_add(constant);
                }
                stored.push(values[source.stored]);
                let selector = values[source.selector];
                next = match source.successors[..] {
                    [] => None,
                    [only] => Some(only),
                    [then, otherwise] => Some(if selector & 1 != 0 { then } else { otherwise }),
                    [default, ref entries @ ..] => {
                        Some(*entries.get(selector as usize & 3).unwrap_or(&default))
                    }
                };
            }
            stored
        }

        /// Builds it, with its blocks filled in the order `order`.
        fn build(&self, sealing: Sealing, order: &[usize]) -> Function {
            let mut func = Function::new(ExternalName::symbol("program"), Signature::default());
            let mut context = FunctionBuilderContext::new();
            let mut builder = FunctionBuilder::new(&mut func, &mut context);
            let variables: Vec<_> = (0..self.variables)
                .map(|_| builder.declare_var(Type::I32))
                .collect();
            let blocks: Vec<_> = self.blocks.iter().map(|_| builder.create_block()).collect();
            let mut missing = vec![0; blocks.len()];
            for successor in self.blocks.iter().flat_map(|source| &source.successors) {
                missing[*successor] += 1;
            }
            if let Sealing::Early = sealing {
                for (&block, &missing) in blocks.iter().zip(&missing) {
                    if missing == 0 {
                        builder.seal_block(block);
                    }
                }
            }
            for &number in order {
                builder.switch_to_block(blocks[number]);
                self.blocks[number].build(&mut builder, &variables, &blocks);
                for &successor in &self.blocks[number].successors {
                    missing[successor] -= 1;
                    if missing[successor] == 0 && matches!(sealing, Sealing::Early) {
                        builder.seal_block(blocks[successor]);
                    }
                }
            }
            builder.seal_all_blocks();
            builder.finalize();
            assert_eq!(verify_function(&func), Ok(()), "{func}");
            func
        }

        /// Builds it in several ways and compares what it stores. Returns the number of block parameters.
        fn check(&self) -> usize {
            let count = self.blocks.len();
            let forward: Vec<_> = (0..count).collect();
            let mut backward = vec![0];
            backward.extend((1..count).rev());
            let mut num_params = Vec::new();
            for order in [forward, backward] {
                for sealing in [Sealing::Early, Sealing::Late] {
                    let func = self.build(sealing, &order);
                    let found = stored_values(&func, &[], 200);
                    assert_eq!(found, self.expected(200), "{sealing:?} {order:?}");
                    num_params.push(check_params_are_needed(&func));
                }
            }
            num_params.into_iter().max().unwrap()
        }
    }

    impl Source {
        fn build(
            &self,
            builder: &mut FunctionBuilder<'_>,
            variables: &[Variable],
            blocks: &[Block],
        ) {
            for &(to, operands, constant) in &self.assignments {
                let [a, b] = operands.map(|operand| builder.use_var(variables[operand]));
                let sum = builder.ins().iadd(a, b);
                let constant = builder.ins().iconst(Type::I32, constant.into());
                let sum = builder.ins().iadd(sum, constant);
                builder.def_var(variables[to], sum);
            }
            let address = builder.ins().iconst(Type::I32, 0);
            let stored = builder.use_var(variables[self.stored]);
            builder.ins().store(MemFlags::new(), stored, address, 0);
            let successors: Vec<_> = self
                .successors
                .iter()
                .map(|&number| blocks[number])
                .collect();
            let selector = builder.use_var(variables[self.selector]);
            let mut masked = |mask| {
                let mask = builder.ins().iconst(Type::I32, mask);
                builder.ins().band(selector, mask)
            };
            match successors[..] {
                [] => builder.ins().return_(&[]),
                [only] => builder.ins().jump(only, &[]),
                [then, otherwise] => {
                    let condition = masked(1);
                    builder.ins().brif(condition, then, &[], otherwise, &[])
                }
                _ => {
                    let index = masked(3);
                    let pool = &mut builder.func.dfg.value_lists;
                    let calls: Vec<_> = successors
                        .iter()
                        .map(|&block| BlockCall::new(block, [], pool))
                        .collect();
                    let table = JumpTableData::new(calls[0], &calls[1..]);
                    let table = builder.create_jump_table(table);
                    builder.ins().br_table(index, table)
                }
            };
        }
    }

    /// Checks that no block that can be reached has a trivial parameter. Returns the number of parameters.
    fn check_params_are_needed(func: &Function) -> usize {
        let cfg = ControlFlowGraph::with_function(func);
        let domtree = crate::analysis::DominatorTree::with_function(func, &cfg);
        let dfg = &func.dfg;
        let mut count = 0;
        for block in domtree.cfg_rpo() {
            for (position, param) in dfg.block_params(block).enumerate() {
                let branches = cfg
                    .predecessors(block)
                    .iter()
                    .flat_map(|edge| dfg.branch_destinations(edge.inst))
                    .filter(|branch| branch.block(&dfg.value_lists) == block);
                let args =
                    branches.map(|branch| branch.args(&dfg.value_lists).nth(position).unwrap());
                let operands = Operands::of(param, args.map(|arg| dfg.resolve_aliases(arg)));
                assert_eq!(operands, Operands::Different, "{param} of {block}");
                count += 1;
            }
        }
        count
    }

    #[test]
    fn a_variable_that_is_assigned_on_one_side_only() {
        // x = 5; if x { x = x + 2 }; store x
        let program = Program {
            variables: 2,
            blocks: vec![
                source(&[(0, [1, 1], 5)], 0, &[1, 2], 0),
                source(&[(0, [0, 1], 2)], 0, &[2], 0),
                source(&[], 0, &[], 0),
            ],
        };
        assert_eq!(program.check(), 1);
    }

    #[test]
    fn a_variable_that_a_loop_does_not_change_needs_no_parameter() {
        // x = 7; i = 0; do { i = i + x } while i & 1; store x
        let program = Program {
            variables: 3,
            blocks: vec![
                source(&[(0, [2, 2], 7)], 0, &[1], 0),
                source(&[(1, [1, 0], 0)], 0, &[1, 2], 1),
                source(&[], 0, &[], 0),
            ],
        };
        // Only `i` in the loop.
        assert_eq!(program.check(), 1);
    }

    #[test]
    fn nested_loops_that_hand_a_variable_on() {
        let program = Program {
            variables: 4,
            blocks: vec![
                source(&[(0, [3, 3], 9)], 0, &[1], 0),
                source(&[(1, [1, 3], 1)], 1, &[2], 0),
                source(&[(2, [2, 1], 1)], 2, &[2, 3], 2),
                source(&[(2, [2, 0], 0)], 0, &[1, 4], 1),
                source(&[], 0, &[], 0),
            ],
        };
        // One counter in the outer header, the sum in both headers.
        assert_eq!(program.check(), 3);
    }

    #[test]
    fn switch_with_shared_and_repeated_targets() {
        let program = Program {
            variables: 3,
            blocks: vec![
                source(&[(0, [0, 0], 6)], 0, &[1, 2, 3, 3, 1], 0),
                source(&[(1, [0, 0], 1)], 1, &[4], 0),
                source(&[(1, [0, 0], 2)], 1, &[3], 0),
                source(&[(0, [0, 1], 3)], 1, &[4], 0),
                source(&[(2, [0, 1], 3)], 2, &[4, 5], 2),
                source(&[], 1, &[], 0),
            ],
        };
        program.check();
    }

    #[test]
    fn an_irreducible_cycle() {
        let program = Program {
            variables: 3,
            blocks: vec![
                source(&[(0, [2, 2], 3)], 0, &[1, 2], 0),
                source(&[(1, [1, 0], 1)], 1, &[2, 3], 1),
                source(&[(1, [1, 0], 2)], 1, &[1, 3], 1),
                source(&[], 0, &[], 0),
            ],
        };
        program.check();
    }

    #[test]
    fn both_edges_of_a_branch_to_one_block() {
        let program = Program {
            variables: 2,
            blocks: vec![
                source(&[(0, [1, 1], 3)], 0, &[1, 1], 0),
                source(&[(0, [0, 0], 1)], 0, &[1, 1], 0),
            ],
        };
        assert_eq!(program.check(), 1);
    }

    #[test]
    fn variables_that_are_never_assigned_are_zero() {
        let mut func = Function::new(ExternalName::symbol("f"), Signature::default());
        let mut context = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut func, &mut context);
        let block = builder.create_block();
        builder.switch_to_block(block);
        builder.seal_block(block);
        let values = Type::ALL.map(|ty| {
            let variable = builder.declare_var(ty);
            builder.use_var(variable)
        });
        builder.ins().return_(&[]);
        builder.finalize();
        assert_eq!(values.map(|value| func.dfg.value_type(value)), Type::ALL);
        let opcode = |value| func.dfg.inst(func.dfg.value_inst(value).unwrap()).opcode();
        use Opcode::*;
        let expected = [Iconst, Iconst, Iconst, Iconst, Uextend, Bitcast, Bitcast];
        assert_eq!(values.map(opcode), expected);
        assert_eq!(func.dfg.num_block_params(block), 0);
    }

    #[test]
    fn unreachable_cycles_of_single_predecessors_end() {
        // Blocks 1 and 2 follow each other and nothing else leads to them.
        let program = Program {
            variables: 2,
            blocks: vec![
                source(&[(0, [1, 1], 3)], 0, &[], 0),
                source(&[(1, [0, 1], 1)], 0, &[2], 0),
                source(&[], 0, &[1], 0),
            ],
        };
        program.check();
    }

    #[test]
    fn replacing_one_parameter_makes_others_trivial() {
        // With all blocks sealed from the last to the first, each loop header first gets a parameter that depends on the one
        // before.
        let count = 50;
        let mut func = Function::new(ExternalName::symbol("f"), Signature::default());
        let mut context = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut func, &mut context);
        let x = builder.declare_var(Type::I32);
        let blocks: Vec<_> = (0..count).map(|_| builder.create_block()).collect();
        for (number, &block) in blocks.iter().enumerate() {
            builder.switch_to_block(block);
            if number == 0 {
                let value = builder.ins().iconst(Type::I32, 4);
                builder.def_var(x, value);
                builder.ins().jump(blocks[1], &[]);
                continue;
            }
            let value = builder.use_var(x);
            match blocks.get(number + 1) {
                Some(&next) => builder.ins().brif(value, block, &[], next, &[]),
                None => builder.ins().return_(&[value]),
            };
        }
        for &block in blocks.iter().rev() {
            builder.seal_block(block);
        }
        builder.finalize();
        assert_eq!(check_params_are_needed(&func), 0);
        let last = func.layout.last_inst(blocks[count - 1]).unwrap();
        let returned = func.dfg.inst_args(last).next().unwrap();
        let original = func.dfg.resolve_aliases(returned);
        let inst = func.dfg.value_inst(original).unwrap();
        assert_eq!(func.dfg.inst(inst).opcode(), Opcode::Iconst);
    }

    #[test]
    fn random_programs() {
        let mut state = 0x2545_f491_u32;
        let mut random = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % below
        };
        for _ in 0..300 {
            let variables = 1 + random(5);
            let count = 2 + random(12);
            let blocks = (0..count)
                .map(|_| Source {
                    assignments: (0..random(3))
                        .map(|_| {
                            let operands = [random(variables), random(variables)];
                            (random(variables), operands, random(100) as u32)
                        })
                        .collect(),
                    stored: random(variables),
                    successors: (0..random(5)).map(|_| 1 + random(count - 1)).collect(),
                    selector: random(variables),
                })
                .collect();
            Program { variables, blocks }.check();
        }
    }

    #[test]
    fn a_chain_of_100_000_blocks() {
        let count = 100_000;
        let link = |number: usize| match number {
            0 => source(&[(0, [1, 1], 5)], 0, &[1], 0),
            _ if number + 1 == count => source(&[(1, [0, 0], 0)], 1, &[], 0),
            _ => source(&[], 1, &[number + 1], 1),
        };
        let program = Program {
            variables: 2,
            blocks: (0..count).map(link).collect(),
        };
        let order: Vec<_> = (0..count).collect();
        for sealing in [Sealing::Early, Sealing::Late] {
            let func = program.build(sealing, &order);
            assert_eq!(check_params_are_needed(&func), 0);
            let stored = stored_values(&func, &[], count);
            assert_eq!(stored.last(), Some(&10));
        }
    }
}
