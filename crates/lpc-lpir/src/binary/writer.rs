//! Writes bytes, numbers and names: what [`Reader`](super::reader::Reader) reads.

use crate::ir::ExternalName;
use alloc::vec::Vec;

/// A message that is being written.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn u64(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.u64(number.into());
    }

    pub(super) fn i64(&mut self, number: i64) {
        self.u64((number << 1 ^ number >> 63) as u64);
    }

    pub(super) fn i32(&mut self, number: i32) {
        self.i64(number.into());
    }

    pub(super) fn count(&mut self, count: usize) {
        self.u64(count as u64);
    }

    pub(super) fn name(&mut self, name: &ExternalName) {
        match name {
            ExternalName::Symbol(text) => {
                self.count(text.len() + 1);
                self.bytes.extend_from_slice(text.as_bytes());
            }
            ExternalName::User { namespace, index } => {
                self.byte(0);
                self.u32(*namespace);
                self.u32(*index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::DecodeErrorKind;
    use super::super::reader::Reader;
    use super::*;

    #[test]
    fn numbers_round_trip() {
        let unsigned = [0, 1, 127, 128, 0x3fff, 0x4000, u32::MAX.into(), u64::MAX];
        let signed = [0, -1, 1, -64, 63, 64, i32::MIN.into(), i64::MIN, i64::MAX];
        let mut writer = Writer::default();
        unsigned.iter().for_each(|&number| writer.u64(number));
        signed.iter().for_each(|&number| writer.i64(number));
        let mut reader = Reader::new(&writer.bytes);
        assert_eq!(unsigned.map(|_| reader.u64().unwrap()), unsigned);
        assert_eq!(signed.map(|_| reader.i64().unwrap()), signed);
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn small_numbers_take_a_byte() {
        let mut writer = Writer::default();
        for number in [0, -1, 1, -64, 63] {
            writer.i64(number);
        }
        assert_eq!(writer.bytes, [0, 1, 2, 127, 126]);
    }

    #[test]
    fn numbers_that_are_too_long_or_too_large() {
        let kind = |bytes: &[u8]| Reader::new(bytes).u64().unwrap_err().kind;
        assert_eq!(kind(&[0x80, 0]), DecodeErrorKind::BadNumber);
        assert_eq!(kind(&[0xff; 9]), DecodeErrorKind::Truncated);
        assert_eq!(kind(&[0xff; 11]), DecodeErrorKind::BadNumber);
        let mut largest = [0xff; 10];
        largest[9] = 1;
        assert_eq!(Reader::new(&largest).u64(), Ok(u64::MAX));
        largest[9] = 2;
        assert_eq!(kind(&largest), DecodeErrorKind::BadNumber);
        assert!(Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x10]).u32().is_err());
    }
}
