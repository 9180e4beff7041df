//! The first byte of an instruction: its opcode, and the type or condition that its operands do not tell.
//!
//! The bytes are those of the rows of the opcode table in their order. A row whose type is stated has one for each type that it
//! may be, a comparison one for each condition, any other a single one:
//!
//! ```text
//!  … load.i8  load.i16  load.i32 …  iadd  …  icmp eq  icmp ne  icmp slt …
//! ```

use crate::ir::{ControllingType, InstructionFormat, IntCC, Opcode, Type};

/// An opcode with what its byte says besides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Code {
    pub(super) opcode: Opcode,
    /// Which of the bytes of the row.
    variant: u8,
}

/// The number of bytes that are taken.
const COUNT: usize = first_codes().1;

const _: () = assert!(COUNT <= 256, "more instructions than a byte can tell apart");

/// The first byte of each row.
static FIRST_CODES: [u8; Opcode::ALL.len()] = first_codes().0;

/// The first byte of each row, and how many bytes all rows take.
const fn first_codes() -> ([u8; Opcode::ALL.len()], usize) {
    let mut first = [0; Opcode::ALL.len()];
    let mut next = 0;
    let mut row = 0;
    while row < first.len() {
        first[row] = next as u8;
        next += variants(Opcode::ALL[row]);
        row += 1;
    }
    (first, next)
}

/// The number of bytes of a row.
const fn variants(opcode: Opcode) -> usize {
    match (opcode.controlling_type(), opcode.format()) {
        (ControllingType::Explicit(types), _) => types.count(),
        (_, InstructionFormat::IntCompare) => IntCC::ALL.len(),
        _ => 1,
    }
}

impl Code {
    /// What `byte` stands for, if that is something.
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        if usize::from(byte) >= COUNT {
            return None;
        }
        let row = FIRST_CODES.partition_point(|&first| first <= byte) - 1;
        Some(Self {
            opcode: Opcode::ALL[row],
            variant: byte - FIRST_CODES[row],
        })
    }

    /// The code of an instruction with a type that is stated, if it may be of that type, or of one without.
    pub(super) fn new(opcode: Opcode, ty: Option<Type>, condition: Option<IntCC>) -> Option<Self> {
        let variant = match (opcode.controlling_type(), condition) {
            (ControllingType::Explicit(types), _) => {
                types.iter().position(|one| Some(one) == ty)?
            }
            (_, Some(condition)) => IntCC::ALL.iter().position(|&one| one == condition)?,
            _ => 0,
        };
        let variant = variant as u8;
        Some(Self { opcode, variant })
    }

    pub(super) fn to_byte(self) -> u8 {
        FIRST_CODES[self.opcode as usize] + self.variant
    }

    /// The type that is stated.
    pub(super) fn stated_type(self) -> Option<Type> {
        match self.opcode.controlling_type() {
            ControllingType::Explicit(types) => types.iter().nth(usize::from(self.variant)),
            _ => None,
        }
    }

    /// The condition of a comparison.
    pub(super) fn condition(self) -> IntCC {
        IntCC::ALL[usize::from(self.variant)]
    }
}

/// All bytes that an instruction can start with, with its opcode, the type that it states and its condition.
pub fn codes() -> impl Iterator<Item = (u8, Opcode, Option<Type>, Option<IntCC>)> {
    (0..=u8::MAX).filter_map(|byte| {
        let code = Code::from_byte(byte)?;
        let is_comparison = code.opcode.format() == InstructionFormat::IntCompare;
        let condition = is_comparison.then(|| code.condition());
        Some((byte, code.opcode, code.stated_type(), condition))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip() {
        let mut count = 0;
        for (byte, opcode, ty, condition) in codes() {
            assert_eq!(usize::from(byte), count);
            let code = Code::new(opcode, ty, condition).unwrap();
            assert_eq!(code.to_byte(), byte);
            count += 1;
        }
        assert_eq!(count, COUNT);
    }

    #[test]
    fn a_type_that_an_opcode_cannot_have_has_no_byte() {
        assert_eq!(Code::new(Opcode::Iconst, Some(Type::I128), None), None);
        assert_eq!(Code::new(Opcode::Iconst, None, None), None);
        assert!(Code::new(Opcode::Iadd, None, None).is_some());
    }
}
