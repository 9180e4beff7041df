//! Operands of instructions that are more than one register.

use crate::backend::constants::VCodeConstant;
use crate::backend::reg::{RealReg, Reg, SpillSlot, Writable};
use crate::isa::riscv32::regs::{writable_zero_reg, zero_reg};
use alloc::boxed::Box;
use alloc::vec::Vec;
use lpc_lpir::ir::{AtomicRmwOp, ExternalName, TrapCode};
use lpc_riscv32::Imm12;
use regalloc2::PRegSet;

/// A virtual register that is read from a given physical one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FixedUse {
    /// The value.
    pub vreg: Reg,
    /// Where it must be.
    pub preg: RealReg,
}

/// A virtual register that is written to a given physical one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FixedDef {
    /// The value.
    pub vreg: Writable<Reg>,
    /// Where it will be.
    pub preg: RealReg,
}

/// An address in memory.
///
/// The offsets of those that lie in the frame may have any size: where they do not fit the instruction, emission forms the
/// address in a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AMode {
    /// A register plus an offset in bytes.
    RegOffset(Reg, Imm12),
    /// Bytes from the start of the explicit stack slots.
    SlotOffset(i32),
    /// Bytes from the first argument that the function received on the stack.
    IncomingArg(i32),
    /// Bytes from the first argument of the next call.
    OutgoingArg(i32),
    /// An argument of a tail call: the bytes of all the stack arguments that the call passes, and the bytes from the first
    /// of them.
    TailArg {
        /// The size of all the stack arguments of the call.
        args_size: u32,
        /// The distance of this one from the first.
        offset: i32,
    },
    /// A word that the register allocator keeps in the frame.
    SpillSlot(SpillSlot),
    /// A constant that is placed after the code.
    Const(VCodeConstant),
}

impl AMode {
    /// `reg + offset`, if the offset fits an instruction.
    pub fn reg_offset(reg: Reg, offset: i32) -> Option<Self> {
        let offset = Imm12::maybe(offset)?;
        Some(Self::RegOffset(reg, offset))
    }
}

/// A call: one that returns to the place after it, or one in the place of returning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallInfo {
    /// What is called.
    pub dest: CallDest,
    /// The arguments in registers.
    pub uses: Vec<FixedUse>,
    /// The results in registers; none in the place of returning.
    pub defs: Vec<FixedDef>,
    /// The registers that the call may change, without those of `defs`; none in the place of returning.
    pub clobbers: PRegSet,
    /// The bytes of stack arguments that are not on the stack any more when control comes back here: those that the callee
    /// removes. In the place of returning, those of all stack arguments.
    pub args_size: u32,
}

/// What is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallDest {
    /// The function with a name.
    Function(ExternalName),
    /// The function at an address.
    Address(Reg),
}

/// The most words that an instruction selects: those of the widest value.
pub const MAX_SELECTED_WORDS: usize = 4;

/// One of the words that an instruction selects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SelectedWord {
    /// The result.
    pub rd: Writable<Reg>,
    /// The result where the condition holds.
    pub if_true: Reg,
    /// The result where it does not.
    pub if_false: Reg,
}

impl SelectedWord {
    /// Zero, to nowhere: for places that are filled later.
    pub const NONE: Self = Self {
        rd: writable_zero_reg(),
        if_true: zero_reg(),
        if_false: zero_reg(),
    };
}

/// The words that [`MInst::SelectWide`](super::MInst::SelectWide) selects. Where neither lowering nor a text makes such an instruction,
/// there are none, and the compiler knows that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SelectedWords {
    words: Box<[SelectedWord]>,
    #[cfg(not(any(feature = "optimizer", feature = "vcode-text")))]
    never: core::convert::Infallible,
}

impl SelectedWords {
    /// These words, where there may be any.
    #[cfg(any(feature = "optimizer", feature = "vcode-text"))]
    pub fn new(words: Vec<SelectedWord>) -> Option<Self> {
        let words = words.into_boxed_slice();
        Some(Self { words })
    }

    /// Nothing.
    #[cfg(not(any(feature = "optimizer", feature = "vcode-text")))]
    pub fn new(_: Vec<SelectedWord>) -> Option<Self> {
        None
    }
}

impl core::ops::Deref for SelectedWords {
    type Target = [SelectedWord];

    fn deref(&self) -> &[SelectedWord] {
        &self.words
    }
}

impl core::ops::DerefMut for SelectedWords {
    fn deref_mut(&mut self) -> &mut [SelectedWord] {
        &mut self.words
    }
}

/// A loop that changes a word of memory, or a part of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AtomicLoopInfo {
    /// How it is changed.
    pub op: AtomicLoopOp,
    /// What the word was before.
    pub old: Writable<Reg>,
    /// A temporary register.
    pub new: Writable<Reg>,
    /// The address of the word.
    pub addr: Reg,
    /// The operand of `op`.
    pub operand: Reg,
    /// Which part of the word is changed, if not all of it.
    pub part: Option<PartOfWord>,
    /// Why it would trap, if it may.
    pub trap: Option<TrapCode>,
}

/// How a loop changes memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtomicLoopOp {
    /// It is combined with the operand. That of a part stands where the part does, with anything around it that the operation does not carry
    /// into the part; that of a signed minimum or maximum stands at the top of the register, with zeros below; that of an
    /// unsigned one has zeros around it.
    Combine(AtomicRmwOp),
    /// It is replaced by the operand, which may have anything around a part, if it is what is expected.
    Replace {
        /// What is expected. Has zeros around a part.
        expected: Reg,
    },
}

/// A part of a word of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartOfWord {
    /// The bits of the part.
    pub mask: Reg,
    /// How many bits there are above the part, modulo 32, for signed minima and maxima; `zero` for others.
    pub above: Reg,
}

/// A place some bytes into a function or datum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SymbolOffset {
    /// The function or datum.
    pub name: ExternalName,
    /// The bytes from its start.
    pub offset: i32,
}
