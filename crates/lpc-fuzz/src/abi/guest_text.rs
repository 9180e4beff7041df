//! The parts of the guest program that depend on its cases, as assembly text: tables, and the ways into checked functions.

use super::case::{Case, Language};
use super::convention::{popped_bytes, result_registers};
use super::model::Expectation;
use std::fmt::Write;

/// The program that runs the cases, in C.
pub const RUNTIME: &str = include_str!("guest/runtime.c");

/// Its start, and the code that checks calls, in assembly.
pub const START: &str = include_str!("guest/start.S");

/// The script for the linkers.
pub const LINKER_SCRIPT: &str = include_str!("guest/guest.ld");

/// The tables that `RUNTIME` and the functions of `cases` read, and the checked functions.
pub fn guest_text(cases: &[Case], expectations: &[Expectation]) -> String {
    let mut text = String::from("    .section .rodata\n    .p2align 4\n    .globl cases\ncases:\n");
    for (case, expectation) in cases.iter().zip(expectations) {
        let (number, entry) = (case.number, case.symbol(0));
        let (words, fuel) = (expectation.words.len(), case.fuel);
        add(
            &mut text,
            format_args!("    .word {entry}, expected_{number}, {words}, {fuel}\n"),
        );
    }
    let count = cases.len();
    add(
        &mut text,
        format_args!("    .globl case_count\ncase_count:\n    .word {count}\n"),
    );
    for (case, expectation) in cases.iter().zip(expectations) {
        let number = case.number;
        add(&mut text, format_args!("expected_{number}:\n"));
        add_words(&mut text, &expectation.words);
        if case.data_language == Language::C {
            add_data(&mut text, case);
        }
        add_checked_functions(&mut text, case);
    }
    text
}

fn add(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("strings take every text");
}

fn add_words(text: &mut String, words: &[u32]) {
    for line in words.chunks(8) {
        let line: Vec<_> = line.iter().map(|word| format!("{word:#x}")).collect();
        add(text, format_args!("    .word {}\n", line.join(", ")));
    }
}

/// The values of a case and the pointers to its functions.
fn add_data(text: &mut String, case: &Case) {
    let symbol = case.values_symbol();
    add(text, format_args!("    .globl {symbol}\n{symbol}:\n"));
    add_words(text, &case.values);
    for index in 0..case.functions.len() {
        let (pointer, called) = (case.pointer_symbol(index), case.called_symbol(index));
        add(
            text,
            format_args!("    .globl {pointer}\n{pointer}:\n    .word {called}\n"),
        );
    }
}

/// The ways into the functions of a case that are checked.
fn add_checked_functions(text: &mut String, case: &Case) {
    let functions = case.functions.iter().enumerate();
    for (index, function) in functions.filter(|(_, function)| function.is_checked) {
        let (symbol, called) = (case.symbol(index), case.called_symbol(index));
        let popped = popped_bytes(function);
        let destroys = u32::from(result_registers(function.call_conv) == 2);
        add(
            text,
            format_args!(
                "description_{symbol}:\n    .word {symbol}, {popped}, {index}, {destroys}\n\
                 \x20   .text\n    .globl {called}\n{called}:\n    la t0, description_{symbol}\n    tail checked_call\n\
                 \x20   .section .rodata\n"
            ),
        );
    }
}
