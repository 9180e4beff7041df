//! Calls among the functions of a module.

use super::*;

#[test]
fn callees_have_the_signature_that_the_caller_declares() {
    let module = parse_module(
        "function %caller() {
            fn0 = colocated %callee(i32) -> i32
            fn1 = colocated %callee(i8)
            fn2 = %elsewhere(i8)
        block0:
            return
        }
        function %callee(i32) -> i32 {
        block0(v0: i32):
            return v0
        }
        function %wrong() {
        block0:
            v0 = iconst.i32 0
            return v0
        }",
    )
    .unwrap();
    assert_eq!(
        verify_module(&module).unwrap_err().to_string(),
        "%caller: fn1: %callee is declared with signature (i8) fast, but defined with (i32) -> i32 fast\n\
         %wrong: inst1 (return v0): arguments of return must match function signature"
    );
}

#[test]
fn a_right_module() {
    let module = parse_module(
        "function %even(i32) -> i8 system_v {
            fn0 = %odd(i32) -> i8 system_v
        block0(v0: i32):
            v1 = call fn0(v0)
            return v1
        }
        function %odd(i32) -> i8 system_v {
            fn0 = %even(i32) -> i8 system_v
        block0(v0: i32):
            v1 = call fn0(v0)
            return v1
        }",
    )
    .unwrap();
    assert_eq!(verify_module(&module), Ok(()));
}
