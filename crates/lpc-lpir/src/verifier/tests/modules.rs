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
fn a_wrong_declaration_is_shown_with_its_first_use() {
    let module = parse_module(
        "; import: %putchar(i32) system_v
        ; import: data %errno
        ; data: %table = { i32 1 }
        function %caller(i32) {
            fn0 = %putchar(i32) system_v
            fn1 = %putchar(i32 uext) system_v
            fn2 = %putchar(i32) -> i32 system_v
            fn3 = %errno()
            fn4 = %table()
            fn5 = %unknown(i32)
        block0(v0: i32):
            call fn0(v0)
            call fn1(v0)
            v1 = call fn2(v0)
            v2 = func_addr.i32 fn3
            call fn4()
            v3 = func_addr.i32 fn3
            return
        }",
    )
    .unwrap();
    assert_eq!(
        verify_module(&module).unwrap_err().to_string(),
        "%caller: fn1 (call fn1(v0)): %putchar is declared with signature (i32 uext) system_v, but imported with (i32) system_v\n\
         %caller: fn2 (v1 = call fn2(v0)): %putchar is declared with signature (i32) -> i32 system_v, but imported with (i32) system_v\n\
         %caller: fn3 (v2 = func_addr.i32 fn3): %errno is declared as a function, but imported as data\n\
         %caller: fn4 (call fn4()): %table is declared as a function, but defined as data"
    );
}

#[test]
fn symbols_may_be_functions_data_and_imports() {
    let module = parse_module(
        "; import: %putchar(i32) system_v
        ; import: data %errno
        ; data: %table = { i32 1 }
        function %f() {
            gv0 = symbol colocated %table+4
            gv1 = symbol %errno-8
            gv2 = symbol %putchar
            gv3 = symbol %f
            gv4 = symbol %unknown
        block0:
            v0 = symbol_value.i32 gv0
            v1 = symbol_value.i32 gv1
            v2 = symbol_value.i32 gv2
            v3 = symbol_value.i32 gv3
            v4 = symbol_value.i32 gv4
            return
        }",
    )
    .unwrap();
    assert_eq!(verify_module(&module), Ok(()));
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
