//! Words that inputs of a target are made of, so that a fuzzer need not find them letter by letter.

use lpc_lpir::ir::{AtomicRmwOp, CallConv, IntCC, Opcode, Type};
use lpc_riscv32::Gpr;
use std::fmt::Write;

/// What programs consist of besides names that stand in a table.
const PROGRAM_WORDS: &[&str] = &[
    "function %",
    "block0",
    "block1(v1: i32):",
    "v0",
    "v1 = ",
    " -> ",
    "ss0 = explicit_slot ",
    "gv0 = symbol colocated %",
    "gv1 = load.i32 notrap gv0+4",
    "gv2 = iadd_imm.i32 gv1, 8",
    "gv3 = vmctx",
    "stack_limit = gv0",
    "sig0 = (i32) -> i32",
    "fn0 = colocated %f sig0",
    "fn1 = %f(i32)",
    "align = 16",
    " cold:",
    " uext",
    " sext",
    " sret",
    " vmctx",
    " sarg(16)",
    " notrap",
    " aligned",
    " readonly",
    " can_move",
    " little",
    " big",
    " user1",
    " heap_oob",
    " int_divz",
    " int_ovf",
    " stk_ovf",
    " bad_toint",
    "@0010 ",
    "u0:1",
    "; run: %f(1) == [1, 2]",
    "; trap: %f() == user1",
    "; print: %f()",
    "; data: %d readonly align 4 = { i32 [1, -2], %f+4, \"\\x00\", zero 3 }",
    "; data: %d zeroed 8",
    "; local: %f, %d",
    "; import: %g(i32) system_v",
    "test run",
    "target riscv32",
    "set opt_level=speed",
    "0x7fff_ffff_ffff_ffff",
    "-0x8000_0000_0000_0000",
];

/// What virtual-register code consists of besides the names of instructions and registers.
const VCODE_WORDS: &[&str] = &[
    "vcode %",
    "block0:",
    "block1 edge:",
    "block2(v195) cold:",
    "args v192=a0",
    "rets v192=a0",
    "v192",
    "v193f",
    "stackslots 24, align 8",
    "incoming_args 16",
    "tail_args 32",
    "outgoing_args 8",
    "unchecked_stack 16",
    "pops_incoming_args",
    "preserve_frame_pointers",
    "const0 = 0x0011aaff",
    "stack_limit lw t0, 8(a0)",
    "incoming_arg+4",
    "outgoing_arg+0",
    "tail_arg(32)-4",
    "slot+8",
    "spillslot3",
    "const0",
    "%data+4",
    "li ",
    "la ",
    "mv ",
    "atomic_rmw.nand v192, v193, v194, (v195), part v196 below v197",
    "atomic_cas v192, v193, v194, v195, (v196)",
    "ebreak",
    "nop",
    "dummy_use v192",
    "return_address v192",
    "select.bltu v192, v193, v194, v195, v196",
    "select.bge [v192, v193], v194, zero, [zero, v195], [v196, zero]",
    "trap_if.beq v192, zero, int_divz",
    "call %f(v192=a0) -> v193=a0 clobbers a2-a7, t0-t6 pops 16",
    "call_indirect v192()",
    "return_call %g(v192=a0) args_size 32",
    "return_call_indirect v192()",
    "br_table v192, v193, v194, block1, [block2, block1(v195)]",
    "jump block1(v192)",
    "udf user1",
    ", trap heap_oob",
    "@0012 ",
];

/// The words of programs in text.
pub fn of_programs() -> Vec<String> {
    let opcodes = Opcode::ALL.iter().map(|opcode| opcode.name());
    let types = Type::ALL.iter().map(|ty| ty.name());
    let conventions = CallConv::ALL.iter().map(|convention| convention.name());
    let conditions = IntCC::ALL.iter().map(|condition| condition.name());
    let operations = AtomicRmwOp::ALL.iter().map(|operation| operation.name());
    let names = opcodes.chain(types).chain(conventions).chain(conditions);
    let words = names.chain(operations).chain(PROGRAM_WORDS.iter().copied());
    words.map(str::to_owned).collect()
}

/// The words of virtual-register code.
pub fn of_vcode() -> Vec<String> {
    let mnemonics = lpc_riscv32::Opcode::ALL.iter();
    let mnemonics = mnemonics.map(|opcode| opcode.mnemonic().to_owned());
    let registers = Gpr::all().map(|gpr| gpr.to_string());
    let words = VCODE_WORDS.iter().map(|word| (*word).to_owned());
    mnemonics.chain(registers).chain(words).collect()
}

/// There are no words.
pub fn none() -> Vec<String> {
    Vec::new()
}

/// `words` in the form in which libFuzzer reads them. It refuses an empty file.
pub fn text_of(words: &[String]) -> String {
    let mut text = format!("# {} words\n", words.len());
    for word in words {
        text.push('"');
        for byte in word.bytes() {
            match byte {
                b'"' | b'\\' => write!(text, "\\x{byte:02x}").expect("strings can be written to"),
                _ => text.push(byte.into()),
            }
        }
        text.push_str("\"\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_escaped() {
        let words = ["iadd".to_owned(), "\"\\".to_owned()];
        assert_eq!(text_of(&words), "# 2 words\n\"iadd\"\n\"\\x22\\x5c\"\n");
    }
}
