//! Logic, shifts, counts, and the orders of bits and bytes.

use super::same_type;
use lpc_lpir::ir::DataValue;

/// The bits of `x` above its width, all of which are zero.
fn bits_above(x: DataValue) -> u32 {
    128 - x.ty().bits()
}

pub(super) fn band(x: DataValue, y: DataValue) -> DataValue {
    same_type(x, x.unsigned() & y.unsigned())
}

pub(super) fn bor(x: DataValue, y: DataValue) -> DataValue {
    same_type(x, x.unsigned() | y.unsigned())
}

pub(super) fn bxor(x: DataValue, y: DataValue) -> DataValue {
    same_type(x, x.unsigned() ^ y.unsigned())
}

pub(super) fn bnot(x: DataValue) -> DataValue {
    same_type(x, !x.unsigned())
}

/// Where `mask` has ones the bits of `x`, elsewhere those of `y`.
pub(super) fn bitselect(mask: DataValue, x: DataValue, y: DataValue) -> DataValue {
    bor(band(mask, x), band(bnot(mask), y))
}

/// The distance of a shift of `x` by `amount`: modulo the width of `x`, whatever type `amount` has.
fn distance(x: DataValue, amount: DataValue) -> u32 {
    (amount.unsigned() % u128::from(x.ty().bits())) as u32
}

pub(super) fn ishl(x: DataValue, amount: DataValue) -> DataValue {
    same_type(x, x.unsigned() << distance(x, amount))
}

pub(super) fn ushr(x: DataValue, amount: DataValue) -> DataValue {
    same_type(x, x.unsigned() >> distance(x, amount))
}

pub(super) fn sshr(x: DataValue, amount: DataValue) -> DataValue {
    DataValue::from_signed(x.ty(), x.signed() >> distance(x, amount))
}

pub(super) fn rotl(x: DataValue, amount: DataValue) -> DataValue {
    rotate_left(x, distance(x, amount))
}

pub(super) fn rotr(x: DataValue, amount: DataValue) -> DataValue {
    let distance = distance(x, amount);
    rotate_left(x, (x.ty().bits() - distance) % x.ty().bits())
}

/// Rotates by less than the width. What leaves at the top comes in at the bottom.
fn rotate_left(x: DataValue, distance: u32) -> DataValue {
    if distance == 0 {
        return x;
    }
    let out = x.unsigned() >> (x.ty().bits() - distance);
    same_type(x, x.unsigned() << distance | out)
}

pub(super) fn bitrev(x: DataValue) -> DataValue {
    same_type(x, x.unsigned().reverse_bits() >> bits_above(x))
}

pub(super) fn bswap(x: DataValue) -> DataValue {
    same_type(x, x.unsigned().swap_bytes() >> bits_above(x))
}

pub(super) fn clz(x: DataValue) -> DataValue {
    same_type(x, (x.unsigned().leading_zeros() - bits_above(x)).into())
}

/// The bits equal to the sign are leading zeros of the number or of its complement. The sign itself is not counted.
pub(super) fn cls(x: DataValue) -> DataValue {
    let signs = if x.signed() < 0 { clz(bnot(x)) } else { clz(x) };
    same_type(x, signs.unsigned() - 1)
}

pub(super) fn ctz(x: DataValue) -> DataValue {
    same_type(x, x.unsigned().trailing_zeros().min(x.ty().bits()).into())
}

pub(super) fn popcnt(x: DataValue) -> DataValue {
    same_type(x, x.unsigned().count_ones().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_lpir::ir::{Type, TypeSet};

    fn int(ty: Type, bits: u128) -> DataValue {
        DataValue::new(ty, bits)
    }

    #[test]
    fn logic() {
        let [x, y] = [0b1100, 0b1010].map(|bits| int(Type::I8, bits));
        assert_eq!(band(x, y), int(Type::I8, 0b1000));
        assert_eq!(bor(x, y), int(Type::I8, 0b1110));
        assert_eq!(bxor(x, y), int(Type::I8, 0b0110));
        assert_eq!(bnot(x), int(Type::I8, 0b1111_0011));
        let mask = int(Type::I8, 0xf0);
        assert_eq!(
            bitselect(mask, int(Type::I8, 0x12), int(Type::I8, 0x34)),
            int(Type::I8, 0x14)
        );
    }

    #[test]
    fn shifts_take_their_amount_modulo_the_width() {
        for ty in TypeSet::INT.iter() {
            let width = u128::from(ty.bits());
            let top = int(ty, 1 << (width - 1));
            for amount_type in TypeSet::INT.iter() {
                let amount = |number| int(amount_type, number);
                for unmoved in [0, width & amount_type.mask()] {
                    for shift in [ishl, ushr, sshr, rotl, rotr] {
                        assert_eq!(shift(top, amount(unmoved)), top);
                    }
                }
                let by_most = amount(width - 1);
                assert_eq!(ishl(int(ty, 3), by_most), top);
                assert_eq!(ushr(top, by_most), int(ty, 1));
                assert_eq!(sshr(top, by_most), int(ty, ty.mask()));
                assert_eq!(rotl(int(ty, 2), by_most), int(ty, 1));
                assert_eq!(rotr(top, by_most), int(ty, 1));
                // All ones, taken modulo the width, are the greatest distance.
                let ones = amount(amount_type.mask());
                assert_eq!(ushr(top, ones), int(ty, 1));
            }
        }
    }

    #[test]
    fn rotations() {
        let x = int(Type::I16, 0x1234);
        let by = |amount| int(Type::I8, amount);
        assert_eq!(rotl(x, by(4)), int(Type::I16, 0x2341));
        assert_eq!(rotr(x, by(4)), int(Type::I16, 0x4123));
        assert_eq!(rotl(x, by(20)), int(Type::I16, 0x2341));
    }

    #[test]
    fn counts_at_every_width() {
        for ty in TypeSet::INT.iter() {
            let width = u128::from(ty.bits());
            let count = |number| int(ty, number);
            let (zero, ones, one) = (int(ty, 0), int(ty, ty.mask()), int(ty, 1));
            let top = int(ty, 1 << (width - 1));
            assert_eq!(
                [zero, ones, one, top].map(clz),
                [width, 0, width - 1, 0].map(count)
            );
            assert_eq!(
                [zero, ones, one, top].map(cls),
                [width - 1, width - 1, width - 2, 0].map(count)
            );
            assert_eq!(
                [zero, ones, one, top].map(ctz),
                [width, 0, 0, width - 1].map(count)
            );
            assert_eq!(
                [zero, ones, one, top].map(popcnt),
                [0, width, 1, 1].map(count)
            );
        }
    }

    #[test]
    fn orders() {
        assert_eq!(
            bitrev(int(Type::I8, 0b0000_1011)),
            int(Type::I8, 0b1101_0000)
        );
        assert_eq!(bitrev(int(Type::I128, 1)), int(Type::I128, 1 << 127));
        assert_eq!(bswap(int(Type::I16, 0x1234)), int(Type::I16, 0x3412));
        assert_eq!(
            bswap(int(Type::I32, 0x1234_5678)),
            int(Type::I32, 0x7856_3412)
        );
        assert_eq!(
            bswap(int(Type::I64, 0x0102_0304_0506_0708)),
            int(Type::I64, 0x0807_0605_0403_0201)
        );
    }
}
