//! The memory of a compilation is known: what it takes is what it reports, a limit is kept, and where there is no memory there is an error.
//!
//! The allocator of this test counts what each thread has, and can fail one allocation, or all from one on. A list that is moved
//! counts twice meanwhile, as on a machine that cannot make it larger where it is.

#![allow(
    unsafe_code,
    reason = "an allocator that fails cannot be written without"
)]

use lpc_codegen::{
    CompileBudget, CompileError, CompiledFunction, Compiler, OptLevel, Pass, RegallocAlgorithm,
    Settings,
};
use lpc_filetests::stress::Shape;
use lpc_fuzz::program::generate;
use lpc_lpir::ir::{Function, Module};
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::{fs, ptr};

struct CountingAllocator;

/// What a thread has taken.
#[derive(Clone, Copy, Default)]
struct Counts {
    live: isize,
    peak: isize,
    allocations: u32,
}

/// Which allocations of a thread fail, counted from now.
#[derive(Clone, Copy)]
enum Fault {
    Never,
    One(u32),
    AllFrom(u32),
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { live: 0, peak: 0, allocations: 0 }) };
    static FAULT: Cell<Fault> = const { Cell::new(Fault::Never) };
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Counts an allocation of `new` bytes, behind which `old` are given back. Whether there is memory for it.
fn allocate(new: usize, old: usize) -> bool {
    let mut counts = COUNTS.get();
    let number = counts.allocations;
    counts.allocations += 1;
    let fails = match FAULT.get() {
        Fault::Never => false,
        Fault::One(failing) => number == failing,
        Fault::AllFrom(first) => number >= first,
    };
    if !fails {
        counts.peak = counts.peak.max(counts.live + new as isize);
        counts.live += new as isize - old as isize;
    }
    COUNTS.set(counts);
    !fails
}

// SAFETY: all memory is that of the system allocator, with the layout that was asked for.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match allocate(layout.size(), 0) {
            // SAFETY: the layout is that of the caller.
            true => unsafe { System.alloc(layout) },
            false => ptr::null_mut(),
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match allocate(size, layout.size()) {
            // SAFETY: pointer and layout are those of the caller, whose memory is that of the system.
            true => unsafe { System.realloc(pointer, layout, size) },
            false => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let mut counts = COUNTS.get();
        counts.live -= layout.size() as isize;
        COUNTS.set(counts);
        // SAFETY: pointer and layout are those of the caller, whose memory is that of the system.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What `work` gives while allocations fail, and what it took; `live` counts from where it starts.
fn measured<R>(fault: Fault, work: impl FnOnce() -> R) -> (R, Counts) {
    COUNTS.set(Counts::default());
    FAULT.set(fault);
    let result = work();
    FAULT.set(Fault::Never);
    (result, COUNTS.get())
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The programs in the files of `folder`, as far as they can be read and are right.
fn programs_in(folder: &Path) -> Vec<Module> {
    let mut programs = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            programs.extend(programs_in(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "clif")
            && let Ok(module) = parse_module(&fs::read_to_string(&path).unwrap())
            && verify_module(&module).is_ok()
        {
            programs.push(module);
        }
    }
    programs
}

/// The size of programs that have much of one thing.
const SIZE_OF_SHAPES: u32 = 60;

/// The examples, the filetests, random programs and those that have much of one thing.
fn corpus() -> Vec<Module> {
    let mut programs = programs_in(&repository().join("examples"));
    programs.extend(programs_in(&repository().join("filetests")));
    assert!(programs.len() > 50);
    programs.extend((0..60).map(|index| generate(0xb0d9e7, index, 1).module));
    for shape in Shape::ALL {
        let text = shape.program(SIZE_OF_SHAPES).text;
        programs.push(parse_module(&text).unwrap());
    }
    programs
}

/// Settings under which everything is compiled with `regalloc`: plain code, nothing extra, and all there is.
fn settings(regalloc: RegallocAlgorithm) -> [Settings; 3] {
    let optimized = Settings {
        regalloc,
        ..Settings::default()
    };
    let plain = Settings {
        opt_level: OptLevel::None,
        ..optimized.clone()
    };
    let full = Settings {
        linker_relaxation: true,
        unwind_info: true,
        value_labels: true,
        ..optimized.clone()
    };
    [plain, optimized, full]
}

/// A compiler with a limit that nothing reaches. Without one, builds with debug assertions check more than is counted.
fn unhindered() -> Compiler {
    limited(usize::MAX - 1)
}

fn limited(max_heap: usize) -> Compiler {
    Compiler::with_budget(CompileBudget::new(max_heap))
}

fn for_each_function(mut judge: impl FnMut(&Function)) {
    for module in &corpus() {
        for (_, func) in module.functions() {
            judge(func);
        }
    }
}

fn is_same(one: &CompiledFunction, other: &CompiledFunction) -> bool {
    one.name == other.name && one.code == other.code
}

/// What is reported is what is taken, by a single pass nearly to the byte; and with that as its limit the function is compiled, with
/// less it is that or refused.
fn limits_are_kept(regalloc: RegallocAlgorithm, most_above: f64) {
    let (mut reported_bytes, mut measured_bytes) = (0, 0);
    for_each_function(|func| {
        for settings in settings(regalloc) {
            let mut compiler = unhindered();
            let (compiled, counts) = measured(Fault::Never, || compiler.compile(func, &settings));
            let Ok(compiled) = compiled else {
                continue;
            };
            let peak = compiled.memory.peak_heap();
            assert!(
                counts.peak as usize <= peak,
                "{}: {} of {peak} bytes",
                func.name,
                counts.peak
            );
            reported_bytes += peak;
            measured_bytes += counts.peak as usize;
            for limit in [
                peak,
                peak - 1,
                peak * 3 / 4,
                peak / 2,
                peak / 4,
                peak / 16,
                0,
            ] {
                let mut compiler = limited(limit);
                let (again, counts) = measured(Fault::Never, || compiler.compile(func, &settings));
                assert!(counts.peak as usize <= limit, "{}: {limit}", func.name);
                match again {
                    Ok(again) => assert!(is_same(&again, &compiled), "{}", func.name),
                    Err(CompileError::OverBudget { needed, .. }) => {
                        assert!(limit < peak && needed > limit);
                        assert_eq!(counts.live, 0, "{}: {limit}", func.name);
                    }
                    Err(error) => panic!("{}: {error}", func.name),
                }
                assert!(limit > 0 || counts.allocations == 0);
            }
        }
    });
    let above = reported_bytes as f64 / measured_bytes as f64;
    println!("{regalloc:?}: {measured_bytes} bytes taken, {above:.3} times that reported");
    assert!(above <= most_above, "{above}");
}

#[test]
fn limits_are_kept_in_a_single_pass() {
    limits_are_kept(RegallocAlgorithm::SinglePass, 1.05);
}

#[test]
fn limits_are_kept_with_ion() {
    limits_are_kept(RegallocAlgorithm::Ion, 6.0);
}

#[test]
fn limits_are_kept_adaptively() {
    limits_are_kept(RegallocAlgorithm::Adaptive, 6.0);
}

/// The most allocations that fail for one function, one after the other; where there are more they are spread over all. Release builds fail
/// each.
const MOST_FAULTS: u32 = match cfg!(debug_assertions) {
    true => 20,
    false => u32::MAX,
};

/// Compiles `func` by `compiler` while each allocation that it makes fails, once by itself and once with all that follow. The result is the code of
/// `expected` or that there is no memory, and the next one is that code. `judge` looks at what is left behind. The number of faults.
fn fail_allocations(
    func: &Function,
    settings: &Settings,
    expected: &CompiledFunction,
    mut compiler: impl FnMut() -> Compiler,
    judge: impl Fn(Counts),
) -> u32 {
    let mut tested = compiler();
    let (_, counts) = measured(Fault::Never, || tested.compile(func, settings).map(drop));
    let step = counts.allocations.div_ceil(MOST_FAULTS).max(1) as usize;
    let mut faults = 0;
    for number in (0..counts.allocations).step_by(step) {
        for fault in [Fault::One(number), Fault::AllFrom(number)] {
            faults += 1;
            let mut compiler = compiler();
            let (failed, counts) = measured(fault, || {
                let result = compiler.compile(func, settings);
                result
                    .inspect(|again| assert!(is_same(again, expected)))
                    .err()
            });
            match failed {
                // Memory that would only have been saved.
                None => {}
                Some(CompileError::OutOfMemory { size, .. }) => assert!(size > 0),
                Some(error) => panic!("{}: {error}", func.name),
            }
            judge(counts);
            let again = compiler.compile(func, settings).unwrap();
            assert!(is_same(&again, expected), "{}: {number}", func.name);
        }
    }
    faults
}

/// Allocations inside regalloc2 abort: functions that are given to Ion are left out.
fn each_allocation_may_fail(regalloc: RegallocAlgorithm) {
    let mut faults = 0;
    for_each_function(|func| {
        for settings in settings(regalloc) {
            match unhindered().compile(func, &settings) {
                Ok(compiled)
                    if compiled.code.stats.regalloc == Some(RegallocAlgorithm::SinglePass) =>
                {
                    faults += fail_allocations(func, &settings, &compiled, unhindered, |counts| {
                        assert_eq!(counts.live, 0, "{}", func.name);
                    });
                }
                _ => {}
            }
        }
    });
    println!("{regalloc:?}: {faults} allocations have failed");
    assert!(faults > 10_000, "{faults}");
}

#[test]
fn each_allocation_may_fail_in_a_single_pass() {
    each_allocation_may_fail(RegallocAlgorithm::SinglePass);
}

#[test]
fn each_allocation_may_fail_adaptively() {
    each_allocation_may_fail(RegallocAlgorithm::Adaptive);
}

/// A compiler without a limit that has compiled the functions of an example, whose memory it keeps.
fn with_kept_memory(example: &Module, settings: &Settings) -> Compiler {
    let mut compiler = Compiler::new();
    for (_, func) in example.functions() {
        compiler.compile(func, settings).unwrap();
    }
    compiler
}

/// Without a limit the compiler keeps memory, and goes on with what it has.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "builds with debug assertions check code that is compiled without a limit, and the checks abort where there is no memory"
)]
fn a_compiler_with_kept_memory_is_usable_after_a_fault() {
    let example = fs::read_to_string(repository().join("examples/sieve.clif")).unwrap();
    let example = parse_module(&example).unwrap();
    let [_, settings, _] = settings(RegallocAlgorithm::SinglePass);
    let (mut fresh_allocations, mut allocations) = (0, 0);
    for (_, func) in example.functions() {
        let (fresh, counts) = measured(Fault::Never, || Compiler::new().compile(func, &settings));
        let fresh = fresh.unwrap();
        fresh_allocations += counts.allocations;
        let mut compiler = with_kept_memory(&example, &settings);
        let (_, counts) = measured(Fault::Never, || compiler.compile(func, &settings).map(drop));
        allocations += counts.allocations;
        let kept = || with_kept_memory(&example, &settings);
        let faults = fail_allocations(func, &settings, &fresh, kept, |_| {});
        assert_eq!(faults, 2 * counts.allocations);
    }
    assert!(
        allocations < fresh_allocations,
        "{allocations} of {fresh_allocations}"
    );
}

#[test]
fn every_pass_reports_its_peak() {
    let example = fs::read_to_string(repository().join("examples/sha256.clif")).unwrap();
    let module = parse_module(&example).unwrap();
    let [_, settings, _] = settings(RegallocAlgorithm::SinglePass);
    for (_, func) in module.functions() {
        let memory = unhindered().compile(func, &settings).unwrap().memory;
        let peaks = Pass::ALL.map(|pass| memory.peak_heap_of(pass));
        assert_eq!(peaks.iter().copied().max(), Some(memory.peak_heap()));
        assert!(
            peaks.iter().all(|&peak| peak > 0),
            "{}: {peaks:?}",
            func.name
        );
    }
}
