//! The execution loop.
//!
//! [`execute_ops`] is the fast part: from op to op, and from jump to jump as long as the targets are
//! decoded. Everything rare (decoding, traps, arrival at the halt address, control and status
//! registers) makes it return, and is handled in [`Emulator::execute`] around it.

use super::Emulator;
use super::code::Code;
use super::hart::{Flow, Hart};
use super::trace::{Trace, TraceEvent};
use super::trap::{Exit, Stop, TrapCause};
use crate::fetch::FetchedInst;
use crate::inst::Inst;
use crate::table::Opcode;

impl Emulator {
    /// Executes up to `limit` instructions from the pc on.
    pub(super) fn execute<T: Trace>(&mut self, limit: u64, tracer: &mut T) -> Stop {
        if self.pc & self.misaligned_pc_bits() != 0 {
            return Exit::Trap(TrapCause::InstructionAddressMisaligned, self.pc).at(self.pc);
        }
        let limit = self.hart.counters.instructions.saturating_add(limit);
        let mut parcel = self.code.parcel_of(self.pc);
        loop {
            let first = match self.code.entry(parcel) {
                Some(first) => first,
                None => match self.decode_run(parcel, limit) {
                    Ok(first) => first,
                    Err(stop) => return stop,
                },
            };
            let allowed = limit - self.hart.counters.instructions;
            let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
            let ended = execute_ops(&mut self.hart, &self.code, first, allowed, tracer);
            self.hart.counters.instructions += ended.executed as u64;
            parcel = match self.after_ops(ended.op, ended.result, limit) {
                Ok(parcel) => parcel,
                Err(stop) => return stop,
            };
        }
    }

    /// Decodes the run at `parcel`, or says why there is none and stops there.
    #[cold]
    fn decode_run(&mut self, parcel: u32, limit: u64) -> Result<usize, Stop> {
        self.pc = self.code.pc_of(parcel);
        if self.hart.counters.instructions == limit {
            return Err(self.stop_at_limit());
        }
        self.code
            .decode_run(parcel, &self.hart.memory, self.halt_address)
            .map_err(|exit| exit.at(self.pc))
    }

    /// Handles what the op `last` did, which is not counted yet, and returns the parcel where
    /// control goes.
    #[inline(always)]
    fn after_ops(
        &mut self,
        last: usize,
        result: Result<Flow, Exit>,
        limit: u64,
    ) -> Result<u32, Stop> {
        match result {
            Ok(Flow::Jump(target)) => {
                self.hart.counters.instructions += 1;
                Ok(target)
            }
            Ok(Flow::EndOfRun) => Ok(self.code.parcel_of_op(last)),
            Ok(Flow::StoredToCode(address)) => {
                let next = self.code.parcel_of_op(last + 1);
                self.hart.counters.instructions += 1;
                self.code.invalidate(address, 4);
                Ok(next)
            }
            Ok(Flow::AccessCsr) => {
                self.pc = self.pc_of_op(last);
                self.access_csr().map_err(|exit| exit.at(self.pc))?;
                self.hart.counters.instructions += 1;
                Ok(self.code.parcel_of_op(last + 1))
            }
            // Where `usize` is narrower than the limit, there may be more to execute.
            Ok(Flow::Next) if self.hart.counters.instructions < limit => {
                Ok(self.code.parcel_of_op(last))
            }
            Ok(Flow::Next) => {
                self.pc = self.pc_of_op(last);
                Err(self.stop_at_limit())
            }
            Err(Exit::Ecall) => {
                self.pc = self.pc_of_op(last + 1);
                self.hart.counters.instructions += 1;
                Err(Stop::Ecall)
            }
            Err(exit) => {
                self.pc = self.pc_of_op(last);
                Err(exit.at(self.pc))
            }
        }
    }

    fn stop_at_limit(&self) -> Stop {
        if self.pc == self.halt_address {
            Stop::Halted
        } else {
            Stop::LimitReached
        }
    }

    fn pc_of_op(&self, op: usize) -> u32 {
        self.code.pc_of(self.code.parcel_of_op(op))
    }

    /// Executes the access to a control and status register at the pc.
    ///
    /// It decodes the instruction again because the fields themselves matter: set and clear with
    /// `zero` or with the immediate 0 do not write, which makes them legal on read-only registers.
    #[cold]
    fn access_csr(&mut self) -> Result<(), Exit> {
        let FetchedInst { inst, bits, .. } = self.code.fetch(self.pc, &self.hart.memory)?;
        self.try_access_csr(inst)
            .ok_or(Exit::Trap(TrapCause::IllegalInstruction, bits))
    }

    fn try_access_csr(&mut self, inst: Inst) -> Option<()> {
        let csr = inst.csr_operand();
        let extensions = self.config.extensions;
        let instructions = self.hart.counters.instructions;
        let old = self.hart.csrs.read(csr, extensions, instructions)?;
        let register = self.gpr(inst.rs1);
        let immediate = inst.csr_immediate_operand();
        let operand_is_absent = inst.rs1.number() == 0 && immediate == 0;
        let new = match inst.opcode {
            Opcode::Csrrw => Some(register),
            Opcode::Csrrwi => Some(immediate),
            _ if operand_is_absent => None,
            Opcode::Csrrs => Some(old | register),
            Opcode::Csrrc => Some(old & !register),
            Opcode::Csrrsi => Some(old | immediate),
            _ => Some(old & !immediate),
        };
        if let Some(new) = new {
            self.hart.csrs.write(csr, new, extensions)?;
        }
        self.set_gpr(inst.rd, old);
        Some(())
    }
}

/// How the execution of ops ended.
struct Ended {
    /// The op that ended it, or that would be next. All before it were executed.
    op: usize,
    /// How many ops were executed, without `op`.
    executed: usize,
    /// What `op` did; [`Flow::Next`] if as many ops were executed as allowed and it is next.
    result: Result<Flow, Exit>,
}

/// Executes at most `allowed` ops from `first` on, as long as control stays in decoded code.
#[inline(always)]
fn execute_ops<T: Trace>(
    hart: &mut Hart,
    code: &Code,
    first: usize,
    allowed: usize,
    tracer: &mut T,
) -> Ended {
    let mut first = first;
    let mut left = allowed;
    loop {
        // The bounds check of the slice is the check of the limit as well.
        let ops = &code.ops()[..code.ops().len().min(first.saturating_add(left))];
        let mut position = first;
        let result = loop {
            let Some(op) = ops.get(position) else {
                break Ok(Flow::Next);
            };
            if T::ENABLED {
                trace(hart, code, position, tracer);
            }
            match hart.execute(op, position, code) {
                Ok(Flow::Next) => position += 1,
                result => break result,
            }
        };
        left -= position - first;
        match result {
            Ok(Flow::Jump(target)) if let Some(op) = code.entry(target) => {
                left -= 1;
                first = op;
            }
            result => {
                return Ended {
                    op: position,
                    executed: allowed - left,
                    result,
                };
            }
        }
    }
}

fn trace<T: Trace>(hart: &Hart, code: &Code, position: usize, tracer: &mut T) {
    if code.ops()[position].opcode.is_none() {
        return;
    }
    let pc = code.pc_of(code.parcel_of_op(position));
    if let Ok(FetchedInst { inst, length, .. }) = code.fetch(pc, &hart.memory) {
        tracer.instruction(&TraceEvent {
            pc,
            inst,
            length,
            hart,
        });
    }
}
