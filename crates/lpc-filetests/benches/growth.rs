//! How the time and the memory of a compilation grow with the size of a program.
//!
//! ```text
//! cargo bench -p lpc-filetests --bench growth [-- SHAPE...]
//! ```
//!
//! For each [`Shape`] and register allocator there is a table with a row for each size: the processor time of each pass divided
//! by the size, the least of several runs, in nanoseconds, and the peak of the heap during compilation, in bytes. The last row is the
//! exponent with which a column grows, a least-squares fit through the logarithms of the sizes and of the totals: 1 is linear
//! growth. A shape is not measured at larger sizes once a run takes [`LONG_RUN`].

use cpu_time::ThreadTime;
use lpc_codegen::backend::regalloc::RegallocAlgorithm;
use lpc_codegen::{CompiledFunction, Settings, allocate_registers, emit_function, lower_function};
use lpc_filetests::stress::built::Construction;
use lpc_filetests::stress::{LargeProgram, Shape};
use lpc_interp::{Interpreter, Limits, NoHost};
use lpc_link::Linker;
use lpc_lpir::ir::{DataValue, ExternalName, Module, Type};
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;
use peak_alloc::PeakAlloc;
use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Runs are repeated until they have taken so long together.
const MEASURING_TIME: Duration = Duration::from_millis(300);

/// A run that takes longer is the last of its shape.
const LONG_RUN: Duration = Duration::from_secs(8);

/// What a table shows, in the order of its columns.
const COLUMNS: [&str; 10] = [
    "parse", "verify", "lower", "allocate", "emit", "link", "write", "run", "sum", "heap",
];
const SUM: usize = COLUMNS.len() - 2;
const HEAP_COLUMN: usize = COLUMNS.len() - 1;

/// The totals of one size, by column.
type Measurement = [f64; COLUMNS.len()];

fn main() {
    // `cargo bench` adds options of its own.
    let wanted: Vec<_> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let shapes = Shape::ALL.into_iter();
    for shape in shapes.filter(|shape| is_wanted(*shape, &wanted)) {
        for regalloc in RegallocAlgorithm::ALLOCATORS {
            print_table(shape, regalloc);
        }
    }
    let constructions = Construction::ALL.into_iter();
    for construction in constructions.filter(|construction| is_wanted(*construction, &wanted)) {
        print_construction(construction);
    }
}

fn is_wanted(shape: impl Debug, wanted: &[String]) -> bool {
    let name = format!("{shape:?}");
    wanted.is_empty()
        || wanted
            .iter()
            .any(|wanted| wanted.eq_ignore_ascii_case(&name))
}

/// The sizes that are measured: each is four times the one before.
fn sizes(largest: u32) -> [u32; 4] {
    [largest / 64, largest / 16, largest / 4, largest]
}

fn print_table(shape: Shape, regalloc: RegallocAlgorithm) {
    println!(
        "{shape:?}, {regalloc:?}: ns and bytes for each of the {}",
        shape.unit()
    );
    print!("{:>10}", shape.unit());
    for column in COLUMNS {
        print!("{column:>10}");
    }
    println!();
    let mut rows = Vec::new();
    for size in sizes(shape.largest_size()) {
        let (measurement, is_long) = measure(shape, size, regalloc);
        print!("{size:>10}");
        for total in measurement {
            print!("{:>10.0}", total / f64::from(size));
        }
        println!();
        rows.push((f64::from(size), measurement));
        if is_long {
            println!("    (larger sizes take too long)");
            break;
        }
    }
    print!("{:>10}", "exponent");
    for column in 0..COLUMNS.len() {
        let points = rows.iter().map(|(size, totals)| (*size, totals[column]));
        print!("{:>10.2}", exponent(points));
    }
    println!("\n");
}

/// How long it takes to build a function with variables, as [`print_table`] has it.
fn print_construction(construction: Construction) {
    let unit = construction.unit();
    println!("{construction:?}, built: ns and bytes for each of the {unit}");
    println!("{unit:>10}{:>10}{:>10}", "build", "heap");
    let mut rows = Vec::new();
    for size in sizes(construction.largest_size()) {
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        let mut time = f64::INFINITY;
        let start = Instant::now();
        while time.is_infinite() || start.elapsed() < MEASURING_TIME {
            let mut run = 0.0;
            timed(&mut run, || black_box(construction.function(size)));
            time = time.min(run);
        }
        let heap = HEAP.peak_usage().saturating_sub(before) as f64;
        let size = f64::from(size);
        println!("{size:>10}{:>10.0}{:>10.0}", time / size, heap / size);
        rows.push((size, [time, heap]));
    }
    print!("{:>10}", "exponent");
    for column in 0..2 {
        let points = rows.iter().map(|(size, totals)| (*size, totals[column]));
        print!("{:>10.2}", exponent(points));
    }
    println!("\n");
}

/// The least of several runs, and whether one was long.
fn measure(shape: Shape, size: u32, regalloc: RegallocAlgorithm) -> (Measurement, bool) {
    let program = shape.program(size);
    let settings = Settings {
        regalloc,
        linker_relaxation: true,
        ..Settings::default()
    };
    let start = Instant::now();
    let mut least = run(&program, &settings);
    let first = start.elapsed();
    while first < LONG_RUN && start.elapsed() < MEASURING_TIME {
        let next = run(&program, &settings);
        for (least, next) in least.iter_mut().zip(next) {
            *least = least.min(next);
        }
    }
    least[SUM] = least[..SUM].iter().sum();
    (least, first >= LONG_RUN)
}

/// Compiles `text` pass by pass. The peak of the heap is that of verifying and compiling, without the module itself.
fn run(program: &LargeProgram, settings: &Settings) -> Measurement {
    let mut totals = [0.0; COLUMNS.len()];
    let module = timed(&mut totals[0], || parse_module(&program.text).unwrap());
    let heap_before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    timed(&mut totals[1], || verify_module(&module).unwrap());
    let mut functions = Vec::new();
    for (_, func) in module.functions() {
        let vcode = timed(&mut totals[2], || lower_function(func, settings).unwrap());
        let allocation = timed(&mut totals[3], || {
            allocate_registers(&vcode, settings).unwrap()
        });
        let code = timed(&mut totals[4], || {
            emit_function(vcode, &allocation, settings).unwrap()
        });
        let name = func.name.clone();
        functions.push(CompiledFunction::new(name, code));
    }
    timed(&mut totals[5], || link(&functions));
    totals[HEAP_COLUMN] = HEAP.peak_usage().saturating_sub(heap_before) as f64;
    timed(&mut totals[6], || black_box(module.to_string()));
    timed(&mut totals[7], || interpret(&module, program));
    totals
}

/// Executes the first call of `program`.
fn interpret(module: &Module, program: &LargeProgram) {
    let mut interpreter = Interpreter::new(module, Limits::default());
    let name = ExternalName::symbol(program.function);
    let word = |number: &i32| DataValue::from_signed(Type::I32, i128::from(*number));
    let arguments: Vec<_> = program.calls[0].iter().map(word).collect();
    interpreter.call(&name, &arguments, &mut NoHost).unwrap();
}

fn link(functions: &[CompiledFunction]) {
    let mut linker = Linker::new();
    for function in functions {
        linker
            .add_function(&function.name, &function.code.buffer)
            .unwrap();
    }
    linker.link(0, &|_| None).unwrap();
}

/// Adds the nanoseconds that `pass` takes to `total`.
fn timed<T>(total: &mut f64, pass: impl FnOnce() -> T) -> T {
    let start = ThreadTime::now();
    let result = pass();
    *total += start.elapsed().as_nanos() as f64;
    result
}

/// The slope of the line through the logarithms of `points` that is nearest to them.
fn exponent(points: impl Iterator<Item = (f64, f64)>) -> f64 {
    let points: Vec<_> = points.map(|(x, y)| (x.ln(), y.max(1.0).ln())).collect();
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let slope = |(x, y): &(f64, f64)| (x - mean_x) * (y - mean_y);
    let spread = |(x, _): &(f64, f64)| (x - mean_x).powi(2);
    points.iter().map(slope).sum::<f64>() / points.iter().map(spread).sum::<f64>()
}
