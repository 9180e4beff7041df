//! The frame of a function: what lies where between the stack pointer and the caller's frame.
//!
//! ```text
//!   higher addresses
//!  ┌──────────────────────────┐
//!  │ incoming arguments       │  incoming_args_size
//!  ├──────────────────────────┤◄─ sp at entry
//!  │ room for tail arguments  │  tail_args_size - incoming_args_size
//!  ├──────────────────────────┤
//!  │ setup area: ra, s0/fp    │  setup_area_size                     ◄─ fp (at its lower end) where it is kept
//!  ├──────────────────────────┤
//!  │ clobbered callee-saves   │  clobber_size
//!  ├──────────────────────────┤
//!  │ (padding)                │  ┐
//!  │ explicit stack slots     │  ├ fixed_frame_storage_size
//!  │ spill slots              │  ┘
//!  ├──────────────────────────┤
//!  │ outgoing arguments       │  outgoing_args_size
//!  └──────────────────────────┘◄─ sp in the body
//!   lower addresses
//! ```
//!
//! Spill slots lie below the stack slots because they are the ones that must be near: the allocator's moves should not need
//! a register to form an address. The stack pointer is a multiple of [`STACK_ALIGNMENT`] in the body, and moves only in
//! the prologue and in epilogues.
//!
//! In a function that pops its arguments, the tail calls it makes find their arguments just below the *upper* end of the
//! incoming ones, where its own lay; where they need more room than the caller provided, `tail_args_size` says how much.

use super::machinst::{CallType, CodeOffset};
use super::reg::SpillSlot;
use core::fmt;
use regalloc2::PRegSet;

/// What the stack pointer is a multiple of, in bytes.
pub const STACK_ALIGNMENT: u32 = 16;

/// The largest frame, in bytes. Offsets into it, and sums of two of them, fit a signed 32-bit number.
pub const MAX_FRAME_SIZE: u32 = 1 << 29;

/// The frame would be larger than [`MAX_FRAME_SIZE`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameTooLarge;

impl fmt::Display for FrameTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the frame is larger than {MAX_FRAME_SIZE} bytes")
    }
}

impl core::error::Error for FrameTooLarge {}

/// What a function needs of its frame before registers are allocated. All sizes are in bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FrameRequirements {
    /// The arguments that the function receives on the stack.
    pub incoming_args_size: u32,
    /// The most that the function's tail calls, and its own caller, pass on the stack. Never below
    /// `incoming_args_size`; above it only in a function that pops its arguments.
    pub tail_args_size: u32,
    /// The most that one call passes on the stack.
    pub outgoing_args_size: u32,
    /// The stack that callees take which do not check its limit.
    pub unchecked_stack: u32,
    /// The explicit stack slots, with the padding between them.
    pub stackslots_size: u32,
    /// What the address of the first stack slot must be a multiple of; a power of two, [`STACK_ALIGNMENT`] at most.
    pub stackslots_align: u32,
    /// Whether returning removes the incoming arguments from the stack.
    pub pops_incoming_args: bool,
    /// Whether the frame pointer always points to the frame, so that frames form a list.
    pub preserve_frame_pointers: bool,
}

/// What register allocation adds to the frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllocationSummary {
    /// Spill slots, in words.
    pub num_spillslots: u32,
    /// The registers that the function writes.
    pub clobbered: PRegSet,
    /// The calls that the function makes.
    pub function_calls: CallType,
    /// An upper bound of the bytes of code, which tells whether branches may be far.
    pub code_size: CodeOffset,
}

/// The frame of a function. All sizes and offsets are in bytes; offsets count from the stack pointer of the body.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FrameLayout {
    /// The size of a word: of a spill slot and of a saved register.
    pub word_bytes: u32,
    /// The arguments that the function received on the stack.
    pub incoming_args_size: u32,
    /// The room for arguments of tail calls, which contains the incoming arguments.
    pub tail_args_size: u32,
    /// The return address and the frame pointer (or, where there is none, the register in its place), or nothing.
    pub setup_area_size: u32,
    /// Callee-saved registers that are not in the setup area.
    pub clobber_size: u32,
    /// Spill slots, stack slots and padding.
    pub fixed_frame_storage_size: u32,
    /// Stack slots.
    pub stackslots_size: u32,
    /// Arguments of calls.
    pub outgoing_args_size: u32,
    /// The stack below the frame that callees take which do not check its limit.
    pub unchecked_stack: u32,
    /// Where the stack slots start, as a distance from the stack pointer.
    pub stackslots_offset: u32,
    /// The callee-saved registers that must be saved, apart from those in the setup area, from the highest address down.
    pub clobbered_callee_saves: PRegSet,
    /// Whether the register that is the frame pointer by convention is saved in the setup area.
    pub saves_frame_pointer: bool,
    /// Whether the frame pointer points to the setup area.
    pub preserve_frame_pointers: bool,
    /// Whether returning removes the incoming arguments from the stack.
    pub pops_incoming_args: bool,
    /// The calls that the function makes.
    pub function_calls: CallType,
}

impl FrameLayout {
    /// How far the stack pointer in the body is below the setup area's upper end.
    pub fn frame_size(&self) -> u32 {
        self.setup_area_size
            + self.clobber_size
            + self.fixed_frame_storage_size
            + self.outgoing_args_size
    }

    /// The part of the room for tail arguments that the function has to make itself.
    pub fn tail_args_growth(&self) -> u32 {
        self.tail_args_size - self.incoming_args_size
    }

    /// How far the prologue moves the stack pointer.
    pub fn sp_adjustment(&self) -> u32 {
        self.frame_size() + self.tail_args_growth()
    }

    /// Where a spill slot lies.
    pub fn spillslot_offset(&self, slot: SpillSlot) -> u32 {
        self.outgoing_args_size + slot.index() as u32 * self.word_bytes
    }

    /// Where the incoming argument lies that is `offset` bytes above the first.
    pub fn incoming_arg_offset(&self, offset: i32) -> i32 {
        self.sp_adjustment() as i32 + offset
    }

    /// Where the argument of a tail call lies that is `offset` bytes above the first, when the call passes `args_size`
    /// bytes.
    ///
    /// In a function that pops its arguments, those of a tail call end where its own end; in another, they start where its
    /// own start, because the caller will pop the room it made.
    pub fn tail_arg_offset(&self, args_size: u32, offset: i32) -> i32 {
        if self.pops_incoming_args {
            (self.frame_size() + self.tail_args_size - args_size) as i32 + offset
        } else {
            self.incoming_arg_offset(offset)
        }
    }
}
