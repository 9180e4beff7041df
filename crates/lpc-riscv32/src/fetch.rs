//! Decoding the instruction at the start of a byte sequence, of either length, for a given machine.

use crate::compressed;
use crate::extension::ExtensionSet;
use crate::inst::Inst;

/// An instruction as it was found in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchedInst {
    /// The instruction; for a 16-bit one, the 32-bit instruction that it stands for.
    pub inst: Inst,
    /// The encoding, zero-extended if it has 16 bits.
    pub bits: u32,
    /// The length in bytes: 2 or 4.
    pub length: u32,
}

/// Why no instruction starts at the beginning of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The bytes end inside the instruction.
    Truncated,
    /// The encoding is reserved, or belongs to an extension that the machine lacks.
    Illegal {
        /// The encoding, zero-extended if it has 16 bits.
        bits: u32,
        /// The length in bytes that the encoding claims: 2 or 4.
        length: u32,
    },
}

/// Decodes the first instruction of `bytes` for a machine with `extensions`.
///
/// # Errors
/// [`FetchError`] if no instruction that the machine has starts there.
pub fn fetch(bytes: &[u8], extensions: ExtensionSet) -> Result<FetchedInst, FetchError> {
    let (&half, rest) = bytes.split_first_chunk().ok_or(FetchError::Truncated)?;
    let low = u16::from_le_bytes(half);
    if low & 3 != 3 {
        let bits = u32::from(low);
        let inst = compressed::expand(low, extensions);
        let illegal = FetchError::Illegal { bits, length: 2 };
        return inst
            .map(|inst| FetchedInst {
                inst,
                bits,
                length: 2,
            })
            .ok_or(illegal);
    }
    let &half = rest.first_chunk().ok_or(FetchError::Truncated)?;
    let bits = u32::from(low) | u32::from(u16::from_le_bytes(half)) << 16;
    match Inst::decode(bits) {
        Ok(inst) if inst.opcode.is_in(extensions) => Ok(FetchedInst {
            inst,
            bits,
            length: 4,
        }),
        _ => Err(FetchError::Illegal { bits, length: 4 }),
    }
}
