//! A million encodings of 32 bits, always the same ones, that every judge is asked about.

use crate::random::Random;
use lpc_riscv32::Opcode;

/// How many there are.
pub(crate) const COUNT: usize = 1_000_000;

/// The words. All halfwords that start a word start at least two of them. Of the others half are any words, and half are made
/// of instructions: see [`nearly_valid`].
pub(crate) fn all() -> Vec<u32> {
    let mut random = Random::new(1);
    let mut words = Vec::with_capacity(COUNT);
    for half in (3..=0xffff).step_by(4) {
        words.extend([random.next(), random.next()].map(|word| word << 16 | half));
    }
    while words.len() < COUNT {
        words.push(random.next() | 3);
        words.push(nearly_valid(&mut random));
    }
    words
}

/// An instruction of any opcode with random operands, of which some are special; one in four has a bit flipped.
fn nearly_valid(random: &mut Random) -> u32 {
    let opcode = Opcode::ALL[random.next() as usize % Opcode::ALL.len()];
    let mut operands = random.next();
    for shift in [7, 15, 20] {
        if random.next().is_multiple_of(8) {
            operands = operands & !(0x1f << shift) | (random.next() % 3) << shift;
        }
    }
    if random.next().is_multiple_of(8) {
        let special = [0, 1, 0x7ff, 0x800, 0xff, 0xfff];
        operands = operands & 0xf_ffff | special[random.next() as usize % special.len()] << 20;
    }
    let word = operands & !opcode.mask() | opcode.bits();
    match random.next() {
        coin if coin.is_multiple_of(4) => (word ^ 1 << (random.next() % 32)) | 3,
        _ => word,
    }
}
