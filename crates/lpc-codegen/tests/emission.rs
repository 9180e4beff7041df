//! Machine code of instructions, branches and blocks, as assembly.

mod support;

use lpc_codegen::backend::buffer::{MachCallSite, MachSrcLoc, MachTrap};
use lpc_codegen::backend::reloc::{MachReloc, RelocKind, RelocTarget};
use lpc_lpir::ir::{ExternalName, SourceLoc, TrapCode};
use support::{assembly, compile_one};

/// Fall-through by block order, a branch inverted because its target comes next, one jump back.
#[test]
fn a_loop() {
    let text = "\
vcode %gcd {

block0:
    args v192=a0, v193=a1
    jump block1(v192, v193)

block1(v194, v195):
    beq v195, zero, block3, block2

block2:
    remu v196, v194, v195
    jump block1(v195, v196)

block3:
    rets v194=a0
}
";
    let expected = "\
000: j 10
004: remu a5,a0,a1
008: mv a0,a1
00c: mv a1,a5
010: bnez a1,4
014: ret
";
    assert_eq!(assembly(text), expected);
}

/// The block of the back edge is laid out in front of the loop.
#[test]
fn a_loop_with_moves_on_its_edge() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    jump block1(v192, v193)

block1(v194, v195):
    sw v195, 0(v194)
    bne v194, v195, block2, block3

block2 edge:
    jump block1(v195, v194)

block3:
    rets v194=a0
}
";
    let expected = "\
000: j 10
004: mv a5,a1
008: mv a1,a0
00c: mv a0,a5
010: sw a1,0(a0)
014: bne a0,a1,4
018: ret
";
    assert_eq!(assembly(text), expected);
}

/// `addi`, `lui`, or both, with the low part negative where it must be.
#[test]
fn constants_in_one_or_two_instructions() {
    let text = "\
vcode %f {

block0:
    li v192, 0
    sw v192, 0(sp)
    li v193, -2048
    sw v193, 4(sp)
    li v194, 2047
    sw v194, 8(sp)
    li v195, 2048
    sw v195, 12(sp)
    li v196, -2049
    sw v196, 16(sp)
    li v197, 2147481600
    sw v197, 20(sp)
    li v198, 2147483647
    sw v198, 24(sp)
    li v199, -2147483648
    sw v199, 28(sp)
    li v200, -4096
    sw v200, 32(sp)
    li v201, 305419896
    sw v201, 36(sp)
    rets
}
";
    let expected = "\
000: li a5,0
004: sw a5,0(sp)
008: li a5,-2048
00c: sw a5,4(sp)
010: li a5,2047
014: sw a5,8(sp)
018: lui a5,0x1
01c: addi a5,a5,-2048
020: sw a5,12(sp)
024: lui a5,0xfffff
028: addi a5,a5,2047
02c: sw a5,16(sp)
030: lui a5,0x80000
034: addi a5,a5,-2048
038: sw a5,20(sp)
03c: lui a5,0x80000
040: addi a5,a5,-1
044: sw a5,24(sp)
048: lui a5,0x80000
04c: sw a5,28(sp)
050: lui a5,0xfffff
054: sw a5,32(sp)
058: lui a5,0x12345
05c: addi a5,a5,1656
060: sw a5,36(sp)
064: ret
";
    assert_eq!(assembly(text), expected);
}

/// Each shape, with `zero` as source and destination.
#[test]
fn forms_of_instructions() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    sub v194, zero, v192
    add zero, v192, v193
    sltiu v195, v194, 1
    srai v196, v195, 31
    clz v197, v196
    lui v198, 0xfffff
    mulhu v199, v197, v198
    lh v200, -2(v199)
    sb v200, 2047(v199)
    lr.w.aq v201, (v199)
    sc.w.rl v202, v201, (v199)
    amoadd.w.aqrl v203, v202, (v199)
    fence iorw, iorw
    nop
    ebreak
    dummy_use v203
    rets v203=a0
}
";
    let expected = "\
000: neg a5,a0
004: add zero,a0,a1
008: seqz a5,a5
00c: srai a5,a5,0x1f
010: clz a5,a5
014: lui a4,0xfffff
018: mulhu a5,a5,a4
01c: lh a4,-2(a5)
020: sb a4,2047(a5)
024: lr.w.aq a4,(a5)
028: sc.w.rl a4,a4,(a5)
02c: amoadd.w.aqrl a0,a4,(a5)
030: fence
034: nop
038: ebreak
03c: ret
";
    assert_eq!(assembly(text), expected);
}

/// A branch over a move. No move where the value is in place already.
#[test]
fn selects() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    select.beq v194, v192, zero, v193, zero
    select.blt v195, v192, zero, zero, v193
    select.bne v196, v194, v195, v194, v195
    select.bgeu v197, v196, v193, v196, v196
    rets v197=a0
}
";
    let expected = "\
000: mv a5,a0
004: mv a0,a1
008: beqz a5,10
00c: li a0,0
010: mv a4,a5
014: li a5,0
018: bltz a4,20
01c: mv a5,a1
020: bne a0,a5,28
024: mv a0,a5
028: ret
";
    assert_eq!(assembly(text), expected);
}

/// Relative to the instruction, to be filled in by the linker.
#[test]
fn addresses_of_symbols() {
    let text = "\
vcode %f {

block0:
    la v192, %data+4
    rets v192=a0
}
";
    let expected = "\
000: auipc a0,0x0
004: mv a0,a0
008: ret
";
    assert_eq!(assembly(text), expected);
}

/// Aligned, and loaded or addressed relative to the instruction.
#[test]
fn constants_behind_the_code() {
    let text = "\
vcode %f {
    const0 = 0x11223344
    const1 = 0x0102030405060708

block0:
    lw v192, const0
    la v193, const1
    add v194, v192, v193
    rets v194=a0
}
";
    let expected = "\
000: auipc a5,0x0
004: lw a5,24(a5)
008: auipc a4,0x0
00c: addi a4,a4,24
010: add a0,a5,a4
014: ret
018: .word 0x44332211
01c: .word 0x0
020: .word 0x4030201
024: .word 0x8070605
";
    assert_eq!(assembly(text), expected);
}

/// Whoever reads a constant into `zero` reads nothing.
#[test]
fn a_constant_that_nobody_wants() {
    let text = "\
vcode %f {
    const0 = 0x11223344

block0:
    lw zero, const0
    la zero, const0
    rets
}
";
    let expected = "\
000: ret
004: .word 0x44332211
";
    assert_eq!(assembly(text), expected);
}

/// One for each site.
#[test]
fn traps_stand_behind_the_code() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    trap_if.beq v193, zero, int_divz
    div v194, v192, v193
    trap_if.blt v194, zero, user1
    beq v194, zero, block1, block2

block1 cold:
    udf user2

block2:
    rets v194=a0
}
";
    let expected = "\
000: beqz a1,18
004: div a0,a0,a1
008: bltz a0,1c
00c: beqz a0,14
010: ret
014: unimp
018: unimp
01c: unimp
";
    assert_eq!(assembly(text), expected);
}

/// And the branch to them is the one that is taken.
#[test]
fn cold_blocks_come_last() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    beq v192, zero, block1, block2

block1 cold:
    li v193, 1
    jump block3(v193)

block2 edge:
    jump block3(v192)

block3(v194):
    rets v194=a0
}
";
    let expected = "\
000: beqz a0,8
004: ret
008: li a0,1
00c: j 4
";
    assert_eq!(assembly(text), expected);
}

/// A branch and a jump.
#[test]
fn neither_target_comes_next() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    beq v192, zero, block1, block2

block1:
    blt v192, zero, block3, block4

block2:
    rets v192=a0

block3:
    li v193, 1
    rets v193=a0

block4:
    rets v192=a0
}
";
    let expected = "\
000: bnez a0,c
004: bltz a0,10
008: j 18
00c: ret
010: li a0,1
014: ret
018: ret
";
    assert_eq!(assembly(text), expected);
}

/// Branches go to where they lead. Here both ways lead to the same place, so not even the branch is left.
#[test]
fn empty_blocks_vanish() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    beq v192, zero, block1, block2

block1 edge:
    jump block4

block2 edge:
    jump block3

block3:
    jump block4

block4:
    rets v192=a0
}
";
    let expected = "\
000: ret
";
    assert_eq!(assembly(text), expected);
}

/// A move within the same register is nothing.
#[test]
fn a_block_with_a_move_that_does_nothing_vanishes() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    beq v192, zero, block1, block2

block1:
    mv v193, v192
    jump block3(v193)

block2 edge:
    jump block3(v192)

block3(v194):
    rets v194=a0
}
";
    let expected = "\
000: ret
";
    assert_eq!(assembly(text), expected);
}

/// Only the one of the two that moves nothing vanishes.
#[test]
fn an_edge_with_moves_stays() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    blt v192, v193, block1, block2

block1 edge:
    jump block3(v192)

block2 edge:
    jump block3(v193)

block3(v194):
    rets v194=a0
}
";
    let expected = "\
000: blt a0,a1,8
004: mv a0,a1
008: ret
";
    assert_eq!(assembly(text), expected);
}

/// An infinite loop without an exit.
#[test]
fn a_block_that_is_its_own_successor() {
    let text = "\
vcode %f {

block0:
    jump block1

block1:
    jump block1
}
";
    let expected = "\
000: j 0
";
    assert_eq!(assembly(text), expected);
}

/// One of them stays and jumps to itself.
#[test]
fn a_cycle_of_empty_blocks() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    beq v192, zero, block1, block4

block1 edge:
    jump block2

block2:
    jump block3

block3:
    jump block2

block4:
    rets
}
";
    let expected = "\
000: bnez a0,8
004: j 4
008: ret
";
    assert_eq!(assembly(text), expected);
}

/// The branch back falls through to the exit.
#[test]
fn a_loop_on_itself_with_a_body() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    jump block1(v192)

block1(v193):
    addi v194, v193, -1
    bne v194, zero, block2, block3

block2 edge:
    jump block1(v194)

block3:
    rets v194=a0
}
";
    let expected = "\
000: addi a0,a0,-1
004: bnez a0,0
008: ret
";
    assert_eq!(assembly(text), expected);
}

/// No branch at all.
#[test]
fn both_targets_the_same() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    beq v192, zero, block1, block1

block1:
    rets v192=a0
}
";
    let expected = "\
000: ret
";
    assert_eq!(assembly(text), expected);
}

/// Distances from the table; the index is compared unsigned.
#[test]
fn a_jump_table() {
    let text = "\
vcode %table {

block0:
    args v192=a0
    br_table v192, v193, v194, block1, [block2, block3, block2]

block1:
    li v195, 10
    rets v195=a0

block2:
    li v196, 20
    rets v196=a0

block3:
    li v197, 30
    rets v197=a0
}
";
    let expected = "\
000: li a4,3
004: bgeu a0,a4,24
008: slli a4,a0,0x2
00c: auipc a5,0x0
010: addi a5,a5,48
014: add a4,a4,a5
018: lw a4,0(a4)
01c: add a4,a4,a5
020: jr a4
024: li a0,10
028: ret
02c: li a0,20
030: ret
034: li a0,30
038: ret
03c: .word 0xfffffff0
040: .word 0xfffffff8
044: .word 0xfffffff0
";
    assert_eq!(assembly(text), expected);
}

/// A jump.
#[test]
fn a_jump_table_without_entries() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    br_table v192, v193, v194, block1, []

block1:
    rets v192=a0
}
";
    let expected = "\
000: ret
";
    assert_eq!(assembly(text), expected);
}

#[test]
fn relocations() {
    let text =
        "vcode %f {\nblock0:\nla v192, %data-8\ncall %g(v192=a0) clobbers a0\nreturn_call %h()\n}";
    let reloc = |offset, kind, name: &str, addend| MachReloc {
        offset,
        kind,
        target: RelocTarget::External(ExternalName::symbol(name)),
        addend,
    };
    let low = MachReloc {
        offset: 12,
        kind: RelocKind::PcRelLo12I,
        target: RelocTarget::Local(8),
        addend: 0,
    };
    let buffer = compile_one(text).buffer;
    assert_eq!(
        buffer.relocs,
        [
            reloc(8, RelocKind::PcRelHi20, "data", -8),
            low,
            reloc(16, RelocKind::Call, "g", 0),
            reloc(32, RelocKind::Call, "h", 0),
        ]
    );
    assert_eq!(buffer.call_sites, [MachCallSite { return_offset: 24 }]);
}

#[test]
fn traps_and_source_locations() {
    let text = "\
vcode %f {
block0:
    args v192=a0, v193=a1
    @0010 trap_if.beq v193, zero, int_divz
    @0011 div v194, v192, v193
    @0011 add v195, v194, v194
    lw v196, 0(v195), trap heap_oob
    @0012 trap_if.blt v196, zero, user1
    rets v196=a0
}
";
    let buffer = compile_one(text).buffer;
    let trap = |offset, code| MachTrap { offset, code };
    assert_eq!(
        buffer.traps,
        [
            trap(12, TrapCode::HEAP_OUT_OF_BOUNDS),
            trap(24, TrapCode::INTEGER_DIVISION_BY_ZERO),
            trap(28, TrapCode::user(1).unwrap()),
        ]
    );
    let srcloc = |start, end, bits| MachSrcLoc {
        start,
        end,
        srcloc: SourceLoc::new(bits),
    };
    assert_eq!(
        buffer.srclocs,
        [
            srcloc(0, 4, 0x10),
            srcloc(4, 12, 0x11),
            srcloc(16, 20, 0x12),
            srcloc(24, 28, 0x10),
            srcloc(28, 32, 0x12),
        ]
    );
}
