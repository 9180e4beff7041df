//! Functions with many values.

use super::{FunctionWriter, LargeProgram, types};
use fastrand::Rng;

/// From how many values before an instruction of [`straight`] takes its operands: more than there are registers.
const WINDOW: usize = 40;

/// One block, each instruction of which computes with two of the last values.
pub(super) fn straight(size: u32) -> LargeProgram {
    let mut rng = Rng::with_seed(2);
    let mut f = FunctionWriter::new("%straight(i32, i32) -> i32", "");
    let mut values = f.block_with(0, 2);
    let opcodes = ["iadd", "isub", "imul", "bxor"];
    for _ in 0..size {
        let recent = &values[values.len().saturating_sub(WINDOW)..];
        let (a, b) = (rng.choice(recent), rng.choice(recent));
        let (Some(a), Some(b), Some(opcode)) = (a, b, rng.choice(opcodes)) else {
            unreachable!("there are values and opcodes")
        };
        values.push(f.value(&format!("{opcode} {a}, {b}")));
    }
    let last = &values[values.len().saturating_sub(WINDOW)..];
    let mut sum = last[0].clone();
    for value in last {
        sum = f.value(&format!("iadd {sum}, {value}"));
    }
    f.inst(&format!("return {sum}"));
    LargeProgram {
        text: f.finish(),
        function: "straight",
        calls: vec![vec![3, 5], vec![-1, i32::MAX]],
    }
}

/// As [`straight`], with values of two words.
pub(super) fn straight_wide(size: u32) -> LargeProgram {
    let mut rng = Rng::with_seed(3);
    let mut f = FunctionWriter::new("%straight_wide(i32, i32) -> i32", "");
    let [a, b] = f.block(0);
    let a = f.value(&format!("uextend.i64 {a}"));
    let b = f.value(&format!("sextend.i64 {b}"));
    let mut values = vec![a, b];
    let opcodes = ["iadd", "isub", "imul", "bxor"];
    for _ in 0..size {
        let recent = &values[values.len().saturating_sub(WINDOW)..];
        let (a, b) = (rng.usize(..recent.len()), rng.usize(..recent.len()));
        let opcode = opcodes[rng.usize(..opcodes.len())];
        let inst = format!("{opcode} {}, {}", recent[a], recent[b]);
        values.push(f.value(&inst));
    }
    let last = &values[values.len().saturating_sub(WINDOW)..];
    let mut sum = last[0].clone();
    for value in last {
        sum = f.value(&format!("iadd {sum}, {value}"));
    }
    let (low, high) = (f.fresh(), f.fresh());
    f.inst(&format!("{low}, {high} = isplit {sum}"));
    let result = f.value(&format!("bxor {low}, {high}"));
    f.inst(&format!("return {result}"));
    LargeProgram {
        text: f.finish(),
        function: "straight_wide",
        calls: vec![vec![3, 5], vec![-1, i32::MAX]],
    }
}

/// What a link of [`chain`] does to the value before it, `$`, with the constant `#`.
const LINKS: [&[&str]; 10] = [
    &["iadd $, #"],
    &["bxor $, #"],
    &["rotl $, #"],
    &["bnot $"],
    &["isub #, $"],
    &["uextend.i64 $", "ireduce.i32 $"],
    &["ireduce.i16 $", "sextend.i32 $"],
    &["select $, #, $"],
    &["icmp sgt $, #", "uextend.i32 $"],
    &["sextend.i64 $", "bswap $", "popcnt $", "ireduce.i32 $"],
];

/// Each value is used by the next one only. Runs of the same instruction, as long as they may be, are followed by others.
pub(super) fn chain(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%chain(i32) -> i32", "");
    let [mut value] = f.block(0);
    let run = size as usize / LINKS.len();
    for (kind, link) in LINKS.iter().enumerate() {
        for number in 0..run / link.len() {
            let constant = f.constant((number % 29 + kind) as i32);
            for inst in *link {
                value = f.value(&inst.replace('$', &value).replace('#', &constant));
            }
        }
    }
    f.inst(&format!("return {value}"));
    LargeProgram {
        text: f.finish(),
        function: "chain",
        calls: vec![vec![5], vec![-70_000]],
    }
}

/// Constants of 32 and of 64 bits, no two of which are the same.
pub(super) fn constants(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%constants(i32) -> i32", "");
    let [a] = f.block(0);
    let mut sum = f.value(&format!("uextend.i64 {a}"));
    for number in 0..size / 2 {
        let wide = i64::from(number).wrapping_mul(0x5851_f42d_4c95_7f2d);
        let constant = f.value(&format!("iconst.i64 {wide}"));
        sum = f.value(&format!("iadd {sum}, {constant}"));
    }
    let mut sum = f.value(&format!("ireduce.i32 {sum}"));
    for number in 0..size / 2 {
        let constant = f.constant(number.wrapping_mul(0x9e37_79b9) as i32);
        sum = f.value(&format!("isub {constant}, {sum}"));
    }
    f.inst(&format!("return {sum}"));
    LargeProgram {
        text: f.finish(),
        function: "constants",
        calls: vec![vec![0], vec![-5]],
    }
}

/// A loop in each round of which all parameters move one place on.
pub(super) fn block_parameters(size: u32) -> LargeProgram {
    let size = size.max(2);
    let head = format!("%block_parameters(i32) -> {}", types(2));
    let mut f = FunctionWriter::new(&head, "");
    let [rounds] = f.block(0);
    let one = f.constant(1);
    let first: Vec<_> = (0..size).map(|number| f.constant(number as i32)).collect();
    f.inst(&format!("jump block1({rounds}, {})", first.join(", ")));
    let params = f.block_with(1, size + 1);
    let (rounds, params) = params.split_first().expect("there is a parameter");
    let rest = f.value(&format!("isub {rounds}, {one}"));
    let mut rotated = params.to_vec();
    rotated.rotate_left(1);
    f.inst(&format!(
        "brif {rest}, block1({rest}, {}), block2",
        rotated.join(", ")
    ));
    let [] = f.block(2);
    f.inst(&format!(
        "return {}, {}",
        params[0],
        params[params.len() - 1]
    ));
    LargeProgram {
        text: f.finish(),
        function: "block_parameters",
        calls: vec![vec![1], vec![2], vec![10]],
    }
}

/// How many blocks of [`parameters_of_blocks`] have parameters.
const BLOCKS_WITH_PARAMETERS: u32 = 4;

/// A loop of several blocks, each of which has the same number of parameters and passes them on in reverse.
pub(super) fn parameters_of_blocks(size: u32) -> LargeProgram {
    let size = size.max(2);
    let mut f = FunctionWriter::new("%parameters_of_blocks(i32) -> i32", "");
    let [rounds] = f.block(0);
    let numbers: Vec<_> = (0..size).map(|number| f.constant(number as i32)).collect();
    f.inst(&format!("jump block1({rounds}, {})", numbers.join(", ")));
    let exit = BLOCKS_WITH_PARAMETERS + 1;
    for block in 1..exit {
        let params = f.block_with(block, size + 1);
        let (rounds, params) = params.split_first().expect("there is a parameter");
        let mut passed = params.to_vec();
        passed.reverse();
        let sum = f.value(&format!("iadd {}, {}", params[0], params[1]));
        passed[0] = sum.clone();
        if block + 1 < exit {
            f.inst(&format!(
                "jump block{}({rounds}, {})",
                block + 1,
                passed.join(", ")
            ));
            continue;
        }
        let one = f.constant(1);
        let rest = f.value(&format!("isub {rounds}, {one}"));
        let passed = passed.join(", ");
        f.inst(&format!(
            "brif {rest}, block1({rest}, {passed}), block{exit}({sum})"
        ));
    }
    let [sum] = f.block(exit);
    f.inst(&format!("return {sum}"));
    LargeProgram {
        text: f.finish(),
        function: "parameters_of_blocks",
        calls: vec![vec![1], vec![7]],
    }
}
