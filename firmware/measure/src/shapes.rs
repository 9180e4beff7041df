//! Functions of any size, the same with every builder.
//!
//! Half of the instructions are arithmetic on two values, the rest takes constants, compares or accesses memory. An instruction takes the
//! value that has been waiting the longest, and another one, so that nothing is computed for nobody. As many values as fit in registers
//! wait at any place.

/// What functions are built with: the builder of a compiler, for a function of an address and two numbers of 32 bits.
pub trait Builder {
    /// A value.
    type Value: Copy;
    /// A block.
    type Block: Copy;
    /// A variable that can be assigned again.
    type Variable: Copy;

    /// The two numbers that the function is called with.
    fn numbers(&mut self) -> [Self::Value; 2];
    /// A constant.
    fn constant(&mut self, number: i32) -> Self::Value;
    /// `operation` of two values.
    fn binary(&mut self, operation: Operation, a: Self::Value, b: Self::Value) -> Self::Value;
    /// The condition that `a < b`, with signs.
    fn is_less(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `a` if `condition` is not zero, else `b`.
    fn select(&mut self, condition: Self::Value, a: Self::Value, b: Self::Value) -> Self::Value;
    /// The number so many bytes behind the address that the function is called with.
    fn load(&mut self, offset: i32) -> Self::Value;
    /// Writes `value` there.
    fn store(&mut self, value: Self::Value, offset: i32);
    /// The result of calling a function of two numbers.
    fn call(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// A variable of 32 bits.
    fn declare(&mut self) -> Self::Variable;
    /// Assigns to `variable`.
    fn define(&mut self, variable: Self::Variable, value: Self::Value);
    /// What was assigned to `variable`.
    fn read(&mut self, variable: Self::Variable) -> Self::Value;
    /// A new block.
    fn block(&mut self) -> Self::Block;
    /// Goes on in `block`.
    fn switch_to(&mut self, block: Self::Block);
    /// No other branch goes to `block`.
    fn seal(&mut self, block: Self::Block);
    /// Goes to `block`.
    fn jump(&mut self, block: Self::Block);
    /// Goes to `then` if `condition` is not zero, else to `otherwise`.
    fn branch(&mut self, condition: Self::Value, then: Self::Block, otherwise: Self::Block);
    /// Returns `value`.
    fn finish(&mut self, value: Self::Value);
}

/// Arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// `iadd`.
    Add,
    /// `isub`.
    Sub,
    /// `imul`.
    Mul,
    /// `band`.
    And,
    /// `bor`.
    Or,
    /// `bxor`.
    Xor,
    /// `ishl`.
    ShiftLeft,
    /// `ushr`.
    ShiftRight,
}

/// What a function consists of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// One block.
    Straight,
    /// Loops with a branch in each, which carry variables around.
    Loops,
    /// One block with a call every seven instructions.
    Calls,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Straight, Self::Loops, Self::Calls];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Straight => "straight-line",
            Self::Loops => "loops",
            Self::Calls => "calls",
        }
    }

    /// Builds a function of about `size` instructions, not counting constants.
    pub fn build<B: Builder>(self, size: u32, builder: &mut B) {
        let numbers = builder.numbers();
        let mut generator = Generator {
            waiting: core::array::from_fn(|index| numbers[index % 2]),
            next: 0,
            random: 0x9e37_79b9,
            num_insts: 0,
            builder,
        };
        // Those that fold what waits.
        let budget = size.saturating_sub(WAITING as u32);
        match self {
            Self::Straight => generator.stretch(budget),
            Self::Loops => generator.loops(budget),
            Self::Calls => generator.calls(budget),
        }
        generator.finish();
    }
}

/// How many values wait to be read.
const WAITING: usize = 8;

/// The instructions of a stretch between branches or calls.
const STRETCH: u32 = 6;

struct Generator<'a, B: Builder> {
    /// A ring of values that have not been read, the oldest at `next`.
    waiting: [B::Value; WAITING],
    next: usize,
    random: u32,
    num_insts: u32,
    builder: &'a mut B,
}

impl<B: Builder> Generator<'_, B> {
    fn stretch(&mut self, budget: u32) {
        while self.num_insts < budget {
            self.instruction();
        }
    }

    /// Loops one after the other: two variables go around with the counter, and one of them is assigned in a branch.
    fn loops(&mut self, budget: u32) {
        let counter = self.builder.declare();
        let sum = self.builder.declare();
        let product = self.builder.declare();
        let start = self.any();
        self.builder.define(sum, start);
        self.builder.define(product, start);
        while self.num_insts < budget {
            let rounds = self.builder.constant(10);
            self.builder.define(counter, rounds);
            let body = self.builder.block();
            let unlikely = self.builder.block();
            let join = self.builder.block();
            let exit = self.builder.block();
            self.builder.jump(body);

            self.builder.switch_to(body);
            self.stretch(self.num_insts + STRETCH);
            let (a, b) = (self.builder.read(sum), self.any());
            let is_less = self.builder.is_less(a, b);
            self.builder.branch(is_less, unlikely, join);
            self.builder.seal(unlikely);

            self.builder.switch_to(unlikely);
            let (a, b) = (self.builder.read(product), self.any());
            let new_product = self.builder.binary(Operation::Mul, a, b);
            self.builder.define(product, new_product);
            self.builder.jump(join);
            self.builder.seal(join);

            self.builder.switch_to(join);
            self.stretch(self.num_insts + STRETCH);
            let (a, b) = (self.builder.read(sum), self.builder.read(product));
            let new_sum = self.builder.binary(Operation::Add, a, b);
            self.builder.define(sum, new_sum);
            let (rounds, minus_one) = (self.builder.read(counter), self.builder.constant(-1));
            let rounds = self.builder.binary(Operation::Add, rounds, minus_one);
            self.builder.define(counter, rounds);
            self.builder.branch(rounds, body, exit);
            self.builder.seal(body);
            self.builder.seal(exit);

            self.builder.switch_to(exit);
            // Beside the stretches: two jumps, two branches, one of them with its comparison, the arithmetic on variables, the
            // number of rounds, and a jump on each of two edges that must be split.
            self.num_insts += 10;
        }
        let (a, b) = (self.take(), self.builder.read(sum));
        let result = self.builder.binary(Operation::Xor, a, b);
        self.put(result);
    }

    fn calls(&mut self, budget: u32) {
        while self.num_insts < budget {
            self.stretch(self.num_insts + STRETCH);
            let [a, b] = [self.take(), self.any()];
            let result = self.builder.call(a, b);
            self.put(result);
            self.num_insts += 1;
        }
    }

    /// One instruction, or a comparison with what it chooses, or two memory accesses.
    fn instruction(&mut self) {
        /// What is done with the oldest value, and another one or a constant.
        const OPERATIONS: [Operation; 13] = [
            Operation::Add,
            Operation::Sub,
            Operation::And,
            Operation::Xor,
            Operation::Add,
            Operation::Sub,
            Operation::And,
            Operation::Xor,
            Operation::Mul,
            Operation::ShiftRight,
            Operation::ShiftLeft,
            Operation::Or,
            Operation::Add,
        ];
        let random = self.random();
        let choice = (random % 16) as usize;
        let offset = (random >> 8) as i32 % 64 * 4;
        let result = match choice {
            15 => {
                let loaded = self.builder.load(offset);
                let a = self.take();
                self.builder.binary(Operation::Add, a, loaded)
            }
            14 => {
                // What is stored is read by that.
                let value = self.take();
                self.builder.store(value, offset);
                self.builder.load(offset ^ 4)
            }
            _ => {
                let a = self.take();
                let b = match choice {
                    9 | 10 => self.builder.constant(offset % 31 + 1),
                    11 | 12 => self.builder.constant(offset + 1),
                    _ => self.any(),
                };
                match OPERATIONS.get(choice) {
                    Some(&operation) => self.builder.binary(operation, a, b),
                    None => {
                        let is_less = self.builder.is_less(a, b);
                        self.builder.select(is_less, b, a)
                    }
                }
            }
        };
        self.put(result);
        self.num_insts += 1 + u32::from(choice >= OPERATIONS.len());
    }

    /// Folds what waits and returns it.
    fn finish(&mut self) {
        let mut folded = self.take();
        for distance in 1..WAITING {
            let value = self.waiting[(self.next + distance - 1) % WAITING];
            folded = self.builder.binary(Operation::Xor, folded, value);
        }
        self.builder.finish(folded);
    }

    /// The oldest value; [`Self::put`] takes its place.
    fn take(&mut self) -> B::Value {
        let value = self.waiting[self.next];
        self.next = (self.next + 1) % WAITING;
        value
    }

    /// A value that waits on.
    fn any(&mut self) -> B::Value {
        let index = self.random() as usize % (WAITING - 1);
        self.waiting[(self.next + index) % WAITING]
    }

    /// Makes `value` the youngest one.
    fn put(&mut self, value: B::Value) {
        self.waiting[(self.next + WAITING - 1) % WAITING] = value;
    }

    /// The next number of a xorshift generator (Marsaglia, 2003).
    fn random(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random
    }
}
