//! Requests and replies on the serial line.

use crate::failure::Failure;
use board::uart;
use lpc_device::Reply;
use lpc_device::frame::{FrameError, FrameReader, encode, max_frame};
use static_cell::ConstStaticCell;

/// The most bytes of a request.
pub(crate) const MAX_REQUEST: usize = 1 << 17;

/// The most bytes of data in a reply.
pub(crate) const MAX_DATA: usize = 1 << 12;

/// The bytes of a reply beside its data, at most.
const MAX_REPLY_OVERHEAD: usize = 64;

const REQUEST_BUFFER: usize = max_frame(MAX_REQUEST);
const REPLY_BUFFER: usize = max_frame(MAX_DATA + MAX_REPLY_OVERHEAD);

static REQUEST: ConstStaticCell<[u8; REQUEST_BUFFER]> = ConstStaticCell::new([0; REQUEST_BUFFER]);
static REPLY: ConstStaticCell<[u8; REPLY_BUFFER]> = ConstStaticCell::new([0; REPLY_BUFFER]);

/// The two directions of the serial line.
pub(crate) struct Line {
    pub(crate) receiver: Receiver,
    pub(crate) sender: Sender,
}

/// What comes.
pub(crate) struct Receiver {
    reader: FrameReader<&'static mut [u8]>,
}

/// What goes.
pub(crate) struct Sender {
    buffer: &'static mut [u8],
}

impl Line {
    /// The line, once.
    pub(crate) fn take() -> Self {
        Self {
            receiver: Receiver {
                reader: FrameReader::new(REQUEST.take()),
            },
            sender: Sender {
                buffer: REPLY.take(),
            },
        }
    }
}

impl Receiver {
    /// Waits for the next frame.
    pub(crate) fn receive(&mut self) -> Result<&mut [u8], FrameError> {
        loop {
            if self.reader.push(uart::read()) {
                return self.reader.take();
            }
        }
    }
}

impl Sender {
    pub(crate) fn send(&mut self, reply: &Reply<'_>) {
        let frame = encode(reply, self.buffer).expect("replies fit into the buffer");
        frame.iter().copied().for_each(uart::write);
    }

    /// Sends as much of the message of `failure` as fits.
    pub(crate) fn send_failure(&mut self, failure: &Failure) {
        let end = failure.message.floor_char_boundary(MAX_DATA);
        self.send(&Reply::Failed {
            kind: failure.kind,
            message: &failure.message[..end],
        });
    }
}
