//! Control and status registers: numbers and names.

use core::fmt;

/// The number of a control and status register, 0 to 4095.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Csr(u16);

/// Names each register once, as a constant and as text.
macro_rules! csrs {
    ($($constant:ident $name:literal $number:literal;)*) => {
        impl Csr {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Csr = Csr($number);)*

            /// The register's name, if this crate knows one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

// RISC-V privileged architecture, "CSR Listing".
csrs! {
    FFLAGS    "fflags"    0x001;
    FRM       "frm"       0x002;
    FCSR      "fcsr"      0x003;
    CYCLE     "cycle"     0xc00;
    TIME      "time"      0xc01;
    INSTRET   "instret"   0xc02;
    CYCLEH    "cycleh"    0xc80;
    TIMEH     "timeh"     0xc81;
    INSTRETH  "instreth"  0xc82;
    MVENDORID "mvendorid" 0xf11;
    MARCHID   "marchid"   0xf12;
    MIMPID    "mimpid"    0xf13;
    MHARTID   "mhartid"   0xf14;
    MSTATUS   "mstatus"   0x300;
    MISA      "misa"      0x301;
    MIE       "mie"       0x304;
    MTVEC     "mtvec"     0x305;
    MSCRATCH  "mscratch"  0x340;
    MEPC      "mepc"      0x341;
    MCAUSE    "mcause"    0x342;
    MTVAL     "mtval"     0x343;
    MIP       "mip"       0x344;
    MCYCLE    "mcycle"    0xb00;
    MINSTRET  "minstret"  0xb02;
    MCYCLEH   "mcycleh"   0xb80;
    MINSTRETH "minstreth" 0xb82;
}

impl Csr {
    /// The register with the given number, or `None` above 4095.
    pub const fn new(number: u16) -> Option<Csr> {
        if number < 4096 {
            Some(Csr(number))
        } else {
            None
        }
    }

    /// The register named by the low twelve bits of an instruction field.
    pub(crate) const fn from_field(bits: u32) -> Csr {
        Csr((bits & 0xfff) as u16)
    }

    /// The register's number, 0 to 4095.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The pseudo-instruction that reads the register, if it is a counter.
    #[cfg(feature = "disassembler")]
    pub(crate) const fn counter_pseudo(self) -> Option<&'static str> {
        match self {
            Csr::CYCLE => Some("rdcycle"),
            Csr::TIME => Some("rdtime"),
            Csr::INSTRET => Some("rdinstret"),
            Csr::CYCLEH => Some("rdcycleh"),
            Csr::TIMEH => Some("rdtimeh"),
            Csr::INSTRETH => Some("rdinstreth"),
            _ => None,
        }
    }

    /// Whether the number says that writes are illegal: its two top bits are set.
    pub const fn is_read_only(self) -> bool {
        self.0 >> 10 == 0b11
    }
}

impl fmt::Display for Csr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

impl fmt::Debug for Csr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_and_numbers() {
        assert_eq!(Csr::new(0x340), Some(Csr::MSCRATCH));
        assert_eq!(Csr::MSCRATCH.to_string(), "mscratch");
        assert_eq!(Csr::new(0x7c0).unwrap().to_string(), "0x7c0");
        assert_eq!(Csr::new(4096), None);
        assert!(Csr::CYCLE.is_read_only());
        assert!(!Csr::MCYCLE.is_read_only());
    }
}
