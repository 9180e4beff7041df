//! Functions that use much memory of their frame.

use super::{FunctionWriter, LargeProgram};
use fastrand::Rng;

/// The bytes that [`accesses`] works on.
const MEMORY_SIZE: u32 = 4096;

/// Loads and stores of each size in one block, in turn, anywhere in a stack slot.
pub(super) fn accesses(size: u32) -> LargeProgram {
    let mut rng = Rng::with_seed(4);
    let preamble = format!("    ss0 = explicit_slot {MEMORY_SIZE}, align = 4\n");
    let mut f = FunctionWriter::new("%accesses(i32) -> i32", &preamble);
    let [mut value] = f.block(0);
    let base = f.value("stack_addr.i32 ss0");
    for place in (0..MEMORY_SIZE).step_by(4) {
        f.inst(&format!("store {value}, {base}+{place}"));
    }
    for _ in 0..size / 5 {
        let mut place = || rng.u32(..MEMORY_SIZE / 4) * 4;
        let word = f.value(&format!("load.i32 {base}+{}", place()));
        value = f.value(&format!("isub {word}, {value}"));
        f.inst(&format!("store {value}, {base}+{}", place()));
        f.inst(&format!("istore8 {value}, {base}+{}", place() + 1));
        value = f.value(&format!("sload16.i32 {base}+{}", place() + 2));
    }
    f.inst(&format!("return {value}"));
    LargeProgram {
        text: f.finish(),
        function: "accesses",
        calls: vec![vec![1], vec![-70_000]],
    }
}

/// Each stack slot is written once, and read when all are.
pub(super) fn stack_slots(size: u32) -> LargeProgram {
    let slots = (0..size).map(|slot| {
        let (bytes, align) = (4 << (slot % 3), 4 << (slot % 2));
        format!("    ss{slot} = explicit_slot {bytes}, align = {align}\n")
    });
    let preamble: String = slots.collect();
    let mut f = FunctionWriter::new("%stack_slots(i32) -> i32", &preamble);
    let [mut value] = f.block(0);
    for slot in 0..size {
        let address = f.value(&format!("stack_addr.i32 ss{slot}"));
        f.inst(&format!("store {value}, {address}"));
        let number = f.constant(slot as i32 * 3);
        value = f.value(&format!("bxor {value}, {number}"));
    }
    for slot in (0..size).rev() {
        let address = f.value(&format!("stack_addr.i32 ss{slot}"));
        let word = f.value(&format!("load.i32 {address}"));
        value = f.value(&format!("isub {word}, {value}"));
    }
    f.inst(&format!("return {value}"));
    LargeProgram {
        text: f.finish(),
        function: "stack_slots",
        calls: vec![vec![1], vec![-70_000]],
    }
}
