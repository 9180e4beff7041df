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

/// All values are computed, then comes a call, and then they are used in the same order.
pub(super) fn live_values(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%same(i32) -> i32", "");
    let [same] = f.block(0);
    f.inst(&format!("return {same}"));
    let mut text = f.finish();

    let preamble = "    fn0 = %same(i32) -> i32\n";
    let mut f = FunctionWriter::new("%live_values(i32, i32) -> i32", preamble);
    let [mut value, factor] = f.block(0);
    let mut values = Vec::new();
    for _ in 0..size {
        value = f.value(&format!("imul {value}, {factor}"));
        values.push(value.clone());
    }
    let mut sum = f.value(&format!("call fn0({value})"));
    for value in values {
        sum = f.value(&format!("isub {value}, {sum}"));
    }
    f.inst(&format!("return {sum}"));
    text += &f.finish();
    LargeProgram {
        text,
        function: "live_values",
        calls: vec![vec![1, 1], vec![3, -5]],
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
