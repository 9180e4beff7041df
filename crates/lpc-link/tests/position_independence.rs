//! Linked code does not depend on its address: it can be written through one and executed at another.

use lpc_codegen::backend::regalloc::RegallocAlgorithm;
use lpc_codegen::{Settings, compile_module};
use lpc_link::Linker;
use lpc_lpir::ir::ExternalName;
use lpc_lpir::text::parse_module;

/// Calls, addresses of functions, a jump table and a routine of the runtime.
const MODULE: &str = "
function %calls(i32, i64) -> i64 {
    sig0 = (i32, i64) -> i64
    fn0 = %calls sig0
    fn1 = %table sig0

block0(v0: i32, v1: i64):
    v2 = func_addr.i32 fn0
    v3 = func_addr.i32 fn1
    v4 = select v0, v2, v3
    v5 = call_indirect sig0, v4(v0, v1)
    v6 = call fn1(v0, v5)
    v7 = udiv v6, v1
    return v7
}

function %table(i32, i64) -> i64 {
block0(v0: i32, v1: i64):
    br_table v0, block1, [block2, block3, block4, block1, block2, block3]

block1:
    v2 = iconst.i64 0x1234_5678_9abc_def0
    return v2

block2:
    v3 = iadd v1, v1
    return v3

block3:
    v4 = imul v1, v1
    return v4

block4:
    return v1
}
";

#[test]
fn the_same_bytes_at_any_address() {
    let module = parse_module(MODULE).unwrap();
    let none = |_: &ExternalName| None;
    for regalloc in RegallocAlgorithm::ALLOCATORS {
        let settings = Settings {
            regalloc,
            ..Settings::default()
        };
        let compiled = compile_module(&module, &settings).unwrap();
        let link = |base| {
            let mut linker = Linker::new();
            for function in &compiled.functions {
                linker
                    .add_function(&function.name, &function.code.buffer)
                    .unwrap();
            }
            linker.link(base, &none).unwrap()
        };
        let image = link(0);
        assert!(!image.bytes().is_empty());
        for base in [0x1000, 0x4080_0000, 0xffff_0000] {
            assert_eq!(image.bytes(), link(base).bytes(), "{regalloc:?}, {base:#x}");
        }
    }
}
