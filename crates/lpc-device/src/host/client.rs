//! Requests and their answers.

use super::error::Error;
use crate::frame::{END, FrameError, FrameReader, decode, encode, max_frame};
use crate::{
    Cause, Description, Execution, Loaded, PROTOCOL_VERSION, Place, Reply, Request, WireSettings,
};
use lpc_codegen::Settings;
use lpc_codegen::backend::abi::{self, words_of};
use lpc_lpir::ir::{DataValue, Type};
use std::boxed::Box;
use std::io::{self, Read, Write};
use std::string::{String, ToString};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::vec::Vec;
use std::{thread, vec};

/// A device at the other end of a line.
pub struct Client {
    output: Box<dyn Write + Send>,
    /// What a thread receives, which ends with the line.
    input: Receiver<io::Result<Vec<u8>>>,
    received: vec::IntoIter<u8>,
    reader: FrameReader<Vec<u8>>,
    timeout: Duration,
    nonce: u32,
    description: Description,
}

/// Calls of a function.
#[derive(Clone, Copy, Debug)]
pub struct Calls<'a> {
    /// The number of the function in the module.
    pub function: u32,
    /// The arguments of each call.
    pub arguments: &'a [Vec<DataValue>],
    /// The types of the results.
    pub results: &'a [Type],
    /// The most instructions that each call may execute.
    pub instruction_limit: u64,
}

/// What comes of calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The results of those that returned.
    pub results: Vec<Vec<DataValue>>,
    /// Why the next one did not.
    pub stopped: Option<(Cause, Place)>,
    /// What all of them took; of the stack, the most.
    pub execution: Execution,
}

/// The most bytes of a reply, and more than any device sends.
const MAX_REPLY: usize = 1 << 20;

/// The bytes of a request beside its data, at most.
const REQUEST_OVERHEAD: usize = 64;

/// The least that a device must be able to receive at once, in bytes, so that it can do anything.
const MIN_REQUEST: usize = 2 * REQUEST_OVERHEAD;

/// The bytes of a word of arguments or results.
const WORD_BYTES: usize = abi::WORD_BYTES as usize;

/// The least that a device must be able to send at once, in bytes, so that it can do anything: a call is given room for a word of results, even
/// if it has none.
const MIN_DATA: usize = WORD_BYTES;

/// How long a device is asked whether it is there before it is asked again.
const PATIENCE: Duration = Duration::from_millis(500);

impl Client {
    /// The device that sends what `input` gives and receives what is written to `output`, once it answers. Each of its answers may take
    /// as long as `timeout`.
    ///
    /// # Errors
    /// When nobody answers, or somebody who speaks another version of the protocol, or who can receive or send nothing at all.
    pub fn connect(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let mut client = Self {
            output: Box::new(output),
            input: receive_all(input),
            received: Vec::new().into_iter(),
            reader: FrameReader::new(vec![0; max_frame(MAX_REPLY)]),
            timeout,
            nonce: 0,
            description: Description {
                nonce: 0,
                version: PROTOCOL_VERSION,
                max_request: MIN_REQUEST as u32,
                max_data: 0,
                heap: 0,
                stack: 0,
                program_memory: 0,
                program_stack: 0,
                section_alignment: 1,
            },
        };
        client.synchronize()?;
        Ok(client)
    }

    /// What the device says of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The most bytes of data in a request, such as those of a module.
    pub fn max_data(&self) -> usize {
        self.description.max_request as usize - REQUEST_OVERHEAD
    }

    /// Makes sure that the device waits for a request, whatever was said before, and returns the number of failures that it
    /// still had to tell.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn synchronize(&mut self) -> Result<usize, Error> {
        let start = Instant::now();
        let mut failures = 0;
        loop {
            self.nonce = self.nonce.wrapping_add(1);
            // Whatever was on the line ends here.
            self.send_bytes(&[END])?;
            self.send(&Request::Describe { nonce: self.nonce })?;
            match self.await_description(&mut failures, start + self.timeout) {
                Err(Error::TimedOut(_)) if start.elapsed() < self.timeout => {}
                // Of all tries, and not of the last.
                Err(Error::TimedOut(_)) => return Err(Error::TimedOut(self.timeout)),
                result => return result.map(|()| failures),
            }
        }
    }

    fn await_description(&mut self, failures: &mut usize, end: Instant) -> Result<(), Error> {
        let end = end.min(Instant::now() + PATIENCE);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let nonce = self.nonce;
            let found = self.receive_within(left, |reply| match reply {
                Reply::Description(description) if description.nonce == nonce => Some(description),
                Reply::Failed { .. } => {
                    *failures += 1;
                    None
                }
                _ => None,
            });
            match found {
                Ok(Some(description)) if description.version != PROTOCOL_VERSION => {
                    return Err(Error::Version(description.version));
                }
                Ok(Some(description)) if !is_usable(&description) => return Err(Error::BadReply),
                Ok(Some(description)) => {
                    self.description = description;
                    return Ok(());
                }
                // The end of something that was said before.
                Ok(None) | Err(Error::BadReply) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes `module`, in the text or the binary form, the program.
    ///
    /// # Errors
    /// When the device cannot compile it, in a heap of `heap_limit` bytes.
    pub fn load(
        &mut self,
        module: &[u8],
        settings: &Settings,
        heap_limit: u32,
    ) -> Result<Loaded, Error> {
        let extensions = settings.extensions.to_string();
        self.send(&Request::Load {
            settings: WireSettings::new(settings, &extensions),
            heap_limit,
            module,
        })?;
        self.answer(|reply| match reply {
            Reply::Loaded(loaded) => Some(loaded),
            _ => None,
        })
    }

    /// Makes all data of the program what they are at first.
    ///
    /// # Errors
    /// When there is no program.
    pub fn reset(&mut self) -> Result<(), Error> {
        self.send(&Request::Reset)?;
        self.answer(|reply| matches!(reply, Reply::Done).then_some(()))
    }

    /// The bytes at `address` of the program's memory.
    ///
    /// # Errors
    /// When the program may not read them all.
    pub fn read(&mut self, address: u32, length: u32) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        while bytes.len() < length as usize {
            let done = bytes.len() as u32;
            let part = (length - done).min(self.description.max_data);
            self.send(&Request::Read {
                address: address.wrapping_add(done),
                length: part,
            })?;
            let memory = self.answer(|reply| match reply {
                Reply::Memory(memory) => Some(memory.to_vec()),
                _ => None,
            })?;
            if memory.is_empty() {
                return Err(Error::BadReply);
            }
            bytes.extend(memory);
        }
        Ok(bytes)
    }

    /// Calls a function, with as many sets of arguments at a time as go into a message. What it reads comes from `input`, what it writes
    /// goes to `output`.
    ///
    /// # Errors
    /// When there is no such function, or when it takes other arguments. When `input` or `output` fails, the function may still run: it takes
    /// [`Self::synchronize`] to wait for its end.
    pub fn call(
        &mut self,
        calls: &Calls<'_>,
        input: &mut dyn Read,
        output: &mut dyn Write,
    ) -> Result<Outcome, Error> {
        let mut outcome = Outcome {
            results: Vec::new(),
            stopped: None,
            execution: Execution::default(),
        };
        let first = calls.arguments.first();
        let words_in = first.map_or(0, |arguments| {
            words_of_all(arguments.iter().map(|data| data.ty()))
        });
        let words_out = words_of_all(calls.results.iter().copied());
        let room_in = self.max_data();
        let room_out = self.description.max_data as usize;
        let calls_at_once = (room_in / (WORD_BYTES * words_in.max(1)))
            .min(room_out / (WORD_BYTES * words_out.max(1)));
        if calls_at_once == 0 {
            let (words, room) = match WORD_BYTES * words_in > room_in {
                true => (words_in, room_in),
                false => (words_out, room_out),
            };
            return Err(Error::TooLarge {
                size: WORD_BYTES * words,
                room,
            });
        }
        for arguments in calls.arguments.chunks(calls_at_once) {
            self.call_at_once(
                &Calls {
                    arguments,
                    ..*calls
                },
                input,
                output,
                &mut outcome,
            )?;
            if outcome.stopped.is_some() {
                break;
            }
        }
        Ok(outcome)
    }

    fn call_at_once(
        &mut self,
        calls: &Calls<'_>,
        input: &mut dyn Read,
        output: &mut dyn Write,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let words = calls.arguments.iter().flatten();
        let words = words.flat_map(|data| data.words());
        let arguments: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        self.send(&Request::Call {
            function: calls.function,
            instruction_limit: calls.instruction_limit,
            calls: calls.arguments.len() as u32,
            arguments: &arguments,
        })?;
        loop {
            let step = self.answer(|reply| match reply {
                Reply::Output(bytes) => Some(output.write_all(bytes).map(|()| Step::GoesOn)),
                Reply::NeedsInput => Some(Ok(Step::NeedsInput)),
                Reply::Returned { results, execution } => {
                    add_results(calls, results, outcome)?;
                    add_execution(execution, outcome);
                    Some(Ok(Step::Done))
                }
                Reply::Stopped {
                    cause,
                    place,
                    execution,
                    ..
                } => {
                    outcome.stopped = Some((cause, place));
                    add_execution(execution, outcome);
                    Some(Ok(Step::Done))
                }
                _ => None,
            });
            let step = step.map_err(|error| match error {
                Error::TimedOut(time) => Error::StillRunning(time),
                error => error,
            });
            match step?? {
                Step::GoesOn => {}
                Step::NeedsInput => self.send_input(input)?,
                Step::Done => return Ok(()),
            }
        }
    }

    fn send_input(&mut self, input: &mut dyn Read) -> Result<(), Error> {
        let mut bytes = vec![0; self.max_data()];
        let length = input.read(&mut bytes)?;
        self.send(&Request::Input(&bytes[..length]))
    }

    /// The answer in the next reply, where `find` finds it.
    fn answer<R>(&mut self, find: impl FnOnce(Reply<'_>) -> Option<R>) -> Result<R, Error> {
        self.receive(|reply| match reply {
            Reply::Failed { kind, message } => Err(Error::Failed {
                kind,
                message: message.to_string(),
            }),
            reply => find(reply).ok_or(Error::BadReply),
        })?
    }

    /// Sends `request`.
    ///
    /// # Errors
    /// When it is too large, or when the line is closed.
    pub fn send(&mut self, request: &Request<'_>) -> Result<(), Error> {
        let data = match request {
            Request::Load { module, .. } => module.len(),
            Request::Call { arguments, .. } => arguments.len(),
            Request::Input(bytes) => bytes.len(),
            _ => 0,
        };
        let too_large = Error::TooLarge {
            size: data,
            room: self.max_data(),
        };
        if data > self.max_data() {
            return Err(too_large);
        }
        let mut buffer = vec![0; max_frame(data + REQUEST_OVERHEAD)];
        let frame = encode(request, &mut buffer).map_err(|_| too_large)?;
        self.output.write_all(frame)?;
        Ok(self.output.flush()?)
    }

    /// Sends bytes that may be anything.
    ///
    /// # Errors
    /// When the line is closed.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.output.write_all(bytes)?;
        Ok(self.output.flush()?)
    }

    /// What `look` makes of the next reply.
    ///
    /// # Errors
    /// When none comes.
    pub fn receive<R>(&mut self, look: impl FnOnce(Reply<'_>) -> R) -> Result<R, Error> {
        self.receive_within(self.timeout, look)
    }

    fn receive_within<R>(
        &mut self,
        timeout: Duration,
        look: impl FnOnce(Reply<'_>) -> R,
    ) -> Result<R, Error> {
        let end = Instant::now() + timeout;
        loop {
            for byte in self.received.by_ref() {
                if self.reader.push(byte) {
                    let reply = self.reader.take().and_then(decode::<Reply<'_>>);
                    return reply.map(look).map_err(|_: FrameError| Error::BadReply);
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            self.received = match self.input.recv_timeout(left) {
                Ok(bytes) => bytes?.into_iter(),
                Err(RecvTimeoutError::Timeout) => return Err(Error::TimedOut(timeout)),
                Err(RecvTimeoutError::Disconnected) => return Err(Error::Closed(String::new())),
            };
        }
    }
}

/// How calls go on.
enum Step {
    GoesOn,
    NeedsInput,
    Done,
}

/// Receives in a thread of its own what `input` gives, to the end.
fn receive_all(mut input: impl Read + Send + 'static) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 14];
        loop {
            let received = match input.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => Ok(buffer[..length].to_vec()),
                // Serial ports give up from time to time.
                Err(error) if is_temporary(&error) => Ok(Vec::new()),
                Err(error) => Err(error),
            };
            let ends = received.is_err();
            // Nobody listens any more when that fails.
            if sender.send(received).is_err() || ends {
                return;
            }
        }
    });
    receiver
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}

/// Whether a device that says this of itself can be asked for anything.
fn is_usable(description: &Description) -> bool {
    description.max_request as usize >= MIN_REQUEST && description.max_data as usize >= MIN_DATA
}

/// The words that values of these types take.
fn words_of_all(types: impl Iterator<Item = Type>) -> usize {
    types.map(|ty| words_of(ty) as usize).sum()
}

/// Adds the results of all of `calls`, whose words are `bytes`, if there are as many.
fn add_results(calls: &Calls<'_>, bytes: &[u8], outcome: &mut Outcome) -> Option<()> {
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    let expected = calls.arguments.len() * words_of_all(calls.results.iter().copied());
    if words.len() != expected || !rest.is_empty() {
        return None;
    }
    let mut words = words.iter().copied().map(u32::from_le_bytes);
    for _ in calls.arguments {
        let results = calls.results.iter().map(|&ty| {
            let words = words.by_ref().take(words_of(ty) as usize);
            let bits = words.zip(0..).fold(0, |bits, (word, index)| {
                bits | u128::from(word) << (32 * index)
            });
            DataValue::new(ty, bits)
        });
        outcome.results.push(results.collect());
    }
    Some(())
}

fn add_execution(execution: Execution, outcome: &mut Outcome) {
    let total = &mut outcome.execution;
    total.instructions += execution.instructions;
    total.microseconds += execution.microseconds;
    total.stack = total.stack.max(execution.stack);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, pipe, sink};

    const TIMEOUT: Duration = Duration::from_millis(20);

    /// What a device says of itself when it is asked for the first time.
    const DESCRIPTION: Description = Description {
        nonce: 1,
        version: PROTOCOL_VERSION,
        max_request: 1000,
        max_data: 1000,
        heap: 0,
        stack: 0,
        program_memory: 0,
        program_stack: 0,
        section_alignment: 1,
    };

    /// A client whose device says this, whatever it is asked.
    fn connect(replies: &[Reply<'_>]) -> Result<Client, Error> {
        let mut bytes = Vec::new();
        for reply in replies {
            let mut buffer = [0; 200];
            bytes.extend_from_slice(encode(reply, &mut buffer).expect("there is room"));
        }
        Client::connect(Cursor::new(bytes), sink(), TIMEOUT)
    }

    /// Lets the device call its first function.
    fn call(
        client: &mut Client,
        arguments: &[Vec<DataValue>],
        results: &[Type],
    ) -> Result<Outcome, Error> {
        let calls = Calls {
            function: 0,
            arguments,
            results,
            instruction_limit: 1,
        };
        client.call(&calls, &mut std::io::empty(), &mut sink())
    }

    #[test]
    fn devices_that_can_receive_or_send_nothing_are_refused() {
        let connected = |description| connect(&[Reply::Description(description)]).err();
        assert!(connected(DESCRIPTION).is_none());
        for (max_request, max_data) in [(0, 1000), (127, 1000), (1000, 0), (1000, 3)] {
            let error = connected(Description {
                max_request,
                max_data,
                ..DESCRIPTION
            });
            assert!(matches!(error, Some(Error::BadReply)), "{error:?}");
        }
    }

    #[test]
    fn the_least_that_a_device_can_send_is_enough_for_a_call() {
        let smallest = Description {
            max_data: 4,
            ..DESCRIPTION
        };
        let returned = Reply::Returned {
            results: &[],
            execution: Execution::default(),
        };
        let mut client = connect(&[Reply::Description(smallest), returned]).unwrap();
        let outcome = call(&mut client, &[vec![]], &[]);
        assert_eq!(outcome.unwrap().results, [[]]);
    }

    #[test]
    fn results_are_as_many_as_were_asked_for() {
        let call_giving = |results| {
            let execution = Execution::default();
            let returned = Reply::Returned { results, execution };
            let mut client = connect(&[Reply::Description(DESCRIPTION), returned]).unwrap();
            call(&mut client, &[vec![], vec![]], &[Type::I64])
        };
        let bytes: Vec<u8> = (0..20).collect();
        let two = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let two = two.map(|bits| vec![DataValue::new(Type::I64, bits)]);
        assert_eq!(call_giving(&bytes[..16]).unwrap().results, two);
        for length in [0, 8, 15, 17, 20] {
            let outcome = call_giving(&bytes[..length]);
            assert!(matches!(outcome, Err(Error::BadReply)), "{outcome:?}");
        }
    }

    #[test]
    fn a_program_that_runs_is_told_from_a_device_that_is_silent() {
        let (input, mut device) = pipe().unwrap();
        let mut buffer = [0; 200];
        let description = Reply::Description(DESCRIPTION);
        device
            .write_all(encode(&description, &mut buffer).expect("there is room"))
            .unwrap();
        let mut client = Client::connect(input, sink(), TIMEOUT).unwrap();
        let outcome = call(&mut client, &[vec![]], &[]);
        assert!(
            matches!(outcome, Err(Error::StillRunning(TIMEOUT))),
            "{outcome:?}"
        );
        let loaded = client.load(&[], &Settings::default(), 0);
        assert!(
            matches!(loaded, Err(Error::TimedOut(TIMEOUT))),
            "{loaded:?}"
        );
    }

    #[test]
    fn what_is_too_large_is_told_by_numbers() {
        let mut client = connect(&[Reply::Description(DESCRIPTION)]).unwrap();
        let loaded = client.load(&[0; 937], &Settings::default(), 0);
        let expected = "937 bytes are more than the device takes or gives at once, which is 936";
        assert_eq!(loaded.unwrap_err().to_string(), expected);
        let outcome = call(&mut client, &[vec![]], &[Type::I128; 63]);
        let expected = "1008 bytes are more than the device takes or gives at once, which is 1000";
        assert_eq!(outcome.unwrap_err().to_string(), expected);
    }

    #[test]
    fn the_time_without_an_answer_is_that_of_all_tries() {
        let timeout = PATIENCE + TIMEOUT;
        let (input, _silent) = pipe().unwrap();
        let error = Client::connect(input, sink(), timeout).err();
        assert!(
            matches!(error, Some(Error::TimedOut(time)) if time == timeout),
            "{error:?}"
        );
    }
}
