//! What each instruction computes, at the edges of its operands.

use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Stop};
use lpc_riscv32::{ExtensionSet, Format, Gpr, Inst, Opcode};
use std::collections::BTreeSet;

mod support;

const CODE: u32 = 0x8000_0000;
const DATA: u32 = CODE + 0x100;
const MIN: u32 = 0x8000_0000;
const MAX: u32 = 0x7fff_ffff;
const ALL_ONES: u32 = 0xffff_ffff;

/// A machine with every extension that has `source` loaded and the pc at it.
fn machine(source: &str) -> Emulator {
    let memory = Memory::new(CODE, 0x1000).unwrap();
    let mut emulator = Emulator::new(MachineConfig::new(ExtensionSet::all()), memory);
    emulator
        .load_code(CODE, &support::assemble(source))
        .unwrap();
    emulator.set_pc(CODE);
    emulator
}

/// An instruction with its result `a0` for `a1` and `a2`.
type Case = (&'static str, u32, u32, u32);

const BASE: &[Case] = &[
    ("lui a0,0xfffff", 0, 0, 0xffff_f000),
    ("auipc a0,0x0", 0, 0, CODE),
    ("auipc a0,0xfffff", 0, 0, CODE - 0x1000),
    ("auipc a0,0x80000", 0, 0, 0),
    ("addi a0,a1,-1", 0, 0, ALL_ONES),
    ("addi a0,a1,2047", MAX, 0, 0x8000_07fe),
    ("slti a0,a1,-1", MIN, 0, 1),
    ("slti a0,a1,-1", ALL_ONES, 0, 0),
    ("slti a0,a1,0", MAX, 0, 0),
    ("sltiu a0,a1,-1", 0xffff_fffe, 0, 1),
    ("sltiu a0,a1,-1", ALL_ONES, 0, 0),
    ("sltiu a0,a1,1", 0, 0, 1),
    ("xori a0,a1,-1", 0x0f0f_0f0f, 0, 0xf0f0_f0f0),
    ("ori a0,a1,-2048", 1, 0, 0xffff_f801),
    ("andi a0,a1,-2048", ALL_ONES, 0, 0xffff_f800),
    ("slli a0,a1,0x1f", 3, 0, MIN),
    ("slli a0,a1,0x0", 3, 0, 3),
    ("srli a0,a1,0x1f", MIN, 0, 1),
    ("srai a0,a1,0x1f", MIN, 0, ALL_ONES),
    ("srai a0,a1,0x1f", MAX, 0, 0),
    ("add a0,a1,a2", ALL_ONES, 1, 0),
    ("sub a0,a1,a2", 0, 1, ALL_ONES),
    ("sub a0,a1,a2", MIN, 1, MAX),
    ("sll a0,a1,a2", 1, 31, MIN),
    ("sll a0,a1,a2", 1, 32, 1),
    ("sll a0,a1,a2", 1, 0xffff_ffe1, 2),
    ("slt a0,a1,a2", MIN, MAX, 1),
    ("slt a0,a1,a2", MAX, MIN, 0),
    ("slt a0,a1,a2", 5, 5, 0),
    ("sltu a0,a1,a2", MAX, MIN, 1),
    ("sltu a0,a1,a2", MIN, MAX, 0),
    ("sltu a0,a1,a2", 5, 5, 0),
    ("xor a0,a1,a2", 0xff00_ff00, 0x0ff0_0ff0, 0xf0f0_f0f0),
    ("srl a0,a1,a2", MIN, 31, 1),
    ("srl a0,a1,a2", MIN, 33, 0x4000_0000),
    ("sra a0,a1,a2", MIN, 31, ALL_ONES),
    ("sra a0,a1,a2", MIN, 33, 0xc000_0000),
    ("or a0,a1,a2", 0xff00_ff00, 0x0ff0_0ff0, 0xfff0_fff0),
    ("and a0,a1,a2", 0xff00_ff00, 0x0ff0_0ff0, 0x0f00_0f00),
];

const MULTIPLICATION: &[Case] = &[
    ("mul a0,a1,a2", 0x1_0001, 0x1_0001, 0x2_0001),
    ("mul a0,a1,a2", ALL_ONES, ALL_ONES, 1),
    ("mul a0,a1,a2", MIN, ALL_ONES, MIN),
    ("mulh a0,a1,a2", MIN, MIN, 0x4000_0000),
    ("mulh a0,a1,a2", MIN, ALL_ONES, 0),
    ("mulh a0,a1,a2", ALL_ONES, 1, ALL_ONES),
    ("mulhsu a0,a1,a2", MIN, ALL_ONES, MIN),
    ("mulhsu a0,a1,a2", ALL_ONES, ALL_ONES, ALL_ONES),
    ("mulhsu a0,a1,a2", 1, ALL_ONES, 0),
    ("mulhu a0,a1,a2", ALL_ONES, ALL_ONES, 0xffff_fffe),
    ("mulhu a0,a1,a2", MIN, 2, 1),
    ("div a0,a1,a2", 7, 0xffff_fffe, 0xffff_fffd),
    ("div a0,a1,a2", 0xffff_fff9, 2, 0xffff_fffd),
    ("div a0,a1,a2", 7, 0, ALL_ONES),
    ("div a0,a1,a2", MIN, ALL_ONES, MIN),
    ("divu a0,a1,a2", MIN, ALL_ONES, 0),
    ("divu a0,a1,a2", ALL_ONES, 2, MAX),
    ("divu a0,a1,a2", 7, 0, ALL_ONES),
    ("rem a0,a1,a2", 7, 0xffff_fffe, 1),
    ("rem a0,a1,a2", 0xffff_fff9, 2, ALL_ONES),
    ("rem a0,a1,a2", 0xffff_fff9, 0, 0xffff_fff9),
    ("rem a0,a1,a2", MIN, ALL_ONES, 0),
    ("remu a0,a1,a2", MIN, ALL_ONES, MIN),
    ("remu a0,a1,a2", 7, 0, 7),
];

const BIT_MANIPULATION: &[Case] = &[
    ("sh1add a0,a1,a2", 0xc000_0001, 3, 0x8000_0005),
    ("sh2add a0,a1,a2", 0x4000_0001, 3, 7),
    ("sh3add a0,a1,a2", 0x2000_0001, 3, 11),
    ("andn a0,a1,a2", 0b1100, 0b1010, 0b0100),
    ("orn a0,a1,a2", 0b1100, 0b1010, 0xffff_fffd),
    ("xnor a0,a1,a2", 0b1100, 0b1010, 0xffff_fff9),
    ("clz a0,a1", 0, 0, 32),
    ("clz a0,a1", 1, 0, 31),
    ("clz a0,a1", MIN, 0, 0),
    ("ctz a0,a1", 0, 0, 32),
    ("ctz a0,a1", MIN, 0, 31),
    ("cpop a0,a1", ALL_ONES, 0, 32),
    ("cpop a0,a1", 0x8000_0101, 0, 3),
    ("sext.b a0,a1", 0x1234_5680, 0, 0xffff_ff80),
    ("sext.b a0,a1", 0x1234_56ff & !0x80, 0, 0x7f),
    ("sext.h a0,a1", 0x1234_8000, 0, 0xffff_8000),
    ("sext.h a0,a1", 0xffff_7fff, 0, 0x7fff),
    ("zext.h a0,a1", 0x1234_8000, 0, 0x8000),
    ("max a0,a1,a2", MIN, 1, 1),
    ("maxu a0,a1,a2", MIN, 1, MIN),
    ("min a0,a1,a2", MIN, 1, MIN),
    ("minu a0,a1,a2", MIN, 1, 1),
    ("rol a0,a1,a2", 0x8000_0001, 33, 3),
    ("ror a0,a1,a2", 0x8000_0001, 33, 0xc000_0000),
    ("ror a0,a1,a2", 0x8000_0001, 32, 0x8000_0001),
    ("rori a0,a1,0x1f", 0x8000_0001, 0, 3),
    ("orc.b a0,a1", 0x0100_8000, 0, 0xff00_ff00),
    ("rev8 a0,a1", 0x1234_5678, 0, 0x7856_3412),
    ("pack a0,a1,a2", 0x1234_5678, 0x9abc_def0, 0xdef0_5678),
    ("packh a0,a1,a2", 0x1234_5678, 0x9abc_def0, 0xf078),
    ("brev8 a0,a1", 0x0102_0480, 0, 0x8040_2001),
    ("zip a0,a1", 0xffff_0000, 0, 0xaaaa_aaaa),
    ("zip a0,a1", 0x0000_8001, 0, 0x4000_0001),
    ("unzip a0,a1", 0xaaaa_aaaa, 0, 0xffff_0000),
    ("unzip a0,a1", 0x4000_0001, 0, 0x0000_8001),
    ("bclr a0,a1,a2", ALL_ONES, 63, MAX),
    ("bclri a0,a1,0x1f", ALL_ONES, 0, MAX),
    ("bext a0,a1,a2", MIN, 63, 1),
    ("bexti a0,a1,0x1f", MAX, 0, 0),
    ("binv a0,a1,a2", MIN, 63, 0),
    ("binvi a0,a1,0x0", MIN, 0, 0x8000_0001),
    ("bset a0,a1,a2", 0, 63, MIN),
    ("bseti a0,a1,0x1f", 0, 0, MIN),
    ("czero.eqz a0,a1,a2", 5, 0, 0),
    ("czero.eqz a0,a1,a2", 5, MIN, 5),
    ("czero.nez a0,a1,a2", 5, 0, 5),
    ("czero.nez a0,a1,a2", 5, MIN, 0),
];

#[test]
fn register_results() {
    let mut covered = BTreeSet::new();
    for &(source, a1, a2, expected) in [BASE, MULTIPLICATION, BIT_MANIPULATION].concat().iter() {
        let mut emulator = machine(source);
        emulator.set_gpr(Gpr::A0, 0xdead_beef);
        emulator.set_gpr(Gpr::A1, a1);
        emulator.set_gpr(Gpr::A2, a2);
        assert_eq!(emulator.step(), Ok(()), "{source}");
        let result = emulator.gpr(Gpr::A0);
        assert_eq!(
            result, expected,
            "{source} with {a1:#x}, {a2:#x} gives {result:#x}"
        );
        assert_eq!(emulator.pc(), CODE + 4);
        covered.extend(Opcode::from_mnemonic(source.split(' ').next().unwrap()));
    }
    let computes = |opcode: &&Opcode| {
        use Format::{I, R, Shift, Unary, Upper};
        matches!(opcode.format(), R | I | Shift | Unary | Upper)
    };
    for opcode in Opcode::ALL.iter().filter(computes) {
        assert!(
            covered.contains(opcode),
            "no case for {}",
            opcode.mnemonic()
        );
    }
}

#[test]
fn results_for_zero_are_dropped() {
    let all = [BASE, MULTIPLICATION, BIT_MANIPULATION].concat();
    for (source, a1, a2, _) in all {
        let mut emulator = machine(&source.replace(" a0", " zero"));
        emulator.set_gpr(Gpr::A1, a1);
        emulator.set_gpr(Gpr::A2, a2);
        assert_eq!(emulator.step(), Ok(()), "{source}");
        assert_eq!(emulator.gpr(Gpr::ZERO), 0, "{source}");
    }
    let mut emulator = machine("lw zero,0(a1)\n jal zero,.+4\n csrrw zero,mscratch,a1");
    emulator.set_gpr(Gpr::A1, CODE);
    emulator.set_gpr(Gpr::ZERO, 7);
    assert_eq!(emulator.run(3), Stop::LimitReached);
    assert_eq!(emulator.gpr(Gpr::ZERO), 0);
}

#[test]
fn a_destination_may_be_a_source() {
    for (source, expected) in [
        ("sub a1,a1,a2", 4),
        ("sub a2,a1,a2", 4),
        ("add a1,a1,a1", 14),
        ("sltu a2,a2,a1", 1),
        ("lw a3,0(a3)", 0x1234_5678),
    ] {
        let mut emulator = machine(source);
        emulator.set_gpr(Gpr::A1, 7);
        emulator.set_gpr(Gpr::A2, 3);
        emulator.set_gpr(Gpr::A3, DATA);
        emulator
            .write_memory(DATA, &0x1234_5678u32.to_le_bytes())
            .unwrap();
        assert_eq!(emulator.step(), Ok(()));
        let bytes = support::assemble(source).try_into().unwrap();
        let rd = Inst::decode(u32::from_le_bytes(bytes)).unwrap().rd;
        assert_eq!(emulator.gpr(rd), expected, "{source}");
    }
}

#[test]
fn conditional_branches() {
    // Taken for less, equal, greater as signed numbers, and for less, greater as unsigned ones.
    for (mnemonic, signed, unsigned) in [
        ("beq", [false, true, false], [false, false]),
        ("bne", [true, false, true], [true, true]),
        ("blt", [true, false, false], [false, true]),
        ("bge", [false, true, true], [true, false]),
        ("bltu", [true, false, false], [true, false]),
        ("bgeu", [false, true, true], [false, true]),
    ] {
        let operands = [(1, 2), (2, 2), (2, 1), (1, ALL_ONES), (ALL_ONES, 1)];
        let taken = signed.into_iter().chain(unsigned);
        for ((a1, a2), taken) in operands.into_iter().zip(taken) {
            let mut emulator = machine(&format!("{mnemonic} a1,a2,.+256"));
            emulator.set_gpr(Gpr::A1, a1);
            emulator.set_gpr(Gpr::A2, a2);
            emulator.set_halt_address(CODE + 256);
            let expected = if taken { CODE + 256 } else { CODE + 4 };
            assert_eq!(
                emulator.step().is_err(),
                taken,
                "{mnemonic} {a1:#x},{a2:#x}"
            );
            assert_eq!(emulator.pc(), expected, "{mnemonic} {a1:#x},{a2:#x}");
            assert_eq!(emulator.counters().taken_branches, u64::from(taken));
        }
    }
}

#[test]
fn jumps_link_and_clear_the_lowest_bit() {
    let mut emulator = machine("jal t0,.+8\n addi zero,zero,0\n jalr ra,5(a1)");
    emulator.set_gpr(Gpr::A1, CODE);
    assert_eq!(emulator.step(), Ok(()));
    assert_eq!((emulator.pc(), emulator.gpr(Gpr::T0)), (CODE + 8, CODE + 4));
    assert_eq!(emulator.step(), Ok(()));
    assert_eq!(
        (emulator.pc(), emulator.gpr(Gpr::RA)),
        (CODE + 4, CODE + 12)
    );

    // The base register is read before it is linked.
    let mut emulator = machine("jalr ra,0(ra)");
    emulator.set_gpr(Gpr::RA, CODE + 64);
    assert_eq!(emulator.step(), Ok(()));
    assert_eq!(
        (emulator.pc(), emulator.gpr(Gpr::RA)),
        (CODE + 64, CODE + 4)
    );
}

#[test]
fn loads_extend() {
    for (source, expected) in [
        ("lb a0,0(a1)", 0xffff_ff80),
        ("lbu a0,0(a1)", 0x80),
        ("lb a0,2(a1)", 0x7f),
        ("lh a0,0(a1)", 0xffff_ff80),
        ("lhu a0,0(a1)", 0xff80),
        ("lh a0,2(a1)", 0x7f7f),
        ("lw a0,0(a1)", 0x7f7f_ff80),
        // Misaligned
        ("lh a0,1(a1)", 0x7fff),
        ("lw a0,-1(a1)", 0x7fff_8011),
    ] {
        let mut emulator = machine(source);
        emulator.set_gpr(Gpr::A1, DATA);
        emulator
            .write_memory(DATA - 1, &[0x11, 0x80, 0xff, 0x7f, 0x7f])
            .unwrap();
        assert_eq!(emulator.step(), Ok(()), "{source}");
        assert_eq!(emulator.gpr(Gpr::A0), expected, "{source}");
        assert_eq!(emulator.counters().loads, 1);
    }
}

#[test]
fn stores_write_their_size_only() {
    for (source, expected) in [
        ("sb a0,1(a1)", [0xee, 0x78, 0xee, 0xee, 0xee]),
        ("sh a0,1(a1)", [0xee, 0x78, 0x56, 0xee, 0xee]),
        ("sw a0,0(a1)", [0x78, 0x56, 0x34, 0x12, 0xee]),
    ] {
        let mut emulator = machine(source);
        emulator.set_gpr(Gpr::A0, 0x1234_5678);
        emulator.set_gpr(Gpr::A1, DATA);
        emulator.write_memory(DATA, &[0xee; 5]).unwrap();
        assert_eq!(emulator.step(), Ok(()), "{source}");
        assert_eq!(
            emulator.memory().read(DATA, 5),
            Ok(&expected[..]),
            "{source}"
        );
        assert_eq!(emulator.counters().stores, 1);
    }
}

#[test]
fn atomic_memory_operations() {
    for (mnemonic, expected) in [
        ("amoswap.w", 3),
        ("amoadd.w", 0x8000_0004),
        ("amoxor.w", 0x8000_0002),
        ("amoand.w", 1),
        ("amoor.w", 0x8000_0003),
        ("amomin.w", 0x8000_0001),
        ("amomax.w", 3),
        ("amominu.w", 3),
        ("amomaxu.w", 0x8000_0001),
    ] {
        for order in ["", ".aq", ".rl", ".aqrl"] {
            let mut emulator = machine(&format!("{mnemonic}{order} a0,a2,(a1)"));
            emulator.set_gpr(Gpr::A1, DATA);
            emulator.set_gpr(Gpr::A2, 3);
            emulator
                .write_memory(DATA, &0x8000_0001u32.to_le_bytes())
                .unwrap();
            assert_eq!(emulator.step(), Ok(()), "{mnemonic}");
            assert_eq!(emulator.gpr(Gpr::A0), 0x8000_0001, "{mnemonic}");
            assert_eq!(emulator.memory().read_u32(DATA), Ok(expected), "{mnemonic}");
            assert_eq!(
                (emulator.counters().loads, emulator.counters().stores),
                (1, 1)
            );
        }
    }
}

#[test]
fn store_conditional_needs_the_reservation() {
    let source = "
        sc.w a0,a2,(a1)     # no reservation
        lr.w a3,(a1)
        sc.w a4,a2,(a1)     # succeeds
        sc.w a5,zero,(a1)   # the reservation is used up
        lr.w a3,(a1)
        addi a1,a1,4
        sc.w a6,a2,(a1)     # another address
    ";
    let mut emulator = machine(source);
    emulator.set_gpr(Gpr::A1, DATA);
    emulator.set_gpr(Gpr::A2, 42);
    assert_eq!(emulator.run(7), Stop::LimitReached);
    let results = [Gpr::A0, Gpr::A4, Gpr::A5, Gpr::A6].map(|gpr| emulator.gpr(gpr));
    assert_eq!(results, [1, 0, 1, 1]);
    assert_eq!(emulator.gpr(Gpr::A3), 42);
    assert_eq!(emulator.memory().read_u32(DATA), Ok(42));
    assert_eq!(emulator.memory().read_u32(DATA + 4), Ok(0));
    assert_eq!(emulator.counters().stores, 1);
}

#[test]
fn fences_and_hints_do_nothing() {
    let source = "
        fence iorw,iorw
        fence.tso
        fence.i
        pause
        wfi
    ";
    let mut emulator = machine(source);
    assert_eq!(emulator.run(5), Stop::LimitReached);
    assert_eq!(emulator.pc(), CODE + 20);
    assert!(Gpr::all().all(|gpr| emulator.gpr(gpr) == 0));
}

#[test]
fn control_and_status_registers() {
    let source = "
        csrrw a0,mscratch,a1
        csrrs a2,mscratch,a3
        csrrc a4,mscratch,a5
        csrrwi a6,mscratch,31
        csrrsi a7,mscratch,0
        csrrci t0,mscratch,16
        csrrs t1,mscratch,zero
    ";
    let mut emulator = machine(source);
    emulator.set_gpr(Gpr::A1, 0xff);
    emulator.set_gpr(Gpr::A3, 0xf00);
    emulator.set_gpr(Gpr::A5, 0x0f);
    assert_eq!(emulator.run(7), Stop::LimitReached);
    let results = [
        Gpr::A0,
        Gpr::A2,
        Gpr::A4,
        Gpr::A6,
        Gpr::A7,
        Gpr::T0,
        Gpr::T1,
    ];
    let results = results.map(|gpr| emulator.gpr(gpr));
    assert_eq!(results, [0, 0xff, 0xfff, 0xff0, 31, 31, 15]);
}

#[test]
fn counters_read_executed_instructions() {
    let mut emulator = machine(
        "
        addi zero,zero,0
        csrrs a0,instret,zero
        csrrs a1,cycle,zero
        csrrs a2,instreth,zero
        csrrs a3,misa,zero
        csrrs a4,mhartid,zero
        ",
    );
    assert_eq!(emulator.run(6), Stop::LimitReached);
    let results = [Gpr::A0, Gpr::A1, Gpr::A2, Gpr::A4].map(|gpr| emulator.gpr(gpr));
    assert_eq!(results, [1, 2, 0, 0]);
    // RV32 with A, B, C, I and M.
    assert_eq!(emulator.gpr(Gpr::A3), 0x4000_0000 | 0b1_0001_0000_0111);
}

#[test]
fn return_from_trap_goes_to_mepc() {
    let mut emulator = machine("csrrw zero,mepc,a0\n mret");
    emulator.set_gpr(Gpr::A0, CODE + 0x41);
    assert_eq!(emulator.run(2), Stop::LimitReached);
    assert_eq!(emulator.pc(), CODE + 0x40);
}
