//! The compact binary form: modules as bytes, for a machine that needs no reader of text.
//!
//! ```text
//!  Module ─► encode ─► bytes ─► decode ─► Module
//!                              └─ Decoder ─► Function, Function, …   one at a time, in the same memory
//! ```
//!
//! `docs/binary.md` describes the bytes. In short: numbers are LEB128; an instruction is a byte and its operands, and the bytes come
//! from the opcode table; values are numbered in the order of their definitions, and an operand is how many values back its definition
//! is.
//!
//! **What is kept** is all that a compiler looks at: names, signatures, declarations, blocks in their order, instructions,
//! source locations, data, imports, linkage. **What is dropped** is how the text was written: comments, the numbers of
//! values and blocks, aliases (their uses become those of the original), values and blocks that nothing defines.
//!
//! **One module has one encoding:** numbers are as short as they can be, and what follows from something else is not written.
//! What `decode` accepts, and the verifier accepts, is encoded as the same bytes again.
//!
//! **Bytes are not trusted.** Any of them are a module or a [`DecodeError`]. Every entity takes a byte at least, and
//! no list is made for more entities than there are bytes left: memory is at most proportional to the message, and nothing
//! recurses. A function that is decoded refers to nothing that is not there, so that the verifier can judge the rest.
//!
//! | file | |
//! |---|---|
//! | `code` | the byte of an instruction, from the opcode table |
//! | `fields` | the bytes of types, conventions, flags and so on |
//! | `reader`, `decode/` | from bytes: numbers and names; declarations, functions, instructions |
//! | `writer`, `encode/` | to bytes, the same parts |

mod code;
mod decode;
mod encode;
mod error;
mod fields;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use code::codes;
pub use decode::{Decoder, decode};
pub use encode::encode;
pub use error::{DecodeError, DecodeErrorKind, EncodeError};

/// How every module in this form starts. No text starts with a zero.
pub const MAGIC: [u8; 4] = *b"\0lpi";

/// The version of the form that is written and read, the byte behind [`MAGIC`]. It changes with whatever changes the meaning of a
/// byte: rows of the opcode table, their order, and the types that they are for.
pub const VERSION: u8 = 1;

/// Whether `bytes` are meant to be a module in this form, of whatever version.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}
