//! Generated functions of any size.
//!
//! They do what compiled functions do, in a mixture like theirs: arithmetic, memory accesses, comparisons, and between stretches of
//! those, depending on the [`Shape`], branches that join again, loops that carry values around, and calls. Blocks have about
//! ten instructions, and nest four deep at most. An instruction reads values that are young, and rather those that nobody has read
//! yet, so that few are computed for nothing. No more than [`WINDOW`] can be read at any place: live ranges stay bounded however large
//! the function is.
//!
//! The same shape, size and seed give the same text.

use fastrand::Rng;
use std::fmt::Write as _;

/// How many values can be read at one place.
const WINDOW: usize = 12;

const MAX_DEPTH: u32 = 4;

/// The instructions without branches and calls between two choices of what comes next.
const STRETCH: std::ops::Range<usize> = 4..14;

/// What a generated function consists of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// One block.
    Straight,
    /// Branches and loops.
    Branches,
    /// One block with a call every ten instructions or so.
    Calls,
    /// Mostly branches and loops, some calls.
    Mixed,
    /// As [`Self::Mixed`], with numbers of 64 bits.
    MixedI64,
}

impl Shape {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [
        Self::Straight,
        Self::Branches,
        Self::Calls,
        Self::Mixed,
        Self::MixedI64,
    ];

    /// Its name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Straight => "straight-line",
            Self::Branches => "branches and loops",
            Self::Calls => "calls",
            Self::Mixed => "mixed",
            Self::MixedI64 => "mixed, i64",
        }
    }

    /// The type of its numbers. Addresses are words.
    fn ty(self) -> &'static str {
        match self {
            Self::MixedI64 => "i64",
            _ => "i32",
        }
    }

    /// Of a hundred choices, how many are for something with branches, and how many for a call.
    fn shares(self) -> (u32, u32) {
        match self {
            Self::Straight => (0, 0),
            Self::Branches => (80, 0),
            Self::Calls => (0, 100),
            Self::Mixed | Self::MixedI64 => (65, 15),
        }
    }
}

/// A function of about `num_insts` instructions, as text.
pub(super) fn generate(shape: Shape, num_insts: usize, seed: u64) -> String {
    let ty = shape.ty();
    let mut generator = Generator {
        shape,
        rng: Rng::with_seed(seed),
        text: format!(
            "function %generated(i32, {ty}, {ty}, {ty}) -> {ty} {{\n    \
             fn0 = %callee({ty}, {ty}) -> {ty}\n\n\
             block0(v0: i32, v1: {ty}, v2: {ty}, v3: {ty}):\n"
        ),
        live: vec![1, 2, 3],
        is_read: vec![false; 4],
        num_values: 4,
        num_blocks: 1,
        num_insts: 0,
    };
    // The last three instructions fold what is left and return it.
    let budget = num_insts.saturating_sub(3);
    while generator.num_insts < budget {
        generator.piece(0, budget);
    }
    let folded = generator.binary("bxor");
    generator.live.push(folded);
    let folded = generator.binary("iadd");
    generator.effect(&format!("return v{folded}"));
    generator.text.push_str("}\n");
    generator.text
}

struct Generator {
    shape: Shape,
    rng: Rng,
    text: String,
    /// The values that can be read here, the youngest last.
    live: Vec<usize>,
    /// Of each value, whether it has been read.
    is_read: Vec<bool>,
    num_values: usize,
    num_blocks: usize,
    num_insts: usize,
}

impl Generator {
    /// A stretch, and perhaps something with branches or a call behind it. `budget` is when to stop.
    fn piece(&mut self, depth: u32, budget: usize) {
        let stretch = self.rng.usize(STRETCH);
        for _ in 0..stretch {
            if self.num_insts >= budget {
                return;
            }
            self.operation();
        }
        let (branches, calls) = self.shape.shares();
        match self.rng.u32(0..100) {
            choice if choice < branches && depth < MAX_DEPTH => match self.rng.u32(0..3) {
                0 => self.counted_loop(depth, budget),
                _ => self.diamond(depth, budget),
            },
            choice if (branches..branches + calls).contains(&choice) => {
                let [a, b] = [self.pick(), self.pick()];
                self.define(&format!("call fn0(v{a}, v{b})"));
            }
            _ => {}
        }
    }

    /// One instruction that computes something, or two.
    fn operation(&mut self) {
        let ty = self.shape.ty();
        match self.rng.u32(0..100) {
            0..20 => self.define_binary("iadd"),
            20..27 => self.define_binary("isub"),
            27..34 => self.define_binary("band"),
            34..39 => self.define_binary("bor"),
            39..46 => self.define_binary("bxor"),
            46..51 => self.define_binary("imul"),
            51..60 => {
                let op = ["ishl", "ushr", "sshr"][self.rng.usize(0..3)];
                self.with_constant(op, 1..31);
            }
            60..70 => {
                let op = ["iadd", "band"][self.rng.usize(0..2)];
                self.with_constant(op, -1000..1000);
            }
            70..73 => self.with_constant("bxor", i32::MIN..i32::MAX),
            73..78 => {
                let condition = self.comparison();
                let [a, b] = [self.pick(), self.pick()];
                self.define(&format!("select v{condition}, v{a}, v{b}"));
            }
            78..91 => {
                let address = self.address();
                let load = format!("load.{ty} notrap aligned {address}");
                self.define(&load);
            }
            _ => {
                let [value, address] = [format!("v{}", self.pick()), self.address()];
                self.effect(&format!("store notrap aligned {value}, {address}"));
            }
        }
    }

    /// A branch to one of two arms, which join again with two values.
    fn diamond(&mut self, depth: u32, budget: usize) {
        let [then, otherwise, join] = [0; 3].map(|_| self.new_block());
        let condition = self.comparison();
        self.effect(&format!("brif v{condition}, block{then}, block{otherwise}"));
        let before = self.live.clone();
        for arm in [then, otherwise] {
            self.live.clone_from(&before);
            self.start_block(arm, &[]);
            self.piece(depth + 1, budget);
            let [a, b] = [self.pick(), self.pick()];
            self.effect(&format!("jump block{join}(v{a}, v{b})"));
        }
        self.live = before;
        let params = [self.new_value(), self.new_value()];
        self.start_block(join, &params);
        params.into_iter().for_each(|param| self.make_live(param));
    }

    /// A loop with a counter and two values that it carries around.
    fn counted_loop(&mut self, depth: u32, budget: usize) {
        let ty = self.shape.ty();
        let [body, exit] = [0; 2].map(|_| self.new_block());
        let count = self.rng.u32(2..100);
        let count = self.value(&format!("iconst.{ty} {count}"));
        let [a, b] = [self.pick(), self.pick()];
        self.effect(&format!("jump block{body}(v{count}, v{a}, v{b})"));
        let before = self.live.clone();
        let params = [0; 3].map(|_| self.new_value());
        self.start_block(body, &params);
        let [counter, carried @ ..] = params;
        carried.into_iter().for_each(|param| self.make_live(param));
        self.piece(depth + 1, budget);
        let one = self.value(&format!("iconst.{ty} -1"));
        let next = self.value(&format!("iadd v{counter}, v{one}"));
        let [a, b] = [self.pick(), self.pick()];
        self.effect(&format!(
            "brif v{next}, block{body}(v{next}, v{a}, v{b}), block{exit}"
        ));
        self.start_block(exit, &[]);
        self.live = before;
        [a, b].into_iter().for_each(|value| self.make_live(value));
    }

    fn comparison(&mut self) -> usize {
        let condition = ["eq", "ne", "slt", "ult", "sge", "ugt"][self.rng.usize(0..6)];
        let [a, b] = [self.pick(), self.pick()];
        self.value(&format!("icmp {condition} v{a}, v{b}"))
    }

    /// The address of a word near the first parameter, or of an element of the array there.
    fn address(&mut self) -> String {
        let offset = self.rng.u32(0..64) * 8;
        if self.shape == Shape::MixedI64 || self.rng.u32(0..3) > 0 {
            return format!("v0+{offset}");
        }
        let index = self.pick();
        let address = self.value(&format!("iadd v0, v{index}"));
        format!("v{address}+{offset}")
    }

    fn with_constant(&mut self, op: &str, range: std::ops::Range<i32>) {
        let number = self.rng.i32(range);
        let constant = self.value(&format!("iconst.{} {number}", self.shape.ty()));
        let operand = self.pick();
        self.define(&format!("{op} v{operand}, v{constant}"));
    }

    fn define_binary(&mut self, op: &str) {
        let value = self.binary(op);
        self.make_live(value);
    }

    fn binary(&mut self, op: &str) -> usize {
        let [a, b] = [self.pick(), self.pick()];
        self.value(&format!("{op} v{a}, v{b}"))
    }

    /// An instruction whose result will be read.
    fn define(&mut self, inst: &str) {
        let value = self.value(inst);
        self.make_live(value);
    }

    /// An instruction with a result.
    fn value(&mut self, inst: &str) -> usize {
        let value = self.new_value();
        self.effect(&format!("v{value} = {inst}"));
        value
    }

    fn effect(&mut self, inst: &str) {
        writeln!(self.text, "    {inst}").expect("a string takes everything");
        self.num_insts += 1;
    }

    /// A value to read: mostly one that nobody has read yet, else rather a young one.
    fn pick(&mut self) -> usize {
        let unread = self.live.iter().position(|&value| !self.is_read[value]);
        let position = match unread {
            Some(unread) if self.rng.u32(0..100) < 70 => unread,
            _ => {
                let len = self.live.len();
                self.rng.usize(0..len).max(self.rng.usize(0..len))
            }
        };
        let value = self.live[position];
        self.is_read[value] = true;
        value
    }

    /// Makes `value` one that can be read from here on. Where there are too many, one that has been read no longer can be.
    fn make_live(&mut self, value: usize) {
        if self.live.len() == WINDOW {
            let read = self.live.iter().position(|&value| self.is_read[value]);
            self.live.remove(read.unwrap_or(0));
        }
        self.live.push(value);
    }

    fn new_value(&mut self) -> usize {
        self.is_read.push(false);
        self.num_values += 1;
        self.num_values - 1
    }

    fn new_block(&mut self) -> usize {
        self.num_blocks += 1;
        self.num_blocks - 1
    }

    fn start_block(&mut self, block: usize, params: &[usize]) {
        let ty = self.shape.ty();
        let params: Vec<_> = params
            .iter()
            .map(|param| format!("v{param}: {ty}"))
            .collect();
        let params = match params[..] {
            [] => String::new(),
            _ => format!("({})", params.join(", ")),
        };
        writeln!(self.text, "\nblock{block}{params}:").expect("a string takes everything");
    }
}

#[cfg(test)]
mod tests {
    use super::{Shape, generate};
    use lpc_lpir::text::parse_functions;
    use lpc_lpir::verifier::verify_function;

    #[test]
    fn all_shapes_are_right_and_as_large_as_asked_for() {
        for (shape, blocks) in [
            (Shape::Straight, 1..2),
            (Shape::Branches, 100..400),
            (Shape::Calls, 1..2),
            (Shape::Mixed, 100..400),
            (Shape::MixedI64, 100..400),
        ] {
            for size in [10, 100, 2_000] {
                let text = generate(shape, size, 7);
                assert_eq!(text, generate(shape, size, 7));
                let func = parse_functions(&text).unwrap().remove(0);
                verify_function(&func).unwrap();
                let insts = func.dfg.num_insts();
                assert!((size..size + size / 10 + 20).contains(&insts), "{insts}");
                if size == 2_000 {
                    assert!(blocks.contains(&func.dfg.num_blocks()), "{shape:?}");
                }
            }
        }
    }
}
