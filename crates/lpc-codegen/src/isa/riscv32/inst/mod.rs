//! The machine instructions of RV32, with virtual or physical registers.
//!
//! Most variants stand for all instructions of one shape, and hold the [`Opcode`] of the one that is meant: mnemonic, bits and
//! extension of each stand in the table of `lpc-riscv32` alone. Others are short sequences that the register allocator
//! treats as one instruction, or pseudo-instructions that emit nothing by themselves.

mod args;
mod machinst;
mod operands;

pub use args::{
    AMode, AtomicLoopInfo, AtomicLoopOp, CallDest, CallInfo, FixedDef, FixedUse,
    MAX_SELECTED_WORDS, PartOfWord, SelectedWord, SelectedWords, SymbolOffset,
};

use crate::backend::buffer::MachLabel;
use crate::backend::reg::{Reg, Writable};
use alloc::boxed::Box;
use alloc::vec::Vec;
use lpc_lpir::heap::Boxed;
use lpc_lpir::ir::TrapCode;
use lpc_riscv32::inst::{AtomicOrder, FenceSet};
use lpc_riscv32::{Imm12, Imm20, Opcode};

/// A machine instruction of RV32.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MInst {
    /// Defines the parameters of the function that arrive in registers. The first instruction of the entry block, where
    /// there are any; emits nothing.
    Args {
        /// The parameters.
        args: Vec<FixedDef>,
    },
    /// Takes down the frame and returns, with the results that leave in registers.
    Rets {
        /// The results.
        rets: Vec<FixedUse>,
    },
    /// `op rd, rs1, rs2`, of the format [`R`](lpc_riscv32::Format::R).
    AluRRR {
        /// What is computed.
        op: Opcode,
        /// The result.
        rd: Writable<Reg>,
        /// The first operand.
        rs1: Reg,
        /// The second operand.
        rs2: Reg,
    },
    /// `op rd, rs, imm`, of the format [`I`](lpc_riscv32::Format::I) or [`Shift`](lpc_riscv32::Format::Shift).
    AluRRImm12 {
        /// What is computed.
        op: Opcode,
        /// The result.
        rd: Writable<Reg>,
        /// The first operand.
        rs: Reg,
        /// The second operand; from 0 to 31 for a shift.
        imm: Imm12,
    },
    /// `op rd, rs`, of the format [`Unary`](lpc_riscv32::Format::Unary).
    AluRR {
        /// What is computed.
        op: Opcode,
        /// The result.
        rd: Writable<Reg>,
        /// The operand.
        rs: Reg,
    },
    /// `rd = imm << 12`.
    Lui {
        /// The result.
        rd: Writable<Reg>,
        /// Its upper 20 bits.
        imm: Imm20,
    },
    /// `rd = value`, in one or two instructions.
    LoadConst32 {
        /// The result.
        rd: Writable<Reg>,
        /// The constant.
        value: i32,
    },
    /// `rd = rs`.
    Mov {
        /// The copy.
        rd: Writable<Reg>,
        /// What is copied.
        rs: Reg,
    },
    /// A load, of the format [`Load`](lpc_riscv32::Format::Load).
    Load {
        /// How much is loaded and how it is extended.
        op: Opcode,
        /// The result.
        rd: Writable<Reg>,
        /// Where from.
        addr: AMode,
        /// Why it would trap, if it may.
        trap: Option<TrapCode>,
    },
    /// A store, of the format [`Store`](lpc_riscv32::Format::Store).
    Store {
        /// How much is stored.
        op: Opcode,
        /// What is stored.
        src: Reg,
        /// Where to.
        addr: AMode,
        /// Why it would trap, if it may.
        trap: Option<TrapCode>,
    },
    /// `rd` = the address `addr`.
    LoadAddr {
        /// The result.
        rd: Writable<Reg>,
        /// The address.
        addr: AMode,
    },
    /// `rd` = the address of a function or datum, as a distance from the instruction.
    LoadSym {
        /// The result.
        rd: Writable<Reg>,
        /// What the address is of.
        symbol: Boxed<SymbolOffset>,
    },
    /// `rd` = the address that the function returns to.
    LoadReturnAddress {
        /// The result.
        rd: Writable<Reg>,
    },
    /// An atomic memory access, of the format [`LoadReserved`](lpc_riscv32::Format::LoadReserved),
    /// [`StoreConditional`](lpc_riscv32::Format::StoreConditional) or [`AtomicMemory`](lpc_riscv32::Format::AtomicMemory).
    Atomic {
        /// What is done.
        op: Opcode,
        /// How it is ordered.
        order: AtomicOrder,
        /// What was loaded, or whether storing failed.
        rd: Writable<Reg>,
        /// Where.
        addr: Reg,
        /// The operand; `zero` for a load.
        src: Reg,
        /// Why it would trap, if it may.
        trap: Option<TrapCode>,
    },
    /// Changes memory by `lr.w` and `sc.w`, until nobody comes in between.
    AtomicLoop {
        /// What is changed and how.
        info: Boxed<AtomicLoopInfo>,
    },
    /// Goes to `taken` if the branch instruction `op` on `rs1` and `rs2` is taken, else to `not_taken`.
    CondBr {
        /// The condition: an opcode of the format [`Branch`](lpc_riscv32::Format::Branch).
        op: Opcode,
        /// The first operand.
        rs1: Reg,
        /// The second operand.
        rs2: Reg,
        /// The first successor.
        taken: MachLabel,
        /// The second successor.
        not_taken: MachLabel,
    },
    /// Goes to `dest`.
    Jump {
        /// The successor.
        dest: MachLabel,
    },
    /// Goes to the target number `index` (unsigned, 32 bits), or to the default if there is no such target. The default is the
    /// first successor; the targets follow.
    BrTable {
        /// Which target.
        index: Reg,
        /// A temporary register.
        tmp1: Writable<Reg>,
        /// Another.
        tmp2: Writable<Reg>,
        /// The default, and behind it where each index leads.
        targets: Box<[MachLabel]>,
    },
    /// Calls a function.
    Call {
        /// What is called and how.
        info: Boxed<CallInfo>,
    },
    /// Takes down the frame and goes to a function, which returns in the place of this one.
    ReturnCall {
        /// What is called and how.
        info: Boxed<CallInfo>,
    },
    /// `rd` = `if_true` if the branch instruction `op` on `rs1` and `rs2` would be taken, else `if_false`: a branch over a
    /// move.
    Select {
        /// The condition: an opcode of the format [`Branch`](lpc_riscv32::Format::Branch).
        op: Opcode,
        /// The result.
        rd: Writable<Reg>,
        /// The first operand of the condition.
        rs1: Reg,
        /// The second operand of the condition.
        rs2: Reg,
        /// The result where the condition holds.
        if_true: Reg,
        /// The result where it does not.
        if_false: Reg,
    },
    /// The same choice for several words at once: one branch over all their moves.
    SelectWide {
        /// The condition: an opcode of the format [`Branch`](lpc_riscv32::Format::Branch).
        op: Opcode,
        /// The first operand of the condition.
        rs1: Reg,
        /// The second operand of the condition.
        rs2: Reg,
        /// What is selected.
        words: SelectedWords,
    },
    /// Traps if the branch instruction `op` on `rs1` and `rs2` would be taken.
    TrapIf {
        /// The condition: an opcode of the format [`Branch`](lpc_riscv32::Format::Branch).
        op: Opcode,
        /// The first operand.
        rs1: Reg,
        /// The second operand.
        rs2: Reg,
        /// Why it traps.
        code: TrapCode,
    },
    /// Traps. Ends a block.
    Udf {
        /// Why it traps.
        code: TrapCode,
    },
    /// Stops in the debugger; execution may go on.
    Ebreak,
    /// Orders accesses before it before accesses that follow.
    Fence {
        /// Which ones before it.
        predecessors: FenceSet,
        /// Which ones that follow.
        successors: FenceSet,
    },
    /// Does nothing, in one instruction.
    Nop,
    /// Keeps the value of `reg` alive up to here; emits nothing.
    DummyUse {
        /// The value.
        reg: Reg,
    },
}
