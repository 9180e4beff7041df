//! Text on the serial line, for programs that use it for nothing else.

use crate::uart;
use core::fmt;

/// The serial line as a sink of text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(uart::write);
        Ok(())
    }
}

/// Prints a line of text on the serial line.
#[macro_export]
macro_rules! println {
    ($($arguments:tt)*) => {{
        use core::fmt::Write as _;
        // The console takes all text.
        let _ = writeln!($crate::console::Console, $($arguments)*);
    }};
}
