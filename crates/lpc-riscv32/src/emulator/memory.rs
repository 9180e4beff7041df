//! The emulated machine's RAM: one region, bounds-checked at every access.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// A contiguous region of RAM, zero at first.
#[derive(Clone)]
pub struct Memory {
    base: u32,
    bytes: Vec<u8>,
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

impl Memory {
    /// Memory of `size` bytes from address `base`.
    ///
    /// # Errors
    /// [`OutOfBounds`] if the region does not end within the 32-bit address space.
    pub fn new(base: u32, size: u32) -> Result<Memory, OutOfBounds> {
        let length = size as usize;
        if u64::from(base) + u64::from(size) > 1 << 32 {
            return Err(OutOfBounds {
                address: base,
                length,
            });
        }
        Ok(Memory {
            base,
            bytes: vec![0; length],
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

    /// All bytes from `address` to the end of the memory.
    #[inline(always)]
    pub(super) fn from(&self, address: u32) -> Option<&[u8]> {
        self.bytes.get(address.wrapping_sub(self.base) as usize..)
    }

    /// `N` bytes at `address`.
    #[inline(always)]
    pub(super) fn load<const N: usize>(&self, address: u32) -> Option<[u8; N]> {
        self.from(address)?.first_chunk().copied()
    }

    /// Stores `N` bytes to `address`.
    #[inline(always)]
    pub(super) fn store<const N: usize>(&mut self, address: u32, bytes: [u8; N]) -> Option<()> {
        let offset = address.wrapping_sub(self.base) as usize;
        *self.bytes.get_mut(offset..)?.first_chunk_mut()? = bytes;
        Some(())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({:#010x}, {} bytes)", self.base, self.bytes.len())
    }
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
    fn a_region_may_end_with_the_address_space_and_not_later() {
        let memory = Memory::new(0xffff_fff0, 16).unwrap();
        assert_eq!(memory.end(), 0);
        assert!(memory.read_u32(0xffff_fffc).is_ok());
        assert!(memory.read_u32(0xffff_fffd).is_err());
        assert!(Memory::new(0xffff_fff0, 17).is_err());
    }
}
