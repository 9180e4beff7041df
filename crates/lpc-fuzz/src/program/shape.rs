//! Control flow: ways that part and meet, tables, loops.
//!
//! ```text
//!      │ current block              A part starts in the current block and ends in another one, which then is the current block
//!   ┌──┴──┐                         and has parameters for values of the parts between. Values of these parts that are not
//!  then  else   nested regions      used yet are the first to be passed on.
//!   └──┬──┘
//!    merge(…)
//! ```

use super::function::FunctionGenerator;
use super::scope::Mark;
use lpc_lpir::ir::{Block, BlockCall, IntCC, JumpTableData, Type, Value};

/// Where a loop can be left to.
#[derive(Clone, Debug)]
pub(super) struct LoopExit {
    block: Block,
    types: Vec<Type>,
    /// Whether another branch goes there than that at the end of the loop.
    is_broken: bool,
}

impl FunctionGenerator<'_> {
    /// A block that stands anywhere.
    pub(super) fn new_block(&mut self) -> Block {
        let block = self.builder.create_block();
        if self.random.chance(self.profile.moved_block_percent) {
            let after = self.random.pick(&self.placed);
            self.builder.insert_block_after(block, after);
            self.placed.push(block);
        }
        if self.random.chance(6) {
            self.builder.set_cold_block(block);
        }
        block
    }

    /// Fills `block` from now on.
    pub(super) fn enter(&mut self, block: Block) {
        self.builder.switch_to_block(block);
    }

    /// Fills `block` from now on, which gets parameters of these types.
    pub(super) fn enter_with_params(&mut self, block: Block) {
        self.enter(block);
        for param in self.builder.block_params(block) {
            self.push(param);
        }
    }

    fn append_params(&mut self, block: Block, types: &[Type]) {
        for &ty in types {
            self.builder.append_block_param(block, ty);
        }
    }

    fn values(&mut self, types: &[Type]) -> Vec<Value> {
        types.iter().map(|&ty| self.value(ty)).collect()
    }

    /// Any types for the parameters of a block, few in most cases.
    fn param_types(&mut self) -> Vec<Type> {
        let count = self
            .random
            .banded(&[(30, (0, 0)), (60, (1, 2)), (9, (3, 6)), (1, (7, 24))]);
        (0..count).map(|_| self.any_type()).collect()
    }

    /// What to pass on of the values since `mark`, with their types: those that nobody uses yet, some of them, or any.
    fn outcome(&mut self, mark: Mark) -> (Vec<Value>, Vec<Type>) {
        let unused = self.scope.take_unused(mark);
        let mut outcome: Vec<(Value, Type)> = Vec::new();
        for (value, ty) in unused {
            if self.random.chance(self.profile.kept_percent) {
                outcome.push((value, ty));
            }
        }
        if outcome.is_empty() || self.random.chance(20) {
            for ty in self.param_types() {
                let value = self.value(ty);
                outcome.push((value, ty));
            }
        }
        outcome.into_iter().unzip()
    }

    /// A condition to branch on or to select by, of any type.
    pub(super) fn condition(&mut self) -> Value {
        if self.random.chance(40) {
            let ty = self.any_type();
            return self.variable_value(ty);
        }
        let ty = self.any_type();
        let (x, y) = (self.variable_value(ty), self.value(ty));
        let cond = self.random.pick(IntCC::ALL);
        let holds = self.ins().icmp(cond, x, y);
        if self.random.chance(20) {
            self.push(holds);
        }
        holds
    }

    /// Two ways that meet again, one of which may be empty, or both.
    pub(super) fn if_else(&mut self) {
        let condition = self.condition();
        match self.random.below(10) {
            0..=1 => self.two_edges(condition),
            2..=4 => self.one_arm(condition),
            _ => self.two_arms(condition),
        }
    }

    /// Both ways go to the same block with other arguments.
    pub(super) fn two_edges(&mut self, condition: Value) {
        let merge = self.new_block();
        let types = self.param_types();
        self.append_params(merge, &types);
        let (then, other) = (self.values(&types), self.values(&types));
        self.ins().brif(condition, merge, &then, merge, &other);
        self.enter_with_params(merge);
    }

    fn one_arm(&mut self, condition: Value) {
        let (arm, merge) = (self.new_block(), self.new_block());
        let types = self.param_types();
        self.append_params(merge, &types);
        let passing = self.values(&types);
        if self.random.chance(50) {
            self.ins().brif(condition, arm, &[], merge, &passing);
        } else {
            self.ins().brif(condition, merge, &passing, arm, &[]);
        }
        self.arm(arm, merge, Some(&types), true);
        self.enter_with_params(merge);
    }

    fn two_arms(&mut self, condition: Value) {
        let [then, other, merge] = [(); 3].map(|()| self.new_block());
        self.ins().brif(condition, then, &[], other, &[]);
        let types = self.arm(then, merge, None, true);
        if let Some(types) = &types {
            self.append_params(merge, types);
        }
        let others = self.arm(other, merge, types.as_deref(), types.is_some());
        if let (None, Some(types)) = (types, others) {
            self.append_params(merge, &types);
        }
        self.enter_with_params(merge);
    }

    /// Fills `arm`, which goes to `merge` with values of `types`, or of any types that it then gives. It goes elsewhere in some
    /// cases if it `can_leave`, and gives nothing.
    fn arm(
        &mut self,
        arm: Block,
        merge: Block,
        types: Option<&[Type]>,
        can_leave: bool,
    ) -> Option<Vec<Type>> {
        let mark = self.scope.mark();
        self.enter_with_params(arm);
        self.nested_region();
        if can_leave && self.random.chance(8) && self.leave() {
            self.scope.truncate(mark);
            return None;
        }
        let (args, types) = match types {
            None => self.outcome(mark),
            Some(types) => (self.values(types), types.to_vec()),
        };
        self.leave_scope(mark);
        self.ins().jump(merge, &args);
        Some(types)
    }

    /// Ends the block by leaving what it is nested in, if it can.
    fn leave(&mut self) -> bool {
        match self.random.below(8) {
            0 => {
                let code = self.trap_code();
                // Mostly as the end of a way that is seldom taken.
                if !self.random.chance(25) {
                    return false;
                }
                self.ins().trap(code);
                true
            }
            1..=4 if !self.loops.is_empty() => {
                let index = self.random.below(self.loops.len() as u32) as usize;
                let exit = self.loops[index].clone();
                self.loops[index].is_broken = true;
                let args = self.values(&exit.types);
                self.ins().jump(exit.block, &args);
                true
            }
            5 => self.tail_call(),
            _ => {
                let results = self.results();
                self.ins().return_(&results);
                true
            }
        }
    }

    /// A `br_table`, whose arms meet again.
    pub(super) fn switch(&mut self) {
        let entries = self.random.banded(&[
            (50, (0, 0)),
            (120, (1, 1)),
            (500, (2, 5)),
            (250, (5, 12)),
            (65, (12, 40)),
            (15, (300, 700)),
        ]);
        let index = self.table_index(entries);
        let merge = self.new_block();
        let types = self.param_types();
        self.append_params(merge, &types);
        let count = self.random.between(1, 4);
        let arms: Vec<(Block, Vec<Type>)> = (0..count)
            .map(|_| {
                let arm = self.new_block();
                let count = self.random.below(3);
                let types: Vec<Type> = (0..count).map(|_| self.any_type()).collect();
                self.append_params(arm, &types);
                (arm, types)
            })
            .collect();
        let mut targets: Vec<BlockCall> = Vec::new();
        for _ in 0..entries.min(40) + 1 {
            let (block, types) = match self.random.below(6) {
                0 => (merge, types.clone()),
                _ => {
                    let index = self.random.below(count) as usize;
                    arms[index].clone()
                }
            };
            let args = self.values(&types);
            let pool = &mut self.builder.func.dfg.value_lists;
            targets.push(BlockCall::new(block, args, pool));
        }
        // The entries of a long table are the same over and over.
        let repeated = (targets.len() as u32..entries + 1).map(|_| self.random.below(40) as usize);
        for index in repeated.collect::<Vec<_>>() {
            let again = targets[index].deep_clone(&mut self.builder.func.dfg.value_lists);
            targets.push(again);
        }
        let table = JumpTableData::new(targets[0], &targets[1..]);
        let table = self.builder.create_jump_table(table);
        self.ins().br_table(index, table);
        for (arm, _) in arms {
            self.arm(arm, merge, Some(&types), true);
        }
        // Should all arms leave, and no entry go there, nothing does.
        self.enter_with_params(merge);
    }

    /// An index that is mostly in a table of so many entries, or at its end.
    fn table_index(&mut self, entries: u32) -> Value {
        let index = self.index();
        let mask = entries.next_power_of_two() * 2 - 1;
        match self.random.below(10) {
            0 => index,
            1..=6 => {
                let mask = self.ins().iconst(Type::I32, mask.into());
                self.ins().band(index, mask)
            }
            _ => {
                let end = self.ins().iconst(Type::I32, i64::from(entries) + 1);
                self.ins().urem(index, end)
            }
        }
    }

    /// A loop that goes round a known number of times at most.
    pub(super) fn counted_loop(&mut self) {
        self.charge();
        let most = (self.budget.left() / 25).min(40) as u32;
        if most < 2 {
            self.any_instruction();
            return;
        }
        let rounds = self.random.between(1, most.min(4));
        let rounds = match self.random.below(6) {
            0 => self.random.between(rounds, most),
            _ => rounds,
        };
        let exit = self.new_block();
        let types = self.param_types();
        self.append_params(exit, &types);
        self.loops.push(LoopExit {
            block: exit,
            types,
            is_broken: false,
        });
        if self.random.chance(50) {
            self.loop_tested_first(rounds, exit);
        } else {
            self.loop_tested_last(rounds, exit);
        }
        self.loops.pop();
        self.enter_with_params(exit);
    }

    /// The types and first values that a loop has besides its counter.
    fn carried(&mut self) -> (Vec<Type>, Vec<Value>) {
        let mut types = self.param_types();
        if self.random.chance(30) {
            // Of the same type, so that they can change places.
            let ty = self.any_type();
            types.extend([ty; 3]);
        }
        let values = self.values(&types);
        (types, values)
    }

    /// The values of the next round: those of this one in another order, or new ones.
    fn next_round(&mut self, params: &[Value], types: &[Type]) -> Vec<Value> {
        if !self.random.chance(40) {
            return self.values(types);
        }
        let mut next = Vec::with_capacity(types.len());
        for &ty in types {
            let same: Vec<Value> = params
                .iter()
                .copied()
                .filter(|&param| self.type_of(param) == ty)
                .collect();
            next.push(self.random.pick(&same));
        }
        // A permutation in most cases: those of a type, each once.
        if self.random.chance(70) {
            next.copy_from_slice(params);
            for (index, &ty) in types.iter().enumerate() {
                let other = self.random.below(types.len() as u32) as usize;
                if types[other] == ty {
                    next.swap(index, other);
                }
            }
        }
        next
    }

    /// Counts up, and looks before each round whether there is one.
    fn loop_tested_first(&mut self, rounds: u32, exit: Block) {
        let counter_type = self.any_type();
        let (types, first) = self.carried();
        let (header, body) = (self.new_block(), self.new_block());
        let counter = self.builder.append_block_param(header, counter_type);
        self.append_params(header, &types);
        let bound = if self.random.chance(60) {
            self.number(counter_type, rounds.into())
        } else {
            self.bounded(counter_type, rounds)
        };
        let mut args = vec![self.number(counter_type, 0)];
        args.extend(first);
        self.ins().jump(header, &args);

        let mark = self.scope.mark();
        self.charge();
        self.budget.multiplier *= u64::from(rounds) + 1;
        self.enter(header);
        let params = self.builder.block_params(header)[1..].to_vec();
        self.scope.push_used(counter, counter_type);
        for &param in &params {
            self.push(param);
        }
        if self.random.chance(30) {
            self.any_instruction();
        }
        let cond = self
            .random
            .pick(&[IntCC::UnsignedLessThan, IntCC::SignedLessThan]);
        let is_last = self.random.chance(50);
        let cond = if is_last { cond.complement() } else { cond };
        let again = self.ins().icmp(cond, counter, bound);
        let exit_types = self.exit_types(exit);
        let leaving = self.values(&exit_types);
        if is_last {
            self.ins().brif(again, exit, &leaving, body, &[]);
        } else {
            self.ins().brif(again, body, &[], exit, &leaving);
        }
        self.enter(body);
        self.nested_region();
        let one = self.number(counter_type, 1);
        let mut args = vec![self.ins().iadd(counter, one)];
        args.extend(self.next_round(&params, &types));
        self.leave_scope(mark);
        self.ins().jump(header, &args);
        self.charge();
        self.budget.multiplier /= u64::from(rounds) + 1;
    }

    /// Counts down, and looks after each round whether there is another.
    fn loop_tested_last(&mut self, rounds: u32, exit: Block) {
        let counter_type = self.any_type();
        let (types, first) = self.carried();
        let body = self.new_block();
        let counter = self.builder.append_block_param(body, counter_type);
        self.append_params(body, &types);
        let start = if self.random.chance(60) {
            self.number(counter_type, rounds.into())
        } else {
            let bounded = self.bounded(counter_type, rounds);
            self.not_zero(bounded)
        };
        let mut args = vec![start];
        args.extend(first);
        self.ins().jump(body, &args);

        let mark = self.scope.mark();
        self.charge();
        self.budget.multiplier *= u64::from(rounds);
        self.enter(body);
        let params = self.builder.block_params(body)[1..].to_vec();
        self.scope.push_used(counter, counter_type);
        for &param in &params {
            self.push(param);
        }
        self.nested_region();
        let one = self.number(counter_type, 1);
        let next = self.ins().isub(counter, one);
        let mut args = vec![next];
        args.extend(self.next_round(&params, &types));
        let exit_types = self.exit_types(exit);
        let leaving = self.values(&exit_types);
        // What a loop that is left at one place computes is known behind it.
        let is_broken = self.loops.last().is_none_or(|exit| exit.is_broken);
        if is_broken || self.random.chance(70) {
            self.leave_scope(mark);
        }
        match self.random.below(3) {
            0 => {
                self.ins().brif(next, body, &args, exit, &leaving);
            }
            1 => {
                let zero = self.number(counter_type, 0);
                let is_last = self.ins().icmp(IntCC::Equal, next, zero);
                self.ins().brif(is_last, exit, &leaving, body, &args);
            }
            _ => {
                let zero = self.number(counter_type, 0);
                let again = self.ins().icmp(IntCC::NotEqual, next, zero);
                self.ins().brif(again, body, &args, exit, &leaving);
            }
        }
        self.charge();
        self.budget.multiplier /= u64::from(rounds);
    }

    fn exit_types(&self, exit: Block) -> Vec<Type> {
        let params = self.builder.block_params(exit);
        params
            .into_iter()
            .map(|param| self.type_of(param))
            .collect()
    }

    /// A value that is at most `most`.
    fn bounded(&mut self, ty: Type, most: u32) -> Value {
        let value = self.variable_value(ty);
        let mask = (1 << (most + 1).ilog2()) - 1;
        let mask = self.number(ty, mask);
        self.ins().band(value, mask)
    }

    /// A loop of two blocks, each of which can be the first.
    ///
    /// ```text
    ///        │
    ///   ┌────┴────┐
    ///   ▼         ▼
    ///  left ───► right     each counts down, and leaves at zero
    ///   │  ◄───── │
    ///   └────┬────┘
    ///        ▼
    /// ```
    pub(super) fn irreducible_loop(&mut self) {
        self.charge();
        let rounds = self.random.between(1, 6);
        if self.budget.left() < u64::from(rounds) * 12 {
            self.any_instruction();
            return;
        }
        let counter_type = self.any_type();
        let types = self.param_types();
        let [left, right, exit] = [(); 3].map(|()| self.new_block());
        for block in [left, right] {
            self.builder.append_block_param(block, counter_type);
            self.append_params(block, &types);
        }
        self.append_params(exit, &types);
        let bounded = self.bounded(counter_type, rounds);
        let mut args = vec![self.not_zero(bounded)];
        args.extend(self.values(&types));
        let condition = self.condition();
        self.ins().brif(condition, left, &args, right, &args);
        self.charge();
        self.budget.multiplier *= u64::from(rounds);
        for (block, other) in [(left, right), (right, left)] {
            let mark = self.scope.mark();
            self.enter(block);
            let params = self.builder.block_params(block);
            for &param in &params[1..] {
                self.push(param);
            }
            let count = self.random.below(4);
            self.depth += 1;
            self.region(count);
            self.depth -= 1;
            let one = self.number(counter_type, 1);
            let mut args = vec![self.ins().isub(params[0], one)];
            args.extend(self.next_round(&params[1..], &types));
            let leaving = self.values(&types);
            self.leave_scope(mark);
            self.ins().brif(args[0], other, &args, exit, &leaving);
        }
        self.charge();
        self.budget.multiplier /= u64::from(rounds);
        self.enter_with_params(exit);
    }

    /// Many values at the same time, and something between their definitions and their uses.
    pub(super) fn pressure(&mut self) {
        self.charge();
        let count = self
            .random
            .banded(&[(60, (8, 16)), (30, (16, 30)), (10, (30, 60))]);
        let count = count.min((self.budget.left() / 4) as u32);
        let mut values: Vec<Value> = Vec::new();
        for _ in 0..count {
            let ty = self.random.weighted(&[
                (10, Type::I8),
                (70, Type::I32),
                (15, Type::I64),
                (5, Type::I128),
            ]);
            let (x, y) = (self.variable_value(ty), self.value(ty));
            let value = match self.random.below(3) {
                0 => self.ins().iadd(x, y),
                1 => self.ins().bxor(x, y),
                _ => self.ins().isub(x, y),
            };
            self.scope.push_used(value, ty);
            values.push(value);
        }
        if self.depth < 3 {
            self.nested_region();
        }
        self.random.shuffle(&mut values);
        let mut sums: Vec<Value> = Vec::new();
        for value in values {
            let ty = self.type_of(value);
            match sums.iter().position(|&sum| self.type_of(sum) == ty) {
                Some(index) if self.random.chance(50) => {
                    sums[index] = self.ins().iadd(sums[index], value);
                }
                Some(index) => sums[index] = self.ins().bxor(value, sums[index]),
                None => sums.push(value),
            }
        }
        for sum in sums {
            self.push(sum);
        }
    }
}
