//! Block parameters that always have the same value.
//!
//! A parameter is *trivial* when its arguments on all edges are one value, or the parameter itself (which a loop hands on
//! unchanged). It then is another name of that value. Replacing it may make other parameters trivial: those that had it as an
//! argument.
//!
//! ```text
//!  block1(v1, v2):  from block0 with (v0, v0), from block2 with (v2, v1)     nothing trivial
//!  block1(v1):      from block0 with (v0),     from block2 with (v1)         v1 is v0
//! ```
//!
//! So a work list starts with all parameters, and each replacement puts the users of the replaced one back on it.

use super::edges::Edges;
use crate::entity::SecondaryMap;
use crate::ir::{Block, DataFlowGraph, Function, Value, ValueDef};
use alloc::vec;
use alloc::vec::Vec;

/// The arguments for a parameter, the parameter itself left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operands {
    /// There are none.
    None,
    /// They are all this value.
    Same(Value),
    /// They are not all the same.
    Different,
}

impl Operands {
    /// What the arguments `operands`, aliases resolved, are for `param`.
    pub(super) fn of(param: Value, operands: impl Iterator<Item = Value>) -> Self {
        let mut found = Self::None;
        for operand in operands.filter(|&operand| operand != param) {
            found = match found {
                Self::None => Self::Same(operand),
                Self::Same(value) if value == operand => found,
                _ => return Self::Different,
            };
        }
        found
    }
}

/// The block that `param` is a parameter of, and its position there.
pub(super) fn block_and_position(param: Value, dfg: &DataFlowGraph) -> (Block, usize) {
    match dfg.value_def(param) {
        ValueDef::Param(block, position) => (block, position),
        ValueDef::Result(..) => unreachable!("{param} is a block parameter"),
    }
}

/// Makes the block parameter `param` an alias of `original`. Its arguments must not be there, or be removed.
pub(super) fn replace_param(param: Value, original: Value, dfg: &mut DataFlowGraph) {
    dfg.remove_block_param(param);
    dfg.change_to_alias(param, original);
}

/// The value that `value` stands for. Makes all aliases on the way direct ones, so that chains do not grow long.
pub(super) fn resolve(value: Value, dfg: &mut DataFlowGraph) -> Value {
    let original = dfg.resolve_aliases(value);
    let mut current = value;
    while let Some(target) = dfg.alias_target(current) {
        dfg.change_to_alias(current, original);
        current = target;
    }
    original
}

/// Replaces those of `params` that are trivial or become so, and removes their arguments.
pub(super) fn remove_redundant_params(params: &[Value], edges: &Edges, func: &mut Function) {
    let dfg = &mut func.dfg;
    let mut users = Users::of(params, edges, dfg);
    let mut work: Vec<u32> = (0..params.len() as u32).rev().collect();
    let mut is_in_work = vec![true; params.len()];
    while let Some(number) = work.pop() {
        is_in_work[number as usize] = false;
        let param = params[number as usize];
        if dfg.alias_target(param).is_some() {
            continue;
        }
        let (block, position) = block_and_position(param, dfg);
        let args = edges.to(block).map(|edge| edge.arg(position, dfg));
        let Operands::Same(original) =
            Operands::of(param, args.map(|arg| dfg.resolve_aliases(arg)))
        else {
            continue;
        };
        for edge in edges.to(block) {
            edge.remove_arg(position, dfg);
        }
        replace_param(param, original, dfg);
        for user in users.of_param(number) {
            if !core::mem::replace(&mut is_in_work[user as usize], true) {
                work.push(user);
            }
        }
        users.give(number, original);
    }
    for number in 0..dfg.num_values() as u32 {
        resolve(Value::from_u32(number), dfg);
    }
}

/// Which parameters have which as an argument. Parameters are named by their position among all of them.
struct Users {
    numbers: SecondaryMap<Value, u32>,
    /// For each parameter the first and the last node of the list of its users.
    ends: Vec<(u32, u32)>,
    /// The users, each with the node that follows it.
    nodes: Vec<(u32, u32)>,
}

/// The number of no parameter and of no node.
const NONE: u32 = u32::MAX;

impl Users {
    fn of(params: &[Value], edges: &Edges, dfg: &DataFlowGraph) -> Self {
        let mut users = Self {
            numbers: SecondaryMap::with_default(NONE),
            ends: vec![(NONE, NONE); params.len()],
            nodes: Vec::new(),
        };
        for (number, &param) in (0..).zip(params) {
            users.numbers[param] = number;
        }
        for (user, &param) in (0..).zip(params) {
            let (block, position) = block_and_position(param, dfg);
            for edge in edges.to(block) {
                let arg = dfg.resolve_aliases(edge.arg(position, dfg));
                if arg != param {
                    users.add(users.numbers[arg], user);
                }
            }
        }
        users
    }

    fn add(&mut self, used: u32, user: u32) {
        if let Some((first, last)) = self.ends.get_mut(used as usize) {
            let node = self.nodes.len() as u32;
            self.nodes.push((user, *first));
            *first = node;
            if *last == NONE {
                *last = node;
            }
        }
    }

    fn of_param(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.nodes.get(self.ends[number as usize].0 as usize);
        core::iter::successors(first, |(_, next)| self.nodes.get(*next as usize))
            .map(|&(user, _)| user)
    }

    /// The users of the parameter `from` use the value `to` from now on.
    fn give(&mut self, from: u32, to: Value) {
        let to = self.numbers[to] as usize;
        let (from_first, from_last) = self.ends[from as usize];
        if from_last == NONE || to >= self.ends.len() {
            return;
        }
        let (to_first, to_last) = &mut self.ends[to];
        self.nodes[from_last as usize].1 = *to_first;
        *to_first = from_first;
        if *to_last == NONE {
            *to_last = from_last;
        }
    }
}
