//! The memory of a program: one range of a 32-bit address space.
//!
//! ```text
//!   MEMORY_BASE  ┌───────┐
//!                │ stack │  grows down, and overflows out of the memory
//!                ├───────┤
//!                │ heap  │  for the user
//!                └───────┘
//! ```

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use lpc_lpir::ir::{DataValue, Endianness, Type};

/// The address of the first byte of the memory. Nothing is below it, so that an access through a null pointer traps.
pub const MEMORY_BASE: u32 = 0x4000_0000;

/// An access outside of the memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfBounds;

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("access outside of the memory")
    }
}

impl core::error::Error for OutOfBounds {}

/// Bytes at the addresses from [`MEMORY_BASE`] on.
#[derive(Clone, Debug)]
pub struct Memory {
    bytes: Vec<u8>,
}

impl Memory {
    /// A memory of `size` zero bytes.
    pub(crate) fn new(size: u32) -> Self {
        Self {
            bytes: vec![0; size as usize],
        }
    }

    /// The bytes from `address` on.
    ///
    /// # Errors
    /// When some of them are not in the memory.
    pub fn bytes(&self, address: u32, size: u32) -> Result<&[u8], OutOfBounds> {
        self.bytes.get(range(address, size)?).ok_or(OutOfBounds)
    }

    /// The bytes from `address` on, mutably.
    ///
    /// # Errors
    /// When some of them are not in the memory.
    pub fn bytes_mut(&mut self, address: u32, size: u32) -> Result<&mut [u8], OutOfBounds> {
        self.bytes.get_mut(range(address, size)?).ok_or(OutOfBounds)
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
    ) -> Result<DataValue, OutOfBounds> {
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
    /// When there is no room for it in the memory; nothing is written then.
    pub fn store(
        &mut self,
        value: DataValue,
        address: u32,
        endianness: Endianness,
    ) -> Result<(), OutOfBounds> {
        let size = value.ty().bytes();
        let bytes = self.bytes_mut(address, size)?;
        bytes.copy_from_slice(&value.unsigned().to_le_bytes()[..size as usize]);
        if endianness == Endianness::Big {
            bytes.reverse();
        }
        Ok(())
    }
}

/// Where the bytes from `address` on are in the memory, if that has enough of them.
fn range(address: u32, size: u32) -> Result<Range<usize>, OutOfBounds> {
    let start = address.checked_sub(MEMORY_BASE).ok_or(OutOfBounds)?;
    let end = start.checked_add(size).ok_or(OutOfBounds)?;
    Ok(start as usize..end as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: u128 = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100;

    #[test]
    fn both_byte_orders_at_every_alignment() {
        let mut memory = Memory::new(32);
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
        let mut memory = Memory::new(4);
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
        let mut memory = Memory::new(8);
        let load = |address| memory.load(Type::I32, address, Endianness::Little);
        assert!(load(MEMORY_BASE + 4).is_ok());
        for address in [0, MEMORY_BASE - 1, MEMORY_BASE + 5, u32::MAX] {
            assert_eq!(load(address), Err(OutOfBounds), "{address:#x}");
        }
        let value = DataValue::new(Type::I64, u128::MAX);
        let stored = memory.store(value, MEMORY_BASE + 1, Endianness::Little);
        assert_eq!(stored, Err(OutOfBounds));
        assert_eq!(memory.bytes(MEMORY_BASE, 8), Ok(&[0; 8][..]));
    }
}
