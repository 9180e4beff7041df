//! Immediate operands: newtypes whose value is known to fit its instruction field.
//!
//! Each type has one [`ImmediateRange`], which the encoder uses as well, so that a value which a
//! constructor accepted is always encodable.

use crate::inst::EncodeError;
use core::fmt;

/// The values that an immediate field can hold: multiples of `multiple_of` from `min` to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImmediateRange {
    /// Smallest value.
    pub min: i32,
    /// Largest value.
    pub max: i32,
    /// What the value must be a multiple of, a power of two: 1, or 2 for offsets of code.
    pub multiple_of: i32,
}

impl ImmediateRange {
    /// Whether the field can hold `value`.
    #[inline]
    pub const fn contains(self, value: i32) -> bool {
        self.min <= value && value <= self.max && value & (self.multiple_of - 1) == 0
    }

    /// Returns `value` if the field can hold it.
    ///
    /// # Errors
    /// [`EncodeError::ImmediateOutOfRange`] if it cannot.
    #[inline]
    pub const fn check(self, value: i32) -> Result<i32, EncodeError> {
        if self.contains(value) {
            Ok(value)
        } else {
            Err(EncodeError::ImmediateOutOfRange { value, range: self })
        }
    }
}

/// Defines a newtype over the smallest integer that holds an [`ImmediateRange`].
macro_rules! immediate {
    ($(#[$doc:meta])* $name:ident($repr:ty): $min:literal ..= $max:literal, multiple of $multiple_of:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name($repr);

        impl $name {
            /// The values that the field can hold.
            pub const RANGE: ImmediateRange =
                ImmediateRange { min: $min, max: $max, multiple_of: $multiple_of };

            /// Wraps `value`.
            ///
            /// # Errors
            /// [`EncodeError::ImmediateOutOfRange`] if the field cannot hold it.
            pub const fn new(value: i32) -> Result<$name, EncodeError> {
                match Self::RANGE.check(value) {
                    Ok(value) => Ok($name(value as $repr)),
                    Err(error) => Err(error),
                }
            }

            /// Wraps `value`, if the field can hold it.
            #[inline]
            pub const fn maybe(value: i32) -> Option<$name> {
                match Self::RANGE.contains(value) {
                    true => Some($name(value as $repr)),
                    false => None,
                }
            }

            /// The value.
            #[inline]
            pub const fn get(self) -> i32 {
                self.0 as i32
            }
        }

        impl TryFrom<i32> for $name {
            type Error = EncodeError;

            fn try_from(value: i32) -> Result<$name, EncodeError> {
                $name::new(value)
            }
        }

        impl From<$name> for i32 {
            fn from(immediate: $name) -> i32 {
                immediate.get()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.get(), f)
            }
        }
    };
}

immediate! {
    /// A sign-extended 12-bit immediate: the operand of `addi` and its kin, the offset of loads,
    /// stores and `jalr`.
    Imm12(i16): -2048 ..= 2047, multiple of 1
}

immediate! {
    /// The 20-bit operand of `lui` and `auipc` as it stands in the instruction: the upper 20 bits
    /// of the value it contributes, unsigned.
    Imm20(u32): 0 ..= 0xf_ffff, multiple of 1
}

immediate! {
    /// A shift amount or bit number, 0 to 31.
    ShiftAmount(u8): 0 ..= 31, multiple of 1
}

immediate! {
    /// The distance in bytes from a conditional branch to its target: 13 bits, even.
    BranchOffset(i16): -4096 ..= 4094, multiple of 2
}

immediate! {
    /// The distance in bytes from a `jal` to its target: 21 bits, even.
    JumpOffset(i32): -1_048_576 ..= 1_048_574, multiple of 2
}

impl Imm12 {
    /// The immediate 0.
    pub const ZERO: Imm12 = Imm12(0);
}

/// Splits `value` for `lui rd, hi; addi rd, rd, lo` (or `auipc` with a load or store):
/// `(hi << 12) + lo == value`, modulo 2³².
///
/// `lo` is sign-extended by the instruction that adds it, so `hi` is one larger than the upper
/// 20 bits where bit 11 of `value` is set. It wraps from 0xfffff to 0, which the 32-bit addition
/// makes right.
#[inline]
pub const fn split_hi_lo(value: i32) -> (Imm20, Imm12) {
    let lo = (value << 20) >> 20;
    let hi = (value.wrapping_sub(lo) as u32) >> 12;
    (Imm20(hi), Imm12(lo as i16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn edges_of_each_range() {
        assert_eq!(Imm12::new(-2048).unwrap().get(), -2048);
        assert_eq!(Imm12::new(2047).unwrap().get(), 2047);
        assert!(Imm12::new(-2049).is_err());
        assert!(Imm12::new(2048).is_err());
        assert_eq!(Imm20::new(0xf_ffff).unwrap().get(), 0xf_ffff);
        assert!(Imm20::new(0x10_0000).is_err());
        assert!(Imm20::new(-1).is_err());
        assert!(ShiftAmount::new(31).is_ok());
        assert!(ShiftAmount::new(32).is_err());
        assert!(BranchOffset::new(4094).is_ok());
        assert!(BranchOffset::new(4095).is_err());
        assert!(BranchOffset::new(4096).is_err());
        assert!(BranchOffset::new(-4096).is_ok());
        assert!(BranchOffset::new(-3).is_err());
        assert!(JumpOffset::new(-1_048_576).is_ok());
        assert!(JumpOffset::new(1_048_576).is_err());
    }

    #[test]
    fn the_error_states_value_and_range() {
        assert_eq!(
            BranchOffset::new(4095).unwrap_err().to_string(),
            "immediate 4095 is not a multiple of 2 from -4096 to 4094"
        );
        assert_eq!(
            Imm12::new(2048).unwrap_err().to_string(),
            "immediate 2048 is not in the range -2048 to 2047"
        );
    }

    #[test]
    fn split_rebuilds_the_value() {
        for value in [
            0,
            1,
            -1,
            2047,
            2048,
            -2048,
            -2049,
            0x7fff_f7ff,
            0x7fff_f800,
            i32::MAX,
            i32::MIN,
            0x1234_5fff,
        ] {
            let (hi, lo) = split_hi_lo(value);
            assert_eq!((hi.get() << 12).wrapping_add(lo.get()), value);
        }
        assert_eq!(split_hi_lo(0x7fff_f800).0.get(), 0x8_0000);
        assert_eq!(split_hi_lo(-1).0.get(), 0);
    }
}
