//! Breaks of opcodes and results.

use super::breaks::in_function;
use super::pick;
use fastrand::Rng;
use lpc_lpir::ir::{AtomicRmwOp, Inst, InstructionData, IntCC, Module, Opcode, TrapCode};

/// An opcode becomes another one of the same format.
pub(super) fn same_format(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |_| true)?;
        let format = func.dfg.inst(inst).opcode().format();
        let opcodes = Opcode::ALL.iter().copied();
        let opcodes = opcodes.filter(|opcode| opcode.format() == format);
        let opcode = random.choice(opcodes.collect::<Vec<_>>())?;
        *func.dfg.inst_mut(inst).opcode_mut() = opcode;
        Some(())
    })
}

/// An opcode becomes any other one.
pub(super) fn any(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |_| true)?;
        let opcode = Opcode::ALL[random.usize(..Opcode::ALL.len())];
        *func.dfg.inst_mut(inst).opcode_mut() = opcode;
        Some(())
    })
}

/// A condition, an atomic operation or a trap code becomes another one.
pub(super) fn variation(module: &mut Module, random: &mut Rng) -> Option<()> {
    use InstructionData::*;
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |inst| {
            matches!(
                func.dfg.inst(inst),
                IntCompare { .. }
                    | AtomicRmw { .. }
                    | Trap { .. }
                    | CondTrap { .. }
                    | IntAddTrap { .. }
            )
        })?;
        match func.dfg.inst_mut(inst) {
            IntCompare { cond, .. } => *cond = *random.choice(IntCC::ALL)?,
            AtomicRmw { op, .. } => *op = *random.choice(AtomicRmwOp::ALL)?,
            Trap { code, .. } | CondTrap { code, .. } | IntAddTrap { code, .. } => {
                *code = TrapCode::from_raw(random.u8(1..).try_into().ok()?);
            }
            _ => return None,
        }
        Some(())
    })
}

/// An instruction has one more result.
pub(super) fn more_results(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |_| true)?;
        func.dfg.append_result(inst, pick::ty(random));
        Some(())
    })
}

/// An instruction has results of its own, of which nobody knows.
pub(super) fn other_results(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |_| true)?;
        let copy: Inst = func.dfg.make_inst(*func.dfg.inst(inst));
        func.layout.insert_inst_before(copy, inst);
        for _ in 0..random.usize(..3) {
            func.dfg.append_result(copy, pick::ty(random));
        }
        func.layout.remove_inst(inst);
        Some(())
    })
}
