//! Code in the RAM of the machine that this runs on.
//!
//! This is the one place of the crate that is not safe Rust: memory at raw addresses is written, and what is in it is called. Why that is
//! right is promised once, by who makes a [`RamMemory`].
#![allow(
    unsafe_code,
    reason = "writing to memory by its address and calling code in it is what this is for"
)]

#[cfg(target_arch = "riscv32")]
mod native;

use crate::code_memory::{CodeMemory, Region};
use crate::host::HostFunction;
use crate::regions::RegionAllocator;
use lpc_link::Sections;
#[cfg(target_arch = "riscv32")]
pub use native::NativeCall;

/// RAM of the machine that this runs on, seen at one address or at two.
///
/// ```text
///   write ────► ┌───────────────────────┐ ◄──── execute
///               │ modules               │
///               └───────────────────────┘
/// ```
///
/// What is needed for code to be seen by instruction fetch is done when a module is published: `fence.i`, or what was given to
/// [`Self::publish_with`].
#[derive(Debug)]
pub struct RamMemory {
    write: *mut u8,
    execute: u32,
    /// The address at which code has the first byte as data.
    data: u32,
    size: u32,
    regions: RegionAllocator,
    publish: fn(&Region, &Sections),
    section_alignment: u32,
}

/// Calls code of the machine that this runs on. On other machines than RV32 there is nothing that it could call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Native(());

impl RamMemory {
    /// The memory that is `ram`, which is executed at the address at which it is written.
    ///
    /// # Safety
    /// The processor can execute what is in `ram`.
    ///
    /// Who compiles code into this memory answers for what it does when it is called, as for any function that is declared `unsafe`: LPIR may
    /// access any address.
    pub unsafe fn new(ram: &'static mut [u8]) -> Self {
        let size = u32::try_from(ram.len()).unwrap_or(u32::MAX);
        let write = ram.as_mut_ptr();
        // An address of the machine has 32 bits; elsewhere nothing executes this.
        let execute = write as usize as u32;
        // SAFETY: nobody else uses memory that is borrowed forever. The rest is promised by the caller.
        unsafe { Self::with_alias(write, execute, size) }
    }

    /// The `size` bytes that are written from `write` on, and that the processor executes from the address `execute` on. Code also reads and writes them
    /// there: see [`Self::data_from`].
    ///
    /// # Safety
    /// The bytes are memory that may be read and written, at both addresses, as long as this or a module in it exists. Nobody else uses them. The
    /// processor can execute them at `execute`.
    ///
    /// Who compiles code into this memory answers for what it does when it is called, as for any function that is declared `unsafe`: LPIR may
    /// access any address.
    pub unsafe fn with_alias(write: *mut u8, execute: u32, size: u32) -> Self {
        Self {
            write,
            execute,
            data: execute,
            size,
            regions: RegionAllocator::new(execute, size),
            publish: |_, _| fence_i(),
            section_alignment: 1,
        }
    }

    /// The same, with the data of modules not at the addresses at which the memory is executed but from `address` on, as for code that may load and
    /// store single bytes there only. That is usually where it is written.
    ///
    /// # Safety
    /// The same bytes are memory at `address` that the processor may read and write.
    pub unsafe fn data_from(self, address: u32) -> Self {
        Self {
            data: address,
            ..self
        }
    }

    /// The same, with `publish` called for each module that was written, and nothing else done: it makes the processor see at the address of the
    /// region what was written through the other one. It may protect what is there; see [`CodeMemory::publish`].
    pub fn publish_with(self, publish: fn(&Region, &Sections)) -> Self {
        Self { publish, ..self }
    }

    /// The same, with the address of each part of a module at a multiple of `alignment`, a power of two.
    pub fn align_sections(self, alignment: u32) -> Self {
        debug_assert!(alignment.is_power_of_two());
        Self {
            section_alignment: alignment,
            ..self
        }
    }

    /// Where the byte is written that is executed at `address`, which is inside.
    fn write_pointer(&self, address: u32) -> *mut u8 {
        let offset = address - self.execute;
        debug_assert!(offset <= self.size);
        self.write.wrapping_add(offset as usize)
    }
}

impl CodeMemory for RamMemory {
    type Executor = Native;

    fn executor(&self) -> Native {
        Native(())
    }

    fn largest_free(&self) -> u32 {
        self.regions.largest_free()
    }

    fn allocate(&mut self, size: u32, alignment: u32) -> Option<Region> {
        let region = self.regions.allocate(size, alignment)?;
        let data = self.data.wrapping_add(region.address() - self.execute);
        Some(region.with_data_at(data))
    }

    fn settle(&mut self, region: Region, size: u32, alignment: u32) -> Option<Region> {
        let from = self.write_pointer(region.address());
        let count = size.min(region.size()) as usize;
        self.regions.free(region);
        let settled = self.allocate(size, alignment)?;
        let to = self.write_pointer(settled.address());
        // SAFETY: both are regions of this memory with so many bytes at least. They may overlap, which `copy` allows.
        unsafe { core::ptr::copy(from, to, count) };
        Some(settled)
    }

    fn write_view(&mut self, region: &Region) -> &mut [u8] {
        let start = self.write_pointer(region.address());
        // SAFETY: a region is inside of this memory, and nobody else has it. Until it is published, no code uses it.
        unsafe { core::slice::from_raw_parts_mut(start, region.size() as usize) }
    }

    fn section_alignment(&self) -> u32 {
        self.section_alignment
    }

    fn publish(&mut self, region: &Region, sections: &Sections) {
        (self.publish)(region, sections);
    }

    fn free(&mut self, region: Region) {
        self.regions.free(region);
    }

    fn host_address(&mut self, function: &HostFunction) -> Option<u32> {
        Some(function.address() as u32)
    }
}

/// Makes instruction fetch see all that this hart has stored (RISC-V unprivileged manual, "Zifencei"). Other harts need a fence of their own.
#[inline]
pub fn fence_i() {
    #[cfg(target_arch = "riscv32")]
    // SAFETY: the instruction changes no register and no memory. Without `nomem`, what was stored before is in memory. It is written by its
    // number, as the target of the build need not name the extension.
    unsafe {
        core::arch::asm!(".4byte 0x0000100f", options(nostack))
    };
}
