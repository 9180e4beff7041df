//! Memory that is written at one address and executed at another, as the internal RAM of the ESP32-C3 is: the image is linked for
//! the address of execution, and stored through the other.

use lpc_codegen::{Settings, compile_module};
use lpc_link::{Image, Linker};
use lpc_lpir::ir::ExternalName;
use lpc_lpir::text::parse_module;
use lpc_riscv32::Gpr;
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Stop};

/// Where the code executes and finds its data.
const INSTRUCTION_BUS: u32 = 0x4038_0000;
/// Where the same bytes are written.
const DATA_BUS: u32 = 0x3fc8_0000;
const SIZE: u32 = 64 << 10;
/// Where the image is, from the start of the memory.
const OFFSET: u32 = 0x1240;

/// What was in the memory before.
const GARBAGE: u8 = 0xa5;

/// Code that calls and jumps through a table, and data of each kind, addresses among them.
const MODULE: &str = include_str!("addresses.clif");

fn link(base: u32) -> Image {
    let module = parse_module(MODULE).unwrap();
    let compiled = compile_module(&module, &Settings::default()).unwrap();
    let mut linker = Linker::new();
    linker.add_module(&module, &compiled).unwrap();
    linker.link(base, &|_| None).unwrap()
}

/// A chip whose processor has its RAM at [`INSTRUCTION_BUS`]; who loads programs has it at [`DATA_BUS`].
struct Chip(Emulator);

impl Chip {
    fn new() -> Self {
        let mut memory = Memory::new(INSTRUCTION_BUS, SIZE).unwrap();
        let garbage = vec![GARBAGE; SIZE as usize];
        memory.write(INSTRUCTION_BUS, &garbage).unwrap();
        let config = MachineConfig::new(Settings::default().extensions);
        Self(Emulator::new(config, memory))
    }

    fn write_through_data_bus(&mut self, address: u32, bytes: &[u8]) {
        let address = address - DATA_BUS + INSTRUCTION_BUS;
        self.0.write_memory(address, bytes).unwrap();
    }

    /// Stores `image`, and zeros where it needs them.
    fn load(&mut self, image: &Image) {
        let address = DATA_BUS + OFFSET;
        let mut bytes = image.bytes().to_vec();
        bytes.resize(image.memory_size() as usize, 0);
        self.write_through_data_bus(address, &bytes);
        let text = image.sections().text.clone();
        let execution = INSTRUCTION_BUS + OFFSET + text.start;
        let size = text.end - text.start;
        self.0.set_executable(execution, size).unwrap();
    }

    /// Calls %add, which is the first function of the image.
    fn add(&mut self, argument: u32) -> Result<u32, Stop> {
        let stack_top = INSTRUCTION_BUS + SIZE;
        let entry = INSTRUCTION_BUS + OFFSET;
        let stop = self.0.call(entry, stack_top, &[argument], 1_000).unwrap();
        match stop {
            Stop::Halted => Ok(self.0.gpr(Gpr::A0)),
            _ => Err(stop),
        }
    }
}

#[test]
fn linked_at_one_address_and_written_at_another() {
    let image = link(INSTRUCTION_BUS + OFFSET);
    let add = image.address_of(&ExternalName::symbol("add"));
    assert_eq!(add, Some(INSTRUCTION_BUS + OFFSET));
    let mut chip = Chip::new();
    chip.load(&image);
    assert_eq!(chip.add(0), Ok(1 + 100 + 1000));
    assert_eq!(chip.add(1), Ok(101 + 2 + 200 + 2000));
    assert_eq!(chip.add(7), Ok(303 + 14 + 300 + 3000));

    // Nothing but the image was written, below the stack.
    let memory = chip.0.memory();
    let read = |from: u32, to: u32| memory.read(from, (to - from) as usize).unwrap();
    let start = INSTRUCTION_BUS + OFFSET;
    let end = start + image.memory_size();
    let stack = INSTRUCTION_BUS + SIZE - 256;
    for bytes in [read(INSTRUCTION_BUS, start), read(end, stack)] {
        assert!(bytes.iter().all(|&byte| byte == GARBAGE));
    }
}

/// The code does not depend on its address, but addresses in data do: they must be those that the processor sees.
#[test]
fn linked_for_the_address_at_which_it_is_written() {
    let image = link(DATA_BUS + OFFSET);
    let right = link(INSTRUCTION_BUS + OFFSET);
    let text = image.sections().text.end as usize;
    assert_eq!(image.bytes()[..text], right.bytes()[..text]);
    assert_ne!(image.bytes()[text..], right.bytes()[text..]);
    let mut chip = Chip::new();
    chip.load(&image);
    assert!(
        chip.add(0).is_err(),
        "%table is not where its address leads"
    );
}
