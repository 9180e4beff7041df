//! Functions with values that live long.

use super::{FunctionWriter, LargeProgram};

/// What all calls go to: a function that gives its argument back.
const CALLEE: &str = "function %same(i32) -> i32 {\nblock0(v0: i32):\n    return v0\n}\n\n";

/// The declaration of [`CALLEE`].
const CALLEE_DECLARATION: &str = "    fn0 = %same(i32) -> i32\n";

/// How many values of [`values_across_blocks`] live from its start to its end: more than there are registers.
const LONG_LIVED: usize = 30;

/// All values are computed, then comes a call, and then they are used in the same order.
pub(super) fn live_values(size: u32) -> LargeProgram {
    let head = "%live_values(i32, i32) -> i32";
    let mut f = FunctionWriter::new(head, CALLEE_DECLARATION);
    let values = powers(&mut f, size as usize);
    let mut sum = f.value(&format!("call fn0({})", values[values.len() - 1]));
    for value in values {
        sum = f.value(&format!("isub {value}, {sum}"));
    }
    f.inst(&format!("return {sum}"));
    LargeProgram {
        text: CALLEE.to_owned() + &f.finish(),
        function: "live_values",
        calls: vec![vec![1, 1], vec![3, -5]],
    }
}

/// As many calls as values: all values are computed before the first call, and one is used behind each.
pub(super) fn values_across_calls(size: u32) -> LargeProgram {
    let head = "%values_across_calls(i32, i32) -> i32";
    let mut f = FunctionWriter::new(head, CALLEE_DECLARATION);
    let values = powers(&mut f, size as usize);
    let mut sum = values[values.len() - 1].clone();
    for value in values {
        sum = f.value(&format!("call fn0({sum})"));
        sum = f.value(&format!("isub {value}, {sum}"));
    }
    f.inst(&format!("return {sum}"));
    LargeProgram {
        text: CALLEE.to_owned() + &f.finish(),
        function: "values_across_calls",
        calls: vec![vec![1, 1], vec![3, -5]],
    }
}

/// A few values are computed at the start and used at the end, behind diamonds that use one of them each.
pub(super) fn values_across_blocks(size: u32) -> LargeProgram {
    lives_across_blocks("values_across_blocks", size, LONG_LIVED)
}

/// As many diamonds as values: all values are computed before the first, and used behind the last.
pub(super) fn many_values_across_blocks(size: u32) -> LargeProgram {
    lives_across_blocks("many_values_across_blocks", size, size as usize)
}

fn lives_across_blocks(name: &'static str, diamonds: u32, lives: usize) -> LargeProgram {
    let mut f = FunctionWriter::new(&format!("%{name}(i32, i32) -> i32"), "");
    let values = powers(&mut f, lives);
    let mut sum = values[values.len() - 1].clone();
    for diamond in 0..diamonds {
        let (left, join) = (2 * diamond + 1, 2 * diamond + 2);
        f.inst(&format!("brif {sum}, block{left}, block{join}({sum})"));
        let [] = f.block(left);
        let other = &values[diamond as usize % lives];
        let next = f.value(&format!("isub {other}, {sum}"));
        f.inst(&format!("jump block{join}({next})"));
        [sum] = f.block(join);
    }
    for value in values {
        sum = f.value(&format!("isub {value}, {sum}"));
    }
    f.inst(&format!("return {sum}"));
    LargeProgram {
        text: f.finish(),
        function: name,
        calls: vec![vec![1, 1], vec![3, -5]],
    }
}

/// Starts the function, of two parameters, with `count` products: of the first parameter and the second, of that and the second, and
/// so on.
fn powers(f: &mut FunctionWriter, count: usize) -> Vec<String> {
    let [mut value, factor] = f.block(0);
    let product = |_| {
        value = f.value(&format!("imul {value}, {factor}"));
        value.clone()
    };
    (0..count).map(product).collect()
}

/// Calls in one block, each with the result of the one before.
pub(super) fn calls_in_a_row(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%calls_in_a_row(i32) -> i32", CALLEE_DECLARATION);
    let [mut value] = f.block(0);
    let one = f.constant(1);
    for _ in 0..size / 2 {
        value = f.value(&format!("call fn0({value})"));
        value = f.value(&format!("iadd {value}, {one}"));
    }
    f.inst(&format!("return {value}"));
    LargeProgram {
        text: CALLEE.to_owned() + &f.finish(),
        function: "calls_in_a_row",
        calls: vec![vec![0], vec![-3]],
    }
}
