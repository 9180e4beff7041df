//! From reset to `main`.

use crate::exit::exit;
use crate::{pmp, stack, uart};
use core::arch::global_asm;

// The other harts, if there are any, sleep. The first one gets a stack, a trap handler and its variables.
global_asm!(
    r#"
    .section .init, "ax"
    .globl _start
_start:
    csrw mie, zero
    csrci mstatus, 8
    csrr t0, mhartid
    beqz t0, 1f
0:
    wfi
    j 0b
1:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, _stack_end
    // All counters count, whether or not they did after reset. A hart that cannot stop them may not have the register (mcountinhibit):
    // then the instruction traps to what is behind it.
    la t0, 7f
    csrw mtvec, t0
    csrw 0x320, zero
    .balign 4
7:
    la t0, {trap_entry}
    csrw mtvec, t0
    csrw mscratch, zero

    la t0, _data_load
    la t1, _data_start
    la t2, _data_end
2:
    bgeu t1, t2, 3f
    lw t3, 0(t0)
    sw t3, 0(t1)
    addi t0, t0, 4
    addi t1, t1, 4
    j 2b
3:
    la t1, _bss_start
    la t2, _bss_end
4:
    bgeu t1, t2, 5f
    sw zero, 0(t1)
    addi t1, t1, 4
    j 4b
5:
    j {start}
"#,
    trap_entry = sym crate::user::trap_entry,
    start = sym start,
);

unsafe extern "Rust" {
    /// What [`entry!`] names.
    safe fn board_main();
}

extern "C" fn start() -> ! {
    // First, as what follows may have something to say.
    uart::init();
    pmp::forbid(stack::guard());
    stack::paint();
    board_main();
    exit(0)
}

/// Makes a function `fn()` the one that is called after start-up. When it returns, the machine is stopped.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        // SAFETY: a program has one entry, and nothing else is called like this.
        #[unsafe(export_name = "board_main")]
        fn board_main() {
            let main: fn() = $main;
            main()
        }
    };
}

/// The address of a symbol of the linker script.
macro_rules! linked_address {
    ($symbol:ident) => {{
        unsafe extern "C" {
            static $symbol: u8;
        }
        (&raw const $symbol).addr()
    }};
}
pub(crate) use linked_address;
