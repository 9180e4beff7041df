//! The machine that a program runs on.

use lpc_riscv32::emulator::Misaligned;

/// The address of the first byte of the machine's memory.
///
/// Its top bit is set, so that code which compares addresses as signed numbers does not get away with it.
pub const MEMORY_BASE: u32 = 0x8000_0000;

/// The machine that a program runs on. Its instruction set is the one that the program was compiled for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MachineOptions {
    /// All of its memory, in bytes.
    pub memory_size: u32,
    /// The part of the memory that is the stack, in bytes; rounded down to a multiple of 16.
    pub stack_size: u32,
    /// What the address of every section of the program is to be a multiple of: a power of two. That of a page, where memory is
    /// protected in pages.
    pub section_alignment: u32,
    /// What loads and stores do at addresses that are no multiples of their size.
    pub misaligned: Misaligned,
    /// The most instructions that one call may execute.
    pub instruction_limit: u64,
    /// Whether to check at every call and tail call in the program, and not just at calls to the host, that the stack pointer
    /// is aligned.
    /// Slow: the run is watched instruction by instruction.
    pub check_stack_alignment: bool,
}

impl Default for MachineOptions {
    /// 16 MiB of memory, of which 4 MiB are stack, and a billion instructions.
    fn default() -> Self {
        Self {
            memory_size: 16 << 20,
            stack_size: 4 << 20,
            section_alignment: 1,
            misaligned: Misaligned::Allow,
            instruction_limit: 1_000_000_000,
            check_stack_alignment: false,
        }
    }
}
