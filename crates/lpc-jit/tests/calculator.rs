//! The example `calculator`: what it answers, and that `docs/embedded.md` shows its code as it is.

extern crate alloc;

#[path = "../examples/calculator/calculator.rs"]
mod calculator;
#[path = "../examples/calculator/language.rs"]
mod language;

use calculator::Calculator;
use language::{SyntaxError, compile_line};
use lpc_jit::{EmulatorError, EmulatorMemory, EmulatorOptions, HostFunctions, Jit};
use lpc_lpir::ir::Function;
use lpc_lpir::verifier::verify_function;

const SESSION: &str = include_str!("../examples/calculator/session.txt");
const DOCUMENT: &str = include_str!("../../../docs/embedded.md");

/// What `docs/embedded.md` shows parts of.
const SOURCES: [&str; 3] = [
    include_str!("../examples/calculator/calculator.rs"),
    include_str!("../examples/calculator/language.rs"),
    include_str!("../../../firmware/calculator/src/main.rs"),
];

/// The lines behind prompts of `session`.
fn inputs(session: &str) -> impl Iterator<Item = &str> {
    session.lines().filter_map(|line| line.strip_prefix("> "))
}

/// What a new calculator answers to the inputs of `session`, with these.
fn answers(session: &str) -> String {
    let memory = EmulatorMemory::new(EmulatorOptions::default()).unwrap();
    let jit = Jit::new(memory, HostFunctions::new());
    let mut calculator = Calculator::new(jit);
    let mut text = String::new();
    for line in inputs(session) {
        text += &format!("> {line}\n");
        let answer = calculator.enter(line, |module, expression| match expression.call() {
            Ok(value) => value.to_string(),
            Err(EmulatorError::Stopped { pc, .. }) if module.trap_at(pc).is_some() => {
                format!("trap: {}", module.trap_at(pc).unwrap())
            }
            Err(_) => "error".to_owned(),
        });
        match answer {
            Ok(None) => {}
            Ok(Some(answer)) => text += &format!("{answer}\n"),
            Err(error) => text += &format!("error: {error}\n"),
        }
    }
    text
}

#[test]
fn a_session() {
    assert_eq!(answers(SESSION), SESSION);
}

#[test]
fn code_memory_is_used_again() {
    let line = "> 1 + 2\n";
    let session = format!("> f(n) = n ? f(n - 1) : 7\n{}", line.repeat(2_000));
    assert!(answers(&session).ends_with("> 1 + 2\n3\n"));
}

#[test]
fn a_recursion_without_an_end_is_an_error() {
    let session = "> f(n) = f(n + 1)\n> f(0)\nerror\n> 2\n2\n";
    assert_eq!(answers(session), session);
}

#[test]
fn what_is_made_of_lines_passes_the_verifier() {
    let mut known: Vec<Function> = Vec::new();
    for line in inputs(SESSION) {
        if let Ok(function) = compile_line(line, &known) {
            assert_eq!(verify_function(&function), Ok(()), "{line}");
            known.push(function);
        }
    }
    assert!(known.len() > 10);
}

#[test]
fn what_means_nothing() {
    let error = |line: &str| {
        let SyntaxError { column, message } = compile_line(line, &[]).unwrap_err();
        (column, message)
    };
    assert_eq!(error(""), (1, "expected a number, a name or `(`"));
    assert_eq!(error("1 2"), (3, "expected an operator"));
    assert_eq!(error("2147483648"), (11, "the number is too large"));
    assert_eq!(error("x"), (2, "there is no such variable"));
    assert_eq!(error("1 ? 2"), (6, "expected `:`"));
    assert_eq!(error("f(x) = f(1 2)"), (12, "expected `,` or `)`"));
    let deep = "(".repeat(100_000);
    assert_eq!(error(&deep), (33, "this is nested too deeply"));
    let params = vec!["x"; 17].join(",");
    let many = error(&format!("f({params}) = 1"));
    assert_eq!(many.1, "there are too many parameters");
}

/// The blocks of code in `document` that start with the line `start`.
fn blocks<'a>(document: &'a str, start: &str) -> Vec<&'a str> {
    let parts = document.split(start).skip(1);
    parts
        .map(|part| part.split_once("```").expect("blocks end").0)
        .collect()
}

/// `code` without what stands before all of its lines.
fn without_indent(code: &str) -> String {
    let lines = code.lines().filter(|line| !line.is_empty());
    let indent = lines.map(|line| line.len() - line.trim_start().len()).min();
    let lines = code.lines().map(|line| line.get(indent.unwrap_or(0)..));
    let lines: Vec<_> = lines.map(Option::unwrap_or_default).collect();
    lines.join("\n")
}

/// Whether the lines of `part` stand in `source`, one behind the other.
fn is_part(part: &str, source: &str) -> bool {
    let count = part.lines().count();
    let lines: Vec<_> = source.lines().collect();
    let mut windows = lines.windows(count);
    windows.any(|window| without_indent(&window.join("\n")) == part)
}

#[test]
fn the_document_shows_code_and_a_session_as_they_are() {
    let (_, tutorial) = DOCUMENT.split_once("## A calculator").unwrap();
    let tutorial = tutorial.split("\n## ").next().unwrap();
    let code = blocks(tutorial, "```rust\n");
    assert!(code.len() >= 4);
    for part in code {
        let part = without_indent(part);
        let is_part_of_one = SOURCES.iter().any(|source| is_part(&part, source));
        assert!(is_part_of_one, "{part}");
    }
    let sessions = blocks(tutorial, "```text\n> ");
    assert_eq!(sessions.len(), 1);
    assert!(SESSION.contains(&format!("> {}", sessions[0])));
}
