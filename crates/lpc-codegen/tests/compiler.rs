//! A compiler that compiles one function after the other.

use lpc_codegen::{Compiler, OptLevel, RegallocAlgorithm, Settings, compile_function};
use lpc_lpir::text::parse_module;
use std::fs;
use std::path::Path;

/// What is left of one function, large or small, changes nothing about the next.
#[test]
fn memory_that_is_kept_changes_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let modules = ["sha256.clif", "gcd.clif", "mandelbrot.clif", "crc32.clif"]
        .map(|name| parse_module(&fs::read_to_string(folder.join(name)).unwrap()).unwrap());
    for regalloc in RegallocAlgorithm::ALL {
        let settings = Settings {
            opt_level: OptLevel::Speed,
            regalloc,
            ..Settings::default()
        };
        let mut compiler = Compiler::new();
        for module in modules.iter().chain(&modules) {
            for (_, func) in module.functions() {
                let expected = compile_function(func, &settings).unwrap();
                let borrowed = compiler.compile(func, &settings).unwrap();
                assert_eq!(borrowed.code, expected.code, "{func}");
                let owned = compiler.compile_owned(func.clone(), &settings).unwrap();
                assert_eq!((owned.name, owned.code), (expected.name, expected.code));
            }
        }
    }
}
