//! Mistakes, and what is said about them.

use super::super::{parse_functions, parse_module};
use super::parse_error;
use alloc::format;
use alloc::string::ToString;

/// Checks the error of a function whose body is `body`; line 1 holds its header, where `v0: i32` and `v1: i8` are defined in
/// line 4.
fn check(body: &str, expected: &str) {
    let text = format!(
        "function %f(i32, i8) {{ ss0 = explicit_slot 8\n fn0 = %g(i32) -> i32\n sig5 = ()\nblock0(v0: i32, v1: i8):\n{body}\n}}\n"
    );
    assert_eq!(parse_error(&text).to_string(), expected, "{text}");
}

#[test]
fn in_instructions() {
    for (body, expected) in [
        (
            "v2 = iadd v0",
            "6:1: expected `,` after the operand, found `}`",
        ),
        ("v2 = iadd v0,", "6:1: expected an operand, found `}`"),
        ("v2 = iadd v0, 5", "5:15: expected an operand, found `5`"),
        ("v2 = iadd v0, v7", "5:15: undefined value v7"),
        (
            "v2 = iadd v7, v0\nv7 = ineg v0",
            "5:6: `iadd` needs a type here, as in `iadd.i32`: its operand is not defined yet",
        ),
        (
            "v2 = iadd v7, v0\nv6, v7 = uadd_overflow v0, v0",
            "5:6: `iadd` needs a type here, as in `iadd.i32`: its operand is not defined yet",
        ),
        (
            "v2 = iadd v2, v0",
            "5:6: `iadd` needs a type here, as in `iadd.i32`: its operand is not defined yet",
        ),
        ("v2 = iadd v7, v0", "5:11: undefined value v7"),
        (
            "v2 = iadd v7, v0\nreturn v7\nv3 = ineg v0",
            "5:11: undefined value v7",
        ),
        (
            "jump block4294967295",
            "5:6: the number of `block4294967295` is too large",
        ),
        ("v2 = iadd.i32 v7, v0", "5:15: undefined value v7"),
        (
            "v2 = iadd.i33 v0, v0",
            "5:11: expected a type after `.`, found `i33`",
        ),
        (
            "v2 = iadd. v0, v0",
            "5:12: expected a type after `.`, found `v0`",
        ),
        (
            "v2 = isplit v1",
            "5:6: `isplit` cannot be of type i8, only of i16, i32, i64, i128",
        ),
        (
            "v2 = uextend.i8 v1",
            "5:14: `uextend` cannot be of type i8, only of i16, i32, i64, i128",
        ),
        (
            "v2 = uextend v1",
            "5:6: `uextend` needs a type, as in `uextend.i32`",
        ),
        ("jump.i32 block0", "5:6: `jump` takes no type"),
        ("v2 = frob v0", "5:6: unknown opcode `frob`"),
        (
            "v2 v3 = iadd v0, v0",
            "5:4: expected `=` after the results, found `v3`",
        ),
        ("v2 = = iadd v0, v0", "5:6: expected an opcode, found `=`"),
        (
            "v2, v3 = iadd v0, v0",
            "5:10: `iadd` gives 1 results, not 2",
        ),
        ("iadd v0, v0", "5:1: `iadd` gives 1 results, not 0"),
        (
            "v2 = call fn0(v0)\nv3, v4 = call fn0(v0)",
            "6:10: `call` gives 1 results, not 2",
        ),
        ("v0 = ineg v0", "5:1: v0 is defined twice"),
        ("v2, v2 = uadd_overflow v0, v0", "5:5: v2 is defined twice"),
        ("v2 -> v2", "5:7: v2 is an alias of itself"),
        ("v2 -> v3", "5:7: v3 is not defined yet"),
        ("v2 -> v0 v2 -> v1", "5:10: v2 is defined twice"),
        ("v0 -> v1", "5:1: v0 is defined twice"),
        (
            "v2 = icmp lt v0, v0",
            "5:11: expected a condition, as in `icmp slt`, found `lt`",
        ),
        (
            "trap user0",
            "5:6: expected a trap code, as in `trap user1`, found `user0`",
        ),
        (
            "trap user251",
            "5:6: expected a trap code, as in `trap user1`, found `user251`",
        ),
        (
            "v2 = load.i32 notrap user1 v0",
            "5:22: an access has at most one trap code or `notrap`",
        ),
        (
            "v2 = load.i32 loud v0",
            "5:15: expected an address, found `loud`",
        ),
        (
            "v2 = load.i32 v0+0x8000_0000",
            "5:17: offset 2147483648 does not fit in 32 bits",
        ),
        (
            "v2 = atomic_rmw.i32 mul v0, v0",
            "5:21: expected an operation, as in `atomic_rmw.i32 add`, found `mul`",
        ),
        ("v2 = stack_addr.i32 ss1", "5:21: undefined stack slot ss1"),
        (
            "v2 = stack_addr.i16 ss0",
            "5:17: `stack_addr` cannot be of type i16, only of i32",
        ),
        (
            "v2 = symbol_value.i32 gv0",
            "5:23: undefined global value gv0",
        ),
        ("call fn1()", "5:6: undefined function fn1"),
        (
            "call %g(v0)",
            "5:6: expected a function reference, found `%g`",
        ),
        ("call_indirect sig1, v0()", "5:15: undefined signature sig1"),
        (
            "brif v0, block0",
            "6:1: expected `,` after the first branch, found `}`",
        ),
        (
            "br_table v0, block0",
            "6:1: expected `,` after the default branch, found `}`",
        ),
        (
            "br_table v0, block0, [block0",
            "6:1: expected `]` after the table, found `}`",
        ),
        (
            "jump block0(v0, 1)",
            "5:17: expected an argument, found `1`",
        ),
        (
            "@123456789 nop",
            "5:1: source location `@123456789` does not fit in 32 bits",
        ),
        (
            "v99999999999 = ineg v0",
            "5:1: unknown opcode `v99999999999`",
        ),
        (
            "é",
            "5:1: expected an instruction, a block or `}`, found 'é'",
        ),
        (
            "v2 = ineg \"é\" v0",
            "5:11: expected an operand, found `\"é\"`",
        ),
        (
            "v2 = iadd v0 %\"éé\" 7",
            "5:14: expected `,` after the operand, found `%\"éé\"`",
        ),
        ("return v0,", "6:1: expected an operand, found `}`"),
    ] {
        check(body, expected);
    }
}

#[test]
fn in_integers() {
    for (body, expected) in [
        ("v2 = iconst.i8 256", "5:16: `256` does not fit in 8 bits"),
        ("v2 = iconst.i8 -129", "5:16: `-129` does not fit in 8 bits"),
        (
            "v2 = iconst.i16 0x1_0000",
            "5:17: `0x1_0000` does not fit in 16 bits",
        ),
        (
            "v2 = iconst.i32 4294967296",
            "5:17: `4294967296` does not fit in 32 bits",
        ),
        (
            "v2 = iconst.i64 18446744073709551616",
            "5:17: `18446744073709551616` does not fit in 64 bits",
        ),
        (
            "v2 = iconst.i64 -9223372036854775809",
            "5:17: `-9223372036854775809` does not fit in 64 bits",
        ),
        (
            "v2 = iconst.i64 0x1_0000_0000_0000_0000_0000_0000_0000_0000_0",
            "5:17: `0x1_0000_0000_0000_0000_0000_0000_0000_0000_0` does not fit in 64 bits",
        ),
        ("v2 = iconst.i32 1_000", "5:17: `1_000` is not an integer"),
        ("v2 = iconst.i32 0x", "5:17: `0x` is not an integer"),
        ("v2 = iconst.i32 12ab", "5:17: `12ab` is not an integer"),
        (
            "v2 = iconst.i32 1.5",
            "5:17: expected an integer of 32 bits, found `1.5`",
        ),
        (
            "v2 = iconst.i32 v0",
            "5:17: expected an integer of 32 bits, found `v0`",
        ),
        (
            "v2 = iconst.i128 1",
            "5:13: `iconst` cannot be of type i128, only of i8, i16, i32, i64",
        ),
        (
            "v2 = iconst 1",
            "5:6: `iconst` needs a type, as in `iconst.i32`",
        ),
    ] {
        check(body, expected);
    }
}

#[test]
fn in_blocks() {
    for (body, expected) in [
        ("block0:", "5:1: block0 is defined twice"),
        ("block1", "6:1: expected `:` after the block, found `}`"),
        (
            "block1(v2):",
            "5:10: expected `:` after the parameter, found `)`",
        ),
        (
            "block1(v2: i32",
            "6:1: expected `)` after the parameters of the block, found `}`",
        ),
        ("block1(v0: i32):", "5:8: v0 is defined twice"),
        ("block1(2: i32):", "5:8: expected a parameter, found `2`"),
        (
            "block1(v2: void):",
            "5:12: expected the type of the parameter, found `void`",
        ),
        (
            "block1 hot:",
            "5:8: expected `:` after the block, found `hot`",
        ),
    ] {
        check(body, expected);
    }
    let error = parse_error("function %f() {\n    nop\n}");
    assert_eq!(
        error.to_string(),
        "2:5: expected a block or `}`, found `nop`"
    );
}

#[test]
fn in_the_preamble() {
    for (preamble, expected) in [
        (
            "ss0 = explicit_slot 8, align = 3",
            "2:32: alignment 3 is not a power of two",
        ),
        (
            "ss0 = explicit_slot 8, size = 3",
            "2:24: expected `align`, found `size`",
        ),
        (
            "ss0 = explicit_slot -8",
            "2:21: -8 is not in the range of a 32-bit size",
        ),
        (
            "ss0 = explicit_slot 4294967296",
            "2:21: 4294967296 is not in the range of a 32-bit size",
        ),
        (
            "ss0 = spill_slot 8",
            "2:7: expected `explicit_slot`, found `spill_slot`",
        ),
        (
            "ss0 = explicit_slot 8\nss0 = explicit_slot 8",
            "3:1: ss0 is declared twice",
        ),
        ("gv0 = vmctx\ngv0 = vmctx", "3:1: gv0 is declared twice"),
        ("sig0 = ()\nsig0 = ()", "3:1: sig0 is declared twice"),
        ("fn0 = %g()\nfn0 = %g()", "3:1: fn0 is declared twice"),
        (
            "stack_limit = gv0\nstack_limit = gv0",
            "3:1: the stack limit is declared twice",
        ),
        ("stack_limit = gv0", "2:15: undefined global value gv0"),
        (
            "gv0 = load.i32 notrap gv0",
            "2:16: the load of a global value has to be `notrap aligned`",
        ),
        (
            "gv0 = iadd_imm.i32 gv1, 4",
            "2:20: undefined global value gv1",
        ),
        (
            "gv0 = context",
            "2:7: expected `vmctx`, `load`, `iadd_imm` or `symbol`, found `context`",
        ),
        (
            "gv0 = symbol %",
            "2:14: expected a name, as in %name or u0:0, found `%`",
        ),
        (
            "gv0 = symbol %\"\"",
            "2:14: a name has at least one character",
        ),
        (
            "gv0 = symbol %\"\\q\"",
            "2:14: `\\q` has an escape that is not one",
        ),
        (
            "gv0 = symbol %\"open",
            "2:14: expected a name, as in %name or u0:0, found '%'",
        ),
        (
            "fn0 = %g",
            "3:1: expected `(` before the parameters of a signature, found `}`",
        ),
        ("fn0 = %g sig1", "2:10: undefined signature sig1"),
        (
            "fn0 = u1",
            "3:1: expected `:` after the namespace of a name, found `}`",
        ),
        (
            "sig0 = (i32) fastest",
            "2:14: unknown calling convention `fastest`",
        ),
        (
            "sig0 = (i32, )",
            "2:14: expected a parameter type, found `)`",
        ),
        ("sig0 = () -> ", "3:1: expected a result type, found `}`"),
        (
            "sig0 = (i32 sarg 4)",
            "2:18: expected `(` before the size of a structure, found `4`",
        ),
        ("mt0 = struct 8", "2:1: memory types are gone from CLIF"),
        (
            "sig0 = (r64)",
            "2:9: reference types are gone from CLIF: use i32",
        ),
    ] {
        let text = format!("function %f() {{\n{preamble}\n}}\n");
        assert_eq!(parse_error(&text).to_string(), expected, "{text}");
    }
}

#[test]
fn what_is_gone_from_the_dialect() {
    for (body, expected) in [
        (
            "v2 = iadd_imm v0, 1",
            "5:6: `iadd_imm` is gone from CLIF: use `iconst` and the opcode without `_imm`",
        ),
        (
            "v2 = icmp_imm eq v0, 1",
            "5:6: `icmp_imm` is gone from CLIF: use `iconst` and the opcode without `_imm`",
        ),
        (
            "v2 = stack_load.i32 ss0",
            "5:6: `stack_load` is gone from CLIF: use `stack_addr` and `load`",
        ),
        (
            "stack_store v0, ss0",
            "5:1: `stack_store` is gone from CLIF: use `stack_addr` and `store`",
        ),
        (
            "v2 = global_value.i32 gv0",
            "5:6: `global_value` is gone from CLIF: use `symbol_value`, or `load` and `iadd`",
        ),
        (
            "v2 = band_not v0, v0",
            "5:6: `band_not` is gone from CLIF: use `bnot` and `band`",
        ),
        (
            "brnz v0, block0",
            "5:1: `brnz` is gone from CLIF: use `brif`",
        ),
    ] {
        check(body, expected);
    }
}

#[test]
fn at_the_file_level() {
    for (text, expected) in [
        ("func %f() {}", "1:1: expected `function`, found `func`"),
        ("test run\n{}", "2:1: expected `function`, found `{`"),
        (
            "function f() {}",
            "1:10: expected a name, as in %name or u0:0, found `f`",
        ),
        (
            "function %f {}",
            "1:13: expected `(` before the parameters of a signature, found `{`",
        ),
        (
            "function %f() i32 {}",
            "1:15: unknown calling convention `i32`",
        ),
        (
            "function %f()",
            "1:14: expected `{` before the body of the function, found the end of the text",
        ),
        (
            "function %f() {\n",
            "2:1: expected a block or `}`, found the end of the text",
        ),
        ("function %f() {}\n}", "2:1: expected `function`, found `}`"),
        (
            "function %f(f32) {\n",
            "2:1: expected `}` after the body of the function, found the end of the text",
        ),
    ] {
        assert_eq!(parse_error(text).to_string(), expected, "{text}");
    }
}

#[test]
fn in_modules() {
    let twice = "function %f() {}\nfunction %g() {}\nfunction %f() {}\n";
    assert_eq!(parse_functions(twice).unwrap().len(), 3);
    let error = parse_module(twice).unwrap_err();
    assert_eq!(error.to_string(), "3:10: function %f is defined twice");
    let skipped = parse_module("function %f() {}\nfunction %g(f64) {}").unwrap_err();
    assert_eq!(skipped.to_string(), "2:13: type f64 is not supported");
    assert_eq!(
        parse_module("function %f() {}\nfunction %g() {}")
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn too_many_parameters() {
    let params = |count: usize| {
        let params: alloc::vec::Vec<_> = (0..count).map(|n| format!("v{n}: i8")).collect();
        format!("function %f() {{\nblock0({}):\n}}\n", params.join(", "))
    };
    assert_eq!(parse_functions(&params(65_535)).unwrap().len(), 1);
    let error = parse_error(&params(65_536));
    assert_eq!(error.message, "a block has at most 65535 parameters");
    assert_eq!(error.location.line, 2);
    let types = "i8,".repeat(65_536);
    let error = parse_error(&format!("function %f({types} i8) {{}}"));
    assert_eq!(
        error.message,
        "a signature has at most 65535 parameters and 65535 results"
    );
}
