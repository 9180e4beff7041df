//! `--retype-pointers`: functions written for pointers of 64 bits become functions with pointers of 32 bits.
//!
//! ```text
//!     v1 = stack_addr.i64 ss0         v1 = stack_addr.i32 ss0
//!     v2 = iconst.i64 8          ─►   v2 = iconst.i32 8
//!     v3 = iadd v1, v2                v3 = iadd v1, v2
//!     store.i64 v0, v3                store.i64 v0, v3
//! ```
//!
//! That is done where it is a plain retyping: nothing but types changes. The values, parameters and results of a file, over
//! all its functions, fall into classes ([`flow`]) of those that must have the same type: the operands and the result of an
//! addition, an argument and the parameter that it is for. A class with an address in it is retyped as a whole, if each
//! instruction that defines or uses one of its members also exists for 32 bits and then means the same for addresses below 4 GiB
//! ([`function_flow::is_plain`]). A load of a member is none of these: the pointer in memory would keep its 64 bits. Only an extension from
//! 32 bits, which then has nothing to do, goes away.
//!
//! Where a class cannot be retyped, all functions with one of its members are skipped.

mod classes;
mod flow;
mod function_flow;
#[cfg(test)]
mod tests;

use flow::Flow;
use lpc_lpir::ir::{Function, GlobalValueData, Inst, InstructionData, Signature, Type};
use lpc_lpir::text::{Outcome, ParseError, TestFile, parse_test_with_wide_addresses};

/// The type of the addresses that are retyped.
const WIDE: Type = Type::I64;

/// Reads `text` as a file, and retypes its pointers.
///
/// # Errors
/// As [`lpc_lpir::text::parse_test`].
pub(crate) fn parse_and_retype(text: &str) -> Result<TestFile<'_>, ParseError> {
    let mut file = parse_test_with_wide_addresses(text)?;
    retype_pointers(&mut file);
    Ok(file)
}

/// Retypes the pointers of all functions in `file`. Those where that is no plain retyping are skipped.
fn retype_pointers(file: &mut TestFile<'_>) {
    let functions = file.functions.iter_mut();
    let mut functions: Vec<_> = functions
        .filter_map(|function| match &mut function.outcome {
            Outcome::Parsed(parsed) => Some(&mut parsed.function),
            Outcome::Skipped(_) => None,
        })
        .collect();
    let mut flow = Flow::of(&functions);
    let mut obstacles = Vec::new();
    for (index, function) in functions.iter_mut().enumerate() {
        let obstacle = retype_global_values(function).or(flow.obstacle(index));
        if obstacle.is_none() {
            retype_values(function, index, &mut flow);
            retype_signatures(function, index, &mut flow);
        }
        obstacles.push(obstacle);
    }
    let parsed = file
        .functions
        .iter_mut()
        .filter(|function| matches!(function.outcome, Outcome::Parsed(_)));
    for (function, obstacle) in parsed.zip(obstacles) {
        if let Some(obstacle) = obstacle {
            function.outcome = Outcome::Skipped(ParseError {
                location: function.location,
                message: format!("an address of type i64, which {obstacle}"),
            });
        }
    }
}

fn retype_values(function: &mut Function, index: usize, flow: &mut Flow) {
    let values: Vec<_> = function.dfg.values().collect();
    for value in values {
        if !flow.is_address(flow.value(index, function.dfg.resolve_aliases(value))) {
            continue;
        }
        function.dfg.set_value_type(value, Type::POINTER);
        if let Some(inst) = function.dfg.value_inst(value) {
            retype_definition(function, inst);
        }
    }
}

/// Makes `inst`, whose result has been retyped, what gives the new type.
fn retype_definition(function: &mut Function, inst: Inst) {
    match function.dfg.inst_mut(inst) {
        InstructionData::UnaryImm { imm, .. } => {
            *imm = imm.sign_extend_from(Type::POINTER.bits());
        }
        &mut InstructionData::Unary { opcode, arg } if function_flow::extends(opcode) => {
            let result = function.dfg.first_result(inst);
            function.layout.remove_inst(inst);
            function.dfg.change_to_alias(result, arg);
        }
        _ => {}
    }
}

fn retype_signatures(function: &mut Function, index: usize, flow: &mut Flow) {
    retype_signature(&mut function.signature, flow.own_signature(index), flow);
    let sig_refs: Vec<_> = function.dfg.signatures.keys().collect();
    for sig_ref in sig_refs {
        let first = flow.declared_signature(index, sig_ref);
        retype_signature(&mut function.dfg.signatures[sig_ref], first, flow);
    }
}

/// Retypes the parameters and results of `signature`, which are the members `first` and those behind it.
fn retype_signature(signature: &mut Signature, first: usize, flow: &mut Flow) {
    let params = signature.params.iter_mut().chain(&mut signature.returns);
    for (position, param) in params.enumerate() {
        if flow.is_address(first + position) {
            param.value_type = Type::POINTER;
        }
    }
}

/// Retypes the global values that are addresses: sums, those that others are based on, and the stack limit. Gives what is in
/// the way.
fn retype_global_values(function: &mut Function) -> Option<String> {
    let global_values = function.global_values.iter();
    let addresses = global_values.filter_map(|(global_value, data)| match *data {
        GlobalValueData::Load { base, .. } => Some(base),
        GlobalValueData::IAddImm { .. } => Some(global_value),
        _ => None,
    });
    let addresses: Vec<_> = addresses.chain(function.stack_limit.expand()).collect();
    for address in addresses {
        match &mut function.global_values[address] {
            GlobalValueData::IAddImm {
                global_type,
                offset,
                ..
            } if *global_type == WIDE => {
                *global_type = Type::POINTER;
                *offset = offset.sign_extend_from(Type::POINTER.bits());
            }
            GlobalValueData::Load { global_type, .. } if *global_type == WIDE => {
                return Some(format!("{address} loads"));
            }
            _ => {}
        }
    }
    None
}
