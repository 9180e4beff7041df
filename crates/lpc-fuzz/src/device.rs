//! Programs on a device, compared with what the same compiler and the emulator make of them here.
//!
//! The device compiles the program itself. Its code and data must be, byte for byte, what is made here for the same address; and every call
//! must come to the same end, leave the same memory and execute as many instructions.

use crate::data_memory::{memory_in_machine, memory_of};
use crate::diff::outcome::{Observation, Outcome, difference};
use crate::error::Error;
use crate::program::TestProgram;
use lpc_codegen::{CompiledModule, Settings, compile_module};
use lpc_device::host::{Calls, Client, Error as DeviceError};
use lpc_device::{Cause, FailureKind, Loaded};
use lpc_harness::{MachineOptions, NoHost, Program, RunError};
use lpc_link::{Image, Linker};
use lpc_lpir::binary;
use lpc_lpir::ir::{DataValue, Module, TrapCode};
use lpc_lpir::text::parse_module;
use std::fmt::Display;
use std::num::NonZero;

/// The heap that the device may use, in bytes.
const HEAP: u32 = 32 << 20;

/// The most instructions of a call: more than any random program executes.
const INSTRUCTION_LIMIT: u64 = 100_000_000;

/// The memory of the emulated machine.
const MEMORY: u32 = 4 << 20;

/// The form in which a program is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Text.
    Text,
    /// The binary form.
    Binary,
}

/// How often what was compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Compared {
    /// Programs whose code was compared.
    pub programs: u64,
    /// Programs that neither the device nor the compiler here compiles.
    pub refused: u64,
    /// Programs that are larger than the device has room for.
    pub too_large: u64,
    /// Calls.
    pub calls: u64,
    /// Bytes of code and data.
    pub bytes: u64,
}

/// Has the device compile `program`, sent in this form, with `settings` and run it with its inputs. What is different is returned as a text.
///
/// # Errors
/// When the device does not answer.
pub fn compare(
    client: &mut Client,
    program: &TestProgram,
    form: Form,
    settings: &Settings,
    compared: &mut Compared,
) -> Result<Result<(), String>, Error> {
    let (bytes, module) = sent(program, form, client)?;
    let compiled = compile_module(&module, settings);
    let loaded = client.load(&bytes, settings, HEAP);
    let (compiled, loaded) = match (compiled, loaded) {
        (Ok(compiled), Ok(loaded)) => (compiled, loaded),
        (
            Err(_),
            Err(DeviceError::Failed {
                kind: FailureKind::Compile,
                ..
            }),
        ) => {
            compared.refused += 1;
            return Ok(Ok(()));
        }
        (
            _,
            Err(
                DeviceError::TooLarge { .. }
                | DeviceError::Failed {
                    kind: FailureKind::Memory,
                    ..
                },
            ),
        ) => {
            compared.too_large += 1;
            return Ok(Ok(()));
        }
        (_, Err(DeviceError::Failed { message, .. })) => return Ok(Err(message)),
        (_, Err(error)) => return Err(Error::Device(error)),
        (Err(error), Ok(_)) => {
            return Ok(Err(format!("the device compiles it, and here: {error}")));
        }
    };
    compared.programs += 1;
    compared.bytes += u64::from(loaded.bytes);
    let mut comparison = Comparison {
        client,
        program,
        module: &module,
        settings,
        compared,
    };
    comparison.run(&compiled, &loaded)
}

/// The program in the form that it is sent in, and as that is read. A text that is too large for the device is sent in the binary
/// form.
fn sent(program: &TestProgram, form: Form, client: &Client) -> Result<(Vec<u8>, Module), Error> {
    let failed = |error: &dyn Display| Error::Lpc(error.to_string());
    match form {
        Form::Text => {
            let text = program.module.to_string();
            if text.len() > client.max_data() {
                return sent(program, Form::Binary, client);
            }
            let module = parse_module(&text).map_err(|error| failed(&error))?;
            Ok((text.into_bytes(), module))
        }
        Form::Binary => {
            let bytes = binary::encode(&program.module).map_err(|error| failed(&error))?;
            let module = binary::decode(&bytes).map_err(|error| failed(&error))?;
            Ok((bytes, module))
        }
    }
}

struct Comparison<'a> {
    client: &'a mut Client,
    program: &'a TestProgram,
    /// The program as it was sent.
    module: &'a Module,
    settings: &'a Settings,
    compared: &'a mut Compared,
}

/// What comes of a call, and the instructions that it executed if it returned.
struct Ended {
    observation: Observation,
    instructions: Option<u64>,
}

impl Comparison<'_> {
    fn run(
        &mut self,
        compiled: &CompiledModule,
        loaded: &Loaded,
    ) -> Result<Result<(), String>, Error> {
        let image = match self.link(compiled, loaded) {
            Ok(image) => image,
            Err(what) => return Ok(Err(what)),
        };
        let bytes = self.client.read(loaded.base, loaded.bytes)?;
        if let Some(what) = difference_of_code(&image, &bytes) {
            return Ok(Err(what));
        }
        let stack_size = self.client.description().program_stack;
        let options = MachineOptions {
            memory_size: stack_size + MEMORY,
            stack_size,
            instruction_limit: INSTRUCTION_LIMIT,
            ..MachineOptions::default()
        };
        let machine = Program::load(self.module, compiled, self.settings, options, &NoHost);
        let mut machine = machine.map_err(|error| Error::Lpc(error.to_string()))?;
        for (number, arguments) in self.program.inputs.iter().enumerate() {
            self.compared.calls += 1;
            let expected = self.call_here(&mut machine, arguments);
            let found = self.call_device(&image, arguments)?;
            let difference = difference(self.module, &expected.observation, &found.observation);
            if let Some((_, what)) = difference {
                return Ok(Err(format!("input {number}: {what}")));
            }
            let is_counted = expected.instructions.is_some();
            if is_counted && expected.instructions != found.instructions {
                return Ok(Err(format!(
                    "input {number}: {:?} instructions, expected {:?}",
                    found.instructions, expected.instructions
                )));
            }
        }
        Ok(Ok(()))
    }

    /// The program as the device links it.
    fn link(&self, compiled: &CompiledModule, loaded: &Loaded) -> Result<Image, String> {
        let mut linker = Linker::new();
        linker.align_sections(self.client.description().section_alignment);
        let added = linker.add_module(self.module, compiled);
        let image = added.and_then(|()| linker.link(loaded.base, &|_| None));
        image.map_err(|error| error.to_string())
    }

    fn call_here(&self, machine: &mut Program, arguments: &[DataValue]) -> Ended {
        machine.reset_data();
        machine.reset_counters();
        let outcome = match machine.call(&self.program.entry, arguments, &mut NoHost) {
            Ok(values) => Outcome::Returned(values),
            Err(RunError::Trap { code, .. }) => Outcome::Trapped(code),
            Err(error) => Outcome::Failed(kind_of_failure(&error)),
        };
        let returned = matches!(outcome, Outcome::Returned(_));
        let memory = memory_in_machine(self.module, machine);
        Ended {
            observation: Observation {
                outcome,
                memory: memory.expect("the image has the data of the module"),
            },
            instructions: returned.then(|| machine.counters().instructions),
        }
    }

    fn call_device(&mut self, image: &Image, arguments: &[DataValue]) -> Result<Ended, Error> {
        self.client.reset()?;
        let entry = self.module.find(&self.program.entry);
        let entry = entry.ok_or_else(|| Error::Lpc("a program lacks its entry".to_owned()))?;
        let returns = &self.module.function(entry).signature.returns;
        let results: Vec<_> = returns.iter().map(|param| param.value_type).collect();
        let calls = Calls {
            function: entry.as_u32(),
            arguments: &[arguments.to_vec()],
            results: &results,
            instruction_limit: INSTRUCTION_LIMIT,
        };
        let (mut input, mut output) = (std::io::empty(), std::io::sink());
        let mut called = self.client.call(&calls, &mut input, &mut output)?;
        let outcome = match called.stopped {
            None => Outcome::Returned(called.results.pop().unwrap_or_default()),
            Some((Cause::Trap(code), _)) => {
                let code = NonZero::new(code).map(TrapCode::from_raw);
                code.map_or(Outcome::Failed("no trap".to_owned()), Outcome::Trapped)
            }
            Some((Cause::Exception { .. }, _)) => Outcome::Failed(FAULT.to_owned()),
            Some((Cause::Limit, _)) => Outcome::Failed(LIMIT.to_owned()),
        };
        let returned = matches!(outcome, Outcome::Returned(_));
        Ok(Ended {
            observation: Observation {
                outcome,
                memory: self.memory_of_device(image)?,
            },
            instructions: returned.then_some(called.execution.instructions),
        })
    }

    fn memory_of_device(&mut self, image: &Image) -> Result<Vec<u8>, Error> {
        let sections = image.sections();
        let start = image.base() + sections.writable.start;
        let size = sections.zeroed.end - sections.writable.start;
        let bytes = self.client.read(start, size)?;
        let memory = memory_of(self.module, |object| {
            let offset = image.address_of(&object.name)?.checked_sub(start)?;
            bytes.get(offset as usize..)?.get(..object.size as usize)
        });
        Ok(memory.expect("the image has the data of the module"))
    }
}

const FAULT: &str = "an exception that is no trap";
const LIMIT: &str = "the limit of instructions";

/// The kind of an error, without what depends on addresses.
fn kind_of_failure(error: &RunError) -> String {
    match error {
        RunError::Fault { .. } => FAULT.to_owned(),
        RunError::LimitReached { .. } => LIMIT.to_owned(),
        error => error.to_string(),
    }
}

/// Where `bytes`, which the device has, are not those of `image`.
fn difference_of_code(image: &Image, bytes: &[u8]) -> Option<String> {
    let expected = image.bytes();
    if expected == bytes {
        return None;
    }
    if expected.len() != bytes.len() {
        return Some(format!(
            "{} bytes of code and data, expected {}",
            bytes.len(),
            expected.len()
        ));
    }
    let mut pairs = expected.iter().zip(bytes);
    let position = pairs.position(|(expected, found)| expected != found)?;
    let place = image.locate(image.base() + position as u32);
    Some(match place {
        Some(place) => format!(
            "other bytes than expected at {}+{:#x}",
            place.function, place.offset
        ),
        None => format!("other bytes than expected, {position:#x} from the start"),
    })
}
