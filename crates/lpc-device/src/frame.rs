//! Messages as bytes on a line.
//!
//! A message is encoded by `postcard`; a CRC (CRC-32/ISCSI) of that follows; and COBS ("Consistent Overhead Byte Stuffing", Cheshire
//! and Baker, 1999) makes both free of zeros, so that a zero ends the frame:
//!
//! ```text
//!   ┌───────────────────────────────────┬────┐
//!   │ COBS( message  │ CRC, 4 bytes )    │ 00 │
//!   └───────────────────────────────────┴────┘
//! ```
//!
//! Whatever happens on the line, the next zero is the start of something new.

use core::mem;
use crc::{CRC_32_ISCSI, Crc};
use postcard::ser_flavors::crc::CrcModifier;
use postcard::ser_flavors::{Cobs, Slice};
use serde::{Deserialize, Serialize};

static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Ends every frame.
pub const END: u8 = 0;

/// The most bytes of the frame of a message that takes `size` bytes.
pub const fn max_frame(size: usize) -> usize {
    let size = size + size_of::<u32>();
    // COBS adds a byte for each 254, and at least one.
    size + size / 254 + 1 + size_of_val(&END)
}

/// Why a frame holds no message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// It has more bytes than are taken.
    TooLong,
    /// It is garbled.
    Garbled,
    /// It is whole, and holds something else.
    Unknown,
}

impl FrameError {
    /// The error as a text.
    pub const fn text(self) -> &'static str {
        match self {
            Self::TooLong => "the message is too long",
            Self::Garbled => "the message is garbled",
            Self::Unknown => "the message is none that is known",
        }
    }
}

/// The frame of `message`, in `buffer`.
///
/// # Errors
/// When the buffer is too small.
pub fn encode<'b>(message: &impl Serialize, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
    let size = Slice::new(buffer);
    let flavor = Cobs::try_new(size).map_err(|_| FrameError::TooLong)?;
    let flavor = CrcModifier::new(flavor, CRC.digest());
    let frame = postcard::serialize_with_flavor(message, flavor);
    frame.map(|frame| &*frame).map_err(|_| FrameError::TooLong)
}

/// The message in `frame`, which is decoded where it is.
///
/// # Errors
/// When there is none.
pub fn decode<'b, M: Deserialize<'b>>(frame: &'b mut [u8]) -> Result<M, FrameError> {
    let length = cobs::decode_in_place(frame).map_err(|_| FrameError::Garbled)?;
    let frame = &frame[..length];
    let (bytes, crc) = frame.split_last_chunk().ok_or(FrameError::Garbled)?;
    if CRC.checksum(bytes) != u32::from_le_bytes(*crc) {
        return Err(FrameError::Garbled);
    }
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        _ => Err(FrameError::Unknown),
    }
}

/// Finds frames among the bytes of a line.
#[derive(Debug)]
pub struct FrameReader<B> {
    buffer: B,
    length: usize,
    is_too_long: bool,
}

impl<B: AsMut<[u8]>> FrameReader<B> {
    /// A reader of frames that fit into `buffer`, without their ends.
    pub const fn new(buffer: B) -> Self {
        Self {
            buffer,
            length: 0,
            is_too_long: false,
        }
    }

    /// Takes the next byte of the line, and tells whether a frame ends with it, which is to be [taken](Self::take) then. Frames
    /// without bytes are passed over: a zero can be sent at any time to start anew.
    pub fn push(&mut self, byte: u8) -> bool {
        let buffer = self.buffer.as_mut();
        if byte == END {
            return self.length > 0;
        }
        match buffer.get_mut(self.length) {
            Some(place) => {
                *place = byte;
                self.length += 1;
            }
            None => self.is_too_long = true,
        }
        false
    }

    /// The frame that has ended, for [`decode`].
    ///
    /// # Errors
    /// When it is too long.
    pub fn take(&mut self) -> Result<&mut [u8], FrameError> {
        let length = mem::take(&mut self.length);
        if mem::take(&mut self.is_too_long) {
            return Err(FrameError::TooLong);
        }
        Ok(&mut self.buffer.as_mut()[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    const BYTES: [u8; 300] = [7; 300];

    fn frame_of(message: &impl Serialize) -> Vec<u8> {
        let mut buffer = [0; 1000];
        encode(message, &mut buffer).unwrap().to_vec()
    }

    /// What a reader with room for 310 bytes makes of `line`.
    fn read(line: &[u8]) -> Vec<Result<(u32, Vec<u8>), FrameError>> {
        let mut reader = FrameReader::new([0; 310]);
        let mut messages = Vec::new();
        for byte in line {
            if reader.push(*byte) {
                let message = reader.take().and_then(decode::<(u32, &[u8])>);
                messages.push(message.map(|(number, bytes)| (number, bytes.to_vec())));
            }
        }
        messages
    }

    #[test]
    fn messages_arrive() {
        let message = (0_u32, &BYTES[..290]);
        let frame = frame_of(&message);
        assert_eq!(
            frame.iter().position(|byte| *byte == END),
            Some(frame.len() - 1)
        );
        assert!(frame.len() <= max_frame(1 + 2 + 290));
        let line = [&[END, END], &*frame, &*frame_of(&(1_u32, &[0_u8; 3][..]))].concat();
        assert_eq!(
            read(&line),
            [Ok((0, BYTES[..290].to_vec())), Ok((1, vec![0; 3]))]
        );
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let frame = frame_of(&(12_u32, &b"some text"[..]));
        for bit in 0..frame.len() * 8 {
            let mut garbled = frame.clone();
            garbled[bit / 8] ^= 1 << (bit % 8);
            garbled.push(END);
            let messages = read(&garbled);
            assert!(!messages.is_empty() && messages.iter().all(Result::is_err));
        }
    }

    #[test]
    fn what_is_too_long_is_passed_over() {
        let long = frame_of(&(1_u32, &BYTES[..]));
        assert!(long.len() < 311);
        let too_long = [&[1; 311][..], &[END]].concat();
        let line = [&too_long, &long[..20], &[END], &long[..]].concat();
        let expected = [
            Err(FrameError::TooLong),
            Err(FrameError::Garbled),
            Ok((1, BYTES.to_vec())),
        ];
        assert_eq!(read(&line), expected);
    }

    #[test]
    fn other_messages_are_told_from_garbled_ones() {
        assert_eq!(read(&frame_of(&1_u8)), [Err(FrameError::Unknown)]);
        let more = (1_u32, &BYTES[..3], 4_u8);
        assert_eq!(read(&frame_of(&more)), [Err(FrameError::Unknown)]);
    }

    #[test]
    fn buffers_may_be_too_small() {
        for size in 0..20 {
            let result = encode(&(1_u32, &BYTES[..10]), &mut [0; 20][..size]).map(<[u8]>::len);
            let expected = if size < 18 {
                Err(FrameError::TooLong)
            } else {
                Ok(18)
            };
            assert_eq!(result, expected, "{size}");
        }
    }
}
