//! Unwind information holds at every instruction that is executed: it leads from there to the return address and to the
//! values that the caller has in callee-saved registers.
//!
//! Programs are run instruction by instruction. What is right is noted where functions are entered: the stack pointer there is
//! the canonical frame address, and the registers are those of the caller.

use lpc_codegen::backend::abi::AbiSlot;
use lpc_codegen::backend::unwind::UnwindInst;
use lpc_codegen::isa::riscv32::{abi::abi_signature, regs};
use lpc_codegen::{CompiledModule, RegallocAlgorithm, Settings, compile_module};
use lpc_harness::{MEMORY_BASE, MachineOptions, NoHost, Program};
use lpc_lpir::ir::{ExternalName, Module, Type};
use lpc_lpir::text::{Outcome, RunCommand, TestFile, parse_run_command, parse_test};
use lpc_riscv32::emulator::{Emulator, Stop};
use lpc_riscv32::{ExtensionSet, Gpr, Opcode};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The files whose functions are run: calls of all kinds, frames of all kinds.
const FILES: [&str; 7] = [
    "pitfalls/calls_and_frames.clif",
    "pitfalls/tail_calls.clif",
    "pitfalls/around_the_compiler.clif",
    "frames/large_frames.clif",
    "frames/large_frame_with_spills.clif",
    "pressure/calls.clif",
    "control/br_table.clif",
];

const STACK_SIZE: u32 = 4 << 20;
const LIMIT: u64 = 300_000;

/// What is known of a function that is being executed.
struct Activation {
    /// The stack pointer at its entry.
    cfa: u32,
    return_address: u32,
    /// The registers at its entry.
    registers: [u32; 32],
}

/// What unwind information says at one instruction.
#[derive(Clone, Default)]
struct State {
    cfa_offset: i32,
    /// Where registers of the caller are, in bytes below the canonical frame address.
    saved: BTreeMap<Gpr, u32>,
}

/// The state behind the instructions up to `offset`.
fn state_at(unwind: &[(u32, UnwindInst)], offset: u32) -> State {
    let mut state = State::default();
    let mut remembered = Vec::new();
    for (_, inst) in unwind.iter().take_while(|(start, _)| *start <= offset) {
        match *inst {
            UnwindInst::DefCfaOffset(offset) => state.cfa_offset = offset,
            UnwindInst::SaveReg { reg, below_cfa } => {
                state.saved.insert(regs::gpr(reg.to_reg()), below_cfa);
            }
            UnwindInst::RestoreReg(reg) => {
                state.saved.remove(&regs::gpr(reg.to_reg()));
            }
            UnwindInst::RememberState => remembered.push(state.clone()),
            UnwindInst::RestoreState => state = remembered.pop().expect("a state was remembered"),
        }
    }
    state
}

/// The registers that a caller gets back.
fn callee_saved() -> impl Iterator<Item = Gpr> {
    regs::CALLEE_SAVED
        .into_iter()
        .map(|preg| regs::gpr(preg.into()))
}

struct Checker {
    program: Program,
    unwind: BTreeMap<ExternalName, Vec<(u32, UnwindInst)>>,
    activations: Vec<Activation>,
    checked: u64,
}

impl Checker {
    fn new(module: &Module, settings: &Settings) -> Self {
        let compiled = compile_module(module, settings).unwrap();
        let options = MachineOptions {
            stack_size: STACK_SIZE,
            ..MachineOptions::default()
        };
        let program = Program::load(module, &compiled, settings, options, &NoHost).unwrap();
        Self {
            program,
            unwind: unwind_of(compiled),
            activations: Vec::new(),
            checked: 0,
        }
    }

    /// Calls `name` with words that are all different, where its signature wants them, and checks every instruction.
    fn call(&mut self, module: &Module, name: &ExternalName, arguments: &[u32]) -> Stop {
        let function = module.function(module.find(name).unwrap());
        let abi = abi_signature(&function.signature).unwrap();
        let return_area = (MEMORY_BASE + STACK_SIZE - abi.return_area_size) & !15;
        let sp = return_area - abi.stack_args_size;
        let entry = self.program.image().address_of(name).unwrap();
        let emulator = self.program.emulator_mut();
        for gpr in Gpr::all() {
            emulator.set_gpr(gpr, 0xdead_0000 + u32::from(gpr.number()));
        }
        emulator.set_gpr(Gpr::SP, sp);
        emulator.set_gpr(Gpr::RA, Emulator::DEFAULT_HALT_ADDRESS);
        if let Some(pointer) = abi.return_area_pointer {
            emulator.set_gpr(regs::gpr(pointer.to_reg()), return_area);
        }
        let slots = abi.args().iter().flat_map(|arg| abi.slots(arg));
        for (slot, word) in slots.zip(arguments) {
            match slot {
                AbiSlot::Reg(reg) => emulator.set_gpr(regs::gpr(reg.to_reg()), *word),
                AbiSlot::Memory(offset) => {
                    emulator
                        .write_memory(sp + offset, &word.to_le_bytes())
                        .unwrap();
                }
            }
        }
        emulator.set_pc(entry);
        self.activations.clear();
        self.enter(Emulator::DEFAULT_HALT_ADDRESS);
        for _ in 0..LIMIT {
            match self.step() {
                Stop::LimitReached => {}
                // An instruction that traps has been checked as well.
                stop => {
                    assert!(stop != Stop::Halted || self.activations.is_empty());
                    return stop;
                }
            }
        }
        Stop::LimitReached
    }

    /// Notes what is so where the machine is, at the entry of a function.
    fn enter(&mut self, return_address: u32) {
        let emulator = self.program.emulator();
        let mut registers = [0; 32];
        for gpr in Gpr::all() {
            registers[gpr.index()] = emulator.gpr(gpr);
        }
        self.activations.push(Activation {
            cfa: emulator.gpr(Gpr::SP),
            return_address,
            registers,
        });
    }

    /// Checks the instruction at the pc, and executes it.
    fn step(&mut self) -> Stop {
        self.check();
        let mut executed = None;
        let stop = self.program.emulator_mut().run_traced(1, &mut |event| {
            executed = Some((event.inst, event.pc.wrapping_add(event.length)));
        });
        if let Stop::Trap(_) = stop {
            return stop;
        }
        let (inst, next) = executed.unwrap();
        if !inst.opcode.is_jump() {
            return stop;
        }
        if inst.rd == Gpr::RA {
            self.enter(next);
        } else if inst.opcode == Opcode::Jalr && inst.rs1 == Gpr::RA {
            self.activations.pop();
        } else if self.is_at_entry() && inst.opcode == Opcode::Jalr {
            let left = self.activations.pop().unwrap();
            self.enter(left.return_address);
        }
        stop
    }

    fn is_at_entry(&self) -> bool {
        let location = self.program.image().locate(self.program.emulator().pc());
        location.is_some_and(|location| location.offset == 0)
    }

    fn check(&mut self) {
        let emulator = self.program.emulator();
        let location = self.program.image().locate(emulator.pc()).unwrap();
        let state = state_at(&self.unwind[location.function], location.offset);
        let activation = self.activations.last().unwrap();
        let what = format!("{}+{:#x}", location.function, location.offset);
        let cfa = emulator.gpr(Gpr::SP).wrapping_add_signed(state.cfa_offset);
        assert_eq!(cfa, activation.cfa, "canonical frame address at {what}");
        let callers = |gpr: Gpr| match state.saved.get(&gpr) {
            Some(below) => {
                let address = cfa - below;
                let is_kept = address >= emulator.gpr(Gpr::SP);
                assert!(is_kept, "{gpr} is below the stack at {what}");
                emulator.memory().read_u32(address).unwrap()
            }
            None => emulator.gpr(gpr),
        };
        let return_address = callers(Gpr::RA);
        assert_eq!(
            return_address, activation.return_address,
            "return address at {what}"
        );
        for gpr in callee_saved() {
            let expected = activation.registers[gpr.index()];
            assert_eq!(callers(gpr), expected, "{gpr} at {what}");
        }
        self.checked += 1;
    }
}

fn unwind_of(compiled: CompiledModule) -> BTreeMap<ExternalName, Vec<(u32, UnwindInst)>> {
    let functions = compiled.functions.into_iter();
    functions
        .map(|function| (function.name, function.code.buffer.unwind))
        .collect()
}

/// The calls in the run directives of `file` that have words as their arguments.
fn calls(file: &TestFile<'_>) -> Vec<(ExternalName, Vec<u32>)> {
    let mut calls = Vec::new();
    for function in &file.functions {
        let Outcome::Parsed(parsed) = &function.outcome else {
            continue;
        };
        for comment in &function.comments {
            let command = parse_run_command(comment.text, &parsed.function.signature);
            let Ok(Some(RunCommand::Run { invocation, .. })) = command else {
                continue;
            };
            if invocation.args.iter().all(|arg| arg.ty() == Type::I32) {
                let words = invocation.args.iter().map(|arg| arg.unsigned() as u32);
                calls.push((function.name.clone(), words.collect()));
            }
        }
    }
    calls
}

#[test]
fn leads_to_the_caller_from_every_instruction() {
    for file in FILES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../filetests/run");
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let test = parse_test(&text).unwrap();
        let mut module = Module::new();
        for function in &test.functions {
            if let Outcome::Parsed(parsed) = &function.outcome
                && !imports_from_the_host(&parsed.function)
            {
                module.add_function(parsed.function.clone()).unwrap();
            }
        }
        for settings in all_settings() {
            let mut checker = Checker::new(&module, &settings);
            for (name, arguments) in calls(&test) {
                if module.find(&name).is_some() {
                    checker.call(&module, &name, &arguments);
                }
            }
            assert!(checker.checked > 100, "{file}: {}", checker.checked);
        }
    }
}

/// Traps behind the code are taken from the middle of the body or, where the stack is too small, from the entry.
#[test]
fn leads_to_the_caller_from_traps() {
    let text = "
        function %f(i32, i32 vmctx) -> i32 {
            fn0 = %f(i32, i32 vmctx) -> i32
            ss0 = explicit_slot 40
            gv0 = vmctx
            stack_limit = gv0
        block0(v0: i32, v1: i32):
            trapz v0, user1
            v2 = iconst.i32 -1
            v3 = iadd v0, v2
            brif v3, block1, block2
        block1:
            v4 = call fn0(v3, v2)
            v5 = iadd v4, v0
            return v5
        block2:
            return v0
        }";
    let module = lpc_lpir::text::parse_module(text).unwrap();
    let name = ExternalName::symbol("f");
    for settings in all_settings() {
        // A return, a trap of the body, a trap at the entry, one at the entry of a callee.
        for (arguments, traps) in [
            ([1, 0], false),
            ([0, 0], true),
            ([1, u32::MAX], true),
            ([2, 0], true),
        ] {
            let mut checker = Checker::new(&module, &settings);
            let stop = checker.call(&module, &name, &arguments);
            assert_eq!(matches!(stop, Stop::Trap(_)), traps, "{arguments:?}");
        }
    }
}

fn imports_from_the_host(function: &lpc_lpir::ir::Function) -> bool {
    let mut callees = function.dfg.ext_funcs.values();
    callees.any(|callee| callee.name == ExternalName::symbol("putchar"))
}

/// Both allocators, with and without compressed instructions, with and without frame pointers.
fn all_settings() -> Vec<Settings> {
    let mut all = Vec::new();
    for regalloc in RegallocAlgorithm::ALLOCATORS {
        for extensions in ["rv32imac", "rv32ima"] {
            for preserve_frame_pointers in [false, true] {
                all.push(Settings {
                    regalloc,
                    extensions: extensions.parse::<ExtensionSet>().unwrap(),
                    preserve_frame_pointers,
                    unwind_info: true,
                    ..Settings::default()
                });
            }
        }
    }
    all
}
