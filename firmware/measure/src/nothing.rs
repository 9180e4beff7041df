//! No compiler: what a program without one takes is no part of what the compiler takes.

use crate::counters::{Compiled, Compiler};
use crate::shapes::{Builder, Operation, Shape};

/// A compiler that compiles nothing, and counts the instructions that it is to build.
pub struct Nothing(u32);

impl Compiler for Nothing {
    type Function = u32;

    fn new() -> Self {
        Self(0)
    }

    fn build(&mut self, shape: Shape, size: u32) -> u32 {
        shape.build(size, self);
        self.0
    }

    fn compile(&mut self, function: u32) -> Compiled {
        Compiled {
            code_size: 0,
            vcode_insts: function,
        }
    }
}

impl Nothing {
    fn count(&mut self) {
        self.0 += 1;
    }
}

impl Builder for Nothing {
    type Value = ();
    type Block = ();
    type Variable = ();

    fn numbers(&mut self) -> [(); 2] {
        [(), ()]
    }

    fn constant(&mut self, _number: i32) {}

    fn binary(&mut self, _operation: Operation, (): (), (): ()) {
        self.count();
    }

    fn is_less(&mut self, (): (), (): ()) {
        self.count();
    }

    fn select(&mut self, (): (), (): (), (): ()) {
        self.count();
    }

    fn load(&mut self, _offset: i32) {
        self.count();
    }

    fn store(&mut self, (): (), _offset: i32) {
        self.count();
    }

    fn call(&mut self, (): (), (): ()) {
        self.count();
    }

    fn declare(&mut self) {}

    fn define(&mut self, (): (), (): ()) {}

    fn read(&mut self, (): ()) {}

    fn block(&mut self) {}

    fn switch_to(&mut self, (): ()) {}

    fn seal(&mut self, (): ()) {}

    fn jump(&mut self, (): ()) {
        self.count();
    }

    fn branch(&mut self, (): (), (): (), (): ()) {
        self.count();
    }

    fn finish(&mut self, (): ()) {
        self.count();
    }
}
