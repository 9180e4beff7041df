//! Register pressure, of code whose pressure is plain to see, and against sets of live registers.

mod support;

use lpc_codegen::Settings;
use lpc_codegen::backend::pressure::register_pressure;
use lpc_codegen::backend::vcode::VCode;
use lpc_codegen::compile::lower_function;
use lpc_codegen::isa::riscv32::inst::MInst;
use lpc_lpir::text::parse_module;
use regalloc2::{Function, OperandKind, OperandPos, VReg};
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use support::parse_one;

fn pressure(text: &str) -> u32 {
    register_pressure(&parse_one(text).vcode)
}

#[test]
fn of_a_chain() {
    let text = "\
vcode %f {
block0:
    args v192=a0
    addi v193, v192, 1
    addi v194, v193, 1
    rets v194=a0
}
";
    assert_eq!(pressure(text), 1);
    assert_eq!(pressure("vcode %f {\nblock0:\nrets\n}"), 0);
}

/// An operand that is read early and a result share a register; what is read late does not.
#[test]
fn of_operands() {
    let text = |inst: &str| {
        format!("vcode %f {{\nblock0:\nargs v192=a0, v193=a1\n{inst}\nrets v194=a0\n}}")
    };
    assert_eq!(pressure(&text("add v194, v192, v193")), 2);
    let selection = "select.bge [v194, v195], v192, zero, [zero, zero], [v193, v192]";
    assert_eq!(pressure(&text(selection)), 4);
}

/// What nobody reads takes a register where it is written.
#[test]
fn of_results_that_nobody_reads() {
    let text = "vcode %f {\nblock0:\nargs v192=a0\nli v193, 1\nli v194, 2\nrets v192=a0\n}";
    assert_eq!(pressure(text), 2);
}

/// Forty values and the address that they are loaded from.
#[test]
fn of_many_values() {
    let mut text = String::from("vcode %f {\nblock0:\nargs v192=a0\n");
    for index in 0..40 {
        text += &format!("lw v{}, {}(v192)\n", 200 + index, 4 * index);
    }
    text += "li v300, 0\n";
    for index in 0..40 {
        text += &format!("add v{}, v{}, v{}\n", 301 + index, 300 + index, 200 + index);
    }
    text += "rets v340=a0\n}";
    assert_eq!(pressure(&text), 41);
}

/// A value from before a loop that is read behind it is live all through the loop.
#[test]
fn of_a_loop() {
    let text = "\
vcode %f {
block0:
    args v192=a0, v193=a1
    jump block1(v192)
block1(v194):
    addi v195, v194, -1
    bne v195, zero, block2, block3
block2 edge:
    jump block1(v195)
block3:
    rets v193=a0
}
";
    assert_eq!(pressure(text), 2);
    let with_use_behind = text.replace("rets v193=a0", "add v196, v193, v192\nrets v196=a0");
    assert_eq!(pressure(&with_use_behind), 3);
}

/// The same figure from sets of live registers.
fn expected(vcode: &VCode<MInst>) -> u32 {
    let blocks: Vec<_> = vcode.blocks().collect();
    let mut live_in = vec![HashSet::new(); blocks.len()];
    let mut most = 0;
    loop {
        let before = live_in.clone();
        for &block in blocks.iter().rev() {
            let mut live: HashSet<VReg> = HashSet::new();
            let last = vcode.block_insns(block).last();
            for (index, succ) in vcode.block_succs(block).iter().enumerate() {
                live.extend(&before[succ.index()]);
                live.extend(vcode.branch_blockparams(block, last, index));
            }
            for inst in vcode.block_insns(block).iter().rev() {
                let operands = vcode.inst_operands(inst);
                for position in [OperandPos::Late, OperandPos::Early] {
                    let here = || operands.iter().filter(|operand| operand.pos() == position);
                    live.extend(here().map(|operand| operand.vreg()));
                    most = most.max(live.len());
                    for operand in here().filter(|operand| operand.kind() == OperandKind::Def) {
                        live.remove(&operand.vreg());
                    }
                }
            }
            let params = Function::block_params(vcode, block);
            live.extend(params);
            most = most.max(live.len());
            for param in params {
                live.remove(param);
            }
            live_in[block.index()] = live;
        }
        if live_in == before {
            return most as u32;
        }
    }
}

#[test]
fn agrees_with_sets_of_live_registers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "clif") {
            continue;
        }
        let module = parse_module(&fs::read_to_string(&path).unwrap()).unwrap();
        for (_, function) in module.functions() {
            let vcode = lower_function(function, &Settings::default()).unwrap();
            let name = &function.name;
            assert_eq!(
                register_pressure(&vcode),
                expected(&vcode),
                "{}: {name}",
                path.display()
            );
            count += 1;
        }
    }
    assert!(count >= 10, "{count} functions");
}
