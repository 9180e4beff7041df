//! References to the entities of a function and of a module. `Display` writes them as the text form does.

use crate::entity_impl;

entity_impl!(
    /// A basic block.
    Block, "block"
);
entity_impl!(
    /// An SSA value: the result of an instruction or a parameter of a block.
    Value, "v"
);
entity_impl!(
    /// An instruction.
    Inst, "inst"
);
entity_impl!(
    /// An explicit slot in the stack frame.
    StackSlot, "ss"
);
entity_impl!(
    /// A value that is computed from the function's environment, such as the address of a symbol.
    GlobalValue, "gv"
);
entity_impl!(
    /// The table of a `br_table`.
    JumpTable, "jt"
);
entity_impl!(
    /// A constant that is wider than an immediate.
    Constant, "const"
);
entity_impl!(
    /// A function that this function calls or whose address it takes.
    FuncRef, "fn"
);
entity_impl!(
    /// A signature that this function declares.
    SigRef, "sig"
);
entity_impl!(
    /// A function of a [`Module`](super::Module).
    FuncId, "func"
);
