//! The section `.debug.lpc_traps`: why instructions trap.
//!
//! A trap in machine code is an instruction that stops the machine, wherever it is. What tells a division by zero from an
//! overflow is this table. The section takes no memory in the program (it lacks `SHF_ALLOC`), and is a row of entries of
//! [`ENTRY_SIZE`] bytes, little-endian:
//!
//! ```text
//!   0       4      8
//!   ├───────┼──────┤
//!   address  code     code: the byte of a `TrapCode`, zero-extended
//! ```
//!
//! A word for the address is what a relocation can fill in. Linkers that put sections of the same name behind each other make
//! one table of many. They take the section for debug information by the start of its name: so it stays when they leave out
//! what nobody refers to (GNU ld's `--gc-sections`), and goes with the rest when debug information is stripped.

use alloc::vec::Vec;
use core::num::NonZeroU8;
use lpc_lpir::ir::TrapCode;

/// The name of the section.
pub const SECTION: &str = ".debug.lpc_traps";

/// The bytes of an entry.
pub const ENTRY_SIZE: usize = 8;

/// A place where code traps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrapEntry {
    /// The address of the instruction.
    pub address: u32,
    /// Why it traps.
    pub code: TrapCode,
}

/// The content of the section with `entries`.
pub fn encode(entries: impl IntoIterator<Item = TrapEntry>) -> Vec<u8> {
    let words = entries.into_iter().flat_map(|entry| {
        let code = u32::from(entry.code.as_raw().get());
        [entry.address, code].map(u32::to_le_bytes)
    });
    words.flatten().collect()
}

/// Why the instruction at `address` traps, according to the section with the content `bytes`.
///
/// What is no entry is passed over: the section explains traps, and nothing else depends on it.
pub fn find(bytes: &[u8], address: u32) -> Option<TrapCode> {
    let (entries, _) = bytes.as_chunks::<ENTRY_SIZE>();
    let entry = entries
        .iter()
        .find(|entry| entry[..4] == address.to_le_bytes())?;
    match entry[4..] {
        [code, 0, 0, 0] => NonZeroU8::new(code).map(TrapCode::from_raw),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_found() {
        let entries = [
            TrapEntry {
                address: 0x1_0004,
                code: TrapCode::INTEGER_DIVISION_BY_ZERO,
            },
            TrapEntry {
                address: 0x1_0006,
                code: TrapCode::user(7).unwrap(),
            },
        ];
        let bytes = encode(entries);
        assert_eq!(bytes, b"\x04\0\x01\0\xfe\0\0\0\x06\0\x01\0\x07\0\0\0");
        for TrapEntry { address, code } in entries {
            assert_eq!(find(&bytes, address), Some(code));
        }
        assert_eq!(find(&bytes, 0x1_0005), None);
    }

    #[test]
    fn what_is_no_entry_is_passed_over() {
        assert_eq!(find(b"\x04\0\x01\0\0\0\0\0", 0x1_0004), None);
        assert_eq!(find(b"\x04\0\x01\0\x07\0\0\x01", 0x1_0004), None);
        assert_eq!(find(b"\x04\0\x01\0\x07\0\0", 0x1_0004), None);
        assert_eq!(find(&[], 0), None);
    }
}
