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
const OFFSET: u32 = 0x1230;

/// What was in the memory before.
const GARBAGE: u8 = 0xa5;

/// Code that calls and jumps through a table, and data of each kind, addresses among them.
const MODULE: &str = "
; data: %table readonly align 4 = { %twice, %table, i32 1000 }
; data: %total align 4 = { i32 1 }
; data: %count local zeroed 4 align 4

function %add(i32) -> i32 {
    gv0 = symbol %table
    gv1 = symbol %total
    gv2 = symbol %count
    sig0 = (i32) -> i32
    fn0 = %choose(i32) -> i32

block0(v0: i32):
    v1 = symbol_value.i32 gv0
    v2 = load.i32 v1+4
    v3 = load.i32 v2
    v4 = call_indirect sig0, v3(v0)
    v5 = call fn0(v0)
    v6 = symbol_value.i32 gv1
    v7 = load.i32 v6
    v8 = iadd v7, v4
    v9 = iadd v8, v5
    store v9, v6
    v10 = symbol_value.i32 gv2
    v11 = load.i32 v10
    v12 = iconst.i32 1
    v13 = iadd v11, v12
    store v13, v10
    v14 = load.i32 v1+8
    v15 = imul v13, v14
    v16 = iadd v9, v15
    return v16
}

function %twice(i32) -> i32 {
block0(v0: i32):
    v1 = iadd v0, v0
    return v1
}

function %choose(i32) -> i32 {
block0(v0: i32):
    br_table v0, block3, [block1, block2, block3]

block1:
    v1 = iconst.i32 100
    return v1

block2:
    v2 = iconst.i32 200
    return v2

block3:
    v3 = iconst.i32 300
    return v3
}
";

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
