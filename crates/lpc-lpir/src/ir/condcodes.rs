//! Condition codes of comparisons and operations of atomic read-modify-write instructions.

use core::fmt;
use core::str::FromStr;

/// Defines a fieldless enum whose variants have a name in the text form.
macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in the text form.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(name: &str) -> Result<Self, ()> {
                match name {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(()),
                }
            }
        }
    };
}

named_enum! {
    /// The condition of an integer comparison.
    IntCC {
        /// Equal.
        Equal = "eq",
        /// Not equal.
        NotEqual = "ne",
        /// Signed less than.
        SignedLessThan = "slt",
        /// Signed greater than or equal.
        SignedGreaterThanOrEqual = "sge",
        /// Signed greater than.
        SignedGreaterThan = "sgt",
        /// Signed less than or equal.
        SignedLessThanOrEqual = "sle",
        /// Unsigned less than.
        UnsignedLessThan = "ult",
        /// Unsigned greater than or equal.
        UnsignedGreaterThanOrEqual = "uge",
        /// Unsigned greater than.
        UnsignedGreaterThan = "ugt",
        /// Unsigned less than or equal.
        UnsignedLessThanOrEqual = "ule",
    }
}

impl IntCC {
    /// The condition that holds exactly when this one does not.
    pub const fn complement(self) -> Self {
        use IntCC::*;
        match self {
            Equal => NotEqual,
            NotEqual => Equal,
            SignedLessThan => SignedGreaterThanOrEqual,
            SignedGreaterThanOrEqual => SignedLessThan,
            SignedGreaterThan => SignedLessThanOrEqual,
            SignedLessThanOrEqual => SignedGreaterThan,
            UnsignedLessThan => UnsignedGreaterThanOrEqual,
            UnsignedGreaterThanOrEqual => UnsignedLessThan,
            UnsignedGreaterThan => UnsignedLessThanOrEqual,
            UnsignedLessThanOrEqual => UnsignedGreaterThan,
        }
    }

    /// The condition that holds for `(b, a)` exactly when this one holds for `(a, b)`.
    pub const fn swap_args(self) -> Self {
        use IntCC::*;
        match self {
            Equal => Equal,
            NotEqual => NotEqual,
            SignedLessThan => SignedGreaterThan,
            SignedGreaterThanOrEqual => SignedLessThanOrEqual,
            SignedGreaterThan => SignedLessThan,
            SignedLessThanOrEqual => SignedGreaterThanOrEqual,
            UnsignedLessThan => UnsignedGreaterThan,
            UnsignedGreaterThanOrEqual => UnsignedLessThanOrEqual,
            UnsignedGreaterThan => UnsignedLessThan,
            UnsignedLessThanOrEqual => UnsignedGreaterThanOrEqual,
        }
    }

    /// Whether the operands are compared as signed numbers. Equality is not.
    pub const fn is_signed(self) -> bool {
        use IntCC::*;
        matches!(
            self,
            SignedLessThan | SignedGreaterThanOrEqual | SignedGreaterThan | SignedLessThanOrEqual
        )
    }

    /// Whether the condition holds for two equal operands.
    pub const fn holds_for_equal(self) -> bool {
        use IntCC::*;
        matches!(
            self,
            Equal
                | SignedGreaterThanOrEqual
                | SignedLessThanOrEqual
                | UnsignedGreaterThanOrEqual
                | UnsignedLessThanOrEqual
        )
    }
}

named_enum! {
    /// The operation of an `atomic_rmw`.
    AtomicRmwOp {
        /// Addition.
        Add = "add",
        /// Subtraction.
        Sub = "sub",
        /// Bitwise and.
        And = "and",
        /// Bitwise and, complemented.
        Nand = "nand",
        /// Bitwise or.
        Or = "or",
        /// Bitwise exclusive or.
        Xor = "xor",
        /// Exchange.
        Xchg = "xchg",
        /// Unsigned minimum.
        Umin = "umin",
        /// Unsigned maximum.
        Umax = "umax",
        /// Signed minimum.
        Smin = "smin",
        /// Signed maximum.
        Smax = "smax",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_round_trip() {
        for &cond in IntCC::ALL {
            assert_eq!(cond.to_string().parse(), Ok(cond));
        }
        for &op in AtomicRmwOp::ALL {
            assert_eq!(op.to_string().parse(), Ok(op));
        }
    }

    #[test]
    fn complement_and_swap_are_involutions() {
        for &cond in IntCC::ALL {
            assert_eq!(cond.complement().complement(), cond);
            assert_eq!(cond.swap_args().swap_args(), cond);
            assert_ne!(cond.holds_for_equal(), cond.complement().holds_for_equal());
            assert_eq!(cond.holds_for_equal(), cond.swap_args().holds_for_equal());
        }
    }
}
