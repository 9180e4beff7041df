//! Why a program trapped.

use core::fmt;
use core::num::NonZeroU8;
use core::str::FromStr;

/// The reason of a trap. An `Option<TrapCode>` is one byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrapCode(NonZeroU8);

/// The codes that have a name of their own. User codes are the numbers below them.
const NAMED: [(TrapCode, &str); 5] = [
    (TrapCode::STACK_OVERFLOW, "stk_ovf"),
    (TrapCode::INTEGER_OVERFLOW, "int_ovf"),
    (TrapCode::HEAP_OUT_OF_BOUNDS, "heap_oob"),
    (TrapCode::INTEGER_DIVISION_BY_ZERO, "int_divz"),
    (TrapCode::BAD_CONVERSION_TO_INTEGER, "bad_toint"),
];

impl TrapCode {
    /// The largest number of a user-defined code.
    pub const MAX_USER: u8 = 250;

    /// The stack overflowed.
    pub const STACK_OVERFLOW: Self = Self::reserved(1);
    /// An integer operation overflowed.
    pub const INTEGER_OVERFLOW: Self = Self::reserved(2);
    /// A memory access was out of bounds.
    pub const HEAP_OUT_OF_BOUNDS: Self = Self::reserved(3);
    /// An integer was divided by zero.
    pub const INTEGER_DIVISION_BY_ZERO: Self = Self::reserved(4);
    /// A floating-point number does not fit the integer type it is converted to.
    pub const BAD_CONVERSION_TO_INTEGER: Self = Self::reserved(5);

    const fn reserved(number: u8) -> Self {
        match NonZeroU8::new(Self::MAX_USER + number) {
            Some(code) => Self(code),
            None => panic!("reserved trap codes are not zero"),
        }
    }

    /// The user-defined code `number`, from 1 to [`Self::MAX_USER`].
    pub const fn user(number: u8) -> Option<Self> {
        match NonZeroU8::new(number) {
            Some(code) if number <= Self::MAX_USER => Some(Self(code)),
            _ => None,
        }
    }

    /// The code as a byte that is not zero.
    pub const fn as_raw(self) -> NonZeroU8 {
        self.0
    }

    /// The code that [`Self::as_raw`] gave.
    pub fn from_raw(raw: NonZeroU8) -> Self {
        Self(raw)
    }
}

impl fmt::Display for TrapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.iter().find(|(code, _)| code == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "user{}", self.0),
        }
    }
}

impl fmt::Debug for TrapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TrapCode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some((code, _)) = NAMED.iter().find(|(_, name)| *name == text) {
            return Ok(*code);
        }
        let digits = text.strip_prefix("user").ok_or(())?;
        if digits.starts_with(['0', '+']) {
            return Err(());
        }
        digits.parse().ok().and_then(Self::user).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_round_trip() {
        for (code, name) in NAMED {
            assert_eq!(code.to_string(), name);
            assert_eq!(name.parse(), Ok(code));
        }
        assert_eq!("user250".parse(), Ok(TrapCode::user(250).unwrap()));
        assert_eq!(TrapCode::user(1).unwrap().to_string(), "user1");
    }

    #[test]
    fn bad_codes() {
        for text in ["user0", "user251", "user", "user01", "user+1", "oops"] {
            assert_eq!(text.parse::<TrapCode>(), Err(()), "{text}");
        }
        assert_eq!(size_of::<Option<TrapCode>>(), 1);
    }
}
