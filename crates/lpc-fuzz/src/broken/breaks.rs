//! The kinds of breaks.
//!
//! To add one, write a function that changes a module, in the file of its subject, and a row here.

use super::{calls, control, declarations, opcodes, operands, text, types};
use fastrand::Rng;
use lpc_lpir::ir::{Function, Module};

/// A kind of break.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What is broken.
    pub name: &'static str,
    /// Breaks one such thing at random.
    pub(super) apply: fn(&mut Module, &mut Rng) -> Outcome,
}

/// What came of a break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The module has no such thing.
    NothingThere,
    /// The module is another one.
    Broken,
    /// The module cannot even be made: the reader refuses the text, or the module a part.
    Refused,
}

impl From<Option<()>> for Outcome {
    fn from(broken: Option<()>) -> Self {
        match broken {
            Some(()) => Self::Broken,
            None => Self::NothingThere,
        }
    }
}

macro_rules! kinds {
    ($($name:literal => $function:path,)*) => {
        /// All of them.
        pub const KINDS: &[Kind] = &[$(Kind { name: $name, apply: |module, random| $function(module, random).into() }),*];
    };
}

kinds! {
    "an operand becomes any value" => operands::any_value,
    "an operand becomes another value of its type" => operands::value_of_same_type,
    "an operand becomes a value that does not exist" => operands::no_value,
    "operands are exchanged" => operands::exchanged,
    "a value becomes another name of another" => operands::alias,
    "aliases form a cycle" => operands::alias_cycle,
    "a value has another type" => types::of_value,
    "a parameter or result of a function has another type" => types::in_signature,
    "a parameter or result has another purpose or extension" => types::purpose,
    "a constant is another number" => types::constant,
    "a memory access has other flags" => types::memory_flags,
    "an access has another offset" => types::offset,
    "an opcode becomes another one of its format" => opcodes::same_format,
    "an opcode becomes one of another format" => opcodes::any,
    "a condition or operation becomes another" => opcodes::variation,
    "an instruction has one more result" => opcodes::more_results,
    "an instruction has other results" => opcodes::other_results,
    "an instruction is moved" => control::moved_inst,
    "an instruction is repeated" => control::repeated_inst,
    "an instruction is removed" => control::removed_inst,
    "a block is moved" => control::moved_block,
    "a block is removed" => control::removed_block,
    "a block is split in two" => control::split_block,
    "a branch goes elsewhere" => control::redirected_branch,
    "a branch has one more argument" => control::more_branch_args,
    "a branch has one less argument" => control::fewer_branch_args,
    "a block has one more parameter" => control::more_params,
    "a block has one less parameter" => control::fewer_params,
    "a terminator is removed" => control::removed_terminator,
    "a terminator stands in the middle" => control::early_terminator,
    "a jump table has other entries" => control::jump_table,
    "a block is cold" => control::cold,
    "a call has one more argument" => calls::more_args,
    "a call has one less argument" => calls::fewer_args,
    "a call goes to another function" => calls::other_callee,
    "a call has another signature" => calls::other_signature,
    "a declared function has another signature" => calls::declared_signature,
    "a declared function has another name" => calls::declared_name,
    "the signature of a function is longer or shorter" => calls::length_of_signature,
    "a function has another calling convention" => calls::convention,
    "an address is of another slot or symbol" => declarations::other_reference,
    "a stack slot has another size or alignment" => declarations::slot,
    "a global value is computed otherwise" => declarations::global_value,
    "a function has a stack limit" => declarations::stack_limit,
    "a function has another name" => declarations::function_name,
    "a data object has another form" => declarations::data,
    "a word of the text is removed, repeated or exchanged" => text::words,
    "a line of the text is removed, repeated or exchanged" => text::lines,
    "a number in the text is another" => text::numbers,
}

/// Breaks a function of `module`, any one.
pub(super) fn in_function(
    module: &mut Module,
    random: &mut Rng,
    apply: impl FnOnce(&mut Function, &mut Rng) -> Option<()>,
) -> Option<()> {
    let func = super::pick::function(module, random)?;
    apply(func, random)
}
