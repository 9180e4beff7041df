//! Values that come from the environment of a function.

use super::{ExternalName, GlobalValue, Imm64, MemFlags, Offset32, Type};

/// How a global value is computed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GlobalValueData {
    /// The address of the context that the caller passes in its `vmctx` parameter.
    VMContext,
    /// A value loaded from the address that another global value is.
    Load {
        /// The address without its offset.
        base: GlobalValue,
        /// The offset that is added to it.
        offset: Offset32,
        /// The type of the loaded value.
        global_type: Type,
        /// What the load may assume.
        flags: MemFlags,
    },
    /// Another global value with a constant added to it.
    IAddImm {
        /// The other global value.
        base: GlobalValue,
        /// The constant.
        offset: Imm64,
        /// The type of both.
        global_type: Type,
    },
    /// The address of a symbol.
    Symbol {
        /// The symbol.
        name: ExternalName,
        /// A constant that is added to its address.
        offset: Imm64,
        /// Whether the symbol is known to be near the code.
        colocated: bool,
    },
}
