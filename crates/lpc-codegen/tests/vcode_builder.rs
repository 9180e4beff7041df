//! Building virtual-register code in both directions.

use lpc_codegen::backend::buffer::MachLabel;
use lpc_codegen::backend::reg::Writable;
use lpc_codegen::backend::reg::{RegClass, VirtualReg};
use lpc_codegen::backend::vcode::{BlockFlags, BlockIndex, VCode};
use lpc_codegen::backend::vcode_builder::{VCodeBuildDirection, VCodeBuilder, VRegAllocator};
use lpc_codegen::backend::vcode_text::print_vcode;
use lpc_codegen::isa::riscv32::inst::{FixedDef, FixedUse, MInst};
use lpc_codegen::isa::riscv32::regs::{real_reg, zero_reg};
use lpc_lpir::ir::{ExternalName, SourceLoc};
use lpc_riscv32::{Gpr, Imm12, Opcode};

/// A function whose blocks, parameters, arguments, successors, locations and flags all differ.
const TEXT: &str = "\
vcode %f {
    stackslots 8, align 4
    const0 = 0x01020304

block0:
    @0001 args v192=a0
    @0001 addi v193, v192, 1
    @0002 addi v194, v193, 2
    @0003 beq v193, zero, block1, block2

block1 edge:
    @0003 jump block3(v193, v194)

block2 cold:
    addi v195, v194, 3
    @0004 jump block3(v194, v195)

block3(v196, v197):
    @0004 rets v196=a0, v197=a1
}
";

fn label(block: usize) -> MachLabel {
    MachLabel::from_block(BlockIndex::new(block))
}

fn addi(rd: VirtualReg, rs: VirtualReg, imm: i32) -> MInst {
    MInst::AluRRImm12 {
        op: Opcode::Addi,
        rd: Writable::from_reg(rd.to_reg()),
        rs: rs.to_reg(),
        imm: Imm12::new(imm).unwrap(),
    }
}

/// One block: its instructions with their locations, parameters, successors with their arguments, and what it is.
struct Block {
    insts: Vec<(MInst, u32)>,
    params: Vec<VirtualReg>,
    succs: Vec<(usize, Vec<VirtualReg>)>,
    is_edge: bool,
    is_cold: bool,
}

fn blocks(v: [VirtualReg; 6]) -> Vec<Block> {
    const NOWHERE: u32 = u32::MAX;
    let plain = |insts, succs| Block {
        insts,
        params: vec![],
        succs,
        is_edge: false,
        is_cold: false,
    };
    let args = MInst::Args {
        args: vec![FixedDef {
            vreg: Writable::from_reg(v[0].to_reg()),
            preg: real_reg(Gpr::A0),
        }],
    };
    let branch = MInst::CondBr {
        op: Opcode::Beq,
        rs1: v[1].to_reg(),
        rs2: zero_reg(),
        taken: label(1),
        not_taken: label(2),
    };
    let fixed_use = |reg: VirtualReg, gpr| FixedUse {
        vreg: reg.to_reg(),
        preg: real_reg(gpr),
    };
    let rets = MInst::Rets {
        rets: vec![fixed_use(v[4], Gpr::A0), fixed_use(v[5], Gpr::A1)],
    };
    let jump = MInst::Jump { dest: label(3) };
    vec![
        plain(
            vec![
                (args, 1),
                (addi(v[1], v[0], 1), 1),
                (addi(v[2], v[1], 2), 2),
                (branch, 3),
            ],
            vec![(1, vec![]), (2, vec![])],
        ),
        Block {
            is_edge: true,
            ..plain(vec![(jump.clone(), 3)], vec![(3, vec![v[1], v[2]])])
        },
        Block {
            is_cold: true,
            ..plain(
                vec![(addi(v[3], v[2], 3), NOWHERE), (jump, 4)],
                vec![(3, vec![v[2], v[3]])],
            )
        },
        Block {
            params: vec![v[4], v[5]],
            ..plain(vec![(rets, 4)], vec![])
        },
    ]
}

fn build(direction: VCodeBuildDirection) -> VCode<MInst> {
    let mut vregs = VRegAllocator::new();
    let regs = [(); 6].map(|()| vregs.alloc(RegClass::Int));
    let mut blocks = blocks(regs);
    if direction == VCodeBuildDirection::Backward {
        blocks.reverse();
        for block in &mut blocks {
            block.insts.reverse();
        }
    }
    let mut builder = VCodeBuilder::new(direction, 4, 8);
    for block in blocks {
        for (inst, srcloc) in block.insts {
            builder.push(inst, SourceLoc::new(srcloc));
        }
        for param in block.params {
            builder.add_block_param(param);
        }
        for (succ, args) in block.succs {
            for arg in args {
                builder.add_branch_arg(arg.to_reg());
            }
            builder.add_succ(BlockIndex::new(succ));
        }
        builder.end_block(BlockFlags {
            is_edge: block.is_edge,
            is_cold: block.is_cold,
            is_aligned: false,
        });
    }
    builder.frame().stackslots_size = 8;
    builder.frame().stackslots_align = 4;
    builder.constants().insert(&[1, 2, 3, 4]);
    builder.build(vregs)
}

#[test]
fn both_directions_build_the_same() {
    for direction in [VCodeBuildDirection::Forward, VCodeBuildDirection::Backward] {
        let vcode = build(direction);
        assert_eq!(
            print_vcode(&ExternalName::symbol("f"), &vcode),
            TEXT,
            "{direction:?}"
        );
        let preds: Vec<_> = vcode
            .blocks()
            .map(|block| {
                vcode
                    .block_preds(block)
                    .iter()
                    .map(|pred| pred.index())
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(preds, [vec![], vec![0], vec![0], vec![1, 2]]);
    }
}

/// A register that stands for another is replaced in instructions and in the arguments of branches.
#[test]
fn aliases_are_resolved() {
    let mut vregs = VRegAllocator::new();
    let [first, second, alias] = [(); 3].map(|()| vregs.alloc(RegClass::Int));
    vregs.set_alias(alias, first);
    let mut builder = VCodeBuilder::<MInst>::new(VCodeBuildDirection::Forward, 2, 3);
    let value = MInst::LoadConst32 {
        rd: Writable::from_reg(first.to_reg()),
        value: 1,
    };
    builder.push(value, SourceLoc::default());
    builder.push(
        MInst::DummyUse {
            reg: alias.to_reg(),
        },
        SourceLoc::default(),
    );
    builder.push(MInst::Jump { dest: label(1) }, SourceLoc::default());
    builder.add_branch_arg(alias.to_reg());
    builder.add_succ(BlockIndex::new(1));
    builder.end_block(BlockFlags::default());
    builder.add_block_param(second);
    builder.push(MInst::Rets { rets: vec![] }, SourceLoc::default());
    builder.end_block(BlockFlags::default());
    let vcode = builder.build(vregs);
    let expected = "\
vcode %f {

block0:
    li v192, 1
    dummy_use v192
    jump block1(v192)

block1(v193):
    rets
}
";
    assert_eq!(print_vcode(&ExternalName::symbol("f"), &vcode), expected);
}

#[test]
fn instructions_are_small() {
    // Half of that where pointers have 32 bits.
    assert!(size_of::<MInst>() <= 32, "{}", size_of::<MInst>());
}
