//! The RV32 instructions as the backend sees them.

use super::{AMode, MInst};
use crate::backend::buffer::{MachBuffer, MachLabel};
use crate::backend::emit::EmitContext;
use crate::backend::frame::{AllocationSummary, FrameLayout, FrameRequirements, FrameTooLarge};
use crate::backend::machinst::{CallType, CodeOffset, MachInst, MachTerminator};
use crate::backend::operands::{AnyVisitor, OperandVisitor};
use crate::backend::reg::{RealReg, Reg, RegClass, SpillSlot, Writable};
use crate::isa::riscv32::emit::{EmitInfo, LabelUse};
use crate::isa::riscv32::{emit, frame, regs};
use crate::settings::CodeAlignment;
use alloc::vec::Vec;
use lpc_riscv32::Opcode;
use regalloc2::{MachineEnv, PRegSet};

impl MachInst for MInst {
    type EmitInfo = EmitInfo;
    type LabelUse = LabelUse;

    fn trap_opcode(info: &EmitInfo) -> &'static [u8] {
        emit::trap_opcode(info)
    }

    fn function_alignment(info: &EmitInfo) -> u32 {
        info.instruction_alignment()
    }

    fn preferred_function_alignment(info: &EmitInfo) -> CodeAlignment {
        info.function_alignment
    }

    fn loop_alignment(info: &EmitInfo) -> CodeAlignment {
        info.loop_alignment
    }

    fn optimizes(info: &EmitInfo) -> bool {
        info.optimizes()
    }

    fn gen_nops(size: CodeOffset, code: &mut Vec<u8>) {
        emit::gen_nops(size, code);
    }

    fn get_operands(&mut self, visitor: &mut impl OperandVisitor) {
        // On hosts there is code for each visitor. On the chip there is one function for all of them.
        match cfg!(target_os = "none") {
            true => self.visit_operands(&mut AnyVisitor(visitor)),
            false => self.visit_operands(visitor),
        }
    }

    fn is_term(&self) -> MachTerminator {
        match self {
            Self::Rets { .. } | Self::Udf { .. } => MachTerminator::Ret,
            Self::ReturnCall { .. } => MachTerminator::RetCall,
            Self::CondBr { .. } | Self::Jump { .. } | Self::BrTable { .. } => {
                MachTerminator::Branch
            }
            _ => MachTerminator::None,
        }
    }

    fn is_move(&self) -> Option<(Writable<Reg>, Reg)> {
        match *self {
            Self::Mov { rd, rs } => Some((rd, rs)),
            _ => None,
        }
    }

    fn is_jump(&self) -> Option<MachLabel> {
        match *self {
            Self::Jump { dest } => Some(dest),
            _ => None,
        }
    }

    fn call_type(&self) -> CallType {
        match self {
            Self::Call { .. } => CallType::Regular,
            Self::ReturnCall { .. } => CallType::TailCall,
            _ => CallType::None,
        }
    }

    fn clobbers(&self) -> PRegSet {
        match self {
            Self::Call { info } => info.clobbers,
            _ => PRegSet::empty(),
        }
    }

    fn visit_targets(&self, visit: &mut dyn FnMut(MachLabel)) {
        match self {
            Self::Jump { dest } => visit(*dest),
            Self::CondBr {
                taken, not_taken, ..
            } => {
                visit(*taken);
                visit(*not_taken);
            }
            Self::BrTable { targets, .. } => {
                targets.iter().copied().for_each(visit);
            }
            _ => {}
        }
    }

    const WORST_CASE_MOVE_SIZE: CodeOffset = emit::WORST_CASE_SIMPLE_SIZE;

    fn gen_move(to: Writable<Reg>, from: Reg) -> Self {
        Self::Mov { rd: to, rs: from }
    }

    fn gen_spill(to: SpillSlot, from: RealReg) -> Self {
        Self::Store {
            op: Opcode::Sw,
            src: from.to_reg(),
            addr: AMode::SpillSlot(to),
            trap: None,
        }
    }

    fn gen_reload(to: Writable<RealReg>, from: SpillSlot) -> Self {
        Self::Load {
            op: Opcode::Lw,
            rd: to.map(RealReg::to_reg),
            addr: AMode::SpillSlot(from),
            trap: None,
        }
    }

    fn gen_jump(target: MachLabel) -> Self {
        Self::Jump { dest: target }
    }

    fn spillslot_words(class: RegClass) -> u32 {
        match class {
            RegClass::Int => 1,
            RegClass::Float => 2,
            RegClass::Vector => 4,
        }
    }

    fn machine_env(preserve_frame_pointers: bool) -> MachineEnv {
        regs::machine_env(preserve_frame_pointers)
    }

    fn compute_frame_layout(
        requirements: &FrameRequirements,
        allocation: &AllocationSummary,
    ) -> Result<FrameLayout, FrameTooLarge> {
        frame::compute_frame_layout(requirements, allocation)
    }

    fn emit_prologue(
        stack_limit: &[Self],
        buffer: &mut MachBuffer<Self>,
        context: &EmitContext<'_>,
    ) {
        let frame = context.frame;
        if !stack_limit.is_empty() && frame::needs_stack(frame) {
            for inst in stack_limit {
                inst.emit(buffer, context);
            }
            frame::emit_stack_check(frame, buffer);
            buffer.keep_entry_traps();
        }
        frame::emit_prologue(frame, buffer);
    }

    fn worst_case_size(&self) -> CodeOffset {
        emit::worst_case_size(self)
    }

    fn emit(&self, buffer: &mut MachBuffer<Self>, context: &EmitContext<'_>) {
        emit::emit(self, buffer, context);
    }
}
