//! Running code that is not trusted: in user mode, where it can reach the memory that [`pmp`](crate::pmp) allows and nothing
//! else.
//!
//! ```text
//!   machine mode   Context::run ──► mret                      trap entry ──► run returns the Trap
//!                                     │                           ▲
//!   user mode                         └─► the program ──► ecall, fault, timer
//! ```
//!
//! Whatever the program does, it ends with a trap, and `run` returns. To go on is to run the context again.

use core::arch::global_asm;
use core::mem::offset_of;

/// The registers of a program that is not running.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Context {
    /// The general-purpose registers; number 0 counts for nothing.
    pub registers: [u32; 32],
    /// The next instruction.
    pub pc: u32,
    /// How many instructions the program has executed.
    pub instructions: u64,
    cause: u32,
    value: u32,
    /// The stack pointer of the firmware while the program runs.
    firmware_sp: u32,
    /// The lower half of `minstret` when the program was started, and when it stopped.
    counters: [u32; 2],
}

/// Why a program stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trap {
    /// It called the firmware, with `ecall`.
    Call,
    /// The timer's interrupt.
    Timer,
    /// It cannot go on.
    Exception {
        /// What is wrong.
        cause: Exception,
        /// The address or the instruction at fault (`mtval`).
        value: u32,
    },
}

/// What is wrong with an instruction (RISC-V privileged architecture, table of `mcause`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exception(pub u32);

impl Exception {
    /// There is no code that may be executed.
    pub const INSTRUCTION_ACCESS_FAULT: Self = Self(1);
    /// There is no such instruction.
    pub const ILLEGAL_INSTRUCTION: Self = Self(2);
    /// An `ebreak`.
    pub const BREAKPOINT: Self = Self(3);
    /// A load from memory that may not be read.
    pub const LOAD_ACCESS_FAULT: Self = Self(5);
    /// A store to memory that may not be written.
    pub const STORE_ACCESS_FAULT: Self = Self(7);
    /// An `ecall` in user mode.
    pub const USER_CALL: Self = Self(8);
}

/// The bit of `mcause` that tells interrupts from exceptions.
const INTERRUPT: u32 = 1 << 31;

/// The instructions between the two reads of the counter that are not the program's: those that load its registers, and those that
/// save them.
const OVERHEAD: u32 = 33 + 33;

impl Context {
    /// Runs the program until it traps. Instructions are counted right if these are less than four billions, which a
    /// [timer](crate::timer) sees to.
    ///
    /// # Safety
    /// The memory that is [allowed](crate::pmp::allow) must hold nothing that Rust knows of.
    pub unsafe fn run(&mut self) -> Trap {
        // SAFETY: the context is one, and the caller vouches for the memory.
        unsafe { board_run_user(self) };
        let [start, stop] = self.counters;
        self.instructions += u64::from(stop.wrapping_sub(start).saturating_sub(OVERHEAD));
        if self.cause & INTERRUPT != 0 {
            return Trap::Timer;
        }
        match Exception(self.cause) {
            Exception::USER_CALL => Trap::Call,
            cause => Trap::Exception {
                cause,
                value: self.value,
            },
        }
    }
}

unsafe extern "C" {
    fn board_run_user(context: *mut Context);
    /// Where the hart goes on any trap.
    #[link_name = "board_trap_entry"]
    pub(crate) fn trap_entry();
}

// While a program runs, `mscratch` is its context, otherwise zero. A trap of the firmware itself is an error: it goes to whoever
// catches it, on the stack as it was there, since the stack may be what is at fault.
global_asm!(
    r#"
    .section .text.board_run_user, "ax"
    .globl board_run_user
board_run_user:
    addi sp, sp, -64
    sw ra, 0(sp)
    sw gp, 4(sp)
    sw tp, 8(sp)
    sw s0, 12(sp)
    sw s1, 16(sp)
    sw s2, 20(sp)
    sw s3, 24(sp)
    sw s4, 28(sp)
    sw s5, 32(sp)
    sw s6, 36(sp)
    sw s7, 40(sp)
    sw s8, 44(sp)
    sw s9, 48(sp)
    sw s10, 52(sp)
    sw s11, 56(sp)
    sw sp, {firmware_sp}(a0)
    csrw mscratch, a0
    lw t0, {pc}(a0)
    csrw mepc, t0
    li t0, 0x1800
    csrc mstatus, t0
    csrr t0, minstret
    sw t0, {counters}(a0)
    lw x1, 4(a0)
    lw x2, 8(a0)
    lw x3, 12(a0)
    lw x4, 16(a0)
    lw x5, 20(a0)
    lw x6, 24(a0)
    lw x7, 28(a0)
    lw x8, 32(a0)
    lw x9, 36(a0)
    lw x11, 44(a0)
    lw x12, 48(a0)
    lw x13, 52(a0)
    lw x14, 56(a0)
    lw x15, 60(a0)
    lw x16, 64(a0)
    lw x17, 68(a0)
    lw x18, 72(a0)
    lw x19, 76(a0)
    lw x20, 80(a0)
    lw x21, 84(a0)
    lw x22, 88(a0)
    lw x23, 92(a0)
    lw x24, 96(a0)
    lw x25, 100(a0)
    lw x26, 104(a0)
    lw x27, 108(a0)
    lw x28, 112(a0)
    lw x29, 116(a0)
    lw x30, 120(a0)
    lw x31, 124(a0)
    lw x10, 40(a0)
    mret

    .section .text.board_trap_entry, "ax"
    .p2align 2
    .globl board_trap_entry
board_trap_entry:
    csrrw a0, mscratch, a0
    beqz a0, 1f
    sw x1, 4(a0)
    sw x2, 8(a0)
    sw x3, 12(a0)
    sw x4, 16(a0)
    sw x5, 20(a0)
    sw x6, 24(a0)
    sw x7, 28(a0)
    sw x8, 32(a0)
    sw x9, 36(a0)
    sw x11, 44(a0)
    sw x12, 48(a0)
    sw x13, 52(a0)
    sw x14, 56(a0)
    sw x15, 60(a0)
    sw x16, 64(a0)
    sw x17, 68(a0)
    sw x18, 72(a0)
    sw x19, 76(a0)
    sw x20, 80(a0)
    sw x21, 84(a0)
    sw x22, 88(a0)
    sw x23, 92(a0)
    sw x24, 96(a0)
    sw x25, 100(a0)
    sw x26, 104(a0)
    sw x27, 108(a0)
    sw x28, 112(a0)
    sw x29, 116(a0)
    sw x30, 120(a0)
    sw x31, 124(a0)
    csrr t0, minstret
    sw t0, {counters}+4(a0)
    csrrw t0, mscratch, zero
    sw t0, 40(a0)
    csrr t0, mepc
    sw t0, {pc}(a0)
    csrr t0, mcause
    sw t0, {cause}(a0)
    csrr t0, mtval
    sw t0, {value}(a0)
    lw sp, {firmware_sp}(a0)
    lw ra, 0(sp)
    lw gp, 4(sp)
    lw tp, 8(sp)
    lw s0, 12(sp)
    lw s1, 16(sp)
    lw s2, 20(sp)
    lw s3, 24(sp)
    lw s4, 28(sp)
    lw s5, 32(sp)
    lw s6, 36(sp)
    lw s7, 40(sp)
    lw s8, 44(sp)
    lw s9, 48(sp)
    lw s10, 52(sp)
    lw s11, 56(sp)
    addi sp, sp, 64
    ret
1:
    csrw mscratch, zero
    csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
    la t0, board_caught
    lw t0, 0(t0)
    bnez t0, 2f
    la t0, _stack_end
2:
    mv sp, t0
    j {firmware_trap}
"#,
    pc = const offset_of!(Context, pc),
    cause = const offset_of!(Context, cause),
    value = const offset_of!(Context, value),
    counters = const offset_of!(Context, counters),
    firmware_sp = const offset_of!(Context, firmware_sp),
    firmware_trap = sym crate::recovery::firmware_trap,
);
