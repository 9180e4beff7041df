//! What a memory access may assume.

use super::TrapCode;
use core::fmt;
use core::num::NonZeroU8;

/// The order of the bytes of a memory access, where the program states one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Endianness {
    /// The least significant byte first, as the machine has it.
    Little,
    /// The most significant byte first.
    Big,
}

/// Assumptions about a memory access, packed in two bytes.
///
/// Without any flag an access may be unaligned, may trap (`heap_oob`), and must stay where it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MemFlags {
    flags: u8,
    trap: Option<TrapCode>,
}

const NOTRAP: u8 = 1 << 0;
const ALIGNED: u8 = 1 << 1;
const READONLY: u8 = 1 << 2;
const CAN_MOVE: u8 = 1 << 3;
const LITTLE: u8 = 1 << 4;
const BIG: u8 = 1 << 5;

/// The flags that are a single bit, under their names in the text form, in the order in which they are printed.
const NAMES: [(u8, &str); 6] = [
    (NOTRAP, "notrap"),
    (ALIGNED, "aligned"),
    (READONLY, "readonly"),
    (CAN_MOVE, "can_move"),
    (BIG, "big"),
    (LITTLE, "little"),
];

impl MemFlags {
    /// No assumptions: unaligned, may trap with `heap_oob`.
    pub const fn new() -> Self {
        Self {
            flags: 0,
            trap: Some(TrapCode::HEAP_OUT_OF_BOUNDS),
        }
    }

    /// An access to memory that is known to be there and aligned.
    pub const fn trusted() -> Self {
        Self {
            flags: NOTRAP | ALIGNED,
            trap: None,
        }
    }

    /// The trap code of an access that faults, or `None` where the program promises that it does not.
    pub const fn trap_code(self) -> Option<TrapCode> {
        self.trap
    }

    /// The access faults with `code`.
    pub const fn with_trap_code(mut self, code: TrapCode) -> Self {
        self.flags &= !NOTRAP;
        self.trap = Some(code);
        self
    }

    /// The access does not fault.
    pub const fn with_notrap(mut self) -> Self {
        self.flags |= NOTRAP;
        self.trap = None;
        self
    }

    /// The program promises that the access does not fault.
    pub const fn notrap(self) -> bool {
        self.flags & NOTRAP != 0
    }

    /// The address is a multiple of the size of what is accessed.
    pub const fn aligned(self) -> bool {
        self.flags & ALIGNED != 0
    }

    /// Sets [`Self::aligned`].
    pub const fn with_aligned(self) -> Self {
        self.with(ALIGNED)
    }

    /// The memory does not change while the function runs.
    pub const fn readonly(self) -> bool {
        self.flags & READONLY != 0
    }

    /// Sets [`Self::readonly`].
    pub const fn with_readonly(self) -> Self {
        self.with(READONLY)
    }

    /// The access may be executed where control would not have reached it.
    pub const fn can_move(self) -> bool {
        self.flags & CAN_MOVE != 0
    }

    /// Sets [`Self::can_move`].
    pub const fn with_can_move(self) -> Self {
        self.with(CAN_MOVE)
    }

    /// The byte order, where the program states one. The machine's own is little.
    pub const fn explicit_endianness(self) -> Option<Endianness> {
        if self.flags & LITTLE != 0 {
            Some(Endianness::Little)
        } else if self.flags & BIG != 0 {
            Some(Endianness::Big)
        } else {
            None
        }
    }

    /// States the byte order.
    pub const fn with_endianness(mut self, endianness: Endianness) -> Self {
        self.flags &= !(LITTLE | BIG);
        self.with(match endianness {
            Endianness::Little => LITTLE,
            Endianness::Big => BIG,
        })
    }

    const fn with(mut self, flag: u8) -> Self {
        self.flags |= flag;
        self
    }

    /// Adds the flag or trap code that is called `name` in the text form.
    ///
    /// Returns `Ok(false)` when there is no such flag, and an error when it contradicts those that are set.
    pub fn set_by_name(&mut self, name: &str) -> Result<bool, &'static str> {
        if let Ok(code) = name.parse::<TrapCode>() {
            if self.notrap() || self.trap != Some(TrapCode::HEAP_OUT_OF_BOUNDS) {
                return Err("an access has at most one trap code or `notrap`");
            }
            self.trap = Some(code);
            return Ok(true);
        }
        let Some(&(flag, _)) = NAMES.iter().find(|(_, flag_name)| *flag_name == name) else {
            return Ok(false);
        };
        if flag & (LITTLE | BIG) != 0 && (self.flags | flag) & (LITTLE | BIG) == LITTLE | BIG {
            return Err("an access cannot be both `little` and `big`");
        }
        if flag == NOTRAP {
            if self.trap != Some(TrapCode::HEAP_OUT_OF_BOUNDS) && self.trap.is_some() {
                return Err("an access has at most one trap code or `notrap`");
            }
            self.trap = None;
        }
        self.flags |= flag;
        Ok(true)
    }

    /// The flags and the trap code as one number, for compact storage.
    pub fn to_bits(self) -> u16 {
        let trap = self.trap.map_or(0, |code| code.as_raw().get());
        u16::from_le_bytes([self.flags, trap])
    }

    /// As [`Self::from_bits`], with `None` for what no flags of an access give: a bit that means nothing, two byte orders, a trap
    /// code besides the promise that there is no trap, or neither of the two.
    pub fn checked_from_bits(bits: u16) -> Option<Self> {
        let [flags, trap] = bits.to_le_bytes();
        let is_known = NAMES.iter().fold(flags, |rest, (flag, _)| rest & !flag) == 0;
        let has_two_orders = flags & LITTLE != 0 && flags & BIG != 0;
        let may_trap = flags & NOTRAP == 0;
        (is_known && !has_two_orders && may_trap == (trap != 0)).then(|| Self::from_bits(bits))
    }

    /// The flags that [`Self::to_bits`] gave.
    pub fn from_bits(bits: u16) -> Self {
        let [flags, trap] = bits.to_le_bytes();
        Self {
            flags,
            trap: NonZeroU8::new(trap).map(TrapCode::from_raw),
        }
    }
}

impl Default for MemFlags {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes each flag with a space before it, and nothing for an access without flags.
impl fmt::Display for MemFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (flag, name) in NAMES {
            if self.flags & flag != 0 {
                write!(f, " {name}")?;
            }
        }
        match self.trap {
            Some(code) if code != TrapCode::HEAP_OUT_OF_BOUNDS => write!(f, " {code}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for MemFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemFlags({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn prints_every_flag() {
        let flags = MemFlags::new()
            .with_aligned()
            .with_readonly()
            .with_can_move()
            .with_endianness(Endianness::Little)
            .with_notrap();
        assert_eq!(
            flags.to_string(),
            " notrap aligned readonly can_move little"
        );
        assert_eq!(MemFlags::new().to_string(), "");
        assert_eq!(MemFlags::from_bits(flags.to_bits()), flags);
        assert_eq!(size_of::<MemFlags>(), 2);
    }

    #[test]
    fn bits_that_mean_no_flags() {
        let heap_oob = MemFlags::new().to_bits();
        let accepted = |bits| MemFlags::checked_from_bits(bits).is_some();
        for flags in [
            MemFlags::new(),
            MemFlags::trusted(),
            MemFlags::new().with_can_move().with_readonly(),
            MemFlags::new().with_endianness(Endianness::Big),
        ] {
            assert_eq!(MemFlags::checked_from_bits(flags.to_bits()), Some(flags));
        }
        assert!(!accepted(0), "neither a trap code nor `notrap`");
        assert!(!accepted(heap_oob | u16::from(NOTRAP)));
        assert!(!accepted(heap_oob | u16::from(LITTLE | BIG)));
        assert!(!accepted(heap_oob | 1 << 6) && !accepted(heap_oob | 1 << 7));
    }

    #[test]
    fn trap_code_and_notrap_exclude_each_other() {
        let mut flags = MemFlags::new();
        assert_eq!(flags.set_by_name("user3"), Ok(true));
        assert!(flags.set_by_name("notrap").is_err());
        assert!(flags.set_by_name("user4").is_err());
        assert_eq!(flags.set_by_name("bogus"), Ok(false));
        assert_eq!(flags.to_string(), " user3");
    }

    #[test]
    fn byte_orders_exclude_each_other() {
        let mut flags = MemFlags::new();
        assert_eq!(flags.set_by_name("little"), Ok(true));
        assert!(flags.set_by_name("big").is_err());
    }
}
