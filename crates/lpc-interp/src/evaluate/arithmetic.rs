//! Sums, products, quotients, minima and comparisons.

use super::same_type;
use lpc_lpir::ir::{DataValue, IntCC, TrapCode};

pub(super) fn iadd(x: DataValue, y: DataValue) -> DataValue {
    same_type(x, x.unsigned().wrapping_add(y.unsigned()))
}

pub(super) fn isub(x: DataValue, y: DataValue) -> DataValue {
    same_type(x, x.unsigned().wrapping_sub(y.unsigned()))
}

pub(super) fn ineg(x: DataValue) -> DataValue {
    same_type(x, x.unsigned().wrapping_neg())
}

pub(super) fn iabs(x: DataValue) -> DataValue {
    same_type(x, x.signed().unsigned_abs())
}

pub(super) fn imul(x: DataValue, y: DataValue) -> DataValue {
    same_type(x, x.unsigned().wrapping_mul(y.unsigned()))
}

pub(super) fn umulhi(x: DataValue, y: DataValue) -> DataValue {
    let (low, high) = full_product(x.unsigned(), y.unsigned());
    same_type(
        x,
        match x.ty().bits() {
            128 => high,
            bits => low >> bits,
        },
    )
}

/// A negative number is its unsigned view less two to the power of the width, so each negative factor adds the other factor
/// too much to the high half of the unsigned product.
pub(super) fn smulhi(x: DataValue, y: DataValue) -> DataValue {
    let surplus = |negative: DataValue, other: DataValue| {
        let other = if negative.signed() < 0 {
            other.unsigned()
        } else {
            0
        };
        same_type(x, other)
    };
    isub(isub(umulhi(x, y), surplus(x, y)), surplus(y, x))
}

/// The low and the high half of the product of 256 bits, by multiplication in base 2⁶⁴.
fn full_product(x: u128, y: u128) -> (u128, u128) {
    let halves = |number: u128| (number & u128::from(u64::MAX), number >> 64);
    let (x_low, x_high) = halves(x);
    let (y_low, y_high) = halves(y);
    // Each of these is at most (2⁶⁴ - 1)² and so leaves room for two more numbers of 64 bits.
    let (digit0, carry) = halves(x_low * y_low);
    let (middle, carry1) = halves(x_high * y_low + carry);
    let (digit1, carry2) = halves(x_low * y_high + middle);
    (digit1 << 64 | digit0, x_high * y_high + carry1 + carry2)
}

/// Traps when `divisor` is zero.
fn check_divisor(divisor: DataValue) -> Result<(), TrapCode> {
    if divisor.is_true() {
        Ok(())
    } else {
        Err(TrapCode::INTEGER_DIVISION_BY_ZERO)
    }
}

pub(super) fn udiv(x: DataValue, y: DataValue) -> Result<DataValue, TrapCode> {
    check_divisor(y)?;
    Ok(same_type(x, x.unsigned() / y.unsigned()))
}

/// The only quotient that does not fit is that of the least number and -1.
pub(super) fn sdiv(x: DataValue, y: DataValue) -> Result<DataValue, TrapCode> {
    check_divisor(y)?;
    let least = same_type(x, 1 << (x.ty().bits() - 1));
    if x == least && y.signed() == -1 {
        return Err(TrapCode::INTEGER_OVERFLOW);
    }
    Ok(DataValue::from_signed(x.ty(), x.signed() / y.signed()))
}

pub(super) fn urem(x: DataValue, y: DataValue) -> Result<DataValue, TrapCode> {
    check_divisor(y)?;
    Ok(same_type(x, x.unsigned() % y.unsigned()))
}

/// The remainder of the least number and -1 is zero, though their quotient does not fit.
pub(super) fn srem(x: DataValue, y: DataValue) -> Result<DataValue, TrapCode> {
    check_divisor(y)?;
    let remainder = x.signed().wrapping_rem(y.signed());
    Ok(DataValue::from_signed(x.ty(), remainder))
}

pub(super) fn smin(x: DataValue, y: DataValue) -> DataValue {
    if x.signed() <= y.signed() { x } else { y }
}

pub(super) fn umin(x: DataValue, y: DataValue) -> DataValue {
    if x.unsigned() <= y.unsigned() { x } else { y }
}

pub(super) fn smax(x: DataValue, y: DataValue) -> DataValue {
    if x.signed() >= y.signed() { x } else { y }
}

pub(super) fn umax(x: DataValue, y: DataValue) -> DataValue {
    if x.unsigned() >= y.unsigned() { x } else { y }
}

/// 1 when `cond` holds between `x` and `y`, otherwise 0.
pub(crate) fn compare(cond: IntCC, x: DataValue, y: DataValue) -> DataValue {
    DataValue::from_bool(match cond {
        IntCC::Equal => x == y,
        IntCC::NotEqual => x != y,
        IntCC::SignedLessThan => x.signed() < y.signed(),
        IntCC::SignedGreaterThanOrEqual => x.signed() >= y.signed(),
        IntCC::SignedGreaterThan => x.signed() > y.signed(),
        IntCC::SignedLessThanOrEqual => x.signed() <= y.signed(),
        IntCC::UnsignedLessThan => x.unsigned() < y.unsigned(),
        IntCC::UnsignedGreaterThanOrEqual => x.unsigned() >= y.unsigned(),
        IntCC::UnsignedGreaterThan => x.unsigned() > y.unsigned(),
        IntCC::UnsignedLessThanOrEqual => x.unsigned() <= y.unsigned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_lpir::ir::{Type, TypeSet};

    fn int(ty: Type, number: i128) -> DataValue {
        DataValue::from_signed(ty, number)
    }

    fn least(ty: Type) -> DataValue {
        DataValue::new(ty, 1 << (ty.bits() - 1))
    }

    fn greatest(ty: Type) -> DataValue {
        DataValue::new(ty, ty.mask() >> 1)
    }

    #[test]
    fn sums_wrap_at_every_width() {
        for ty in TypeSet::INT.iter() {
            let one = int(ty, 1);
            assert_eq!(iadd(greatest(ty), one), least(ty));
            assert_eq!(isub(least(ty), one), greatest(ty));
            assert_eq!(isub(int(ty, 0), one), int(ty, -1));
            assert_eq!(ineg(least(ty)), least(ty));
            assert_eq!(ineg(one), int(ty, -1));
            assert_eq!(iabs(least(ty)), least(ty));
            assert_eq!(iabs(int(ty, -5)), int(ty, 5));
            assert_eq!(iabs(greatest(ty)), greatest(ty));
        }
    }

    #[test]
    fn products_of_extreme_factors() {
        for ty in TypeSet::INT.iter() {
            let [zero, one, minus_one] = [0, 1, -1].map(|number| int(ty, number));
            let (least, greatest) = (least(ty), greatest(ty));
            assert_eq!(imul(minus_one, minus_one), one);
            assert_eq!(imul(least, minus_one), least);
            assert_eq!(umulhi(minus_one, minus_one), int(ty, -2));
            assert_eq!(umulhi(least, int(ty, 2)), one);
            assert_eq!(umulhi(greatest, one), zero);
            assert_eq!(smulhi(minus_one, minus_one), zero);
            assert_eq!(smulhi(minus_one, one), minus_one);
            // 2ⁿ⁻¹ · 2ⁿ⁻¹ = 2ⁿ · 2ⁿ⁻², and of the other sign when one factor is positive and one less.
            let quarter = DataValue::new(ty, 1 << (ty.bits() - 2));
            assert_eq!(smulhi(least, least), quarter);
            assert_eq!(smulhi(greatest, least), ineg(quarter));
        }
    }

    #[test]
    fn high_half_of_a_product_with_all_digits() {
        let x = DataValue::new(Type::I128, 0xfedc_ba98_7654_3210_0123_4567_89ab_cdef);
        let y = DataValue::new(Type::I128, 0x1111_2222_3333_4444_5555_6666_7777_8888);
        let unsigned = 0x10fd_b707_e10d_7dfd_7e10_e917_d023_4443;
        let signed = 0xffec_94e5_adda_39b9_28bb_82b1_58ab_bbbb;
        assert_eq!(umulhi(x, y).unsigned(), unsigned);
        assert_eq!(smulhi(x, y).unsigned(), signed);
    }

    #[test]
    fn quotients_round_to_zero() {
        for ty in TypeSet::INT.iter() {
            for (x, y, quotient, remainder) in [
                (7, 2, 3, 1),
                (-7, 2, -3, -1),
                (7, -2, -3, 1),
                (-7, -2, 3, -1),
            ] {
                let (x, y) = (int(ty, x), int(ty, y));
                assert_eq!(sdiv(x, y), Ok(int(ty, quotient)));
                assert_eq!(srem(x, y), Ok(int(ty, remainder)));
            }
            assert_eq!(udiv(int(ty, -1), int(ty, 2)), Ok(greatest(ty)));
            assert_eq!(urem(int(ty, -1), least(ty)), Ok(greatest(ty)));
        }
    }

    #[test]
    fn divisions_trap() {
        for ty in TypeSet::INT.iter() {
            let (zero, minus_one) = (int(ty, 0), int(ty, -1));
            for divide in [udiv, sdiv, urem, srem] {
                let code = TrapCode::INTEGER_DIVISION_BY_ZERO;
                assert_eq!(divide(least(ty), zero), Err(code));
            }
            assert_eq!(sdiv(least(ty), minus_one), Err(TrapCode::INTEGER_OVERFLOW));
            assert_eq!(srem(least(ty), minus_one), Ok(zero));
            assert_eq!(udiv(least(ty), minus_one), Ok(zero));
            assert_eq!(urem(least(ty), minus_one), Ok(least(ty)));
        }
    }

    #[test]
    fn minima_and_maxima() {
        for ty in TypeSet::INT.iter() {
            let (x, y) = (int(ty, -1), int(ty, 1));
            for (x, y) in [(x, y), (y, x)] {
                assert_eq!(smin(x, y), int(ty, -1));
                assert_eq!(smax(x, y), int(ty, 1));
                assert_eq!(umin(x, y), int(ty, 1));
                assert_eq!(umax(x, y), int(ty, -1));
            }
        }
    }

    #[test]
    fn comparisons() {
        let numbers = [0, 1, -1, 126];
        for ty in TypeSet::INT.iter() {
            for (x, y) in numbers.iter().flat_map(|x| numbers.map(|y| (*x, y))) {
                let unsigned = |number: i128| number as u128 & ty.mask();
                for (cond, holds) in [
                    (IntCC::Equal, x == y),
                    (IntCC::SignedLessThan, x < y),
                    (IntCC::SignedGreaterThan, x > y),
                    (IntCC::UnsignedLessThan, unsigned(x) < unsigned(y)),
                    (IntCC::UnsignedGreaterThan, unsigned(x) > unsigned(y)),
                ] {
                    let compare = |cond| compare(cond, int(ty, x), int(ty, y));
                    assert_eq!(compare(cond), DataValue::from_bool(holds));
                    assert_eq!(compare(cond.complement()), DataValue::from_bool(!holds));
                }
            }
        }
    }
}
