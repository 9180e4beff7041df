//! The execution loop.
//!
//! The [handlers](super::handlers) of the ops go from op to op, and from jump to jump as long as the targets are decoded, up to
//! the *window* of the code, which limits how deep calls are nested where they do not become jumps. They return for everything
//! rare as well (decoding, traps, arrival at the halt address, control and status registers), which is handled here.
//!
//! Whoever watches a run gets windows of one op.

use super::Emulator;
use super::handlers;
use super::hart::Reason;
use super::trace::Observer;
use super::trap::{Exit, Stop, TrapCause};
use crate::fetch::FetchedInst;
use crate::inst::Inst;
use crate::table::Opcode;

impl Emulator {
    /// Executes up to `limit` instructions from the pc on.
    pub(super) fn execute(&mut self, limit: u64, mut observer: Observer<'_>) -> Stop {
        if self.pc & self.misaligned_pc_bits() != 0 {
            return Exit::Trap(TrapCause::InstructionAddressMisaligned, self.pc).at(self.pc);
        }
        let end = self.hart.counters.instructions.saturating_add(limit);
        while self.hart.counters.instructions < end {
            if let Err(exit) = self.decode() {
                return exit.at(self.pc);
            }
            let left = end - self.hart.counters.instructions;
            let window = match observer {
                Observer::Nobody => self.code.window(),
                _ => 1,
            };
            let allowed = usize::try_from(left).map_or(window, |left| left.min(window));
            let pc = self.pc;
            let before = self.hart.counters;
            observer.before(pc, &self.hart, &self.code);
            let result = self.execute_ops(allowed);
            observer.after(pc, before, self.hart.counters);
            if let Err(exit) = result {
                return exit.at(self.pc);
            }
        }
        match self.pc == self.halt_address {
            true => Stop::Halted,
            false => Stop::LimitReached,
        }
    }

    /// Decodes the run at the pc, if it is not decoded, or says why there is none.
    #[inline(always)]
    fn decode(&mut self) -> Result<(), Exit> {
        let parcel = self.code.parcel_of(self.pc);
        match self.code.is_entry(parcel) {
            true => Ok(()),
            false => self
                .code
                .decode_run(parcel, &self.hart.memory, self.halt_address),
        }
    }

    /// Executes up to `allowed` instructions from the pc on, where one is decoded. That are as many as the window of the code at
    /// most.
    fn execute_ops(&mut self, allowed: usize) -> Result<(), Exit> {
        let parcel = self.code.parcel_of(self.pc);
        handlers::execute_at(&mut self.hart, &self.code, parcel, allowed);
        let ended = self.hart.ended;
        let executed = allowed - ended.left;
        self.hart.counters += ended.tally.counters(executed as u64);
        self.pc = ended.pc;
        match ended.reason {
            Reason::Paused if ended.left == 0 => self.code.widen_window(allowed),
            Reason::Paused => {}
            Reason::StoredToCode(address) => self.code.invalidate(address, 4),
            Reason::AccessCsr => self.access_csr()?,
            Reason::FirstJump => self.first_jump()?,
            Reason::Exit(exit) => return Err(exit),
        }
        Ok(())
    }

    /// Executes the taken branch or `jal` at the pc, and links it to its target, if something can be executed there.
    #[cold]
    fn first_jump(&mut self) -> Result<(), Exit> {
        let FetchedInst { inst, length, .. } = self.code.fetch(self.pc, &self.hart.memory)?;
        let jump = self.pc;
        match inst.opcode {
            Opcode::Jal => self.set_gpr(inst.rd, jump.wrapping_add(length)),
            _ => self.hart.counters.taken_branches += 1,
        }
        self.hart.counters.instructions += 1;
        self.pc = jump.wrapping_add_signed(inst.imm);
        if self.decode().is_ok() {
            let (jump, target) = (self.code.parcel_of(jump), self.code.parcel_of(self.pc));
            self.code.link(jump, target);
        }
        Ok(())
    }

    /// Executes the access to a control and status register at the pc.
    ///
    /// It decodes the instruction again because the fields themselves matter: set and clear with
    /// `zero` or with the immediate 0 do not write, which makes them legal on read-only registers.
    #[cold]
    fn access_csr(&mut self) -> Result<(), Exit> {
        let FetchedInst { inst, bits, length } = self.code.fetch(self.pc, &self.hart.memory)?;
        self.try_access_csr(inst)
            .ok_or(Exit::Trap(TrapCause::IllegalInstruction, bits))?;
        self.hart.counters.instructions += 1;
        self.pc = self.pc.wrapping_add(length);
        Ok(())
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
