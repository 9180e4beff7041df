//! Functions with many blocks.

use super::{FunctionWriter, LargeProgram};
use fastrand::Rng;

/// The instructions of a block of [`branches`].
const BLOCK_SIZE: u32 = 10;

/// How often [`branches`] goes back.
const ROUNDS: i32 = 400;

/// To how many places [`branches`] goes back.
const ENTRIES: u32 = 64;

/// Blocks of ten instructions. Each leads to the next or, for one in eight values, to any block behind it; the last one leads
/// back to one of 64 blocks that are spread over the function, until the rounds are counted down.
pub(super) fn branches(size: u32) -> LargeProgram {
    let mut rng = Rng::with_seed(1);
    let count = (size / BLOCK_SIZE).max(2);
    let (latch, dispatch, exit) = (count + 1, count + 2, count + 3);
    let mut f = FunctionWriter::new("%branches(i32, i32) -> i32", "");
    let [a, b] = f.block(0);
    let rounds = f.constant(ROUNDS);
    f.inst(&format!("jump block1({a}, {b}, {rounds})"));
    for block in 1..=count {
        let [a, b, rounds] = f.block(block);
        let (a, b) = mix(&mut f, &mut rng, &a, &b);
        let mask = f.constant(0b111 << rng.u32(0..29));
        let condition = f.value(&format!("band {a}, {mask}"));
        let next = format!("block{}({a}, {b}, {rounds})", block + 1);
        let far = format!("block{}({b}, {a}, {rounds})", rng.u32(block + 1..=latch));
        f.inst(&format!("brif {condition}, {next}, {far}"));
    }
    let [a, b, rounds] = f.block(latch);
    let one = f.constant(1);
    let rest = f.value(&format!("isub {rounds}, {one}"));
    f.inst(&format!("brif {rest}, block{dispatch}, block{exit}"));
    let [] = f.block(dispatch);
    let shift = f.constant(32 - ENTRIES.ilog2() as i32);
    let index = f.value(&format!("ushr {a}, {shift}"));
    let entries: Vec<_> = (0..ENTRIES)
        .map(|entry| {
            format!(
                "block{}({b}, {a}, {rest})",
                1 + entry * (count - 1) / ENTRIES
            )
        })
        .collect();
    let entries = entries.join(", ");
    f.inst(&format!(
        "br_table {index}, block1({a}, {b}, {rest}), [{entries}]"
    ));
    let [] = f.block(exit);
    let result = f.value(&format!("bxor {a}, {b}"));
    f.inst(&format!("return {result}"));
    LargeProgram {
        text: f.finish(),
        function: "branches",
        calls: vec![vec![1, 2], vec![-5, 77], vec![i32::MIN, i32::MAX]],
    }
}

/// Seven instructions that compute two values from two others.
fn mix(f: &mut FunctionWriter, rng: &mut Rng, a: &str, b: &str) -> (String, String) {
    let first = f.constant(rng.i32(..));
    let second = f.constant(rng.i32(..) | 1);
    let opcodes = ["iadd", "isub", "bxor"];
    let opcode = |rng: &mut Rng| opcodes[rng.usize(..opcodes.len())];
    let c = f.value(&format!("{} {a}, {first}", opcode(rng)));
    let d = f.value(&format!("imul {b}, {second}"));
    let c = f.value(&format!("rotl {c}, {b}"));
    let d = f.value(&format!("rotl {d}, {c}"));
    let e = f.value(&format!("{} {d}, {c}", opcode(rng)));
    (c, e)
}

/// Each diamond chooses one of two values.
pub(super) fn diamonds(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%diamonds(i32, i32) -> i32", "");
    let [mut a, mut b] = f.block(0);
    for diamond in 0..size {
        let (left, right, join) = (3 * diamond + 1, 3 * diamond + 2, 3 * diamond + 3);
        let condition = f.value(&format!("icmp slt {a}, {b}"));
        f.inst(&format!("brif {condition}, block{left}, block{right}"));
        let [] = f.block(left);
        let sum = f.value(&format!("iadd {a}, {b}"));
        f.inst(&format!("jump block{join}({sum}, {b})"));
        let [] = f.block(right);
        let difference = f.value(&format!("isub {a}, {b}"));
        f.inst(&format!("jump block{join}({b}, {difference})"));
        [a, b] = f.block(join);
    }
    let result = f.value(&format!("bxor {a}, {b}"));
    f.inst(&format!("return {result}"));
    LargeProgram {
        text: f.finish(),
        function: "diamonds",
        calls: vec![vec![1, 2], vec![-7, 3]],
    }
}

/// Each block leads to the next or to the exit, with what was computed so far.
pub(super) fn ladder(size: u32) -> LargeProgram {
    let exit = size + 1;
    let mut f = FunctionWriter::new("%ladder(i32, i32) -> i32", "");
    let [a, last] = f.block(0);
    f.inst(&format!("jump block1({a})"));
    for block in 1..=size {
        let [a] = f.block(block);
        let sum = f.value(&format!("iadd {a}, {last}"));
        let next = format!("block{}({sum})", block + 1);
        let leave = format!("block{exit}({a})");
        if block == size {
            f.inst(&format!("jump {next}"));
        } else {
            f.inst(&format!("brif {sum}, {next}, {leave}"));
        }
    }
    let [a] = f.block(exit);
    f.inst(&format!("return {a}"));
    LargeProgram {
        text: f.finish(),
        function: "ladder",
        calls: vec![vec![5, 1], vec![-20, 2], vec![-3, 1]],
    }
}

/// One loop behind the other, each of which is left after its second round at the latest.
pub(super) fn loops_in_a_row(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%loops_in_a_row(i32) -> i32", "");
    let [a] = f.block(0);
    f.inst(&format!("jump block1({a})"));
    for header in 1..=size {
        let [a] = f.block(header);
        let three = f.constant(3);
        let product = f.value(&format!("imul {a}, {three}"));
        let one = f.constant(1);
        let next = f.value(&format!("bxor {product}, {one}"));
        let bit = f.value(&format!("band {next}, {one}"));
        f.inst(&format!(
            "brif {bit}, block{header}({next}), block{}({next})",
            header + 1
        ));
    }
    let [a] = f.block(size + 1);
    f.inst(&format!("return {a}"));
    LargeProgram {
        text: f.finish(),
        function: "loops_in_a_row",
        calls: vec![vec![1], vec![-4]],
    }
}

/// Conditional traps in one block, none of which is taken.
pub(super) fn traps(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%traps(i32) -> i32", "");
    let [mut a] = f.block(0);
    let two = f.constant(2);
    for _ in 0..size {
        a = f.value(&format!("iadd {a}, {two}"));
        f.inst(&format!("trapz {a}, user1"));
    }
    f.inst(&format!("return {a}"));
    LargeProgram {
        text: f.finish(),
        function: "traps",
        calls: vec![vec![1], vec![-333]],
    }
}
