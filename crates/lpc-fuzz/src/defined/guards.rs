//! Puts guards around the stack slots of a function.
//!
//! ```text
//!   slot of the program:                 [ content ]
//!   slot of a variant:         [ guard ] [ content ] [ guard ]
//! ```
//!
//! All of it is filled at the entry, and the guards are compared at each return and trap.

use super::variant::{Pattern, Variant};
use lpc_lpir::ir::{
    Block, Function, Imm64, Inst, InstructionData, IntCC, MemFlags, Offset32, Opcode, StackSlot,
    TrapCode, Type, Value,
};

/// Larger slots are not filled: that would take too many instructions. Then it is not known whether a program is defined.
const MOST_FILLED: u32 = 1 << 12;

/// What a function traps with when a guard was changed.
fn guard_code() -> TrapCode {
    TrapCode::user(249).expect("user codes go up to 250")
}

/// Puts guards around the stack slots of `func`. `None` if one is too large.
pub(super) fn guard_function(func: &mut Function, variant: &Variant) -> Option<()> {
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
        let content = data.size.next_multiple_of(Pattern::SIZE);
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
            } else if is_end(func.dfg.inst(inst).opcode()) {
                for guarded in &guarded {
                    guarded.check(func, inst, variant.pattern);
                }
            }
        }
    }
    let entry = func.entry_block()?;
    let first = func.layout.first_inst(entry)?;
    for guarded in &guarded {
        guarded.fill(func, first, variant.pattern);
    }
    Some(())
}

/// Whether the function is not executed any further behind such an instruction.
fn is_end(opcode: Opcode) -> bool {
    opcode.is_return() || opcode == Opcode::Trap
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
    fn fill(&self, func: &mut Function, before: Inst, pattern: Pattern) {
        let address = self.address(func, before);
        let word = insert_constant(func, before, Type::I64, pattern.word());
        for offset in (0..self.size).step_by(Pattern::SIZE as usize) {
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
    fn check(&self, func: &mut Function, before: Inst, pattern: Pattern) {
        let address = self.address(func, before);
        let word = insert_constant(func, before, Type::I64, pattern.word());
        let words = (0..self.start).chain(self.end..self.size);
        for offset in words.step_by(Pattern::SIZE as usize) {
            self.compare(func, before, (address, offset), (word, Type::I64));
        }
        for offset in self.start + self.exact..self.end {
            let byte = i64::from(pattern.byte(offset).cast_signed());
            let byte = insert_constant(func, before, Type::I8, byte);
            self.compare(func, before, (address, offset), (byte, Type::I8));
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

/// Makes the constant `number` before `before`.
pub(super) fn insert_constant(func: &mut Function, before: Inst, ty: Type, number: i64) -> Value {
    let data = InstructionData::UnaryImm {
        opcode: Opcode::Iconst,
        imm: Imm64::new(number),
    };
    insert(func, before, data, Some(ty)).expect("a constant is a result")
}

/// Makes an instruction before `before`, with a result of type `ty` if there is one.
pub(super) fn insert(
    func: &mut Function,
    before: Inst,
    data: InstructionData,
    ty: Option<Type>,
) -> Option<Value> {
    let inst = func.dfg.make_inst(data);
    func.layout.insert_inst_before(inst, before);
    ty.map(|ty| func.dfg.append_result(inst, ty))
}
