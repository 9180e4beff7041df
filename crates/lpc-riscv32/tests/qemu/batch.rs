//! Cases that are executed together, and the comparison of their outcomes.

use crate::differences::{DIFFERENCES, Judged};
use crate::judge::{Case, Outcome, Signal};
use crate::ours::{Ours, first_inst};
use lpc_riscv32::{ExtensionSet, Gpr, Inst};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Instant;

/// Cases with what our emulator makes of them.
pub(crate) struct Batch {
    pub(crate) cases: Vec<Case>,
    ours: Vec<Outcome>,
}

impl Batch {
    /// Executes `cases` in our emulator, and leaves out those that QEMU would give up at.
    pub(crate) fn new(cases: Vec<Case>, ours: &mut Ours, totals: &mut Totals) -> Batch {
        let outcomes = ours.execute(&cases);
        let mut batch = Batch {
            cases: Vec::new(),
            ours: Vec::new(),
        };
        for (mut case, outcome) in cases.into_iter().zip(outcomes) {
            case.is_endless = outcome.signal == Signal::ALARM;
            if outcome.signal == Signal::JUMP_MISALIGNED {
                totals.misaligned_jumps.push(case);
            } else {
                batch.cases.push(case);
                batch.ours.push(outcome);
            }
        }
        batch
    }

    /// What is executed.
    pub(crate) fn encodings(&self) -> Vec<u64> {
        self.cases.iter().map(|case| case.bits).collect()
    }

    /// Compares the outcomes with those of the judge.
    pub(crate) fn compare(
        &self,
        theirs: &[Outcome],
        extensions: ExtensionSet,
        totals: &mut Totals,
    ) {
        for ((case, ours), theirs) in self.cases.iter().zip(&self.ours).zip(theirs) {
            let judged = Judged {
                case,
                inst: first_inst(case, extensions),
                ours,
                theirs,
            };
            totals.compare(&judged);
        }
    }
}

/// What was compared.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) cases: usize,
    pub(crate) instructions: usize,
    /// How many cases changed the memory.
    pub(crate) stores: usize,
    /// By the signal that ended the case.
    signals: [usize; 32],
    differences: [usize; DIFFERENCES.len()],
    pub(crate) misaligned_jumps: Vec<Case>,
    /// By mnemonic: how many there are, and the first.
    mismatches: BTreeMap<&'static str, (usize, String)>,
}

impl Totals {
    fn compare(&mut self, judged: &Judged<'_>) {
        self.cases += 1;
        self.instructions += usize::from(judged.inst.is_some());
        self.stores += usize::from(judged.theirs.changed > 0);
        self.signals[judged.theirs.signal.0 as usize % 32] += 1;
        if judged.ours == judged.theirs {
            return;
        }
        for (difference, count) in DIFFERENCES.iter().zip(&mut self.differences) {
            if (difference.expected)(judged).as_ref() == Some(judged.theirs) {
                *count += 1;
                return;
            }
        }
        let mnemonic = judged.inst.map_or("illegal", |inst| inst.opcode.mnemonic());
        let mismatch = self.mismatches.entry(mnemonic);
        mismatch.or_insert_with(|| (0, describe(judged))).0 += 1;
    }

    /// Prints the figures.
    ///
    /// # Panics
    /// With the first mismatch of each instruction, if there are some.
    pub(crate) fn report(&self, name: &str, start: Instant) {
        eprintln!(
            "{name}: {} cases, {} of them instructions, {} of these stores, and {} misaligned jumps, in {:.1} s",
            self.cases,
            self.instructions,
            self.stores,
            self.misaligned_jumps.len(),
            start.elapsed().as_secs_f32()
        );
        let signals = [
            ("illegal", Signal::ILLEGAL),
            ("breakpoint", Signal::TRAP),
            ("misaligned", Signal::BUS),
            ("fault", Signal::FAULT),
            ("endless", Signal::ALARM),
        ];
        for (what, signal) in signals {
            eprintln!("{:8} {what}", self.signals[signal.0 as usize]);
        }
        let differences = DIFFERENCES.iter().zip(self.differences);
        for (difference, count) in differences.filter(|(_, count)| *count > 0) {
            eprintln!("{count:8} {}: {}", difference.what, difference.reason);
        }
        let mismatches = self.mismatches.values();
        let mismatches = mismatches.map(|(count, first)| format!("{count} such as {first}"));
        let mismatches: Vec<_> = mismatches.collect();
        assert!(
            mismatches.is_empty(),
            "mismatches:\n{}",
            mismatches.join("\n")
        );
    }
}

/// A mismatch: both outcomes, and where the registers differ, each with what it was.
fn describe(judged: &Judged<'_>) -> String {
    let Judged {
        case,
        inst,
        ours,
        theirs,
    } = judged;
    let inst = inst
        .as_ref()
        .map_or("no instruction".to_owned(), Inst::to_string);
    let mut text = format!("{:#x} at {:#x} ({inst}):", case.bits, case.pc);
    for (side, outcome) in [("ours", ours), ("theirs", theirs)] {
        let Outcome {
            signal,
            code,
            address,
            pc,
            changed,
            changes,
            ..
        } = outcome;
        let changes = &changes[..2.min(*changed as usize)];
        write!(text, "\n  {side}: signal {} code {code} address {address:#x} pc {pc:#x} changes {changes:x?}", signal.0).unwrap();
    }
    for (index, gpr) in Gpr::all().skip(1).enumerate() {
        let [was, ours, theirs] =
            [&case.registers, &ours.registers, &theirs.registers].map(|registers| registers[index]);
        if ours != theirs {
            write!(
                text,
                "\n  {gpr} {was:#x}: ours {ours:#x}, theirs {theirs:#x}"
            )
            .unwrap();
        }
    }
    text
}
