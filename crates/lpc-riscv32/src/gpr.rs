//! General-purpose registers and their names.

use core::fmt;
use core::str::FromStr;

/// A general-purpose integer register, `x0` to `x31`.
///
/// Prints as its ABI name (`a0`); parses from the ABI name, from the alias `fp` or from the
/// architectural name (`x10`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Gpr(u8);

/// ABI names in register order (RISC-V psABI, "Integer Register Convention").
const ABI_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

/// Number of the first register that a 3-bit compressed register field can name, `s0`.
const FIRST_COMPRESSED: u8 = 8;

impl Gpr {
    /// Hard-wired zero, `x0`.
    pub const ZERO: Gpr = Gpr(0);
    /// Return address, `x1`.
    pub const RA: Gpr = Gpr(1);
    /// Stack pointer, `x2`.
    pub const SP: Gpr = Gpr(2);
    /// Global pointer, `x3`.
    pub const GP: Gpr = Gpr(3);
    /// Thread pointer, `x4`.
    pub const TP: Gpr = Gpr(4);
    /// Temporary 0, `x5`; also the alternate link register.
    pub const T0: Gpr = Gpr(5);
    /// Temporary 1, `x6`.
    pub const T1: Gpr = Gpr(6);
    /// Temporary 2, `x7`.
    pub const T2: Gpr = Gpr(7);
    /// Frame pointer, another name of [`Gpr::S0`].
    pub const FP: Gpr = Gpr::S0;
    /// Callee-saved 0, `x8`.
    pub const S0: Gpr = Gpr(8);
    /// Callee-saved 1, `x9`.
    pub const S1: Gpr = Gpr(9);
    /// Argument and result 0, `x10`.
    pub const A0: Gpr = Gpr(10);
    /// Argument and result 1, `x11`.
    pub const A1: Gpr = Gpr(11);
    /// Argument 2, `x12`.
    pub const A2: Gpr = Gpr(12);
    /// Argument 3, `x13`.
    pub const A3: Gpr = Gpr(13);
    /// Argument 4, `x14`.
    pub const A4: Gpr = Gpr(14);
    /// Argument 5, `x15`.
    pub const A5: Gpr = Gpr(15);
    /// Argument 6, `x16`.
    pub const A6: Gpr = Gpr(16);
    /// Argument 7, `x17`.
    pub const A7: Gpr = Gpr(17);
    /// Callee-saved 2, `x18`.
    pub const S2: Gpr = Gpr(18);
    /// Callee-saved 3, `x19`.
    pub const S3: Gpr = Gpr(19);
    /// Callee-saved 4, `x20`.
    pub const S4: Gpr = Gpr(20);
    /// Callee-saved 5, `x21`.
    pub const S5: Gpr = Gpr(21);
    /// Callee-saved 6, `x22`.
    pub const S6: Gpr = Gpr(22);
    /// Callee-saved 7, `x23`.
    pub const S7: Gpr = Gpr(23);
    /// Callee-saved 8, `x24`.
    pub const S8: Gpr = Gpr(24);
    /// Callee-saved 9, `x25`.
    pub const S9: Gpr = Gpr(25);
    /// Callee-saved 10, `x26`.
    pub const S10: Gpr = Gpr(26);
    /// Callee-saved 11, `x27`.
    pub const S11: Gpr = Gpr(27);
    /// Temporary 3, `x28`.
    pub const T3: Gpr = Gpr(28);
    /// Temporary 4, `x29`.
    pub const T4: Gpr = Gpr(29);
    /// Temporary 5, `x30`.
    pub const T5: Gpr = Gpr(30);
    /// Temporary 6, `x31`.
    pub const T6: Gpr = Gpr(31);

    /// The argument registers `a0` to `a7`, in order.
    pub const ARGUMENTS: [Gpr; 8] = [
        Gpr::A0,
        Gpr::A1,
        Gpr::A2,
        Gpr::A3,
        Gpr::A4,
        Gpr::A5,
        Gpr::A6,
        Gpr::A7,
    ];

    /// The register with the given number, or `None` above 31.
    pub const fn new(number: u8) -> Option<Gpr> {
        if number < 32 { Some(Gpr(number)) } else { None }
    }

    /// The register named by the low five bits of an instruction field.
    pub(crate) const fn from_field(bits: u32) -> Gpr {
        Gpr((bits & 31) as u8)
    }

    /// The register named by a 3-bit field of a compressed instruction: `x8` to `x15`.
    pub(crate) const fn from_compressed_field(bits: u32) -> Gpr {
        Gpr(FIRST_COMPRESSED + (bits & 7) as u8)
    }

    /// What a 3-bit field of a compressed instruction holds for the register, if it can name it.
    #[inline]
    pub(crate) fn compressed_field(self) -> Option<u16> {
        self.is_compressible()
            .then(|| u16::from(self.0 - FIRST_COMPRESSED))
    }

    /// The register's number, 0 to 31.
    #[inline]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The register's number as an array index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether most compressed instructions can name this register: `x8` to `x15`, that is
    /// `s0`, `s1` and `a0` to `a5`.
    #[inline]
    pub const fn is_compressible(self) -> bool {
        self.0 >= FIRST_COMPRESSED && self.0 < FIRST_COMPRESSED + 8
    }

    /// All 32 registers in order.
    pub fn all() -> impl Iterator<Item = Gpr> {
        (0..32).map(Gpr)
    }

    /// The ABI name, such as `a0`.
    pub const fn abi_name(self) -> &'static str {
        ABI_NAMES[self.0 as usize]
    }
}

impl fmt::Display for Gpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.abi_name())
    }
}

impl fmt::Debug for Gpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.abi_name())
    }
}

/// The text is not the name of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseGprError;

impl fmt::Display for ParseGprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a register name (expected an ABI name such as `a0`, or `x0` to `x31`)")
    }
}

impl core::error::Error for ParseGprError {}

impl FromStr for Gpr {
    type Err = ParseGprError;

    fn from_str(name: &str) -> Result<Gpr, ParseGprError> {
        if name == "fp" {
            return Ok(Gpr::FP);
        }
        // Comparing whole names refuses spellings such as `x01` and `x+1`.
        Gpr::all()
            .find(|gpr| gpr.abi_name() == name || is_architectural_name(*gpr, name))
            .ok_or(ParseGprError)
    }
}

fn is_architectural_name(gpr: Gpr, name: &str) -> bool {
    let digits = name.strip_prefix('x').unwrap_or_default().as_bytes();
    let number = gpr.number();
    match *digits {
        [ones] => number < 10 && ones == b'0' + number,
        [tens, ones] => number >= 10 && tens == b'0' + number / 10 && ones == b'0' + number % 10,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn every_name_parses_to_its_register() {
        for gpr in Gpr::all() {
            assert_eq!(gpr.to_string().parse(), Ok(gpr));
            assert_eq!(format!("x{}", gpr.number()).parse(), Ok(gpr));
        }
        assert_eq!("fp".parse(), Ok(Gpr::S0));
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "", "x", "x32", "x01", "x-1", "x+1", "a8", "s12", "t7", "A0", "x100", "pc",
        ] {
            assert_eq!(name.parse::<Gpr>(), Err(ParseGprError), "{name}");
        }
    }

    #[test]
    fn numbers_follow_the_psabi() {
        let numbers = [
            (Gpr::ZERO, 0),
            (Gpr::RA, 1),
            (Gpr::SP, 2),
            (Gpr::T0, 5),
            (Gpr::FP, 8),
            (Gpr::A0, 10),
            (Gpr::A7, 17),
            (Gpr::S2, 18),
            (Gpr::S11, 27),
            (Gpr::T3, 28),
            (Gpr::T6, 31),
        ];
        for (gpr, number) in numbers {
            assert_eq!(Gpr::new(number), Some(gpr));
        }
        assert_eq!(Gpr::new(32), None);
        let compressible: alloc::vec::Vec<_> =
            Gpr::all().filter(|gpr| gpr.is_compressible()).collect();
        assert_eq!(
            compressible,
            [
                Gpr::S0,
                Gpr::S1,
                Gpr::A0,
                Gpr::A1,
                Gpr::A2,
                Gpr::A3,
                Gpr::A4,
                Gpr::A5
            ]
        );
    }
}
