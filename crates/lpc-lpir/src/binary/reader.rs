//! Reads bytes, numbers and names, none of which are trusted.

use super::error::{DecodeError, DecodeErrorKind};
use crate::heap::{Heap, HeapError};
use crate::ir::ExternalName;

pub(super) type DecodeResult<T> = Result<T, DecodeError>;

/// A message, and how far it was read.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// Where what comes next starts.
    position: usize,
    /// Where what was read last starts: what an error is about.
    start: usize,
    /// Where memory comes from that is asked for at once, as the message states how much it is.
    heap: Heap,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            start: 0,
            heap: Heap::unlimited(),
        }
    }

    /// An error in what was read last.
    #[cold]
    pub(super) fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError {
            offset: self.start,
            kind,
        }
    }

    /// Fails unless everything was read.
    pub(super) fn finish(&mut self) -> DecodeResult<()> {
        self.start = self.position;
        match self.remaining() {
            0 => Ok(()),
            _ => Err(self.error(DecodeErrorKind::TrailingBytes)),
        }
    }

    fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The next `len` bytes.
    pub(super) fn bytes(&mut self, len: usize) -> DecodeResult<&'a [u8]> {
        self.start = self.position;
        match self.bytes[self.position..].get(..len) {
            Some(bytes) => {
                self.position += len;
                Ok(bytes)
            }
            None => {
                self.start = self.bytes.len();
                Err(self.error(DecodeErrorKind::Truncated))
            }
        }
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> DecodeResult<u8> {
        self.start = self.position;
        self.next_byte()
    }

    fn next_byte(&mut self) -> DecodeResult<u8> {
        let Some(&byte) = self.bytes.get(self.position) else {
            self.start = self.position;
            return Err(self.error(DecodeErrorKind::Truncated));
        };
        self.position += 1;
        Ok(byte)
    }

    /// A number in LEB128, with no more bytes than it needs.
    pub(super) fn u64(&mut self) -> DecodeResult<u64> {
        self.start = self.position;
        let mut number = 0;
        let mut shift = 0;
        loop {
            let byte = self.next_byte()?;
            let bits = u64::from(byte & 0x7f);
            let is_superfluous = byte == 0 && shift > 0;
            if shift >= u64::BITS || bits << shift >> shift != bits || is_superfluous {
                return Err(self.error(DecodeErrorKind::BadNumber));
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    /// As [`Self::u64`], for a number of 32 bits.
    pub(super) fn u32(&mut self) -> DecodeResult<u32> {
        let number = self.u64()?;
        u32::try_from(number).map_err(|_| self.error(DecodeErrorKind::BadNumber))
    }

    /// A number with a sign, which is its lowest bit: 0, -1, 1, -2, 2, …
    pub(super) fn i64(&mut self) -> DecodeResult<i64> {
        let number = self.u64()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// As [`Self::i64`], for a number of 32 bits.
    pub(super) fn i32(&mut self) -> DecodeResult<i32> {
        let number = self.i64()?;
        i32::try_from(number).map_err(|_| self.error(DecodeErrorKind::BadNumber))
    }

    /// The length of a list that follows. Each element takes a byte at least, so that it is no more than the bytes that are left.
    pub(super) fn count(&mut self) -> DecodeResult<usize> {
        self.count_of(1)
    }

    /// The length of a list that follows, each element of which takes `min_len` bytes at least.
    pub(super) fn count_of(&mut self, min_len: usize) -> DecodeResult<usize> {
        let count = self.u32()? as usize;
        self.require(count.saturating_mul(min_len))?;
        Ok(count)
    }

    /// Fails if less than `len` bytes are left.
    pub(super) fn require(&self, len: usize) -> DecodeResult<()> {
        match len <= self.remaining() {
            true => Ok(()),
            false => Err(self.error(DecodeErrorKind::TooLong)),
        }
    }

    /// What `take` takes memory for, because of what was read last.
    pub(super) fn allocate<T>(
        &mut self,
        take: impl FnOnce(&mut Heap) -> Result<T, HeapError>,
    ) -> DecodeResult<T> {
        take(&mut self.heap).map_err(|error| {
            self.error(DecodeErrorKind::OutOfMemory {
                size: error.bytes(),
            })
        })
    }

    /// A name: the number of its bytes plus one, and these; or zero, and two numbers.
    pub(super) fn name(&mut self) -> DecodeResult<ExternalName> {
        let Some(len) = self.u32()?.checked_sub(1) else {
            let namespace = self.u32()?;
            let index = self.u32()?;
            return Ok(ExternalName::user(namespace, index));
        };
        let bytes = self.bytes(len as usize)?;
        match core::str::from_utf8(bytes) {
            Ok(text) => self.allocate(|heap| ExternalName::symbol_in(&[text], heap)),
            Err(_) => Err(self.error(DecodeErrorKind::NotUtf8)),
        }
    }

    /// A byte that stands for something.
    pub(super) fn known<T>(
        &mut self,
        what: &'static str,
        meaning: impl FnOnce(u8) -> Option<T>,
    ) -> DecodeResult<T> {
        let byte = self.byte()?;
        meaning(byte).ok_or_else(|| self.error(DecodeErrorKind::Unknown(what)))
    }
}
