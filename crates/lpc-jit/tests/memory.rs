//! Memory for code: seen at two addresses, published before it is executed, full, and used again.

use lpc_codegen::Settings;
use lpc_jit::{
    CodeMemory, EmulatorError, EmulatorMemory, EmulatorOptions, HostFunctions, Jit, JitError,
    RamMemory, Region,
};
use lpc_lpir::ir::{DataKind, DataObject, ExternalName, Linkage, Module, TrapCode};
use lpc_lpir::text::parse_module;
use lpc_riscv32::Gpr;
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Stop};
use std::cell::Cell;

/// Code that calls and jumps through a table, and data of each kind, addresses among them.
const MODULE: &str = include_str!("../../lpc-link/tests/addresses.clif");

/// What `%add` of [`MODULE`] gives for these, one after the other.
const SUMS: [(u32, u32); 3] = [
    (0, 1 + 100 + 1000),
    (1, 101 + 2 + 200 + 2000),
    (7, 303 + 14 + 300 + 3000),
];

fn module(text: &str) -> Module {
    parse_module(text).unwrap()
}

fn emulated(code_size: u32) -> EmulatorMemory {
    EmulatorMemory::new(EmulatorOptions {
        code_size,
        ..EmulatorOptions::default()
    })
    .unwrap()
}

/// RAM that is executed at `execute`, full of what is no code.
fn aliased(execute: u32, size: usize) -> (RamMemory, &'static [Cell<u8>]) {
    let bytes = Box::leak(vec![0xff_u8; size].into_boxed_slice());
    let write = bytes.as_mut_ptr();
    let cells = Cell::from_mut(bytes).as_slice_of_cells();
    #[expect(unsafe_code, reason = "the promise is what is tested")]
    // SAFETY: the bytes are never freed, and are looked at only while nothing writes to them. Nothing executes them: there
    // is no executor for it here.
    let memory = unsafe { RamMemory::with_alias(write, execute, size as u32) };
    (memory, cells)
}

#[test]
fn written_at_one_address_and_executed_at_another() {
    const EXECUTE: u32 = 0x4038_0000;
    const SIZE: u32 = 64 << 10;
    let (memory, bytes) = aliased(EXECUTE, SIZE as usize);
    let mut jit = Jit::new(memory, HostFunctions::new());
    // Something lies in front.
    let first = jit.compile(module(MODULE), &Settings::default()).unwrap();
    let second = jit.compile(module(MODULE), &Settings::default()).unwrap();
    let add = ExternalName::symbol("add");
    assert_eq!(first.address_of(&add), Some(EXECUTE));
    let entry = second.address_of(&add).unwrap();
    assert!((EXECUTE + first.memory_size()..EXECUTE + SIZE).contains(&entry));

    let mut machine_memory = Memory::new(EXECUTE, 2 * SIZE).unwrap();
    let written: Vec<u8> = bytes.iter().map(Cell::get).collect();
    machine_memory.write(EXECUTE, &written).unwrap();
    let config = MachineConfig::new(Settings::default().extensions);
    let mut machine = Emulator::new(config, machine_memory);
    let text = second.map().sections().text.clone();
    machine
        .set_executable(second.map().base(), text.len() as u32)
        .unwrap();
    for (argument, sum) in SUMS {
        let stop = machine.call(entry, EXECUTE + 2 * SIZE, &[argument], 1_000);
        assert_eq!(stop, Ok(Stop::Halted));
        assert_eq!(machine.gpr(Gpr::A0), sum);
    }
    // Nothing but the two modules was written.
    let end = (second.map().base() + second.map().memory_size() - EXECUTE) as usize;
    let untouched = written[end..].iter().filter(|&&byte| byte == 0xff).count();
    let unused = (EXECUTE + SIZE - entry) as usize - second.memory_size() as usize;
    assert!(untouched >= unused, "{untouched} of {unused} bytes");
}

/// As the internal RAM of the ESP32-C3, where data are accessed at other addresses than code.
#[test]
fn data_at_other_addresses_than_code() {
    const EXECUTE: u32 = 0x4038_0000;
    const DATA: u32 = 0x3fc8_0000;
    const SIZE: u32 = 4096;
    let (memory, bytes) = aliased(EXECUTE, SIZE as usize);
    #[expect(unsafe_code, reason = "the promise is what is tested")]
    // SAFETY: nothing executes it here.
    let memory = unsafe { memory.data_from(DATA) };
    let mut jit = Jit::new(memory, HostFunctions::new());
    let _first = jit.compile(module(MODULE), &Settings::default()).unwrap();
    let loaded = jit.compile(module(MODULE), &Settings::default()).unwrap();
    let map = loaded.map();
    let address_of = |name| loaded.address_of(&ExternalName::symbol(name)).unwrap();
    let (add, total) = (address_of("add"), address_of("total"));
    assert!((EXECUTE..EXECUTE + SIZE).contains(&add));
    assert!((DATA..DATA + SIZE).contains(&total));
    let name_at = |address| {
        map.locate(address)
            .map(|location| location.function.to_string())
    };
    assert_eq!(name_at(add).as_deref(), Some("%add"));
    assert_eq!(name_at(total + 3).as_deref(), Some("%total"));
    assert_eq!(name_at(total - DATA + EXECUTE), None);
    assert_eq!(name_at(add - EXECUTE + DATA), None);

    // A machine with memory at both addresses: code in the one, data in the other.
    let mut machine_memory = Memory::new(DATA, EXECUTE - DATA + SIZE).unwrap();
    let written: Vec<u8> = bytes.iter().map(Cell::get).collect();
    let (start, sections) = ((map.base() - EXECUTE) as usize, map.sections());
    let text_end = start + sections.text.end as usize;
    machine_memory.write(EXECUTE, &written[..text_end]).unwrap();
    machine_memory
        .write(DATA + text_end as u32, &written[text_end..])
        .unwrap();
    let config = MachineConfig::new(Settings::default().extensions);
    let mut machine = Emulator::new(config, machine_memory);
    machine
        .set_executable(map.base(), sections.text.end)
        .unwrap();
    for (argument, sum) in SUMS {
        let stop = machine.call(add, EXECUTE - 16, &[argument], 1_000);
        assert_eq!(stop, Ok(Stop::Halted));
        assert_eq!(machine.gpr(Gpr::A0), sum);
    }
}

#[test]
fn publishing_is_told_what_is_where() {
    thread_local! {
        static PUBLISHED: Cell<Option<(u32, u32, u32)>> = const { Cell::new(None) };
    }
    let (memory, _) = aliased(0x4200_0000, 64 << 10);
    let memory = memory.align_sections(256).publish_with(|region, sections| {
        PUBLISHED.set(Some((
            region.address(),
            sections.text.end,
            sections.read_only.start,
        )));
    });
    let mut jit = Jit::new(memory, HostFunctions::new());
    for base in [0x4200_0000, 0x4200_0400] {
        let module = jit.compile(module(MODULE), &Settings::default()).unwrap();
        let sections = module.map().sections();
        let starts = [&sections.read_only, &sections.writable, &sections.zeroed];
        assert_eq!(starts.map(|section| section.start), [0x100, 0x200, 0x300]);
        assert_eq!(PUBLISHED.take(), Some((base, sections.text.end, 0x100)));
        std::mem::forget(module);
    }
}

/// What protects the end of a module protects all of the unit that it is in: nobody else may be there, not even for a while.
#[test]
fn units_of_protection_are_not_shared() {
    const BASE: u32 = 0x4200_0000;
    const UNIT: u32 = 256;
    let (memory, bytes) = aliased(BASE, 4 * UNIT as usize);
    let mut jit = Jit::new(memory.align_sections(UNIT), HostFunctions::new());
    let modules = [0, 1, 2, 3].map(|index| {
        let module = jit.compile(constant(index), &Settings::default()).unwrap();
        assert_eq!(module.map().base(), BASE + index as u32 * UNIT);
        assert_eq!(module.memory_size(), UNIT);
        module
    });
    assert_eq!(jit.largest_free(), 0);
    for (module, unit) in modules.iter().zip(bytes.chunks(UNIT as usize)) {
        let behind = &unit[module.map().memory_size() as usize..];
        assert!(behind.iter().all(|byte| byte.get() == 0xff));
    }
}

/// Memory whose content the processor sees only when it was published, which this one forgets.
#[derive(Debug)]
struct Forgetful(EmulatorMemory);

impl CodeMemory for Forgetful {
    type Executor = <EmulatorMemory as CodeMemory>::Executor;

    fn executor(&self) -> Self::Executor {
        self.0.executor()
    }

    fn largest_free(&self) -> u32 {
        self.0.largest_free()
    }

    fn allocate(&mut self, size: u32, alignment: u32) -> Option<Region> {
        self.0.allocate(size, alignment)
    }

    fn settle(&mut self, region: Region, size: u32, alignment: u32) -> Option<Region> {
        self.0.settle(region, size, alignment)
    }

    fn write_view(&mut self, region: &Region) -> &mut [u8] {
        self.0.write_view(region)
    }

    fn publish(&mut self, _: &Region, _: &lpc_link::Sections) {}

    fn free(&mut self, region: Region) {
        self.0.free(region);
    }

    fn host_address(&mut self, function: &lpc_jit::HostFunction) -> Option<u32> {
        self.0.host_address(function)
    }
}

#[test]
fn what_is_not_published_does_not_run() {
    let twice =
        "function %twice(i32) -> i32 {\nblock0(v0: i32):\n    v1 = iadd v0, v0\n    return v1\n}";
    let mut jit = Jit::new(Forgetful(emulated(4096)), HostFunctions::new());
    let loaded = jit.compile(module(twice), &Settings::default()).unwrap();
    let result = loaded.function::<fn(i32) -> i32>("twice").unwrap().call(2);
    assert!(
        matches!(result, Err(EmulatorError::Stopped { .. })),
        "{result:?}"
    );

    let mut jit = Jit::new(emulated(4096), HostFunctions::new());
    let loaded = jit.compile(module(twice), &Settings::default()).unwrap();
    let twice = loaded.function::<fn(i32) -> i32>("twice").unwrap();
    assert_eq!(twice.call(2), Ok(4));
    // What was there does not run any more when it was given back.
    let address = twice.address();
    drop(loaded);
    let again = jit.compile(module(MODULE), &Settings::default()).unwrap();
    assert_eq!(again.map().base(), address);
}

fn constant(value: i32) -> Module {
    module(&format!(
        "function %constant() -> i32 {{\nblock0:\n    v0 = iconst.i32 {value}\n    return v0\n}}"
    ))
}

#[test]
fn dropped_modules_give_their_memory_back() {
    let mut jit = Jit::new(emulated(1024), HostFunctions::new());
    let settings = Settings::default();
    let free = jit.largest_free();
    let mut live: Vec<_> = (0..)
        .map_while(|value| jit.compile(constant(value), &settings).ok())
        .collect();
    assert_eq!(live.len(), 1024 / 16);
    assert_eq!(jit.largest_free(), 0);
    // Every second one goes, and others take their places.
    let mut index = 0;
    live.retain(|_| {
        index += 1;
        index % 2 == 0
    });
    assert_eq!(jit.largest_free(), 16);
    let new: Vec<_> = (1000..1032)
        .map(|value| jit.compile(constant(value), &settings).unwrap())
        .collect();
    assert_eq!(jit.largest_free(), 0);
    for (modules, value_of) in [
        (&live, &(|index| 2 * index + 1) as &dyn Fn(i32) -> i32),
        (&new, &|index| 1000 + index),
    ] {
        for (index, module) in (0..).zip(modules) {
            let constant = module.function::<fn() -> i32>("constant").unwrap();
            assert_eq!(constant.call(), Ok(value_of(index)));
        }
    }
    // Modules may live longer than who made them.
    drop(jit);
    drop(new);
    drop(live);

    let mut jit = Jit::new(emulated(1024), HostFunctions::new());
    for value in 0..200 {
        let module = jit.compile(constant(value), &settings).unwrap();
        let constant = module.function::<fn() -> i32>("constant").unwrap();
        assert_eq!(constant.call(), Ok(value));
    }
    assert_eq!(jit.largest_free(), free);
}

#[test]
fn modules_go_to_the_first_place_that_fits() {
    let mut jit = Jit::new(emulated(4096), HostFunctions::new());
    let settings = Settings::default();
    let first = jit.compile(module(MODULE), &settings).unwrap();
    let second = jit.compile(constant(1), &settings).unwrap();
    let base = first.map().base();
    assert!(second.map().base() > base);
    drop(first);
    // There is more room behind, where it was compiled; it has moved.
    let third = jit.compile(module(MODULE), &settings).unwrap();
    assert_eq!(third.map().base(), base);
    let add = third.function::<fn(u32) -> u32>("add").unwrap();
    for (argument, sum) in SUMS {
        assert_eq!(add.call(argument), Ok(sum));
    }
}

/// However much room there is, either everything works or nothing has changed.
#[test]
fn too_little_memory() {
    let settings = Settings::default();
    let needed = {
        let mut jit = Jit::new(emulated(1 << 16), HostFunctions::new());
        jit.compile(module(MODULE), &settings)
            .unwrap()
            .memory_size()
    };
    for code_size in (0..2 * needed).step_by(16) {
        let mut jit = Jit::new(emulated(code_size), HostFunctions::new());
        let free = jit.largest_free();
        assert_eq!(free, code_size);
        let result = jit.compile(module(MODULE), &settings);
        assert_eq!(
            result.is_ok(),
            code_size >= needed,
            "{code_size}: {result:?}"
        );
        match result {
            Err(JitError::OutOfCodeMemory { needed, available }) => {
                assert!(needed > available && available == free);
            }
            result => drop(result.unwrap()),
        }
        assert_eq!(jit.largest_free(), free);
    }
}

/// A gap that is large enough, but for the alignment.
#[test]
fn too_little_memory_for_the_alignment() {
    let aligned = |alignment| {
        let mut module = constant(1);
        let name = ExternalName::symbol("data");
        let data = DataObject::new(name, DataKind::Writable, alignment, vec![1; 4]);
        module.add_data(data).unwrap();
        module
    };
    let mut jit = Jit::new(emulated(4096 + 256), HostFunctions::new());
    let settings = Settings::default();
    assert!(jit.compile(aligned(2048), &settings).is_ok());
    let _first = jit.compile(constant(0), &settings).unwrap();
    let free = jit.largest_free();
    let error = jit.compile(aligned(4096), &settings).unwrap_err();
    assert!(matches!(error, JitError::OutOfCodeMemory { .. }), "{error}");
    assert_eq!(jit.largest_free(), free);
}

/// What is given up half way leaves nothing behind.
#[test]
fn modules_that_are_not_finished() {
    let mut jit = Jit::new(emulated(4096), HostFunctions::new());
    let free = jit.largest_free();
    let mut builder = jit.builder(&Settings::default()).unwrap();
    let (functions, _) = constant(1).into_definitions();
    for (function, _) in functions {
        builder.add_function(function, Linkage::Local).unwrap();
    }
    drop(builder);
    assert_eq!(jit.largest_free(), free);
    let error = jit.compile(
        module("function %f() {\n    fn0 = %nobody()\nblock0:\n    call fn0()\n    return\n}"),
        &Settings::default(),
    );
    assert!(matches!(error, Err(JitError::UnknownImports(_))));
    assert_eq!(jit.largest_free(), free);
    let module = jit.compile(Module::new(), &Settings::default()).unwrap();
    assert_eq!(module.map().symbols(), []);
}

#[test]
fn a_stack_overflow_is_a_store_outside_of_the_memory() {
    let text = "function %deep(i32) -> i32 {
    ss0 = explicit_slot 64
    fn0 = %deep(i32) -> i32
block0(v0: i32):
    v1 = stack_addr.i32 ss0
    store v0, v1
    v2 = call fn0(v0)
    v3 = load.i32 v1
    v4 = iadd v2, v3
    return v4
}";
    let mut jit = Jit::new(emulated(4096), HostFunctions::new());
    let loaded = jit.compile(module(text), &Settings::default()).unwrap();
    let deep = loaded.function::<fn(i32) -> i32>("deep").unwrap();
    for _ in 0..2 {
        let Err(EmulatorError::Stopped { pc, .. }) = deep.call(1) else {
            panic!("no overflow");
        };
        assert_eq!(
            loaded.locate(pc).unwrap().function,
            &ExternalName::symbol("deep")
        );
        assert_ne!(loaded.trap_at(pc), Some(TrapCode::INTEGER_OVERFLOW));
    }
}
