//! Passing values from outside to compiled code and back, where their [`AbiSignature`] says that they travel.
//!
//! Whoever calls compiled code, or is called by it, has registers and memory of its own kind: those of an emulator, of a program that does
//! not run at the moment, or words for the processor itself. What words go where is the same for all:
//!
//! ```text
//!   a value ──► words ──► extended, or garbage above ──► store(slot, word)
//!   a value ◄── words ◄──────────────────────────────── load(slot)
//! ```

use super::abi::{AbiSignature, AbiSlot, AbiValue, WORD_BYTES};
use lpc_lpir::ir::ArgumentExtension;

/// A source of words without meaning, the same ones in each run: for everything that a calling convention leaves undefined.
///
/// This is Marsaglia's xorshift generator with the shifts 13, 17 and 5 ("Xorshift RNGs", 2003). It never gives zero, which a
/// program could mistake for a proper value.
#[derive(Clone, Debug)]
pub struct Garbage(u32);

impl Garbage {
    /// The source, at its start.
    pub const fn new() -> Self {
        Self(0x9e37_79b9)
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

impl Default for Garbage {
    fn default() -> Self {
        Self::new()
    }
}

impl AbiValue {
    /// `word`, one of the words of the value, with the bits above a narrow one as whoever receives it may rely on them. What it may not rely
    /// on is garbage.
    pub fn extend(&self, word: u32, garbage: &mut Garbage) -> u32 {
        let mask = self.ty.mask() as u32;
        let unused = mask.leading_zeros();
        match self.extension {
            ArgumentExtension::None => word & mask | garbage.word() & !mask,
            ArgumentExtension::Uext => word & mask,
            ArgumentExtension::Sext => ((word << unused) as i32 >> unused) as u32,
        }
    }
}

impl AbiSignature {
    /// Gives `store` each of `words`, those of the argument or result `value` of this signature, extended, with the place where it travels.
    ///
    /// # Errors
    /// Those of `store`.
    pub fn store_words<E>(
        &self,
        value: &AbiValue,
        words: impl Iterator<Item = u32>,
        garbage: &mut Garbage,
        mut store: impl FnMut(AbiSlot, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut slots = self.slots(value).iter().zip(words);
        slots.try_for_each(|(slot, word)| store(*slot, value.extend(word, garbage)))
    }

    /// The bits of the argument or result `value` of this signature, whose words are what `load` gives for the places where they travel. Above
    /// those of a narrow value there may be others.
    ///
    /// # Errors
    /// Those of `load`.
    pub fn load_bits<E>(
        &self,
        value: &AbiValue,
        mut load: impl FnMut(AbiSlot) -> Result<u32, E>,
    ) -> Result<u128, E> {
        let mut bits = 0;
        for (index, slot) in (0..).zip(self.slots(value)) {
            bits |= u128::from(load(*slot)?) << (8 * WORD_BYTES * index);
        }
        Ok(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::riscv32::abi::abi_signature;
    use alloc::vec::Vec;
    use core::convert::Infallible;
    use lpc_lpir::ir::{AbiParam, CallConv, DataValue, Signature, Type};

    /// What is above narrow values is what their extension says, or differs from call to call.
    #[test]
    fn words_are_extended() {
        let extensions = [
            ArgumentExtension::None,
            ArgumentExtension::Uext,
            ArgumentExtension::Sext,
        ];
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params = extensions
            .map(|extension| AbiParam {
                extension,
                ..AbiParam::new(Type::I8)
            })
            .to_vec();
        let abi = abi_signature(&signature).unwrap();
        let mut garbage = Garbage::new();
        let mut extended = |value: &AbiValue| {
            let mut word = 0;
            let words = DataValue::new(Type::I8, 0x85).words();
            let stored = abi.store_words(value, words, &mut garbage, |_, extended| {
                word = extended;
                Ok::<(), Infallible>(())
            });
            stored.unwrap();
            word
        };
        let [undefined, zero, sign] = abi.args() else {
            panic!("there are three arguments");
        };
        assert_eq!((extended(zero), extended(sign)), (0x85, 0xffff_ff85));
        let words = [extended(undefined), extended(undefined)];
        assert_ne!(words[0], words[1]);
        assert!(
            words.iter().all(|word| word & 0xff == 0x85),
            "{words:#010x?}"
        );
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let types = [
            Type::I32,
            Type::I128,
            Type::I64,
            Type::I64,
            Type::I16,
            Type::I128,
        ];
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params = types.map(AbiParam::new).to_vec();
        let abi = abi_signature(&signature).unwrap();
        let mut words = Vec::new();
        let mut garbage = Garbage::new();
        let pattern = 0x0123_4567_89ab_cdef_1122_3344_5566_7788_u128;
        for (value, number) in abi.args().iter().zip(0..) {
            let data = DataValue::new(value.ty, pattern.rotate_left(number));
            let stored = abi.store_words(value, data.words(), &mut garbage, |slot, word| {
                words.push((slot, word));
                Ok::<(), Infallible>(())
            });
            stored.unwrap();
        }
        assert!(
            words
                .iter()
                .any(|(slot, _)| matches!(slot, AbiSlot::Memory(_)))
        );
        for (value, number) in abi.args().iter().zip(0..) {
            let find = |slot| {
                let mut words = words.iter();
                let found = words.find(|(stored, _)| *stored == slot);
                found.map(|(_, word)| *word).ok_or(())
            };
            let bits = abi.load_bits(value, find).unwrap();
            let expected = DataValue::new(value.ty, pattern.rotate_left(number));
            assert_eq!(DataValue::new(value.ty, bits), expected);
        }
    }
}
