//! `docs/binary.md` agrees with the code: its examples with what is encoded, its tables with the opcode table.
//!
//! With `LPC_TEST_BLESS=1` the table of codes is rewritten.

mod support;

use lpc_lpir::binary::{codes, decode, encode};
use lpc_lpir::ir::{InstructionFormat, Opcode};
use lpc_lpir::text::parse_module;
use std::collections::BTreeSet;
use support::documents::Document;

fn document() -> Document {
    Document::read("docs/binary.md")
}

/// The bytes of a dump: what stands in a line before two spaces.
fn bytes_of(dump: &str) -> Vec<u8> {
    let lines = dump.lines().map(|line| line.split("  ").next().unwrap());
    let digits = lines.flat_map(str::split_whitespace);
    digits
        .map(|digits| u8::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("{digits}")))
        .collect()
}

#[test]
fn examples_are_encoded_as_they_say() {
    let document = document();
    let examples = document.examples();
    let dumps = document.blocks("```hex");
    assert_eq!((examples.len(), dumps.len()), (2, 2));
    for ((line, text), (_, dump)) in examples.iter().zip(dumps) {
        let module = parse_module(text).unwrap();
        let bytes = encode(&module).unwrap();
        let expected = bytes_of(&dump);
        assert_eq!(expected, bytes, "docs/binary.md:{line}");
        let decoded = decode(&expected).unwrap();
        assert_eq!(decoded.to_string(), module.to_string());
    }
}

#[test]
fn examples_do_what_they_say() {
    document().check_examples();
}

/// The part of the text between the lines that mark the table `title`.
fn table<'a>(text: &'a str, title: &str) -> &'a str {
    let (_, behind) = text.split_once(&format!("<!-- {title} -->\n")).unwrap();
    let (table, _) = behind
        .split_once(&format!("<!-- end of {title} -->"))
        .unwrap();
    table
}

#[test]
fn every_format_is_described() {
    let document = document();
    let rows = table(&document.text, "formats").lines().skip(2);
    let described: Vec<_> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    let formats = Opcode::ALL.iter().map(|opcode| opcode.format());
    let formats: BTreeSet<_> = formats.map(|format| format!("{format:?}")).collect();
    let unique: BTreeSet<_> = described.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(unique, formats);
    assert_eq!(described.len(), formats.len());
}

/// A row for each opcode, with what its codes state.
fn table_of_codes() -> String {
    let mut table = "| codes | opcode | format |\n|---|---|---|\n".to_owned();
    for &opcode in Opcode::ALL {
        let codes: Vec<_> = codes()
            .filter(|&(_, of_code, ..)| of_code == opcode)
            .collect();
        let (first, last) = (codes[0].0, codes[codes.len() - 1].0);
        let numbers = match first == last {
            true => format!("{first:02x}"),
            false => format!("{first:02x}–{last:02x}"),
        };
        let stated: Vec<_> = codes
            .iter()
            .filter_map(|&(_, _, ty, condition)| match (ty, condition) {
                (Some(ty), _) => Some(ty.to_string()),
                (_, Some(condition)) => Some(condition.to_string()),
                _ => None,
            })
            .collect();
        let separator = match opcode.format() {
            InstructionFormat::IntCompare => " ",
            _ => ".",
        };
        let stated = match stated.is_empty() {
            true => String::new(),
            false => format!("{separator}{}", stated.join(" ")),
        };
        let format = opcode.format();
        table += &format!("| {numbers} | `{opcode}{stated}` | `{format:?}` |\n");
    }
    table
}

#[test]
fn codes_are_those_of_the_opcode_table() {
    let document = document();
    let old = table(&document.text, "codes");
    let marker = "<!-- codes -->\n";
    let new = document.text.replacen(
        &format!("{marker}{old}"),
        &format!("{marker}{}", table_of_codes()),
        1,
    );
    document.check_or_bless(&new);
}
