//! The standard streams of a process.

use std::io::{self, Read, Write};

/// What a process reads and writes.
///
/// The output is flushed before the process waits for input and before it writes an error, so that everything appears in the
/// order in which it was written.
pub struct Streams<'a> {
    input: &'a mut dyn Read,
    output: &'a mut dyn Write,
    errors: &'a mut dyn Write,
    /// The last byte that was written to the output.
    last: Option<u8>,
    /// The first failure to read or write.
    failure: Option<io::Error>,
}

/// The streams that can be written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Output {
    /// The standard output.
    Standard,
    /// The standard error.
    Error,
}

/// A stream does not work. What is wrong is kept for [`Streams::finish`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StreamFailed;

impl<'a> Streams<'a> {
    /// Streams that read `input` and write to `output` and `errors`.
    pub fn new(
        input: &'a mut dyn Read,
        output: &'a mut dyn Write,
        errors: &'a mut dyn Write,
    ) -> Self {
        Self {
            input,
            output,
            errors,
            last: None,
            failure: None,
        }
    }

    /// Whether something was written to the output that does not end with the end of a line.
    pub fn ends_within_line(&self) -> bool {
        self.last.is_some_and(|byte| byte != b'\n')
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    /// The first failure of a stream since the start.
    pub fn finish(self) -> io::Result<()> {
        match self.failure {
            Some(failure) => Err(failure),
            None => self.output.flush().and_then(|()| self.errors.flush()),
        }
    }

    pub(crate) fn write(&mut self, output: Output, bytes: &[u8]) -> Result<(), StreamFailed> {
        let result = match output {
            Output::Standard => {
                self.last = bytes.last().copied().or(self.last);
                self.output.write_all(bytes)
            }
            Output::Error => {
                let flushed = self.output.flush();
                flushed.and_then(|()| self.errors.write_all(bytes))
            }
        };
        self.keep_failure(result)
    }

    /// Reads up to as many bytes as `buffer` holds, and returns how many; 0 at the end of the input.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamFailed> {
        let result = self
            .output
            .flush()
            .and_then(|()| loop_while_interrupted(|| self.input.read(buffer)));
        self.keep_failure(result)
    }

    fn keep_failure<T>(&mut self, result: io::Result<T>) -> Result<T, StreamFailed> {
        result.map_err(|failure| {
            self.failure.get_or_insert(failure);
            StreamFailed
        })
    }
}

fn loop_while_interrupted(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
