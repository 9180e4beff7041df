//! Physical memory protection: which memory programs in user mode may access (RISC-V privileged architecture, 3.7).
//!
//! Each region takes two of the sixteen entries, which hold its ends ("top of range"). The last region is locked until the next
//! reset, and holds for the firmware as well. User mode may access what a region allows, and nothing else.
//!
//! A chip may lack entries, or the mode, and says so by reading something else than what was written: everything is read back, and what is
//! not as it was to be is a panic, since programs in user mode would not be kept away from anything.

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

/// Writes a register of memory protection, and sees to it that it holds what was written.
macro_rules! write_checked {
    ($register:literal, $value:expr) => {{
        let written: u32 = $value;
        let found: u32;
        // SAFETY: entries for user mode change nothing for the firmware, which runs in machine mode. What is locked is to trap.
        unsafe {
            asm!(
                concat!("csrw ", $register, ", {0}"), concat!("csrr {1}, ", $register),
                in(reg) written, lateout(reg) found, options(nostack),
            );
        }
        check($register, written, found);
    }};
}

/// Ends with a panic where the chip does not protect memory in this way.
fn check(register: &str, written: u32, found: u32) {
    assert!(
        written == found,
        "{register} is {found:#x} after writing {written:#x}: this chip lacks memory protection that board/src/pmp.rs relies on"
    );
}

/// Makes `regions`, of which the first one counts where they overlap, what user mode may access.
///
/// # Panics
/// When the chip cannot do that.
pub fn allow(regions: &[Region; REGIONS]) {
    let addresses = regions.each_ref().map(|region| &region.range);
    let [a, b, c, d] = addresses.map(entries);
    let configuration = |region: &Region| u32::from(TOP_OF_RANGE | region.access as u8) << 8;
    // The lower end of a region is an entry that matches nothing.
    let pair = |low: &Region, high: &Region| configuration(low) | configuration(high) << 16;
    let [first, second, third, fourth] = regions;
    write_checked!("pmpaddr0", a.0);
    write_checked!("pmpaddr1", a.1);
    write_checked!("pmpaddr2", b.0);
    write_checked!("pmpaddr3", b.1);
    write_checked!("pmpaddr4", c.0);
    write_checked!("pmpaddr5", c.1);
    write_checked!("pmpaddr6", d.0);
    write_checked!("pmpaddr7", d.1);
    write_checked!("pmpcfg0", pair(first, second));
    write_checked!("pmpcfg1", pair(third, fourth));
    forget_translations();
}

/// What the entries of the ends of `range` hold: addresses without their lowest two bits.
fn entries(range: &Range<usize>) -> (u32, u32) {
    (range.start as u32 >> 2, range.end as u32 >> 2)
}

/// Makes address translation forget what regions allowed, which it may remember, if there is any.
///
/// Without it the instruction is illegal and traps, to what is behind it. `misa` would tell, but may be zero on any hart.
fn forget_translations() {
    // SAFETY: the instruction changes no register and no memory. No trap but that of the instruction goes to what is behind it, as the firmware
    // runs without interrupts, and after it the handler is again the one that it was. What the trap changes, registers of the cause
    // and the mode before, is written anew before it is read.
    unsafe {
        asm!(
            "la {handler}, 2f",
            "csrrw {handler}, mtvec, {handler}",
            "sfence.vma",
            ".balign 4",
            "2:",
            "csrw mtvec, {handler}",
            handler = out(reg) _,
            options(nostack),
        );
    }
}

/// Forbids `range` to everyone, the firmware included, until the next reset.
///
/// # Panics
/// When the chip cannot do that.
pub fn forbid(range: Range<usize>) {
    let (start, end) = entries(&range);
    write_checked!("pmpaddr8", start);
    write_checked!("pmpaddr9", end);
    write_checked!("pmpcfg2", u32::from(TOP_OF_RANGE | LOCKED) << 8);
}
