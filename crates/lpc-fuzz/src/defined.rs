//! Whether what a program does is defined.
//!
//! The interpreter notices many things that LPIR leaves undefined, but memory is for it a range of addresses: it says nothing when
//! a function stores behind the end of its stack slot, or reads what was never written, and it has other addresses than a compiled program. A random
//! program does none of that; one that was changed at random may.
//!
//! So the program is interpreted again in variants with other addresses, with guards around each stack slot and each data object,
//! and with stack slots that are filled first, with another byte in each variant:
//!
//! ```text
//!   slot of the program:           [ content ]
//!   slot of a variant:   [ guard ][ content ][ guard ]      all filled at the entry; guards are compared at each return
//! ```
//!
//! A program whose results, traps or stores depend on addresses or on what was not written does something else in one of the
//! variants, and one that stores where it may not changes a guard.

use crate::program::TestProgram;
use lpc_interp::{Error, Interpreter, Limits, NoHost};
use lpc_lpir::ir::{
    Block, DATA_RELOC_SIZE, DataKind, DataObject, DataValue, ExternalName, Function, Imm64, Inst,
    InstructionData, IntCC, MemFlags, Module, Offset32, Opcode, StackSlot, TrapCode, Type, Value,
};

/// The bytes in which guards and slots are filled and compared.
const WORD: u32 = 8;

/// Larger slots are not filled: that would take too many instructions. Then it is not known whether a program is defined.
const MOST_FILLED: u32 = 1 << 12;

/// How variants differ.
struct Variant {
    /// What guards and slots are filled with.
    byte: u8,
    /// The size of a guard in bytes.
    guard: u32,
}

/// Even the smallest guard is as large as the largest access, and more.
const VARIANTS: [Variant; 2] = [
    Variant {
        byte: 0x5b,
        guard: 64,
    },
    Variant {
        byte: 0xc6,
        guard: 192,
    },
];

/// What variants trap with when a guard was changed.
fn guard_code() -> TrapCode {
    TrapCode::user(249).expect("user codes go up to 250")
}

/// What can be seen of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    /// The results, or the code of the trap.
    pub outcome: Result<Vec<DataValue>, TrapCode>,
    /// The data objects that can be stored to, without the addresses that relocations put there.
    pub memory: Vec<Vec<u8>>,
}

/// What comes of each input of `program`. `None` if that is not defined for one of them, or takes more than `limits` allow.
pub fn defined_observations(program: &TestProgram, limits: Limits) -> Option<Vec<Observation>> {
    let observe = |module: &Module, limits: Limits| -> Option<Vec<Observation>> {
        let inputs = program.inputs.iter();
        inputs
            .map(|input| observe(module, &program.module, &program.entry, input, limits))
            .collect()
    };
    let observations = observe(&program.module, limits)?;
    for variant in &VARIANTS {
        let module = guarded(&program.module, variant)?;
        // The guards take stack and instructions.
        let limits = Limits {
            instructions: limits.instructions.saturating_mul(64),
            stack_size: limits.stack_size.saturating_mul(64).min(1 << 24),
            ..limits
        };
        if observe(&module, limits)? != observations {
            return None;
        }
    }
    Some(observations)
}

/// Calls `entry` of `module`, which is `original` or a variant of it.
fn observe(
    module: &Module,
    original: &Module,
    entry: &ExternalName,
    input: &[DataValue],
    limits: Limits,
) -> Option<Observation> {
    let mut interpreter = Interpreter::new(module, limits);
    let outcome = match interpreter.call(entry, input, &mut NoHost) {
        Ok(results) => Ok(results),
        Err(Error::Trap(trap)) if trap.code != TrapCode::STACK_OVERFLOW => Err(trap.code),
        Err(_) => return None,
    };
    let bytes = |object: &DataObject| {
        let address = interpreter.data_address(&object.name)?;
        let bytes = interpreter.memory().bytes(address, object.size).ok()?;
        Some(bytes.to_vec())
    };
    let mut memory = Vec::new();
    for (_, object) in original.data_objects() {
        if object.kind == DataKind::ReadOnly {
            continue;
        }
        let mut bytes = bytes(object)?;
        for reloc in &object.relocs {
            let start = reloc.offset as usize;
            bytes[start..start + DATA_RELOC_SIZE as usize].fill(0);
        }
        memory.push(bytes);
    }
    let mut guards = module.data_objects().map(|(_, object)| object);
    let is_whole = guards.all(|object| {
        original.find_data(&object.name).is_some()
            || bytes(object).is_some_and(|bytes| bytes == object.bytes)
    });
    is_whole.then_some(Observation { outcome, memory })
}

/// The variant of `module`. `None` if it has a slot that is too large.
fn guarded(module: &Module, variant: &Variant) -> Option<Module> {
    let mut copy = Module::new();
    for import in module.imports() {
        copy.add_import(import.clone()).ok()?;
    }
    let mut guards = 0;
    let mut add_guard = |copy: &mut Module, kind| {
        let name = ExternalName::user(u32::MAX, guards);
        guards += 1;
        let bytes = vec![variant.byte; variant.guard as usize];
        copy.add_data(DataObject::new(name, kind, 1, bytes)).ok()
    };
    // Objects of a kind are one behind the other.
    for kind in [DataKind::ReadOnly, DataKind::Writable] {
        add_guard(&mut copy, kind)?;
        for (_, object) in module.data_objects() {
            if (object.kind == DataKind::ReadOnly) == (kind == DataKind::ReadOnly) {
                copy.add_data(object.clone()).ok()?;
                add_guard(&mut copy, kind)?;
            }
        }
    }
    // Functions have other addresses when others stand before them.
    let pads = variant.guard / 64;
    for index in 0..pads {
        let name = ExternalName::user(u32::MAX - 1, index);
        copy.add_function(Function::new(name, Default::default()))
            .ok()?;
    }
    for (_, function) in module.functions() {
        let mut function = function.clone();
        guard_function(&mut function, variant)?;
        copy.add_function(function).ok()?;
    }
    Some(copy)
}

fn guard_function(func: &mut Function, variant: &Variant) -> Option<()> {
    let slots: Vec<_> = func.stack_slots.keys().collect();
    if slots.is_empty() {
        return Some(());
    }
    let mut guarded = Vec::new();
    for slot in slots {
        let data = &mut func.stack_slots[slot];
        if data.size > MOST_FILLED || data.align_shift > 12 {
            return None;
        }
        let content = data.size.next_multiple_of(WORD);
        // The content stays aligned.
        let guard = variant.guard.next_multiple_of(1 << data.align_shift);
        let exact = data.size;
        data.size = guard + content + guard;
        guarded.push(Guarded {
            slot,
            start: guard,
            exact,
            end: guard + content,
            size: data.size,
        });
    }
    let blocks: Vec<Block> = func.layout.blocks().collect();
    for &block in &blocks {
        let insts: Vec<Inst> = func.layout.block_insts(block).collect();
        for inst in insts {
            if let InstructionData::StackAddr {
                stack_slot, offset, ..
            } = func.dfg.inst_mut(inst)
            {
                let guarded = guarded.iter().find(|guarded| guarded.slot == *stack_slot)?;
                let moved = offset
                    .bytes()
                    .checked_add(i32::try_from(guarded.start).ok()?)?;
                *offset = Offset32::new(moved);
            } else if func.dfg.inst(inst).opcode().is_return() {
                for guarded in &guarded {
                    guarded.check(func, inst, variant.byte);
                }
            }
        }
    }
    let entry = func.entry_block()?;
    let first = func.layout.first_inst(entry)?;
    for guarded in &guarded {
        guarded.fill(func, first, variant.byte);
    }
    Some(())
}

/// A stack slot with its guards.
struct Guarded {
    slot: StackSlot,
    /// Where the content starts.
    start: u32,
    /// The size of the content.
    exact: u32,
    /// Where the guard behind the content starts, up to a few bytes between them.
    end: u32,
    size: u32,
}

impl Guarded {
    /// Fills all before the instruction `before`.
    fn fill(&self, func: &mut Function, before: Inst, byte: u8) {
        let address = self.address(func, before);
        let word = word(func, before, byte);
        for offset in (0..self.size).step_by(WORD as usize) {
            let data = InstructionData::Store {
                opcode: Opcode::Store,
                flags: MemFlags::new(),
                args: [word, address],
                offset: Offset32::new(offset as i32),
            };
            insert(func, before, data, None);
        }
    }

    /// Traps if a guard was changed.
    fn check(&self, func: &mut Function, before: Inst, byte: u8) {
        let address = self.address(func, before);
        let word = word(func, before, byte);
        let words = (0..self.start).chain(self.end..self.size);
        for offset in words.step_by(WORD as usize) {
            self.compare(func, before, (address, offset), (word, Type::I64));
        }
        let bytes = insert_constant(func, before, Type::I8, i64::from(byte as i8));
        for offset in self.start + self.exact..self.end {
            self.compare(func, before, (address, offset), (bytes, Type::I8));
        }
    }

    /// Traps if what is at `place` is not `expected`.
    fn compare(
        &self,
        func: &mut Function,
        before: Inst,
        (address, offset): (Value, u32),
        (expected, ty): (Value, Type),
    ) {
        let load = InstructionData::Load {
            opcode: Opcode::Load,
            flags: MemFlags::new(),
            arg: address,
            offset: Offset32::new(offset as i32),
        };
        let found = insert(func, before, load, Some(ty));
        let args = [found.expect("a load has a result"), expected];
        let compare = InstructionData::IntCompare {
            opcode: Opcode::Icmp,
            cond: IntCC::NotEqual,
            args,
        };
        let differs = insert(func, before, compare, Some(Type::I8));
        let trap = InstructionData::CondTrap {
            opcode: Opcode::Trapnz,
            arg: differs.expect("a comparison has a result"),
            code: guard_code(),
        };
        insert(func, before, trap, None);
    }

    fn address(&self, func: &mut Function, before: Inst) -> Value {
        let data = InstructionData::StackAddr {
            opcode: Opcode::StackAddr,
            stack_slot: self.slot,
            offset: Offset32::new(0),
        };
        insert(func, before, data, Some(Type::POINTER)).expect("an address is a result")
    }
}

fn word(func: &mut Function, before: Inst, byte: u8) -> Value {
    let number = i64::from_le_bytes([byte; WORD as usize]);
    insert_constant(func, before, Type::I64, number)
}

fn insert_constant(func: &mut Function, before: Inst, ty: Type, number: i64) -> Value {
    let data = InstructionData::UnaryImm {
        opcode: Opcode::Iconst,
        imm: Imm64::new(number),
    };
    insert(func, before, data, Some(ty)).expect("a constant is a result")
}

fn insert(
    func: &mut Function,
    before: Inst,
    data: InstructionData,
    ty: Option<Type>,
) -> Option<Value> {
    let inst = func.dfg.make_inst(data);
    func.layout.insert_inst_before(inst, before);
    ty.map(|ty| func.dfg.append_result(inst, ty))
}

#[cfg(test)]
mod tests {
    use super::*;
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
            // Outside of a data object.
            "store v2, v1+8\nreturn v2",
            "store v2, v1+5\nreturn v2",
            "store v2, v1-4\nreturn v2",
            "v3 = load.i32 v1+8\nreturn v3",
            // Without end.
            "jump block1\nblock1:\njump block1",
        ] {
            assert_eq!(result_of(body), None, "{body}");
        }
    }
}
