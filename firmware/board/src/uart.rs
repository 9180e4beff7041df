//! The serial line: a 16550, polled.

use crate::start::linked_address;
use core::ptr;

/// What has been received, and what is to be sent.
const DATA: usize = 0;
/// The line status register.
const LINE_STATUS: usize = 5;
/// There is a byte to read.
const DATA_READY: u8 = 1 << 0;
/// There is room for a byte to send.
const TRANSMITTER_EMPTY: u8 = 1 << 5;

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
