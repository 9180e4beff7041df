//! The text form of virtual-register code.

mod support;

use lpc_codegen::backend::vcode_text::parse_vcode;
use lpc_codegen::isa::riscv32::inst::MInst;
use support::{parse, parse_one, print};

/// Every kind of line, block and instruction, as it is printed.
const EVERYTHING: &str = "\
vcode %everything {
    incoming_args 16
    tail_args 32
    outgoing_args 8
    stackslots 24, align 8
    pops_incoming_args
    preserve_frame_pointers
    const0 = 0x0011aaff

block0:
    args v192=a0, v193=a1
    @0012 add v194, v192, v193
    @0012 addi v195, v194, -2048
    @0013 srai v196, v195, 31
    clz v197, zero
    lui v198, 0xfffff
    li v199, -2147483648
    mv v200, sp
    lw v201, -4(v200), trap heap_oob
    lbu v202, slot+8
    lh v203, incoming_arg+4
    sw v203, outgoing_arg+0, trap user7
    sb v202, tail_arg(32)-4
    sw zero, spillslot3
    lw v204, const0
    la v205, 16(v204)
    la v206, const0
    la v207, %data+4
    la v208, u1:2-8
    return_address v209
    lr.w.aq v210, (v209)
    sc.w v211, v210, (v209), trap heap_oob
    amoadd.w.aqrl v212, v211, (v209)
    fence iorw, rw
    atomic_rmw.nand v223, v224, v192, (v209), trap user1
    atomic_rmw.smax v225, v226, v192, (v209), part v193 below v194
    atomic_cas v227, v228, v192, v193, (v209)
    atomic_cas v229, v230, v192, zero, (v209), part v194, trap heap_oob
    ebreak
    nop
    dummy_use v212
    select.bltu v213, v192, v193, v194, v195
    select.bge [v221, v222], v192, zero, [zero, v194], [v195, zero]
    trap_if.beq v193, zero, int_divz
    call %f(v213=a0, v194=a1) -> v214=a0, v215=a1 clobbers a2-a7, t0-t6 pops 16
    call_indirect v214() clobbers t0
    call %\"two words\"()
    beq v214, v215, block1, block2

block1 edge:
    jump block3(v192, v193)

block2 cold:
    br_table v192, v216, v217, block4(v193), [block5, block4, block6, block5]

block3(v218, v219):
    rets v218=a0, v219=a1

block4(v220):
    return_call %g(v220=a0) args_size 32

block5 edge cold:
    return_call_indirect v192()

block6:
    udf stk_ovf
}
";

#[test]
fn printing_and_parsing_reach_a_fixpoint() {
    assert_eq!(print(&parse_one(EVERYTHING)), EVERYTHING);
}

#[test]
fn layout_of_the_text_is_free() {
    let text = "; a comment
vcode   %f{ ; here
block0 : ; and here
  args   v192 = a0
  ;; nothing
  addi v193,v192,0x10
  rets v193=a0 ; end

}";
    let printed = "\
vcode %f {

block0:
    args v192=a0
    addi v193, v192, 16
    rets v193=a0
}
";
    assert_eq!(print(&parse_one(text)), printed);
}

#[test]
fn several_functions() {
    let text = "vcode %f {\nblock0:\n rets\n}\n\nvcode u0:1 {\nblock0:\n rets\n}\n";
    let functions = parse(text);
    let found: Vec<_> = functions
        .iter()
        .map(|function| (function.name.to_string(), function.line))
        .collect();
    assert_eq!(found, [("%f".into(), 1), ("u0:1".into(), 6)]);
    assert!(parse("").is_empty());
}

/// The error for the body of a function whose first line is the third.
fn body_error(body: &str) -> String {
    error(&format!("vcode %f {{\nblock0:\n{body}\n}}"))
}

fn error(text: &str) -> String {
    match parse_vcode::<MInst>(text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn errors_of_instructions() {
    for (body, message) in [
        ("add v192", "3:9: expected `,`"),
        ("frob v192", "3:1: `frob` is not an instruction"),
        (
            "ecall",
            "3:1: this instruction is not used in code with virtual registers",
        ),
        (
            "add.aq v192, zero, zero",
            "3:1: `add.aq` is not an instruction",
        ),
        (
            "addi v192, zero, 2048",
            "3:18: expected an integer from -2048 to 2047",
        ),
        (
            "slli v192, zero, 32",
            "3:18: expected an integer from 0 to 31",
        ),
        (
            "mv v192, a0",
            "3:10: an allocatable register can be named as a fixed constraint only",
        ),
        ("mv v191, zero", "3:4: virtual registers start at v192"),
        (
            "mv v99999999, zero",
            "3:4: the number of the register is too large for this text",
        ),
        (
            "mv v192, v192f",
            "3:10: the register was named with another class before",
        ),
        (
            "mv v192f, zero",
            "3:4: expected a register of the class Int",
        ),
        ("mv x, zero", "3:4: expected a register"),
        ("args v192=sp", "3:11: this register is not allocatable"),
        (
            "args v192f=a0",
            "3:12: the two registers are of different classes",
        ),
        (
            "args v192=a0, v193=a0",
            "3:1: `a0` is to hold two values at once",
        ),
        (
            "call %f(v192=a0, v192=a0)",
            "3:1: `a0` is to hold one value twice",
        ),
        (
            "call %f() -> v192=a0 clobbers a0-a7",
            "3:1: `a0` is to hold two values at once",
        ),
        (
            "call %f() clobbers ra",
            "3:20: expected a register that can be clobbered",
        ),
        (
            "call %f() clobbers a0-a9",
            "3:23: expected a register that can be clobbered",
        ),
        (
            "call %f() clobbers a0-t6",
            "3:20: expected a range of registers",
        ),
        (
            "call %f() clobbers x0-x3",
            "3:20: only allocatable registers can be clobbered",
        ),
        (
            "call %f() clobbers a7-a0",
            "3:20: expected a range of registers",
        ),
        (
            "atomic_rmw.mul v192, v193, v194, (v195)",
            "3:1: `mul` is not an atomic operation",
        ),
        (
            "atomic_rmw.add v192, v193, v194, (v195), part v196",
            "3:51: expected `below`",
        ),
        (
            "select.beq [v192, v193], zero, zero, [v194]",
            "3:43: expected `,`",
        ),
        (
            "fence wr, rw",
            "3:7: expected a set of accesses, such as `rw`",
        ),
        ("sw zero, const0", "3:10: no such constant"),
        ("lw v192, nowhere+0", "3:10: expected an address"),
        ("lw v192, 0(sp), trap what", "3:22: unknown trap code"),
        (
            "sw zero, slot+4",
            "3:10: this is not in the frame that the function asks for",
        ),
        (
            "lw v192, spillslot900",
            "3:10: this is not in the frame that the function asks for",
        ),
        (
            "sw zero, tail_arg(16)+0",
            "3:19: expected an integer from 0 to 0",
        ),
        (
            "select.add v192, zero, zero, zero, zero",
            "3:1: `add` is not a condition",
        ),
        (
            "select.beq sp, zero, zero, zero, zero",
            "3:12: expected a virtual register",
        ),
        ("nop nop", "3:5: unexpected text at the end of the line"),
        (
            "@xyz nop",
            "3:2: expected a source location such as `@0012`",
        ),
    ] {
        assert_eq!(body_error(body), message, "{body}");
    }
}

#[test]
fn errors_of_functions() {
    for (text, message) in [
        ("what", "1:1: expected `vcode`"),
        ("vcode %f {", "1:1: the function has no closing `}`"),
        ("vcode %f {\n}", "2:1: the function has no blocks"),
        (
            "vcode %f {\nnop\n}",
            "2:1: expected a requirement of the frame, or the next constant",
        ),
        (
            "vcode %f {\nstackslots 8, align 3\nblock0:",
            "2:21: expected a power of two",
        ),
        (
            "vcode %f {\nincoming_args -1",
            "2:15: expected an integer from 0 to 536870912",
        ),
        (
            "vcode %f {\nconst0 = 0x11\nconst1 = 0x11",
            "3:1: there is an equal constant",
        ),
        ("vcode %f {\nblock1:", "2:1: expected `block0`"),
        (
            "vcode %f {\nblock0(v192):",
            "2:7: the entry block has no parameters",
        ),
        ("vcode %f {\nblock0:\nblock1:", "2:1: the block is empty"),
    ] {
        let found = error(text);
        assert!(found.starts_with(message), "{text}\n{found}");
    }
}

#[test]
fn errors_of_control_flow_and_definitions() {
    for (body, message) in [
        (
            "nop",
            "3:1: the block does not end with a branch, a return or a trap",
        ),
        (
            "rets\nnop",
            "4:1: the block has ended with the instruction before",
        ),
        ("jump block1", "3:6: no such block"),
        ("jump block0", "3:6: nothing may branch to the entry block"),
        (
            "jump block1(zero)\nblock1(v192):\nrets",
            "3:13: expected a virtual register",
        ),
        (
            "jump block1\nblock1(v192):\nrets",
            "3:6: the arguments do not match the parameters of the block",
        ),
        ("li v192, 1\nli v192, 1\nrets", "4:1: v192 is defined twice"),
        ("rets v192=a0", "3:1: v192 is never defined"),
        (
            "rets\nblock1:\nrets",
            "4:1: control never gets to this block",
        ),
        (
            "jump block2\nblock1:\nrets\nblock2:\njump block1",
            "4:1: the block stands before all blocks that lead to it",
        ),
        (
            "li v192, 1\nbeq v192, zero, block1(v192), block1(v192)\nblock1(v193):\nrets",
            "4:37: arguments stand where a block is first named",
        ),
    ] {
        assert_eq!(body_error(body), message, "{body}");
    }
}

/// Lines dropped, doubled and cut, and bytes changed: parsing gives an error, or code that prints to a fixpoint and that the
/// allocators and emission accept or refuse.
#[test]
fn garbled_text_never_panics() {
    let mut state = 0x2545_f491_u32;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize % below
    };
    const BYTES: &[u8] = b"v0129=(),:;-+@%ab \n\"";
    let mut accepted = 0;
    let mut emitted = 0;
    for _ in 0..5_000 {
        let mut lines: Vec<_> = EVERYTHING
            .lines()
            .map(|line| line.as_bytes().to_vec())
            .collect();
        for _ in 0..=random(3) {
            let line = random(lines.len());
            match random(4) {
                0 => drop(lines.remove(line)),
                1 => lines.insert(line, lines[line].clone()),
                _ if lines[line].is_empty() => {}
                2 => {
                    let position = random(lines[line].len());
                    lines[line].truncate(position);
                }
                _ => {
                    let position = random(lines[line].len());
                    lines[line][position] = BYTES[random(BYTES.len())];
                }
            }
        }
        let text = String::from_utf8(lines.join(&b'\n')).unwrap();
        if let Ok(functions) = parse_vcode::<MInst>(&text) {
            accepted += 1;
            for function in functions {
                let printed = print(&function);
                assert_eq!(print(&parse_one(&printed)), printed);
                emitted += support::try_compile(&function);
            }
        }
    }
    assert!(accepted > 100, "only {accepted} of the texts were code");
    assert!(emitted > 100, "only {emitted} of them were emitted");
}
