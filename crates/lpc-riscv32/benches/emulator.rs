//! Emulated instructions per second, on loops that mix arithmetic, memory access and branches.
//!
//! Run with `cargo bench -p lpc-riscv32`. One item is one emulated instruction.

use divan::counter::ItemsCount;
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Stop};
use lpc_riscv32::{ExtensionSet, Gpr};

#[path = "../tests/support/mod.rs"]
mod support;

const BASE: u32 = 0x8000_0000;
const LIMIT: u64 = 1 << 40;

/// Counts the primes below 65,536 in a byte array behind the code.
const SIEVE: &str = "
    lui a0,0x80001
    lui a1,0x10
    addi t0,zero,2
    addi a2,zero,0
outer:
    add t1,a0,t0
    lbu t2,0(t1)
    bne t2,zero,next
    addi a2,a2,1
    add t3,t0,t0
    bgeu t3,a1,next
    addi t5,zero,1
inner:
    add t4,a0,t3
    sb t5,0(t4)
    add t3,t3,t0
    bltu t3,a1,inner
next:
    addi t0,t0,1
    bltu t0,a1,outer
    addi a0,a2,0
    jalr zero,0(ra)
";

/// The CRC-32 of the 65,536 bytes behind the code, bit by bit.
const CRC32: &str = "
    lui a0,0x80001
    lui a1,0x10
    add a1,a0,a1
    lui a3,0xedb88
    addi a3,a3,0x320
    addi a2,zero,-1
byte:
    lbu t0,0(a0)
    xor a2,a2,t0
    addi t1,zero,8
bit:
    andi t2,a2,1
    sub t2,zero,t2
    and t2,t2,a3
    srli a2,a2,1
    xor a2,a2,t2
    addi t1,t1,-1
    bne t1,zero,bit
    addi a0,a0,1
    bne a0,a1,byte
    xori a0,a2,-1
    jalr zero,0(ra)
";

/// Recursive Fibonacci: calls, returns and stack traffic.
const FIBONACCI: &str = "
    addi a0,zero,22
fib:
    addi t0,zero,2
    bltu a0,t0,done
    addi sp,sp,-16
    sw ra,12(sp)
    sw s0,8(sp)
    sw s1,4(sp)
    addi s0,a0,0
    addi a0,s0,-1
    jal ra,fib
    addi s1,a0,0
    addi a0,s0,-2
    jal ra,fib
    add a0,a0,s1
    lw ra,12(sp)
    lw s0,8(sp)
    lw s1,4(sp)
    addi sp,sp,16
done:
    jalr zero,0(ra)
";

const PROGRAMS: [Program; 3] = [
    Program {
        name: "sieve",
        source: SIEVE,
        result: 6542,
    },
    Program {
        name: "crc32",
        source: CRC32,
        result: 0xd797_8eeb,
    },
    Program {
        name: "fibonacci",
        source: FIBONACCI,
        result: 17711,
    },
];

struct Program {
    name: &'static str,
    source: &'static str,
    result: u32,
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Program {
    fn load(&self, extensions: ExtensionSet) -> Emulator {
        let memory = Memory::new(BASE, 1 << 18).unwrap();
        let mut emulator = Emulator::new(MachineConfig::new(extensions), memory);
        emulator
            .load_code(BASE, &support::assemble(self.source))
            .unwrap();
        emulator
    }

    fn run(&self, emulator: &mut Emulator) {
        let stop = emulator.call(BASE, BASE + (1 << 18), &[], LIMIT);
        assert_eq!(stop, Ok(Stop::Halted));
        assert_eq!(emulator.gpr(Gpr::A0), self.result);
    }
}

#[divan::bench(args = PROGRAMS)]
fn rv32imac(bencher: divan::Bencher<'_, '_>, program: &Program) {
    bench(bencher, program, ExtensionSet::RV32IMAC);
}

#[divan::bench(args = PROGRAMS)]
fn rv32im(bencher: divan::Bencher<'_, '_>, program: &Program) {
    bench(bencher, program, ExtensionSet::RV32IM);
}

fn bench(bencher: divan::Bencher<'_, '_>, program: &Program, extensions: ExtensionSet) {
    let emulator = program.load(extensions);
    let mut trial = emulator.clone();
    program.run(&mut trial);
    bencher
        .counter(ItemsCount::new(trial.counters().instructions))
        .with_inputs(|| emulator.clone())
        .bench_values(|mut emulator| program.run(&mut emulator));
}

fn main() {
    divan::main();
}
