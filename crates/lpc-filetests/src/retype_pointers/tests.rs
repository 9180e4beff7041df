use super::parse_and_retype;
use lpc_lpir::text::Outcome;
use lpc_lpir::verifier::verify_function;

/// What the functions of `text` become, one after the other.
fn retyped(text: &str) -> String {
    let file = parse_and_retype(text).unwrap();
    let functions = file
        .functions
        .iter()
        .map(|function| match &function.outcome {
            Outcome::Parsed(parsed) => {
                assert_eq!(verify_function(&parsed.function), Ok(()));
                parsed.function.to_string()
            }
            Outcome::Skipped(reason) => format!("{}: {}\n", function.name, reason.message),
        });
    functions.collect()
}

#[test]
fn addresses_are_retyped_and_data_are_not() {
    let text = "function %f(i64, i64) -> i64 {
    ss0 = explicit_slot 16
block0(v0: i64, v1: i64):
    v2 = stack_addr.i64 ss0
    v3 = iconst.i64 0xffff_fff8
    v4 = isub v2, v3
    v5 -> v4
    brif v1, block1(v2), block1(v5)
block1(v6: i64):
    store v0, v6
    v7 = load.i64 v4
    return v7
}
";
    let expected = "function %f(i64, i64) -> i64 fast {
    ss0 = explicit_slot 16

block0(v0: i64, v1: i64):
    v2 = stack_addr.i32 ss0
    v3 = iconst.i32 -8
    v4 = isub v2, v3  ; v3 = -8
    v5 -> v4
    brif v1, block1(v2), block1(v5)

block1(v6: i32):
    store.i64 v0, v6
    v7 = load.i64 v4
    return v7
}
";
    assert_eq!(retyped(text), expected);
}

#[test]
fn parameters_and_results_are_retyped_in_all_functions() {
    let text = "function %next(i64, i64 vmctx) -> i64, i64 {
block0(v0: i64, v1: i64):
    v2 = load.i64 v1
    return v0, v2
}

function %caller(i64 vmctx) -> i64 {
    gv0 = vmctx
    gv1 = iadd_imm.i64 gv0, 8
    gv2 = load.i32 notrap aligned gv1
    fn0 = %next(i64, i64 vmctx) -> i64, i64
    ss0 = explicit_slot 8
block0(v0: i64):
    v1 = stack_addr.i64 ss0
    v2, v3 = call fn0(v1, v0)
    return v3
}
";
    let expected = "function %next(i32, i32 vmctx) -> i32, i64 fast {
block0(v0: i32, v1: i32):
    v2 = load.i64 v1
    return v0, v2
}
function %caller(i32 vmctx) -> i64 fast {
    ss0 = explicit_slot 8
    gv0 = vmctx
    gv1 = iadd_imm.i32 gv0, 8
    gv2 = load.i32 notrap aligned gv1
    sig0 = (i32, i32 vmctx) -> i32, i64 fast
    fn0 = %next sig0

block0(v0: i32):
    v1 = stack_addr.i32 ss0
    v2, v3 = call fn0(v1, v0)
    return v3
}
";
    assert_eq!(retyped(text), expected);
}

#[test]
fn callers_through_an_address_agree_with_the_functions_they_may_call() {
    let text = "function %get(i64) -> i8 {
block0(v0: i64):
    v1 = load.i8 v0
    return v1
}

function %address() -> i64 {
    fn0 = %get(i64) -> i8
block0:
    v0 = func_addr.i64 fn0
    return v0
}

function %call(i64, i64) -> i8 {
    sig0 = (i64) -> i8
block0(v0: i64, v1: i64):
    v2 = call_indirect sig0, v0(v1)
    return v2
}
";
    let retyped = retyped(text);
    for signature in [
        "function %get(i32) -> i8",
        "function %address() -> i32",
        "function %call(i32, i32) -> i8",
        "sig0 = (i32) -> i8",
    ] {
        assert!(retyped.contains(signature), "{signature}\n{retyped}");
    }
    assert!(!retyped.contains("i64"), "{retyped}");
}

#[test]
fn extensions_to_an_address_go_away() {
    let text = "function %f(i32) -> i32 {
block0(v0: i32):
    v1 = uextend.i64 v0
    v2 = load.i32 v1+4
    return v2
}
";
    let expected = "function %f(i32) -> i32 fast {
block0(v0: i32):
    v1 -> v0
    v2 = load.i32 v1+4
    return v2
}
";
    assert_eq!(retyped(text), expected);
}

/// Checks why the address `v0` of a function with the instructions `insts` cannot be retyped.
fn check_obstacle(insts: &str, obstacle: &str) {
    let text = format!(
        "function %f() {{
    ss0 = explicit_slot 16
    fn0 = %elsewhere(i64)
block0:
    v0 = stack_addr.i64 ss0
    {insts}
    return
}}
"
    );
    let expected = format!("%f: an address of type i64, which {obstacle}\n");
    assert_eq!(retyped(&text), expected);
}

#[test]
fn what_is_no_plain_retyping_is_skipped() {
    check_obstacle("store v0, v0", "`store` takes");
    check_obstacle("v1 = clz v0", "`clz` takes");
    check_obstacle("v1 = ireduce.i8 v0", "`ireduce` takes");
    check_obstacle("v1 = load.i64 v0\n v2 = iadd v0, v1", "`load` gives");
    check_obstacle(
        "v1 = iconst.i16 1\n v2 = uextend.i64 v1\n v3 = iadd v0, v2",
        "`uextend` gives",
    );
    check_obstacle(
        "v1 = iconst.i64 0x1_0000_0000\n v2 = iadd v0, v1",
        "is too large",
    );
    check_obstacle("call fn0(v0)", "%elsewhere takes or gives");
}

#[test]
fn functions_that_share_a_class_are_skipped_together() {
    let text = "function %f(i64) -> i64 {
block0(v0: i64):
    v1 = popcnt v0
    return v1
}

function %g() -> i64 {
    fn0 = %f(i64) -> i64
    ss0 = explicit_slot 8
block0:
    v0 = stack_addr.i64 ss0
    v1 = call fn0(v0)
    return v1
}
";
    let expected = "%f: an address of type i64, which `popcnt` takes
%g: an address of type i64, which `popcnt` takes
";
    assert_eq!(retyped(text), expected);
}
