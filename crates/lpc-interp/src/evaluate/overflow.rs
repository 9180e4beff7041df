//! Sums, differences and products that tell whether they overflow.
//!
//! A carry or borrow is an `i8`; any but zero is one. For sums and differences the operands are moved to the top of 128
//! bits: there a result overflows exactly when it does in its own width.

use lpc_lpir::ir::DataValue;

/// How far up a value is moved, so that its highest bit is bit 127.
fn headroom(x: DataValue) -> u32 {
    128 - x.ty().bits()
}

fn result(like: DataValue, at_top: u128) -> DataValue {
    DataValue::new(like.ty(), at_top >> headroom(like))
}

/// The operands and the carry, moved to the top of 128 bits.
fn at_top(x: DataValue, y: DataValue, carry: DataValue) -> [u128; 3] {
    let carry = u128::from(carry.is_true());
    [x.unsigned(), y.unsigned(), carry].map(|number| number << headroom(x))
}

pub(super) fn uadd(x: DataValue, y: DataValue, carry: DataValue) -> (DataValue, bool) {
    let [a, b, c] = at_top(x, y, carry);
    let (sum, overflows) = a.overflowing_add(b);
    let (sum, overflows_by_carry) = sum.overflowing_add(c);
    (result(x, sum), overflows || overflows_by_carry)
}

pub(super) fn usub(x: DataValue, y: DataValue, borrow: DataValue) -> (DataValue, bool) {
    let [a, b, c] = at_top(x, y, borrow);
    let (difference, overflows) = a.overflowing_sub(b);
    let (difference, overflows_by_borrow) = difference.overflowing_sub(c);
    (result(x, difference), overflows || overflows_by_borrow)
}

/// A sum that overflows downward and, by the carry, upward again does not overflow.
pub(super) fn sadd(x: DataValue, y: DataValue, carry: DataValue) -> (DataValue, bool) {
    let [a, b, c] = at_top(x, y, carry).map(|bits| bits as i128);
    let (sum, overflows) = a.overflowing_add(b);
    let (sum, overflows_by_carry) = sum.overflowing_add(c);
    (result(x, sum as u128), overflows != overflows_by_carry)
}

/// A difference that overflows upward and, by the borrow, downward again does not overflow.
pub(super) fn ssub(x: DataValue, y: DataValue, borrow: DataValue) -> (DataValue, bool) {
    let [a, b, c] = at_top(x, y, borrow).map(|bits| bits as i128);
    let (difference, overflows) = a.overflowing_sub(b);
    let (difference, overflows_by_borrow) = difference.overflowing_sub(c);
    (
        result(x, difference as u128),
        overflows != overflows_by_borrow,
    )
}

pub(super) fn umul(x: DataValue, y: DataValue) -> (DataValue, bool) {
    let exact = x.unsigned() * y.unsigned();
    let product = DataValue::new(x.ty(), exact);
    (product, product.unsigned() != exact)
}

pub(super) fn smul(x: DataValue, y: DataValue) -> (DataValue, bool) {
    let exact = x.signed() * y.signed();
    let product = DataValue::from_signed(x.ty(), exact);
    (product, product.signed() != exact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_lpir::ir::{Type, TypeSet};

    /// All operands of eight bits, compared with exact numbers.
    #[test]
    fn bytes_against_exact_results() {
        let byte = |number| DataValue::from_signed(Type::I8, number);
        let unsigned = |exact| (byte(exact), !(0..=255).contains(&exact));
        let signed = |exact| (byte(exact), !(-128..=127).contains(&exact));
        for (x, y) in (0..=255).flat_map(|x| (0..=255).map(move |y| (byte(x), byte(y)))) {
            let (u, v) = (x.unsigned() as i128, y.unsigned() as i128);
            let (s, t) = (x.signed(), y.signed());
            assert_eq!(umul(x, y), unsigned(u * v));
            assert_eq!(smul(x, y), signed(s * t));
            // Any carry but zero is one.
            for (carry, c) in [(byte(0), 0), (byte(1), 1), (byte(-128), 1)] {
                assert_eq!(uadd(x, y, carry), unsigned(u + v + c));
                assert_eq!(usub(x, y, carry), unsigned(u - v - c));
                assert_eq!(sadd(x, y, carry), signed(s + t + c));
                assert_eq!(ssub(x, y, carry), signed(s - t - c));
            }
        }
    }

    #[test]
    fn edges_of_every_width() {
        for ty in TypeSet::INT.iter() {
            let int = |number| DataValue::from_signed(ty, number);
            let (none, one) = (DataValue::from_bool(false), DataValue::from_bool(true));
            let least = DataValue::new(ty, 1 << (ty.bits() - 1));
            let greatest = DataValue::new(ty, ty.mask() >> 1);
            assert_eq!(uadd(int(-1), int(0), one), (int(0), true));
            assert_eq!(uadd(greatest, greatest, one), (int(-1), false));
            assert_eq!(usub(int(0), int(0), one), (int(-1), true));
            assert_eq!(sadd(greatest, int(1), none), (least, true));
            assert_eq!(sadd(least, int(-1), one), (least, false));
            assert_eq!(ssub(least, int(0), one), (greatest, true));
            assert_eq!(ssub(greatest, int(-1), one), (greatest, false));
        }
    }

    #[test]
    fn products_of_the_widest_factors() {
        let int = |bits| DataValue::new(Type::I64, bits);
        let ones = int(u64::MAX.into());
        let least = int(1 << 63);
        assert_eq!(umul(ones, ones), (int(1), true));
        assert_eq!(umul(ones, int(1)), (ones, false));
        assert_eq!(smul(least, ones), (least, true));
        assert_eq!(smul(least, least), (int(0), true));
        assert_eq!(smul(ones, ones), (int(1), false));
    }
}
