//! What the register allocator is told of each instruction.

use super::{
    AMode, AtomicLoopInfo, AtomicLoopOp, CallDest, FixedDef, FixedUse, MAX_SELECTED_WORDS, MInst,
    SelectedWord,
};
use crate::backend::operands::DescribeOperands;
use crate::backend::reg::{Reg, Writable};
use crate::isa::riscv32::regs::TAIL_CALL_TARGET;

impl MInst {
    /// Visits the register operands, always in the same order.
    pub(super) fn visit_operands(&mut self, visitor: &mut impl DescribeOperands) {
        match self {
            Self::Args { args } => fixed_defs(args, visitor),
            Self::Rets { rets } => fixed_uses(rets, visitor),
            Self::AluRRR { rd, rs1, rs2, .. } => {
                visitor.reg_use(rs1);
                visitor.reg_use(rs2);
                visitor.reg_def(rd);
            }
            Self::AluRRImm12 { rd, rs, .. } | Self::AluRR { rd, rs, .. } | Self::Mov { rd, rs } => {
                visitor.reg_use(rs);
                visitor.reg_def(rd);
            }
            Self::Lui { rd, .. }
            | Self::LoadConst32 { rd, .. }
            | Self::LoadSym { rd, .. }
            | Self::LoadReturnAddress { rd } => visitor.reg_def(rd),
            Self::Load { rd, addr, .. } | Self::LoadAddr { rd, addr } => {
                address(addr, visitor);
                visitor.reg_def(rd);
            }
            Self::Store { src, addr, .. } => {
                visitor.reg_use(src);
                address(addr, visitor);
            }
            Self::Atomic { rd, addr, src, .. } => {
                visitor.reg_use(addr);
                visitor.reg_use(src);
                visitor.reg_def(rd);
            }
            Self::AtomicLoop { info } => atomic_loop(info, visitor),
            Self::CondBr { rs1, rs2, .. } | Self::TrapIf { rs1, rs2, .. } => {
                visitor.reg_use(rs1);
                visitor.reg_use(rs2);
            }
            Self::BrTable {
                index, tmp1, tmp2, ..
            } => {
                visitor.reg_use(index);
                visitor.reg_early_def(tmp1);
                visitor.reg_early_def(tmp2);
            }
            Self::Call { info } => {
                if let CallDest::Address(address) = &mut info.dest {
                    visitor.reg_use(address);
                }
                fixed_uses(&mut info.uses, visitor);
                fixed_defs(&mut info.defs, visitor);
            }
            Self::ReturnCall { info } => {
                if let CallDest::Address(address) = &mut info.dest {
                    // The epilogue runs before the jump: no register that it restores or needs may hold the target.
                    visitor.reg_fixed_use(address, TAIL_CALL_TARGET);
                }
                fixed_uses(&mut info.uses, visitor);
            }
            Self::Select {
                rd,
                rs1,
                rs2,
                if_true,
                if_false,
                ..
            } => select(rd, if_true, (rs1, rs2), if_false, visitor),
            Self::SelectWide {
                rs1, rs2, words, ..
            } => select_wide((rs1, rs2), words, visitor),
            Self::DummyUse { reg } => visitor.reg_use(reg),
            Self::Jump { .. }
            | Self::Udf { .. }
            | Self::Ebreak
            | Self::Fence { .. }
            | Self::Nop => {}
        }
    }
}

fn fixed_uses(uses: &mut [FixedUse], visitor: &mut impl DescribeOperands) {
    for FixedUse { vreg, preg } in uses {
        visitor.reg_fixed_use(vreg, *preg);
    }
}

fn fixed_defs(defs: &mut [FixedDef], visitor: &mut impl DescribeOperands) {
    for FixedDef { vreg, preg } in defs {
        visitor.reg_fixed_def(vreg, *preg);
    }
}

fn address(addr: &mut AMode, visitor: &mut impl DescribeOperands) {
    match addr {
        AMode::RegOffset(base, _) => visitor.reg_use(base),
        AMode::SlotOffset(_)
        | AMode::IncomingArg(_)
        | AMode::OutgoingArg(_)
        | AMode::TailArg { .. }
        | AMode::SpillSlot(_)
        | AMode::Const(_) => {}
    }
}

/// The result is `if_true` until the move is reached, so it takes its register. Where that is a register that cannot be
/// written, the result is written first, while the other operands are still needed.
fn select(
    rd: &mut Writable<Reg>,
    if_true: &mut Reg,
    condition: (&mut Reg, &mut Reg),
    if_false: &mut Reg,
    visitor: &mut impl DescribeOperands,
) {
    let reuse = if_true.is_virtual();
    visitor.reg_use(if_true);
    visitor.reg_use(condition.0);
    visitor.reg_use(condition.1);
    visitor.reg_use(if_false);
    if reuse {
        visitor.reg_reuse_def(rd, 0);
    } else {
        visitor.reg_early_def(rd);
    }
}

/// As with one word, each result takes the register of its `if_true`. The other operands are needed while results are being
/// written, the condition where a result takes the place of a register that cannot be written, and so share no register
/// with any of the results: the moves come out right in every order, even where words change places.
///
/// Kept apart, because the list would make the visit of every other instruction save registers.
#[inline(never)]
fn select_wide(
    condition: (&mut Reg, &mut Reg),
    words: &mut [SelectedWord],
    visitor: &mut impl DescribeOperands,
) {
    debug_assert!(words.len() <= MAX_SELECTED_WORDS);
    let mut are_reused = [false; MAX_SELECTED_WORDS];
    for (is_reused, word) in are_reused.iter_mut().zip(&*words) {
        *is_reused = word.if_true.is_virtual();
    }
    for word in words.iter_mut() {
        visitor.reg_use(&mut word.if_true);
    }
    visitor.reg_late_use(condition.0);
    visitor.reg_late_use(condition.1);
    for word in words.iter_mut() {
        visitor.reg_late_use(&mut word.if_false);
    }
    let mut operand = 0;
    for (word, is_reused) in words.iter_mut().zip(are_reused) {
        if is_reused {
            visitor.reg_reuse_def(&mut word.rd, operand);
            operand += 1;
        } else {
            visitor.reg_def(&mut word.rd);
        }
    }
}

/// All operands are read each time around, after the results of the time before have been written.
fn atomic_loop(info: &mut AtomicLoopInfo, visitor: &mut impl DescribeOperands) {
    visitor.reg_late_use(&mut info.addr);
    if let AtomicLoopOp::Replace { expected } = &mut info.op {
        visitor.reg_late_use(expected);
    }
    visitor.reg_late_use(&mut info.operand);
    if let Some(part) = &mut info.part {
        visitor.reg_late_use(&mut part.mask);
        visitor.reg_late_use(&mut part.above);
    }
    visitor.reg_def(&mut info.old);
    visitor.reg_def(&mut info.new);
}
