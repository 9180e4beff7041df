//! Loops that start at addresses which are multiples of a power of two.

mod support;

use lpc_codegen::backend::emit::emit;
use lpc_codegen::backend::regalloc::{RegallocAlgorithm, run_validated};
use lpc_codegen::isa::riscv32::emit::EmitInfo;
use lpc_codegen::{CodeAlignment, Settings, lower_function};
use lpc_lpir::text::parse_module;
use std::fmt::Write;
use support::parse_one;

/// The blocks of the function in `text` that are aligned, by number.
fn aligned_blocks(text: &str, loop_alignment: CodeAlignment) -> Vec<usize> {
    let module = parse_module(text).unwrap();
    let (_, func) = module.functions().next().unwrap();
    let settings = Settings {
        loop_alignment,
        ..Settings::default()
    };
    let vcode = lower_function(func, &settings).unwrap();
    let blocks = vcode.blocks();
    let aligned = blocks.filter(|&block| vcode.block_flags(block).is_aligned);
    aligned.map(|block| block.index()).collect()
}

#[test]
fn loops_that_are_not_cold_are_aligned() {
    let text = "\
function %f(i32) {
block0(v0: i32):
    brif v0, block1, block3
block1:
    jump block2
block2:
    brif v0, block2, block5
block3 cold:
    jump block4
block4 cold:
    brif v0, block4, block5
block5:
    return
}
";
    let alignment = CodeAlignment::new(16).unwrap();
    let aligned = aligned_blocks(text, alignment);
    assert_eq!(aligned.len(), 1, "{aligned:?}");
    assert_eq!(aligned_blocks(text, CodeAlignment::NONE), []);
}

/// A chain of blocks that only jump, all of them aligned.
fn aligned_chain(count: usize) -> String {
    let mut text = String::from("vcode %f {\nblock0:\njump block1\n");
    for block in 1..count {
        writeln!(text, "block{block} aligned:\njump block{}", block + 1).unwrap();
    }
    writeln!(text, "block{count} aligned:\nrets\n}}").unwrap();
    text
}

/// A function whose branches may have to reach farther than `jal` does saves `ra`, which they then use.
#[test]
fn padding_counts_as_code() {
    for (blocks, setup_area_size) in [(250, 0), (256, 8)] {
        let function = parse_one(&aligned_chain(blocks));
        let allocation = run_validated(&function.vcode, RegallocAlgorithm::Ion)
            .unwrap()
            .output;
        let info = EmitInfo {
            loop_alignment: CodeAlignment::new(CodeAlignment::MAX).unwrap(),
            ..EmitInfo::new(support::extensions())
        };
        let code = emit(function.vcode, &allocation, info, false).unwrap();
        assert_eq!(code.frame.setup_area_size, setup_area_size, "{blocks}");
    }
}
