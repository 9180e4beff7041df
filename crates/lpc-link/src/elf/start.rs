//! The start-up code of executables: what runs before `%main`, and after it.
//!
//! An operating system, a boot loader or an emulator enters an executable at `_start`, with the segments loaded. There are two
//! kinds of environment ([`Stack`]):
//!
//! * Under an operating system the stack pointer is set, and points at the number of arguments with the arguments behind it
//!   (System V ABI, "Process Initialization"). It stays, rounded down to a multiple of 16.
//! * On a bare machine no register is set. The stack is an area of the executable itself, and the stack pointer starts at its
//!   end.
//!
//! The code, in pseudo-instructions:
//!
//! ```text
//!   _start:   mv    s0, sp              or   la sp, <end of the stack area>
//!             andi  sp, sp, -16         what every call promises its callee
//!             andi  t0, sp, 15          checked, though nothing can go wrong on a machine that works:
//!             bnez  t0, failed          on one that does not, this says it before anything else is strange
//!             beqz  sp, failed          no stack at all
//!             la    t0, <start of .bss>
//!             la    t1, <end of .bss>
//!   words:    addi  t2, t0, 4           memory that has no content in the file is whatever it was
//!             bltu  t1, t2, bytes
//!             sw    zero, 0(t0)
//!             mv    t0, t2
//!             j     words
//!   bytes:    bgeu  t0, t1, call        what is left of a word
//!             sb    zero, 0(t0)
//!             addi  t0, t0, 1
//!             j     bytes
//!   call:     lw    a0, 0(s0)           where main takes the arguments: their number
//!             addi  a1, s0, 4           and the address of the first one
//!             call  main
//!             li    a0, 0               where main has no result
//!             li    a7, 93              the system call `exit`
//!             ecall
//!   failed:   unimp                     nobody served the call, or there is no stack
//! ```
//!
//! `gp` and `tp` are left as they are: compiled code does not use them.
//!
//! The code is as long for one executable as for the next of its kind, so that the addresses in it can be filled in when
//! everything has its place. All instructions are four bytes, for machines without compressed
//! ones. `.bss` starts at a multiple of four; its end need not be one.

use alloc::vec::Vec;
use lpc_riscv32::immediate::split_hi_lo;
use lpc_riscv32::{BranchOffset, Gpr, Imm12, Inst, JumpOffset, Opcode, inst};

/// Where the stack of an executable is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stack {
    /// Where the stack pointer points at the start.
    #[default]
    Inherited,
    /// In the executable, which has so many bytes for it.
    Reserved(u32),
}

/// What the start-up code does with values of `%main`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Main {
    /// It takes the number of arguments and the address of the first one.
    pub(super) takes_arguments: bool,
    /// It returns the status of the process.
    pub(super) returns_status: bool,
}

/// The start-up code of an executable, but for the addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct StartCode {
    pub(super) main: Main,
    pub(super) has_reserved_stack: bool,
}

/// The addresses in start-up code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct StartAddresses {
    /// Of the code itself.
    pub(super) start: u32,
    pub(super) main: u32,
    /// Of the first byte to clear.
    pub(super) bss_start: u32,
    /// Of the byte behind the last one to clear.
    pub(super) bss_end: u32,
    /// The end of the reserved stack, a multiple of 16.
    pub(super) stack_end: u32,
}

/// The number of the system call that ends a process with the status in `a0`.
const EXIT: i32 = 93;

/// A place to branch to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Words,
    Bytes,
    Call,
    Failed,
}

const NUM_LABELS: usize = Label::Failed as usize + 1;

impl StartCode {
    /// The code, with its addresses filled in.
    pub(super) fn assemble(self, addresses: StartAddresses) -> Vec<u8> {
        let mut code = Assembler::default();
        self.set_stack(&mut code, addresses);
        clear_bss(&mut code, addresses);
        self.call_main(&mut code, addresses);
        code.finish()
    }

    fn set_stack(self, code: &mut Assembler, addresses: StartAddresses) {
        if self.has_reserved_stack {
            code.load_constant(Gpr::SP, addresses.stack_end);
        }
        code.push(addi(Gpr::S0, Gpr::SP, 0));
        code.push(andi(Gpr::SP, Gpr::SP, -16));
        code.push(andi(Gpr::T0, Gpr::SP, 15));
        code.branch(Opcode::Bne, Gpr::T0, Gpr::ZERO, Label::Failed);
        code.branch(Opcode::Beq, Gpr::SP, Gpr::ZERO, Label::Failed);
    }

    fn call_main(self, code: &mut Assembler, addresses: StartAddresses) {
        code.bind(Label::Call);
        if self.main.takes_arguments && self.has_reserved_stack {
            // Nobody gives arguments on a bare machine.
            code.push(addi(Gpr::A0, Gpr::ZERO, 0));
            code.push(addi(Gpr::A1, Gpr::ZERO, 0));
        } else if self.main.takes_arguments {
            code.push(Inst::load(Opcode::Lw, Gpr::A0, Gpr::S0, Imm12::ZERO));
            code.push(addi(Gpr::A1, Gpr::S0, 4));
        }
        code.call(addresses.main.wrapping_sub(addresses.start));
        if !self.main.returns_status {
            code.push(addi(Gpr::A0, Gpr::ZERO, 0));
        }
        code.push(addi(Gpr::A7, Gpr::ZERO, EXIT));
        code.push(Inst::no_operands(Opcode::Ecall));
        code.bind(Label::Failed);
        code.unimp();
    }
}

fn clear_bss(code: &mut Assembler, addresses: StartAddresses) {
    let (next, end, behind) = (Gpr::T0, Gpr::T1, Gpr::T2);
    code.load_constant(next, addresses.bss_start);
    code.load_constant(end, addresses.bss_end);
    code.bind(Label::Words);
    code.push(addi(behind, next, 4));
    code.branch(Opcode::Bltu, end, behind, Label::Bytes);
    code.push(Inst::store(Opcode::Sw, Gpr::ZERO, next, Imm12::ZERO));
    code.push(addi(next, behind, 0));
    code.jump(Label::Words);
    code.bind(Label::Bytes);
    code.branch(Opcode::Bgeu, next, end, Label::Call);
    code.push(Inst::store(Opcode::Sb, Gpr::ZERO, next, Imm12::ZERO));
    code.push(addi(next, next, 1));
    code.jump(Label::Bytes);
}

fn addi(rd: Gpr, rs1: Gpr, value: i32) -> Inst {
    Inst::i(Opcode::Addi, rd, rs1, imm12(value))
}

fn andi(rd: Gpr, rs1: Gpr, value: i32) -> Inst {
    Inst::i(Opcode::Andi, rd, rs1, imm12(value))
}

fn imm12(value: i32) -> Imm12 {
    Imm12::new(value).expect("the constants of start-up code are small")
}

/// Instructions of four bytes, with branches to labels.
#[derive(Default)]
struct Assembler {
    /// The encoded instructions; of branches the target is missing.
    words: Vec<u32>,
    /// The positions of branches in `words`, with the instruction and its target.
    branches: Vec<(usize, Inst, Label)>,
    labels: [usize; NUM_LABELS],
}

impl Assembler {
    fn push(&mut self, inst: Inst) {
        self.words.push(encode(inst));
    }

    fn unimp(&mut self) {
        self.words.push(inst::UNIMP);
    }

    fn bind(&mut self, label: Label) {
        self.labels[label as usize] = self.words.len();
    }

    fn branch(&mut self, opcode: Opcode, rs1: Gpr, rs2: Gpr, label: Label) {
        let branch = Inst::branch(opcode, rs1, rs2, BranchOffset::default());
        self.branches.push((self.words.len(), branch, label));
        self.words.push(0);
    }

    fn jump(&mut self, label: Label) {
        let jump = Inst::jal(Gpr::ZERO, JumpOffset::default());
        self.branches.push((self.words.len(), jump, label));
        self.words.push(0);
    }

    /// Two instructions, whatever the value is.
    fn load_constant(&mut self, rd: Gpr, value: u32) {
        let (high, low) = split_hi_lo(value as i32);
        self.push(Inst::upper(Opcode::Lui, rd, high));
        self.push(Inst::i(Opcode::Addi, rd, rd, low));
    }

    /// Calls what is so many bytes from the start of the code.
    fn call(&mut self, offset: u32) {
        let here = self.words.len() as u32 * 4;
        let (high, low) = split_hi_lo(offset.wrapping_sub(here) as i32);
        self.push(Inst::upper(Opcode::Auipc, Gpr::RA, high));
        self.push(Inst::jalr(Gpr::RA, Gpr::RA, low));
    }

    fn finish(mut self) -> Vec<u8> {
        for (position, branch, label) in self.branches {
            let target = self.labels[label as usize];
            let imm = (target as i32 - position as i32) * 4;
            self.words[position] = encode(Inst { imm, ..branch });
        }
        self.words.into_iter().flat_map(u32::to_le_bytes).collect()
    }
}

fn encode(inst: Inst) -> u32 {
    inst.encode().expect("start-up code is small")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use lpc_riscv32::ExtensionSet;
    use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Stop, TrapCause};

    const START: u32 = 0x1_0000;
    const MAIN: u32 = 0x1_1000;
    const BSS: u32 = 0x1_2000;
    const STACK_TOP: u32 = 0x1_4000;

    /// A machine with the start-up code and a `main` that keeps what it gets in s1 to s3, and returns 7. All memory is dirty.
    fn machine(code: StartCode, bss_size: u32) -> Emulator {
        let mut memory = Memory::new(START, 0x4000).unwrap();
        memory.write(START, &vec![0xa5; 0x4000]).unwrap();
        let start = code.assemble(StartAddresses {
            start: START,
            main: MAIN,
            bss_start: BSS,
            bss_end: BSS + bss_size,
            stack_end: STACK_TOP,
        });
        let placeholder = code.assemble(StartAddresses::default());
        assert_eq!(start.len(), placeholder.len());
        memory.write(START, &start).unwrap();
        let main = [
            addi(Gpr::S1, Gpr::SP, 0),
            addi(Gpr::S2, Gpr::A0, 0),
            addi(Gpr::S3, Gpr::A1, 0),
            addi(Gpr::A0, Gpr::ZERO, 7),
            Inst::jalr(Gpr::ZERO, Gpr::RA, Imm12::ZERO),
        ];
        let main = main.map(|inst| encode(inst).to_le_bytes());
        memory.write(MAIN, main.as_flattened()).unwrap();
        let mut machine = Emulator::new(MachineConfig::new(ExtensionSet::RV32I), memory);
        machine.set_executable(START, MAIN + 0x100 - START).unwrap();
        for gpr in Gpr::all() {
            machine.set_gpr(gpr, 0xdead_beef);
        }
        machine.set_pc(START);
        machine
    }

    fn code(takes_arguments: bool, returns_status: bool, has_reserved_stack: bool) -> StartCode {
        StartCode {
            main: Main {
                takes_arguments,
                returns_status,
            },
            has_reserved_stack,
        }
    }

    fn exits_with(machine: &mut Emulator, status: u32) {
        assert_eq!(machine.run(100_000), Stop::Ecall);
        assert_eq!(machine.gpr(Gpr::A7), 93);
        assert_eq!(machine.gpr(Gpr::A0), status);
        // When the call comes back there is a trap.
        let Stop::Trap(trap) = machine.run(1) else {
            panic!("the code goes on behind the exit");
        };
        assert_eq!(trap.cause, TrapCause::IllegalInstruction);
    }

    #[test]
    fn dirty_bss_is_cleared_and_nothing_else() {
        for size in [0, 1, 2, 3, 4, 5, 7, 8, 4093] {
            let mut machine = machine(code(false, true, false), size);
            machine.set_gpr(Gpr::SP, STACK_TOP);
            exits_with(&mut machine, 7);
            let memory = machine.memory();
            let mut expected = vec![0; size as usize];
            expected.push(0xa5);
            let bss = memory.read(BSS, expected.len()).unwrap();
            assert_eq!(bss, expected, "{size}");
            assert_eq!(memory.read(BSS - 1, 1), Ok(&[0xa5][..]), "{size}");
        }
    }

    #[test]
    fn an_inherited_stack_pointer_is_rounded_down() {
        for offset in [0, 1, 4, 8, 15] {
            let mut machine = machine(code(true, true, false), 0);
            let sp = STACK_TOP - 32 + offset;
            machine.write_memory(sp, &5_u32.to_le_bytes()).unwrap();
            machine.set_gpr(Gpr::SP, sp);
            exits_with(&mut machine, 7);
            assert_eq!(machine.gpr(Gpr::S1), STACK_TOP - 32);
            assert_eq!(machine.gpr(Gpr::S2), 5, "the number of arguments");
            assert_eq!(machine.gpr(Gpr::S3), sp + 4, "the first argument");
        }
    }

    #[test]
    fn without_a_stack_there_is_a_trap() {
        for sp in [0, 1, 15] {
            let mut machine = machine(code(false, true, false), 8);
            machine.set_gpr(Gpr::SP, sp);
            let Stop::Trap(trap) = machine.run(100) else {
                panic!("{sp} is no stack pointer");
            };
            assert_eq!(trap.cause, TrapCause::IllegalInstruction);
            assert_eq!(machine.memory().read(BSS, 4), Ok(&[0xa5; 4][..]));
        }
    }

    #[test]
    fn a_reserved_stack_needs_no_stack_pointer() {
        let mut machine = machine(code(true, false, true), 0);
        exits_with(&mut machine, 0);
        assert_eq!(machine.gpr(Gpr::S1), STACK_TOP);
        assert_eq!((machine.gpr(Gpr::S2), machine.gpr(Gpr::S3)), (0, 0));
    }
}
