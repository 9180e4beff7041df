//! Functions that need what LPIR lacks are skipped by themselves.

use super::super::{Outcome, parse_test};
use alloc::format;
use alloc::string::ToString;

/// Checks that a function is skipped for `reason`, and that the functions around it are read.
fn check(function: &str, reason: &str) {
    let text = format!("function %before() {{}}\n{function}\nfunction %after() {{}}\n");
    let file = match parse_test(&text) {
        Ok(file) => file,
        Err(error) => panic!("{}", error.in_text("text", &text)),
    };
    let [before, skipped, after] = &file.functions[..] else {
        panic!("{} functions in\n{text}", file.functions.len());
    };
    assert!(matches!(before.outcome, Outcome::Parsed(_)));
    assert!(matches!(after.outcome, Outcome::Parsed(_)));
    assert_eq!(after.name.to_string(), "%after");
    let Outcome::Skipped(error) = &skipped.outcome else {
        panic!("not skipped:\n{text}");
    };
    assert_eq!(error.to_string(), reason, "{text}");
}

#[test]
fn by_signature() {
    check(
        "function %f(i32, f32) {}",
        "2:18: type f32 is not supported",
    );
    check(
        "function %f() -> i32x4 {}",
        "2:18: type i32x4 is not supported",
    );
    check(
        "function %f() windows_fastcall {}",
        "2:15: calling convention windows_fastcall",
    );
    check(
        "function %f(i64 vmctx) {}",
        "2:13: an address of type i64: addresses are i32",
    );
}

#[test]
fn by_declaration() {
    for (declaration, reason) in [
        ("const0 = 0x00", "3:1: a constant of a vector"),
        ("region0 = 1 \"heap\"", "3:1: an alias region"),
        ("dt0 = i32x4*gv0", "3:1: a dynamic vector type"),
        (
            "dss0 = explicit_dynamic_slot dt0",
            "3:1: a dynamic stack slot",
        ),
        ("gv0 = symbol tls %x", "3:14: thread-local storage"),
        (
            "gv0 = symbol userextname0",
            "3:14: a reference to a table of external names",
        ),
        (
            "gv0 = dyn_scale_target_const.i32x4",
            "3:7: the scale of a dynamic vector type",
        ),
        ("fn0 = patchable %g()", "3:7: a patchable function"),
        ("fn0 = %g(f64)", "3:10: type f64 is not supported"),
        ("sig0 = () winch", "3:11: calling convention winch"),
        (
            "ss0 = explicit_slot 8, key = 3",
            "3:24: the key of a stack slot",
        ),
    ] {
        check(&format!("function %f() {{\n{declaration}\n}}"), reason);
    }
}

#[test]
fn by_instruction() {
    for (line, reason) in [
        ("v2 = f32const 0x1.0p-3 ; }", "5:6: opcode f32const"),
        ("v2 = vconst.i32x4 [1 2 3 4]", "5:6: opcode vconst"),
        ("v2 = load.f64 v0", "5:11: type f64 is not supported"),
        (
            "v2 = iadd.i8x16 v0, v0",
            "5:11: type i8x16 is not supported",
        ),
        (
            "v2 = stack_addr.i64 ss0",
            "5:17: an address of type i64: addresses are i32",
        ),
        (
            "v2 = load.i8 v1",
            "5:14: an address of type i64: addresses are i32",
        ),
        (
            "store v0, v1+8",
            "5:11: an address of type i64: addresses are i32",
        ),
        (
            "v2 = atomic_cas v1, v0, v0",
            "5:17: an address of type i64: addresses are i32",
        ),
        (
            "call_indirect.i64 sig0, v0()",
            "5:15: an address of type i64: addresses are i32",
        ),
        (
            "call_indirect sig0, v1()",
            "5:21: an address of type i64: addresses are i32",
        ),
        ("v2 = load.i8 region0 v0", "5:14: an alias region"),
        ("<0, 1> nop", "5:1: debug tags"),
        ("call fn0(), stack_map = [i32 @ ss0+0]", "5:11: a stack map"),
        (
            "try_call fn0(), sig0, block1, [ default: block2 ]",
            "5:1: opcode try_call",
        ),
    ] {
        let function = format!(
            "function %f(i32, i64) {{ ss0 = explicit_slot 8\n fn0 = %g()\nblock0(v0: i32, v1: i64):\n{line}\n}}"
        );
        check(&function, reason);
    }
}

#[test]
fn the_end_of_a_skipped_function_is_its_brace_and_not_one_in_a_comment_or_a_name() {
    check(
        "function %f(f32) { ; }\n fn0 = %\"}\"(i32)\nblock0: # ? \" }\n",
        "2:13: type f32 is not supported",
    );
}
