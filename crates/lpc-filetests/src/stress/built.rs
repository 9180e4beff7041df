//! Functions of any size that are made with [`FunctionBuilder`] and its variables, for the construction of SSA form.

use lpc_lpir::builder::{FunctionBuilder, FunctionBuilderContext, Variable};
use lpc_lpir::ir::{
    AbiParam, Block, BlockCall, CallConv, ExternalName, Function, IntCC, JumpTableData, Signature,
    Type, Value,
};

/// What a function has much of. Each function takes a number and gives one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Construction {
    /// Diamonds in a row. One variable is assigned in each of them, the others at the start, and all are used at the end.
    Diamonds,
    /// Loops in each other. The variable that counts the rounds is used and assigned in the innermost, the others behind all.
    NestedLoops,
    /// Loops in a row, whose headers are sealed when the function is complete.
    UnsealedLoops,
    /// Blocks that a table leads to, and which meet again.
    Switch,
    /// As many variables as are used across one loop.
    Variables,
}

/// Variables that are not assigned on the way.
const OTHERS: usize = 10;

impl Construction {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Diamonds,
        Self::NestedLoops,
        Self::UnsealedLoops,
        Self::Switch,
        Self::Variables,
    ];

    /// What its size counts.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Diamonds => "diamonds",
            Self::NestedLoops | Self::UnsealedLoops => "loops",
            Self::Switch => "blocks",
            Self::Variables => "variables",
        }
    }

    /// The size of the largest function that is built in tests and measured.
    pub fn largest_size(self) -> u32 {
        match self {
            Self::Diamonds => 33_000,
            Self::UnsealedLoops => 100_000,
            Self::Variables => 60_000,
            Self::NestedLoops | Self::Switch => 10_000,
        }
    }

    /// The function of about `size` [units](Self::unit).
    pub fn function(self, size: u32) -> Function {
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params.push(AbiParam::new(Type::I32));
        signature.returns.push(AbiParam::new(Type::I32));
        let mut func = Function::new(ExternalName::symbol("built"), signature);
        let mut context = FunctionBuilderContext::new();
        let mut construct = Construct::new(FunctionBuilder::new(&mut func, &mut context));
        match self {
            Self::Diamonds => construct.diamonds(size),
            Self::NestedLoops => construct.nested_loops(size),
            Self::UnsealedLoops => construct.unsealed_loops(size),
            Self::Switch => construct.switch(size),
            Self::Variables => construct.variables(size),
        }
        construct.finish();
        func
    }
}

/// A function under construction.
struct Construct<'a> {
    builder: FunctionBuilder<'a>,
    /// The variable that is assigned on the way.
    x: Variable,
    others: Vec<Variable>,
}

impl<'a> Construct<'a> {
    fn new(mut builder: FunctionBuilder<'a>) -> Self {
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        builder.seal_block(entry);
        let param = builder.block_params(entry)[0];
        let x = builder.declare_var(Type::I32);
        builder.def_var(x, param);
        let mut construct = Self {
            builder,
            x,
            others: Vec::new(),
        };
        construct.declare_others(OTHERS);
        construct
    }

    /// Declares more variables, each with a value of its own.
    fn declare_others(&mut self, count: usize) {
        for number in 0..count {
            let variable = self.builder.declare_var(Type::I32);
            let number = self.constant(number as i64);
            let x = self.builder.use_var(self.x);
            let value = self.builder.ins().bxor(x, number);
            self.builder.def_var(variable, value);
            self.others.push(variable);
        }
    }

    fn constant(&mut self, number: i64) -> Value {
        self.builder.ins().iconst(Type::I32, number)
    }

    /// Starts `block`, which no more branches lead to.
    fn start_sealed(&mut self, block: Block) {
        self.builder.switch_to_block(block);
        self.builder.seal_block(block);
    }

    /// `x = 3 x + number`; the new value.
    fn assign(&mut self, number: u32) -> Value {
        let three = self.constant(3);
        let x = self.builder.use_var(self.x);
        let product = self.builder.ins().imul(x, three);
        let number = self.constant(number.into());
        let sum = self.builder.ins().iadd(product, number);
        self.builder.def_var(self.x, sum);
        sum
    }

    /// Whether the lowest bit of `x` is set, as a number.
    fn is_odd(&mut self) -> Value {
        let one = self.constant(1);
        let x = self.builder.use_var(self.x);
        self.builder.ins().band(x, one)
    }

    fn diamonds(&mut self, size: u32) {
        for number in 0..size {
            let [left, right, join] = [(); 3].map(|()| self.builder.create_block());
            let is_odd = self.is_odd();
            self.builder.ins().brif(is_odd, left, &[], right, &[]);
            self.start_sealed(left);
            self.assign(number);
            self.builder.ins().jump(join, &[]);
            self.start_sealed(right);
            self.builder.ins().jump(join, &[]);
            self.start_sealed(join);
        }
    }

    /// Each loop is left when `x`, which each round of the innermost makes smaller, is not positive.
    fn nested_loops(&mut self, size: u32) {
        let headers: Vec<_> = (0..size).map(|_| self.builder.create_block()).collect();
        for &header in &headers {
            self.builder.ins().jump(header, &[]);
            self.builder.switch_to_block(header);
        }
        let ten = self.constant(10);
        let x = self.builder.use_var(self.x);
        let less = self.builder.ins().isub(x, ten);
        self.builder.def_var(self.x, less);
        for &header in headers.iter().rev() {
            let exit = self.builder.create_block();
            let zero = self.constant(0);
            let x = self.builder.use_var(self.x);
            let again = self.builder.ins().icmp(IntCC::SignedGreaterThan, x, zero);
            self.builder.ins().brif(again, header, &[], exit, &[]);
            self.builder.seal_block(header);
            self.start_sealed(exit);
        }
    }

    fn unsealed_loops(&mut self, size: u32) {
        for number in 0..size {
            let [header, exit] = [(); 2].map(|()| self.builder.create_block());
            self.builder.ins().jump(header, &[]);
            self.builder.switch_to_block(header);
            self.assign(number | 1);
            let is_odd = self.is_odd();
            self.builder.ins().brif(is_odd, header, &[], exit, &[]);
            self.builder.switch_to_block(exit);
        }
        self.builder.seal_all_blocks();
    }

    fn switch(&mut self, size: u32) {
        let cases: Vec<_> = (0..size).map(|_| self.builder.create_block()).collect();
        let join = self.builder.create_block();
        let x = self.builder.use_var(self.x);
        let pool = &mut self.builder.func.dfg.value_lists;
        let mut call = |block| BlockCall::new(block, [], pool);
        let targets: Vec<_> = cases.iter().map(|&case| call(case)).collect();
        let default = call(join);
        let table = JumpTableData::new(default, &targets);
        let table = self.builder.create_jump_table(table);
        self.builder.ins().br_table(x, table);
        for (number, &case) in (0..).zip(&cases) {
            self.start_sealed(case);
            self.assign(number);
            self.builder.ins().jump(join, &[]);
        }
        self.start_sealed(join);
    }

    fn variables(&mut self, size: u32) {
        self.declare_others(size as usize);
        self.unsealed_loops(1);
    }

    /// Returns the sum of all variables.
    fn finish(mut self) {
        let mut sum = self.builder.use_var(self.x);
        for variable in self.others {
            let value = self.builder.use_var(variable);
            sum = self.builder.ins().iadd(sum, value);
        }
        self.builder.ins().return_(&[sum]);
        self.builder.finalize();
    }
}
