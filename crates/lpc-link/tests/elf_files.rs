//! Executables as files: what is written is read, and what is garbled is refused.

use lpc_codegen::{CodeAlignment, Settings, compile_module};
use lpc_link::elf::read::{
    ElfFile, FileKind, Mapping, ReadElfError, SectionIndex, SymbolKind, is_elf,
};
use lpc_link::elf::{ExecutableError, ExecutableOptions, Stack, link_executable};
use lpc_lpir::ir::TrapCode;
use lpc_lpir::text::parse_module;
use lpc_riscv32::ExtensionSet;

/// A call, a trap, a jump table behind code, and a function of the host.
const PROGRAM: &str = "
function %main() -> i32 {
    fn0 = %pick(i32) -> i32
    fn1 = %putchar(i32)
block0:
    v0 = iconst.i32 3
    v1 = call fn0(v0)
    call fn1(v1)
    v2 = sdiv v0, v1
    return v2
}

function %pick(i32) -> i32 {
block0(v0: i32):
    br_table v0, block1, [block1, block2, block3, block1, block2, block3]
block1:
    v1 = iconst.i32 11
    return v1
block2:
    v2 = iconst.i32 12
    return v2
block3:
    v3 = iconst.i32 13
    return v3
}
";

fn executable(text: &str, options: ExecutableOptions<'_>) -> Result<Vec<u8>, ExecutableError> {
    executable_with(text, &Settings::default(), options)
}

fn executable_with(
    text: &str,
    settings: &Settings,
    options: ExecutableOptions<'_>,
) -> Result<Vec<u8>, ExecutableError> {
    let module = parse_module(text).expect("the module is well-formed");
    let compiled = compile_module(&module, settings).expect("the module can be compiled");
    link_executable(&module, &compiled, settings, &options, &|_| None)
}

fn program() -> Vec<u8> {
    executable(PROGRAM, ExecutableOptions::default()).expect("the program can be linked")
}

#[test]
fn what_is_written_is_read() {
    let bytes = program();
    assert!(is_elf(&bytes));
    let file = ElfFile::parse(&bytes).unwrap();
    assert_eq!(file.kind, FileKind::Executable);
    assert_eq!(file.entry, 0x1_0000);
    assert_eq!(file.extensions(), Ok(ExtensionSet::RV32IMAC));

    let [segment] = &file.segments[..] else {
        panic!("there is one segment: {:?}", file.segments);
    };
    assert_eq!(segment.address, 0x1_0000);
    assert_eq!(segment.data.len() as u32, segment.memory_size);
    assert!(segment.is_executable && !segment.is_writable);
    let text = file.section(".text").unwrap();
    assert_eq!(text.data, segment.data);

    let functions: Vec<_> = file
        .symbols
        .iter()
        .filter(|symbol| symbol.kind == SymbolKind::Function)
        .map(|symbol| symbol.name)
        .collect();
    let expected = ["_start", "main", "pick", "putchar", "__lpc_system_call"];
    assert_eq!(functions, expected);
    assert_eq!(file.address_of("_start"), Some(0x1_0000));
    assert_eq!(file.address_of("getchar"), None, "nobody needs it");
    let main = file.address_of("main").unwrap();
    assert_eq!(file.locate(main + 6), Some(("main", 6)));
    assert_eq!(file.locate(0xffff), None);
}

#[test]
fn code_data_and_traps_are_told_apart() {
    let bytes = program();
    let file = ElfFile::parse(&bytes).unwrap();
    let index = |name| {
        file.sections
            .iter()
            .position(|section| section.name == name)
    };
    let text = SectionIndex(index(".text").unwrap());
    let mut mappings: Vec<_> = file.mappings(text).into_iter().collect();
    mappings.dedup_by_key(|(_, mapping)| *mapping);
    let [start, data, code] = &mappings[..] else {
        panic!("code, a table and code: {mappings:?}");
    };
    assert_eq!(*start, (0x1_0000, Mapping::Code(None)));
    assert_eq!(data.1, Mapping::Data);
    assert_eq!(file.locate(data.0).unwrap().0, "pick");
    assert_eq!(code.1, Mapping::Code(None));
    assert_eq!(file.locate(code.0), Some(("putchar", 0)));

    let traps: Vec<_> = (0x1_0000..0x1_0200)
        .filter_map(|address| Some((file.locate(address)?.0, file.trap_at(address)?)))
        .collect();
    assert!(
        traps.contains(&("main", TrapCode::INTEGER_DIVISION_BY_ZERO)),
        "{traps:?}"
    );
}

#[test]
fn a_reserved_stack_is_memory_behind_the_code() {
    let options = ExecutableOptions {
        base: 0x8000_0000,
        stack: Stack::Reserved(1001),
        ..ExecutableOptions::default()
    };
    let bytes = executable(PROGRAM, options).unwrap();
    let file = ElfFile::parse(&bytes).unwrap();
    let [code, stack] = &file.segments[..] else {
        panic!("code and stack: {:?}", file.segments);
    };
    assert_eq!(code.address, 0x8000_0000);
    assert_eq!((stack.address, stack.memory_size), (0x8000_1000, 1008));
    assert!(stack.data.is_empty() && stack.is_writable);
}

#[test]
fn sections_have_pages_and_permissions_of_their_own() {
    let text = "
; data: %constant readonly = { i32 [1, 2] }
; data: %variable local align 4 = { %constant+4 }
; data: %first zeroed 3
; data: %second zeroed 64 align 4
function %main() {
    block0: return
}";
    let options = ExecutableOptions {
        stack: Stack::Reserved(32),
        ..ExecutableOptions::default()
    };
    let bytes = executable(text, options).unwrap();
    let file = ElfFile::parse(&bytes).unwrap();
    let segments: Vec<_> = file
        .segments
        .iter()
        .map(|segment| {
            let permissions = (segment.is_writable, segment.is_executable);
            (segment.address, segment.data.len(), permissions)
        })
        .collect();
    let [code, constants, variables] = segments[..] else {
        panic!("code, constants and variables: {segments:?}");
    };
    assert_eq!((code.0, code.2), (0x1_0000, (false, true)));
    assert_eq!(constants, (0x1_1000, 8, (false, false)));
    assert_eq!(variables, (0x1_2000, 4, (true, false)));
    assert_eq!(file.segments[2].end(), 0x1_4020, "the stack is the last");
    assert_eq!(file.segments[2].data, [4, 0x10, 1, 0]);

    let sections: Vec<_> = file
        .sections
        .iter()
        .filter(|section| section.is_allocated && !section.is_code)
        .map(|section| (section.name, section.address, section.size))
        .collect();
    assert_eq!(
        sections,
        [
            (".rodata", 0x1_1000, 8),
            (".data", 0x1_2000, 4),
            (".bss", 0x1_3000, 68),
            (".stack", 0x1_4000, 32)
        ]
    );
    let symbol = |name| {
        file.symbols
            .iter()
            .find(|symbol| symbol.name == name)
            .unwrap()
    };
    let second = symbol("second");
    assert_eq!(
        (second.value, second.size, second.is_global),
        (0x1_3004, 64, true)
    );
    assert_eq!(second.kind, SymbolKind::Object);
    assert!(!symbol("variable").is_global);
}

#[test]
fn functions_are_aligned_as_the_settings_say() {
    for bytes in [1, 64, CodeAlignment::MAX] {
        let settings = Settings {
            function_alignment: CodeAlignment::new(bytes).unwrap(),
            ..Settings::default()
        };
        let bytes_of_file =
            executable_with(PROGRAM, &settings, ExecutableOptions::default()).unwrap();
        let file = ElfFile::parse(&bytes_of_file).unwrap();
        for name in ["main", "pick", "putchar"] {
            let address = file.address_of(name).unwrap();
            assert!(address.is_multiple_of(bytes), "{name} at {address:#x}");
        }
    }
}

#[test]
fn what_is_no_program_is_refused() {
    let default = ExecutableOptions::default();
    let error = |text: &str, options| executable(text, options).unwrap_err().to_string();
    assert_eq!(
        error("function %f() { block0: return }", default),
        "an executable starts with %main, which is not defined"
    );
    for bad in [
        "function %main(i32) { block0(v0: i32): return }",
        "function %main(i32, i64) { block0(v0: i32, v1: i64): return }",
        "function %main() -> i64 { block0: v0 = iconst.i64 0 return v0 }",
        "function %main() -> i32, i32 { block0: v0 = iconst.i32 0 return v0, v0 }",
    ] {
        assert_eq!(
            error(bad, default),
            "%main of an executable is () or (i32, i32), and returns nothing or i32"
        );
    }
    let other_types = "function %main() {
        fn0 = %putchar(i64)
    block0:
        v0 = iconst.i64 0
        call fn0(v0)
        return
    }";
    assert_eq!(
        error(other_types, default),
        "%putchar, which %main refers to, is not defined"
    );
    let at = |base, stack| ExecutableOptions {
        base,
        stack,
        ..ExecutableOptions::default()
    };
    assert_eq!(
        error(PROGRAM, at(0x1_0800, Stack::Inherited)),
        "an executable cannot start at 0x00010800, which is not a multiple of 0x1000"
    );
    for stack in [u32::MAX, 0xffff_0000] {
        assert_eq!(
            error(PROGRAM, at(0x1_0000, Stack::Reserved(stack))),
            "the executable is too large: there is no room for the stack"
        );
    }
}

/// The offsets of fields of the file header and of the first program header.
const CLASS: usize = 4;
const DATA: usize = 5;
const TYPE: usize = 16;
const MACHINE: usize = 18;
const ENTRY: usize = 24;
const FLAGS: usize = 36;
const SEGMENT_TYPE: usize = 52;
const SEGMENT_ADDRESS: usize = 60;
const SEGMENT_FILE_SIZE: usize = 68;
const SEGMENT_MEMORY_SIZE: usize = 72;

#[test]
fn other_files_are_told_what_they_are() {
    let error = |offset: usize, value: &[u8]| {
        let mut bytes = program();
        bytes[offset..][..value.len()].copy_from_slice(value);
        let checked = ElfFile::parse(&bytes).and_then(|file| file.check_static_executable());
        checked.unwrap_err()
    };
    assert_eq!(error(0, b"\x7fELG"), ReadElfError::NotElf);
    assert_eq!(error(CLASS, &[2]), ReadElfError::Not32Bit);
    assert_eq!(error(DATA, &[2]), ReadElfError::BigEndian);
    assert_eq!(error(TYPE, &[1, 0]), ReadElfError::NotLinked);
    assert_eq!(error(TYPE, &[3, 0]), ReadElfError::NotStatic);
    assert_eq!(error(TYPE, &[4, 0]), ReadElfError::OtherKind(4));
    assert_eq!(error(MACHINE, &[40, 0]), ReadElfError::OtherMachine(40));
    assert_eq!(error(FLAGS, &[5]), ReadElfError::HardFloat);
    assert_eq!(error(FLAGS, &[9]), ReadElfError::Embedded);
    assert_eq!(error(SEGMENT_TYPE, &[3]), ReadElfError::NotStatic);
    assert_eq!(
        error(ENTRY, &[0, 0, 2, 0]),
        ReadElfError::BadEntry(0x2_0000)
    );
    assert_eq!(
        error(SEGMENT_ADDRESS, &[0, 0, 2, 0]),
        ReadElfError::BadEntry(0x1_0000)
    );
    let too_long = [0, 0xff, 0xff, 0xff];
    assert_eq!(
        error(SEGMENT_MEMORY_SIZE, &too_long),
        ReadElfError::SegmentOutside {
            address: 0x1_0000,
            size: 0xffff_ff00
        }
    );
    for (error, message) in [
        (
            error(MACHINE, &[40, 0]),
            "an ELF file for another machine than RISC-V: EM_ARM",
        ),
        (
            error(MACHINE, &[0xff, 0xff]),
            "an ELF file for another machine than RISC-V: 65535",
        ),
        (
            error(SEGMENT_FILE_SIZE, &too_long),
            "malformed ELF file: a segment is not inside the file",
        ),
    ] {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn overlapping_segments_are_refused() {
    let options = ExecutableOptions {
        stack: Stack::Reserved(64),
        ..ExecutableOptions::default()
    };
    let mut bytes = executable(PROGRAM, options).unwrap();
    let second_address = SEGMENT_ADDRESS + 32;
    bytes[second_address..][..4].copy_from_slice(&0x1_0010_u32.to_le_bytes());
    assert_eq!(
        ElfFile::parse(&bytes).unwrap_err(),
        ReadElfError::SegmentsOverlap(0x1_0010)
    );
}

#[test]
fn an_instruction_set_that_is_not_known_is_named() {
    let mut bytes = program();
    let isa = b"rv32i2p1_m2p0";
    let position = bytes
        .windows(isa.len())
        .position(|window| window == isa)
        .expect("the attributes state the instruction set");
    bytes[position + 9] = b'q';
    let file = ElfFile::parse(&bytes).expect("the attributes are read when they are needed");
    let error = file.extensions().unwrap_err().to_string();
    assert_eq!(
        error,
        "compiled for `rv32i2p1_q2p0_a2p1_c2p0`: extension `q` is not supported (at offset 9)"
    );
}

/// A pseudo-random number generator: xorshift (Marsaglia).
struct Random(u32);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % limit
    }
}

/// The size of a function may lead beyond the end of the address space.
#[test]
fn functions_do_not_wrap_around_the_address_space() {
    let mut bytes = program();
    let file = ElfFile::parse(&bytes).unwrap();
    let mut symbols = file.symbols.iter();
    let main = symbols.find(|symbol| symbol.name == "main").unwrap();
    let place_and_size = |place: u32, size: u32| [place, size].map(u32::to_le_bytes).concat();
    let stated = place_and_size(main.value, main.size);
    let offset = bytes.windows(8).position(|window| window == stated);
    let changed = place_and_size(0xffff_fff0, 0xffff_ffff);
    bytes[offset.unwrap()..][..8].copy_from_slice(&changed);
    let file = ElfFile::parse(&bytes).unwrap();
    assert_eq!(file.locate(0xffff_fff6), Some(("main", 6)));
    assert_eq!(file.locate(6), None);
}

#[test]
fn truncated_files_are_refused() {
    let bytes = program();
    for length in 0..bytes.len() {
        assert!(ElfFile::parse(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn garbled_files_never_panic() {
    let original = program();
    let interesting = [0, 1, 0x7f, 0x80, 0xff];
    let mut accepted = 0;
    for seed in 1..=30_000 {
        let mut random = Random(seed);
        let mut bytes = original.clone();
        for _ in 0..=random.below(4) {
            // Most of the file is padding and code: headers and tables are changed more often.
            let index = match random.below(3) {
                0 => random.below(120),
                1 => bytes.len() - 1 - random.below(900),
                _ => random.below(bytes.len()),
            };
            bytes[index] = match random.below(2) {
                0 => interesting[random.below(interesting.len())],
                _ => random.below(256) as u8,
            };
        }
        let Ok(file) = ElfFile::parse(&bytes) else {
            continue;
        };
        accepted += 1;
        let _ = (file.extensions(), file.check_static_executable());
        for address in (0x1_0000..0x1_0200).step_by(16) {
            let _ = (file.locate(address), file.trap_at(address));
        }
        for (index, section) in file.sections.iter().enumerate() {
            let index = SectionIndex(index);
            let _ = (
                file.labels(index),
                file.mappings(index),
                section.relocations(),
            );
        }
    }
    assert!((1_000..29_000).contains(&accepted), "{accepted}");
}
