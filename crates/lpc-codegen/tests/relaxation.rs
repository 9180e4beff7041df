//! Branches over any distance.

mod support;

use lpc_codegen::backend::regalloc::RegallocAlgorithm;
use lpc_lpir::ir::TrapCode;
use lpc_riscv32::ExtensionSet;
use lpc_riscv32::emulator::Stop;
use support::{Program, compile_for, compile_one, disassemble, parse_one, run, run_for};

fn nops(count: usize) -> String {
    "nop\n".repeat(count)
}

/// A branch over `count` instructions and one back over them: counts `a0` down to zero and returns 7, or -7 at once where
/// `a0` is negative.
fn far_loop(count: usize) -> String {
    format!(
        "vcode %f {{
block0:
    args v192=a0
    blt v192, zero, block1, block2
block1:
    li v193, -7
    rets v193=a0
block2:
    jump block3(v192)
block3(v194) aligned:
    beq v194, zero, block5, block4
block4:
    addi v195, v194, -1
{}    jump block3(v195)
block5 cold:
    li v196, 7
    rets v196=a0
}}",
        nops(count)
    )
}

/// The first instructions of `far_loop`, and its last jump back.
fn branches(count: usize) -> Vec<String> {
    let code = compile_one(&far_loop(count));
    let listing = disassemble(&code);
    listing
        .lines()
        .filter(|line| !line.ends_with("nop"))
        .map(|line| line.split_once(": ").unwrap().1.to_string())
        .collect()
}

#[test]
fn the_shortest_form_that_reaches() {
    // From the `beqz` to the cold block: the `addi`, the instructions and the jump back lie between.
    let distance = |count: usize| 4 * (count + 3);
    assert!(distance(1020) < 4094 && distance(1021) > 4094);
    let near = branches(1020);
    assert!(
        near.iter().any(|line| line.starts_with("beqz a0,")),
        "{near:?}"
    );
    let far = branches(1021);
    assert!(
        far.iter().any(|line| line.starts_with("bnez a0,")),
        "{far:?}"
    );
    assert!(far.iter().all(|line| !line.starts_with("auipc")), "{far:?}");
    let farthest = branches(262_150);
    let pairs = farthest.iter().filter(|line| line.starts_with("auipc ra,"));
    assert_eq!(pairs.count(), 2, "{farthest:?}");
    // `ra` is saved for them.
    assert!(
        farthest.iter().any(|line| line.starts_with("sw ra,")),
        "{farthest:?}"
    );
}

#[test]
fn branches_beyond_4_kib_run() {
    for count in [1015, 1018, 1019, 1020, 1021, 1022, 3000] {
        assert_eq!(run(&far_loop(count), "f", &[3]), 7, "{count}");
    }
    assert_eq!(run(&far_loop(3000), "f", &[-1i32 as u32]), -7i32 as u32);
}

#[test]
fn branches_beyond_1_mib_run() {
    for count in [262_130, 262_141, 262_150, 300_000] {
        assert_eq!(run(&far_loop(count), "f", &[2]), 7, "{count}");
    }
}

/// The bytes of `far_loop` with compressed instructions, apart from those of the `nop`s.
fn compressed_size(count: usize) -> u32 {
    let function = parse_one(&far_loop(count));
    let code = compile_for(ExtensionSet::RV32IMAC, &function, RegallocAlgorithm::Ion);
    code.buffer.code_size - 2 * count as u32
}

/// `c.beqz` reaches 254 bytes forwards and `beq` 4094; `c.j` 2048 backwards; and `jal` 1 MiB, at which both grow. With so much
/// code `ra` is saved, which takes 12 bytes.
const COMPRESSED_SIZES: [(usize, u32); 8] = [
    (124, 18),
    (125, 20),
    (1021, 20),
    (1022, 22),
    (2042, 22),
    (2043, 26),
    (524_282, 38),
    (524_283, 46),
];

#[test]
fn compressed_forms_up_to_their_borders() {
    for (count, size) in COMPRESSED_SIZES {
        assert_eq!(compressed_size(count), size, "{count}");
    }
}

#[test]
fn compressed_code_runs_at_the_borders() {
    for (count, _) in COMPRESSED_SIZES {
        let result = run_for(ExtensionSet::RV32IMAC, &far_loop(count), "f", &[2]);
        assert_eq!(result, 7, "{count}");
    }
}

/// Traps and jump tables lead and lie beyond the reach of a branch.
#[test]
fn far_traps_and_tables() {
    let text = format!(
        "vcode %f {{
block0:
    args v192=a0
    trap_if.blt v192, zero, user1
    br_table v192, v193, v194, block1, [block2, block3]
block1:
    li v195, 1
    rets v195=a0
block2:
    {}li v196, 2
    rets v196=a0
block3:
    li v197, 3
    rets v197=a0
}}",
        nops(3000)
    );
    for (index, expected) in [(0, 2), (1, 3), (2, 1)] {
        assert_eq!(run(&text, "f", &[index]), expected);
    }
}

/// Two branches, each of which is out of reach only where the other is long: growing one makes the other grow.
#[test]
fn growth_spreads() {
    // block1 is reached from block0 over block3's branch, and block3 reaches back over block0's.
    let text = |count: usize| {
        format!(
            "vcode %f {{
block0:
    args v192=a0
    jump block1(v192)
block1(v193):
    addi v194, v193, -1
    beq v193, zero, block4, block2
block2:
    {}bne v194, zero, block3, block5
block3 edge:
    jump block1(v194)
block4 cold:
    li v195, 1
    rets v195=a0
block5:
    li v196, 2
    rets v196=a0
}}",
            nops(count)
        )
    };
    for count in 1015..1025 {
        assert_eq!(run(&text(count), "f", &[3]), 2, "{count}");
        assert_eq!(run(&text(count), "f", &[0]), 1, "{count}");
    }
}

/// A hundred thousand branches, nearly all of which are farther from their traps than a branch reaches.
#[test]
fn many_far_branches() {
    let count = 100_000;
    let text = format!(
        "vcode %f {{\nblock0:\nargs v192=a0\n{}rets v192=a0\n}}\n",
        "trap_if.blt v192, zero, user1\n".repeat(count)
    );
    let mut program = Program::new(&text, RegallocAlgorithm::Ion);
    assert_eq!(program.call("f", &[5]).unwrap()[0], 5);
    assert!(matches!(program.call("f", &[u32::MAX]), Err(Stop::Trap(_))));
    assert_eq!(program.trap_code(), TrapCode::user(1));
}
