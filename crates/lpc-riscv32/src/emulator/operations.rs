//! The meaning of the register-to-register operations that are more than one Rust operator.
//!
//! The immediate forms share them: `slti` is [`slt`] of an immediate.

pub(super) fn slt(a: u32, b: u32) -> u32 {
    u32::from((a as i32) < b as i32)
}

pub(super) fn sltu(a: u32, b: u32) -> u32 {
    u32::from(a < b)
}

/// Shifts use the low five bits of the amount.
pub(super) fn sll(a: u32, b: u32) -> u32 {
    a.wrapping_shl(b)
}

pub(super) fn srl(a: u32, b: u32) -> u32 {
    a.wrapping_shr(b)
}

pub(super) fn sra(a: u32, b: u32) -> u32 {
    (a as i32).wrapping_shr(b) as u32
}

pub(super) fn mulh(a: u32, b: u32) -> u32 {
    ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32
}

pub(super) fn mulhsu(a: u32, b: u32) -> u32 {
    ((i64::from(a as i32) * i64::from(b)) >> 32) as u32
}

pub(super) fn mulhu(a: u32, b: u32) -> u32 {
    ((u64::from(a) * u64::from(b)) >> 32) as u32
}

/// Division by zero gives all ones; the one overflow, `i32::MIN / -1`, wraps.
pub(super) fn div(a: u32, b: u32) -> u32 {
    match b {
        0 => u32::MAX,
        _ => (a as i32).wrapping_div(b as i32) as u32,
    }
}

pub(super) fn divu(a: u32, b: u32) -> u32 {
    a.checked_div(b).unwrap_or(u32::MAX)
}

/// The remainder of a division by zero is the dividend; that of the overflow is zero.
pub(super) fn rem(a: u32, b: u32) -> u32 {
    match b {
        0 => a,
        _ => (a as i32).wrapping_rem(b as i32) as u32,
    }
}

pub(super) fn remu(a: u32, b: u32) -> u32 {
    a.checked_rem(b).unwrap_or(a)
}

pub(super) fn max(a: u32, b: u32) -> u32 {
    (a as i32).max(b as i32) as u32
}

pub(super) fn min(a: u32, b: u32) -> u32 {
    (a as i32).min(b as i32) as u32
}

pub(super) fn sext_b(a: u32) -> u32 {
    a as i8 as u32
}

pub(super) fn sext_h(a: u32) -> u32 {
    a as i16 as u32
}

/// Each byte becomes all ones if it is not zero.
pub(super) fn orc_b(a: u32) -> u32 {
    u32::from_ne_bytes(a.to_ne_bytes().map(|byte| if byte == 0 { 0 } else { 0xff }))
}

pub(super) fn pack(a: u32, b: u32) -> u32 {
    a & 0xffff | b << 16
}

pub(super) fn packh(a: u32, b: u32) -> u32 {
    a & 0xff | (b & 0xff) << 8
}

/// Reverses the bits within each byte.
pub(super) fn brev8(a: u32) -> u32 {
    a.reverse_bits().swap_bytes()
}

/// Interleaves: bit i of the lower half goes to bit 2i, bit i of the upper half to bit 2i + 1.
pub(super) fn zip(a: u32) -> u32 {
    (0..16).fold(0, |zipped, i| {
        zipped | (a >> i & 1) << (2 * i) | (a >> (i + 16) & 1) << (2 * i + 1)
    })
}

/// The inverse of [`zip`].
pub(super) fn unzip(a: u32) -> u32 {
    (0..16).fold(0, |unzipped, i| {
        unzipped | (a >> (2 * i) & 1) << i | (a >> (2 * i + 1) & 1) << (i + 16)
    })
}

/// The single bit that the low five bits of `b` number.
fn bit(b: u32) -> u32 {
    1 << (b & 31)
}

pub(super) fn bclr(a: u32, b: u32) -> u32 {
    a & !bit(b)
}

pub(super) fn bext(a: u32, b: u32) -> u32 {
    srl(a, b) & 1
}

pub(super) fn binv(a: u32, b: u32) -> u32 {
    a ^ bit(b)
}

pub(super) fn bset(a: u32, b: u32) -> u32 {
    a | bit(b)
}

pub(super) fn czero_eqz(a: u32, b: u32) -> u32 {
    if b == 0 { 0 } else { a }
}

pub(super) fn czero_nez(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { 0 }
}
