//! The passes of the compiler, one by one.

use crate::lpc;
use lpc_codegen::{Settings, allocate_registers, emit_function, lower_function};
use measure::{Compiled, Shape};

/// The size of the functions, in instructions.
const SIZE: u32 = 1_000;

/// Why no pass fails.
const SIMPLE: &str = "functions to measure with are simple";

/// Measures each pass, for functions of all shapes, as [`measure::measure`] does: what comes in front of it counts as building.
pub(crate) fn run() {
    for shape in Shape::ALL {
        let build = || lpc::build(shape, SIZE);
        let lower = |function| lower_function(&function, &lpc::fast()).ok().expect(SIMPLE);
        let allocate = |vcode, settings: &Settings| {
            let allocation = allocate_registers(&vcode, settings).ok().expect(SIMPLE);
            (vcode, allocation)
        };
        let name = shape.name();
        measure::measure("lower", name, SIZE, build, |function| {
            drop(lower(function));
            Compiled::default()
        });
        for (pass, settings) in [
            ("allocate in a single pass", lpc::fast()),
            ("allocate by Ion", lpc::ion()),
        ] {
            let lowered = || lower(build());
            measure::measure(pass, name, SIZE, lowered, |vcode| {
                drop(allocate(vcode, &settings));
                Compiled::default()
            });
        }
        let allocated = || allocate(lower(build()), &lpc::fast());
        measure::measure("emit", name, SIZE, allocated, |(vcode, allocation)| {
            drop(emit_function(vcode, &allocation, &lpc::fast()));
            Compiled::default()
        });
    }
}
