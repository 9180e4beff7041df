//! The reader of LPIR on any text.

use lpc_lpir::ir::{Function, Module};
use lpc_lpir::text::{
    Comment, Location, Outcome, ParseError, TestFile, parse_functions, parse_invocation,
    parse_module, parse_run_command, parse_run_command_at, parse_test,
    parse_test_with_wide_addresses,
};
use lpc_lpir::verifier::{verify_function, verify_module};

/// Reads `data` as everything that text can be read as.
///
/// # Panics
/// If the place of an error is not in the text, or what was read does not print to a fixpoint.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    check_file(&text, parse_test(&text));
    check_file(&text, parse_test_with_wide_addresses(&text));
    if let Err(error) = parse_functions(&text) {
        check_location(&text, error.location);
    }
    match parse_module(&text) {
        Ok(module) => check_module(&module),
        Err(error) => check_location(&text, error.location),
    }
}

fn check_file(text: &str, file: Result<TestFile<'_>, ParseError>) {
    let file = match file {
        Ok(file) => file,
        Err(error) => return check_location(text, error.location),
    };
    let lines = lines(text);
    for line in &file.header {
        check_place(&lines, line.location);
    }
    for test in &file.functions {
        check_place(&lines, test.location);
        let function = match &test.outcome {
            Outcome::Parsed(parsed) => &parsed.function,
            Outcome::Skipped(error) => {
                check_location(text, error.location);
                continue;
            }
        };
        check_function(function);
        for comment in &test.comments {
            check_place(&lines, comment.location);
            check_comment(text, comment, function);
        }
    }
}

/// Checks that the place of an error is in `text`, or behind its last character, and that it can be shown.
pub(super) fn check_location(text: &str, location: Location) {
    check_place(&lines(text), location);
    let error = ParseError {
        location,
        message: String::new(),
    };
    let _ = error.in_text("file", text).to_string();
}

fn lines(text: &str) -> Vec<&str> {
    text.split('\n').collect()
}

fn check_place(lines: &[&str], location: Location) {
    let Location { line, column } = location;
    let line = lines.get(line.wrapping_sub(1) as usize);
    let is_inside =
        line.is_some_and(|line| column >= 1 && column as usize <= line.chars().count() + 1);
    assert!(is_inside, "{location} is not in the text");
}

/// Checks that `function`, which was read with or without wide addresses, prints to a fixpoint.
fn check_function(function: &Function) {
    let printed = function.to_string();
    let again = match parse_test_with_wide_addresses(&printed) {
        Ok(file) => file.functions,
        Err(error) => panic!("{error}\n{printed}"),
    };
    let [again] = again.as_slice() else {
        panic!("one function is read as {}\n{printed}", again.len());
    };
    match &again.outcome {
        Outcome::Parsed(again) => assert_eq!(again.function.to_string(), printed),
        Outcome::Skipped(error) => panic!("{error}\n{printed}"),
    }
    if let Err(errors) = verify_function(function) {
        let _ = errors.to_string();
    }
}

/// Checks a comment as a run directive of `function`, and as an invocation.
fn check_comment(text: &str, comment: &Comment<'_>, function: &Function) {
    let behind_marker = Location {
        column: comment.location.column + 1,
        ..comment.location
    };
    let signature = &function.signature;
    match parse_run_command_at(comment.text, behind_marker, signature) {
        Ok(None) => {}
        Ok(Some(command)) => {
            let printed = command.to_string();
            // A command for a function without parameters need not state a name, and then prints without one.
            if command.invocation().name.is_some() {
                assert_eq!(
                    parse_run_command(&printed, signature),
                    Ok(Some(command)),
                    "{printed}"
                );
            }
        }
        Err(error) => check_location(text, error.location),
    }
    let _ = parse_invocation(comment.text, |_| Some(signature));
}

fn check_module(module: &Module) {
    let printed = module.to_string();
    match parse_module(&printed) {
        Ok(again) => assert_eq!(again.to_string(), printed),
        Err(error) => panic!("{error}\n{printed}"),
    }
    if let Err(errors) = verify_module(module) {
        let _ = errors.to_string();
    }
}
