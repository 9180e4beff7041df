//! References to the entities of a function and of a module. `Display` writes them as the text form does.

use crate::entity_impl;
use core::fmt;

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
entity_impl!(
    /// A data object of a [`Module`](super::Module).
    DataId, "data"
);

/// Any part of a function that a comment may belong to or an error may be about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnyEntity {
    /// The function as a whole: its name and signature.
    Function,
    /// A block: its parameters, or its place among the others.
    Block(Block),
    /// An instruction.
    Inst(Inst),
    /// A value.
    Value(Value),
    /// A stack slot.
    StackSlot(StackSlot),
    /// A global value.
    GlobalValue(GlobalValue),
    /// A function that is referred to.
    FuncRef(FuncRef),
    /// A signature that is referred to.
    SigRef(SigRef),
    /// The limit of the stack.
    StackLimit,
}

macro_rules! any_entity_from {
    ($($entity:ident)*) => {$(
        impl From<$entity> for AnyEntity {
            fn from(entity: $entity) -> Self {
                Self::$entity(entity)
            }
        }
    )*};
}

any_entity_from!(Block Inst Value StackSlot GlobalValue FuncRef SigRef);

impl fmt::Display for AnyEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function => f.write_str("function"),
            Self::Block(block) => block.fmt(f),
            Self::Inst(inst) => inst.fmt(f),
            Self::Value(value) => value.fmt(f),
            Self::StackSlot(slot) => slot.fmt(f),
            Self::GlobalValue(global_value) => global_value.fmt(f),
            Self::FuncRef(func_ref) => func_ref.fmt(f),
            Self::SigRef(sig_ref) => sig_ref.fmt(f),
            Self::StackLimit => f.write_str("stack_limit"),
        }
    }
}

impl fmt::Debug for AnyEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
