//! The end of the simulation.

use crate::start::linked_address;
use core::ptr;

/// Success, in the protocol of the test device (SiFive's test finisher).
const PASS: u32 = 0x5555;
/// Failure, with a code in the upper half.
const FAIL: u32 = 0x3333;

/// Ends the simulation with the exit code `code`. Where nothing simulates the machine, it stops.
pub fn exit(code: u16) -> ! {
    let value = if code == 0 {
        PASS
    } else {
        u32::from(code) << 16 | FAIL
    };
    let device = ptr::with_exposed_provenance_mut::<u32>(linked_address!(TEST_DEVICE));
    // SAFETY: the memory map has the device there; it has no effect on memory.
    unsafe { device.write_volatile(value) };
    loop {
        core::hint::spin_loop();
    }
}
