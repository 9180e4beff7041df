//! The memory that programs may use, and nothing beside it: user mode and memory protection see to that.
//!
//! ```text
//!   ┌──────────────────┬────────────┬──────────────────────────────────────────────┐
//!   │ stack            │ host calls │ text │ read-only │ writable │ zeroed          │
//!   └──────────────────┴────────────┴──────────────────────────────────────────────┘
//!    read, write         read, execute    read         read, write
//!    ◄── STACK_SIZE ──► ◄────────────────── PROGRAM_SIZE ──────────────────────────►
//! ```
//!
//! The stack grows down, and overflows out of the memory.

use board::pmp::{self, Access, GRANULE, Region};
use core::arch::asm;
use core::cell::UnsafeCell;
use core::ops::Range;
use core::slice;
use lpc_device::HostFunction;
use lpc_link::Image;
use lpc_riscv32::host_call::{HOST_CALL_SIZE, host_call};
use static_cell::ConstStaticCell;

/// The bytes of the stack.
pub(crate) const STACK_SIZE: usize = 1 << 16;

/// The bytes for calls to the host, code and data.
pub(crate) const PROGRAM_SIZE: usize = 1 << 18;

#[repr(C, align(4096))]
struct Memory {
    stack: UnsafeCell<[u8; STACK_SIZE]>,
    program: UnsafeCell<[u8; PROGRAM_SIZE]>,
}

// SAFETY: the memory is accessed through the one `Sandbox` only, and by programs while that is borrowed.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory {
    stack: UnsafeCell::new([0; STACK_SIZE]),
    program: UnsafeCell::new([0; PROGRAM_SIZE]),
};

/// That it exists once.
static SANDBOX: ConstStaticCell<()> = ConstStaticCell::new(());

/// The color of stack that is unused.
const PAINT: u8 = 0xc5;

/// The memory of programs. Who has it borrowed knows that no program runs.
pub(crate) struct Sandbox(());

impl Sandbox {
    /// The memory, once.
    pub(crate) fn take() -> Self {
        SANDBOX.take();
        Self(())
    }

    /// The addresses of the stack.
    pub(crate) fn stack(&self) -> Range<u32> {
        range(MEMORY.stack.get().addr(), STACK_SIZE)
    }

    /// The addresses for calls to the host, code and data.
    pub(crate) fn program(&self) -> Range<u32> {
        range(MEMORY.program.get().addr(), PROGRAM_SIZE)
    }

    /// The first address behind the calls to the host that is a multiple of `alignment`.
    pub(crate) fn image_start(&self, alignment: u32) -> u32 {
        let host_calls = size_of_val(&host_calls()) as u32;
        (self.program().start + host_calls).next_multiple_of(alignment)
    }

    /// The address that a program returns to when it is through.
    pub(crate) fn return_address(&self) -> u32 {
        self.program().start + HOST_CALL_SIZE * HostFunction::ALL.len() as u32
    }

    /// Puts `image` into the memory, and allows what it needs.
    ///
    /// # Errors
    /// When it does not fit.
    pub(crate) fn load(&mut self, image: &Image) -> Result<(), DoesNotFit> {
        let program = self.program();
        let end = image.base().checked_add(image.memory_size());
        if end.is_none_or(|end| end > program.end) {
            return Err(DoesNotFit);
        }
        self.bytes_mut(program.start, program.len() as u32)
            .ok_or(DoesNotFit)?
            .fill(0);
        self.write(program.start, host_calls().as_flattened())?;
        self.write(image.base(), image.bytes())?;
        self.allow(image);
        // SAFETY: from here on, what was written is what is executed.
        unsafe { asm!("fence.i", options(nostack)) };
        Ok(())
    }

    fn allow(&self, image: &Image) {
        let sections = image.sections();
        let address = |offset: u32| (image.base() + offset) as usize;
        let stack = self.stack();
        let program = self.program();
        let granules = |range: Range<usize>| range.start..range.end.next_multiple_of(GRANULE);
        pmp::allow(&[
            Region {
                range: granules(program.start as usize..address(sections.text.end)),
                access: Access::ReadExecute,
            },
            Region {
                range: granules(address(sections.read_only.start)..address(sections.read_only.end)),
                access: Access::Read,
            },
            Region {
                range: granules(address(sections.writable.start)..address(sections.zeroed.end)),
                access: Access::ReadWrite,
            },
            Region {
                range: stack.start as usize..stack.end as usize,
                access: Access::ReadWrite,
            },
        ]);
    }

    /// Writes `bytes`.
    ///
    /// # Errors
    /// When that is not in this memory.
    pub(crate) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), DoesNotFit> {
        let place = self.bytes_mut(address, bytes.len() as u32);
        place.ok_or(DoesNotFit)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes zeros.
    ///
    /// # Errors
    /// When that is not in this memory.
    pub(crate) fn clear(&mut self, address: u32, length: usize) -> Result<(), DoesNotFit> {
        let place = self.bytes_mut(address, length as u32);
        place.ok_or(DoesNotFit)?.fill(0);
        Ok(())
    }

    /// The word at `address`, if that is in this memory.
    pub(crate) fn word(&self, address: u32) -> Option<u32> {
        let bytes = self.bytes(address, size_of::<u32>() as u32)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    /// What is at `address`, if that is in this memory.
    pub(crate) fn bytes(&self, address: u32, length: u32) -> Option<&[u8]> {
        let start = self.pointer(address, length)?;
        // SAFETY: the range is in the memory, and nobody writes to it while `self` is borrowed.
        Some(unsafe { slice::from_raw_parts(start, length as usize) })
    }

    fn bytes_mut(&mut self, address: u32, length: u32) -> Option<&mut [u8]> {
        let start = self.pointer(address, length)?;
        // SAFETY: the range is in the memory, and nobody else accesses it while `self` is borrowed.
        Some(unsafe { slice::from_raw_parts_mut(start, length as usize) })
    }

    fn pointer(&self, address: u32, length: u32) -> Option<*mut u8> {
        let stack = (self.stack(), MEMORY.stack.get().cast::<u8>());
        let program = (self.program(), MEMORY.program.get().cast::<u8>());
        let parts = [stack, program].into_iter();
        let mut parts = parts.filter_map(|(range, start)| {
            let offset = address.checked_sub(range.start)?;
            let room = (range.end - range.start).checked_sub(offset)?;
            (length <= room).then(|| start.wrapping_add(offset as usize))
        });
        parts.next()
    }

    /// Paints the stack, so that [`Self::used_stack`] can tell how much of it is used later.
    pub(crate) fn paint_stack(&mut self) {
        let stack = self.stack();
        if let Some(stack) = self.bytes_mut(stack.start, STACK_SIZE as u32) {
            stack.fill(PAINT);
        }
    }

    /// The bytes of the stack that were written to since it was painted.
    pub(crate) fn used_stack(&self) -> u32 {
        let stack = self.bytes(self.stack().start, STACK_SIZE as u32);
        let mut bytes = stack.unwrap_or_default().iter();
        let unused = bytes.position(|byte| *byte != PAINT);
        (STACK_SIZE - unused.unwrap_or(STACK_SIZE)) as u32
    }
}

/// Something is not in the memory of programs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DoesNotFit;

/// The code that calls the host: what is called, its address tells. Behind all of them is the one that ends a program.
fn host_calls() -> [[u8; HOST_CALL_SIZE as usize]; HostFunction::ALL.len() + 1] {
    [host_call(); _]
}

fn range(start: usize, size: usize) -> Range<u32> {
    start as u32..(start + size) as u32
}
