//! What takes memory whose size the input says gives an error when there is none.
//!
//! Everything else aborts, as `alloc` does: then this test does not end.

#![allow(
    unsafe_code,
    reason = "an allocator that fails cannot be written without"
)]

use lpc_codegen::{
    CompileBudget, CompileError, Compiler, Pass, RegallocAlgorithm, Settings, compile_module,
    compile_module_within,
};
use lpc_harness::{MachineOptions, NoHost, Program, ProgramError};
use lpc_link::elf::{ExecutableOptions, link_executable};
use lpc_link::{LinkError, Linker};
use lpc_lpir::binary::{self, DecodeErrorKind, Decoder};
use lpc_lpir::ir::{DataKind, DataObject, ExternalName, Function, Module, Signature};
use lpc_lpir::text::parse_module;
use lpc_process::{LoadError, Process, ProcessOptions};
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, MemoryError, Stop};
use lpc_riscv32::{ExtensionSet, Inst};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

/// Gives out the memory of the system, as far as [`FAULT`] allows.
struct FailingAllocator;

/// Which allocations of a thread fail.
#[derive(Clone, Copy)]
enum Fault {
    /// None.
    Never,
    /// The one behind so many others.
    Behind(u32),
    /// Those of more bytes.
    Above(usize),
}

thread_local! {
    static FAULT: Cell<Fault> = const { Cell::new(Fault::Never) };
}

#[global_allocator]
static ALLOCATOR: FailingAllocator = FailingAllocator;

/// Whether an allocation of `size` bytes fails.
fn fails(size: usize) -> bool {
    match FAULT.get() {
        Fault::Never => false,
        Fault::Behind(0) => {
            FAULT.set(Fault::Never);
            true
        }
        Fault::Behind(others) => {
            FAULT.set(Fault::Behind(others - 1));
            false
        }
        Fault::Above(most) => size > most,
    }
}

// SAFETY: all memory is that of the system allocator, with the layout that was asked for.
unsafe impl GlobalAlloc for FailingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match fails(layout.size()) {
            true => ptr::null_mut(),
            // SAFETY: the layout is that of the caller.
            false => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match fails(layout.size()) {
            true => ptr::null_mut(),
            // SAFETY: the layout is that of the caller.
            false => unsafe { System.alloc_zeroed(layout) },
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match fails(size) {
            true => ptr::null_mut(),
            // SAFETY: pointer and layout are those of the caller, whose memory is that of the system.
            false => unsafe { System.realloc(pointer, layout, size) },
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: pointer and layout are those of the caller, whose memory is that of the system.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What `work` gives while allocations fail.
fn with_fault<R>(fault: Fault, work: impl FnOnce() -> R) -> R {
    FAULT.set(fault);
    let result = work();
    FAULT.set(Fault::Never);
    result
}

/// Fails each allocation of `work` in turn, until it needs no more. The number of allocations.
fn allocations<R>(mut work: impl FnMut() -> Result<R, MemoryError>) -> u32 {
    for others in 0.. {
        match with_fault(Fault::Behind(others), &mut work) {
            Ok(_) => return others,
            Err(error) => assert_eq!(error, MemoryError::OutOfMemory),
        }
    }
    unreachable!("the work ends")
}

const MIB: usize = 1 << 20;

/// A module with 12 MiB of data.
fn large_data() -> Module {
    let text = "function %main() {\nblock0:\n    return\n}";
    let mut module = parse_module(text).unwrap();
    let name = ExternalName::symbol("large");
    let data = DataObject::new(name, DataKind::Writable, 4, vec![1; 12 * MIB]);
    module.add_data(data).unwrap();
    module
}

/// No allocation but that of the bytes is made.
#[test]
fn memory_of_a_machine() {
    assert_eq!(allocations(|| Memory::new(0x1000, 0x1000)), 1);
    let memory = with_fault(Fault::Above(MIB), || Memory::new(0, u32::MAX));
    assert_eq!(memory.err(), Some(MemoryError::OutOfMemory));
}

/// What is decoded is kept in a table as large as the code.
#[test]
fn code_of_a_machine() {
    let mut machine = Emulator::new(
        MachineConfig::new(ExtensionSet::all()),
        Memory::new(0, 64 << 20).unwrap(),
    );
    let nop = Inst::NOP.encode().unwrap().to_le_bytes();
    machine.load_code(0, &nop).unwrap();
    let loaded = with_fault(Fault::Above(MIB), || machine.set_executable(0, 64 << 20));
    assert_eq!(loaded, Err(MemoryError::OutOfMemory));
    // What was loaded before is still there.
    assert_eq!(machine.run(1), Stop::LimitReached);
}

#[test]
fn machines_for_programs() {
    let module = large_data();
    let settings = Settings::default();
    let compiled = compile_module(&module, &settings).unwrap();
    let load = |memory_size: u32| {
        let options = MachineOptions {
            memory_size,
            ..MachineOptions::default()
        };
        Program::load(&module, &compiled, &settings, options, &NoHost).err()
    };
    let error = with_fault(Fault::Above(19 * MIB), || load(20 << 20));
    assert!(matches!(error, Some(ProgramError::OutOfMemory)));
    assert!(with_fault(Fault::Above(20 * MIB), || load(20 << 20)).is_none());
}

#[test]
fn images() {
    let module = large_data();
    let compiled = compile_module(&module, &Settings::default()).unwrap();
    let mut linker = Linker::new();
    linker.add_module(&module, &compiled).unwrap();
    let image = with_fault(Fault::Above(MIB), || linker.link(0, &|_| None));
    assert_eq!(image.err(), Some(LinkError::OutOfMemory));
}

#[test]
fn processes() {
    let module = large_data();
    let compiled = compile_module(&module, &Settings::default()).unwrap();
    let options = ExecutableOptions::default();
    let file = link_executable(&module, &compiled, &Settings::default(), &options, &|_| {
        None
    });
    let file = file.unwrap();
    let options = ProcessOptions {
        heap_and_stack_size: 1 << 20,
        stack_size: 1 << 16,
        instruction_limit: 1_000,
    };
    let load = || Process::load(&file, None, &[], options).err();
    assert_eq!(
        with_fault(Fault::Above(MIB), load),
        Some(LoadError::OutOfMemory)
    );
    assert_eq!(load(), None);
}

/// Memory that a module in binary form says how much it is: for a table of the function, or a list in it.
#[test]
fn modules_in_binary_form() {
    let calls = (0..300).map(|number| format!("    v{} = call fn0()\n", number + 1));
    let text = format!(
        "; data: %table readonly = {{ zero 5000 }}\n\
         function %f(i32) -> i32 {{\n    sig0 = () -> i32\n    fn0 = %g sig0\nblock0(v0: i32):\n{}    return v300\n}}",
        calls.collect::<String>(),
    );
    let bytes = binary::encode(&parse_module(&text).unwrap()).unwrap();
    let decode = || binary::decode(&bytes).map(|module| module.to_string());
    let expected = decode().unwrap();
    let mut refused = 0;
    for most in (1_500..6_000).step_by(100) {
        match with_fault(Fault::Above(most), || binary::decode(&bytes)) {
            Ok(module) => assert_eq!(module.to_string(), expected),
            Err(error) => {
                let DecodeErrorKind::OutOfMemory { size } = error.kind else {
                    panic!("{error}");
                };
                assert!(size > most, "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 30, "{refused}");
}

/// Each allocation of the decoder fails in turn, for a function that has all that a function can have: lists of operands, of branch
/// arguments, of parameters and of results, tables of branches, source locations, declarations.
#[test]
fn functions_in_binary_form() {
    const BLOCKS: usize = 40;
    let body = (1..=BLOCKS).map(|number| {
        let value = 10 * number;
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|index| value + index);
        let next = number % BLOCKS + 1;
        format!(
            "block{number}(v{a}: i32, v{b}: i32, v{c}: i32):\n\
             @{number:04x}    v{d}, v{e} = call fn0(v{a}, v{b}, v{c}, v0)\n        \
             brif v{a}, block{next}(v{d}, v{e}, v0), block{table}\n\
             block{table}:\n        \
             br_table v{b}, block{next}(v{c}, v{c}, v{c}), [block{number}(v{d}, v{d}, v{d}), block{end}]\n",
            table = BLOCKS + number,
            end = 2 * BLOCKS + 1,
        )
    });
    let text = format!(
        "function %f(i32) -> i32 {{\n    ss0 = explicit_slot 8\n    gv0 = symbol %table\n    \
         sig0 = (i32, i32, i32, i32) -> i32, i32\n    fn0 = %g sig0\n\
         block0(v0: i32):\n        jump block1(v0, v0, v0)\n{}block{}:\n        return v0\n}}",
        body.collect::<String>(),
        2 * BLOCKS + 1,
    );
    let module = parse_module(&text).unwrap();
    let bytes = binary::encode(&module).unwrap();
    let decode = |fault| {
        let mut function = Function::new(ExternalName::user(0, 0), Signature::default());
        let read = with_fault(fault, || Decoder::new(&bytes)?.read_function(&mut function));
        read.map(|_| function)
    };
    let expected = decode(Fault::Never).unwrap().to_string();
    for others in 0.. {
        match decode(Fault::Behind(others)) {
            Ok(function) => {
                assert_eq!(function.to_string(), expected);
                assert!(others > 20, "{others}");
                break;
            }
            Err(error) => assert!(
                matches!(error.kind, DecodeErrorKind::OutOfMemory { .. }),
                "{error}"
            ),
        }
    }
}

/// `regalloc2` aborts where there is no memory: it is not called where the allocator does not have what it may take.
#[test]
fn registers_by_ion() {
    const VALUES: u32 = 400;
    let loads = (1..=VALUES).map(|number| format!("    v{number} = load.i32 v0+{number}\n"));
    let sums = (1..VALUES).map(|number| {
        let sum = if number == 1 { 1 } else { VALUES + number - 1 };
        format!("    v{} = iadd v{sum}, v{}\n", VALUES + number, number + 1)
    });
    let text = format!(
        "function %f(i32) -> i32 {{\nblock0(v0: i32):\n{}    return v{}\n}}",
        loads.chain(sums).collect::<String>(),
        2 * VALUES - 1,
    );
    let module = parse_module(&text).unwrap();
    let (_, function) = module.functions().next().unwrap();
    let settings = Settings {
        regalloc: RegallocAlgorithm::Ion,
        ..Settings::default()
    };
    let compile = || {
        let mut compiler = Compiler::with_budget(CompileBudget::new(64 * MIB));
        compiler.compile(function, &settings)
    };
    let expected = compile().unwrap();
    let taken = expected.memory.peak_heap_of(Pass::RegisterAllocation);
    let mut refused = 0;
    let mut most = 1000;
    while most < taken {
        match with_fault(Fault::Above(most), compile) {
            Err(CompileError::OutOfMemory { size, pass }) => {
                assert!(size > most);
                refused += usize::from(pass == Pass::RegisterAllocation);
            }
            Err(error) => panic!("{error}"),
            Ok(found) => assert_eq!(found.code.buffer.bytes, expected.code.buffer.bytes),
        }
        most += most / 20;
    }
    assert!(refused > 10, "{refused}");
}

/// What a module keeps to, its routines keep to as well.
#[test]
fn routines_of_modules() {
    let text = "function %divide(i128, i128) -> i128 {\nblock0(v0: i128, v1: i128):\n    v2 = udiv v0, v1\n    return v2\n}";
    let module = parse_module(text).unwrap();
    let compile = |max_heap| {
        compile_module_within(&module, &Settings::default(), CompileBudget::new(max_heap))
    };
    let compiled = compile(MIB).unwrap();
    assert!(compiled.functions.len() > 1);
    let error = compile(compiled.functions[0].memory.peak_heap()).unwrap_err();
    assert_eq!(
        Some(error.function),
        module.functions().next().map(|(id, _)| id)
    );
    assert!(
        matches!(error.error, CompileError::OverBudget { .. }),
        "{error}"
    );
}
