//! Run commands and invocations.

use super::super::{
    Comparison, Invocation, Location, RunCommand, parse_invocation, parse_run_command,
    parse_run_command_at,
};
use super::parse_one;
use crate::ir::{DataValue, Signature, TrapCode, Type};
use alloc::format;
use alloc::string::ToString;
use alloc::vec;

fn signature(text: &str) -> Signature {
    parse_one(&format!("function %f{text} {{}}")).signature
}

fn parse(text: &str, types: &str) -> RunCommand {
    parse_run_command(text, &signature(types)).unwrap().unwrap()
}

fn error(text: &str, types: &str) -> alloc::string::String {
    parse_run_command(text, &signature(types))
        .unwrap_err()
        .to_string()
}

#[test]
fn values_are_of_the_types_of_the_signature() {
    let command = parse(
        "; run: %f(-1, 0xff, 0x1_0000_0000, -170141183460469231731687303715884105728) == [0xffff, 7]",
        "(i8, i16, i64, i128) -> i16, i8",
    );
    let i128_min = DataValue::from_signed(Type::I128, i128::MIN);
    let invocation = Invocation {
        name: Some(crate::ir::ExternalName::symbol("f")),
        args: vec![
            DataValue::from_signed(Type::I8, -1),
            DataValue::new(Type::I16, 255),
            DataValue::new(Type::I64, 1 << 32),
            i128_min,
        ],
    };
    assert_eq!(*command.invocation(), invocation);
    let RunCommand::Run {
        comparison,
        expected,
        ..
    } = &command
    else {
        panic!("{command}");
    };
    let results = [
        DataValue::from_signed(Type::I16, -1),
        DataValue::new(Type::I8, 7),
    ];
    assert_eq!(expected[..], results);
    assert_eq!(*comparison, Comparison::Equal);
    assert!(comparison.holds(&results, expected));
    assert!(!Comparison::NotEqual.holds(&results, expected));
}

#[test]
fn all_forms() {
    for (text, types, shown) in [
        ("run: %f() == 1", "() -> i8", "run: %f() == 1"),
        (" ;; run: %f(1) != -1", "(i32) -> i32", "run: %f(1) != -1"),
        ("run: %f() == []", "()", "run: %f() == []"),
        ("run: %f() == [3]", "() -> i32", "run: %f() == 3"),
        ("run", "() -> i64", "run: () != 0"),
        ("print", "()", "print: ()"),
        ("print: %g(2)", "(i32)", "print: %g(2)"),
        (
            "trap: u0:1(1, 0) == int_divz",
            "(i8, i8) -> i8",
            "trap: u0:1(1, 0) == int_divz",
        ),
        (
            "run: %f(0x8000_0000_0000_0000_0000_0000_0000_0000) == 1",
            "(i128) -> i8",
            "run: %f(0x80000000000000000000000000000000) == 1",
        ),
    ] {
        let command = parse(text, types);
        assert_eq!(command.to_string(), shown);
        if !shown.contains(": (") {
            assert_eq!(parse(shown, types), command);
        }
    }
    let RunCommand::Trap { code, .. } = parse("trap: %f() == user5", "()") else {
        panic!("no trap");
    };
    assert_eq!(Some(code), TrapCode::user(5));
}

#[test]
fn other_comments_are_no_commands() {
    for text in [
        "",
        "check: v1",
        "running fast",
        "trap the fox",
        "1 + 1",
        "error: v1",
        "%f() == 1",
    ] {
        assert_eq!(
            parse_run_command(text, &Signature::default()),
            Ok(None),
            "{text}"
        );
    }
}

#[test]
fn mistakes() {
    for (text, types, expected) in [
        (
            "run: %f(256) == 1",
            "(i8) -> i8",
            "1:9: `256` does not fit in 8 bits",
        ),
        (
            "run: %f(-129) == 1",
            "(i8) -> i8",
            "1:9: `-129` does not fit in 8 bits",
        ),
        (
            "run: %f(1) == 0x1_0000",
            "(i8) -> i16",
            "1:15: `0x1_0000` does not fit in 16 bits",
        ),
        (
            "run: %f(1) == 1",
            "(i8, i8) -> i8",
            "1:10: expected 2 arguments, found 1",
        ),
        (
            "run: %f(1, 2) == 1",
            "(i8) -> i8",
            "1:10: expected 1 argument, found more",
        ),
        (
            "run: %f() == 1",
            "() -> i8, i8",
            "1:14: expected `[` before the results, found `1`",
        ),
        (
            "run: %f() == [1, 2, 3]",
            "() -> i8, i8",
            "1:19: expected `]` after the results, found `,`",
        ),
        (
            "run: %f() = 1",
            "() -> i8",
            "1:13: expected `==`, found `1`",
        ),
        (
            "run: %f()",
            "() -> i8",
            "1:10: expected `==`, found the end of the text",
        ),
        (
            "run: %f() == 1 2",
            "() -> i8",
            "1:16: expected the end of the command, found `2`",
        ),
        (
            "run: f() == 1",
            "() -> i8",
            "1:6: expected a name, as in %name or u0:0, found `f`",
        ),
        (
            "run",
            "()",
            "1:4: `run` alone needs a function with one result",
        ),
        (
            "run",
            "(i8) -> i8",
            "1:4: expected `:` and an invocation, as the function has parameters, found the end of the text",
        ),
        (
            "trap: %f() == oops",
            "()",
            "1:15: expected a trap code, as in `trap user1`, found `oops`",
        ),
        (
            "trap: %f() != user1",
            "()",
            "1:12: expected `==`, found `!`",
        ),
    ] {
        assert_eq!(error(text, types), expected, "{text}");
    }
}

#[test]
fn errors_are_at_their_place_in_the_file() {
    let location = Location {
        line: 7,
        column: 20,
    };
    let result = parse_run_command_at(" run: %f(x) == 1", location, &signature("(i8) -> i8"));
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "7:29: expected an integer of type i8, found `x`"
    );
}

#[test]
fn invocations_by_users() {
    let one = signature("(i8) -> i8");
    let none = signature("()");
    let lookup = |name: &crate::ir::ExternalName| match name.to_string().as_str() {
        "%f" => Some(&one),
        "%g" | "u0:3" | "%v3" => Some(&none),
        _ => None,
    };
    for (text, shown) in [
        ("f(0xff)", "%f(-1)"),
        ("%f(3)", "%f(3)"),
        ("g", "%g()"),
        ("%g()", "%g()"),
        ("u0:3()", "u0:3()"),
        ("v3()", "%v3()"),
        ("  g ()", "%g()"),
        ("\"g\"()", "%g()"),
    ] {
        assert_eq!(parse_invocation(text, lookup).unwrap().to_string(), shown);
    }
    for (text, expected) in [
        ("h()", "1:1: there is no function %h"),
        ("f()", "1:3: expected 1 argument, found 0"),
        (
            "f",
            "1:2: expected `(` before the arguments, found the end of the text",
        ),
        (
            "f(1) + 1",
            "1:6: expected the end of the invocation, found `+`",
        ),
        (
            "",
            "1:1: expected a name, as in %name or u0:0, found the end of the text",
        ),
    ] {
        assert_eq!(
            parse_invocation(text, lookup).unwrap_err().to_string(),
            expected
        );
    }
}
