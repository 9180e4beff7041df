//! The serial line: a 16550, polled.

use crate::start::linked_address;
use core::{hint, ptr};

/// What has been received, and what is to be sent.
const DATA: usize = 0;
/// The FIFO control register.
const FIFO_CONTROL: usize = 2;
/// Received bytes are kept until they are read, up to 16 of them, and there are none at first. Other bits say of how many an interrupt
/// would tell: QEMU sends that many at once.
const FIFO_ENABLE_AND_CLEAR: u8 = 0b1100_0111;
/// The line status register.
const LINE_STATUS: usize = 5;
/// There is a byte to read.
const DATA_READY: u8 = 1 << 0;
/// There is room for a byte to send.
const TRANSMITTER_EMPTY: u8 = 1 << 5;

/// How often nothing is done between two looks at the line: a microsecond or so.
const PAUSE: usize = 50;

/// Makes the line ready. Its speed is as whatever ran before has left it.
pub(crate) fn init() {
    write_register(FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
}

/// Sends a byte, as soon as there is room for it.
pub fn write(byte: u8) {
    while read_register(LINE_STATUS) & TRANSMITTER_EMPTY == 0 {}
    write_register(DATA, byte);
}

/// The next byte that was received, if there is one.
pub fn try_read() -> Option<u8> {
    (read_register(LINE_STATUS) & DATA_READY != 0).then(|| read_register(DATA))
}

/// The next byte, waiting for it.
pub fn read() -> u8 {
    loop {
        if let Some(byte) = try_read() {
            return byte;
        }
        // A simulated line does not move while it is looked at.
        for count in 0..PAUSE {
            // Not `spin_loop`: its instruction makes QEMU leave translated code.
            hint::black_box(count);
        }
    }
}

fn read_register(register: usize) -> u8 {
    let address = linked_address!(UART) + register;
    // SAFETY: the memory map has a 16550 there, whose registers are one byte each.
    unsafe { ptr::with_exposed_provenance::<u8>(address).read_volatile() }
}

fn write_register(register: usize, value: u8) {
    let address = linked_address!(UART) + register;
    // SAFETY: as in `read_register`; sending a byte has no effect on memory.
    unsafe { ptr::with_exposed_provenance_mut::<u8>(address).write_volatile(value) }
}
