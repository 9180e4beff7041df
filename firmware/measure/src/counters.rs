//! What compiling takes: executed instructions, heap and stack.

use crate::shapes::Shape;
use board::{counters, heap, println, stack};

/// The sizes of functions, in instructions.
const SIZES: [u32; 3] = [100, 1_000, 10_000];

/// A compiler with its settings.
pub trait Compiler {
    /// A function in its intermediate representation.
    type Function;

    /// A compiler that has not compiled anything.
    fn new() -> Self;

    /// Builds a function.
    fn build(&mut self, shape: Shape, size: u32) -> Self::Function;

    /// Compiles a function.
    fn compile(&mut self, function: Self::Function) -> Compiled;
}

/// What came of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Compiled {
    /// The bytes of its code.
    pub code_size: u32,
    /// The instructions of virtual-register code, where the compiler tells.
    pub vcode_insts: u32,
}

/// Lets a compiler that is called `name` compile functions of all shapes and sizes, each a new one, as [`measure`] does.
pub fn run<C: Compiler>(name: &str) {
    for shape in Shape::ALL {
        for size in SIZES {
            let build = || {
                let mut compiler = C::new();
                let function = compiler.build(shape, size);
                (compiler, function)
            };
            let compile = |(mut compiler, function): (C, C::Function)| compiler.compile(function);
            measure(name, shape.name(), size, build, compile);
        }
    }
}

/// Builds the function or program `function`, which is to have `size` instructions, and lets a compiler that is called `name` compile
/// it. Prints what that takes, as a line of JSON.
pub fn measure<F>(
    name: &str,
    function: &str,
    size: u32,
    build: impl FnOnce() -> F,
    compile: impl FnOnce(F) -> Compiled,
) {
    let heap_before = heap::usage().current;
    heap::reset_peak();
    let start = counters::instructions();
    let built = build();
    let build = counters::instructions() - start;
    let ir = heap::usage().current - heap_before;

    let ((compiled, compile), stack) = stack::measure(|| {
        let start = counters::instructions();
        let compiled = compile(built);
        (compiled, counters::instructions() - start)
    });
    let heap = heap::usage().peak - heap_before;
    let Compiled {
        code_size,
        vcode_insts,
    } = compiled;
    println!(
        "{{\"compiler\":\"{name}\",\"function\":\"{function}\",\"size\":{size},\"vcode_insts\":{vcode_insts},\
         \"code_size\":{code_size},\"build\":{build},\"compile\":{compile},\"ir\":{ir},\"heap\":{heap},\"stack\":{stack}}}"
    );
}
