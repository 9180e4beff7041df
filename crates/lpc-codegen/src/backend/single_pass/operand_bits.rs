//! What operands are, told by their encoding: the allocator asks that of each of them several times, and most are of two kinds.
//!
//! The lower half of an [`Operand`]'s encoding is the number of its virtual register, and the upper half what is wanted of that: its class and
//! constraint, and when it is read or written.

use regalloc2::{Operand, OperandConstraint, RegClass, VReg};

/// The virtual register, which is an integer as all that are allocated here.
#[inline]
pub(super) fn vreg_of(operand: Operand) -> VReg {
    VReg::new(operand.bits() as u32 as usize, RegClass::Int)
}

/// Whether it is in any register, and read when the instruction starts.
#[inline]
pub(super) fn is_plain_use(operand: Operand) -> bool {
    wanted_of(operand) == wanted_of(Operand::reg_use(ANY_VREG))
}

/// Whether it is in any register, and written when the instruction ends.
#[inline]
pub(super) fn is_plain_def(operand: Operand) -> bool {
    wanted_of(operand) == wanted_of(Operand::reg_def(ANY_VREG))
}

/// What is wanted of its register.
// The encoding has six cases.
#[inline(never)]
pub(super) fn constraint_of(operand: Operand) -> OperandConstraint {
    operand.constraint()
}

const ANY_VREG: VReg = VReg::new(0, RegClass::Int);

#[inline]
fn wanted_of(operand: Operand) -> u32 {
    (operand.bits() >> u32::BITS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use regalloc2::{OperandKind, OperandPos, PReg};

    #[test]
    fn operands_are_what_their_encoding_says() {
        for number in [0, 1, 70_000, VReg::MAX] {
            let vreg = VReg::new(number, RegClass::Int);
            let constraints = [
                OperandConstraint::Any,
                OperandConstraint::Reg,
                OperandConstraint::Stack,
                OperandConstraint::FixedReg(PReg::new(0, RegClass::Int)),
                OperandConstraint::Reuse(1),
                OperandConstraint::Limit(8),
            ];
            for constraint in constraints {
                for kind in [OperandKind::Use, OperandKind::Def] {
                    for pos in [OperandPos::Early, OperandPos::Late] {
                        let operand = Operand::new(vreg, constraint, kind, pos);
                        assert_eq!(vreg_of(operand), vreg);
                        assert_eq!(is_plain_use(operand), operand == Operand::reg_use(vreg));
                        assert_eq!(is_plain_def(operand), operand == Operand::reg_def(vreg));
                    }
                }
            }
        }
    }
}
