//! Functions with blocks that lie in each other.

use super::{FunctionWriter, LargeProgram};

/// Each loop contains the next, and is left after its first round.
pub(super) fn nested_loops(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%nested_loops(i32) -> i32", "");
    let [a] = f.block(0);
    f.inst(&format!("jump block1({a})"));
    for header in 1..=size {
        let [a] = f.block(header);
        let sum = f.value(&format!("iadd {a}, {a}"));
        f.inst(&format!("jump block{}({sum})", header + 1));
    }
    for latch in 0..size {
        let header = size - latch;
        let [a] = f.block(size + 1 + latch);
        let three = f.constant(3);
        let sum = f.value(&format!("iadd {a}, {three}"));
        let zero = f.constant(0);
        let condition = f.value(&format!("icmp eq {sum}, {zero}"));
        let back = format!("block{header}({sum})");
        f.inst(&format!(
            "brif {condition}, {back}, block{}({sum})",
            size + 2 + latch
        ));
    }
    let [a] = f.block(2 * size + 1);
    f.inst(&format!("return {a}"));
    LargeProgram {
        text: f.finish(),
        function: "nested_loops",
        calls: vec![vec![1], vec![-3]],
    }
}

/// Each conditional contains the next. The join of the one inside leads to that of the one around it.
pub(super) fn nested_ifs(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%nested_ifs(i32, i32) -> i32", "");
    let [mut a, b] = f.block(0);
    for condition in 1..=size {
        let join = 2 * size + 1 - condition;
        f.inst(&format!(
            "brif {a}, block{condition}, block{}({a})",
            join + 1
        ));
        let [] = f.block(condition);
        a = f.value(&format!("isub {a}, {b}"));
    }
    f.inst(&format!("jump block{}({a})", size + 1));
    for join in size + 1..=2 * size {
        let [result] = f.block(join);
        let next = f.value(&format!("bxor {result}, {b}"));
        f.inst(&format!("jump block{}({next})", join + 1));
    }
    let [result] = f.block(2 * size + 1);
    f.inst(&format!("return {result}"));
    let half = (size / 2) as i32;
    LargeProgram {
        text: f.finish(),
        function: "nested_ifs",
        calls: vec![vec![-1, 1], vec![half, 1], vec![0, 1]],
    }
}
