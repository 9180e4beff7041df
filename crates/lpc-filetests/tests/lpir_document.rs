//! `docs/lpir.md` agrees with the code: its tables of opcodes with the opcode table, its tables about data with what is read, and its
//! examples with what they do.
//!
//! With `LPC_TEST_BLESS=1` the tables of opcodes are rewritten.

mod support;

use lpc_lpir::ir::{
    ControllingType, DATA_RELOC_SIZE, DataObject, Function, InstructionFormat, MAX_DATA_ALIGNMENT,
    MAX_DATA_SIZE, Module, Opcode, OperandType, Properties, Type,
};
use lpc_lpir::text::{Outcome, parse_module, parse_test};
use support::documents::{Document, FAILS};

/// The line before a table: the names of the opcodes that it is about.
const TABLE_START: &str = "<!-- opcodes: ";
/// The line after a table.
const TABLE_END: &str = "<!-- end of opcodes -->";
const COMMENT_END: &str = " -->";

const TABLE_HEAD: &str = "\
| opcode | types `T` | operands → results | example | effects | meaning |
|---|---|---|---|---|---|
";

fn document() -> Document {
    Document::read("docs/lpir.md")
}

/// The names that stand in `line`, when it is the line before a table.
fn table_names(line: &str) -> Option<impl Iterator<Item = &str>> {
    let names = line.strip_prefix(TABLE_START)?.strip_suffix(COMMENT_END)?;
    Some(names.split_whitespace())
}

/// The text of `document` with its tables made anew.
fn with_tables(document: &Document) -> String {
    let functions = functions_in_examples(document);
    let mut new = String::new();
    let mut lines = document.text.lines();
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

fn functions_in_examples(document: &Document) -> Vec<Function> {
    let mut functions = Vec::new();
    for (line, example) in document.examples() {
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
    let suffix = match opcode.controlling_type() {
        ControllingType::Explicit(_) => ".T",
        ControllingType::Operand(..) | ControllingType::Untyped => "",
    };
    let operands = operand_types(opcode.operands().iter().copied());
    let results = operand_types(opcode.results());
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
    let types = opcode.controlling_type().types();
    let mut types = types.iter().filter(|ty| ty.is_int());
    match (types.next(), types.last()) {
        (None, _) => "–".to_owned(),
        (Some(only), None) => only.to_string(),
        (Some(first), Some(last)) => format!("{first}…{last}"),
    }
}

fn operand_types(operands: impl Iterator<Item = OperandType>) -> String {
    let names = operands.map(|operand| match operand {
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
    let document = document();
    document.check_or_bless(&with_tables(&document));
}

#[test]
fn every_opcode_is_in_one_table() {
    let document = document();
    let tables = document.text.lines().filter_map(table_names);
    let mut names: Vec<_> = tables.flatten().collect();
    names.sort_unstable();
    let mut opcodes: Vec<_> = Opcode::ALL.iter().map(|opcode| opcode.name()).collect();
    opcodes.sort_unstable();
    assert_eq!(names, opcodes);
}

/// The cells of each row of the table `title`, without its head.
fn rows<'a>(document: &'a Document, title: &str) -> Vec<Vec<&'a str>> {
    let start = format!("<!-- {title} -->\n");
    let end = format!("<!-- end of {title} -->");
    let (_, behind) = document.text.split_once(&start).expect(title);
    let (table, _) = behind.split_once(&end).expect(title);
    let rows = table.lines().skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// What stands in `cell` as code.
fn code(cell: &str) -> &str {
    let code = cell
        .strip_prefix('`')
        .and_then(|cell| cell.strip_suffix('`'));
    code.unwrap_or_else(|| panic!("`{cell}` is no code"))
}

/// Reads `directive` before the functions `%f` and `%g`.
fn read_directive(directive: &str) -> Module {
    const FUNCTIONS: &str =
        "function %f() {\nblock0:\n    return\n}\nfunction %g() {\nblock0:\n    return\n}";
    let text = format!("{directive}\n{FUNCTIONS}");
    parse_module(&text).unwrap_or_else(|error| panic!("{}", error.in_text("table", &text)))
}

#[test]
fn directives_in_the_table_are_read_and_printed() {
    let document = document();
    let directives = rows(&document, "directives");
    assert_eq!(directives.len(), 4);
    for row in directives {
        let directive = code(row[0]);
        let printed = read_directive(directive).to_string();
        // Each local function is printed in a line of its own.
        let expected = directive.replace(", %g", "\n; local: %g");
        assert!(printed.starts_with(&expected), "{directive}:\n{printed}");
    }
}

#[test]
fn data_attributes_in_the_table_are_read_and_printed() {
    let document = document();
    let attributes = rows(&document, "data attributes");
    assert_eq!(attributes.len(), 4);
    for row in attributes {
        let attribute = code(row[0]);
        let content = match attribute.starts_with("zeroed") {
            true => "",
            false => " = { i8 1 }",
        };
        let directive = format!("; data: %d {attribute}{content}");
        let printed = read_directive(&directive).to_string();
        assert!(printed.starts_with(&directive), "{printed}");
    }
    for limit in [
        format!("at most {MAX_DATA_ALIGNMENT};"),
        format!("at most {MAX_DATA_SIZE} bytes"),
    ] {
        assert!(document.text.contains(&limit), "{limit}");
    }
}

#[test]
fn data_items_in_the_table_have_the_bytes_that_it_states() {
    let document = document();
    let items = rows(&document, "data items");
    assert_eq!(items.len(), 6);
    for row in items {
        let item = code(row[0]);
        let module = read_directive(&format!("; data: %d = {{ {item} }}"));
        let (_, data) = module.data_objects().next().unwrap();
        assert_eq!(row[1], shown_bytes(data), "{item}");
    }
}

/// The bytes of `data`, or the address that is all that it holds.
fn shown_bytes(data: &DataObject) -> String {
    if let [reloc] = data.relocs.as_slice() {
        assert_eq!(data.size, DATA_RELOC_SIZE);
        return match reloc.addend {
            0 => format!("the address of {}", reloc.target),
            addend => format!("the address of {}, plus {addend}", reloc.target),
        };
    }
    let mut bytes = data.bytes.clone();
    bytes.resize(data.size as usize, 0);
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

#[test]
fn examples_do_what_they_say() {
    document().check_examples();
}
