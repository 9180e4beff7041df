//! Programs of any size, for stress tests and for measuring how the time and the memory of a compilation grow.
//!
//! A [`Shape`] says what there is much of: instructions in a function, functions in a module, arguments of a call. Its
//! [`program`](Shape::program) is text, the same for the same size, with calls whose results depend on all parts that they
//! reach. What the results are the interpreter says.

mod branches;
pub mod built;
mod calls;
mod lifetimes;
mod memory;
mod nests;
mod tables;
mod values;

use std::fmt::Write;

/// What a program has much of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Instructions in one block.
    Straight,
    /// Instructions in one block, on values of two words.
    StraightWide,
    /// Values in one block, each of which is used once, by the next.
    Chain,
    /// Constants that all differ.
    Constants,
    /// Loads and stores in one block.
    Accesses,
    /// Stack slots.
    StackSlots,
    /// Instructions in blocks that branch to each other over the whole function, forward and backward.
    Branches,
    /// Blocks of two ways that meet again, one behind the other.
    Diamonds,
    /// Blocks that lead to the next one or to an exit that they all share.
    Ladder,
    /// Loops, one behind the other.
    LoopsInARow,
    /// Conditional traps in one block.
    Traps,
    /// Loops, each in the one before.
    NestedLoops,
    /// Conditionals, each in the one before.
    NestedIfs,
    /// Branches of one `br_table`.
    JumpTable,
    /// Branches of one `br_table` to as many blocks, which meet again.
    DistinctTargets,
    /// Branches of one `br_table` to the same block.
    OneTarget,
    /// Branches of one `br_table` to two blocks, with different arguments: critical edges.
    TableArguments,
    /// Branches of one `br_table` to as many blocks, with arguments.
    TargetArguments,
    /// Values that live across a call.
    LiveValues,
    /// Values that live across as many calls.
    ValuesAcrossCalls,
    /// Blocks that a few values live across.
    ValuesAcrossBlocks,
    /// Values that live across as many blocks.
    ManyValuesAcrossBlocks,
    /// Block parameters that change their places on an edge.
    BlockParameters,
    /// Parameters of several blocks that pass them on to each other.
    ParametersOfBlocks,
    /// Calls in one block.
    CallsInARow,
    /// Functions that call each other across the whole module.
    Functions,
    /// Functions that one function calls.
    References,
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
    pub const ALL: [Self; 28] = [
        Self::Straight,
        Self::StraightWide,
        Self::Chain,
        Self::Constants,
        Self::Accesses,
        Self::StackSlots,
        Self::Branches,
        Self::Diamonds,
        Self::Ladder,
        Self::LoopsInARow,
        Self::Traps,
        Self::NestedLoops,
        Self::NestedIfs,
        Self::JumpTable,
        Self::DistinctTargets,
        Self::OneTarget,
        Self::TableArguments,
        Self::TargetArguments,
        Self::LiveValues,
        Self::ValuesAcrossCalls,
        Self::ValuesAcrossBlocks,
        Self::ManyValuesAcrossBlocks,
        Self::BlockParameters,
        Self::ParametersOfBlocks,
        Self::CallsInARow,
        Self::Functions,
        Self::References,
        Self::Arguments,
    ];

    /// What the size of a program counts.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Straight
            | Self::StraightWide
            | Self::Accesses
            | Self::Branches
            | Self::CallsInARow => "instructions",
            Self::Chain
            | Self::LiveValues
            | Self::ValuesAcrossCalls
            | Self::ManyValuesAcrossBlocks => "values",
            Self::Constants => "constants",
            Self::StackSlots => "slots",
            Self::Diamonds | Self::ValuesAcrossBlocks => "diamonds",
            Self::Ladder => "blocks",
            Self::LoopsInARow | Self::NestedLoops => "loops",
            Self::Traps => "traps",
            Self::NestedIfs => "conditionals",
            Self::JumpTable
            | Self::DistinctTargets
            | Self::OneTarget
            | Self::TableArguments
            | Self::TargetArguments => "entries",
            Self::BlockParameters | Self::ParametersOfBlocks => "parameters",
            Self::Functions | Self::References => "functions",
            Self::Arguments => "arguments",
        }
    }

    /// The size of the largest program that is compiled in tests and measured.
    pub fn largest_size(self) -> u32 {
        match self {
            Self::Straight | Self::StraightWide | Self::Accesses | Self::CallsInARow => 500_000,
            Self::Branches => 200_000,
            Self::Ladder | Self::LoopsInARow | Self::Chain | Self::Constants | Self::Traps => {
                100_000
            }
            Self::Diamonds | Self::ValuesAcrossBlocks => 50_000,
            Self::Functions => 20_000,
            Self::StackSlots
            | Self::NestedLoops
            | Self::NestedIfs
            | Self::JumpTable
            | Self::DistinctTargets
            | Self::OneTarget
            | Self::TableArguments
            | Self::TargetArguments
            | Self::LiveValues
            | Self::ValuesAcrossCalls
            | Self::ManyValuesAcrossBlocks
            | Self::References => 10_000,
            Self::BlockParameters | Self::ParametersOfBlocks | Self::Arguments => 5_000,
        }
    }

    /// The program of about `size` [units](Self::unit).
    pub fn program(self, size: u32) -> LargeProgram {
        let generate = match self {
            Self::Straight => values::straight,
            Self::StraightWide => values::straight_wide,
            Self::Chain => values::chain,
            Self::Constants => values::constants,
            Self::Accesses => memory::accesses,
            Self::StackSlots => memory::stack_slots,
            Self::Branches => branches::branches,
            Self::Diamonds => branches::diamonds,
            Self::Ladder => branches::ladder,
            Self::LoopsInARow => branches::loops_in_a_row,
            Self::Traps => branches::traps,
            Self::NestedLoops => nests::nested_loops,
            Self::NestedIfs => nests::nested_ifs,
            Self::JumpTable => tables::jump_table,
            Self::DistinctTargets => tables::distinct_targets,
            Self::OneTarget => tables::one_target,
            Self::TableArguments => tables::table_arguments,
            Self::TargetArguments => tables::target_arguments,
            Self::LiveValues => lifetimes::live_values,
            Self::ValuesAcrossCalls => lifetimes::values_across_calls,
            Self::ValuesAcrossBlocks => lifetimes::values_across_blocks,
            Self::ManyValuesAcrossBlocks => lifetimes::many_values_across_blocks,
            Self::BlockParameters => values::block_parameters,
            Self::ParametersOfBlocks => values::parameters_of_blocks,
            Self::CallsInARow => lifetimes::calls_in_a_row,
            Self::Functions => calls::functions,
            Self::References => calls::references,
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
