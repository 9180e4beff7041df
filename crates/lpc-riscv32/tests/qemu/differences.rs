//! What QEMU does otherwise than our emulator, and why.
//!
//! What comes of the judge's being a program under Linux is no difference of the processors, and stands in `ours.rs`: signals in
//! place of traps, system calls, and code that cannot be written.

use crate::judge::{Case, Outcome, Signal};
use crate::ours::{ILL_ILLOPC, TRAP_BRKPT};
use lpc_riscv32::{Csr, Format, Inst, Opcode};

/// A case with what became of it on both sides.
pub(crate) struct Judged<'a> {
    pub(crate) case: &'a Case,
    /// The instruction, if our machine has it.
    pub(crate) inst: Option<Inst>,
    pub(crate) ours: &'a Outcome,
    pub(crate) theirs: &'a Outcome,
}

/// Something that QEMU does otherwise than our emulator.
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    pub(crate) reason: &'static str,
    /// What QEMU is then expected to do, if the case is one of these.
    pub(crate) expected: fn(&Judged<'_>) -> Option<Outcome>,
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        what: "machine mode",
        reason: "our machine executes in machine mode, QEMU's in user mode, where its registers and instructions are illegal",
        expected: |judged| {
            let is_privileged = match judged.csr() {
                Some(csr) => csr.number() >> 8 & 3 != 0,
                None => matches!(judged.inst?.opcode, Opcode::Mret | Opcode::Wfi),
            };
            is_privileged.then(|| judged.illegal())
        },
    },
    Difference {
        what: "counters",
        reason: "theirs count the time of another clock; all but the value is compared",
        expected: |judged| {
            let is_counter = (Csr::CYCLE..=Csr::INSTRET).contains(&judged.csr()?)
                || (Csr::CYCLEH..=Csr::INSTRETH).contains(&judged.csr()?);
            is_counter.then(|| judged.with_their_result(*judged.ours))
        },
    },
    Difference {
        what: "fflags, frm, fcsr",
        reason: "we have no floats and no such registers; QEMU has them in user mode even then",
        expected: |judged| {
            let is_float = (Csr::FFLAGS..=Csr::FCSR).contains(&judged.csr()?);
            judged.illegal_bits().filter(|_| is_float)?;
            Some(judged.with_their_result(judged.resumed()))
        },
    },
    Difference {
        what: "reserved fields of fence, fence.i",
        reason: "QEMU ignores them, as the manual says; we refuse them, as objdump does: they mean something that we do not do",
        expected: |judged| {
            const MISC_MEM: u32 = 0x0f;
            let is_fence = judged.illegal_bits()? & 0x607f == MISC_MEM;
            is_fence.then(|| judged.resumed())
        },
    },
    Difference {
        what: "misaligned sc.w",
        reason: "we trap, as the manual says; in QEMU it fails, because no reservation has such an address",
        expected: |judged| {
            let inst = Inst::decode(judged.last_bits()?).ok()?;
            if inst.opcode != Opcode::ScW || judged.ours.signal != Signal::BUS {
                return None;
            }
            let mut expected = judged.resumed();
            if let Some(rd) = inst.written_register() {
                expected.registers[usize::from(rd.number()) - 1] = 1;
            }
            Some(expected)
        },
    },
    Difference {
        what: "whole vector registers",
        reason: "they are illegal without vectors; QEMU loads and stores them in user mode even then, which is not compared",
        expected: |judged| {
            // What all loads and stores of whole registers share: LOAD-FP or STORE-FP, unmasked, with lumop 8.
            let is_whole_register = judged.illegal_bits()? & 0x1ff0_005f == 0x0280_0007;
            is_whole_register.then_some(*judged.theirs)
        },
    },
];

impl Judged<'_> {
    /// The register that the instruction accesses, if it is such an instruction.
    fn csr(&self) -> Option<Csr> {
        let inst = self.inst?;
        let is_csr = matches!(
            inst.opcode.format(),
            Format::CsrRegister | Format::CsrImmediate
        );
        is_csr.then(|| inst.csr_operand())
    }

    /// The instruction of the case at which our emulator stopped.
    fn last_bits(&self) -> Option<u32> {
        let offset = self.ours.pc.wrapping_sub(self.case.pc);
        (offset < self.case.length).then(|| (self.case.bits >> (8 * offset)) as u32)
    }

    /// The same if it is illegal for our emulator.
    fn illegal_bits(&self) -> Option<u32> {
        self.last_bits()
            .filter(|_| self.ours.signal == Signal::ILLEGAL)
    }

    /// The outcome of an instruction that is illegal.
    fn illegal(&self) -> Outcome {
        let Case { pc, registers, .. } = *self.case;
        Outcome {
            signal: Signal::ILLEGAL,
            code: ILL_ILLOPC,
            address: pc,
            pc,
            registers,
            ..*self.ours
        }
    }

    /// Our outcome as if the instruction of 32 bits that trapped had no effect: the breakpoint behind it.
    fn resumed(&self) -> Outcome {
        let pc = self.ours.pc + 4;
        Outcome {
            signal: Signal::TRAP,
            code: TRAP_BRKPT,
            address: pc,
            pc,
            ..*self.ours
        }
    }

    /// `outcome`, with the result of the instruction that theirs has.
    fn with_their_result(&self, mut outcome: Outcome) -> Outcome {
        if let Some(rd) = self.inst.and_then(Inst::written_register) {
            let index = usize::from(rd.number()) - 1;
            outcome.registers[index] = self.theirs.registers[index];
        }
        outcome
    }
}
