//! Programs of any size, for stress tests and for measuring how the time and the memory of a compilation grow.
//!
//! A [`Shape`] says what there is much of: instructions in a function, functions in a module, arguments of a call. Its
//! [`program`](Shape::program) is text, the same for the same size, with calls whose results depend on all parts that they
//! reach. What the results are the interpreter says.

mod branches;
mod calls;
mod values;

use std::fmt::Write;

/// What a program has much of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Instructions in one block.
    Straight,
    /// Instructions in blocks that branch to each other over the whole function, forward and backward.
    Branches,
    /// Blocks of two ways that meet again, one behind the other.
    Diamonds,
    /// Blocks that lead to the next one or to an exit that they all share.
    Ladder,
    /// Loops, each in the one before.
    NestedLoops,
    /// Branches of one `br_table`.
    JumpTable,
    /// Values that live across a call.
    LiveValues,
    /// Block parameters that change their places on an edge.
    BlockParameters,
    /// Functions that call each other across the whole module.
    Functions,
    /// Arguments of a call, most of which travel on the stack.
    Arguments,
}

/// A program, and calls of one of its functions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LargeProgram {
    /// The functions.
    pub text: String,
    /// The name of the function to call, without `%`. All its parameters and results are `i32`.
    pub function: &'static str,
    /// The arguments of each call.
    pub calls: Vec<Vec<i32>>,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 10] = [
        Self::Straight,
        Self::Branches,
        Self::Diamonds,
        Self::Ladder,
        Self::NestedLoops,
        Self::JumpTable,
        Self::LiveValues,
        Self::BlockParameters,
        Self::Functions,
        Self::Arguments,
    ];

    /// What the size of a program counts.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Straight | Self::Branches => "instructions",
            Self::Diamonds => "diamonds",
            Self::Ladder => "blocks",
            Self::NestedLoops => "loops",
            Self::JumpTable => "entries",
            Self::LiveValues => "values",
            Self::BlockParameters => "parameters",
            Self::Functions => "functions",
            Self::Arguments => "arguments",
        }
    }

    /// The program of about `size` [units](Self::unit).
    pub fn program(self, size: u32) -> LargeProgram {
        let generate = match self {
            Self::Straight => values::straight,
            Self::Branches => branches::branches,
            Self::Diamonds => branches::diamonds,
            Self::Ladder => branches::ladder,
            Self::NestedLoops => branches::nested_loops,
            Self::JumpTable => branches::jump_table,
            Self::LiveValues => values::live_values,
            Self::BlockParameters => values::block_parameters,
            Self::Functions => calls::functions,
            Self::Arguments => calls::arguments,
        };
        generate(size)
    }
}

/// Writes the text of one function.
struct FunctionWriter {
    text: String,
    next_value: u32,
}

impl FunctionWriter {
    /// A function whose first line is `head` and whose preamble is `preamble`.
    fn new(head: &str, preamble: &str) -> Self {
        Self {
            text: format!("function {head} {{\n{preamble}"),
            next_value: 0,
        }
    }

    /// The name of a value that no other has.
    fn fresh(&mut self) -> String {
        self.next_value += 1;
        format!("v{}", self.next_value)
    }

    /// Starts the block `number`, and gives the names of its parameters.
    fn block<const PARAMS: usize>(&mut self, number: u32) -> [String; PARAMS] {
        let params = self.block_with(number, PARAMS as u32);
        params
            .try_into()
            .expect("there are as many as were asked for")
    }

    /// Starts the block `number` with so many parameters, and gives their names.
    fn block_with(&mut self, number: u32, params: u32) -> Vec<String> {
        let params: Vec<_> = (0..params).map(|_| self.fresh()).collect();
        let list: Vec<_> = params.iter().map(|param| format!("{param}: i32")).collect();
        writeln!(self.text, "block{number}({}):", list.join(", ")).expect("memory can be written");
        params
    }

    /// Writes an instruction without results.
    fn inst(&mut self, inst: &str) {
        writeln!(self.text, "    {inst}").expect("memory can be written");
    }

    /// Writes an instruction with one result, and gives its name.
    fn value(&mut self, inst: &str) -> String {
        let name = self.fresh();
        writeln!(self.text, "    {name} = {inst}").expect("memory can be written");
        name
    }

    /// Writes the constant `number`.
    fn constant(&mut self, number: i32) -> String {
        self.value(&format!("iconst.i32 {number}"))
    }

    /// The text of the function.
    fn finish(mut self) -> String {
        self.text.push_str("}\n\n");
        self.text
    }
}

/// `i32` so many times, as in a signature.
fn types(count: u32) -> String {
    vec!["i32"; count as usize].join(", ")
}
