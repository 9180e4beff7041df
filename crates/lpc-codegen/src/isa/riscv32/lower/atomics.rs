//! Atomic instructions, all of which are sequentially consistent.
//!
//! | | with the A extension |
//! |---|---|
//! | load | `fence rw, rw; l…; fence r, rw` |
//! | store | `fence rw, w; s…` |
//! | change of a word | `amo….w.aqrl` |
//! | where there is no such instruction, and replacement | a loop of `lr.w` and `sc.w`, see [`MInst::AtomicLoop`] |
//! | change of a part | of the aligned word around it; the bitwise ones leave what is around the part by their operand |
//! | big-endian value | the bytes of the operands and of the result in the opposite order; what carries, or compares, by a routine of the [runtime](crate::runtime) |
//!
//! These are the sequences that the manual maps the atomic operations of C to (volume I, appendix "Code Porting and Mapping
//! Guidelines"), so compiled code may share memory with code in C. Loads and stores of a word need no extension.
//!
//! With the setting [`single_hart`](crate::Settings::single_hart) nobody can come in between two accesses: the instructions
//! become a load and a store, with what they compute between them.

use super::arithmetic::SumOp;
use super::narrow::Extend;
use super::words::{Word, Words, num_words};
use super::{Ctx, memory, operands, require};
use crate::backend::lower::Lower;
use crate::backend::reg::{Reg, Writable};
use crate::error::UnsupportedFeature;
use crate::isa::riscv32::inst::{AMode, AtomicLoopInfo, AtomicLoopOp, MInst, PartOfWord};
use crate::isa::riscv32::regs::zero_reg;
use crate::runtime::{ByteOrderedOp, Routine};
use lpc_lpir::ir::{
    AtomicRmwOp, Endianness, Inst, InstructionData, IntCC, MemFlags, Opcode, TrapCode, Type, Value,
};
use lpc_riscv32::inst::{AtomicOrder, FenceSet};
use lpc_riscv32::{Extension, Imm12, Opcode as Op};

pub(super) fn lower_fence(ctx: Ctx, _: Inst) {
    fence(ctx, FenceSet::ALL, FenceSet::ALL);
}

fn fence(ctx: Ctx, predecessors: FenceSet, successors: FenceSet) {
    ctx.emit(MInst::Fence {
        predecessors,
        successors,
    });
}

pub(super) fn lower_load(ctx: Ctx, inst: Inst) {
    let result = ctx.result(inst);
    // Memory is accessed even where nobody reads the result.
    ctx.put_word_in_reg(result, 0);
    if ctx.settings.single_hart {
        return memory::lower_load(ctx, inst);
    }
    if !require_word(ctx, inst, result) {
        return;
    }
    fence(ctx, FenceSet::MEMORY, FenceSet::MEMORY);
    memory::lower_load(ctx, inst);
    fence(ctx, FenceSet::READS, FenceSet::MEMORY);
}

pub(super) fn lower_store(ctx: Ctx, inst: Inst) {
    if ctx.settings.single_hart {
        return memory::lower_store(ctx, inst);
    }
    let [value, _] = operands(ctx, inst);
    if !require_word(ctx, inst, value) {
        return;
    }
    fence(ctx, FenceSet::MEMORY, FenceSet::WRITES);
    memory::lower_store(ctx, inst)
}

pub(super) fn lower_rmw(ctx: Ctx, inst: Inst) {
    let InstructionData::AtomicRmw {
        op,
        flags,
        args: [address, operand],
        ..
    } = *ctx.data(inst)
    else {
        unreachable!("{} has no operation", ctx.data(inst).opcode());
    };
    let access = Access::new(ctx, address, flags, operand);
    let old = if ctx.settings.single_hart {
        ctx.plain_rmw(&access, op, operand)
    } else {
        if !require_word(ctx, inst, operand) {
            return;
        }
        let routine = match access.is_big_endian {
            true => big_endian_routine(op, access.ty),
            false => None,
        };
        let opcode = match access.is_word() || is_bitwise(op) {
            true => amo_opcode(op).filter(|_| ctx.has(Extension::Zaamo)),
            false => None,
        };
        if (routine.is_some() || opcode.is_none()) && !require_loops(ctx, inst) {
            return;
        }
        Words::one(match routine {
            Some(routine) => ctx.call_rmw_routine(&access, op, operand, routine),
            None => ctx.atomic_rmw(&access, op, operand, opcode),
        })
    };
    let result = ctx.result(inst);
    ctx.define(result, &old);
}

pub(super) fn lower_cas(ctx: Ctx, inst: Inst) {
    let InstructionData::AtomicCas {
        flags,
        args: [address, expected, replacement],
        ..
    } = *ctx.data(inst)
    else {
        unreachable!("{} replaces nothing", ctx.data(inst).opcode());
    };
    let access = Access::new(ctx, address, flags, expected);
    let old = if ctx.settings.single_hart {
        ctx.plain_cas(&access, expected, replacement)
    } else {
        if !require_word(ctx, inst, expected) || !require_loops(ctx, inst) {
            return;
        }
        Words::one(ctx.atomic_cas(&access, expected, replacement))
    };
    let result = ctx.result(inst);
    ctx.define(result, &old);
}

/// Refuses `inst` when the machine has no loops of `lr.w` and `sc.w`. Says whether it has them.
fn require_loops(ctx: Ctx, inst: Inst) -> bool {
    require(
        ctx,
        inst,
        Extension::Zalrsc,
        UnsupportedFeature::AtomicAccess,
    )
}

/// Refuses `inst` when `value`, which it accesses atomically, is wider than what the machine so accesses.
fn require_word(ctx: Ctx, inst: Inst, value: Value) -> bool {
    let is_word = num_words(ctx.ty(value)) == 1;
    if !is_word {
        ctx.refuse(inst, UnsupportedFeature::WideAtomicAccess);
    }
    is_word
}

/// Memory that is changed.
struct Access {
    address: Value,
    flags: MemFlags,
    /// The type of what it holds.
    ty: Type,
    /// Whether its bytes are in the opposite order.
    is_big_endian: bool,
}

impl Access {
    fn new(ctx: Ctx, address: Value, flags: MemFlags, value: Value) -> Self {
        let ty = ctx.ty(value);
        Self {
            address,
            flags,
            ty,
            is_big_endian: ty != Type::I8 && flags.explicit_endianness() == Some(Endianness::Big),
        }
    }

    fn is_word(&self) -> bool {
        self.ty == Type::I32
    }

    fn trap(&self) -> Option<TrapCode> {
        self.flags.trap_code()
    }
}

/// A value of at most a word, in the aligned word around it.
struct Part {
    /// The address of the word.
    addr: Reg,
    /// How many bits of the word there are below it, modulo 32.
    below: Word,
    /// Its bits.
    mask: Word,
    /// How many bits a word has more than it.
    above_bits: i32,
}

/// The instruction that does `op` on a word in memory. Subtraction is the addition of the negated operand.
fn amo_opcode(op: AtomicRmwOp) -> Option<Op> {
    Some(match op {
        AtomicRmwOp::Add | AtomicRmwOp::Sub => Op::AmoaddW,
        AtomicRmwOp::And => Op::AmoandW,
        AtomicRmwOp::Or => Op::AmoorW,
        AtomicRmwOp::Xor => Op::AmoxorW,
        AtomicRmwOp::Xchg => Op::AmoswapW,
        AtomicRmwOp::Umin => Op::AmominuW,
        AtomicRmwOp::Umax => Op::AmomaxuW,
        AtomicRmwOp::Smin => Op::AmominW,
        AtomicRmwOp::Smax => Op::AmomaxW,
        AtomicRmwOp::Nand => return None,
    })
}

/// Whether `op` can leave bits as they are, by what its operand is there.
fn is_bitwise(op: AtomicRmwOp) -> bool {
    matches!(op, AtomicRmwOp::And | AtomicRmwOp::Or | AtomicRmwOp::Xor)
}

/// The routine that changes a big-endian value of type `ty` by `op`, if the order of the bytes matters to that.
/// Subtraction is the addition of the negated operand.
fn big_endian_routine(op: AtomicRmwOp, ty: Type) -> Option<Routine> {
    let op = match op {
        AtomicRmwOp::Add | AtomicRmwOp::Sub => ByteOrderedOp::Add,
        AtomicRmwOp::Umin => ByteOrderedOp::Umin,
        AtomicRmwOp::Umax => ByteOrderedOp::Umax,
        AtomicRmwOp::Smin => ByteOrderedOp::Smin,
        AtomicRmwOp::Smax => ByteOrderedOp::Smax,
        _ => return None,
    };
    Some(match ty {
        Type::I16 => Routine::AtomicRmwBig16(op),
        _ => Routine::AtomicRmwBig32(op),
    })
}

impl Lower<'_, MInst> {
    fn has(&self, extension: Extension) -> bool {
        self.settings.extensions.contains(extension)
    }

    /// Changes what memory holds, at most a word, by the instruction `opcode` or by a loop, and gives what it was before.
    fn atomic_rmw(
        &mut self,
        access: &Access,
        op: AtomicRmwOp,
        operand: Value,
        opcode: Option<Op>,
    ) -> Word {
        use AtomicRmwOp::*;
        let address = self.word(access.address, 0);
        let operand = self.in_memory_order(access, operand);
        let part = self.part_of_word(access, address);
        let operand = match op {
            Or | Xor | Umin | Umax => self.extend(operand, access.ty, Extend::Zero),
            _ => operand,
        };
        let operand = match op {
            Smin | Smax => self.shl(operand, Word::Const(part.above_bits)),
            _ => self.shl(operand, part.below),
        };
        let Some(opcode) = opcode else {
            return self.rmw_loop(access, op, operand, &part);
        };
        let operand = match op {
            Sub => self.neg(operand),
            And => {
                let around = self.not(part.mask);
                self.or(operand, around)
            }
            _ => operand,
        };
        let src = self.reg(operand);
        let rd = self.temp();
        self.emit(MInst::Atomic {
            op: opcode,
            order: AtomicOrder::SEQUENTIALLY_CONSISTENT,
            rd,
            addr: part.addr,
            src,
            trap: access.trap(),
        });
        self.value_in_word(access, &part, rd)
    }

    fn rmw_loop(&mut self, access: &Access, op: AtomicRmwOp, operand: Word, part: &Part) -> Word {
        let mut part_of_word = None;
        if !access.is_word() {
            let above = match op {
                AtomicRmwOp::Smin | AtomicRmwOp::Smax => {
                    self.sub(Word::Const(part.above_bits), part.below)
                }
                _ => Word::ZERO,
            };
            let (mask, above) = (self.reg(part.mask), self.reg(above));
            part_of_word = Some(PartOfWord { mask, above });
        }
        let operand = self.reg(operand);
        let info = AtomicLoopInfo {
            op: AtomicLoopOp::Combine(op),
            old: self.temp(),
            new: self.temp(),
            addr: part.addr,
            operand,
            part: part_of_word,
            trap: access.trap(),
        };
        self.atomic_loop(access, part, info)
    }

    /// Appends a loop, and gives what memory was before.
    fn atomic_loop(&mut self, access: &Access, part: &Part, info: AtomicLoopInfo) -> Word {
        let old = info.old;
        if let Some(info) = self.boxed(info) {
            self.emit(MInst::AtomicLoop { info });
        }
        self.value_in_word(access, part, old)
    }

    /// The value of an access, of which `word` is what memory held around it.
    fn value_in_word(&mut self, access: &Access, part: &Part, word: Writable<Reg>) -> Word {
        let value = self.shr(Word::Reg(word.to_reg()), part.below);
        self.in_value_order(access, value)
    }

    /// Changes a big-endian value by a routine. It is loaded here first, so that a trap is one of this function.
    fn call_rmw_routine(
        &mut self,
        access: &Access,
        op: AtomicRmwOp,
        operand: Value,
        routine: Routine,
    ) -> Word {
        let addr = self.word(access.address, 0);
        let operand = self.word(operand, 0);
        let operand = match op {
            AtomicRmwOp::Sub => self.neg(operand),
            _ => operand,
        };
        let base = self.reg(addr);
        let found = self.temp();
        self.emit(MInst::Load {
            op: if access.is_word() { Op::Lw } else { Op::Lhu },
            rd: found,
            addr: AMode::RegOffset(base, Imm12::ZERO),
            trap: access.trap(),
        });
        let found = Word::Reg(found.to_reg());
        self.call_routine(routine, &[addr, operand, found])[0]
    }

    /// Replaces what memory holds, at most a word, if it is `expected`, and gives what it was before.
    fn atomic_cas(&mut self, access: &Access, expected: Value, replacement: Value) -> Word {
        let expected = self.in_memory_order(access, expected);
        let replacement = self.in_memory_order(access, replacement);
        let address = self.word(access.address, 0);
        let part = self.part_of_word(access, address);
        let expected = self.extend(expected, access.ty, Extend::Zero);
        let expected = self.shl(expected, part.below);
        let replacement = self.shl(replacement, part.below);
        let (old, new) = (self.temp(), self.temp());
        let expected = self.reg(expected);
        let operand = self.reg(replacement);
        let mut part_of_word = None;
        if !access.is_word() {
            let (mask, above) = (self.reg(part.mask), zero_reg());
            part_of_word = Some(PartOfWord { mask, above });
        }
        let info = AtomicLoopInfo {
            op: AtomicLoopOp::Replace { expected },
            old,
            new,
            addr: part.addr,
            operand,
            part: part_of_word,
            trap: access.trap(),
        };
        self.atomic_loop(access, &part, info)
    }

    /// Where the value lies that is accessed at `address`. That is aligned, so it does not reach into the next word.
    fn part_of_word(&mut self, access: &Access, address: Word) -> Part {
        let mut part = Part {
            addr: zero_reg(),
            below: Word::ZERO,
            mask: Word::Const(-1),
            above_bits: 32 - access.ty.bits() as i32,
        };
        let mut aligned = address;
        if !access.is_word() {
            aligned = self.and(address, Word::Const(-4));
            part.below = self.shl(address, Word::Const(3));
            let ones = Word::Const((1 << access.ty.bits()) - 1);
            part.mask = self.shl(ones, part.below);
        }
        part.addr = self.reg(aligned);
        part
    }

    /// `value`, an operand of the access, with its bytes in the order of memory. Those above it are undefined.
    fn in_memory_order(&mut self, access: &Access, value: Value) -> Word {
        let word = self.word(value, 0);
        self.in_value_order(access, word)
    }

    /// What memory holds, with its bytes in the order of the machine. Those above it are undefined.
    fn in_value_order(&mut self, access: &Access, word: Word) -> Word {
        match access.ty {
            _ if !access.is_big_endian => word,
            Type::I16 => self.swap_two_bytes(word),
            _ => self.swap_bytes(word),
        }
    }

    /// Changes what memory holds when nobody can come in between.
    fn plain_rmw(&mut self, access: &Access, op: AtomicRmwOp, operand: Value) -> Words {
        use AtomicRmwOp::*;
        let extend = match op {
            Smin | Smax => Extend::Sign,
            _ => Extend::Zero,
        };
        let operand = match op {
            Smin | Smax | Umin | Umax => self.extended_words(operand, extend),
            _ => self.words(operand),
        };
        let place = self.place(access.address, access.flags, access.ty);
        let old = self.load_place(&place);
        let new = match op {
            Add => self.sum_words(SumOp::Add, &old, &operand),
            Sub => self.sum_words(SumOp::Sub, &old, &operand),
            Smin | Smax | Umin | Umax => {
                let mut extended = old.clone();
                // A narrow value is one word; the others are not changed by that.
                extended[0] = self.extend(old[0], access.ty, extend);
                let opcode = match op {
                    Smin => Opcode::Smin,
                    Smax => Opcode::Smax,
                    Umin => Opcode::Umin,
                    _ => Opcode::Umax,
                };
                self.min_max(opcode, &extended, &operand)
            }
            _ => self.each_word(
                &old,
                &operand,
                match op {
                    And => Self::and,
                    Or => Self::or,
                    Xor => Self::xor,
                    Nand => |ctx, old, operand| {
                        let both = ctx.and(old, operand);
                        ctx.not(both)
                    },
                    _ => |_, _, operand| operand,
                },
            ),
        };
        self.store_place(&place, &new);
        old
    }

    /// Replaces what memory holds if it is `expected`, when nobody can come in between. Stores in both cases.
    fn plain_cas(&mut self, access: &Access, expected: Value, replacement: Value) -> Words {
        let expected = self.extended_words(expected, Extend::Zero);
        let replacement = self.words(replacement);
        let place = self.place(access.address, access.flags, access.ty);
        let old = self.load_place(&place);
        let is_expected = self.compare(IntCC::Equal, &old, &expected);
        let new = self.select_words(is_expected, &replacement, &old);
        self.store_place(&place, &new);
        old
    }
}
