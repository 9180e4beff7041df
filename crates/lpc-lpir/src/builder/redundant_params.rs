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
//! Which values are the same is kept as a forest: each replaced parameter points to the value that it is. A parameter that stays is
//! *witnessed* by two of its arguments: the first that is another value than the parameter, and the first that is another value than
//! both. Values only ever become the same, so both witnesses only ever move on to later arguments.
//!
//! When a parameter is replaced, two values become one. That matters only for parameters that *watch* both of them, as the parameter
//! itself or as a witness; so it is enough to look at the shorter of their lists, which are joined then. For n arguments this takes
//! O(n log n) steps, also for deep nests of loops, in which each replacement concerns an argument of all headers.

use super::edges::{Edge, Edges};
use crate::entity::{PackedOption, SecondaryMap};
use crate::ir::{Block, DataFlowGraph, Function, Value, ValueDef};
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
    resolve_all(dfg);
    let mut search = Search::new(params, edges, dfg);
    search.run();
    let Search { mut same, .. } = search;
    // The last parameter first, so that removing one seldom moves others.
    for &param in params.iter().rev() {
        let original = same.find(param);
        if original == param || dfg.alias_target(param).is_some() {
            continue;
        }
        let (block, position) = block_and_position(param, dfg);
        for edge in edges.to(block) {
            edge.remove_arg(position, dfg);
        }
        replace_param(param, original, dfg);
    }
    resolve_all(dfg);
}

/// Makes all aliases direct ones.
fn resolve_all(dfg: &mut DataFlowGraph) {
    for number in 0..dfg.num_values() as u32 {
        resolve(Value::from_u32(number), dfg);
    }
}

/// The search for parameters that are trivial. Parameters are named by their position among all of them.
struct Search<'a> {
    params: &'a [Value],
    edges: &'a Edges,
    dfg: &'a DataFlowGraph,
    same: SameValues,
    witnesses: Vec<Witnesses>,
    watchers: Watchers,
    /// The parameters whose witnesses may be the same value.
    work: Vec<u32>,
}

/// The edges with the arguments that show that a parameter is not trivial.
#[derive(Clone, Copy)]
struct Witnesses {
    /// The first argument that is not the parameter.
    first: Option<Edge>,
    /// The first argument behind it that is neither.
    second: Option<Edge>,
}

impl<'a> Search<'a> {
    fn new(params: &'a [Value], edges: &'a Edges, dfg: &'a DataFlowGraph) -> Self {
        let first_edge = |&param: &Value| {
            let (block, _) = block_and_position(param, dfg);
            let first = edges.to(block).next();
            Witnesses {
                first,
                second: first,
            }
        };
        Self {
            params,
            edges,
            dfg,
            same: SameValues::default(),
            witnesses: params.iter().map(first_edge).collect(),
            watchers: Watchers::default(),
            work: (0..params.len() as u32).rev().collect(),
        }
    }

    fn run(&mut self) {
        for (number, &param) in (0..).zip(self.params) {
            let param = self.same.find(self.dfg.resolve_aliases(param));
            self.watchers.add(param, number);
        }
        while let Some(number) = self.work.pop() {
            self.examine(number);
        }
    }

    /// Looks for witnesses for a parameter, from those that it has on, and replaces it if there is only one.
    fn examine(&mut self, number: u32) {
        let param = self.params[number as usize];
        if self.dfg.alias_target(param).is_some() || self.same.is_replaced(param) {
            return;
        }
        let (_, position) = block_and_position(param, self.dfg);
        let Witnesses {
            mut first,
            mut second,
        } = self.witnesses[number as usize];
        while let Some(edge) = first
            && self.argument(edge, position) == param
        {
            first = self.edges.after(edge);
        }
        // Without any, no control from outside gets to the block.
        let Some(first_edge) = first else {
            return;
        };
        let first_value = self.argument(first_edge, position);
        while let Some(edge) = second {
            let value = self.argument(edge, position);
            if value != param && value != first_value {
                self.watchers.add(first_value, number);
                self.watchers.add(value, number);
                self.witnesses[number as usize] = Witnesses { first, second };
                return;
            }
            second = self.edges.after(edge);
        }
        self.same.replace(param, first_value);
        let concerned = self.watchers.join(param, first_value);
        self.work.extend(concerned);
    }

    /// The value of the argument at `position`.
    fn argument(&mut self, edge: Edge, position: usize) -> Value {
        let arg = self.dfg.resolve_aliases(edge.arg(position, self.dfg));
        self.same.find(arg)
    }
}

/// Which values are the same as others.
#[derive(Default)]
struct SameValues {
    /// For each replaced value another one that is the same.
    others: SecondaryMap<Value, PackedOption<Value>>,
}

impl SameValues {
    fn is_replaced(&self, value: Value) -> bool {
        self.others[value].is_some()
    }

    /// The value that stands for all that are the same as `value`.
    fn find(&mut self, value: Value) -> Value {
        let mut current = value;
        while let Some(other) = self.others[current].expand() {
            // Path halving: each step makes the next search from here shorter.
            if let Some(further) = self.others[other].expand() {
                self.others[current] = further.into();
            }
            current = other;
        }
        current
    }

    fn replace(&mut self, value: Value, original: Value) {
        self.others[value] = original.into();
    }
}

/// Which parameters watch which values.
#[derive(Default)]
struct Watchers {
    lists: SecondaryMap<Value, WatchList>,
    /// The watching parameters, each with the node that follows it.
    nodes: Vec<(u32, u32)>,
}

/// A list of nodes. Parameters may be in it that watch the value no more.
#[derive(Clone, Copy)]
struct WatchList {
    first: u32,
    last: u32,
    len: u32,
}

/// The number of no node.
const NONE: u32 = u32::MAX;

impl Default for WatchList {
    fn default() -> Self {
        Self {
            first: NONE,
            last: NONE,
            len: 0,
        }
    }
}

impl Watchers {
    fn add(&mut self, value: Value, param: u32) {
        let node = self.nodes.len() as u32;
        let list = &mut self.lists[value];
        self.nodes.push((param, list.first));
        list.first = node;
        if list.last == NONE {
            list.last = node;
        }
        list.len += 1;
    }

    /// Those who watch `value` watch `original` from now on. Gives all parameters that may have watched both.
    fn join(&mut self, value: Value, original: Value) -> Vec<u32> {
        let (from, to) = (self.lists[value], self.lists[original]);
        let shorter = if from.len < to.len { from } else { to };
        let first = self.nodes.get(shorter.first as usize);
        let nodes = core::iter::successors(first, |(_, next)| self.nodes.get(*next as usize));
        let concerned = nodes.map(|&(param, _)| param).collect();
        if let Some(last) = self.nodes.get_mut(from.last as usize) {
            last.1 = to.first;
            self.lists[original] = WatchList {
                first: from.first,
                last: if to.last == NONE { from.last } else { to.last },
                len: from.len + to.len,
            };
        }
        concerned
    }
}
