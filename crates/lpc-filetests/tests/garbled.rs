//! Garbled programs: whatever stands in a file, the outcome is an error or a program that ends or is stopped.
//!
//! The examples, and a program with data, are changed at random, with a fixed seed: bytes flipped, lines dropped, doubled and exchanged, numbers made
//! huge, words exchanged, ends cut off. Each variant goes through the whole pipeline as far as it gets, to the interpreter
//! and the emulator. What these two print is not compared: a garbled program may read memory that it never wrote.

use lpc_codegen::{RegallocAlgorithm, Settings};
use lpc_filetests::TestHost;
use lpc_harness::{MachineOptions, Program};
use lpc_interp::{Interpreter, Limits};
use lpc_lpir::ir::{ExternalName, Module};
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;
use std::path::Path;

const VARIANTS: usize = 10_000;

/// One in so many of the variants that compile is executed too: loading it takes longer than all the rest.
const EXECUTED: usize = 4;

const INSTRUCTIONS: u64 = 50_000;

/// A program with all directives of a module.
const DATA_PROGRAM: &str = "\
; import: %putchar(i32) system_v
; data: %numbers readonly align 4 = { i32 [1, 2, 3, -4], %numbers+8, \"text\\n\\x00\", zero 7 }
; data: %functions local align 4 = {
;     %add,  ; first
;     %subtract
; }
; data: %counter zeroed 64 align 16
; local: %add, %subtract
function %add(i32, i32) -> i32 {
block0(v0: i32, v1: i32):
    v2 = iadd v0, v1
    return v2
}
function %subtract(i32, i32) -> i32 {
block0(v0: i32, v1: i32):
    v2 = isub v0, v1
    return v2
}
function %main() -> i32 {
    gv0 = symbol colocated %functions+4
    gv1 = symbol colocated %numbers+16
    gv2 = symbol colocated %counter
    sig0 = (i32, i32) -> i32
    fn0 = %putchar(i32) system_v
block0:
    v0 = symbol_value.i32 gv0
    v1 = load.i32 aligned v0
    v2 = symbol_value.i32 gv1
    v3 = load.i32 aligned v2
    v4 = load.i32 aligned v3+4
    v5 = symbol_value.i32 gv2
    v6 = load.i32 aligned v5
    v7 = call_indirect sig0, v1(v4, v6)
    store aligned v7, v5
    store aligned v1, v0-4
    call fn0(v7)
    return v7
}
";

/// Xorshift, after Marsaglia.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// `text` with one to four changes.
fn garble(text: &str, random: &mut Random) -> String {
    let mut text = text.to_string();
    for _ in 0..1 + random.below(4) {
        text = match random.below(8) {
            0 => flip_bytes(&text, random),
            1 => change_lines(&text, random, |lines, random| {
                lines.remove(random.below(lines.len()));
            }),
            2 => change_lines(&text, random, |lines, random| {
                let line = lines[random.below(lines.len())];
                lines.insert(random.below(lines.len()), line);
            }),
            3 => change_lines(&text, random, |lines, random| {
                let (a, b) = (random.below(lines.len()), random.below(lines.len()));
                lines.swap(a, b);
            }),
            4 | 5 => replace_number(&text, random),
            6 => exchange_words(&text, random),
            _ => {
                let end = random.below(text.len());
                text.char_indices()
                    .take_while(|&(index, _)| index < end)
                    .map(|(_, character)| character)
                    .collect()
            }
        };
    }
    text
}

fn flip_bytes(text: &str, random: &mut Random) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if !bytes.is_empty() {
        let index = random.below(bytes.len());
        bytes[index] ^= 1 << random.below(8);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn change_lines(
    text: &str,
    random: &mut Random,
    change: impl FnOnce(&mut Vec<&str>, &mut Random),
) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    if !lines.is_empty() {
        change(&mut lines, random);
    }
    lines.join("\n")
}

/// Replaces a number, be it a constant or that of an entity.
fn replace_number(text: &str, random: &mut Random) -> String {
    let starts: Vec<usize> = text
        .match_indices(|character: char| character.is_ascii_digit())
        .map(|(index, _)| index)
        .collect();
    if starts.is_empty() {
        return text.to_string();
    }
    let start = starts[random.below(starts.len())];
    let rest = &text[start..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number = random.pick(&[
        "0",
        "1",
        "7",
        "31",
        "2048",
        "65536",
        "2147483648",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "99999999999999999999999999999999999999999999",
    ]);
    format!("{}{number}{}", &text[..start], &rest[digits..])
}

fn exchange_words(text: &str, random: &mut Random) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let mut exchanged = words.clone();
    let (a, b) = (random.below(words.len()), random.below(words.len()));
    exchanged.swap(a, b);
    exchanged.join(" ")
}

/// Executes `%main` in the interpreter, and as machine code.
fn execute(module: &Module, program: &mut Program) {
    let main = ExternalName::symbol("main");
    let limits = Limits {
        instructions: INSTRUCTIONS,
        stack_size: 1 << 20,
        heap_size: 1 << 16,
        ..Limits::default()
    };
    // Whether it returns, traps or is stopped: any outcome will do, as long as there is one.
    let _ = Interpreter::new(module, limits).call(&main, &[], &mut TestHost);
    let _ = program.call(&main, &[], &mut TestHost);
}

/// Takes `text` through the pipeline, and reports how far it got: read, verified, compiled, executed.
fn try_variant(text: &str, index: usize) -> usize {
    let Ok(module) = parse_module(text) else {
        return 0;
    };
    if verify_module(&module).is_err() {
        return 1;
    }
    let algorithms = RegallocAlgorithm::ALLOCATORS;
    let settings = Settings {
        regalloc: algorithms[index % algorithms.len()],
        ..Settings::default()
    };
    let options = MachineOptions {
        memory_size: 2 << 20,
        stack_size: 1 << 20,
        instruction_limit: 20 * INSTRUCTIONS,
        ..MachineOptions::default()
    };
    let Ok(mut program) = Program::new(&module, &settings, options, &TestHost) else {
        return 2;
    };
    if !index.is_multiple_of(EXECUTED) || module.find(&ExternalName::symbol("main")).is_none() {
        return 3;
    }
    execute(&module, &mut program);
    4
}

#[test]
fn garbled_examples_give_errors_or_programs_that_end() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let names = ["crc32.clif", "mandelbrot.clif", "sha256.clif", "sieve.clif"];
    let mut examples = names
        .map(|name| std::fs::read_to_string(folder.join(name)).unwrap())
        .to_vec();
    examples.push(DATA_PROGRAM.to_owned());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut reached = [0; 5];
    for index in 0..VARIANTS {
        let text = garble(&examples[random.below(examples.len())], &mut random);
        let outcome = std::panic::catch_unwind(|| try_variant(&text, index));
        match outcome {
            Ok(stage) => reached[stage] += 1,
            Err(_) => panic!("variant {index} made a panic:\n{text}"),
        }
    }
    // The changes must be neither so coarse that nothing is read nor so fine that nothing is refused.
    assert!(
        reached.iter().all(|&count| count > 0),
        "variants that got to reading, verifying, compiling, loading, executing: {reached:?}"
    );
}
