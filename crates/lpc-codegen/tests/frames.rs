//! Frames: prologues, epilogues and the addresses of what lies in the frame, as assembly.

mod support;

use lpc_codegen::backend::emit::{EmitError, emit};
use lpc_codegen::backend::frame::FrameTooLarge;
use lpc_codegen::backend::machinst::CallType;
use lpc_codegen::backend::regalloc::{RegallocAlgorithm, run_validated};
use lpc_codegen::isa::riscv32::emit::EmitInfo;
use support::{Program, assembly, compile_one, extensions, parse_one, run};

/// Nothing to save and nothing to store.
#[test]
fn a_leaf_has_no_frame() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    addi v193, v192, 5
    rets v193=a0
}
";
    let expected = "\
000: addi a0,a0,5
004: ret
";
    assert_eq!(assembly(text), expected);
}

/// The return address is all there is to save.
#[test]
fn a_call_saves_the_return_address() {
    let text = "\
vcode %f {

block0:
    call %g() clobbers a0-a7, t0-t6
    rets
}
";
    let expected = "\
000: addi sp,sp,-16
004: sw ra,12(sp)
008: auipc ra,0x0
00c: jalr ra
010: lw ra,12(sp)
014: addi sp,sp,16
018: ret
";
    assert_eq!(assembly(text), expected);
}

/// They take callee-saved registers, of which just those in use are saved; `s0` has its place beside `ra`.
#[test]
fn values_live_across_a_call() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    call %g() -> v194=a0 clobbers a1-a7, t0-t6
    add v195, v192, v194
    add v196, v195, v193
    rets v196=a0
}
";
    let expected = "\
000: addi sp,sp,-16
004: sw ra,12(sp)
008: sw s0,8(sp)
00c: sw s1,4(sp)
010: mv s0,a1
014: mv s1,a0
018: auipc ra,0x0
01c: jalr ra
020: mv a5,s1
024: add a5,a5,a0
028: mv a1,s0
02c: add a0,a5,a1
030: lw ra,12(sp)
034: lw s0,8(sp)
038: lw s1,4(sp)
03c: addi sp,sp,16
040: ret
";
    assert_eq!(assembly(text), expected);
}

/// Sixteen values at once: more than there are caller-saved registers. `ra` stays where it is.
#[test]
fn a_leaf_under_pressure_saves_what_it_uses() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1, v194=a2, v195=a3, v196=a4, v197=a5, v198=a6, v199=a7
    lw v200, 0(v192)
    lw v201, 4(v192)
    lw v202, 8(v192)
    lw v203, 12(v192)
    lw v204, 16(v192)
    lw v205, 20(v192)
    lw v206, 24(v192)
    lw v207, 28(v192)
    lw v208, 32(v192)
    add v210, v192, v193
    add v211, v210, v194
    add v212, v211, v195
    add v213, v212, v196
    add v214, v213, v197
    add v215, v214, v198
    add v216, v215, v199
    add v217, v216, v200
    add v218, v217, v201
    add v219, v218, v202
    add v220, v219, v203
    add v221, v220, v204
    add v222, v221, v205
    add v223, v222, v206
    add v224, v223, v207
    add v225, v224, v208
    rets v225=a0
}
";
    let expected = "\
000: addi sp,sp,-16
004: sw s0,12(sp)
008: sw s3,8(sp)
00c: mv s3,a7
010: lw t0,0(a0)
014: lw t1,4(a0)
018: lw a7,8(a0)
01c: lw s0,12(a0)
020: lw t6,16(a0)
024: lw t5,20(a0)
028: lw t4,24(a0)
02c: lw t3,28(a0)
030: lw t2,32(a0)
034: add a1,a0,a1
038: add a2,a1,a2
03c: add a3,a2,a3
040: add a4,a3,a4
044: add a5,a4,a5
048: add a5,a5,a6
04c: mv a6,s3
050: add a5,a5,a6
054: add a5,a5,t0
058: add a5,a5,t1
05c: add a3,a5,a7
060: add a1,a3,s0
064: add a7,a1,t6
068: add t0,a7,t5
06c: add t4,t0,t4
070: add t4,t4,t3
074: add a0,t4,t2
078: lw s0,12(sp)
07c: lw s3,8(sp)
080: addi sp,sp,16
084: ret
";
    assert_eq!(assembly(text), expected);
}

/// Even in a leaf: frames then form a list.
#[test]
fn frame_pointers_are_kept_where_asked_for() {
    let text = "\
vcode %f {
    preserve_frame_pointers

block0:
    args v192=a0
    rets v192=a0
}
";
    let expected = "\
000: addi sp,sp,-16
004: sw ra,12(sp)
008: sw s0,8(sp)
00c: addi s0,sp,8
010: lw ra,12(sp)
014: lw s0,8(sp)
018: addi sp,sp,16
01c: ret
";
    assert_eq!(assembly(text), expected);
}

/// The only call is a tail call: `ra` is what the callee needs.
#[test]
fn a_tail_call_does_not_save_the_return_address() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    return_call %g(v192=a0)
}
";
    let expected = "\
000: auipc t1,0x0
004: jr t1
";
    assert_eq!(assembly(text), expected);
}

/// The frame is taken down before the jump.
#[test]
fn a_tail_call_restores_what_was_saved() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    call %g() clobbers a0-a7, t0-t6
    return_call %h(v192=a0)
}
";
    let expected = "\
000: addi sp,sp,-16
004: sw ra,12(sp)
008: sw s0,8(sp)
00c: mv s0,a0
010: auipc ra,0x0
014: jalr ra
018: mv a0,s0
01c: lw ra,12(sp)
020: lw s0,8(sp)
024: addi sp,sp,16
028: auipc t1,0x0
02c: jr t1
";
    assert_eq!(assembly(text), expected);
}

/// The target is in a register that the epilogue leaves alone.
#[test]
fn an_indirect_tail_call() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    call %g() clobbers a0-a7, t0-t6
    return_call_indirect v192(v193=a0)
}
";
    let expected = "\
000: addi sp,sp,-16
004: sw ra,12(sp)
008: sw s0,8(sp)
00c: sw s1,4(sp)
010: mv s0,a1
014: mv s1,a0
018: auipc ra,0x0
01c: jalr ra
020: mv a0,s0
024: mv t1,s1
028: lw ra,12(sp)
02c: lw s0,8(sp)
030: lw s1,4(sp)
034: addi sp,sp,16
038: jr t1
";
    assert_eq!(assembly(text), expected);
}

/// Room for the slots, no saves.
#[test]
fn stack_slots_in_a_leaf() {
    let text = "\
vcode %f {
    stackslots 24, align 8

block0:
    args v192=a0
    sw v192, slot+0
    la v193, slot+8
    rets v193=a0
}
";
    let expected = "\
000: addi sp,sp,-32
004: sw a0,0(sp)
008: addi a0,sp,8
00c: addi sp,sp,32
010: ret
";
    assert_eq!(assembly(text), expected);
}

/// Stack arguments of a call lie at the stack pointer; the slots lie above them.
#[test]
fn outgoing_arguments() {
    let text = "\
vcode %f {
    outgoing_args 48
    stackslots 4, align 4

block0:
    args v192=a0
    sw v192, outgoing_arg+0
    sw v192, outgoing_arg+44
    sw v192, slot+0
    call %g() clobbers a0-a7, t0-t6
    rets
}
";
    let expected = "\
000: addi sp,sp,-64
004: sw ra,60(sp)
008: sw a0,0(sp)
00c: sw a0,44(sp)
010: sw a0,48(sp)
014: auipc ra,0x0
018: jalr ra
01c: lw ra,60(sp)
020: addi sp,sp,64
024: ret
";
    assert_eq!(assembly(text), expected);
}

/// Stack arguments of the function lie above its frame.
#[test]
fn incoming_arguments() {
    let text = "\
vcode %f {
    incoming_args 16

block0:
    lw v192, incoming_arg+0
    lw v193, incoming_arg+12
    call %g(v192=a0) clobbers a0-a7, t0-t6
    rets v193=a0
}
";
    let expected = "\
000: addi sp,sp,-16
004: sw ra,12(sp)
008: sw s0,8(sp)
00c: lw a0,16(sp)
010: lw s0,28(sp)
014: auipc ra,0x0
018: jalr ra
01c: mv a0,s0
020: lw ra,12(sp)
024: lw s0,8(sp)
028: addi sp,sp,16
02c: ret
";
    assert_eq!(assembly(text), expected);
}

/// Returning removes them.
#[test]
fn a_callee_that_pops_its_arguments() {
    let text = "\
vcode %f {
    incoming_args 16
    pops_incoming_args

block0:
    lw v192, incoming_arg+4
    rets v192=a0
}
";
    let expected = "\
000: lw a0,4(sp)
004: addi sp,sp,16
008: ret
";
    assert_eq!(assembly(text), expected);
}

/// The caller takes back the room of the arguments.
#[test]
fn calls_of_callees_that_pop() {
    let text = "\
vcode %f {
    outgoing_args 16

block0:
    args v192=a0
    sw v192, outgoing_arg+0
    call %g() clobbers a0-a7, t0-t6 pops 16
    rets v192=a0
}
";
    let expected = "\
000: addi sp,sp,-32
004: sw ra,28(sp)
008: sw s0,24(sp)
00c: sw a0,0(sp)
010: mv s0,a0
014: auipc ra,0x0
018: jalr ra
01c: addi sp,sp,-16
020: mv a0,s0
024: lw ra,28(sp)
028: lw s0,24(sp)
02c: addi sp,sp,32
030: ret
";
    assert_eq!(assembly(text), expected);
}

/// The frame starts lower by what is missing, and the callee finds its arguments where it pops them.
#[test]
fn a_tail_call_with_more_arguments_than_came_in() {
    let text = "\
vcode %f {
    incoming_args 16
    tail_args 48
    pops_incoming_args

block0:
    args v192=a0
    call %g() clobbers a0-a7, t0-t6
    lw v193, incoming_arg+12
    sw v193, tail_arg(48)+0
    sw v192, tail_arg(48)+44
    return_call %h(v193=a0) args_size 48
}
";
    let expected = "\
000: addi sp,sp,-48
004: sw ra,12(sp)
008: sw s0,8(sp)
00c: mv s0,a0
010: auipc ra,0x0
014: jalr ra
018: lw a0,60(sp)
01c: sw a0,16(sp)
020: mv a5,s0
024: sw a5,60(sp)
028: lw ra,12(sp)
02c: lw s0,8(sp)
030: addi sp,sp,16
034: auipc t1,0x0
038: jr t1
";
    assert_eq!(assembly(text), expected);
}

/// What is too much is removed.
#[test]
fn a_tail_call_with_fewer_arguments_than_came_in() {
    let text = "\
vcode %f {
    incoming_args 48
    pops_incoming_args

block0:
    args v192=a0
    sw v192, tail_arg(16)+0
    return_call %h() args_size 16
}
";
    let expected = "\
000: sw a0,32(sp)
004: addi sp,sp,32
008: auipc t1,0x0
00c: jr t1
";
    assert_eq!(assembly(text), expected);
}

/// The arguments lie where those of the function were.
#[test]
fn a_tail_call_whose_caller_pops() {
    let text = "\
vcode %f {
    incoming_args 48

block0:
    args v192=a0
    sw v192, tail_arg(16)+0
    return_call %h() args_size 16
}
";
    let expected = "\
000: sw a0,0(sp)
004: auipc t1,0x0
008: jr t1
";
    assert_eq!(assembly(text), expected);
}

/// One adjustment of the stack pointer.
#[test]
fn the_largest_small_frame() {
    let text = "\
vcode %f {
    stackslots 2016, align 16

block0:
    call %g() clobbers a0-a7, t0-t6
    rets
}
";
    let expected = "\
000: addi sp,sp,-2032
004: sw ra,2028(sp)
008: auipc ra,0x0
00c: jalr ra
010: lw ra,2028(sp)
014: addi sp,sp,2032
018: ret
";
    assert_eq!(assembly(text), expected);
}

/// Registers are saved while they are near.
#[test]
fn the_smallest_large_frame() {
    let text = "\
vcode %f {
    stackslots 2032, align 16

block0:
    args v192=a0
    call %g() clobbers a0-a7, t0-t6
    rets v192=a0
}
";
    let expected = "\
000: addi sp,sp,-16
004: sw ra,12(sp)
008: sw s0,8(sp)
00c: addi sp,sp,-2032
010: mv s0,a0
014: auipc ra,0x0
018: jalr ra
01c: mv a0,s0
020: addi sp,sp,2032
024: lw ra,12(sp)
028: lw s0,8(sp)
02c: addi sp,sp,16
030: ret
";
    assert_eq!(assembly(text), expected);
}

/// Loads form the address in their destination, stores in `ra`, which is saved for that.
#[test]
fn offsets_beyond_12_bits() {
    let text = "\
vcode %f {
    stackslots 8192, align 16

block0:
    args v192=a0
    sw v192, slot+2044
    sw v192, slot+2048
    lw v193, slot+4096
    la v194, slot+8188
    add v195, v193, v194
    rets v195=a0
}
";
    let expected = "\
000: addi sp,sp,-16
004: sw ra,12(sp)
008: lui t0,0xffffe
00c: add sp,sp,t0
010: sw a0,2044(sp)
014: lui ra,0x1
018: add ra,ra,sp
01c: sw a0,-2048(ra)
020: lui a5,0x1
024: add a5,a5,sp
028: lw a5,0(a5)
02c: lui a4,0x2
030: add a4,a4,sp
034: addi a4,a4,-4
038: add a0,a5,a4
03c: lui t0,0x2
040: add sp,sp,t0
044: lw ra,12(sp)
048: addi sp,sp,16
04c: ret
";
    assert_eq!(assembly(text), expected);
}

/// Slot, incoming argument and saved register are all far from each other.
#[test]
fn a_frame_of_one_mebibyte() {
    let text = "\
vcode %f {
    incoming_args 16
    stackslots 1048576, align 16
    preserve_frame_pointers

block0:
    args v192=a0
    call %g() clobbers a0-a7, t0-t6
    sw v192, slot+1048572
    lw v193, incoming_arg+4
    rets v193=a0
}
";
    let expected = "\
000: addi sp,sp,-16
004: sw ra,12(sp)
008: sw s0,8(sp)
00c: sw s1,4(sp)
010: addi s0,sp,8
014: lui t0,0xfff00
018: add sp,sp,t0
01c: mv s1,a0
020: auipc ra,0x0
024: jalr ra
028: mv a0,s1
02c: lui ra,0x100
030: add ra,ra,sp
034: sw a0,-4(ra)
038: lui a0,0x100
03c: add a0,a0,sp
040: lw a0,20(a0)
044: lui t0,0x100
048: add sp,sp,t0
04c: lw ra,12(sp)
050: lw s0,8(sp)
054: lw s1,4(sp)
058: addi sp,sp,16
05c: ret
";
    assert_eq!(assembly(text), expected);
}

/// From `ra`, or from the frame where it was saved.
#[test]
fn the_return_address_can_be_read() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    return_address v193
    call %g(v193=a0) clobbers a0-a7, t0-t6
    return_address v194
    rets v194=a0
}
";
    let expected = "\
000: addi sp,sp,-16
004: sw ra,12(sp)
008: lw a0,12(sp)
00c: auipc ra,0x0
010: jalr ra
014: lw a0,12(sp)
018: lw ra,12(sp)
01c: addi sp,sp,16
020: ret
";
    assert_eq!(assembly(text), expected);
}

/// The numbers of a frame that has everything.
#[test]
fn layout_of_a_frame() {
    let text = "\
vcode %f {
    incoming_args 16
    tail_args 32
    outgoing_args 40
    stackslots 20, align 8
    pops_incoming_args

block0:
    args v192=a0, v193=a1
    call %g() clobbers a0-a7, t0-t6
    rets v192=a0, v193=a1
}
";
    let frame = compile_one(text).frame;
    assert_eq!(frame.word_bytes, 4);
    assert_eq!((frame.incoming_args_size, frame.tail_args_size), (16, 32));
    assert_eq!((frame.setup_area_size, frame.clobber_size), (8, 4));
    assert_eq!((frame.stackslots_size, frame.stackslots_offset), (20, 40));
    assert_eq!(
        (frame.outgoing_args_size, frame.fixed_frame_storage_size),
        (40, 28)
    );
    assert_eq!((frame.frame_size(), frame.sp_adjustment()), (80, 96));
    assert_eq!(frame.clobbered_callee_saves.len(), 1);
    assert!(frame.saves_frame_pointer && !frame.preserve_frame_pointers);
    assert_eq!(frame.function_calls, CallType::Regular);
}

#[test]
fn spill_slots_lie_below_stack_slots() {
    let frame = compile_one(&live_values(40, "stackslots 12, align 4")).frame;
    assert!(frame.stackslots_offset > 0);
    assert_eq!(frame.frame_size() % 16, 0);
    let end = frame.stackslots_offset + frame.stackslots_size;
    assert!(end <= frame.frame_size() - frame.setup_area_size - frame.clobber_size);
}

#[test]
fn frames_that_are_too_large_are_refused() {
    let text = "vcode %f {\nstackslots 536870912, align 16\nblock0:\nrets\n}";
    let function = parse_one(text);
    let allocation = run_validated(&function.vcode, RegallocAlgorithm::Ion).unwrap();
    let info = EmitInfo {
        extensions: extensions(),
    };
    assert_eq!(
        emit(&function.vcode, &allocation, &info),
        Err(EmitError::FrameTooLarge(FrameTooLarge))
    );
}

/// Loads `count` words from the address in `a0`, and only then combines them, in an order that tells each from the others.
fn live_values(count: u32, header: &str) -> String {
    let mut text = format!("vcode %f {{\n{header}\nblock0:\nargs v192=a0\n");
    for index in 0..count {
        text += &format!("lw v{}, {}(v192)\n", 300 + index, index * 4);
    }
    text += "li v400, 0\n";
    for index in 0..count {
        let sum = 400 + 2 * index;
        text += &format!("slli v{}, v{sum}, 1\n", sum + 1);
        text += &format!("add v{}, v{}, v{}\n", sum + 2, sum + 1, 300 + index);
    }
    text + &format!("rets v{}=a0\n}}\n", 400 + 2 * count)
}

const WORDS: u32 = 0x8050_0000;

#[test]
fn spilled_values_come_back() {
    for header in [
        "",
        "preserve_frame_pointers",
        "outgoing_args 2000",
        "outgoing_args 4096\nstackslots 100000, align 16",
    ] {
        let text = live_values(40, header);
        let count = |index: u32| index.wrapping_mul(0x9e37_79b9);
        let expected = (0..40).fold(0u32, |sum, index| {
            sum.wrapping_shl(1).wrapping_add(count(index))
        });
        for algorithm in RegallocAlgorithm::ALL {
            let mut program = Program::new(&text, algorithm);
            for index in 0..40 {
                program.write(WORDS + 4 * index, count(index));
            }
            let results = program.call("f", &[WORDS]).unwrap();
            assert_eq!(results[0], expected, "{algorithm:?} {header}");
        }
    }
}

/// A function with a large frame and callee-saved registers, called by one that has values in all of them.
#[test]
fn large_frames_keep_the_registers_of_the_caller() {
    let text = "\
vcode %leaf {
    stackslots 5000, align 16

block0:
    args v192=a0, v193=a1
    sw v192, slot+4996
    sw v193, slot+0
    call %double(v192=a0) -> v194=a0 clobbers a1-a7, t0-t6
    lw v195, slot+4996
    lw v196, slot+0
    add v197, v194, v195
    add v198, v197, v196
    rets v198=a0
}

vcode %double {
block0:
    args v192=a0
    add v193, v192, v192
    rets v193=a0
}

vcode %main {
block0:
    args v192=a0, v193=a1
    call %leaf(v192=a0, v193=a1) -> v194=a0 clobbers a1-a7, t0-t6
    slli v195, v192, 8
    slli v196, v193, 16
    add v197, v195, v194
    add v198, v196, v197
    rets v198=a0
}
";
    assert_eq!(
        run(text, "main", &[5, 7]),
        5 * 2 + 5 + 7 + (5 << 8) + (7 << 16)
    );
}

/// Tail calls that need more, fewer and as many stack arguments as came in, in a loop: the stack pointer is where it was.
#[test]
fn tail_calls_keep_the_stack_balanced() {
    let text = "\
vcode %one {
    incoming_args 16
    tail_args 32
    pops_incoming_args

block0:
    args v192=a0
    lw v193, incoming_arg+0
    addi v194, v192, -1
    beq v192, zero, block1, block2

block1:
    rets v193=a0

block2:
    call %nothing() clobbers a0-a7, t0-t6
    add v195, v193, v192
    sw v195, tail_arg(32)+16
    return_call %two(v194=a0) args_size 32
}

vcode %two {
    incoming_args 32
    pops_incoming_args

block0:
    args v192=a0
    lw v193, incoming_arg+16
    sw v193, tail_arg(16)+0
    return_call %one(v192=a0) args_size 16
}

vcode %nothing {
block0:
    rets
}

vcode %main {
    outgoing_args 16

block0:
    args v192=a0
    sw zero, outgoing_arg+0
    call %one(v192=a0) -> v193=a0 clobbers a1-a7, t0-t6 pops 16
    rets v193=a0
}
";
    assert_eq!(run(text, "main", &[100]), 5050);
}
