//! Numbers at which code breaks: for constants, and for the arguments of calls.

use super::random::Random;
use lpc_lpir::ir::Type;

/// Around the immediates of 12 bits.
const IMM12_EDGES: [i32; 12] = [
    -4096, -2050, -2049, -2048, -2047, -1024, 1024, 2046, 2047, 2048, 2049, 4095,
];

/// Around the constants that `lui` and `addi` make, where the lower part is negative.
const LUI_EDGES: [u32; 12] = [
    0x0000_0fff,
    0x0000_1000,
    0x0000_1800,
    0x1234_57ff,
    0x1234_5800,
    0x7fff_f000,
    0x7fff_f7ff,
    0x7fff_f800,
    0x8000_07ff,
    0x8000_0800,
    0xffff_f000,
    0xffff_f800,
];

/// Around the widths of types and registers.
const WIDTH_EDGES: [u32; 20] = [
    1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 95, 96, 127, 128,
];

/// A number of type `ty`.
pub(super) fn number(random: &mut Random, ty: Type) -> u128 {
    let bits = ty.bits();
    let number = match random.below(14) {
        0 => 0,
        1 => 1,
        2 => u128::MAX,
        3 => 1 << random.below(bits),
        4 => (1u128 << random.below(bits)).wrapping_sub(1),
        5 => (1u128 << random.below(bits)) + 1,
        6 => (1u128 << random.below(bits)).wrapping_neg(),
        7..=8 => (1u128 << (bits - 1)).wrapping_add_signed(random.signed(-2, 1).into()),
        9 => i128::from(random.pick(&IMM12_EDGES)) as u128,
        10 => i128::from(random.pick(&LUI_EDGES) as i32) as u128,
        11 => i128::from(random.signed(-20, 20)) as u128,
        12 => words(random),
        _ => random.u128(),
    };
    number & ty.mask()
}

/// An amount to shift by, as a number of type `ty`.
pub(super) fn shift_amount(random: &mut Random, ty: Type) -> u128 {
    let amount = match random.below(8) {
        0 => 0,
        1..=4 => random.pick(&WIDTH_EDGES).into(),
        5..=6 => random.below(129).into(),
        _ => number(random, ty),
    };
    amount & ty.mask()
}

/// A number whose words are each nothing, everything, a bit, or anything.
fn words(random: &mut Random) -> u128 {
    (0..4).fold(0, |number, _| {
        let word = match random.below(5) {
            0 => 0,
            1 => u32::MAX,
            2 => 1 << 31,
            3 => 1 << random.below(32),
            _ => random.u64() as u32,
        };
        number << 32 | u128::from(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn edges_are_met_and_fit_their_type() {
        let mut random = Random::new(0, 0);
        for ty in [Type::I8, Type::I16, Type::I32, Type::I64, Type::I128] {
            let numbers: BTreeSet<u128> = (0..5_000).map(|_| number(&mut random, ty)).collect();
            let sign = 1 << (ty.bits() - 1);
            for edge in [0, 1, ty.mask(), sign, sign - 1, sign + 1] {
                assert!(numbers.contains(&edge), "{ty} {edge:#x}");
            }
            assert!(numbers.iter().all(|&number| number <= ty.mask()));
            let amounts: BTreeSet<u128> =
                (0..5_000).map(|_| shift_amount(&mut random, ty)).collect();
            for edge in WIDTH_EDGES {
                assert!(
                    amounts.contains(&(u128::from(edge) & ty.mask())),
                    "{ty} {edge}"
                );
            }
        }
    }
}
