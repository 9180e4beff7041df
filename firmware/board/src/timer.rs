//! Time, and an interrupt when it is up.

use crate::start::linked_address;
use core::arch::asm;
use core::ptr;

/// How often the clock ticks (QEMU's `RISCV_ACLINT_DEFAULT_TIMEBASE_FREQ`).
pub const TICKS_PER_SECOND: u64 = 10_000_000;

/// The bit of machine timer interrupts in `mie`.
const TIMER_INTERRUPT: usize = 1 << 7;

/// Ticks since reset.
pub fn ticks() -> u64 {
    let clock = linked_address!(MTIME);
    loop {
        let (high, low) = (read(clock + 4), read(clock));
        // Otherwise the lower half wrapped around in between.
        if read(clock + 4) == high {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}

/// Microseconds since reset.
pub fn microseconds() -> u64 {
    ticks() / (TICKS_PER_SECOND / 1_000_000)
}

/// Interrupts programs in user mode in `ticks`, once.
pub fn interrupt_after(ticks_left: u64) {
    let deadline = ticks().saturating_add(ticks_left);
    let compare = linked_address!(MTIMECMP);
    // In this order, no value in between is an earlier time.
    write(compare + 4, u32::MAX);
    write(compare, deadline as u32);
    write(compare + 4, (deadline >> 32) as u32);
    // SAFETY: machine mode has interrupts disabled, so that only user mode is interrupted, whose traps are handled.
    unsafe { asm!("csrs mie, {}", in(reg) TIMER_INTERRUPT, options(nomem, nostack)) };
}

/// Interrupts nobody any more.
pub fn stop() {
    // SAFETY: fewer interrupts are taken.
    unsafe { asm!("csrc mie, {}", in(reg) TIMER_INTERRUPT, options(nomem, nostack)) };
}

fn read(address: usize) -> u32 {
    // SAFETY: the memory map has the registers of the timer there.
    unsafe { ptr::with_exposed_provenance::<u32>(address).read_volatile() }
}

fn write(address: usize, value: u32) {
    // SAFETY: as in `read`; the timer has no effect on memory.
    unsafe { ptr::with_exposed_provenance_mut::<u32>(address).write_volatile(value) }
}
