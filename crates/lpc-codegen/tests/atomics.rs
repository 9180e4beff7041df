//! Which atomic instructions which machine can do.

use lpc_codegen::{Settings, compile_function};
use lpc_lpir::text::parse_functions;
use lpc_riscv32::ExtensionSet;

/// What compiling the instruction `inst` on a machine with `extensions` says, or nothing if it works. `v0` is an `i32`, `v1`
/// of type `ty`.
fn error(inst: &str, ty: &str, extensions: &str, single_hart: bool) -> Option<String> {
    let text = format!("function %f(i32, {ty}) {{\nblock0(v0: i32, v1: {ty}):\n{inst}\nreturn\n}}");
    let func = parse_functions(&text).unwrap().remove(0);
    let settings = Settings {
        extensions: extensions.parse::<ExtensionSet>().unwrap(),
        single_hart,
        ..Settings::default()
    };
    let result = compile_function(&func, &settings);
    result.err().map(|error| error.to_string())
}

#[test]
fn what_the_machine_lacks_is_named() {
    let without_a = "an atomic access other than a load or store without the A extension or the setting \
                     `single_hart` is not supported";
    let too_wide =
        "an atomic access of more than 32 bits without the setting `single_hart` is not supported";
    for (inst, ty, extensions, expected) in [
        ("v2 = atomic_load.i32 v0", "i32", "rv32i", None),
        ("atomic_store v1, v0", "i8", "rv32i", None),
        (
            "v2 = atomic_rmw.i32 add v0, v1",
            "i32",
            "rv32im",
            Some(without_a),
        ),
        ("v2 = atomic_rmw.i32 add v0, v1", "i32", "rv32i_zaamo", None),
        ("v2 = atomic_rmw.i8 or v0, v1", "i8", "rv32i_zaamo", None),
        (
            "v2 = atomic_rmw.i16 big xor v0, v1",
            "i16",
            "rv32i_zaamo",
            None,
        ),
        (
            "v2 = atomic_rmw.i32 big xchg v0, v1",
            "i32",
            "rv32i_zaamo",
            None,
        ),
        (
            "v2 = atomic_rmw.i8 add v0, v1",
            "i8",
            "rv32i_zaamo",
            Some(without_a),
        ),
        (
            "v2 = atomic_rmw.i32 nand v0, v1",
            "i32",
            "rv32i_zaamo",
            Some(without_a),
        ),
        (
            "v2 = atomic_rmw.i32 big add v0, v1",
            "i32",
            "rv32i_zaamo",
            Some(without_a),
        ),
        (
            "v2 = atomic_cas v0, v1, v1",
            "i32",
            "rv32i_zaamo",
            Some(without_a),
        ),
        (
            "v2 = atomic_rmw.i32 big add v0, v1",
            "i32",
            "rv32i_zalrsc",
            None,
        ),
        ("v2 = atomic_cas v0, v1, v1", "i16", "rv32i_zalrsc", None),
        ("v2 = atomic_load.i64 v0", "i64", "rv32imac", Some(too_wide)),
        ("atomic_store v1, v0", "i128", "rv32imac", Some(too_wide)),
        (
            "v2 = atomic_rmw.i64 add v0, v1",
            "i64",
            "rv32imac",
            Some(too_wide),
        ),
        (
            "v2 = atomic_cas v0, v1, v1",
            "i128",
            "rv32imac",
            Some(too_wide),
        ),
    ] {
        let found = error(inst, ty, extensions, false);
        assert_eq!(found.as_deref(), expected, "{inst} on {extensions}");
        assert_eq!(error(inst, ty, extensions, true), None, "{inst}");
    }
}
