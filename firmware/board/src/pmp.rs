//! Physical memory protection: which memory programs in user mode may access (RISC-V privileged architecture, 3.7).
//!
//! Each region takes two of the sixteen entries, which hold its ends ("top of range"). The last region is locked until the next
//! reset, and holds for the firmware as well. User mode may access what a region allows, and nothing else.

use core::arch::asm;
use core::ops::Range;

/// The regions that [`allow`] sets.
pub const REGIONS: usize = 4;

/// What ends of regions must be a multiple of.
///
/// The hardware asks for 4. QEMU is slow where a page is partly in a region.
pub const GRANULE: usize = 4096;

/// A region of memory.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// Its addresses.
    pub range: Range<usize>,
    /// What may be done there.
    pub access: Access,
}

/// What may be done with memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Access {
    /// Nothing.
    #[default]
    None = 0,
    /// Read it.
    Read = 0b001,
    /// Read and write it.
    ReadWrite = 0b011,
    /// Read and execute it.
    ReadExecute = 0b101,
}

/// The address-matching mode "top of range" in a configuration.
const TOP_OF_RANGE: u8 = 1 << 3;
/// The bit of a configuration that locks it.
const LOCKED: u8 = 1 << 7;

/// The bit of `misa` that tells of supervisor mode.
const SUPERVISOR_MODE: usize = 1 << (b'S' - b'A');

/// Makes `regions`, of which the first one counts where they overlap, what user mode may access.
pub fn allow(regions: &[Region; REGIONS]) {
    let addresses = regions.each_ref().map(|region| &region.range);
    let [a, b, c, d] = addresses.map(|range| (range.start >> 2, range.end >> 2));
    let configuration = |region: &Region| u32::from(TOP_OF_RANGE | region.access as u8) << 8;
    // The lower end of a region is an entry that matches nothing.
    let pair = |low: &Region, high: &Region| configuration(low) | configuration(high) << 16;
    let [first, second, third, fourth] = regions;
    // SAFETY: these entries are not locked, so that nothing changes for the firmware, which runs in machine mode.
    unsafe {
        asm!(
            "csrw pmpaddr0, {0}", "csrw pmpaddr1, {1}", "csrw pmpaddr2, {2}", "csrw pmpaddr3, {3}",
            in(reg) a.0, in(reg) a.1, in(reg) b.0, in(reg) b.1, options(nostack),
        );
        asm!(
            "csrw pmpaddr4, {0}", "csrw pmpaddr5, {1}", "csrw pmpaddr6, {2}", "csrw pmpaddr7, {3}",
            in(reg) c.0, in(reg) c.1, in(reg) d.0, in(reg) d.1, options(nostack),
        );
        asm!(
            "csrw pmpcfg0, {0}", "csrw pmpcfg1, {1}",
            in(reg) pair(first, second), in(reg) pair(third, fourth), options(nostack),
        );
    }
    if has_supervisor_mode() {
        // SAFETY: the instruction changes no register and no memory.
        unsafe { asm!("sfence.vma", options(nostack)) };
    }
}

/// Whether there is address translation, which may remember what regions allowed. Without it there is no instruction to make it forget.
fn has_supervisor_mode() -> bool {
    let extensions: usize;
    // SAFETY: reading the register has no effect.
    unsafe { asm!("csrr {}, misa", out(reg) extensions, options(nomem, nostack)) };
    extensions & SUPERVISOR_MODE != 0
}

/// Forbids `range` to everyone, the firmware included, until the next reset.
pub fn forbid(range: Range<usize>) {
    let configuration = u32::from(TOP_OF_RANGE | LOCKED) << 8;
    // SAFETY: the caller wants accesses there to trap, which are errors.
    unsafe {
        asm!(
            "csrw pmpaddr8, {0}", "csrw pmpaddr9, {1}", "csrw pmpcfg2, {2}",
            in(reg) range.start >> 2, in(reg) range.end >> 2, in(reg) configuration, options(nostack),
        );
    }
}
