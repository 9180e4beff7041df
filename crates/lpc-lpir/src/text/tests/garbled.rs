//! Texts that were damaged at random: the reader gives functions or an error, and takes memory in proportion to the text.

use super::super::{Outcome, parse_run_command_at, parse_test};
use super::SAMPLE;
use crate::ir::Module;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const VARIANTS: usize = 10_000;

/// A file with header lines, commands, directives, functions that are skipped, source locations and numbers far apart.
const FILE: &str = "\
test run
set opt_level=speed
target riscv32
; data: %table local align 4 = {
;     i32 [1, -2, 0xffff_ffff], i8 7, ; a remark
;     %times, %table+8, u1:5-4,
;     \"text\\n\\x00\\u{e9}\", zero 20, i128 [3]
; }
; import: %\"helper function\"(i32 sext) -> i64 system_v
; Multiplication by addition.
function %times(i32, i32) -> i32 {
    ss2 = explicit_slot 16, align = 4
    fn7 = %\"helper function\"(i32 sext) -> i64 system_v
block12(v7: i32, v9: i32): ; entry
@01c0 v1 = iconst.i32 0
    jump block3(v1, v9)
block3(v2: i32, v3: i32) cold:
    v4 = iadd.i32 v2, v7
    v5 = iconst.i32 0xffff_ffff
    v6 -> v5
    v8 = iadd v3, v6 ; the counter
    brif v8, block3(v4, v8), block4()
block4:
    v10 = stack_addr.i32 ss2+4
    store notrap aligned v4, v10-4
    v11 = atomic_rmw.i32 little add v10, v4
    trapz v11, user3
    return v11
}
; run: %times(3, 4) == 12
; print: %times(-1, 0x7fff_ffff)
; trap: %times(0, 1) == user3
; data: %datum zeroed 64 align 16
; local: %times, u1:5
; import: data %errno
; data: %constant readonly = { i64 5 }

function u1:5(f32x4) -> f64 {
block0(v0: f32x4):
    v1 = f64const 0x1.8p3
    return v1 ; }
}
; run: %none([1 2 3 4]) == 0.5
function %sparse(i128 uext) -> i8, i16 tail {
    gv1 = symbol colocated %datum+0x10
block4000000000(v4000000000: i128):
    v3000000000 = icmp ult v4000000000, v4000000000
    v1 = uextend.i16 v3000000000
    return v3000000000, v1
}
; run: %sparse(340282366920938463463374607431768211455) != [1, 2]
";

/// The generator xorshift64*, so that every run sees the same texts.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

const NUMBERS: [&str; 8] = [
    "0",
    "4294967294",
    "4294967295",
    "4294967296",
    "-1",
    "99999999999999999999999999999999999999999999",
    "0xffff_ffff_ffff_ffff_ffff",
    "70000",
];

fn damage(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<String> = text.lines().map(ToString::to_string).collect();
    for _ in 0..=random.below(3) {
        let line = random.below(lines.len());
        match random.below(7) {
            0 => lines[line] = flip_byte(&lines[line], random),
            1 if lines.len() > 1 => drop(lines.remove(line)),
            2 => lines.insert(line, lines[random.below(lines.len())].clone()),
            3 => lines[line] = replace_number(&lines[line], random),
            4 => lines.truncate(line + 1),
            5 => {
                let other = random.below(lines.len());
                lines.swap(line, other);
            }
            _ => {
                let end = random.below(lines[line].chars().count() + 1);
                lines[line] = lines[line].chars().take(end).collect();
            }
        }
    }
    lines.join("\n")
}

fn flip_byte(line: &str, random: &mut Random) -> String {
    let mut bytes = line.as_bytes().to_vec();
    if !bytes.is_empty() {
        let index = random.below(bytes.len());
        bytes[index] = random.below(256) as u8;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn replace_number(line: &str, random: &mut Random) -> String {
    let starts: Vec<usize> = line
        .char_indices()
        .filter(|&(index, c)| {
            c.is_ascii_digit() && !line[..index].ends_with(|c: char| c.is_ascii_digit())
        })
        .map(|(index, _)| index)
        .collect();
    if starts.is_empty() {
        return line.into();
    }
    let start = starts[random.below(starts.len())];
    let rest = line[start..].trim_start_matches(|c: char| c.is_ascii_digit());
    let number = NUMBERS[random.below(NUMBERS.len())];
    format!("{}{number}{rest}", &line[..start])
}

/// Reads `text`; what is read has to print to what reads back the same. Returns whether anything was read.
fn check(text: &str) -> bool {
    let Ok(file) = parse_test(text) else {
        return false;
    };
    check_module(&file.module, text);
    for test in &file.functions {
        let Outcome::Parsed(parsed) = &test.outcome else {
            continue;
        };
        let function = &parsed.function;
        let bound = 8192 + 2 * text.len();
        assert!(function.dfg.num_values() <= bound, "{text}");
        assert!(function.dfg.num_blocks() <= bound, "{text}");
        assert!(function.stack_slots.len() <= bound, "{text}");
        assert!(function.dfg.signatures.len() <= bound, "{text}");
        for comment in &test.comments {
            // An error is as good as a command here: it must only not panic.
            let _ = parse_run_command_at(comment.text, comment.location, &function.signature);
        }
        let printed = function.to_string();
        match parse_test(&printed) {
            Ok(again) => {
                let Outcome::Parsed(again) = &again.functions[0].outcome else {
                    panic!("printed, then skipped:\n{printed}");
                };
                assert_eq!(again.function.to_string(), printed);
            }
            Err(error) => panic!("{}", error.in_text("printed", &printed)),
        }
    }
    true
}

/// The data and imports of `text` have to print to what reads back the same.
fn check_module(module: &Module, text: &str) {
    for (_, data) in module.data_objects() {
        assert_eq!(data.check(), Ok(()), "{text}");
    }
    let printed = module.to_string();
    match parse_test(&printed) {
        Ok(again) => assert_eq!(again.module.to_string(), printed),
        Err(error) => panic!("{}", error.in_text("printed", &printed)),
    }
}

#[test]
fn damaged_texts_never_panic() {
    let mut random = Random(0x5eed);
    let mut read = 0;
    for _ in 0..VARIANTS {
        let sample = [SAMPLE, FILE][random.below(2)];
        let text = damage(sample, &mut random);
        read += usize::from(check(&text));
    }
    // Some damage has no effect on the syntax; most has.
    assert!(0 < read && read < VARIANTS / 2, "{read}");
}

#[test]
fn every_prefix_of_a_text_is_read_or_refused() {
    for sample in [SAMPLE, FILE] {
        assert!(check(sample));
        for (end, _) in sample.char_indices() {
            check(&sample[..end]);
        }
    }
}

#[test]
fn long_texts_take_linear_time() {
    let mut text = String::from("function %f() {\nblock0(v0: i32):\n");
    for number in 1..100_000 {
        text += &format!(
            "v{number} -> v{} jump block{number}\nblock{number}:\n",
            number - 1
        );
    }
    text += "br_table v0, block0, [";
    text += &"block0(v99999), ".repeat(100_000);
    text += "block0]\n}\n";
    assert!(check(&text));
}
