//! Linking in place gives what linking to an image gives, and errors where it cannot.

#![allow(
    unsafe_code,
    reason = "an allocator that fails cannot be written without"
)]

use lpc_codegen::backend::buffer::MachBufferFinalized;
use lpc_codegen::backend::reloc::{MachReloc, RelocKind, RelocTarget};
use lpc_codegen::{CompiledModule, RegallocAlgorithm, Settings, compile_module};
use lpc_link::{ImageMap, InPlaceLinker, LinkError, Linker};
use lpc_lpir::ir::{ExternalName, Linkage, Module};
use lpc_lpir::text::parse_module;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

/// Gives out the memory of the system, as often as [`LEFT`] allows.
struct FailingAllocator;

thread_local! {
    /// How many allocations of this thread succeed before all fail.
    static LEFT: Cell<u32> = const { Cell::new(u32::MAX) };
}

impl FailingAllocator {
    fn fails(&self) -> bool {
        let left = LEFT.get();
        LEFT.set(match left {
            u32::MAX => u32::MAX,
            _ => left.saturating_sub(1),
        });
        left == 0
    }
}

// SAFETY: memory comes from the system's allocator, or not at all.
unsafe impl GlobalAlloc for FailingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.fails() {
            true => ptr::null_mut(),
            // SAFETY: as the caller promises.
            false => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: FailingAllocator = FailingAllocator;

/// Calls, addresses in code and data, data of each kind, tables, routines of the runtime.
const MODULE: &str = "
; data: %table readonly align 8 = { %twice, %table+4, %outside-1, i32 1000 }
; data: %total align 64 = { i32 1 }
; data: %count local zeroed 4 align 4
; data: %letter readonly = { \"x\" }

function %use(i32, i64) -> i64 {
    gv0 = symbol %table
    gv1 = symbol %count
    gv2 = symbol %letter
    fn0 = %twice(i64) -> i64
    fn1 = %outside(i32)

block0(v0: i32, v1: i64):
    v2 = symbol_value.i32 gv0
    v3 = load.i32 v2+12
    v4 = symbol_value.i32 gv1
    store v3, v4
    v5 = symbol_value.i32 gv2
    v6 = uload8.i32 v5
    call fn1(v6)
    v7 = call fn0(v1)
    v8 = func_addr.i32 fn0
    v9 = uextend.i64 v8
    v10 = udiv v7, v9
    br_table v0, block1(v10), [block2, block1(v7), block2]

block1(v11: i64):
    return v11

block2:
    return v9
}

function %twice(i64) -> i64 {
block0(v0: i64):
    v1 = iadd v0, v0
    return v1
}
";

fn imports(name: &ExternalName) -> Option<u32> {
    // Without taking memory.
    matches!(name, ExternalName::Symbol(name) if **name == *"outside").then_some(0x4000_1236)
}

fn compiled(regalloc: RegallocAlgorithm) -> (Module, CompiledModule) {
    let module = parse_module(MODULE).unwrap();
    let settings = Settings {
        regalloc,
        ..Settings::default()
    };
    let compiled = compile_module(&module, &settings).unwrap();
    (module, compiled)
}

/// Links in `memory` for the address `base`.
fn link_in_place(
    (module, compiled): (Module, CompiledModule),
    base: u32,
    section_alignment: u32,
    memory: &mut [u8],
) -> Result<ImageMap, LinkError> {
    let mut linker = InPlaceLinker::new();
    linker.align_sections(section_alignment);
    for function in compiled.functions {
        linker.add_function(function.name, Linkage::Export, function.code.buffer, memory)?;
    }
    let (_, mut data) = module.into_definitions();
    data.try_for_each(|object| linker.add_data(object))?;
    linker.lay_out()?.link(base, memory, &imports)
}

#[test]
fn the_same_as_the_linker_of_images() {
    for regalloc in RegallocAlgorithm::ALL {
        let (module, code) = compiled(regalloc);
        for section_alignment in [1, 256] {
            for base in [0x100, 0x4080_0000, 0xffff_0000] {
                let mut linker = Linker::new();
                linker.align_sections(section_alignment);
                linker.add_module(&module, &code).unwrap();
                let image = linker.link(base, &imports).unwrap();
                let mut memory = [0xa5; 4096];
                let input = (module.clone(), code.clone());
                let map = link_in_place(input, base, section_alignment, &mut memory).unwrap();
                let (bytes, rest) = memory.split_at(image.bytes().len());
                assert_eq!(bytes, image.bytes());
                let zeros = image.memory_size() as usize - bytes.len();
                assert!(rest[..zeros].iter().all(|byte| *byte == 0));
                assert!(rest[zeros..].iter().all(|byte| *byte == 0xa5));
                assert_eq!(format!("{map:?}"), format!("{:?}", image.map()));
            }
        }
    }
}

#[test]
fn undefined_names_are_reported_in_the_order_of_their_use() {
    let text = "
; data: %words = { %y, %f, %x }

function %f() {
    fn0 = %z()
    fn1 = %x()
block0:
    call fn0()
    call fn1()
    call fn0()
    return
}";
    let module = parse_module(text).unwrap();
    let code = compile_module(&module, &Settings::default()).unwrap();
    let error = link_in_place((module, code), 0, 1, &mut [0; 256]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "%z, which %f refers to, is not defined; %x, which %f refers to, is not defined; \
         %y, which %words refers to, is not defined"
    );
}

#[test]
fn refusals() {
    let (module, code) = compiled(RegallocAlgorithm::SinglePass);
    let link = |base, size: usize| {
        let input = (module.clone(), code.clone());
        let mut memory = vec![0; size];
        link_in_place(input, base, 1, &mut memory).map(|map| map.memory_size())
    };
    let size = link(0, 4096).unwrap();
    let (base, alignment) = (0x20, 64);
    let misaligned = LinkError::MisalignedBase { base, alignment };
    assert_eq!(link(base, 4096), Err(misaligned));
    assert_eq!(link(0xffff_ffc0, 4096), Err(LinkError::TooLarge));
    assert_eq!(link(0, size as usize), Ok(size));
    for too_small in 0..size {
        let error = link(0, too_small as usize).unwrap_err();
        let LinkError::NoRoom { needed } = error else {
            panic!("{error}");
        };
        assert!(too_small < needed && needed <= size);
    }

    let mut linker = InPlaceLinker::new();
    let mut memory = [0; 64];
    let name = || ExternalName::symbol("f");
    let empty = MachBufferFinalized::default;
    linker
        .add_function(name(), Linkage::Local, empty(), &mut memory)
        .unwrap();
    let twice = linker.add_function(name(), Linkage::Local, empty(), &mut memory);
    assert_eq!(twice, Err(LinkError::DuplicateSymbol(name())));
}

/// A low part without an `auipc`, and a call that is none.
#[test]
fn malformed_relocations() {
    for (kind, target) in [
        (RelocKind::PcRelLo12I, RelocTarget::Local(0)),
        (
            RelocKind::Call,
            RelocTarget::External(ExternalName::symbol("outside")),
        ),
    ] {
        let name = ExternalName::symbol("f");
        let code = MachBufferFinalized {
            bytes: vec![0; 12],
            code_size: 12,
            alignment: 4,
            relocs: vec![MachReloc {
                offset: 4,
                kind,
                target,
                addend: 0,
            }],
            ..MachBufferFinalized::default()
        };
        let mut memory = [0; 64];
        let mut linker = InPlaceLinker::new();
        let added = linker.add_function(name.clone(), Linkage::Export, code, &mut memory);
        let linked = added.and_then(|_| linker.lay_out()?.link(0, &mut memory, &imports));
        let error = LinkError::MalformedRelocation {
            function: name,
            offset: 4,
        };
        assert_eq!(linked.unwrap_err(), error);
    }
}

/// Whichever allocation is the first to fail, there is an error and no abort.
#[test]
fn too_little_memory_for_the_tables() {
    let (module, code) = compiled(RegallocAlgorithm::SinglePass);
    let mut memory = [0; 4096];
    for allocations in 0.. {
        let input = (module.clone(), code.clone());
        LEFT.set(allocations);
        let result = link_in_place(input, 0, 1, &mut memory);
        LEFT.set(u32::MAX);
        match result {
            Err(error) => assert_eq!(error, LinkError::OutOfMemory, "{allocations}"),
            Ok(_) => {
                assert!(allocations > 10, "only {allocations} allocations");
                return;
            }
        }
    }
}
