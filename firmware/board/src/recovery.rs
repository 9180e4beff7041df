//! Going on after the end of memory, a panic, or a trap of the firmware itself.
//!
//! [`catch`] does work that can be abandoned: when it faults, everything that it was doing is forgotten, without running a
//! destructor, and `catch` returns the [`Fault`]. What the work had allocated stays allocated until [`heap::init`] makes the heap
//! a new one. It is a safety net below errors that are handled properly, not a way to handle errors.
//!
//! ```text
//!   catch ──► work ──► ... ──► panic, trap, out of memory
//!     ▲                               │
//!     └──── the registers as they were ────┘
//! ```

use crate::exit::exit;
use crate::{heap, println, stack};
use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::fmt::{self, Write};
use core::panic::PanicInfo;

/// Why work was abandoned.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The heap has no room for so many bytes.
    OutOfMemory {
        /// How many.
        size: usize,
    },
    /// The stack of the firmware is exhausted.
    StackOverflow,
    /// A panic, which is an error in the program.
    Panic(Message),
    /// A trap, which is an error in the program.
    Trap {
        /// The register `mcause`.
        cause: usize,
        /// The instruction.
        pc: usize,
        /// The register `mtval`.
        value: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory { size } => write!(f, "out of memory for {size} bytes"),
            Self::StackOverflow => f.write_str("the stack is exhausted"),
            Self::Panic(message) => f.write_str(message.text()),
            Self::Trap { cause, pc, value } => {
                write!(f, "trap {cause} at {pc:#010x} ({value:#010x})")
            }
        }
    }
}

/// A text that is cut off where it becomes too long.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    bytes: [u8; Self::CAPACITY],
    length: usize,
}

impl Message {
    /// The most bytes that are kept.
    const CAPACITY: usize = 160;

    const EMPTY: Self = Self {
        bytes: [0; Self::CAPACITY],
        length: 0,
    };

    /// The text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = text.floor_char_boundary(Self::CAPACITY - self.length);
        self.bytes[self.length..][..room].copy_from_slice(&text.as_bytes()[..room]);
        self.length += room;
        Ok(())
    }
}

/// Does `work`, unless that faults.
///
/// # Errors
/// Why it was abandoned.
#[expect(
    clippy::result_large_err,
    reason = "a fault carries its message, since the heap may be full"
)]
pub fn catch<R, F: FnOnce() -> R>(work: F) -> Result<R, Fault> {
    struct Call<F, R> {
        work: Option<F>,
        result: Option<R>,
    }
    extern "C" fn call<R, F: FnOnce() -> R>(data: *mut ()) {
        // SAFETY: this is the `Call` that `catch` passes, which nobody else uses meanwhile.
        let call = unsafe { &mut *data.cast::<Call<F, R>>() };
        if let Some(work) = call.work.take() {
            call.result = Some(work());
        }
    }
    let mut data = Call {
        work: Some(work),
        result: None,
    };
    // SAFETY: `call` gets the data that it expects. When it does not return, what it had on the stack is forgotten, which is
    // safe: nothing that is borrowed for the call lives longer than it.
    unsafe { board_catch(call::<R, F>, (&raw mut data).cast()) };
    match data.result {
        Some(result) => Ok(result),
        None => Err(take_fault()),
    }
}

/// Abandons the work of the innermost [`catch`]; without one, the machine is stopped.
fn abandon(fault: Fault) -> ! {
    // SAFETY: there is one hart, and nobody holds a reference.
    unsafe { *FAULT.0.get() = Some(fault) };
    // SAFETY: it only looks at a variable.
    if unsafe { board_is_caught() } != 0 {
        // SAFETY: within `catch`, its frame is on the stack.
        unsafe { board_abandon() }
    }
    println!("{fault}");
    exit(101)
}

fn take_fault() -> Fault {
    // SAFETY: there is one hart, and nobody holds a reference.
    let fault = unsafe { (*FAULT.0.get()).take() };
    fault.unwrap_or(Fault::Panic(Message::EMPTY))
}

/// The fault that is on its way to `catch`.
struct CaughtFault(UnsafeCell<Option<Fault>>);

// SAFETY: there is one hart, and no interrupt handler faults.
unsafe impl Sync for CaughtFault {}

static FAULT: CaughtFault = CaughtFault(UnsafeCell::new(None));

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if let Some(size) = heap::take_failure() {
        abandon(Fault::OutOfMemory { size });
    }
    let mut message = Message::EMPTY;
    // It takes all text.
    let _ = match cfg!(feature = "panic-messages") {
        true => write!(message, "{info}"),
        false => message.write_str("the firmware panicked"),
    };
    abandon(Fault::Panic(message))
}

/// A trap of the firmware itself, on a stack that may be used.
pub(crate) extern "C" fn firmware_trap(cause: usize, pc: usize, value: usize) -> ! {
    abandon(if stack::guard().contains(&value) {
        Fault::StackOverflow
    } else {
        Fault::Trap { cause, pc, value }
    })
}

unsafe extern "C" {
    /// Calls `work` with `data`, and returns when that returns or is abandoned.
    fn board_catch(work: extern "C" fn(*mut ()), data: *mut ());
    /// Whether there is a `board_catch` that has not returned.
    fn board_is_caught() -> usize;
    /// Returns from the innermost `board_catch`.
    fn board_abandon() -> !;
}

// A frame of `board_catch` holds the registers that its caller expects unchanged, and the frame of the one around it. The innermost
// one is at `board_caught`.
global_asm!(
    r#"
    .section .bss.board_caught, "aw", @nobits
    .p2align 2
    .globl board_caught
board_caught:
    .zero 4

    .section .text.board_catch, "ax"
    .globl board_catch
board_catch:
    addi sp, sp, -64
    sw ra, 0(sp)
    sw s0, 4(sp)
    sw s1, 8(sp)
    sw s2, 12(sp)
    sw s3, 16(sp)
    sw s4, 20(sp)
    sw s5, 24(sp)
    sw s6, 28(sp)
    sw s7, 32(sp)
    sw s8, 36(sp)
    sw s9, 40(sp)
    sw s10, 44(sp)
    sw s11, 48(sp)
    la t0, board_caught
    lw t1, 0(t0)
    sw t1, 52(sp)
    sw sp, 0(t0)
    mv t0, a0
    mv a0, a1
    jalr t0

    .globl board_abandon
board_abandon:
    la t0, board_caught
    lw sp, 0(t0)
    lw t1, 52(sp)
    sw t1, 0(t0)
    lw ra, 0(sp)
    lw s0, 4(sp)
    lw s1, 8(sp)
    lw s2, 12(sp)
    lw s3, 16(sp)
    lw s4, 20(sp)
    lw s5, 24(sp)
    lw s6, 28(sp)
    lw s7, 32(sp)
    lw s8, 36(sp)
    lw s9, 40(sp)
    lw s10, 44(sp)
    lw s11, 48(sp)
    addi sp, sp, 64
    ret

    .section .text.board_is_caught, "ax"
    .globl board_is_caught
board_is_caught:
    la t0, board_caught
    lw a0, 0(t0)
    ret
"#
);
