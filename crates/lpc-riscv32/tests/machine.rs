//! The emulated machine around the instructions: traps, extensions that are off, limits, code that
//! changes, calls.

use lpc_riscv32::compressed::{compress, expand};
use lpc_riscv32::emulator::{
    Counters, Emulator, Executions, MachineConfig, Memory, Misaligned, Profile, Stop, Trap,
    TrapCause,
};
use lpc_riscv32::{Extension, ExtensionSet, Gpr, Imm12, Inst, Opcode};

#[path = "support/random.rs"]
mod random;
mod support;

const CODE: u32 = 0x8000_0000;
const DATA: u32 = CODE + 0x800;
const END: u32 = CODE + 0x1000;

/// A machine with `code` loaded and the pc at it.
fn machine_with(config: MachineConfig, code: &[u8]) -> Emulator {
    let memory = Memory::new(CODE, END - CODE).unwrap();
    let mut emulator = Emulator::new(config, memory);
    emulator.load_code(CODE, code).unwrap();
    emulator.set_pc(CODE);
    emulator
}

fn machine(isa: &str, source: &str) -> Emulator {
    let config = MachineConfig::new(isa.parse().unwrap());
    machine_with(config, &support::assemble(source))
}

fn trap(cause: TrapCause, pc: u32, value: u32) -> Stop {
    Stop::Trap(Trap { cause, pc, value })
}

/// Runs one instruction with `a1` as its address operand, which must trap without any effect.
fn expect_trap(config: MachineConfig, source: &str, a1: u32, cause: TrapCause, value: u32) {
    let mut emulator = machine_with(config, &support::assemble(source));
    emulator.set_gpr(Gpr::A0, 7);
    emulator.set_gpr(Gpr::A1, a1);
    let before: Vec<u32> = Gpr::all().map(|gpr| emulator.gpr(gpr)).collect();
    assert_eq!(
        emulator.run(10),
        trap(cause, CODE, value),
        "{source} with {a1:#x}"
    );
    let after: Vec<u32> = Gpr::all().map(|gpr| emulator.gpr(gpr)).collect();
    assert_eq!(before, after, "{source}");
    assert_eq!(emulator.pc(), CODE);
    assert_eq!(emulator.counters(), Counters::default(), "{source}");
}

#[test]
fn accesses_outside_the_memory_trap() {
    let config = MachineConfig::new(ExtensionSet::all());
    for (source, size, cause) in [
        ("lb a0,0(a1)", 1, TrapCause::LoadAccessFault),
        ("lbu a0,0(a1)", 1, TrapCause::LoadAccessFault),
        ("lh a0,0(a1)", 2, TrapCause::LoadAccessFault),
        ("lhu a0,0(a1)", 2, TrapCause::LoadAccessFault),
        ("lw a0,0(a1)", 4, TrapCause::LoadAccessFault),
        ("lr.w a0,(a1)", 4, TrapCause::LoadAccessFault),
        ("sb a0,0(a1)", 1, TrapCause::StoreAccessFault),
        ("sh a0,0(a1)", 2, TrapCause::StoreAccessFault),
        ("sw a0,0(a1)", 4, TrapCause::StoreAccessFault),
        ("amoadd.w a2,a0,(a1)", 4, TrapCause::StoreAccessFault),
    ] {
        for address in [0, CODE - size, END, 0_u32.wrapping_sub(size)] {
            expect_trap(config, source, address, cause, address);
        }
        if size > 1 && !source.contains('.') {
            expect_trap(config, source, END - 1, cause, END - 1);
            expect_trap(config, source, CODE - 1, cause, CODE - 1);
        }
    }
}

#[test]
fn stores_to_protected_memory_trap() {
    let stores = [
        "sb a0,0(a1)",
        "sh a0,0(a1)",
        "sw a0,0(a1)",
        "amoadd.w a2,a0,(a1)",
        "lr.w a2,(a1); sc.w a3,a0,(a1)",
    ];
    for source in stores {
        for (address, is_protected) in [
            (DATA - 4, false),
            (DATA, true),
            (DATA + 12, true),
            (DATA + 16, false),
        ] {
            let mut emulator = machine("rv32ima", &source.replace("; ", "\n"));
            emulator.protect(DATA, 8).unwrap();
            emulator.protect(DATA + 8, 8).unwrap();
            emulator.write_memory(address, &[5, 0, 0, 0]).unwrap();
            emulator.set_gpr(Gpr::A0, 7);
            emulator.set_gpr(Gpr::A1, address);
            emulator.set_gpr(Gpr::A3, 9);
            let insts = source.split("; ").count() as u64;
            let stop = emulator.run(insts);
            let word = emulator.memory().read_u32(address).unwrap();
            if is_protected {
                let pc = CODE + 4 * (insts as u32 - 1);
                let cause = TrapCause::StoreAccessFault;
                assert_eq!(stop, trap(cause, pc, address), "{source}");
                assert_eq!(word, 5, "{source}");
                assert_eq!(emulator.gpr(Gpr::A3), 9, "{source}");
                assert_eq!(emulator.counters().stores, 0, "{source}");
            } else {
                assert_eq!(stop, Stop::LimitReached, "{source}");
                assert_ne!(word, 5, "{source}");
            }
        }
    }
}

#[test]
fn misaligned_accesses_trap_where_configured() {
    let allow = MachineConfig::new(ExtensionSet::all());
    let strict = MachineConfig {
        misaligned: Misaligned::Trap,
        ..allow
    };
    for (source, offsets, cause) in [
        ("lh a0,0(a1)", &[1, 3][..], TrapCause::LoadAddressMisaligned),
        ("lhu a0,0(a1)", &[1, 3], TrapCause::LoadAddressMisaligned),
        ("lw a0,0(a1)", &[1, 2, 3], TrapCause::LoadAddressMisaligned),
        ("sh a0,0(a1)", &[1, 3], TrapCause::StoreAddressMisaligned),
        ("sw a0,0(a1)", &[1, 2, 3], TrapCause::StoreAddressMisaligned),
    ] {
        for offset in offsets {
            expect_trap(strict, source, DATA + offset, cause, DATA + offset);
            let mut emulator = machine_with(allow, &support::assemble(source));
            emulator.set_gpr(Gpr::A1, DATA + offset);
            assert_eq!(emulator.step(), Ok(()), "{source} at offset {offset}");
        }
        for aligned in (0..4).filter(|offset| !offsets.contains(offset)) {
            let mut emulator = machine_with(strict, &support::assemble(source));
            emulator.set_gpr(Gpr::A1, DATA + aligned);
            assert_eq!(emulator.step(), Ok(()), "{source} at offset {aligned}");
        }
    }
    for config in [allow, strict] {
        let load = TrapCause::LoadAddressMisaligned;
        expect_trap(config, "lr.w a0,(a1)", DATA + 2, load, DATA + 2);
        let store = TrapCause::StoreAddressMisaligned;
        expect_trap(config, "sc.w a2,a0,(a1)", DATA + 1, store, DATA + 1);
        expect_trap(config, "amoadd.w a2,a0,(a1)", DATA + 2, store, DATA + 2);
    }
}

#[test]
fn jumps_to_odd_halfwords_trap_without_compressed_instructions() {
    let cause = TrapCause::InstructionAddressMisaligned;
    let without = MachineConfig::new(ExtensionSet::RV32IM);
    for (source, a1) in [
        ("jal ra,.+6", 0),
        ("jalr ra,2(a1)", CODE + 4),
        ("beq zero,zero,.+6", 0),
        ("bne a0,a1,.+6", 0),
    ] {
        expect_trap(without, source, a1, cause, CODE + 6);
        let mut emulator = machine_with(
            MachineConfig::new(ExtensionSet::RV32IMC),
            &support::assemble(source),
        );
        emulator.set_gpr(Gpr::A0, 7);
        emulator.set_gpr(Gpr::A1, a1);
        assert_eq!(emulator.step(), Ok(()), "{source}");
        assert_eq!(emulator.pc(), CODE + 6);
    }
    // A branch that is not taken goes nowhere.
    let mut emulator = machine("rv32im", "bne zero,zero,.+6");
    assert_eq!(emulator.step(), Ok(()));

    for (isa, pc) in [
        ("rv32im", CODE + 2),
        ("rv32im", CODE + 1),
        ("rv32imc", CODE + 1),
    ] {
        let mut emulator = machine(isa, "addi zero,zero,0");
        emulator.set_pc(pc);
        assert_eq!(emulator.run(1), trap(cause, pc, pc));
    }
}

#[test]
fn fetching_outside_the_executable_range_traps() {
    let cause = TrapCause::InstructionAccessFault;
    for target in [0, CODE - 4, CODE + 8, DATA, END, 0xffff_fff0] {
        let mut emulator = machine("rv32i", "jalr ra,0(a1)\n addi zero,zero,0");
        emulator.set_gpr(Gpr::A1, target);
        assert_eq!(emulator.run(10), trap(cause, target, target));
        // The jump itself was executed.
        assert_eq!(emulator.gpr(Gpr::RA), CODE + 4);
        assert_eq!(emulator.counters().instructions, 1);
    }
    // Running past the end
    let mut emulator = machine("rv32i", "addi a0,a0,1\n addi a0,a0,1");
    assert_eq!(emulator.run(10), trap(cause, CODE + 8, CODE + 8));
    assert_eq!(emulator.gpr(Gpr::A0), 2);

    // An instruction of four bytes of which the range has only two
    let code = [0x01, 0x00, 0x13, 0x00];
    let mut emulator = machine_with(MachineConfig::new(ExtensionSet::RV32IMC), &code);
    assert_eq!(emulator.run(10), trap(cause, CODE + 2, CODE + 2));
}

#[test]
fn illegal_instructions_trap_with_their_bits() {
    let config = MachineConfig::new(ExtensionSet::all());
    let illegal = |bits| trap(TrapCause::IllegalInstruction, CODE, bits);
    let mut emulator = machine_with(config, &0xffff_ffff_u32.to_le_bytes());
    assert_eq!(emulator.run(10), illegal(0xffff_ffff));
    let mut emulator = machine_with(config, &[0; 4]);
    assert_eq!(emulator.run(10), illegal(0));
    let mut emulator = machine("rv32imac", "lui a0,0x1");
    emulator
        .write_memory(CODE, &[0x01, 0x60, 0xff, 0xff])
        .unwrap();
    assert_eq!(emulator.run(10), illegal(0x6001));
}

#[test]
fn every_opcode_is_illegal_without_its_extensions_and_legal_with_each() {
    for &opcode in Opcode::ALL {
        // With rs2 = zero, `pack` would be the `zext.h` of another extension.
        let rs2 = if opcode.format().has_rs2() {
            Gpr::A2
        } else {
            Gpr::ZERO
        };
        let inst = Inst {
            rs2,
            ..Inst::no_operands(opcode)
        };
        let word = inst.encode().unwrap();
        let run = |extensions| {
            let mut emulator = machine_with(MachineConfig::new(extensions), &word.to_le_bytes());
            emulator.set_halt_address(CODE + 4);
            emulator.run(1)
        };
        let is_illegal = |stop| matches!(stop, Stop::Trap(Trap { cause: TrapCause::IllegalInstruction, value, .. }) if value == word);
        // Register 0 is no CSR.
        let is_csr = opcode.mnemonic().starts_with("csr");
        for &extension in opcode.extensions() {
            let with = ExtensionSet::RV32I.with(extension);
            assert_eq!(
                is_illegal(run(with)),
                is_csr,
                "{} with {with}",
                opcode.mnemonic()
            );
        }
        let others = Extension::ALL.iter().copied().filter(|extension| {
            let with = ExtensionSet::EMPTY.with(*extension);
            !opcode
                .extensions()
                .iter()
                .any(|brings| with.contains(*brings))
        });
        let without = others.fold(ExtensionSet::EMPTY, ExtensionSet::with);
        assert!(
            is_illegal(run(without)),
            "{} with {without}",
            opcode.mnemonic()
        );
    }
}

#[test]
fn control_and_status_registers_that_do_not_exist_or_are_read_only_are_illegal() {
    for (isa, source, legal) in [
        ("rv32i_zicsr", "csrrs a0,mscratch,zero", true),
        ("rv32i_zicsr", "csrrs a0,0x7c0,zero", false),
        ("rv32i_zicsr", "csrrs a0,cycle,zero", false),
        ("rv32i_zicntr", "csrrs a0,cycle,zero", true),
        ("rv32i_zicntr", "csrrs a0,timeh,zero", true),
        ("rv32i_zicntr", "csrrsi a0,instret,0", true),
        ("rv32i_zicntr", "csrrw a0,cycle,zero", false),
        ("rv32i_zicntr", "csrrwi a0,cycle,0", false),
        ("rv32i_zicntr", "csrrc a0,cycle,a1", false),
        ("rv32i_zicntr", "csrrsi a0,cycle,1", false),
        ("rv32i_zicsr", "csrrw a0,mhartid,a1", false),
        ("rv32i_zicsr", "csrrw a0,misa,a1", true),
    ] {
        let mut emulator = machine(isa, source);
        let word = emulator.memory().read_u32(CODE).unwrap();
        let expected = match legal {
            true => Ok(()),
            false => Err(trap(TrapCause::IllegalInstruction, CODE, word)),
        };
        assert_eq!(emulator.step(), expected, "{source}");
        assert_eq!(emulator.counters().instructions, u64::from(legal));
    }
}

#[test]
fn trap_text() {
    let text = |cause, value| {
        Trap {
            cause,
            pc: CODE,
            value,
        }
        .to_string()
    };
    assert_eq!(
        text(TrapCause::LoadAccessFault, 12),
        "load access fault at pc 0x80000000 (address 0x0000000c)"
    );
    assert_eq!(
        text(TrapCause::IllegalInstruction, 0xffff_ffff),
        "illegal instruction at pc 0x80000000 (encoding 0xffffffff)"
    );
    assert_eq!(TrapCause::StoreAccessFault.code(), 7);
}

#[test]
fn environment_calls_resume_behind_themselves() {
    let mut emulator = machine("rv32i", "addi a0,zero,1\n ecall\n addi a0,a0,1\n ebreak");
    assert_eq!(emulator.run(100), Stop::Ecall);
    assert_eq!(
        (emulator.pc(), emulator.counters().instructions),
        (CODE + 8, 2)
    );
    emulator.set_gpr(Gpr::A0, 41);
    assert_eq!(emulator.run(100), Stop::Ebreak);
    assert_eq!(
        (emulator.pc(), emulator.counters().instructions),
        (CODE + 12, 3)
    );
    assert_eq!(emulator.gpr(Gpr::A0), 42);
    // A breakpoint stays.
    assert_eq!(emulator.run(100), Stop::Ebreak);
}

#[test]
fn the_instruction_limit_is_exact() {
    let source = "
    loop:
        addi a0,a0,1
        jal zero,loop
    ";
    for limit in 0..10 {
        let mut emulator = machine("rv32i", source);
        assert_eq!(emulator.run(limit), Stop::LimitReached);
        assert_eq!(emulator.counters().instructions, limit);
        assert_eq!(u64::from(emulator.gpr(Gpr::A0)), limit.div_ceil(2));
        assert_eq!(emulator.pc(), CODE + 4 * (limit % 2) as u32);
    }
    // Arrival at the halt address needs no further instruction, a fault does.
    let mut emulator = machine("rv32i", "addi a0,a0,1\n addi a0,a0,1");
    assert_eq!(emulator.run(2), Stop::LimitReached);
    let mut emulator = machine("rv32i", "jalr zero,0(ra)");
    assert_eq!(emulator.call(CODE, END, &[], 1), Ok(Stop::Halted));
    assert_eq!(emulator.run(0), Stop::Halted);
}

#[test]
fn runs_longer_than_the_decoder_takes_at_once() {
    let source = "addi a0,a0,1\n".repeat(300) + "jalr zero,0(ra)";
    let mut emulator = machine("rv32i", &source);
    assert_eq!(emulator.call(CODE, END, &[0], 1000), Ok(Stop::Halted));
    assert_eq!(emulator.gpr(Gpr::A0), 300);
    assert_eq!(emulator.counters().instructions, 301);
}

#[test]
fn the_halt_address_stops_inside_code_as_well() {
    let mut emulator = machine("rv32i", "addi a0,a0,1\n addi a0,a0,1\n addi a0,a0,1");
    assert_eq!(emulator.run(3), Stop::LimitReached);
    emulator.set_halt_address(CODE + 8);
    emulator.set_pc(CODE);
    assert_eq!(emulator.run(100), Stop::Halted);
    assert_eq!((emulator.pc(), emulator.gpr(Gpr::A0)), (CODE + 8, 5));
    // Behind the halt address, and with it moved away
    emulator.set_halt_address(CODE + 12);
    assert_eq!(emulator.run(100), Stop::Halted);
    assert_eq!((emulator.pc(), emulator.gpr(Gpr::A0)), (CODE + 12, 6));
}

#[test]
fn calls_pass_arguments_as_the_calling_convention_says() {
    let source = "
        lw t0,0(sp)
        lw t1,4(sp)
        sub a0,a0,a7
        add a0,a0,t0
        sub a0,a0,t1
        jalr zero,0(ra)
    ";
    let mut emulator = machine("rv32i", source);
    let arguments = [1000, 2, 3, 4, 5, 6, 7, 100, 20, 3];
    assert_eq!(emulator.call(CODE, END, &arguments, 100), Ok(Stop::Halted));
    assert_eq!(emulator.gpr(Gpr::A0), 1000 - 100 + 20 - 3);
    assert_eq!(emulator.gpr(Gpr::SP), END - 16);
    assert_eq!(emulator.pc(), Emulator::DEFAULT_HALT_ADDRESS);
    let error = emulator.call(CODE, CODE + 4, &arguments, 100).unwrap_err();
    assert_eq!((error.address, error.length), (CODE - 16, 4));
}

#[test]
fn stores_to_code_are_seen_by_the_next_fetch() {
    // Replaces the `addi a0,a0,1` of a loop that has run by `addi a0,a0,16`, and returns.
    for fence in ["fence.i", "addi zero,zero,0"] {
        let source = format!(
            "
            addi t0,zero,2
        loop:
            addi a0,a0,1
            sw a1,4(a2)
            {fence}
            addi t0,t0,-1
            bne t0,zero,loop
            jalr zero,0(ra)
            "
        );
        let mut emulator = machine("rv32i_zifencei", &source);
        let patch = support::assemble("addi a0,a0,16");
        let patch = u32::from_le_bytes(patch.try_into().unwrap());
        assert_eq!(
            emulator.call(CODE, END, &[0, patch, CODE], 100),
            Ok(Stop::Halted)
        );
        assert_eq!(emulator.gpr(Gpr::A0), 17);
        assert_eq!(emulator.counters().instructions, 1 + 2 * 5 + 1);
        assert_eq!(emulator.counters().stores, 2);
    }
}

#[test]
fn a_store_may_change_the_next_instruction() {
    // Each makes `addi a0,zero,33` of `addi a0,zero,1`: whole, its upper half, its last byte.
    for (store, value) in [
        ("sw a1,4(a2)", 0x0210_0513),
        ("sh a1,6(a2)", 0x0210),
        ("sb a1,7(a2)", 2),
    ] {
        let mut emulator = machine("rv32i", &format!("{store}\n addi a0,zero,1\n ebreak"));
        emulator.set_gpr(Gpr::A1, value);
        emulator.set_gpr(Gpr::A2, CODE);
        assert_eq!(emulator.run(10), Stop::Ebreak, "{store}");
        assert_eq!(emulator.gpr(Gpr::A0), 33, "{store}");
    }
}

#[test]
fn writes_by_the_host_change_code() {
    let mut emulator = machine("rv32i", "addi a0,zero,1\n ebreak");
    // The whole instruction, its second half, its last byte
    let patch = support::assemble("addi a0,zero,2");
    for (offset, bytes, expected) in [(0, &patch[..], 2), (2, &[0x30, 0x00], 3), (3, &[0x02], 35)] {
        emulator.set_pc(CODE);
        assert_eq!(emulator.run(10), Stop::Ebreak);
        emulator.write_memory(CODE + offset, bytes).unwrap();
        emulator.set_pc(CODE);
        assert_eq!(emulator.run(10), Stop::Ebreak);
        assert_eq!(emulator.gpr(Gpr::A0), expected);
    }
}

/// Sums the squares of 1 to `a0`: compressible instructions of several kinds.
const SQUARES: &str = "
    addi a1,zero,0
    addi sp,sp,-16
    sw s0,8(sp)
loop:
    addi s0,a0,0
    mul s0,s0,s0
    add a1,a1,s0
    addi a0,a0,-1
    bne a0,zero,loop
    addi a0,a1,0
    lw s0,8(sp)
    addi sp,sp,16
    jalr zero,0(ra)
";

#[test]
fn compressed_code_computes_the_same() {
    let mut plain = machine("rv32im", SQUARES);
    assert_eq!(plain.call(CODE, END, &[10], 1000), Ok(Stop::Halted));
    assert_eq!(plain.gpr(Gpr::A0), 385);

    // All but the branch, whose distance changes, and `mul` have 16-bit forms.
    let extensions = ExtensionSet::RV32IMC;
    let mut code = Vec::new();
    let mut long = 0;
    for bytes in support::assemble(SQUARES).chunks(4) {
        let word = u32::from_le_bytes(bytes.try_into().unwrap());
        let inst = match Inst::decode(word).unwrap() {
            branch if branch.opcode == Opcode::Bne => Inst { imm: -10, ..branch },
            other => other,
        };
        match compress(inst, extensions) {
            Some(half) => code.extend(half.to_le_bytes()),
            None => {
                long += 1;
                code.extend(inst.encode().unwrap().to_le_bytes());
            }
        }
    }
    assert_eq!((long, code.len()), (1, 26));
    let mut compressed = machine_with(MachineConfig::new(extensions), &code);
    assert_eq!(compressed.call(CODE, END, &[10], 1000), Ok(Stop::Halted));
    assert_eq!(compressed.gpr(Gpr::A0), 385);
    assert_eq!(compressed.counters(), plain.counters());

    let mut without = machine_with(MachineConfig::new(ExtensionSet::RV32IM), &code);
    let stop = without.call(CODE, END, &[10], 1000).unwrap();
    assert_eq!(
        stop,
        trap(
            TrapCause::IllegalInstruction,
            CODE,
            u32::from(code[0]) | u32::from(code[1]) << 8
        )
    );
}

#[test]
fn compressed_calls_link_two_bytes_on() {
    let jalr = Inst::jalr(Gpr::RA, Gpr::A1, Imm12::ZERO);
    let half = compress(jalr, ExtensionSet::RV32IMC).unwrap();
    let mut code = half.to_le_bytes().to_vec();
    code.extend([0x01, 0x00]);
    let mut emulator = machine_with(MachineConfig::new(ExtensionSet::RV32IMC), &code);
    emulator.set_gpr(Gpr::A1, CODE + 2);
    assert_eq!(emulator.step(), Ok(()));
    assert_eq!((emulator.pc(), emulator.gpr(Gpr::RA)), (CODE + 2, CODE + 2));
}

#[test]
fn stepping_running_and_tracing_agree() {
    let start = |emulator: &mut Emulator| {
        assert_eq!(emulator.call(CODE, END, &[10], 0), Ok(Stop::LimitReached));
    };
    let mut run = machine("rv32im", SQUARES);
    start(&mut run);
    assert_eq!(run.run(1000), Stop::Halted);

    let mut stepped = machine("rv32im", SQUARES);
    start(&mut stepped);
    let mut pcs = Vec::new();
    let stop = loop {
        pcs.push(stepped.pc());
        if let Err(stop) = stepped.step() {
            break stop;
        }
    };
    assert_eq!(stop, Stop::Halted);
    assert_eq!(stepped.counters(), run.counters());

    let mut traced = machine("rv32im", SQUARES);
    start(&mut traced);
    let mut events = Vec::new();
    let stop = traced.run_traced(1000, &mut |event| {
        events.push((
            event.pc,
            event.inst.to_string(),
            event.length,
            event.gpr(Gpr::A0),
        ));
    });
    assert_eq!(stop, Stop::Halted);
    assert_eq!(traced.counters(), run.counters());
    assert_eq!(events.iter().map(|event| event.0).collect::<Vec<_>>(), pcs);
    assert_eq!(events[6], (CODE + 24, "addi a0,a0,-1".into(), 4, 10));
    assert_eq!(events[7], (CODE + 28, "bne a0,zero,.-16".into(), 4, 9));
}

/// Random instructions of both lengths, with registers that point into the code.
fn random_machine(seed: u64) -> Emulator {
    let mut random = random::Random::new(seed);
    let mut code = Vec::new();
    while code.len() < 0x200 {
        let word = random.next();
        if expand(word as u16, ExtensionSet::all()).is_some() {
            code.extend((word as u16).to_le_bytes());
        } else {
            let opcode = Opcode::ALL[random.next() as usize % Opcode::ALL.len()];
            code.extend(((word & !opcode.mask()) | opcode.bits()).to_le_bytes());
        }
    }
    code.truncate(0x200);
    let mut emulator = machine_with(MachineConfig::new(ExtensionSet::all()), &code);
    for gpr in Gpr::all() {
        emulator.set_gpr(gpr, CODE + random.next() % 0x200);
    }
    emulator
}

/// Runs up to 20 instructions, decoding each anew.
fn run_without_cache(emulator: &mut Emulator) -> Stop {
    let step = |_| {
        emulator.set_executable(CODE, 0x200).unwrap();
        emulator.step().err()
    };
    (0..20).find_map(step).unwrap_or(Stop::LimitReached)
}

fn assert_same_state(a: &Emulator, b: &Emulator) {
    assert_eq!(a.pc(), b.pc());
    assert_eq!(a.counters(), b.counters());
    let memory = |emulator: &Emulator| emulator.memory().read(CODE, 0x1000).unwrap().to_vec();
    assert_eq!(memory(a), memory(b));
    for gpr in Gpr::all() {
        assert_eq!(a.gpr(gpr), b.gpr(gpr), "{gpr}");
    }
}

#[test]
fn random_code_that_overwrites_itself_runs_as_if_decoded_anew_each_time() {
    let mut executed = 0;
    let mut stores = 0;
    for seed in 0..100 {
        let mut cached = random_machine(seed);
        let mut uncached = random_machine(seed);
        let mut random = random::Random::new(seed);
        for _ in 0..100 {
            let pc = CODE + random.next() % 0x100 * 2;
            cached.set_pc(pc);
            uncached.set_pc(pc);
            assert_eq!(
                cached.run(20),
                run_without_cache(&mut uncached),
                "seed {seed}"
            );
        }
        assert_same_state(&cached, &uncached);
        executed += cached.counters().instructions;
        stores += cached.counters().stores;
    }
    assert!(
        executed > 10_000 && stores > 500,
        "{executed} instructions, {stores} stores"
    );
}

#[test]
fn counters_count_what_they_say() {
    let mut emulator = machine("rv32im", SQUARES);
    assert_eq!(emulator.call(CODE, END, &[10], 1000), Ok(Stop::Halted));
    let expected = Counters {
        instructions: 3 + 50 + 4,
        loads: 1,
        stores: 1,
        taken_branches: 9,
    };
    assert_eq!(emulator.counters(), expected);
    emulator.reset_counters();
    assert_eq!(emulator.counters(), Counters::default());
}

#[test]
fn profiles_count_each_instruction() {
    let mut run = machine("rv32im", SQUARES);
    assert_eq!(run.call(CODE, END, &[10], 1000), Ok(Stop::Halted));

    let mut emulator = machine("rv32im", SQUARES);
    assert_eq!(emulator.call(CODE, END, &[10], 0), Ok(Stop::LimitReached));
    let mut profile = Profile::new();
    // In two parts, of which the first ends in the middle of the loop.
    assert_eq!(emulator.run_profiled(20, &mut profile), Stop::LimitReached);
    assert_eq!(emulator.run_profiled(1000, &mut profile), Stop::Halted);
    assert_same_state(&emulator, &run);

    let counts: Vec<u64> = profile.iter().map(|(_, at)| at.count).collect();
    assert_eq!(counts, [1, 1, 1, 10, 10, 10, 10, 10, 1, 1, 1, 1]);
    let branch = CODE + 28;
    assert!(
        profile
            .iter()
            .all(|(pc, at)| at.taken == if pc == branch { 9 } else { 0 })
    );
    let (count, taken) = (10, 9);
    assert_eq!(profile.at(branch), Executions { count, taken });
    assert_eq!(profile.at(CODE + 0x100), Executions::default());
    assert!(
        profile
            .iter()
            .map(|(pc, _)| pc)
            .eq((CODE..CODE + 48).step_by(4))
    );
}

#[test]
fn profiles_do_not_count_what_trapped() {
    let mut emulator = machine("rv32i", "addi a0,a0,1\n ecall\n lw a0,0(zero)");
    let mut profile = Profile::new();
    assert_eq!(emulator.run_profiled(100, &mut profile), Stop::Ecall);
    let stop = emulator.run_profiled(100, &mut profile);
    assert_eq!(stop, trap(TrapCause::LoadAccessFault, CODE + 8, 0));
    let (count, taken) = (1, 0);
    let once = Executions { count, taken };
    assert!(profile.iter().eq([(CODE, once), (CODE + 4, once)]));
}
