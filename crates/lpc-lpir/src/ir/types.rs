//! The types of values.

use core::fmt;
use core::str::FromStr;

/// The type of a value.
///
/// Integers carry no sign: whether `0xff` of type `i8` means 255 or -1 is up to the instruction that uses it. A pointer is
/// an `i32`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Type {
    /// An 8-bit integer; also the result of a comparison, which is 0 or 1.
    I8,
    /// A 16-bit integer.
    I16,
    /// A 32-bit integer or a pointer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 128-bit integer.
    I128,
    /// An IEEE 754 binary32 number.
    F32,
    /// An IEEE 754 binary64 number.
    F64,
}

impl Type {
    /// All types, in the order of their declaration.
    pub const ALL: [Self; 7] = [
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::I128,
        Self::F32,
        Self::F64,
    ];

    /// The type of an address.
    pub const POINTER: Self = Self::I32;

    /// The width in bits.
    #[inline]
    pub const fn bits(self) -> u32 {
        match self {
            Self::I8 => 8,
            Self::I16 => 16,
            Self::I32 | Self::F32 => 32,
            Self::I64 | Self::F64 => 64,
            Self::I128 => 128,
        }
    }

    /// The width in bytes.
    #[inline]
    pub const fn bytes(self) -> u32 {
        self.bits() / 8
    }

    /// Whether this is one of the integer types.
    #[inline]
    pub const fn is_int(self) -> bool {
        !self.is_float()
    }

    /// Whether this is one of the floating-point types.
    #[inline]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// The integer type of `bits` bits.
    pub const fn int(bits: u32) -> Option<Self> {
        match bits {
            8 => Some(Self::I8),
            16 => Some(Self::I16),
            32 => Some(Self::I32),
            64 => Some(Self::I64),
            128 => Some(Self::I128),
            _ => None,
        }
    }

    /// The integer type of half the width.
    pub const fn half_width(self) -> Option<Self> {
        if self.is_int() {
            Self::int(self.bits() / 2)
        } else {
            None
        }
    }

    /// The integer type of twice the width.
    pub const fn double_width(self) -> Option<Self> {
        if self.is_int() {
            Self::int(self.bits() * 2)
        } else {
            None
        }
    }

    /// The bits of an integer of this type, all set.
    pub const fn mask(self) -> u128 {
        u128::MAX >> (128 - self.bits())
    }

    /// The name in the text form.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Type {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|ty| ty.name() == name).ok_or(())
    }
}

/// A set of types.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeSet(u8);

impl TypeSet {
    /// No type.
    pub const EMPTY: Self = Self(0);
    /// All integer types.
    pub const INT: Self = Self::ints(8, 128);
    /// All types.
    pub const ANY: Self = Self(Self::INT.0 | 1 << Type::F32 as u8 | 1 << Type::F64 as u8);

    /// The integer types from `low` to `high` bits, both included.
    pub const fn ints(low: u32, high: u32) -> Self {
        let mut set = 0;
        let mut index = 0;
        while index < Type::ALL.len() {
            let ty = Type::ALL[index];
            if ty.is_int() && low <= ty.bits() && ty.bits() <= high {
                set |= 1 << ty as u8;
            }
            index += 1;
        }
        Self(set)
    }

    /// Whether `ty` is in the set.
    pub const fn contains(self, ty: Type) -> bool {
        self.0 & 1 << ty as u8 != 0
    }

    /// The number of types in the set.
    pub const fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The types of the set, in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = Type> {
        Type::ALL.into_iter().filter(move |&ty| self.contains(ty))
    }
}

impl fmt::Display for TypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, ty) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{ty}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for TypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_round_trip() {
        for ty in Type::ALL {
            assert_eq!(ty.to_string().parse(), Ok(ty));
        }
        assert_eq!("i24".parse::<Type>(), Err(()));
    }

    #[test]
    fn halves_doubles_and_masks() {
        assert_eq!(Type::I64.half_width(), Some(Type::I32));
        assert_eq!(Type::I8.half_width(), None);
        assert_eq!(Type::I128.double_width(), None);
        assert_eq!(Type::F32.double_width(), None);
        assert_eq!(Type::I8.mask(), 0xff);
        assert_eq!(Type::I128.mask(), u128::MAX);
    }

    #[test]
    fn type_sets() {
        assert_eq!(TypeSet::ints(16, 64).to_string(), "i16, i32, i64");
        assert!(TypeSet::ANY.contains(Type::F64) && !TypeSet::INT.contains(Type::F64));
    }
}
