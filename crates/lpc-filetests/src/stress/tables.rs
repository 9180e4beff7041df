//! Functions that branch by a table.

use super::{FunctionWriter, LargeProgram};

/// The entries lead to a fourth as many blocks.
pub(super) fn jump_table(size: u32) -> LargeProgram {
    let blocks = (size / 4).max(1);
    let mut f = FunctionWriter::new("%jump_table(i32) -> i32", "");
    let [index] = f.block(0);
    let entries: Vec<_> = (0..size)
        .map(|entry| format!("block{}", 2 + entry.wrapping_mul(7919) % blocks))
        .collect();
    f.inst(&format!(
        "br_table {index}, block1, [{}]",
        entries.join(", ")
    ));
    for block in 1..2 + blocks {
        let [] = f.block(block);
        let number = f.constant(block.wrapping_mul(block) as i32);
        f.inst(&format!("return {number}"));
    }
    LargeProgram {
        text: f.finish(),
        function: "jump_table",
        calls: ends_of_table(size),
    }
}

/// Each entry leads to a block of its own, and those to one that they share.
pub(super) fn distinct_targets(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%distinct_targets(i32) -> i32", "");
    let [index] = f.block(0);
    let entries: Vec<_> = (0..size)
        .map(|entry| format!("block{}", 2 + entry))
        .collect();
    f.inst(&format!(
        "br_table {index}, block1, [{}]",
        entries.join(", ")
    ));
    let join = 2 + size;
    for block in 1..join {
        let [] = f.block(block);
        let number = f.constant(block.wrapping_mul(block) as i32);
        let sum = f.value(&format!("iadd {index}, {number}"));
        f.inst(&format!("jump block{join}({sum})"));
    }
    let [sum] = f.block(join);
    f.inst(&format!("return {sum}"));
    LargeProgram {
        text: f.finish(),
        function: "distinct_targets",
        calls: ends_of_table(size),
    }
}

/// All entries lead to the same block.
pub(super) fn one_target(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%one_target(i32) -> i32", "");
    let [index] = f.block(0);
    let entries = vec!["block2"; size as usize].join(", ");
    f.inst(&format!("br_table {index}, block1, [{entries}]"));
    for block in 1..=2 {
        let [] = f.block(block);
        let number = f.constant(block as i32);
        f.inst(&format!("return {number}"));
    }
    LargeProgram {
        text: f.finish(),
        function: "one_target",
        calls: ends_of_table(size),
    }
}

/// The entries lead to two blocks, each with arguments of its own: every entry is a critical edge.
pub(super) fn table_arguments(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%table_arguments(i32, i32, i32) -> i32", "");
    let params = f.block_with(0, 3);
    let entries: Vec<_> = (0..size as usize)
        .map(|entry| {
            let argument = |place: usize| &params[(entry / (place + 1) + place) % 3];
            let arguments = [argument(0), argument(1), argument(2)].map(String::as_str);
            format!("block{}({})", 1 + entry % 2, arguments.join(", "))
        })
        .collect();
    f.inst(&format!(
        "br_table {}, block1({}), [{}]",
        params[0],
        params.join(", "),
        entries.join(", ")
    ));
    for (block, opcode) in [(1, "isub"), (2, "iadd")] {
        let [a, b, c] = f.block(block);
        let product = f.value(&format!("imul {b}, {c}"));
        let result = f.value(&format!("{opcode} {a}, {product}"));
        f.inst(&format!("return {result}"));
    }
    let with_two_more = |index: Vec<i32>| vec![index[0], 1000, 77];
    LargeProgram {
        text: f.finish(),
        function: "table_arguments",
        calls: ends_of_table(size).into_iter().map(with_two_more).collect(),
    }
}

/// Each entry leads to a block of its own, and passes it an argument.
pub(super) fn target_arguments(size: u32) -> LargeProgram {
    let mut f = FunctionWriter::new("%target_arguments(i32, i32) -> i32", "");
    let params: [String; 2] = f.block(0);
    let target = |entry: u32| format!("block{}({})", 1 + entry, params[entry as usize % 2]);
    let entries: Vec<_> = (1..=size).map(target).collect();
    f.inst(&format!(
        "br_table {}, {}, [{}]",
        params[0],
        target(0),
        entries.join(", ")
    ));
    for block in 1..2 + size {
        let [argument] = f.block(block);
        let number = f.constant(block.wrapping_mul(block) as i32);
        let sum = f.value(&format!("iadd {argument}, {number}"));
        f.inst(&format!("return {sum}"));
    }
    let with_another = |index: Vec<i32>| vec![index[0], -9];
    LargeProgram {
        text: f.finish(),
        function: "target_arguments",
        calls: ends_of_table(size).into_iter().map(with_another).collect(),
    }
}

/// The first and the last indices of a table of `size` entries, one in its middle, and those behind it.
fn ends_of_table(size: u32) -> Vec<Vec<i32>> {
    let last = size as i32 - 1;
    [0, 1, last / 2, last, last + 1, -1]
        .map(|index| vec![index])
        .to_vec()
}
