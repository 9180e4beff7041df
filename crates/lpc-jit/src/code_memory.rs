//! Memory that code is written to and executed from.

use crate::host::HostFunction;
use lpc_link::Sections;

/// Memory that code is written to and executed from.
///
/// A processor may execute at other addresses than those at which the same bytes are written. So nothing here gives the address of
/// the [write view](Self::write_view): code is written through a slice, and linked for the address of its [`Region`].
///
/// ```text
///   allocate ──► write_view (bytes) ──► publish ──► executed at Region::address ──► free
///                     │      ▲
///                     └settle┘   unfinished code moves to where it fits best, in fewer bytes
/// ```
///
/// [`RamMemory`](crate::RamMemory) is RAM of the machine that this runs on; with the feature `emulator`, `EmulatorMemory` is that
/// of an emulated machine.
pub trait CodeMemory {
    /// What calls code in this memory.
    type Executor;

    /// What calls code in this memory.
    fn executor(&self) -> Self::Executor;

    /// The size of the largest region that can be allocated, in bytes.
    fn largest_free(&self) -> u32;

    /// Allocates `size` bytes, at least, at an address that is a multiple of `alignment`, a power of two. `None` when there is
    /// no room for them.
    fn allocate(&mut self, size: u32, alignment: u32) -> Option<Region>;

    /// Makes a region that is not published yet one of `size` bytes at a multiple of `alignment`. It may move: the first `size`
    /// bytes of its [write view](Self::write_view) move along. `None` when there is no room at such a multiple; the region is free then.
    fn settle(&mut self, region: Region, size: u32, alignment: u32) -> Option<Region>;

    /// The bytes of `region`, to write to before it is [published](Self::publish).
    fn write_view(&mut self, region: &Region) -> &mut [u8];

    /// What the address of each part of a module, such as its code, must be a multiple of: a power of two. Memory protection has units.
    fn section_alignment(&self) -> u32 {
        1
    }

    /// Makes what was written to `region` what the processor executes and reads at its address. Which parts of it are for what
    /// `sections` tells.
    fn publish(&mut self, region: &Region, sections: &Sections);

    /// Takes `region` back.
    fn free(&mut self, region: Region);

    /// The address at which code in this memory calls `function`. `None` when there is no room for what that takes.
    fn host_address(&mut self, function: &HostFunction) -> Option<u32>;
}

/// A part of a [`CodeMemory`]. Who has it may use it, and gives it back to [`CodeMemory::free`].
#[derive(PartialEq, Eq, Debug)]
pub struct Region {
    address: u32,
    data_address: u32,
    size: u32,
}

impl Region {
    /// The region that is executed at `address` and has `size` bytes: for implementations of [`CodeMemory`].
    pub const fn new(address: u32, size: u32) -> Self {
        Self {
            address,
            data_address: address,
            size,
        }
    }

    /// The same, with its first byte as data at `data_address`.
    pub const fn with_data_at(self, data_address: u32) -> Self {
        Self {
            data_address,
            ..self
        }
    }

    /// Where the processor executes its first byte.
    pub const fn address(&self) -> u32 {
        self.address
    }

    /// Where the processor reads and writes its first byte, as data. That is the address at which it executes it, unless a chip allows more at
    /// another one: data objects are linked for this address.
    pub const fn data_address(&self) -> u32 {
        self.data_address
    }

    /// Its size in bytes.
    pub const fn size(&self) -> u32 {
        self.size
    }
}
