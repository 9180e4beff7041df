//! What a module takes in the heap while it is compiled function by function: tables, and not its code.

use lpc_codegen::Settings;
use lpc_jit::{HostFunctions, Jit, RamMemory};
use lpc_lpir::ir::Linkage;
use lpc_lpir::text::parse_functions;
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const CODE_SIZE: usize = 4 << 20;

/// A function of a few hundred bytes.
fn text(number: usize) -> String {
    let mut text = format!("function %f{number}(i32, i32) -> i32 {{\nblock0(v0: i32, v1: i32):\n");
    for value in 2..130 {
        let (a, b) = (value - 1, value - 2);
        text += &format!("    v{value} = imul v{a}, v{b}\n");
    }
    text + "    return v129\n}\n"
}

/// The bytes of heap that are taken at once at most for a module of so many functions, and the bytes that it takes itself.
fn measure(functions: usize) -> (usize, usize) {
    let ram = Box::leak(vec![0; CODE_SIZE].into_boxed_slice());
    #[expect(
        unsafe_code,
        reason = "what matters here is that no memory of the heap is taken for code"
    )]
    // SAFETY: there is nothing here that could execute it.
    let memory = unsafe { RamMemory::new(ram) };
    let mut jit = Jit::new(memory, HostFunctions::new());
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let mut builder = jit.builder(&Settings::default()).unwrap();
    for number in 0..functions {
        let function = parse_functions(&text(number)).unwrap().remove(0);
        builder.add_function(function, Linkage::Export).unwrap();
    }
    let module = builder.finish().unwrap();
    (HEAP.peak_usage() - before, module.memory_size() as usize)
}

#[test]
fn a_module_takes_its_tables_and_not_its_code() {
    // What is taken once is taken.
    measure(10);
    let (small_peak, small_size) = measure(100);
    let (large_peak, large_size) = measure(1_000);
    let heap = (large_peak - small_peak) / 900;
    let code = (large_size - small_size) / 900;
    println!("for each function {heap} bytes of heap, and {code} of code");
    assert!(code > 500, "{code} bytes of code");
    assert!(heap < 300, "{heap} bytes of heap");
}
