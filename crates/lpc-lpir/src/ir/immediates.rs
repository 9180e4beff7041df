//! Immediate operands.

use core::fmt;

/// The immediate of an integer constant, kept sign-extended from the width of its type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Imm64(i64);

impl Imm64 {
    /// The immediate with the bits of `value`.
    pub const fn new(value: i64) -> Self {
        Self(value)
    }

    /// The bits.
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// The same low `bits` bits, with those above them copies of the highest one.
    #[cfg_attr(target_os = "none", inline(never))]
    pub const fn sign_extend_from(self, bits: u32) -> Self {
        if bits >= 64 {
            return self;
        }
        if bits <= 32 {
            // Shifting 64 bits takes a routine on a machine with 32.
            let shift = 32 - bits;
            return Self(((self.0 as i32) << shift >> shift) as i64);
        }
        let shift = 64 - bits;
        Self(self.0 << shift >> shift)
    }
}

impl From<i64> for Imm64 {
    fn from(value: i64) -> Self {
        Self(value)
    }
}

/// Writes small and negative numbers in decimal, others in hexadecimal in groups of four digits with a `_` between them.
impl fmt::Display for Imm64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_grouped(f, self.0)
    }
}

/// A signed 32-bit byte offset. In the text form its sign separates it from what stands before: `v0+8`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Offset32(i32);

impl Offset32 {
    /// The offset of `bytes` bytes.
    pub const fn new(bytes: i32) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> i32 {
        self.0
    }
}

impl From<i32> for Offset32 {
    fn from(bytes: i32) -> Self {
        Self(bytes)
    }
}

/// Writes nothing for zero, and otherwise the number with its sign.
impl fmt::Display for Offset32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            bytes if bytes > 0 => {
                f.write_str("+")?;
                write_grouped(f, bytes.into())
            }
            bytes => write!(f, "{bytes}"),
        }
    }
}

fn write_grouped(f: &mut fmt::Formatter<'_>, value: i64) -> fmt::Result {
    if value < 10_000 {
        return write!(f, "{value}");
    }
    let digits = value.ilog2() / 4;
    let mut shift = digits / 4 * 16;
    write!(f, "0x{:04x}", value >> shift)?;
    while shift > 0 {
        shift -= 16;
        write!(f, "_{:04x}", value >> shift & 0xffff)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn large_immediates_print_in_groups() {
        for (value, text) in [
            (0, "0"),
            (-1, "-1"),
            (9_999, "9999"),
            (10_000, "0x2710"),
            (0xffff, "0xffff"),
            (0x1_0000, "0x0001_0000"),
            (0x7fff_ffff_ffff_ffff, "0x7fff_ffff_ffff_ffff"),
            (i64::MIN, "-9223372036854775808"),
        ] {
            assert_eq!(Imm64::new(value).to_string(), text);
        }
    }

    #[test]
    fn offsets_print_with_their_sign() {
        assert_eq!(Offset32::new(0).to_string(), "");
        assert_eq!(Offset32::new(8).to_string(), "+8");
        assert_eq!(Offset32::new(-8).to_string(), "-8");
        assert_eq!(Offset32::new(10_000).to_string(), "+0x2710");
    }

    #[test]
    fn sign_extension() {
        assert_eq!(Imm64::new(0x80).sign_extend_from(8).bits(), -128);
        assert_eq!(Imm64::new(0x7f).sign_extend_from(8).bits(), 127);
        assert_eq!(Imm64::new(-1).sign_extend_from(64).bits(), -1);
        assert_eq!(
            Imm64::new(0x1_8000_0000).sign_extend_from(32).bits(),
            -0x8000_0000
        );
        assert_eq!(
            Imm64::new(0x1_0000_0000).sign_extend_from(33).bits(),
            -0x1_0000_0000
        );
        assert_eq!(Imm64::new(i64::MIN).sign_extend_from(128).bits(), i64::MIN);
    }
}
