//! Frames: prologues, epilogues and the addresses of what lies in the frame, as assembly.

mod support;

use support::assembly;

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
