//! Register pressure, for code in which it can be counted by hand, and against liveness that is computed in another way.

mod support;

use lpc_codegen::backend::pressure::register_pressure;
use lpc_codegen::backend::reg::{RegClass, VirtualReg};
use lpc_codegen::backend::vcode::{BlockIndex, VCode};
use lpc_codegen::isa::riscv32::inst::MInst;
use lpc_codegen::{Settings, lower_function};
use lpc_lpir::text::{Outcome, parse_test};
use regalloc2::{Operand, OperandKind, OperandPos};
use std::collections::BTreeSet;
use std::path::Path;
use support::parse_one;

/// The pressure of the function with the blocks `body`.
fn pressure(body: &str) -> u32 {
    let function = parse_one(&format!("vcode %f {{\n{body}\n}}"));
    let pressure = register_pressure(&function.vcode, RegClass::Int);
    assert_eq!(pressure, pressure_by_sets(&function.vcode), "{body}");
    pressure
}

#[test]
fn no_registers() {
    assert_eq!(pressure("block0:\n rets"), 0);
    assert_eq!(pressure("block0:\n sw zero, spillslot0\n rets"), 0);
}

/// v194 can be written over v192 or v193, which are read for the last time.
#[test]
fn a_straight_line() {
    let text = "
        block0:
            args v192=a0, v193=a1
            add v194, v192, v193
            rets v194=a0";
    assert_eq!(pressure(text), 2);
    let text = "
        block0:
            args v192=a0, v193=a1
            add v194, v192, v193
            add v195, v194, v192
            rets v195=a0";
    assert_eq!(pressure(text), 2);
    let text = "
        block0:
            args v192=a0, v193=a1
            add v194, v192, v193
            add v195, v194, v192
            add v196, v195, v193
            rets v196=a0";
    assert_eq!(pressure(text), 3);
}

/// A register that is read twice by an instruction is one register.
#[test]
fn a_register_counts_once() {
    let text = "
        block0:
            args v192=a0
            add v193, v192, v192
            rets v193=a0, v193=a1";
    assert_eq!(pressure(text), 1);
}

#[test]
fn what_nobody_reads_counts_where_it_is_defined() {
    let text = "
        block0:
            args v192=a0
            li v193, 1
            li v194, 2
            rets v192=a0";
    assert_eq!(pressure(text), 2);
    let text = "
        block0:
            args v192=a0, v193=a1, v194=a2
            rets";
    assert_eq!(pressure(text), 3);
    let text = "
        block0:
            args v192=a0
            jump block1(v192, v192, v192)
        block1(v193, v194, v195):
            rets v194=a0";
    assert_eq!(pressure(text), 3);
}

/// `atomic_rmw` reads its operands late, so they are there together with its result and its temporary register.
#[test]
fn late_uses() {
    let text = "
        block0:
            args v192=a0, v193=a1
            atomic_rmw.nand v194, v195, v192, (v193)
            rets v194=a0";
    assert_eq!(pressure(text), 4);
}

/// Forty values and the address that they are loaded from.
#[test]
fn more_values_than_registers() {
    let mut text = String::from("block0:\nargs v192=a0\n");
    for index in 0..40 {
        text += &format!("lw v{}, {}(v192)\n", 200 + index, 4 * index);
    }
    text += "li v300, 0\n";
    for index in 0..40 {
        text += &format!("add v{}, v{}, v{}\n", 301 + index, 300 + index, 200 + index);
    }
    text += "rets v340=a0";
    assert_eq!(pressure(&text), 41);
}

/// `br_table` writes its temporary registers early, so they are there together with the index.
#[test]
fn early_definitions() {
    let text = "
        block0:
            args v192=a0
            br_table v192, v193, v194, block1, [block1]
        block1:
            rets";
    assert_eq!(pressure(text), 3);
}

/// v193 and v194 live on in one block each, never together with what the other block defines.
#[test]
fn a_diamond() {
    let text = "
        block0:
            args v192=a0, v193=a1, v194=a2
            bne v192, zero, block1, block2
        block1:
            addi v195, v193, 1
            jump block3(v195)
        block2:
            li v196, 5
            add v197, v194, v196
            jump block3(v197)
        block3(v198):
            rets v198=a0";
    assert_eq!(pressure(text), 3);
    let text = "
        block0:
            args v192=a0, v193=a1
            bne v192, zero, block1, block2
        block1:
            li v194, 1
            li v195, 2
            add v196, v194, v195
            jump block3(v196)
        block2:
            jump block3(v192)
        block3(v197):
            add v198, v197, v193
            rets v198=a0";
    assert_eq!(pressure(text), 3, "v193 lives through both blocks");
}

/// What is read on one path only does not live on the other.
#[test]
fn a_value_that_one_path_reads() {
    let text = "
        block0:
            args v192=a0, v193=a1
            bne v192, zero, block1, block2
        block1:
            rets v193=a0
        block2:
            li v194, 1
            li v195, 2
            add v196, v194, v195
            rets v196=a0";
    assert_eq!(pressure(text), 2);
}

/// v193 is read before the end of the loop and lives around it; v194 is read behind the loop.
#[test]
fn values_that_live_around_a_loop() {
    let text = "
        block0:
            args v192=a0, v193=a1, v194=a2
            jump block1(v192)
        block1(v195):
            sub v196, v195, v193
            li v197, 7
            add v198, v196, v197
            bne v198, zero, block2, block3
        block2 edge:
            jump block1(v198)
        block3:
            rets v194=a0";
    // v193, v194, v196 and v197.
    assert_eq!(pressure(text), 4);
}

/// The inner loop reads nothing, but what is read behind it lives through it, and what the outer loop reads first as well.
#[test]
fn nested_loops() {
    let text = "
        block0:
            args v192=a0, v193=a1
            jump block1
        block1:
            addi v194, v193, 1
            jump block2(v194)
        block2(v195):
            addi v196, v195, -1
            bne v196, zero, block3, block4
        block3 edge:
            jump block2(v196)
        block4:
            bne v192, zero, block5, block6
        block5 edge:
            jump block1
        block6:
            rets";
    assert_eq!(pressure(text), 3);
}

/// A loop of one block, whose two parameters change places.
#[test]
fn parameters_of_a_loop() {
    let text = "
        block0:
            args v192=a0, v193=a1
            jump block1(v192, v193)
        block1(v194, v195):
            bne v194, v195, block2, block3
        block2 edge:
            jump block1(v195, v194)
        block3:
            rets v194=a0";
    assert_eq!(pressure(text), 2);
}

/// An argument that lives on is there beside the parameter that it is passed to.
#[test]
fn an_argument_that_lives_on() {
    let text = "
        block0:
            args v192=a0
            jump block1(v192)
        block1(v193):
            addi v194, v193, 1
            add v195, v194, v192
            rets v195=a0";
    assert_eq!(pressure(text), 2);
}

/// Critical edges have blocks of their own, where only lives what the target needs.
#[test]
fn critical_edges() {
    let text = "
        block0:
            args v192=a0, v193=a1, v194=a2
            bne v192, zero, block1, block2
        block1 edge:
            jump block3(v193)
        block2:
            add v195, v193, v194
            jump block3(v195)
        block3(v196):
            add v197, v196, v192
            rets v197=a0";
    assert_eq!(pressure(text), 3);
}

#[test]
fn calls_clobber_registers_that_do_not_count() {
    let text = "
        block0:
            args v192=a0, v193=a1
            call %f(v192=a0) -> v194=a0 clobbers a1-a7, t0-t6
            add v195, v194, v193
            rets v195=a0";
    assert_eq!(pressure(text), 2);
}

#[test]
fn other_classes_are_not_counted() {
    let text = "vcode %f {\nblock0:\n args v192=a0\n rets v192=a0\n}";
    let function = parse_one(text);
    assert_eq!(register_pressure(&function.vcode, RegClass::Float), 0);
}

/// The reader accepts it, and leaves it to the allocator to refuse it.
#[test]
fn definitions_that_do_not_dominate_their_uses() {
    for body in [
        "block0:\n addi v193, v192, 1\n li v192, 1\n rets v193=a0",
        "block0:\n jump block1(v192)\nblock1(v192):\n jump block1(v192)",
    ] {
        let function = parse_one(&format!("vcode %f {{\n{body}\n}}"));
        register_pressure(&function.vcode, RegClass::Int);
    }
}

/// Two thousand blocks, and a thousand values that live through all of them.
#[test]
fn large_functions() {
    use std::fmt::Write;
    let mut text = String::from("block0:\n");
    for value in 0..1_000 {
        writeln!(text, "li v{}, {value}", 192 + value).unwrap();
    }
    writeln!(text, "jump block1").unwrap();
    for block in 1..2_000 {
        writeln!(text, "block{block}:\njump block{}", block + 1).unwrap();
    }
    writeln!(text, "block2000:").unwrap();
    for value in 0..1_000 {
        writeln!(text, "sw v{}, spillslot0", 192 + value).unwrap();
    }
    writeln!(text, "rets").unwrap();
    let function = parse_one(&format!("vcode %f {{\n{text}}}"));
    assert_eq!(register_pressure(&function.vcode, RegClass::Int), 1_000);
}

#[test]
fn the_same_as_by_sets_for_compiled_functions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut functions = 0;
    for folder in [
        "examples",
        "filetests/run/control",
        "filetests/run/pressure",
    ] {
        for entry in root.join(folder).read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "clif") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for function in parse_test(&text).unwrap().functions {
                let Outcome::Parsed(parsed) = function.outcome else {
                    continue;
                };
                let function = &parsed.function;
                let Ok(vcode) = lower_function(function, &Settings::default()) else {
                    continue;
                };
                let pressure = register_pressure(&vcode, RegClass::Int);
                assert_eq!(pressure, pressure_by_sets(&vcode), "{}", function.name);
                functions += 1;
            }
        }
    }
    assert!(functions > 50, "{functions}");
}

/// The pressure by the equations of liveness: sets of registers for each block, until nothing changes, and then instruction by
/// instruction.
fn pressure_by_sets(vcode: &VCode<MInst>) -> u32 {
    let mut live_in = vec![BTreeSet::new(); vcode.num_blocks()];
    let mut most = 0;
    let mut changes = true;
    while changes {
        changes = false;
        for block in vcode.blocks().rev() {
            let (live, pressure) = live_at_start(vcode, block, &live_in);
            most = most.max(pressure);
            changes |= live != live_in[block.index()];
            live_in[block.index()] = live;
        }
    }
    most as u32
}

/// The registers that are live at the start of `block`, without its parameters, and the most that are live in it.
fn live_at_start(
    vcode: &VCode<MInst>,
    block: BlockIndex,
    live_in: &[BTreeSet<usize>],
) -> (BTreeSet<usize>, usize) {
    let succs = vcode.block_succs(block).iter();
    let mut live: BTreeSet<usize> = succs
        .flat_map(|succ| live_in[succ.index()].clone())
        .collect();
    let mut most = live.len();
    for succ in 0..vcode.block_succs(block).len() {
        live.extend(vcode.branch_args(block, succ).map(number));
    }
    most = most.max(live.len());
    for inst in vcode.block_insns(block).iter().rev() {
        let operands = vcode.inst_operands(inst);
        let of = |kind: OperandKind, pos: OperandPos| {
            let wanted = move |operand: &&Operand| operand.kind() == kind && operand.pos() == pos;
            operands
                .iter()
                .filter(wanted)
                .map(|operand| operand.vreg().vreg())
        };
        live.extend(of(OperandKind::Def, OperandPos::Late));
        live.extend(of(OperandKind::Def, OperandPos::Early));
        live.extend(of(OperandKind::Use, OperandPos::Late));
        most = most.max(live.len());
        for vreg in of(OperandKind::Def, OperandPos::Late) {
            live.remove(&vreg);
        }
        live.extend(of(OperandKind::Use, OperandPos::Early));
        most = most.max(live.len());
        for vreg in of(OperandKind::Def, OperandPos::Early) {
            live.remove(&vreg);
        }
    }
    live.extend(vcode.block_params(block).map(number));
    most = most.max(live.len());
    for param in vcode.block_params(block) {
        live.remove(&number(param));
    }
    (live, most)
}

fn number(register: VirtualReg) -> usize {
    register.to_allocator_vreg().vreg()
}
