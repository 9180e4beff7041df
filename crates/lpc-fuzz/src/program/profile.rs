//! How often what occurs in programs.

/// Weighted ranges of numbers, both ends included.
pub(super) type Bands = &'static [(u32, (u32, u32))];

/// How often what occurs. Numbers that end in `percent` are cases of a hundred; others are weights, or ranges with weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile {
    /// Functions of a module.
    pub(super) functions: Bands,
    /// Statements of a function, those in its nested parts included.
    pub(super) statements: Bands,
    /// Parameters and results of a function.
    pub(super) params: Bands,
    /// See `params`.
    pub(super) results: Bands,
    /// Data objects of a module.
    pub(super) data_objects: Bands,
    /// Stack slots of a function.
    pub(super) stack_slots: Bands,
    /// Variables of a function.
    pub(super) variables: Bands,
    /// The instructions that a function may execute, those of the functions it calls included.
    pub(super) executed: Bands,
    /// The kinds of statements.
    pub(super) statement: &'static [(u32, Statement)],
    /// An operand that is a constant.
    pub(super) constant_percent: u32,
    /// A division whose divisor may be zero, or an addition that may trap.
    pub(super) unguarded_percent: u32,
    /// A table of functions before each function but the first.
    pub(super) table_percent: u32,
    /// A module with functions that look whether there is room on the stack.
    pub(super) stack_limit_percent: u32,
    /// A function that calls itself.
    pub(super) recursive_percent: u32,
    /// A function whose instructions have source locations.
    pub(super) located_percent: u32,
    /// A value that is left over and is made part of what the program computes.
    pub(super) kept_percent: u32,
    /// A new block that is put between others, not behind all.
    pub(super) moved_block_percent: u32,
}

/// A part of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Statement {
    /// An instruction of the opcode table.
    Instruction,
    /// A pattern that the compiler knows.
    Idiom,
    /// A load or a store.
    Memory,
    /// An atomic access.
    Atomic,
    /// A call.
    Call,
    /// A conditional trap.
    Trap,
    /// A variable that is read or assigned.
    Variable,
    /// An address or register that says nothing, or what is never executed.
    Oddity,
    /// Two ways.
    If,
    /// Many ways.
    Switch,
    /// A loop.
    Loop,
    /// A loop with two entries.
    Irreducible,
    /// Many values at the same time.
    Pressure,
}

impl Profile {
    /// Small programs, and few large ones.
    pub(super) const DEFAULT: Self = Self {
        functions: &[(66, (1, 1)), (24, (2, 2)), (8, (3, 3)), (2, (4, 6))],
        statements: &[
            (6_300, (1, 3)),
            (2_600, (3, 9)),
            (850, (8, 24)),
            (110, (24, 80)),
            (14, (300, 1_200)),
        ],
        params: &[(5, (0, 0)), (75, (1, 3)), (15, (4, 9)), (5, (9, 40))],
        results: &[(4, (0, 0)), (78, (1, 2)), (15, (3, 6)), (3, (6, 20))],
        data_objects: &[(50, (0, 0)), (35, (1, 1)), (15, (2, 3))],
        stack_slots: &[(70, (0, 0)), (23, (1, 1)), (7, (2, 3))],
        variables: &[(72, (0, 0)), (20, (1, 3)), (8, (3, 8))],
        executed: &[(70, (100, 500)), (27, (500, 3_000)), (3, (3_000, 20_000))],
        statement: &[
            (300, Statement::Instruction),
            (260, Statement::Idiom),
            (90, Statement::Memory),
            (60, Statement::Atomic),
            (50, Statement::Call),
            (20, Statement::Trap),
            (60, Statement::Variable),
            (8, Statement::Oddity),
            (60, Statement::If),
            (14, Statement::Switch),
            (35, Statement::Loop),
            (5, Statement::Irreducible),
            (6, Statement::Pressure),
        ],
        constant_percent: 22,
        unguarded_percent: 20,
        table_percent: 25,
        stack_limit_percent: 3,
        recursive_percent: 8,
        located_percent: 10,
        kept_percent: 70,
        moved_block_percent: 20,
    };
}
