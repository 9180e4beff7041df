//! The smallest program for a board: says what the machine is like, and that it survives errors.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use board::recovery::catch;
use board::{counters, heap, println, stack, timer};

board::entry!(main);

fn main() {
    // SAFETY: nothing is allocated yet.
    let size = unsafe { heap::init(1 << 20) };
    println!("hello from a heap of {size} bytes");

    let start = counters::instructions();
    let (sum, stack) = stack::measure(|| (0..1000_u32).collect::<Vec<_>>().iter().sum::<u32>());
    let instructions = counters::instructions() - start;
    let heap::Usage { current, peak, .. } = heap::usage();
    println!(
        "{sum}: {instructions} instructions, {stack} bytes of stack, {peak} of heap, {current} left"
    );

    let faults = [
        catch(|| drop(Vec::<u8>::with_capacity(2 << 20))),
        catch(|| panic!("on purpose")),
        catch(overflow_stack),
        catch(read_nowhere),
        catch(|| ()),
    ];
    for fault in faults {
        match fault {
            Ok(()) => println!("no fault"),
            Err(fault) => println!("caught: {fault}"),
        }
    }
    println!("after {} us", timer::microseconds());
}

#[expect(unconditional_recursion, reason = "the stack has an end")]
fn overflow_stack() {
    let frame = core::hint::black_box([0_u32; 16]);
    overflow_stack();
    core::hint::black_box(frame);
}

fn read_nowhere() {
    // SAFETY: nothing is there, which traps.
    unsafe {
        core::ptr::dangling::<u32>()
            .wrapping_add(16)
            .read_volatile()
    };
}
