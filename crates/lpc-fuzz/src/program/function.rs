//! Generating a function: what is known while that goes on, its values, its start and its end.
//!
//! A function is generated from top to bottom by the public [`FunctionBuilder`], with blocks nested as the statements of a
//! language: each part of it starts and ends in a block that is being filled, and the values of [`Scope`] are those that
//! dominate it. What a function may cost is known while it is generated: an instruction in loops counts as often as they go
//! round, and a call as much as its callee.

use super::memory::Region;
use super::numbers;
use super::plan::{Callee, Plan};
use super::profile::{Profile, Statement};
use super::random::Random;
use super::recursion::Recursion;
use super::scope::{INTS, Mark, Scope};
use super::shape::LoopExit;
use lpc_lpir::builder::{FunctionBuilder, FunctionBuilderContext, InstBuilder, Variable};
use lpc_lpir::ir::{
    Block, CallConv, FuncRef, Function, GlobalValue, SigRef, SourceLoc, Type, Value,
};

/// The most parts that are nested in each other.
const MAX_DEPTH: u32 = 5;

/// A function, and how many instructions a call of it executes at most, roughly.
pub(super) struct Generated {
    pub(super) function: Function,
    pub(super) cost: u64,
}

/// What is known while a function is generated.
pub(super) struct FunctionGenerator<'a> {
    pub(super) random: &'a mut Random,
    pub(super) profile: &'a Profile,
    pub(super) plan: &'a Plan,
    /// The function itself.
    pub(super) own: &'a Callee,
    /// How it calls itself, if it does.
    pub(super) recursion: Option<Recursion>,
    /// Whether its instructions have source locations.
    is_located: bool,
    pub(super) builder: FunctionBuilder<'a>,
    pub(super) scope: Scope,
    pub(super) variables: Vec<(Variable, Type)>,
    /// The memory that may be accessed.
    pub(super) regions: Vec<Region>,
    /// The functions of the plan and then the function itself, as far as they are declared.
    pub(super) func_refs: Vec<Option<(FuncRef, SigRef)>>,
    /// The data of the plan, as far as they are declared, without an offset.
    pub(super) data: Vec<Option<GlobalValue>>,
    /// Where the loops that the current block is in can be left to, the innermost last.
    pub(super) loops: Vec<LoopExit>,
    /// Blocks that are in the layout, behind which others can be put.
    pub(super) placed: Vec<Block>,
    pub(super) budget: Budget,
    pub(super) depth: u32,
}

/// What a function may still contain and execute.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    /// The statements that are left.
    pub(super) statements: u32,
    /// How often the current block is executed in a call of the function, at most.
    pub(super) multiplier: u64,
    /// The instructions that a call executes at most, as far as the function is generated, up to `charged`.
    pub(super) executed: u64,
    /// The most instructions that it may execute.
    limit: u64,
    /// How many instructions of the function are counted in `executed`.
    charged: usize,
}

impl Budget {
    /// How many instructions may be executed in addition by each execution of the current block.
    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.executed) / self.multiplier
    }
}

/// Generates the function `name`, which may call what `plan` has.
pub(super) fn generate_function(
    random: &mut Random,
    profile: &Profile,
    plan: &Plan,
    own: &Callee,
) -> Generated {
    let mut function = Function::new(own.name.clone(), own.signature.clone());
    let mut context = FunctionBuilderContext::new();
    let recursion = Recursion::of(random, profile, own);
    let budget = Budget {
        statements: random.banded(profile.statements),
        multiplier: 1,
        executed: 0,
        limit: u64::from(random.banded(profile.executed)) / recursion.map_or(1, Recursion::calls),
        charged: 0,
    };
    let is_located = random.chance(profile.located_percent);
    let mut generator = FunctionGenerator {
        random,
        profile,
        plan,
        own,
        recursion,
        is_located,
        builder: FunctionBuilder::new(&mut function, &mut context),
        scope: Scope::default(),
        variables: Vec::new(),
        regions: Vec::new(),
        func_refs: vec![None; plan.callees.len() + 1],
        data: vec![None; plan.data.len()],
        loops: Vec::new(),
        placed: Vec::new(),
        budget,
        depth: 0,
    };
    generator.start();
    generator.region(u32::MAX);
    generator.end();
    generator.charge();
    let cost = generator.budget.executed * recursion.map_or(1, Recursion::calls);
    generator.builder.seal_all_blocks();
    generator.builder.finalize();
    Generated { function, cost }
}

impl FunctionGenerator<'_> {
    /// The entry block, with all that the body can rely on.
    fn start(&mut self) {
        let entry = self.builder.create_block();
        self.builder.append_block_params_for_function_params(entry);
        self.builder.switch_to_block(entry);
        let params = self.builder.block_params(entry);
        let pointer = self.own.pointer;
        for (index, &value) in params.iter().enumerate() {
            if pointer.is_none_or(|pointer| pointer.index != index) {
                self.push(value);
            }
        }
        if let Some(pointer) = pointer {
            self.declare_pointer(params[pointer.index], pointer);
        }
        self.declare_memory();
        self.declare_stack_limit();
        for _ in 0..self.random.banded(self.profile.variables) {
            let ty = self.any_type();
            let variable = self.builder.declare_var(ty);
            self.variables.push((variable, ty));
            if self.random.chance(80) {
                let value = self.value(ty);
                self.builder.def_var(variable, value);
            }
        }
        // Others can be put behind it before it has any instruction.
        if self.builder.func.entry_block().is_none() {
            self.builder.func.layout.append_block(entry);
        }
        self.placed.push(entry);
    }

    /// Statements, up to `count` of them.
    pub(super) fn region(&mut self, count: u32) {
        for _ in 0..count {
            if self.budget.statements == 0 {
                return;
            }
            self.budget.statements -= 1;
            if self.is_located {
                let line = self.random.below(1_000);
                self.builder.set_srcloc(SourceLoc::new(line));
            }
            self.statement();
            self.charge();
        }
    }

    /// A few statements for a nested part.
    pub(super) fn nested_region(&mut self) {
        // Large functions have large parts, so that branches go far.
        let most = match self.budget.statements {
            statements @ 200.. => statements / 2,
            statements => (statements / 2).min(8),
        };
        let count = self.random.between(0, most);
        self.depth += 1;
        self.region(count);
        self.depth -= 1;
    }

    fn statement(&mut self) {
        let is_nestable = self.depth < MAX_DEPTH && self.budget.statements > 0;
        match self.random.weighted(self.profile.statement) {
            Statement::Idiom => self.idiom(),
            Statement::Memory => self.memory_access(),
            Statement::Atomic => self.atomic_access(),
            Statement::Call => self.call(),
            Statement::Trap => self.conditional_trap(),
            Statement::Variable if !self.variables.is_empty() => self.variable_access(),
            Statement::Oddity => self.oddity(),
            Statement::If if is_nestable => self.if_else(),
            Statement::Switch if is_nestable => self.switch(),
            Statement::Loop if is_nestable => self.counted_loop(),
            Statement::Irreducible if is_nestable => self.irreducible_loop(),
            Statement::Pressure => self.pressure(),
            _ => self.any_instruction(),
        }
    }

    fn variable_access(&mut self) {
        let (variable, ty) = self.random.pick(&self.variables);
        if self.random.chance(50) {
            let value = self.value(ty);
            self.builder.def_var(variable, value);
        } else {
            let value = self.builder.use_var(variable);
            self.scope.push(value, ty);
        }
    }

    /// Counts what was generated since the last call, before the number of its executions changes.
    pub(super) fn charge(&mut self) {
        let insts = self.builder.func.dfg.num_insts();
        let new = (insts - self.budget.charged) as u64;
        self.budget.executed += new * self.budget.multiplier;
        self.budget.charged = insts;
    }

    pub(super) fn ins(&mut self) -> InstBuilder<'_> {
        self.builder.ins()
    }

    pub(super) fn type_of(&self, value: Value) -> Type {
        self.builder.func.dfg.value_type(value)
    }

    /// Makes `value` available to what follows.
    pub(super) fn push(&mut self, value: Value) {
        let ty = self.type_of(value);
        self.scope.push(value, ty);
    }
}

/// Values.
impl FunctionGenerator<'_> {
    /// Any integer type, mostly those that programs mostly have.
    pub(super) fn any_type(&mut self) -> Type {
        any_type(self.random)
    }

    /// An operand of type `ty`.
    pub(super) fn value(&mut self, ty: Type) -> Value {
        if self.random.chance(self.profile.constant_percent) {
            self.constant(ty)
        } else {
            self.variable_value(ty)
        }
    }

    /// An operand of type `ty` that is no constant, if that is possible.
    pub(super) fn variable_value(&mut self, ty: Type) -> Value {
        if let Some(value) = self.scope.pick(self.random, ty) {
            return value;
        }
        let Some(other) = self.scope.some_type(self.random) else {
            return self.constant(ty);
        };
        let other = self.scope.pick(self.random, other);
        let other = other.expect("there is a value of this type");
        let value = if self.type_of(other).bits() > ty.bits() && self.random.chance(70) {
            self.ins().ireduce(ty, other)
        } else {
            self.converted(other, ty)
        };
        self.scope.push_used(value, ty);
        value
    }

    /// `value` as another type. All of its bits say something about the result.
    pub(super) fn converted(&mut self, value: Value, ty: Type) -> Value {
        let mut value = value;
        while self.type_of(value).bits() > ty.bits() {
            let (low, high) = self.ins().isplit(value);
            value = match self.random.below(3) {
                0 => self.ins().iadd(low, high),
                1 => self.ins().isub(low, high),
                _ => self.ins().bxor(low, high),
            };
        }
        if self.type_of(value) == ty {
            return value;
        }
        match self.random.below(2) {
            0 => self.ins().uextend(ty, value),
            _ => self.ins().sextend(ty, value),
        }
    }

    /// A constant of type `ty`.
    pub(super) fn constant(&mut self, ty: Type) -> Value {
        let number = numbers::number(self.random, ty);
        let value = self.number(ty, number);
        if self.random.chance(30) {
            self.scope.push_used(value, ty);
        }
        value
    }

    /// The constant `number` of type `ty`.
    pub(super) fn number(&mut self, ty: Type, number: u128) -> Value {
        let low = number as u64 as i64;
        if ty != Type::I128 {
            let shift = 64 - ty.bits();
            return self.ins().iconst(ty, low << shift >> shift);
        }
        let high = (number >> 64) as u64 as i64;
        let low = self.ins().iconst(Type::I64, low);
        match high {
            0 if self.random.chance(50) => self.ins().uextend(ty, low),
            -1 if number as i128 >= i64::MIN.into() && self.random.chance(50) => {
                self.sign_extended_constant(low, number)
            }
            _ => {
                let high = self.ins().iconst(Type::I64, high);
                self.ins().iconcat(low, high)
            }
        }
    }

    /// The number whose low half is `low`, and whose high half is all ones.
    fn sign_extended_constant(&mut self, low: Value, number: u128) -> Value {
        if (number as u64 as i64) < 0 {
            return self.ins().sextend(Type::I128, low);
        }
        let high = self.ins().iconst(Type::I64, -1);
        self.ins().iconcat(low, high)
    }
}

/// Any integer type, mostly those that programs mostly have.
pub(super) fn any_type(random: &mut Random) -> Type {
    random.weighted(&[
        (18, Type::I8),
        (12, Type::I16),
        (38, Type::I32),
        (20, Type::I64),
        (12, Type::I128),
    ])
}

/// A type of `types`, mostly those that programs mostly have.
pub(super) fn type_among(random: &mut Random, is_allowed: impl Fn(Type) -> bool) -> Option<Type> {
    for _ in 0..3 {
        let ty = any_type(random);
        if is_allowed(ty) {
            return Some(ty);
        }
    }
    let allowed: Vec<Type> = INTS.into_iter().filter(|&ty| is_allowed(ty)).collect();
    (!allowed.is_empty()).then(|| random.pick(&allowed))
}

/// The end of parts, where the values that are left over go.
impl FunctionGenerator<'_> {
    /// Makes much of what was computed since `mark` and is not used part of what the program computes, and forgets all of it.
    pub(super) fn leave_scope(&mut self, mark: Mark) {
        for (value, ty) in self.scope.take_unused(mark) {
            if self.random.chance(self.profile.kept_percent) {
                self.keep(value, ty);
            }
        }
        self.scope.truncate(mark);
    }

    /// Puts `value` into a variable or into memory, if there is one.
    fn keep(&mut self, value: Value, ty: Type) {
        let variable = self.variables.iter().find(|(_, other)| *other == ty);
        if let Some(&(variable, _)) = variable {
            let old = self.builder.use_var(variable);
            let new = self.mixed(old, value);
            self.builder.def_var(variable, new);
        } else {
            self.store_somewhere(value);
        }
    }

    /// A number that depends on both.
    fn mixed(&mut self, x: Value, y: Value) -> Value {
        match self.random.below(3) {
            0 => self.ins().iadd(x, y),
            1 => self.ins().isub(x, y),
            _ => self.ins().bxor(x, y),
        }
    }

    /// Returns, or calls another function in place of that.
    fn end(&mut self) {
        if let Some(recursion) = self.recursion {
            self.recur(recursion);
        }
        let can_call = self.random.chance(40) && self.tail_call();
        if !can_call {
            let results = self.final_results();
            self.ins().return_(&results);
        }
    }

    /// Results that depend on all that is left over.
    fn final_results(&mut self) -> Vec<Value> {
        for (variable, ty) in self.variables.clone() {
            let value = self.builder.use_var(variable);
            self.scope.push(value, ty);
        }
        let mut results = self.results();
        for (value, ty) in self.scope.take_unused(Scope::default().mark()) {
            if !self.random.chance(self.profile.kept_percent) {
                continue;
            }
            let wide_enough: Vec<usize> = (0..results.len())
                .filter(|&index| self.type_of(results[index]).bits() >= ty.bits())
                .collect();
            let index = match (wide_enough.as_slice(), results.len() as u32) {
                ([], 0) => {
                    self.store_somewhere(value);
                    continue;
                }
                ([], len) => self.random.below(len) as usize,
                (wide_enough, _) => self.random.pick(wide_enough),
            };
            let converted = self.converted(value, self.type_of(results[index]));
            results[index] = self.mixed(results[index], converted);
        }
        results
    }

    /// Values to return.
    pub(super) fn results(&mut self) -> Vec<Value> {
        let returns = &self.builder.func.signature.returns;
        let types: Vec<Type> = returns.iter().map(|result| result.value_type).collect();
        types
            .into_iter()
            .map(|ty| self.variable_value(ty))
            .collect()
    }

    pub(super) fn call_conv(&self) -> CallConv {
        self.builder.func.signature.call_conv
    }
}
