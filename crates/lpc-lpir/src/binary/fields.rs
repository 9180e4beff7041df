//! The bytes of what is one of a few: types, conventions, what a parameter is for, flags, kinds of data and declarations; and what else both
//! readers and writers must know of numbers. Each is stated once, for both.

use crate::ir::{
    AbiParam, ArgumentExtension, ArgumentPurpose, CallConv, DataKind, Linkage, MemFlags, TrapCode,
    Type,
};
use core::num::NonZeroU8;

/// The byte of a type: its place among all.
pub(super) fn type_to_byte(ty: Type) -> u8 {
    ty as u8
}

pub(super) fn type_from_byte(byte: u8) -> Option<Type> {
    Type::ALL.get(usize::from(byte)).copied()
}

/// Set in the flags of a function that is not visible outside of its module.
pub(super) const IS_LOCAL: u8 = 1 << 0;
/// Set in the flags of a function whose instructions have source locations.
pub(super) const HAS_LOCATIONS: u8 = 1 << 1;
/// Set in the flags of a function with a limit of the stack.
pub(super) const HAS_STACK_LIMIT: u8 = 1 << 2;

/// The kind of an import of data.
pub(super) const IMPORTED_DATA: u8 = 0;
/// The kind of an import of a function.
pub(super) const IMPORTED_FUNCTION: u8 = 1;

/// The kind of the global value `vmctx`.
pub(super) const VMCONTEXT: u8 = 0;
/// The kind of a global value that is loaded.
pub(super) const LOADED: u8 = 1;
/// The kind of a global value that is another one with an offset.
pub(super) const WITH_OFFSET: u8 = 2;
/// The kind of a global value that is an address.
pub(super) const SYMBOL: u8 = 3;
/// The kind of a global value that is an address near the code.
pub(super) const COLOCATED_SYMBOL: u8 = 4;

/// The largest alignment of a stack slot, as a base-2 logarithm.
pub(super) const MAX_ALIGN_SHIFT: u8 = 31;

/// The most parameters or results of a function: they are numbered with 16 bits.
pub(super) const MAX_PARAMS: usize = u16::MAX as usize;

/// The byte of one of a few: its place among all.
fn place<T: PartialEq>(all: &[T], one: T) -> u8 {
    let place = all.iter().position(|each| *each == one);
    place.expect("all are listed") as u8
}

const EXTENSIONS: [ArgumentExtension; 3] = [
    ArgumentExtension::None,
    ArgumentExtension::Uext,
    ArgumentExtension::Sext,
];

/// What a parameter may be for. A structure is followed by its size.
const PURPOSES: [ArgumentPurpose; 4] = [
    ArgumentPurpose::Normal,
    ArgumentPurpose::StructReturn,
    ArgumentPurpose::VMContext,
    ArgumentPurpose::StructArgument(0),
];

/// A parameter or result as a byte, and the size of a structure behind it:
///
/// ```text
///   7   6 5       4 3         2 0
///  [0 | purpose | extension | type]
/// ```
pub(super) fn param_to_byte(param: &AbiParam) -> (u8, Option<u32>) {
    let (purpose, size) = match param.purpose {
        ArgumentPurpose::StructArgument(size) => (ArgumentPurpose::StructArgument(0), Some(size)),
        other => (other, None),
    };
    let purpose = place(&PURPOSES, purpose);
    let extension = place(&EXTENSIONS, param.extension);
    let byte = type_to_byte(param.value_type) | extension << 3 | purpose << 5;
    (byte, size)
}

/// The parameter of [`param_to_byte`], without the size of a structure.
pub(super) fn param_from_byte(byte: u8) -> Option<AbiParam> {
    Some(AbiParam {
        value_type: type_from_byte(byte & 7)?,
        extension: *EXTENSIONS.get(usize::from(byte >> 3 & 3))?,
        purpose: *PURPOSES.get(usize::from(byte >> 5))?,
    })
}

/// The number of bits that a calling convention takes.
pub(super) const CALL_CONV_BITS: u32 = 2;

pub(super) fn call_conv_to_bits(call_conv: CallConv) -> u8 {
    call_conv as u8
}

pub(super) fn call_conv_from_bits(bits: u32) -> Option<CallConv> {
    CallConv::ALL.get(bits as usize).copied()
}

/// Set in the byte of flags when a trap code follows.
const TRAP_CODE: u8 = 1 << 6;

/// The flags of a memory access as a byte, and the trap code behind it: none for `notrap` and for `heap_oob`, which is what an
/// access that states nothing traps with. `None` for flags that cannot be stated.
pub(super) fn mem_flags_to_bytes(flags: MemFlags) -> Option<(u8, Option<u8>)> {
    let bits = flags.to_bits();
    MemFlags::checked_from_bits(bits)?;
    let [byte, trap] = bits.to_le_bytes();
    Some(match trap == implied_trap(byte) {
        true => (byte, None),
        false => (byte | TRAP_CODE, Some(trap)),
    })
}

/// Whether a trap code follows the byte of flags `byte`.
pub(super) fn states_trap_code(byte: u8) -> bool {
    byte & TRAP_CODE != 0
}

/// The flags of the bytes that [`mem_flags_to_bytes`] gave.
pub(super) fn mem_flags_from_bytes(byte: u8, stated: Option<u8>) -> Option<MemFlags> {
    let flags = byte & !TRAP_CODE;
    let trap = implied_trap(flags);
    if stated == Some(trap) {
        return None;
    }
    let bits = u16::from_le_bytes([flags, stated.unwrap_or(trap)]);
    MemFlags::checked_from_bits(bits)
}

/// The trap code of an access that states none, zero if it has none.
fn implied_trap(flags: u8) -> u8 {
    let notrap = MemFlags::from_bits(flags.into()).notrap();
    if notrap {
        0
    } else {
        TrapCode::HEAP_OUT_OF_BOUNDS.as_raw().get()
    }
}

pub(super) fn trap_code_from_byte(byte: u8) -> Option<TrapCode> {
    NonZeroU8::new(byte).map(TrapCode::from_raw)
}

const DATA_KINDS: [DataKind; 3] = [DataKind::Writable, DataKind::ReadOnly, DataKind::Zeroed];

/// What a data object is as a byte; the alignment is given by its base-2 logarithm.
///
/// ```text
///   7   6       3   2       1  0
///  [0 | alignment | local | kind]
/// ```
pub(super) fn data_to_byte(kind: DataKind, linkage: Linkage, alignment: u32) -> u8 {
    place(&DATA_KINDS, kind)
        | u8::from(linkage == Linkage::Local) << 2
        | (alignment.trailing_zeros() as u8) << 3
}

pub(super) fn data_from_byte(byte: u8) -> Option<(DataKind, Linkage, u32)> {
    let kind = *DATA_KINDS.get(usize::from(byte & 3))?;
    let linkage = linkage_from_bit(byte & 1 << 2 != 0);
    (byte < 1 << 7).then_some((kind, linkage, 1 << (byte >> 3)))
}

pub(super) fn linkage_from_bit(is_local: bool) -> Linkage {
    match is_local {
        true => Linkage::Local,
        false => Linkage::Export,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each byte that means something is written for what it means, and for nothing else.
    #[test]
    fn bytes_round_trip() {
        let mut counts = [0; 3];
        for byte in 0..=u8::MAX {
            if let Some(param) = param_from_byte(byte) {
                let size = (byte >> 5 == 3).then_some(0);
                assert_eq!(param_to_byte(&param), (byte, size));
                counts[0] += 1;
            }
            if let Some((kind, linkage, alignment)) = data_from_byte(byte) {
                assert_eq!(data_to_byte(kind, linkage, alignment), byte);
                counts[1] += 1;
            }
            for trap in 0..=u8::MAX {
                let stated = states_trap_code(byte).then_some(trap);
                if let Some(flags) = mem_flags_from_bytes(byte, stated) {
                    assert_eq!(mem_flags_to_bytes(flags), Some((byte, stated)));
                    counts[2] += 1;
                }
            }
        }
        // Types, extensions and purposes; kinds, linkages and alignments up to 2¹⁵; each code that is stated, and any beside one
        // that is not.
        let orders_and_others = 3 * 8;
        let expected = [7 * 3 * 4, 3 * 2 * 16, orders_and_others * (254 + 256 + 256)];
        assert_eq!(counts, expected);
    }
}
