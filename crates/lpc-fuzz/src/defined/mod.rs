//! Whether what a program does is defined.
//!
//! The interpreter notices many things that LPIR leaves undefined, but memory is for it a range of addresses: it says nothing when
//! a function stores behind the end of its stack slot, or reads what was never written, and its addresses are not those of a
//! compiled program. A random program does none of that; one that was changed at random may.
//!
//! So the program is interpreted again in variants that have other addresses, guards around all memory that they may
//! access, and something else in memory that was not written. A program whose results, traps or stores depend on any of that does
//! something else in one of the variants, and one that stores where it may not changes a guard.

mod addresses;
mod guards;
mod variant;

use crate::data_memory::memory_in_interpreter;
use crate::program::TestProgram;
use lpc_interp::{Error, Interpreter, Limits, MEMORY_BASE, NoHost, Trap};
use lpc_lpir::ir::{
    DataObject, DataValue, Function, GlobalValueData, Module, Opcode, Properties, TrapCode,
};
use variant::{Pattern, VARIANTS};

/// What can be seen of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    /// The results, or the code of the trap.
    pub outcome: Result<Vec<DataValue>, TrapCode>,
    /// The contents of the data objects that can be stored to, one behind the other, without the addresses that relocations put
    /// there.
    pub memory: Vec<u8>,
}

/// What comes of each input of `program`, as long as no limit of the stack is reached. `None` if that is not defined for one of them, or takes more than `limits` allow.
pub fn defined_observations(program: &TestProgram, limits: Limits) -> Option<Vec<Observation>> {
    let mut functions = program.module.functions();
    if functions.any(|(_, func)| needs_debugger(func) || has_far_symbol(func, &program.module)) {
        return None;
    }
    let observe = |module: &Module, limits: Limits, fill: Option<Pattern>| {
        let inputs = program.inputs.iter();
        let observations: Option<Vec<_>> = inputs
            .map(|input| observe(module, program, input, limits, fill))
            .collect();
        observations
    };
    let observations = observe(&program.module, limits, None)?;
    for variant in &VARIANTS {
        let module = variant.of(&program.module)?;
        // The guards take stack and instructions.
        let limits = Limits {
            instructions: limits.instructions.saturating_mul(64),
            stack_size: limits.stack_size.saturating_mul(8).min(1 << 24),
            ..limits
        };
        if observe(&module, limits, Some(variant.pattern))? != observations {
            return None;
        }
    }
    Some(observations)
}

/// Whether the function stops for a debugger, which the interpreter does not have.
fn needs_debugger(func: &Function) -> bool {
    let blocks = func.layout.blocks();
    let mut insts = blocks.flat_map(|block| func.layout.block_insts(block));
    insts.any(|inst| func.dfg.inst(inst).opcode() == Opcode::Debugtrap)
}

/// Whether the function may take an address that is in no data object and of no function.
fn has_far_symbol(func: &Function, module: &Module) -> bool {
    let mut symbols = func.global_values.values().filter_map(|value| match value {
        GlobalValueData::Symbol { name, offset, .. } => Some((name, offset.bits())),
        _ => None,
    });
    symbols.any(|(name, offset)| {
        let data = module.find_data(name).map(|id| module.data(id));
        let size = data.map_or(0, |data| data.size);
        !(0..=i64::from(size)).contains(&offset)
    })
}

/// Calls the entry function of `program` in `module`, which is that of the program or a variant of it. The stack is first filled
/// with `fill`; its lower half, to which no frame gets, must hold that in the end.
fn observe(
    module: &Module,
    program: &TestProgram,
    input: &[DataValue],
    limits: Limits,
    fill: Option<Pattern>,
) -> Option<Observation> {
    let original = &program.module;
    let mut interpreter = Interpreter::new(module, limits);
    let unused = limits.stack_size / 2;
    if let Some(pattern) = fill {
        let memory = interpreter.memory_mut();
        pattern.fill(memory.bytes_mut(MEMORY_BASE, limits.stack_size).ok()?);
    }
    let outcome = match interpreter.call(&program.entry, input, &mut NoHost) {
        Ok(results) => Ok(results),
        Err(Error::Trap(trap)) if !depends_on_machine(module, &trap) => Err(trap.code),
        Err(_) => return None,
    };
    if let Some(pattern) = fill
        && !pattern.fills(interpreter.memory().bytes(MEMORY_BASE, unused).ok()?)
    {
        return None;
    }
    let bytes = |object: &DataObject| {
        let address = interpreter.data_address(&object.name)?;
        interpreter.memory().bytes(address, object.size).ok()
    };
    let memory = memory_in_interpreter(original, &interpreter)?;
    let mut guards = module.data_objects().map(|(_, object)| object);
    let is_whole = guards.all(|object| {
        original.find_data(&object.name).is_some()
            || bytes(object).is_some_and(|bytes| bytes == object.bytes)
    });
    is_whole.then_some(Observation { outcome, memory })
}

/// Whether `trap` is one that another machine may not have: for want of stack, or at an address where that has no memory.
fn depends_on_machine(module: &Module, trap: &Trap) -> bool {
    let func = module.find(&trap.function).map(|id| module.function(id));
    let opcode = func.map(|func| func.dfg.inst(trap.inst).opcode());
    let is_access =
        |opcode: Opcode| opcode.has(Properties::LOADS) || opcode.has(Properties::STORES);
    trap.code == TrapCode::STACK_OVERFLOW || opcode.is_none_or(is_access)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_lpir::ir::ExternalName;
    use lpc_lpir::text::parse_module;

    fn observations(text: &str) -> Option<Vec<Observation>> {
        let limits = Limits {
            instructions: 1_000,
            stack_size: 1 << 12,
            heap_size: 0,
            call_depth: 10,
        };
        let program = TestProgram {
            module: parse_module(text).unwrap(),
            entry: ExternalName::symbol("f"),
            inputs: vec![Vec::new()],
        };
        defined_observations(&program, limits)
    }

    fn result_of(body: &str) -> Option<Result<i128, TrapCode>> {
        let text = format!(
            "; data: %d align 4 = {{ i32 [5, 6] }}
function %g() -> i32 {{
block0:
    v0 = iconst.i32 1
    return v0
}}
function %f() -> i32 {{
    ss0 = explicit_slot 8
    ss1 = explicit_slot 6
    gv0 = symbol %d
    fn0 = %g() -> i32
block0:
    v0 = stack_addr.i32 ss0
    v1 = symbol_value.i32 gv0
    v2 = iconst.i32 7
    store v2, v0
{body}
}}"
        );
        let [observation] = observations(&text)?.try_into().unwrap();
        Some(observation.outcome.map(|results| results[0].signed()))
    }

    #[test]
    fn what_a_defined_program_does() {
        assert_eq!(result_of("v3 = load.i32 v0\nreturn v3"), Some(Ok(7)));
        let stores = "v3 = load.i32 v1\nstore v3, v1+4\nv4 = stack_addr.i32 ss1\nstore v3, v4+2\nv5 = load.i32 v4+2\nreturn v5";
        assert_eq!(result_of(stores), Some(Ok(5)));
        let difference = "v3 = stack_addr.i32 ss0+4\nv4 = isub v3, v0\nreturn v4";
        assert_eq!(result_of(difference), Some(Ok(4)));
        let call = "v3 = func_addr.i32 fn0\nv4 = call_indirect sig0, v3()\nreturn v4";
        assert_eq!(result_of(call), Some(Ok(1)));
        assert_eq!(
            result_of("trap user3"),
            Some(Err(TrapCode::user(3).unwrap()))
        );
    }

    #[test]
    fn what_is_undefined() {
        for body in [
            // Not written, in part or at all.
            "v3 = load.i32 v0+4\nreturn v3",
            "v3 = load.i32 v0+1\nreturn v3",
            // Addresses.
            "return v0",
            "return v1",
            "v3 = func_addr.i32 fn0\nreturn v3",
            "store v0, v1\nreturn v2",
            // Outside of a slot.
            "store v2, v0+8\nreturn v2",
            "store v2, v0+5\nreturn v2",
            "store v2, v0-1\nreturn v2",
            "v3 = stack_addr.i32 ss1\nistore8 v2, v3+6\nreturn v2",
            "v3 = load.i32 v0-4\nreturn v3",
            "v3 = load.i32 v0-300\nreturn v3",
            "v3 = stack_addr.i32 ss1\nstore v2, v3+6\ntrap user1",
            // Outside of a data object.
            "store v2, v1+8\nreturn v2",
            "store v2, v1+5\nreturn v2",
            "store v2, v1-4\nreturn v2",
            "v3 = load.i32 v1+8\nreturn v3",
            "v3 = iadd v0, v2\nv4 = iconst.i32 0\nv5 = icmp slt v3, v4\nv6 = uextend.i32 v5\nreturn v6",
            // The same in all bytes.
            "v3 = stack_addr.i32 ss1\nv4 = load.i16 v3\nv5, v6 = isplit v4\nv7 = bxor v5, v6\nv8 = uextend.i32 v7\nreturn v8",
            // In memory, and in no object.
            "v3 = iadd v1, v1\nstore v2, v3\nreturn v2",
            "v3 = iadd v1, v1\nv4 = load.i32 v3\nreturn v4",
            "v3 = iconst.i32 96\nv4 = band v0, v3\nv5 = iadd v0, v4\nstore v2, v5\nv6 = load.i32 v5\nreturn v6",
            // For a debugger.
            "debugtrap\nreturn v2",
            // Where no memory is.
            "v3 = iconst.i32 5\nv4 = load.i32 v3\nreturn v4",
            // Without end.
            "jump block1\nblock1:\njump block1",
        ] {
            assert_eq!(result_of(body), None, "{body}");
        }
    }
}
