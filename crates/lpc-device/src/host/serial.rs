//! A device behind a serial port.

use super::client::Client;
use super::error::Error;
use core::time::Duration;
use std::io;

/// How long a port is read before it is noticed that nobody wants to read it any more.
const READ_TIMEOUT: Duration = Duration::from_millis(100);

/// Connects to the device at the serial port `path`, such as `/dev/ttyUSB0`.
///
/// # Errors
/// When the port cannot be opened, or when nothing answers that is an lpc device.
pub fn open_port(path: &str, baud_rate: u32, timeout: Duration) -> Result<Client, Error> {
    let port = serialport::new(path, baud_rate)
        .timeout(READ_TIMEOUT)
        .open();
    let port = port.map_err(io::Error::from)?;
    let output = port.try_clone().map_err(io::Error::from)?;
    Client::connect(port, output, timeout)
}
