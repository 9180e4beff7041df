//! Where compressed instructions have gone wrong before: what each form may not hold, and that the emulator is strict about it.

use lpc_riscv32::compressed::{compress, expand, mnemonic};
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Stop, Trap, TrapCause};
use lpc_riscv32::{ExtensionSet, Gpr, Inst, Opcode};

#[path = "support/halfwords.rs"]
mod halfwords;

const CODE: u32 = 0x8000_0000;

/// A machine with `bits` loaded, something in each register, and the pc at the instruction.
fn machine(bits: u16, extensions: ExtensionSet) -> Emulator {
    let memory = Memory::new(CODE, 0x1000).unwrap();
    let mut emulator = Emulator::new(MachineConfig::new(extensions), memory);
    emulator.load_code(CODE, &bits.to_le_bytes()).unwrap();
    emulator.set_pc(CODE);
    for gpr in Gpr::all() {
        emulator.set_gpr(gpr, CODE + 0x100 + 4 * u32::from(gpr.number()));
    }
    emulator
}

fn registers(emulator: &Emulator) -> Vec<u32> {
    Gpr::all().map(|gpr| emulator.gpr(gpr)).collect()
}

/// What must be illegal on a machine with all extensions, and without effect.
fn assert_illegal(bits: u16) {
    assert_eq!(expand(bits, ExtensionSet::all()), None, "{bits:#06x}");
    let mut emulator = machine(bits, ExtensionSet::all());
    let before = registers(&emulator);
    let trap = Trap {
        cause: TrapCause::IllegalInstruction,
        pc: CODE,
        value: u32::from(bits),
    };
    assert_eq!(emulator.run(1), Stop::Trap(trap), "{bits:#06x}");
    assert_eq!(registers(&emulator), before, "{bits:#06x}");
}

/// All encodings of a mnemonic with what they stand for.
fn forms_of(name: &'static str) -> impl Iterator<Item = (u16, Inst)> {
    halfwords::all()
        .filter(move |bits| mnemonic(*bits) == Some(name))
        .filter_map(|bits| Some((bits, expand(bits, ExtensionSet::all())?)))
}

#[test]
fn c_addi16sp_moves_the_stack_pointer_by_multiples_of_16_but_0() {
    let offsets: Vec<i32> = forms_of("c.addi16sp")
        .map(|(bits, inst)| {
            assert_eq!(
                (inst.opcode, inst.rd, inst.rs1),
                (Opcode::Addi, Gpr::SP, Gpr::SP)
            );
            let mut emulator = machine(bits, ExtensionSet::RV32IMC);
            let expected = emulator.gpr(Gpr::SP).wrapping_add_signed(inst.imm);
            assert_eq!(emulator.step(), Ok(()));
            assert_eq!(emulator.gpr(Gpr::SP), expected);
            inst.imm
        })
        .collect();
    let mut sorted = offsets;
    sorted.sort_unstable();
    let expected: Vec<i32> = (-512..=496)
        .step_by(16)
        .filter(|offset| *offset != 0)
        .collect();
    assert_eq!(sorted, expected);
    assert_illegal(0x6101);
}

#[test]
fn c_lui_has_neither_zero_as_its_immediate_nor_sp_as_its_destination() {
    assert_eq!(forms_of("c.lui").count(), 31 * 63);
    assert!(forms_of("c.lui").all(|(_, inst)| inst.rd != Gpr::SP && inst.imm != 0));
    for gpr in Gpr::all() {
        assert_illegal(0x6001 | u16::from(gpr.number()) << 7);
    }
}

#[test]
fn c_lwsp_to_zero_is_reserved() {
    assert_eq!(forms_of("c.lwsp").count(), 31 * 64);
    for offset in 0..64 {
        let scattered = (offset >> 5) << 12 | (offset & 0x1f) << 2;
        assert_illegal(0x4002 | scattered);
    }
    let load = Inst::load(Opcode::Lw, Gpr::ZERO, Gpr::SP, 8.try_into().unwrap());
    assert_eq!(compress(load, ExtensionSet::all()), None);
}

#[test]
fn c_swsp_of_zero_is_a_store_like_any_other() {
    assert_eq!(forms_of("c.swsp").count(), 32 * 64);
}

#[test]
fn c_jr_and_c_jalr_need_a_register() {
    assert_eq!(forms_of("c.jr").count(), 31);
    assert_eq!(forms_of("c.jalr").count(), 31);
    assert_illegal(0x8002);
    // The other one is `c.ebreak`.
    assert_eq!(machine(0x9002, ExtensionSet::RV32IMC).run(1), Stop::Ebreak);
}

#[test]
fn shift_amounts_of_compressed_shifts_have_five_bits() {
    for (name, registers, first) in [
        ("c.slli", 32, 0x0002),
        ("c.srli", 8, 0x8001),
        ("c.srai", 8, 0x8401),
    ] {
        assert_eq!(forms_of(name).count(), registers * 32, "{name}");
        assert!(forms_of(name).all(|(_, inst)| inst.imm < 32), "{name}");
        for register in 0..registers as u16 {
            for low in 0..32 {
                assert_illegal(first | 1 << 12 | register << 7 | low << 2);
            }
        }
    }
}

/// On RV64 these encodings are `c.addiw`.
#[test]
fn c_jal_is_the_instruction_of_rv32() {
    assert_eq!(forms_of("c.jal").count(), 2048);
    for (bits, inst) in forms_of("c.jal") {
        assert_eq!((inst.opcode, inst.rd), (Opcode::Jal, Gpr::RA));
        let mut emulator = machine(bits, ExtensionSet::RV32IMC);
        let target = CODE.wrapping_add_signed(inst.imm);
        assert_eq!(emulator.run(1), Stop::LimitReached);
        assert_eq!((emulator.pc(), emulator.gpr(Gpr::RA)), (target, CODE + 2));
    }
}

#[test]
fn hints_do_nothing_and_are_never_produced() {
    let is_hint = |name: &str, inst: &Inst| match name {
        "c.nop" | "c.addi" => (inst.rd == Gpr::ZERO) != (inst.imm == 0),
        "c.slli" | "c.srli" | "c.srai" => inst.rd == Gpr::ZERO || inst.imm == 0,
        "c.li" | "c.lui" | "c.mv" | "c.add" => inst.rd == Gpr::ZERO,
        _ => false,
    };
    let extensions = ExtensionSet::all();
    let mut hints = 0;
    for bits in halfwords::all() {
        let Some(inst) = expand(bits, extensions) else {
            continue;
        };
        let name = |bits| mnemonic(bits).unwrap();
        if is_hint(name(bits), &inst) {
            hints += 1;
            let mut emulator = machine(bits, extensions);
            let before = registers(&emulator);
            assert_eq!(emulator.step(), Ok(()), "{inst}");
            assert_eq!(registers(&emulator), before, "{inst}");
        }
        if let Some(produced) = compress(inst, extensions) {
            let again = expand(produced, extensions).unwrap();
            assert!(!is_hint(name(produced), &again), "{inst}: {produced:#06x}");
        }
    }
    // `nop` with an immediate, and each other form in the order above
    assert_eq!(hints, 63 + 31 + (32 + 31) + 8 + 8 + 64 + 63 + 31 + 31);
}

/// `cm.push`, `cm.popret` and all others of Zcmp and Zcmt, which have the place of `c.fsdsp`.
#[test]
fn zcmp_is_neither_decoded_nor_a_target() {
    for bits in (0xa002..=0xbffe).step_by(4) {
        assert_illegal(bits);
    }
    for name in ["zcmp", "zcmt"] {
        let error = format!("rv32imc_{name}")
            .parse::<ExtensionSet>()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("extension `{name}` is not supported (at offset 8)")
        );
    }
}

#[test]
fn the_emulator_refuses_every_halfword_that_is_reserved() {
    let reserved = halfwords::all().filter(|bits| expand(*bits, ExtensionSet::all()).is_none());
    assert_eq!(
        reserved.map(assert_illegal).count(),
        halfwords::COUNT - 29_823
    );
}
