//! What the register allocator is told of the operands of each kind of instruction.

mod support;

use lpc_codegen::backend::reg::RealReg;
use lpc_codegen::backend::vcode::InsnIndex;
use lpc_codegen::isa::riscv32::regs::gpr;
use regalloc2::{Operand, OperandConstraint, OperandKind, OperandPos, PReg};
use support::parse_one;

/// Instructions, and behind each what they do with their virtual registers.
///
/// A use is early and a definition late where nothing else is said: then they may share a register. Physical registers that
/// are never allocated are no operands.
const INSTRUCTIONS: &[(&str, &str)] = &[
    ("args v192=a0, v193=a7", "def v192 in a0, def v193 in a7"),
    ("add v194, v192, v193", "use v192, use v193, def v194"),
    ("addi v195, zero, 5", "def v195"),
    ("add zero, v192, sp", "use v192"),
    ("li v196, 1000000", "def v196"),
    ("mv v197, v192", "use v192, def v197"),
    ("lw v198, 4(v192)", "use v192, def v198"),
    ("lw v199, slot+0", "def v199"),
    ("sw v193, 8(v192)", "use v193, use v192"),
    ("sw zero, outgoing_arg+0", ""),
    (
        "amoadd.w v200, v193, (v192)",
        "use v192, use v193, def v200",
    ),
    (
        "select.bltu v201, v192, v193, v194, v195",
        "use v194, use v192, use v193, use v195, def v201 over operand 0",
    ),
    (
        "select.bge [v202, v203], v192, zero, [zero, v194], [v195, zero]",
        "use v194, late use v192, late use v195, def v202, def v203 over operand 0",
    ),
    (
        "atomic_rmw.nand v204, v205, v192, (v193)",
        "late use v193, late use v192, def v204, def v205",
    ),
    ("trap_if.beq v193, zero, int_divz", "use v193"),
    (
        "call %f(v192=a0, v193=a1) -> v206=a0, v207=a1 clobbers a2-a7, t0-t6",
        "use v192 in a0, use v193 in a1, def v206 in a0, def v207 in a1, \
         clobbers a5 a4 a3 a2 a7 a6 t0 t1 t2 t3 t4 t5 t6",
    ),
    (
        "call_indirect v192(v193=a0) clobbers t0",
        "use v192, use v193 in a0, clobbers t0",
    ),
    ("beq v192, v193, block1, block2", "use v192, use v193"),
];

/// Instructions that end a function, as [`INSTRUCTIONS`].
const TERMINATORS: &[(&str, &str)] = &[
    ("rets v192=a0, v193=a1", "use v192 in a0, use v193 in a1"),
    ("return_call %f(v192=a0)", "use v192 in a0"),
    (
        "return_call_indirect v192(v193=a0)",
        "use v192 in t1, use v193 in a0",
    ),
    ("udf user1", ""),
];

/// A temporary is defined early, so that it shares no register with an operand.
const TABLE: (&str, &str) = (
    "br_table v192, v194, v195, block1, [block2]",
    "use v192, early def v194, early def v195",
);

fn describe(operand: &Operand) -> String {
    let reg = format!("v{}", 192 + operand.vreg().vreg());
    let what = match (operand.kind(), operand.pos()) {
        (OperandKind::Use, OperandPos::Early) => "use",
        (OperandKind::Use, OperandPos::Late) => "late use",
        (OperandKind::Def, OperandPos::Early) => "early def",
        (OperandKind::Def, OperandPos::Late) => "def",
    };
    match operand.constraint() {
        OperandConstraint::Reg => format!("{what} {reg}"),
        OperandConstraint::FixedReg(preg) => format!("{what} {reg} in {}", name(preg)),
        OperandConstraint::Reuse(index) => format!("{what} {reg} over operand {index}"),
        other => panic!("no instruction has an operand like {other:?}"),
    }
}

fn name(preg: PReg) -> String {
    gpr(RealReg::from(preg).to_reg()).to_string()
}

/// What is said of the operands of the instruction number `inst` of the function `text`.
fn operands(text: &str, inst: usize) -> String {
    let vcode = parse_one(text).vcode;
    let inst = InsnIndex::new(inst);
    let mut parts: Vec<_> = vcode.inst_operands(inst).iter().map(describe).collect();
    let clobbers: Vec<_> = vcode.inst_clobbers(inst).into_iter().map(name).collect();
    if !clobbers.is_empty() {
        parts.push(format!("clobbers {}", clobbers.join(" ")));
    }
    parts.join(", ")
}

#[test]
fn of_each_kind_of_instruction() {
    let lines: Vec<_> = INSTRUCTIONS.iter().map(|(inst, _)| *inst).collect();
    let text = format!(
        "vcode %f {{\nstackslots 8, align 4\noutgoing_args 16\nblock0:\n{}\nblock1:\nrets\nblock2:\nrets\n}}",
        lines.join("\n")
    );
    for (index, (inst, expected)) in INSTRUCTIONS.iter().enumerate() {
        assert_eq!(operands(&text, index), *expected, "{inst}");
    }
}

#[test]
fn of_terminators() {
    for (inst, expected) in TERMINATORS {
        let text = format!("vcode %f {{\nblock0:\nargs v192=a0, v193=a1\n{inst}\n}}");
        assert_eq!(operands(&text, 1), *expected, "{inst}");
    }
    let (inst, expected) = TABLE;
    let text =
        format!("vcode %f {{\nblock0:\nargs v192=a0\n{inst}\nblock1:\nrets\nblock2:\nrets\n}}");
    assert_eq!(operands(&text, 1), expected, "{inst}");
}
