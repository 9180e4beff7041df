//! The compilers, each with one choice of level and allocator.

use super::corpus::BothForms;
use super::cranelift::Cranelift;
use cpu_time::ThreadTime;
use lpc_codegen::{
    Compiler, OptLevel, Settings, allocate_registers, emit_function, lower_function,
};
use peakmem_alloc::PeakMemAllocTrait;
use std::hint::black_box;
use std::time::Duration;

/// The candidates, by their position in [`Candidates::all`].
pub(super) const NAMES: [&str; 7] = [
    "lpc none, single_pass",
    "lpc speed, adaptive",
    "lpc size, Ion",
    "Cranelift none, single_pass",
    "Cranelift none, backtracking",
    "Cranelift speed, single_pass",
    "Cranelift speed, backtracking",
];

/// Ours and theirs with a single-pass allocator: the fastest of both.
pub(super) const FAST: Pair = Pair { ours: 0, theirs: 3 };

/// The best of ours, which backtracks where values have to be spilled, and theirs with a backtracking allocator.
pub(super) const ION: Pair = Pair { ours: 1, theirs: 4 };

/// Both with a backtracking allocator for every function.
pub(super) const ALWAYS_ION: Pair = Pair { ours: 2, theirs: 4 };

/// Our single-pass allocator, whose code is about as good as that of a backtracking one, beside theirs that backtracks.
pub(super) const FAST_BESIDE_BACKTRACKING: Pair = Pair { ours: 0, theirs: 4 };

/// Ours, of which is known what each pass takes.
pub(super) const OURS: [usize; 3] = [FAST.ours, ION.ours, ALWAYS_ION.ours];

/// The passes of ours: lowering with the analyses and the block order that it needs, register allocation, emission.
pub(super) const PASSES: [&str; 3] = ["lower", "allocate registers", "emit"];

/// Why no candidate fails while it is measured: one that gives up early would be the fastest.
const SUPPORTED: &str = "the corpora have only functions that every candidate compiles";

/// Two candidates that are compared.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) ours: usize,
    pub(super) theirs: usize,
}

/// What compiling one function takes.
#[derive(Clone, Copy, Default)]
pub(super) struct Heap {
    /// The most bytes at a time, of the function and all that is made while it is compiled, its code included.
    pub(super) peak: usize,
    /// As `peak`, of a function that was there before and stays.
    pub(super) without_ir: usize,
}

/// A compiler with its settings and the memory that it keeps between functions.
pub(super) enum Candidate {
    Lpc(Box<Compiler>, Settings),
    Cranelift(Box<Cranelift>),
}

impl Candidate {
    /// One for each of [`NAMES`].
    pub(super) fn all() -> [Self; NAMES.len()] {
        let lpc = |opt_level: OptLevel| Self::Lpc(Box::default(), Settings::for_level(opt_level));
        let cranelift =
            |opt_level, regalloc| Self::Cranelift(Box::new(Cranelift::new(opt_level, regalloc)));
        [
            lpc(OptLevel::None),
            lpc(OptLevel::Speed),
            lpc(OptLevel::Size),
            cranelift("none", "single_pass"),
            cranelift("none", "backtracking"),
            cranelift("speed", "single_pass"),
            cranelift("speed", "backtracking"),
        ]
    }

    /// The processor time that compiling `function` once takes: from the function in memory to bytes with relocations. What is
    /// made is given back outside of the time.
    pub(super) fn time(&mut self, function: &BothForms) -> Duration {
        match self {
            Self::Lpc(compiler, settings) => {
                let start = ThreadTime::now();
                let compiled = compiler.compile(&function.ours, settings);
                let time = start.elapsed();
                black_box(compiled.expect(SUPPORTED));
                time
            }
            Self::Cranelift(cranelift) => {
                cranelift.load(function.theirs.clone());
                let start = ThreadTime::now();
                let size = cranelift.compile();
                let time = start.elapsed();
                black_box(size.expect(SUPPORTED));
                time
            }
        }
    }

    /// The processor time that each of our [`PASSES`] takes for `function`, one after the other.
    pub(super) fn time_passes(&self, function: &BothForms) -> Option<[Duration; PASSES.len()]> {
        let Self::Lpc(_, settings) = self else {
            return None;
        };
        let start = ThreadTime::now();
        let vcode = lower_function(&function.ours, settings).expect(SUPPORTED);
        let lowered = start.elapsed();
        let allocation = allocate_registers(&vcode, settings).expect(SUPPORTED);
        let allocated = start.elapsed();
        let code = emit_function(vcode, &allocation, settings).expect(SUPPORTED);
        let emitted = start.elapsed();
        black_box(&code);
        Some([lowered, allocated - lowered, emitted - allocated])
    }

    /// What compiling `function` takes of the heap, by a compiler that keeps nothing of other functions.
    pub(super) fn heap(&mut self, function: &BothForms, heap: &dyn PeakMemAllocTrait) -> Heap {
        match self {
            Self::Lpc(compiler, settings) => {
                **compiler = Compiler::new();
                heap.reset_peak_memory();
                let compiled = compiler.compile(&function.ours, settings);
                let without_ir = heap.get_peak_memory();
                drop(compiled.expect(SUPPORTED));
                **compiler = Compiler::new();
                heap.reset_peak_memory();
                let compiled = compiler.compile_owned(function.ours.clone(), settings);
                let peak = heap.get_peak_memory();
                drop(compiled.expect(SUPPORTED));
                Heap { peak, without_ir }
            }
            Self::Cranelift(cranelift) => {
                cranelift.forget();
                cranelift.load(function.theirs.clone());
                heap.reset_peak_memory();
                cranelift.compile().expect(SUPPORTED);
                let without_ir = heap.get_peak_memory();
                cranelift.forget();
                heap.reset_peak_memory();
                cranelift.load(function.theirs.clone());
                cranelift.compile().expect(SUPPORTED);
                let peak = heap.get_peak_memory();
                cranelift.forget();
                Heap { peak, without_ir }
            }
        }
    }
}
