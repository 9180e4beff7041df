//! How much stack is used: what is unused is painted, and what is not painted any more was used.

use crate::start::linked_address;
use core::arch::asm;
use core::ops::Range;
use core::ptr;

/// The color. Code rarely writes it.
const PAINT: u32 = 0xc5c5_c5c5;

/// The addresses of the stack.
pub fn range() -> Range<usize> {
    linked_address!(_stack_start)..linked_address!(_stack_end)
}

/// The addresses below the stack that nobody may access.
pub fn guard() -> Range<usize> {
    linked_address!(_stack_guard)..linked_address!(_stack_start)
}

/// Does `work`, and returns the bytes of stack that it took beyond what is in use here.
pub fn measure<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let top = paint();
    let result = work();
    (result, top.saturating_sub(lowest_used()))
}

/// Paints all of the stack that is unused, and returns where it ends.
#[inline(never)]
pub fn paint() -> usize {
    let top = stack_pointer();
    let mut address = range().start;
    // A leaf that is inlined has nothing below the stack pointer, and the loop needs no stack.
    while address < top {
        // SAFETY: the memory is that of the stack, and below the stack pointer: nobody has anything there.
        unsafe { ptr::with_exposed_provenance_mut::<u32>(address).write_volatile(PAINT) };
        address += 4;
    }
    top
}

/// The lowest address of the stack that was written to since it was painted.
pub fn lowest_used() -> usize {
    let Range { start, end } = range();
    let mut address = start;
    while address < end {
        // SAFETY: the memory is that of the stack. Whatever is there is a word.
        let word = unsafe { ptr::with_exposed_provenance::<u32>(address).read_volatile() };
        if word != PAINT {
            break;
        }
        address += 4;
    }
    address
}

fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: only a register is read.
    unsafe { asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack)) };
    pointer
}
