//! Values at run time: what an argument, a result or a constant holds.

use super::immediates::Imm64;
use super::types::Type;
use core::fmt;

/// A number of a type, as a run directive states it and the interpreter computes with it.
///
/// The bits above the width of the type are always zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DataValue {
    ty: Type,
    bits: u128,
}

impl DataValue {
    /// The value of type `ty` whose bits are the low ones of `bits`.
    pub const fn new(ty: Type, bits: u128) -> Self {
        Self {
            ty,
            bits: bits & ty.mask(),
        }
    }

    /// The value of type `ty` with the low bits of the signed number `number`.
    pub const fn from_signed(ty: Type, number: i128) -> Self {
        Self::new(ty, number as u128)
    }

    /// 1 or 0 of type `i8`: the result of a comparison.
    pub const fn from_bool(holds: bool) -> Self {
        Self::new(Type::I8, holds as u128)
    }

    /// The type.
    pub const fn ty(self) -> Type {
        self.ty
    }

    /// The bits, which are the number when it is unsigned.
    pub const fn unsigned(self) -> u128 {
        self.bits
    }

    /// The number when it is signed.
    pub const fn signed(self) -> i128 {
        let shift = 128 - self.ty.bits();
        (self.bits << shift) as i128 >> shift
    }

    /// Whether it is not zero.
    pub const fn is_true(self) -> bool {
        self.bits != 0
    }

    /// The 32-bit words it is made of, the low one first; the bits above a narrow value are zero.
    pub fn words(self) -> impl ExactSizeIterator<Item = u32> {
        let count = self.ty.bits().div_ceil(32);
        (0..count).map(move |index| (self.bits >> (32 * index)) as u32)
    }
}

/// Writes integers as the immediates of the text form: in decimal, and large positive ones in hexadecimal.
impl fmt::Display for DataValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match i64::try_from(self.signed()) {
            Ok(number) => Imm64::new(number).fmt(f),
            Err(_) => write!(f, "{:#034x}", self.bits),
        }
    }
}

impl fmt::Debug for DataValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}:{}", self.ty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[test]
    fn signed_and_unsigned_views() {
        let value = DataValue::from_signed(Type::I8, -1);
        assert_eq!((value.unsigned(), value.signed()), (0xff, -1));
        assert_eq!(DataValue::new(Type::I128, u128::MAX).signed(), -1);
        assert_eq!(
            DataValue::new(Type::I32, 1 << 40),
            DataValue::new(Type::I32, 0)
        );
    }

    #[test]
    fn words_are_low_first() {
        let value = DataValue::new(Type::I64, 0x1_0000_0002);
        assert_eq!(value.words().collect::<Vec<_>>(), [2, 1]);
        assert_eq!(DataValue::new(Type::I8, 7).words().collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn display() {
        assert_eq!(DataValue::from_signed(Type::I16, -5).to_string(), "-5");
        assert_eq!(DataValue::new(Type::I32, 70_000).to_string(), "0x0001_1170");
        assert_eq!(
            DataValue::new(Type::I128, 1 << 127).to_string(),
            "0x80000000000000000000000000000000"
        );
    }
}
