//! How instructions are made.
//!
//! [`InstBuilder`] has one method per opcode: `ins().iadd(a, b)`. Where the instruction goes is up to who gives the builder
//! out: a [`FuncCursor`] puts it anywhere into an existing function; a [`FunctionBuilder`] fills one block after the other.
//!
//! ```text
//!  front end ── def_var, use_var ──► FunctionBuilder ──► SsaBuilder     block parameters and branch arguments
//!      │                                   │
//!      └──────── ins().iadd(a, b) ──► InstBuilder ─────► Function       instructions
//! ```

mod cursor;
mod definitions;
mod edges;
mod function_builder;
mod ins;
mod redundant_params;
mod ssa;

#[cfg(test)]
mod test_eval;

pub use cursor::{CursorPosition, FuncCursor};
pub use function_builder::{FunctionBuilder, FunctionBuilderContext};
pub use ins::{InstBuilder, InstInserter};
pub use ssa::Variable;
