//! From one type to another.

use lpc_lpir::ir::{DataValue, Type};

/// All ones of type `ty` when `x` is not zero, otherwise zero.
pub(super) fn bmask(ty: Type, x: DataValue) -> DataValue {
    DataValue::new(ty, if x.is_true() { u128::MAX } else { 0 })
}

/// The low and the high half of `x`.
pub(super) fn isplit(x: DataValue) -> (DataValue, DataValue) {
    let half = x.ty().half_width();
    let half = half.expect("the verifier refuses to split bytes");
    let low = DataValue::new(half, x.unsigned());
    let high = DataValue::new(half, x.unsigned() >> half.bits());
    (low, high)
}

/// The number with the halves `low` and `high`.
pub(super) fn iconcat(low: DataValue, high: DataValue) -> DataValue {
    let double = low.ty().double_width();
    let double = double.expect("the verifier refuses to join the widest type");
    let bits = high.unsigned() << low.ty().bits() | low.unsigned();
    DataValue::new(double, bits)
}

#[cfg(test)]
mod tests {
    use super::super::{one, two, unary};
    use super::*;
    use lpc_lpir::ir::{Opcode, TypeSet};

    #[test]
    fn masks() {
        for from in TypeSet::INT.iter() {
            for to in TypeSet::INT.iter() {
                let high_bit = DataValue::new(from, 1 << (from.bits() - 1));
                assert_eq!(bmask(to, high_bit), DataValue::new(to, u128::MAX));
                assert_eq!(bmask(to, DataValue::new(from, 0)), DataValue::new(to, 0));
            }
        }
    }

    #[test]
    fn extensions_and_reductions() {
        for narrow in TypeSet::INT.iter() {
            let x = DataValue::new(narrow, 1 << (narrow.bits() - 1) | 5);
            for wide in TypeSet::INT
                .iter()
                .filter(|wide| wide.bits() > narrow.bits())
            {
                let unsigned = DataValue::new(wide, x.unsigned());
                let signed = DataValue::new(wide, x.unsigned() | !narrow.mask());
                assert_eq!(unary(Opcode::Uextend, wide, x), one(unsigned));
                assert_eq!(unary(Opcode::Sextend, wide, x), one(signed));
                assert_eq!(unary(Opcode::Ireduce, narrow, signed), one(x));
                assert_eq!(unary(Opcode::Ireduce, narrow, unsigned), one(x));
            }
        }
    }

    #[test]
    fn splitting_and_joining() {
        for ty in TypeSet::ints(16, 128).iter() {
            let half = ty.half_width().unwrap();
            let low = DataValue::new(half, 0x12);
            let high = DataValue::from_signed(half, -2);
            let x = iconcat(low, high);
            assert_eq!(x.ty(), ty);
            assert_eq!(x.signed(), -(2 << half.bits()) + 0x12);
            assert_eq!(unary(Opcode::Isplit, ty, x), two(low, high));
        }
    }

    #[test]
    fn bitcasts_keep_the_bits() {
        let x = DataValue::new(Type::I32, 0x3f80_0000);
        let number = DataValue::new(Type::F32, 0x3f80_0000);
        assert_eq!(unary(Opcode::Bitcast, Type::F32, x), one(number));
    }
}
