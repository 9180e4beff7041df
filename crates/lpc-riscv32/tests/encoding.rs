//! Encoding, decoding and assembler syntax of every instruction.

use lpc_riscv32::compressed::{BRANCH_RANGE, JUMP_RANGE};
use lpc_riscv32::immediate::ImmediateRange;
use lpc_riscv32::inst::AtomicOrder;
use lpc_riscv32::{DecodeError, EncodeError, Gpr, Inst, Opcode, ShiftAmount};
use std::collections::BTreeSet;

#[path = "support/random.rs"]
mod random;
mod support;
#[path = "support/words.rs"]
mod words;

/// Encodings that GNU as produces and GNU objdump prints, at least one for each instruction.
const GOLDEN: &[(u32, &str)] = &[
    (0xffff_f537, "lui a0,0xfffff"),
    (0x1234_5f97, "auipc t6,0x12345"),
    (0x0010_00ef, "jal ra,.+2048"),
    (0x8000_006f, "jal zero,.-1048576"),
    (0x7fff_f2ef, "jal t0,.+1048574"),
    (0x800f_80e7, "jalr ra,-2048(t6)"),
    (0x0000_8067, "jalr zero,0(ra)"),
    (0x7eb5_0fe3, "beq a0,a1,.+4094"),
    (0x8094_1063, "bne s0,s1,.-4096"),
    (0x01f2_c0e3, "blt t0,t6,.+2048"),
    (0xfea0_5fe3, "bge zero,a0,.-2"),
    (0x00f7_6f63, "bltu a4,a5,.+30"),
    (0xff18_70e3, "bgeu a6,a7,.-32"),
    (0xfff1_0503, "lb a0,-1(sp)"),
    (0x7ffe_1d83, "lh s11,2047(t3)"),
    (0x00c1_2083, "lw ra,12(sp)"),
    (0x0000_4283, "lbu t0,0(zero)"),
    (0x8001_d783, "lhu a5,-2048(gp)"),
    (0xfea1_0fa3, "sb a0,-1(sp)"),
    (0x7fbe_1fa3, "sh s11,2047(t3)"),
    (0x0011_2623, "sw ra,12(sp)"),
    (0x8005_8513, "addi a0,a1,-2048"),
    (0x7ff3_2293, "slti t0,t1,2047"),
    (0x0015_3513, "sltiu a0,a0,1"),
    (0xfff9_c913, "xori s2,s3,-1"),
    (0x5550_6513, "ori a0,zero,1365"),
    (0x0ffa_7893, "andi a7,s4,255"),
    (0x01f5_9513, "slli a0,a1,0x1f"),
    (0x001f_df13, "srli t5,t6,0x1"),
    (0x4104_5413, "srai s0,s0,0x10"),
    (0x00c5_8533, "add a0,a1,a2"),
    (0x41f0_02b3, "sub t0,zero,t6"),
    (0x017b_1ab3, "sll s5,s6,s7"),
    (0x00b0_2533, "slt a0,zero,a1"),
    (0x00b0_3533, "sltu a0,zero,a1"),
    (0x01ee_ce33, "xor t3,t4,t5"),
    (0x00f7_56b3, "srl a3,a4,a5"),
    (0x41ac_dc33, "sra s8,s9,s10"),
    (0x0041_e0b3, "or ra,gp,tp"),
    (0x0083_f333, "and t1,t2,s0"),
    (0x0100_000f, "pause"),
    (0x8330_000f, "fence.tso"),
    (0x0310_000f, "fence rw,w"),
    (0x0ff0_000f, "fence iorw,iorw"),
    (0x0000_0073, "ecall"),
    (0x0010_0073, "ebreak"),
    (0x3020_0073, "mret"),
    (0x1050_0073, "wfi"),
    (0x0000_100f, "fence.i"),
    (0x3405_9573, "csrrw a0,mscratch,a1"),
    (0xc000_22f3, "csrrs t0,cycle,zero"),
    (0x7c0f_b073, "csrrc zero,0x7c0,t6"),
    (0x341f_d573, "csrrwi a0,mepc,31"),
    (0x3004_6073, "csrrsi zero,mstatus,8"),
    (0x3050_7ff3, "csrrci t6,mtvec,0"),
    (0x02c5_8533, "mul a0,a1,a2"),
    (0x02f7_16b3, "mulh a3,a4,a5"),
    (0x0273_22b3, "mulhsu t0,t1,t2"),
    (0x0324_b433, "mulhu s0,s1,s2"),
    (0x035a_49b3, "div s3,s4,s5"),
    (0x03c8_d833, "divu a6,a7,t3"),
    (0x03ff_6eb3, "rem t4,t5,t6"),
    (0x0231_70b3, "remu ra,sp,gp"),
    (0x1005_a52f, "lr.w a0,(a1)"),
    (0x1401_22af, "lr.w.aq t0,(sp)"),
    (0x18c5_a52f, "sc.w a0,a2,(a1)"),
    (0x1a8f_2faf, "sc.w.rl t6,s0,(t5)"),
    (0x08b6_252f, "amoswap.w a0,a1,(a2)"),
    (0x065d_a02f, "amoadd.w.aqrl zero,t0,(s11)"),
    (0x20e7_a6af, "amoxor.w a3,a4,(a5)"),
    (0x6095_242f, "amoand.w s0,s1,(a0)"),
    (0x4063_a2af, "amoor.w t0,t1,(t2)"),
    (0x8119_282f, "amomin.w a6,a7,(s2)"),
    (0xa14a_a9af, "amomax.w s3,s4,(s5)"),
    (0xc17c_2b2f, "amominu.w s6,s7,(s8)"),
    (0xe1ad_acaf, "amomaxu.w s9,s10,(s11)"),
    (0x20c5_a533, "sh1add a0,a1,a2"),
    (0x2073_42b3, "sh2add t0,t1,t2"),
    (0x2124_e433, "sh3add s0,s1,s2"),
    (0x40c5_f533, "andn a0,a1,a2"),
    (0x41ee_ee33, "orn t3,t4,t5"),
    (0x41bd_4cb3, "xnor s9,s10,s11"),
    (0x6005_9513, "clz a0,a1"),
    (0x6013_1293, "ctz t0,t1"),
    (0x6029_9913, "cpop s2,s3"),
    (0x6047_9713, "sext.b a4,a5"),
    (0x6058_9813, "sext.h a6,a7"),
    (0x080f_cf33, "zext.h t5,t6"),
    (0x0ac5_e533, "max a0,a1,a2"),
    (0x0af7_76b3, "maxu a3,a4,a5"),
    (0x0a73_42b3, "min t0,t1,t2"),
    (0x0b24_d433, "minu s0,s1,s2"),
    (0x60c5_9533, "rol a0,a1,a2"),
    (0x61ee_de33, "ror t3,t4,t5"),
    (0x61fa_5993, "rori s3,s4,0x1f"),
    (0x2875_d513, "orc.b a0,a1"),
    (0x6983_5293, "rev8 t0,t1"),
    (0x08c5_c533, "pack a0,a1,a2"),
    (0x0873_72b3, "packh t0,t1,t2"),
    (0x6874_d413, "brev8 s0,s1"),
    (0x08f6_9613, "zip a2,a3"),
    (0x08ff_5e93, "unzip t4,t5"),
    (0x48c5_9533, "bclr a0,a1,a2"),
    (0x49f3_1293, "bclri t0,t1,0x1f"),
    (0x4924_d433, "bext s0,s1,s2"),
    (0x4807_5693, "bexti a3,a4,0x0"),
    (0x69ee_9e33, "binv t3,t4,t5"),
    (0x691a_1993, "binvi s3,s4,0x11"),
    (0x2918_17b3, "bset a5,a6,a7"),
    (0x29ed_1c93, "bseti s9,s10,0x1e"),
    (0x0ec5_d533, "czero.eqz a0,a1,a2"),
    (0x0ec5_f533, "czero.nez a0,a1,a2"),
];

#[test]
fn golden_words() {
    let mut covered = BTreeSet::new();
    for &(word, text) in GOLDEN {
        let bytes = support::assemble(text);
        assert_eq!(bytes, word.to_le_bytes(), "{text}");
        let inst = Inst::decode(word).unwrap();
        assert_eq!(inst.to_string(), text);
        covered.insert(inst.opcode);
    }
    assert_eq!(covered.len(), Opcode::ALL.len());
}

/// Every combination of edge operands that the opcode has.
fn edge_cases(opcode: Opcode) -> Vec<Inst> {
    let format = opcode.format();
    let range = format.immediate_range();
    let middle = range.max / 2 / range.multiple_of * range.multiple_of;
    let mut imms = vec![range.min, 0, range.multiple_of, middle, range.max];
    imms.retain(|imm| range.contains(*imm));
    let registers = |present| match present {
        true => vec![Gpr::ZERO, Gpr::RA, Gpr::A0, Gpr::T6],
        false => vec![Gpr::ZERO],
    };
    let mut cases = Vec::new();
    for &rd in &registers(format.has_rd()) {
        for &rs1 in &registers(format.has_rs1()) {
            for &rs2 in &registers(format.has_rs2()) {
                cases.extend(imms.iter().map(|&imm| Inst {
                    opcode,
                    rd,
                    rs1,
                    rs2,
                    imm,
                }));
            }
        }
    }
    cases
}

#[test]
fn edge_operands_survive_encoding() {
    for &opcode in Opcode::ALL {
        for inst in edge_cases(opcode) {
            let word = inst
                .encode()
                .unwrap_or_else(|error| panic!("{inst}: {error}"));
            assert_eq!(word & opcode.mask(), opcode.bits(), "{inst}");
            let decoded = Inst::decode(word).unwrap();
            assert_eq!(decoded.encode(), Ok(word));
            // `pack rd,rs1,zero` is `zext.h rd,rs1`, and `fence w,0` is `pause`.
            if decoded.opcode == opcode {
                assert_eq!(decoded, inst);
            } else {
                assert!(
                    matches!(decoded.opcode, Opcode::ZextH | Opcode::Pause),
                    "{inst}"
                );
            }
        }
    }
}

#[test]
fn immediates_out_of_range_are_refused() {
    for &opcode in Opcode::ALL {
        let range = opcode.format().immediate_range();
        for value in [
            range.min - range.multiple_of,
            range.max + range.multiple_of,
            i32::MIN,
        ] {
            let inst = Inst {
                imm: value,
                ..Inst::no_operands(opcode)
            };
            let error = EncodeError::ImmediateOutOfRange { value, range };
            assert_eq!(inst.encode(), Err(error), "{}", opcode.mnemonic());
        }
    }
    for opcode in [Opcode::Beq, Opcode::Jal] {
        let odd = Inst {
            imm: 5,
            ..Inst::no_operands(opcode)
        };
        let range = opcode.format().immediate_range();
        let error = EncodeError::ImmediateOutOfRange { value: 5, range };
        assert_eq!(odd.encode(), Err(error));
    }
}

#[test]
fn operands_that_an_opcode_lacks_are_refused() {
    for &opcode in Opcode::ALL {
        let format = opcode.format();
        let bare = Inst::no_operands(opcode);
        let operands = [
            (
                format.has_rd(),
                Inst {
                    rd: Gpr::A0,
                    ..bare
                },
            ),
            (
                format.has_rs1(),
                Inst {
                    rs1: Gpr::A0,
                    ..bare
                },
            ),
            (
                format.has_rs2(),
                Inst {
                    rs2: Gpr::A0,
                    ..bare
                },
            ),
        ];
        for (present, inst) in operands {
            let expected = match present {
                true => Ok(()),
                false => Err(EncodeError::UnusedOperand { opcode }),
            };
            assert_eq!(inst.encode().map(|_| ()), expected, "{}", opcode.mnemonic());
        }
    }
}

#[test]
fn a_million_words_encode_to_themselves_or_are_refused() {
    let mut decoded = 0;
    for word in words::all() {
        if let Ok(inst) = Inst::decode(word) {
            assert_eq!(inst.encode(), Ok(word), "{inst}");
            decoded += 1;
        }
    }
    assert_eq!(decoded, 553_348);
}

#[test]
fn reserved_encodings_are_refused() {
    for (word, what) in [
        (0x0000_0000, "all zeros"),
        (0xffff_ffff, "all ones"),
        (0x0000_0001, "a 16-bit instruction"),
        (0x0200_9093, "slli with shift amount 32"),
        (0x0200_d093, "srli with shift amount 32"),
        (0x4200_d093, "srai with shift amount 32"),
        (0x6200_d093, "rori with shift amount 32"),
        (0x6b80_d093, "rev8 of RV64"),
        (0x6030_1093, "the encoding behind cpop"),
        (0x8000_0033, "add with another funct7"),
        (0x0000_003b, "addw of RV64"),
        (0x0000_3003, "ld of RV64"),
        (0x0000_6003, "lwu of RV64"),
        (0x0000_3023, "sd of RV64"),
        (0x0000_2063, "a branch with funct3 2"),
        (0x0000_1067, "jalr with funct3 1"),
        (0x1015_252f, "lr.w with rs2"),
        (0x1005_302f, "lr.d of RV64"),
        (0xf000_000f, "a fence of a reserved mode"),
        (0x0ff0_008f, "a fence with rd"),
        (0x0010_100f, "fence.i with an immediate"),
        (0x0000_00f3, "ecall with rd"),
        (0x0000_4073, "SYSTEM with funct3 4"),
    ] {
        assert_eq!(Inst::decode(word), Err(DecodeError { word }), "{what}");
    }
}

#[test]
fn pseudo_instructions() {
    for (raw, pseudo) in [
        ("addi zero,zero,0", "nop"),
        ("addi a0,zero,-5", "li a0,-5"),
        ("addi a0,a1,0", "mv a0,a1"),
        ("addi a0,a1,1", "addi a0,a1,1"),
        ("xori a0,a1,-1", "not a0,a1"),
        ("andi a0,a1,255", "zext.b a0,a1"),
        ("sub a0,zero,a1", "neg a0,a1"),
        ("sltiu a0,a1,1", "seqz a0,a1"),
        ("sltu a0,zero,a1", "snez a0,a1"),
        ("slt a0,a1,zero", "sltz a0,a1"),
        ("slt a0,zero,a1", "sgtz a0,a1"),
        ("beq a0,zero,.+8", "beqz a0,.+8"),
        ("bne a0,zero,.-8", "bnez a0,.-8"),
        ("bge zero,a0,.+8", "blez a0,.+8"),
        ("bge a0,zero,.+8", "bgez a0,.+8"),
        ("blt a0,zero,.+8", "bltz a0,.+8"),
        ("blt zero,a0,.+8", "bgtz a0,.+8"),
        ("bltu a0,zero,.+8", "bltu a0,zero,.+8"),
        ("jal zero,.+8", "j .+8"),
        ("jal ra,.+8", "jal .+8"),
        ("jal t0,.+8", "jal t0,.+8"),
        ("jalr zero,0(ra)", "ret"),
        ("jalr zero,0(a0)", "jr a0"),
        ("jalr zero,4(a0)", "jr 4(a0)"),
        ("jalr ra,0(a0)", "jalr a0"),
        ("jalr ra,4(a0)", "jalr 4(a0)"),
        ("jalr t0,0(a0)", "jalr t0,a0"),
        ("fence iorw,iorw", "fence"),
        ("csrrs a0,cycle,zero", "rdcycle a0"),
        ("csrrs a0,mepc,zero", "csrr a0,mepc"),
        ("csrrw zero,mepc,a0", "csrw mepc,a0"),
        ("csrrs zero,mepc,a0", "csrs mepc,a0"),
        ("csrrci zero,mstatus,8", "csrci mstatus,8"),
    ] {
        let bytes = support::assemble(raw);
        let inst = Inst::decode(u32::from_le_bytes(bytes.try_into().unwrap())).unwrap();
        assert_eq!(format!("{inst}"), raw);
        assert_eq!(format!("{inst:#}"), pseudo);
    }
}

#[test]
fn constructors_put_operands_where_they_belong() {
    let (a0, a1) = (Gpr::A0, Gpr::A1);
    let amount = ShiftAmount::new(3).unwrap();
    let load_reserved = |acquire, release| {
        let order = AtomicOrder { acquire, release };
        Inst::load_reserved(a0, a1, order)
    };
    for (inst, text) in [
        (Inst::shift(Opcode::Slli, a0, a1, amount), "slli a0,a1,0x3"),
        (load_reserved(false, false), "lr.w a0,(a1)"),
        (load_reserved(true, false), "lr.w.aq a0,(a1)"),
        (load_reserved(false, true), "lr.w.rl a0,(a1)"),
        (load_reserved(true, true), "lr.w.aqrl a0,(a1)"),
    ] {
        assert_eq!(inst.to_string(), text);
    }
}

#[test]
fn who_accesses_memory() {
    let mnemonics = |is_wanted: fn(Opcode) -> bool| {
        let opcodes = Opcode::ALL.iter().filter(|&&opcode| is_wanted(opcode));
        let mnemonics = opcodes.map(|opcode| opcode.mnemonic());
        let (atomic, plain): (Vec<_>, Vec<_>) =
            mnemonics.partition(|mnemonic| mnemonic.starts_with("amo"));
        (plain.join(" "), atomic.len())
    };
    let (loads, atomic_loads) = mnemonics(Opcode::is_load);
    assert_eq!(loads, "lb lh lw lbu lhu lr.w");
    let (stores, atomic_stores) = mnemonics(Opcode::is_store);
    assert_eq!(stores, "sb sh sw sc.w");
    assert!(atomic_loads >= 9);
    assert_eq!(atomic_loads, atomic_stores);
}

#[test]
fn what_is_written_is_a_register_other_than_zero() {
    let written = |rd| Inst::r(Opcode::Add, rd, Gpr::A1, Gpr::A2).written_register();
    assert_eq!(written(Gpr::A0), Some(Gpr::A0));
    assert_eq!(written(Gpr::ZERO), None);
    assert_eq!(Inst::no_operands(Opcode::Ecall).written_register(), None);
}

#[test]
fn reach_of_compressed_jumps_and_branches() {
    let even = |min, max| ImmediateRange {
        min,
        max,
        multiple_of: 2,
    };
    assert_eq!(JUMP_RANGE, even(-2048, 2046));
    assert_eq!(BRANCH_RANGE, even(-256, 254));
}
