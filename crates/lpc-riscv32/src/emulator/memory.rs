//! The emulated machine's RAM: one region, bounds-checked at every access.
//!
//! Parts of it can be protected from stores of the program, as a memory protection unit does, and stores to code must be
//! noticed. A store compares its address with the one range around all of that, the *watched* range; what lies in it
//! is looked up.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// A contiguous region of RAM, zero at first.
#[derive(Clone)]
pub struct Memory {
    base: u32,
    bytes: Vec<u8>,
    /// As offsets into `bytes`, none of them empty.
    protected: Vec<Range<u32>>,
    /// Where code is, as offsets into `bytes`; may be empty.
    code: Range<u32>,
    watched: Watched,
}

/// The offsets at which a store may touch what is protected or code: all from the first to the last one, and those shortly
/// before, as a store has up to four bytes.
#[derive(Clone, Copy, Default)]
struct Watched {
    start: u32,
    length: u32,
}

impl Watched {
    fn around(ranges: impl Iterator<Item = Range<u32>>) -> Watched {
        let ranges = ranges.filter(|range| !range.is_empty());
        let hull = ranges.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
        hull.map_or(Watched::default(), |hull| {
            let start = hull.start.saturating_sub(3);
            let length = hull.end - start;
            Watched { start, length }
        })
    }

    #[inline(always)]
    fn contains(self, offset: u32) -> bool {
        offset.wrapping_sub(self.start) < self.length
    }
}

/// An access that is not wholly inside the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds {
    /// First address of the access.
    pub address: u32,
    /// Length of the access in bytes.
    pub length: usize,
}

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutOfBounds { address, length } = self;
        write!(
            f,
            "{length} bytes at {address:#010x} are not inside the memory"
        )
    }
}

impl core::error::Error for OutOfBounds {}

/// Why a machine does not get its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryError {
    /// A range is not inside the memory, or not inside the address space.
    OutOfBounds(OutOfBounds),
    /// There is too little memory where the emulator runs.
    OutOfMemory,
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfBounds(error) => error.fmt(f),
            Self::OutOfMemory => f.write_str("there is too little memory for the machine"),
        }
    }
}

impl core::error::Error for MemoryError {}

impl From<OutOfBounds> for MemoryError {
    fn from(error: OutOfBounds) -> Self {
        Self::OutOfBounds(error)
    }
}

impl Memory {
    /// Memory of `size` bytes from address `base`.
    ///
    /// # Errors
    /// [`MemoryError`] if the region does not end within the 32-bit address space, or if there is no memory for it.
    pub fn new(base: u32, size: u32) -> Result<Memory, MemoryError> {
        let length = size as usize;
        if u64::from(base) + u64::from(size) > 1 << 32 {
            let address = base;
            return Err(OutOfBounds { address, length }.into());
        }
        Ok(Memory {
            base,
            bytes: zeroed(length)?,
            protected: Vec::new(),
            code: 0..0,
            watched: Watched::default(),
        })
    }

    /// The first address.
    pub fn base(&self) -> u32 {
        self.base
    }

    /// The size in bytes.
    pub fn size(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// The address behind the last byte: a stack that grows down can start here. 0 if the memory
    /// ends with the address space.
    pub fn end(&self) -> u32 {
        self.base.wrapping_add(self.size())
    }

    /// The `length` bytes at `address`.
    ///
    /// # Errors
    /// [`OutOfBounds`] if they are not wholly inside the memory.
    pub fn read(&self, address: u32, length: usize) -> Result<&[u8], OutOfBounds> {
        self.from(address)
            .and_then(|bytes| bytes.get(..length))
            .ok_or(OutOfBounds { address, length })
    }

    /// Copies `bytes` to `address`.
    ///
    /// # Errors
    /// [`OutOfBounds`] if they do not fit; nothing is written then.
    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        let length = bytes.len();
        self.bytes
            .get_mut(address.wrapping_sub(self.base) as usize..)
            .and_then(|region| region.get_mut(..length))
            .ok_or(OutOfBounds { address, length })?
            .copy_from_slice(bytes);
        Ok(())
    }

    /// The little-endian word at `address`, which may be misaligned.
    ///
    /// # Errors
    /// [`OutOfBounds`] if it is not wholly inside the memory.
    pub fn read_u32(&self, address: u32) -> Result<u32, OutOfBounds> {
        self.load(address)
            .map(u32::from_le_bytes)
            .ok_or(OutOfBounds { address, length: 4 })
    }

    /// Writes a little-endian word to `address`, which may be misaligned.
    ///
    /// # Errors
    /// [`OutOfBounds`] if it is not wholly inside the memory.
    pub fn write_u32(&mut self, address: u32, value: u32) -> Result<(), OutOfBounds> {
        self.write(address, &value.to_le_bytes())
    }

    /// Protects the `length` bytes at `address`, in addition to those that already are: stores of the program to any of
    /// them trap. The host writes as before.
    ///
    /// # Errors
    /// [`OutOfBounds`] if they are not wholly inside the memory; nothing changes then.
    pub fn protect(&mut self, address: u32, length: u32) -> Result<(), OutOfBounds> {
        self.read(address, length as usize)?;
        if length == 0 {
            return Ok(());
        }
        let start = address.wrapping_sub(self.base);
        self.protected.push(start..start + length);
        self.update_watched();
        Ok(())
    }

    /// Makes the `length` bytes at `address`, which are inside the memory, and the words that they are part of those that
    /// [`Memory::store_unwatched`] does not store to because they are code.
    pub(super) fn watch_code(&mut self, address: u32, length: u32) {
        let start = address.wrapping_sub(self.base);
        let end = (start + length).saturating_add(3).min(self.size());
        self.code = start.saturating_sub(3)..end;
        self.update_watched();
    }

    fn update_watched(&mut self) {
        let code = core::iter::once(&self.code);
        self.watched = Watched::around(code.chain(&self.protected).cloned());
    }

    /// All bytes from `address` to the end of the memory.
    #[inline(always)]
    pub(super) fn from(&self, address: u32) -> Option<&[u8]> {
        self.bytes.get(address.wrapping_sub(self.base) as usize..)
    }

    /// `N` bytes at `address`.
    #[inline(always)]
    pub(super) fn load<const N: usize>(&self, address: u32) -> Option<[u8; N]> {
        let start = address.wrapping_sub(self.base) as usize;
        let bytes = self.bytes.get(start..start.wrapping_add(N))?;
        bytes.first_chunk().copied()
    }

    /// Stores `N` bytes, four at most, to `address`, if all of them are inside the memory and none is near what is protected
    /// or code. Then [`Memory::store`] tells whether it is allowed.
    #[inline(always)]
    pub(super) fn store_unwatched<const N: usize>(
        &mut self,
        address: u32,
        bytes: [u8; N],
    ) -> Option<()> {
        let offset = address.wrapping_sub(self.base);
        if self.watched.contains(offset) {
            return None;
        }
        let start = offset as usize;
        let stored = self.bytes.get_mut(start..start.wrapping_add(N))?;
        stored.copy_from_slice(&bytes);
        Some(())
    }

    /// Stores `bytes` to `address`, if all of them are inside the memory and none is protected.
    pub(super) fn store(&mut self, address: u32, bytes: &[u8]) -> Option<()> {
        let offset = address.wrapping_sub(self.base);
        let stored = self.bytes.get_mut(offset as usize..)?;
        let stored = stored.get_mut(..bytes.len())?;
        if is_protected(&self.protected, offset, bytes.len()) {
            return None;
        }
        stored.copy_from_slice(bytes);
        Some(())
    }
}

/// Whether one of the `length` bytes at `offset` is in one of `ranges`.
fn is_protected(ranges: &[Range<u32>], offset: u32, length: usize) -> bool {
    let end = u64::from(offset) + length as u64;
    ranges
        .iter()
        .any(|range| offset < range.end && u64::from(range.start) < end)
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({:#010x}, {} bytes)", self.base, self.bytes.len())
    }
}

/// From how many bytes on zeros are taken from the system as they are, without writing them.
const LAZY_SIZE: usize = 1 << 20;

/// So many zeros.
///
/// # Errors
/// [`MemoryError::OutOfMemory`] if there is no room for them.
pub(super) fn zeroed<T: Copy + Default>(length: usize) -> Result<Vec<T>, MemoryError> {
    let mut zeros = Vec::new();
    zeros
        .try_reserve_exact(length)
        .map_err(|_| MemoryError::OutOfMemory)?;
    if length * size_of::<T>() < LAZY_SIZE {
        zeros.resize(length, T::default());
        return Ok(zeros);
    }
    // There is room. Given back, it is there for an allocation of zeros, of which there is no kind that gives an error.
    drop(zeros);
    Ok(vec![T::default(); length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_is_checked_at_both_ends() {
        let mut memory = Memory::new(0x1000, 16).unwrap();
        assert_eq!(memory.end(), 0x1010);
        assert_eq!(memory.write_u32(0x100c, 0x1234_5678), Ok(()));
        assert_eq!(memory.read(0x100c, 4), Ok(&[0x78, 0x56, 0x34, 0x12][..]));
        assert_eq!(memory.read_u32(0x100c), Ok(0x1234_5678));
        for address in [0xffc, 0xfff, 0x100d, 0x1010, 0xffff_ffff] {
            let error = OutOfBounds { address, length: 4 };
            assert_eq!(memory.write_u32(address, 0), Err(error));
            assert_eq!(memory.read_u32(address), Err(error));
        }
        assert_eq!(memory.read(0x1010, 0), Ok(&[][..]));
    }

    #[test]
    fn stores_that_touch_a_protected_byte_fail_and_change_nothing() {
        let mut memory = Memory::new(0x1000, 64).unwrap();
        let stores = |memory: &mut Memory| -> Vec<u32> {
            let addresses = 0x0ff8..0x1048;
            addresses
                .filter(|&address| memory.store(address, &[1, 2, 3, 4]).is_some())
                .collect()
        };
        assert_eq!(stores(&mut memory), (0x1000..0x103d).collect::<Vec<_>>());
        memory.protect(0x1010, 0).unwrap();
        assert_eq!(stores(&mut memory), (0x1000..0x103d).collect::<Vec<_>>());
        memory.protect(0x1010, 5).unwrap();
        memory.protect(0x1030, 16).unwrap();
        let mut memory = Memory {
            bytes: vec![0; 64],
            ..memory
        };
        let writable = (0x1000..0x100d).chain(0x1015..0x102d);
        assert_eq!(stores(&mut memory), writable.collect::<Vec<_>>());
        assert_eq!(memory.read(0x1010, 5), Ok(&[0; 5][..]));
        assert_eq!(memory.read(0x1030, 16), Ok(&[0; 16][..]));
        assert!(memory.store(0x100f, &[1]).is_some());
        assert!(memory.store(0x1010, &[1]).is_none());
        assert!(memory.store(0x1014, &[1]).is_none());
        assert!(memory.store(0x1015, &[1]).is_some());
        assert_eq!(memory.write(0x1010, &[7; 5]), Ok(()));
        assert_eq!(memory.read(0x1010, 5), Ok(&[7; 5][..]));
        let (address, length) = (0x1038, 9);
        assert_eq!(
            memory.protect(address, length),
            Err(OutOfBounds { address, length: 9 })
        );
        assert_eq!(stores(&mut memory).len(), 13 + 24);
    }

    #[test]
    fn all_memory_may_be_protected() {
        let mut memory = Memory::new(0xffff_fff0, 16).unwrap();
        memory.protect(0xffff_fff0, 16).unwrap();
        assert!((0xffff_fff0..=0xffff_ffff).all(|address| memory.store(address, &[1]).is_none()));
        assert!(memory.store(0xffff_fff0, &[1; 4]).is_none());
        assert!(memory.store(0xffff_fffc, &[1; 4]).is_none());
    }

    #[test]
    fn a_region_may_end_with_the_address_space_and_not_later() {
        let memory = Memory::new(0xffff_fff0, 16).unwrap();
        assert_eq!(memory.end(), 0);
        assert!(memory.read_u32(0xffff_fffc).is_ok());
        assert!(memory.read_u32(0xffff_fffd).is_err());
        assert!(Memory::new(0xffff_fff0, 17).is_err());
    }
}
