//! The control and status registers of the emulated hart.
//!
//! * The counters of Zicntr, read-only. There is no clock: `cycle`, `time` and `instret` all give
//!   the number of executed instructions, so that a run is reproducible.
//! * Machine-mode registers that start-up code sets (`mtvec`, `mscratch`, ...) are storage without
//!   effect: traps and interrupts are never delivered to the program, they stop the emulator.
//! * `mhartid`, `mvendorid`, `marchid` and `mimpid` read as zero, `misa` as what is configured.
//! * Every other register is an illegal instruction.

use crate::csr::Csr;
use crate::extension::{Extension, ExtensionSet};

/// Registers that keep what is written to them.
const STORED: [Csr; 8] = [
    Csr::MSTATUS,
    Csr::MIE,
    Csr::MTVEC,
    Csr::MSCRATCH,
    Csr::MEPC,
    Csr::MCAUSE,
    Csr::MTVAL,
    Csr::MIP,
];

/// The values of the registers that have storage.
#[derive(Clone, Default)]
pub(super) struct MachineCsrs {
    stored: [u32; STORED.len()],
}

impl MachineCsrs {
    /// Where `mret` goes.
    pub(super) fn mepc(&self) -> u32 {
        storage_index(Csr::MEPC).map_or(0, |index| self.stored[index])
    }

    /// Reads a register; `None` if it does not exist.
    pub(super) fn read(
        &self,
        csr: Csr,
        extensions: ExtensionSet,
        instructions: u64,
    ) -> Option<u32> {
        let has_counters = extensions.contains(Extension::Zicntr);
        Some(match csr {
            Csr::CYCLE | Csr::TIME | Csr::INSTRET if has_counters => instructions as u32,
            Csr::CYCLEH | Csr::TIMEH | Csr::INSTRETH if has_counters => (instructions >> 32) as u32,
            Csr::MHARTID | Csr::MVENDORID | Csr::MARCHID | Csr::MIMPID => 0,
            Csr::MISA => misa(extensions),
            _ => self.stored[storage_index(csr)?],
        })
    }

    /// Writes a register; `None` if it does not exist or is read-only. `misa` ignores writes.
    pub(super) fn write(&mut self, csr: Csr, value: u32, extensions: ExtensionSet) -> Option<()> {
        let value = match csr {
            Csr::MISA => return Some(()),
            Csr::MEPC if extensions.contains(Extension::Zca) => value & !1,
            Csr::MEPC => value & !3,
            _ => value,
        };
        self.stored[storage_index(csr)?] = value;
        Some(())
    }
}

fn storage_index(csr: Csr) -> Option<usize> {
    STORED.iter().position(|stored| *stored == csr)
}

/// The width (1 for 32 bits, in the top two bits) and a bit for each single-letter extension.
fn misa(extensions: ExtensionSet) -> u32 {
    extensions
        .iter()
        .filter_map(|extension| match *extension.name().as_bytes() {
            [letter] => Some(1 << (letter - b'a')),
            _ => None,
        })
        .fold(1 << 30, |misa, bit| misa | bit)
}
