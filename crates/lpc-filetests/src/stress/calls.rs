//! Modules of many functions, and calls with many arguments.

use super::{FunctionWriter, LargeProgram, types};

/// The conventions of the functions, in turn.
const CALL_CONVS: [&str; 3] = ["system_v", "fast", "tail"];

/// How deep the calls of [`functions`] go. Each function calls two others, so that up to 2¹³ calls are made.
const DEPTH: i32 = 12;

/// The function that [`functions`] numbers `index` calls two others that lie anywhere in the module, until the depth is used up.
pub(super) fn functions(size: u32) -> LargeProgram {
    let signature = |index: u32| format!("(i32, i32) -> i32 {}", call_conv(index));
    let mut text = String::new();
    for index in 0..size {
        let first = scatter(index, 1) % size;
        let second = scatter(index, 2) % size;
        let head = format!("%f{index}{}", signature(index));
        let preamble = format!(
            "    fn0 = %f{first}{}\n    fn1 = %f{second}{}\n",
            signature(first),
            signature(second)
        );
        let mut f = FunctionWriter::new(&head, &preamble);
        let [depth, x] = f.block(0);
        f.inst(&format!("brif {depth}, block1, block2"));
        let [] = f.block(1);
        let one = f.constant(1);
        let rest = f.value(&format!("isub {depth}, {one}"));
        let number = f.constant(scatter(index, 3) as i32);
        let y = f.value(&format!("iadd {x}, {number}"));
        let y = f.value(&format!("call fn0({rest}, {y})"));
        let z = f.value(&format!("bxor {x}, {y}"));
        let z = f.value(&format!("call fn1({rest}, {z})"));
        let sum = f.value(&format!("iadd {z}, {y}"));
        f.inst(&format!("return {sum}"));
        let [] = f.block(2);
        f.inst(&format!("return {x}"));
        text += &f.finish();
    }
    LargeProgram {
        text,
        function: "f0",
        calls: vec![vec![0, 7], vec![DEPTH, 1], vec![DEPTH, -9]],
    }
}

fn call_conv(index: u32) -> &'static str {
    CALL_CONVS[index as usize % CALL_CONVS.len()]
}

/// A number that depends on all bits of `index` and `salt`.
fn scatter(index: u32, salt: u32) -> u32 {
    let mixed = (index ^ salt.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
    (mixed ^ mixed >> 15).wrapping_mul(0xc2b2_ae35) >> 3
}

/// The callee weights each argument with its place. The caller computes them and passes them in their order and reversed.
pub(super) fn arguments(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new(&format!("%weighted({}) -> i32", types(size)), "");
    let params = f.block_with(0, size);
    let weight = f.constant(31);
    let mut sum = f.constant(0);
    for param in params {
        let product = f.value(&format!("imul {sum}, {weight}"));
        sum = f.value(&format!("iadd {product}, {param}"));
    }
    f.inst(&format!("return {sum}"));
    let mut text = f.finish();

    let preamble = format!("    fn0 = %weighted({}) -> i32\n", types(size));
    let mut f = FunctionWriter::new("%arguments(i32, i32) -> i32, i32", &preamble);
    let [mut value, step] = f.block(0);
    let mut values = Vec::new();
    for _ in 0..size {
        value = f.value(&format!("iadd {value}, {step}"));
        values.push(value.clone());
    }
    let first = f.value(&format!("call fn0({})", values.join(", ")));
    values.reverse();
    let second = f.value(&format!("call fn0({})", values.join(", ")));
    f.inst(&format!("return {first}, {second}"));
    text += &f.finish();
    LargeProgram {
        text,
        function: "arguments",
        calls: vec![vec![0, 1], vec![100, -7]],
    }
}

/// A function that calls as many others.
pub(super) fn references(size: u32) -> LargeProgram {
    let mut text = String::new();
    for index in 0..size {
        let mut f = FunctionWriter::new(&format!("%f{index}(i32) -> i32"), "");
        let [x] = f.block(0);
        let number = f.constant(scatter(index, 4) as i32);
        let sum = f.value(&format!("isub {number}, {x}"));
        f.inst(&format!("return {sum}"));
        text += &f.finish();
    }
    let declarations = (0..size).map(|index| format!("    fn{index} = %f{index}(i32) -> i32\n"));
    let preamble: String = declarations.collect();
    let mut f = FunctionWriter::new("%references(i32) -> i32", &preamble);
    let [mut x] = f.block(0);
    for index in 0..size {
        x = f.value(&format!("call fn{index}({x})"));
    }
    f.inst(&format!("return {x}"));
    text += &f.finish();
    LargeProgram {
        text,
        function: "references",
        calls: vec![vec![0], vec![77]],
    }
}
