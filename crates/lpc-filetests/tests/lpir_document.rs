//! `docs/lpir.md` agrees with the code: its tables of opcodes with the opcode table, and its examples with what they do.
//!
//! With `LPC_TEST_BLESS=1` the tables are rewritten.

use lpc_filetests::{Options, run_paths};
use lpc_lpir::ir::{
    ControllingType, Function, InstructionFormat, Opcode, OperandType, Properties, Type,
};
use lpc_lpir::text::{Outcome, parse_test};
use std::fs;
use std::path::{Path, PathBuf};

/// The line before a table: the names of the opcodes that it is about.
const TABLE_START: &str = "<!-- opcodes: ";
/// The line after a table.
const TABLE_END: &str = "<!-- end of opcodes -->";
const COMMENT_END: &str = " -->";

/// The first line of an example, and the last one of each block of code.
const EXAMPLE_START: &str = "```clif";
const BLOCK_END: &str = "```";

/// What stands before the message with which an example, or a function in it, is expected to fail or to be skipped.
const FAILS: &str = "; fails: ";
const SKIPPED: &str = "; skipped: ";

const TABLE_HEAD: &str = "\
| opcode | types `T` | operands → results | example | effects | meaning |
|---|---|---|---|---|---|
";

fn document_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lpir.md")
}

fn document() -> String {
    fs::read_to_string(document_path()).unwrap()
}

/// The examples of `document`, each with the number of the line in front of it.
fn examples(document: &str) -> Vec<(usize, String)> {
    let mut examples = Vec::new();
    let mut lines = document.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line == EXAMPLE_START {
            let code = lines.by_ref().map(|(_, line)| line);
            let code: Vec<_> = code.take_while(|line| *line != BLOCK_END).collect();
            examples.push((number + 1, code.join("\n") + "\n"));
        }
    }
    examples
}

/// The names that stand in `line`, when it is the line before a table.
fn table_names(line: &str) -> Option<impl Iterator<Item = &str>> {
    let names = line.strip_prefix(TABLE_START)?.strip_suffix(COMMENT_END)?;
    Some(names.split_whitespace())
}

/// The text of `document` with its tables made anew.
fn with_tables(document: &str) -> String {
    let functions = functions_in_examples(document);
    let mut new = String::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        new += &format!("{line}\n");
        if let Some(names) = table_names(line) {
            new += TABLE_HEAD;
            for name in names {
                let opcode = name
                    .parse()
                    .unwrap_or_else(|()| panic!("no opcode `{name}`"));
                new += &row(opcode, &functions);
            }
            lines.by_ref().find(|line| *line == TABLE_END);
            new += &format!("{TABLE_END}\n");
        }
    }
    new
}

fn functions_in_examples(document: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    for (line, example) in examples(document) {
        let file = match parse_test(&example) {
            Ok(file) => file,
            Err(_) if example.contains(FAILS) => continue,
            Err(error) => panic!(
                "docs/lpir.md:{line}: {}",
                error.in_text("example", &example)
            ),
        };
        for function in file.functions {
            if let Outcome::Parsed(parsed) = function.outcome {
                functions.push(parsed.function);
            }
        }
    }
    functions
}

/// The row about `opcode`, with the first instruction in `functions` that has it as the example.
fn row(opcode: Opcode, functions: &[Function]) -> String {
    let info = opcode.info();
    let suffix = match info.controlling_type {
        ControllingType::Explicit(_) => ".T",
        ControllingType::Operand(..) | ControllingType::Untyped => "",
    };
    let operands = operand_types(info.operands);
    let results = operand_types(info.results);
    let example = example(opcode, functions).unwrap_or_else(|| panic!("no example of {opcode}"));
    let (types, effects) = (types(opcode), effects(opcode));
    let meaning = opcode.description();
    format!(
        "| `{opcode}{suffix}` | {types} | {operands} → {results} | `{example}` | {effects} | {meaning} |\n"
    )
}

/// The integer types that the controlling type may be: they are those between the first and the last. That of an indirect call is
/// the type of an address, though CLIF also has wider ones.
fn types(opcode: Opcode) -> String {
    if opcode.format() == InstructionFormat::CallIndirect {
        return Type::POINTER.to_string();
    }
    let types = opcode.info().controlling_type.types();
    let mut types = types.iter().filter(|ty| ty.is_int());
    match (types.next(), types.last()) {
        (None, _) => "–".to_owned(),
        (Some(only), None) => only.to_string(),
        (Some(first), Some(last)) => format!("{first}…{last}"),
    }
}

fn operand_types(operands: &[OperandType]) -> String {
    let names = operands.iter().map(|operand| match operand {
        OperandType::Same => "T",
        OperandType::I8 => "i8",
        OperandType::I32 => "i32",
        OperandType::Address => "address",
        OperandType::AnyInt => "any",
        OperandType::SameWidth => "as wide as T",
        OperandType::Half => "half of T",
        OperandType::Double => "twice T",
        OperandType::Narrower => "narrower than T",
        OperandType::Wider => "wider than T",
    });
    list(names)
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() {
        "–".to_owned()
    } else {
        items.join(", ")
    }
}

fn effects(opcode: Opcode) -> String {
    let effects = [
        (Properties::TERMINATOR, "ends its block"),
        (Properties::CALL, "calls"),
        (Properties::TRAPS, "may trap"),
        (Properties::LOADS, "reads memory"),
        (Properties::STORES, "writes memory"),
        (Properties::EFFECTS, "is always executed"),
    ];
    let effects = effects.iter().filter(|(property, _)| opcode.has(*property));
    list(effects.map(|(_, name)| *name))
}

fn example(opcode: Opcode, functions: &[Function]) -> Option<String> {
    functions.iter().find_map(|function| {
        let mut insts = function
            .layout
            .blocks()
            .flat_map(|block| function.layout.block_insts(block));
        let inst = insts.find(|inst| function.dfg.inst(*inst).opcode() == opcode)?;
        Some(function.display_inst(inst).to_string())
    })
}

#[test]
fn tables_agree_with_the_opcode_table() {
    let old = document();
    let new = with_tables(&old);
    if new == old {
        return;
    }
    if Options::from_environment().bless {
        fs::write(document_path(), new).unwrap();
        return;
    }
    let diff = similar::TextDiff::from_lines(&old, &new);
    let variable = Options::BLESS_VARIABLE;
    panic!(
        "docs/lpir.md is out of date ({variable}=1 rewrites it)\n{}",
        diff.unified_diff()
    );
}

#[test]
fn every_opcode_is_in_one_table() {
    let document = document();
    let tables = document.lines().filter_map(table_names);
    let mut names: Vec<_> = tables.flatten().collect();
    names.sort_unstable();
    let mut opcodes: Vec<_> = Opcode::ALL.iter().map(|opcode| opcode.name()).collect();
    opcodes.sort_unstable();
    assert_eq!(names, opcodes);
}

/// Runs `example` as a test file: as it is where it starts with header lines, otherwise with `test run`.
fn run(example: &str) -> String {
    let text = if example.starts_with("test ") {
        example.to_owned()
    } else {
        format!("test run\n{example}")
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("example.clif");
    fs::write(&file, text).unwrap();
    let mut output = Vec::new();
    run_paths(&[file], &Options::default(), &mut output).unwrap();
    let output = String::from_utf8(output).unwrap();
    output.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn examples_do_what_they_say() {
    for (line, example) in examples(&document()) {
        let output = run(&example);
        let expectations = |directive| {
            let lines = example.lines();
            lines.filter_map(move |line| line.strip_prefix(directive))
        };
        let mut is_ordinary = true;
        for expected in expectations(FAILS).chain(expectations(SKIPPED)) {
            is_ordinary = false;
            let is_there = output.lines().any(|line| line.ends_with(expected));
            assert!(
                is_there,
                "docs/lpir.md:{line}: no `{expected}` in\n{output}"
            );
        }
        if is_ordinary {
            let passed = output.ends_with(" passed, 0 failed, 0 skipped\n");
            assert!(
                passed && !output.starts_with('0'),
                "docs/lpir.md:{line}:\n{output}"
            );
        }
    }
}
