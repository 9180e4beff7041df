//! The memory of a program: three ranges of a 32-bit address space.
//!
//! ```text
//!   DATA_BASE    ┌────────────────┐
//!                │ read-only data │  nothing can be stored there
//!                ├────────────────┤  a multiple of DATA_ALIGNMENT
//!                │ other data     │
//!                └────────────────┘
//!   MEMORY_BASE  ┌────────────────┐
//!                │ stack          │  grows down, and overflows out of the memory
//!                ├────────────────┤
//!                │ heap           │  for the user
//!                └────────────────┘
//! ```

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use lpc_lpir::ir::{DataValue, Endianness, MAX_DATA_ALIGNMENT, Type};

/// The address of the first byte of the data.
pub const DATA_BASE: u32 = 0x2000_0000;

/// What the addresses of both kinds of data start at a multiple of, so that every alignment of an object can be kept.
pub(crate) const DATA_ALIGNMENT: u32 = MAX_DATA_ALIGNMENT;

/// The address of the first byte of the stack. Nothing is at the lowest addresses, so that an access through a null pointer
/// traps.
pub const MEMORY_BASE: u32 = 0x4000_0000;

/// An access that the memory does not allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryFault {
    /// It is outside of the memory.
    OutOfBounds,
    /// It would change read-only data.
    ReadOnly,
}

impl fmt::Display for MemoryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfBounds => "access outside of the memory",
            Self::ReadOnly => "store to read-only data",
        })
    }
}

impl core::error::Error for MemoryFault {}

/// Bytes at consecutive addresses.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// The address of the first.
    base: u32,
    bytes: Vec<u8>,
    is_writable: bool,
}

impl Segment {
    /// A segment that can be written to.
    pub(crate) fn writable(base: u32, bytes: Vec<u8>) -> Self {
        Self {
            base,
            bytes,
            is_writable: true,
        }
    }

    /// A segment that stays as it is.
    pub(crate) fn read_only(base: u32, bytes: Vec<u8>) -> Self {
        Self {
            is_writable: false,
            ..Self::writable(base, bytes)
        }
    }

    /// Where the bytes from `address` on are in the segment, if it has enough of them.
    fn range(&self, address: u32, size: u32) -> Option<Range<usize>> {
        let start = address.checked_sub(self.base)? as usize;
        let end = start.checked_add(size as usize)?;
        (end <= self.bytes.len()).then_some(start..end)
    }
}

/// The bytes that a program can reach.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Stack and heap first, as most accesses are there.
    segments: Vec<Segment>,
}

impl Memory {
    /// A memory of `size` zero bytes from [`MEMORY_BASE`] on, and `data`.
    pub(crate) fn new(size: u32, data: impl IntoIterator<Item = Segment>) -> Self {
        let stack_and_heap = Segment::writable(MEMORY_BASE, vec![0; size as usize]);
        let mut segments = Vec::from([stack_and_heap]);
        segments.extend(data);
        Self { segments }
    }

    /// The bytes from `address` on.
    ///
    /// # Errors
    /// When some of them are not in the memory.
    pub fn bytes(&self, address: u32, size: u32) -> Result<&[u8], MemoryFault> {
        let mut segments = self.segments.iter();
        let found = segments.find_map(|segment| Some((segment, segment.range(address, size)?)));
        let (segment, range) = found.ok_or(MemoryFault::OutOfBounds)?;
        Ok(&segment.bytes[range])
    }

    /// The bytes from `address` on, mutably.
    ///
    /// # Errors
    /// When some of them are not in the memory, or are those of read-only data.
    pub fn bytes_mut(&mut self, address: u32, size: u32) -> Result<&mut [u8], MemoryFault> {
        let mut segments = self.segments.iter_mut();
        let found = segments.find_map(|segment| {
            let range = segment.range(address, size)?;
            Some((segment, range))
        });
        match found {
            None => Err(MemoryFault::OutOfBounds),
            Some((segment, _)) if !segment.is_writable => Err(MemoryFault::ReadOnly),
            Some((segment, range)) => Ok(&mut segment.bytes[range]),
        }
    }

    /// The value of type `ty` at `address`.
    ///
    /// # Errors
    /// When it is not wholly in the memory.
    pub fn load(
        &self,
        ty: Type,
        address: u32,
        endianness: Endianness,
    ) -> Result<DataValue, MemoryFault> {
        let bytes = self.bytes(address, ty.bytes())?.iter();
        let number = |bits: u128, byte: &u8| bits << 8 | u128::from(*byte);
        let bits = match endianness {
            Endianness::Little => bytes.rev().fold(0, number),
            Endianness::Big => bytes.fold(0, number),
        };
        Ok(DataValue::new(ty, bits))
    }

    /// Puts `value` at `address`.
    ///
    /// # Errors
    /// When there is no room for it in the memory, or that is read-only; nothing is written then.
    pub fn store(
        &mut self,
        value: DataValue,
        address: u32,
        endianness: Endianness,
    ) -> Result<(), MemoryFault> {
        let size = value.ty().bytes();
        let bytes = self.bytes_mut(address, size)?;
        bytes.copy_from_slice(&value.unsigned().to_le_bytes()[..size as usize]);
        if endianness == Endianness::Big {
            bytes.reverse();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: u128 = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100;

    #[test]
    fn both_byte_orders_at_every_alignment() {
        let mut memory = Memory::new(32, []);
        for ty in Type::ALL {
            for address in MEMORY_BASE..MEMORY_BASE + 16 {
                let value = DataValue::new(ty, BYTES);
                memory.store(value, address, Endianness::Big).unwrap();
                assert_eq!(memory.load(ty, address, Endianness::Big), Ok(value));
                let swapped = value.unsigned().swap_bytes() >> (128 - ty.bits());
                let swapped = DataValue::new(ty, swapped);
                assert_eq!(memory.load(ty, address, Endianness::Little), Ok(swapped));
            }
        }
    }

    #[test]
    fn stores_nothing_beside_the_value() {
        let mut memory = Memory::new(4, []);
        memory.bytes_mut(MEMORY_BASE, 4).unwrap().fill(0xff);
        let value = DataValue::new(Type::I16, 0x1234);
        memory
            .store(value, MEMORY_BASE + 1, Endianness::Little)
            .unwrap();
        assert_eq!(
            memory.bytes(MEMORY_BASE, 4),
            Ok(&[0xff, 0x34, 0x12, 0xff][..])
        );
    }

    #[test]
    fn bounds() {
        let mut memory = Memory::new(8, []);
        let load = |address| memory.load(Type::I32, address, Endianness::Little);
        assert!(load(MEMORY_BASE + 4).is_ok());
        for address in [0, MEMORY_BASE - 1, MEMORY_BASE + 5, u32::MAX] {
            assert_eq!(load(address), Err(MemoryFault::OutOfBounds), "{address:#x}");
        }
        let value = DataValue::new(Type::I64, u128::MAX);
        let stored = memory.store(value, MEMORY_BASE + 1, Endianness::Little);
        assert_eq!(stored, Err(MemoryFault::OutOfBounds));
        assert_eq!(memory.bytes(MEMORY_BASE, 8), Ok(&[0; 8][..]));
    }

    #[test]
    fn read_only_segments_are_read_and_stay() {
        let data = [
            Segment::read_only(DATA_BASE, vec![1, 2, 3, 4]),
            Segment::writable(DATA_BASE + 16, vec![5]),
        ];
        let mut memory = Memory::new(0, data);
        assert_eq!(memory.bytes(DATA_BASE + 1, 2), Ok(&[2, 3][..]));
        assert_eq!(memory.bytes(DATA_BASE + 16, 1), Ok(&[5][..]));
        assert_eq!(memory.bytes_mut(DATA_BASE, 1), Err(MemoryFault::ReadOnly));
        assert!(memory.bytes_mut(DATA_BASE + 16, 1).is_ok());
        for (address, size) in [(DATA_BASE + 4, 1), (DATA_BASE + 3, 2), (DATA_BASE + 16, 2)] {
            assert_eq!(memory.bytes(address, size), Err(MemoryFault::OutOfBounds));
            assert_eq!(
                memory.bytes_mut(address, size),
                Err(MemoryFault::OutOfBounds)
            );
        }
    }
}
