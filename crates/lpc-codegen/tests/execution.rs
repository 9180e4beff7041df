//! Virtual-register code, compiled with each allocator and run in the emulator.

mod support;

use lpc_codegen::backend::regalloc::RegallocAlgorithm;
use lpc_lpir::ir::TrapCode;
use lpc_riscv32::emulator::{Stop, TrapCause};
use support::{Program, run};

#[test]
fn traps_are_taken_with_their_code() {
    let text = "\
vcode %divide {
block0:
    args v192=a0, v193=a1
    trap_if.beq v193, zero, int_divz
    trap_if.blt v192, v193, user7
    div v194, v192, v193
    rets v194=a0
}
";
    assert_eq!(run(text, "divide", &[42, 6]), 7);
    for (arguments, code) in [
        ([1, 0], TrapCode::INTEGER_DIVISION_BY_ZERO),
        ([1, 2], TrapCode::user(7).unwrap()),
    ] {
        let mut program = Program::new(text, RegallocAlgorithm::Ion);
        let Err(Stop::Trap(trap)) = program.call("divide", &arguments) else {
            panic!("no trap");
        };
        assert!(matches!(trap.cause, TrapCause::IllegalInstruction));
        assert_eq!(program.trap_code(), Some(code));
    }
}

#[test]
fn loops_run() {
    let gcd = "\
vcode %gcd {
block0:
    args v192=a0, v193=a1
    jump block1(v192, v193)
block1(v194, v195):
    beq v195, zero, block3, block2
block2:
    remu v196, v194, v195
    jump block1(v195, v196)
block3:
    rets v194=a0
}
";
    assert_eq!(run(gcd, "gcd", &[1071, 462]), 21);
    assert_eq!(run(gcd, "gcd", &[0, 5]), 5);
}

/// Arguments that permute on the way back: the swap problem, and a rotation of three.
#[test]
fn block_arguments_move_at_once() {
    let text = "\
vcode %rotate {
block0:
    args v192=a0, v193=a1, v194=a2, v195=a3
    jump block1(v192, v193, v194, v195)
block1(v196, v197, v198, v199):
    beq v199, zero, block3, block2
block2:
    addi v200, v199, -1
    jump block1(v197, v198, v196, v200)
block3:
    slli v201, v196, 8
    slli v202, v197, 4
    add v203, v201, v202
    add v204, v203, v198
    rets v204=a0
}
";
    for (count, expected) in [(0, 0x123), (1, 0x231), (2, 0x312), (3, 0x123)] {
        assert_eq!(run(text, "rotate", &[1, 2, 3, count]), expected);
    }
}

#[test]
fn selects_choose() {
    let text = "\
vcode %select {
block0:
    args v192=a0, v193=a1
    select.bltu v194, v192, v193, v192, v193
    select.beq v195, v192, zero, zero, v194
    select.beq v196, v193, zero, v195, zero
    slli v197, v194, 16
    slli v198, v195, 8
    add v199, v197, v198
    add v200, v199, v196
    rets v200=a0
}
";
    let expected = |a: u32, b: u32| {
        let least = a.min(b);
        let second = if a == 0 { 0 } else { least };
        let third = if b == 0 { second } else { 0 };
        (least << 16) + (second << 8) + third
    };
    for (a, b) in [(1, 2), (2, 1), (0, 5), (5, 0), (0, 0), (7, 7)] {
        assert_eq!(run(text, "select", &[a, b]), expected(a, b), "{a} {b}");
    }
}

/// Words that change places, twice the same, zero on either side, and among them the operands of the condition. The
/// last word is read by nobody.
#[test]
fn wide_selects_choose_all_words_at_once() {
    let text = "\
vcode %select {
block0:
    args v192=a0, v193=a1, v194=a2
    select.bltu [v195, v196, v197], v192, v193, [v192, v193, v194], [v193, v194, v192]
    select.beq [v198, v199], v194, zero, [v195, v196], [v196, v195]
    select.bne [v200, v201, v202, v203], v197, zero, [zero, v197, v197, zero], [v197, zero, v198, v199]
    slli v204, v198, 4
    add v205, v204, v199
    slli v206, v205, 4
    add v207, v206, v200
    slli v208, v207, 4
    add v209, v208, v201
    slli v210, v209, 4
    add v211, v210, v202
    slli v212, v211, 4
    add v213, v212, v192
    slli v214, v213, 4
    add v215, v214, v197
    rets v215=a0
}
";
    let expected = |a: u32, b: u32, c: u32| {
        let (d, e, f) = if a < b { (a, b, c) } else { (b, c, a) };
        let (g, h) = if c == 0 { (d, e) } else { (e, d) };
        let (i, j, k) = if f != 0 { (0, f, f) } else { (f, 0, g) };
        [g, h, i, j, k, a, f]
            .iter()
            .fold(0, |sum, digit| sum << 4 | digit)
    };
    for (a, b, c) in [
        (1, 2, 3),
        (2, 1, 3),
        (1, 2, 0),
        (2, 1, 0),
        (0, 0, 5),
        (0, 0, 0),
    ] {
        let result = run(text, "select", &[a, b, c]);
        assert_eq!(result, expected(a, b, c), "{a} {b} {c}");
    }
}

/// A table of `entries` targets, which leads to one of five blocks.
fn jump_table(entries: u32) -> String {
    let targets: Vec<_> = (0..entries)
        .map(|index| format!("block{}", 2 + index % 5))
        .collect();
    let mut text = format!(
        "vcode %table {{\nblock0:\nargs v192=a0\nbr_table v192, v193, v194, block1, [{}]\n",
        targets.join(", ")
    );
    text += "block1:\nli v195, 999\nrets v195=a0\n";
    for block in 0..entries.min(5) {
        text += &format!(
            "block{}:\nli v{1}, {block}\nrets v{1}=a0\n",
            2 + block,
            200 + block
        );
    }
    text + "}\n"
}

#[test]
fn jump_tables_of_any_size() {
    for entries in [0, 1, 2, 5, 1000] {
        let text = jump_table(entries);
        for index in [0, 1, 4, 5, 999, 1000, 0x7fff_ffff, 0xffff_ffff] {
            let expected = if index < entries { index % 5 } else { 999 };
            assert_eq!(
                run(&text, "table", &[index]),
                expected,
                "{index} of {entries}"
            );
        }
    }
}

#[test]
fn calls_direct_indirect_and_recursive() {
    let text = "\
vcode %fib {
block0:
    args v192=a0
    li v193, 2
    bltu v192, v193, block1, block2
block1:
    rets v192=a0
block2:
    addi v194, v192, -1
    call %fib(v194=a0) -> v195=a0 clobbers a1-a7, t0-t6
    addi v196, v192, -2
    la v197, %fib+0
    call_indirect v197(v196=a0) -> v198=a0 clobbers a1-a7, t0-t6
    add v199, v195, v198
    rets v199=a0
}
";
    assert_eq!(run(text, "fib", &[15]), 610);
}

/// Arguments that swap registers on the way into a call and out of it.
#[test]
fn call_arguments_move_at_once() {
    let text = "\
vcode %subtract {
block0:
    args v192=a0, v193=a1
    sub v194, v192, v193
    rets v194=a1, v192=a0
}

vcode %main {
block0:
    args v192=a0, v193=a1
    call %subtract(v193=a0, v192=a1) -> v194=a1, v195=a0 clobbers a2-a7, t0-t6
    slli v196, v195, 8
    add v197, v196, v194
    rets v197=a0
}
";
    assert_eq!(run(text, "main", &[3, 10]), (10 << 8) + 7);
}

#[test]
fn constants_are_loaded() {
    let text = "\
vcode %f {
    const0 = 0x0000
    const1 = 0x11223344
block0:
    lw v192, const1
    la v193, const1
    lbu v194, 3(v193)
    add v195, v192, v194
    rets v195=a0
}
";
    assert_eq!(run(text, "f", &[]), 0x4433_2211 + 0x44);
}
