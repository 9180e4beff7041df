//! From a seed to a program.

use super::TestProgram;
use lpc_lpir::ir::{DataValue, ExternalName, Type};
use lpc_lpir::text::parse_module;

/// The program number `index` of those that `seed` gives, with `inputs` calls. The same numbers give the same program.
pub fn generate(seed: u64, index: u64, inputs: usize) -> TestProgram {
    let mut random = fastrand::Rng::with_seed(seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let text = "function %f(i32) -> i32 {
block0(v0: i32):
    v1 = iadd v0, v0
    return v1
}";
    TestProgram {
        module: parse_module(text).expect("the text is a module"),
        entry: ExternalName::symbol("f"),
        inputs: (0..inputs)
            .map(|_| vec![DataValue::from_signed(Type::I32, random.i128(..))])
            .collect(),
    }
}
