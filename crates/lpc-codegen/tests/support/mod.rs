//! What tests of the backend share: from the text of virtual-register code to its allocation, its machine code and its run.

#![allow(dead_code, reason = "each test file uses a part")]

use lpc_codegen::backend::emit::{CompiledCode, emit};
use lpc_codegen::backend::regalloc::{RegallocAlgorithm, run_validated};
use lpc_codegen::backend::vcode_text::{
    NamedVCode, parse_vcode, print_allocated_vcode, print_vcode,
};
use lpc_codegen::isa::riscv32::emit::EmitInfo;
use lpc_codegen::isa::riscv32::inst::MInst;
use lpc_link::Linker;
use lpc_lpir::ir::ExternalName;
use lpc_riscv32::display::DisplayOptions;
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Stop};
use lpc_riscv32::{ExtensionSet, Gpr, Inst};
use std::fmt::Write;

pub(crate) fn parse(text: &str) -> Vec<NamedVCode<MInst>> {
    parse_vcode(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The one function of `text`.
pub(crate) fn parse_one(text: &str) -> NamedVCode<MInst> {
    let mut functions = parse(text);
    assert_eq!(functions.len(), 1, "{text}");
    functions.remove(0)
}

pub(crate) fn print(function: &NamedVCode<MInst>) -> String {
    print_vcode(&function.name, &function.vcode)
}

/// The text of the one function of `text` with its allocation beside it.
pub(crate) fn allocate(text: &str, algorithm: RegallocAlgorithm) -> String {
    let function = parse_one(text);
    let allocation = run_validated(&function.vcode, algorithm).unwrap().output;
    print_allocated_vcode(&function.name, &function.vcode, &allocation)
}

pub(crate) fn extensions() -> ExtensionSet {
    "rv32ima".parse().unwrap()
}

pub(crate) fn compile(function: &NamedVCode<MInst>, algorithm: RegallocAlgorithm) -> CompiledCode {
    compile_for(extensions(), function, algorithm)
}

pub(crate) fn compile_for(
    extensions: ExtensionSet,
    function: &NamedVCode<MInst>,
    algorithm: RegallocAlgorithm,
) -> CompiledCode {
    let allocation = run_validated(&function.vcode, algorithm).unwrap().output;
    let info = EmitInfo::new(extensions);
    emit(function.vcode.clone(), &allocation, info, false).unwrap()
}

/// Compiles with each allocator what it accepts, and tells with how many that was possible.
pub(crate) fn try_compile(function: &NamedVCode<MInst>) -> usize {
    let info = EmitInfo::new(extensions());
    RegallocAlgorithm::ALLOCATORS
        .into_iter()
        .filter_map(|algorithm| run_validated(&function.vcode, algorithm).ok())
        .map(|allocation| allocation.output)
        .filter(|allocation| emit(function.vcode.clone(), allocation, info, false).is_ok())
        .count()
}

/// The machine code of the one function of `text`, with the better allocator.
pub(crate) fn compile_one(text: &str) -> CompiledCode {
    compile(&parse_one(text), RegallocAlgorithm::Ion)
}

/// The assembly of the one function of `text`, one instruction a line, with data as words.
pub(crate) fn assembly(text: &str) -> String {
    disassemble(&compile_one(text))
}

pub(crate) fn disassemble(code: &CompiledCode) -> String {
    let mut out = String::new();
    for (index, word) in code.buffer.bytes.chunks(4).enumerate() {
        let address = index as u32 * 4;
        let word = u32::from_le_bytes(word.try_into().unwrap());
        match Inst::decode(word) {
            Ok(inst) if address < code.buffer.code_size => {
                let options = DisplayOptions {
                    pseudo: true,
                    address: Some(address),
                    symbols: None,
                };
                writeln!(out, "{address:03x}: {}", inst.display(options)).unwrap();
            }
            _ => writeln!(out, "{address:03x}: .word {word:#x}").unwrap(),
        }
    }
    out
}

const MEMORY_BASE: u32 = 0x8000_0000;
const MEMORY_SIZE: u32 = 16 << 20;
const STACK_TOP: u32 = MEMORY_BASE + (4 << 20);
const LIMIT: u64 = 100_000_000;

/// Compiled functions in the emulator.
pub(crate) struct Program {
    emulator: Emulator,
    image: lpc_link::Image,
}

impl Program {
    pub(crate) fn new(text: &str, algorithm: RegallocAlgorithm) -> Self {
        Self::with_functions(&parse(text), algorithm)
    }

    pub(crate) fn new_for(
        extensions: ExtensionSet,
        text: &str,
        algorithm: RegallocAlgorithm,
    ) -> Self {
        Self::load(extensions, &parse(text), algorithm)
    }

    pub(crate) fn with_functions(
        functions: &[NamedVCode<MInst>],
        algorithm: RegallocAlgorithm,
    ) -> Self {
        Self::load(extensions(), functions, algorithm)
    }

    fn load(
        extensions: ExtensionSet,
        functions: &[NamedVCode<MInst>],
        algorithm: RegallocAlgorithm,
    ) -> Self {
        let mut linker = Linker::new();
        for function in functions {
            let code = compile_for(extensions, function, algorithm);
            linker.add_function(&function.name, &code.buffer).unwrap();
        }
        let image = linker.link(STACK_TOP, &|_| None).unwrap();
        let memory = Memory::new(MEMORY_BASE, MEMORY_SIZE).unwrap();
        let mut emulator = Emulator::new(MachineConfig::new(extensions), memory);
        emulator.load_code(STACK_TOP, image.bytes()).unwrap();
        Self { emulator, image }
    }

    /// Calls `%name`: what it leaves in `a0` and `a1`, or why it stopped. Registers that the convention leaves undefined
    /// are garbage at entry; those that it preserves must be as they were.
    pub(crate) fn call(&mut self, name: &str, arguments: &[u32]) -> Result<[u32; 2], Stop> {
        let saved: Vec<_> = Gpr::all().filter(|&gpr| is_preserved(gpr)).collect();
        for gpr in Gpr::all() {
            self.emulator
                .set_gpr(gpr, 0xdead_0000 + u32::from(gpr.number()));
        }
        let entry = self.image.address_of(&ExternalName::symbol(name)).unwrap();
        let before: Vec<_> = saved.iter().map(|&gpr| self.emulator.gpr(gpr)).collect();
        let stop = self
            .emulator
            .call(entry, STACK_TOP, arguments, LIMIT)
            .unwrap();
        if stop != Stop::Halted {
            return Err(stop);
        }
        let after: Vec<_> = saved.iter().map(|&gpr| self.emulator.gpr(gpr)).collect();
        assert_eq!(before, after, "preserved registers {saved:?}");
        let stack_words = arguments.len().saturating_sub(8) as u32;
        let sp = (STACK_TOP - stack_words * 4) & !15;
        assert_eq!(self.emulator.gpr(Gpr::SP), sp, "stack pointer");
        Ok([Gpr::A0, Gpr::A1].map(|gpr| self.emulator.gpr(gpr)))
    }

    pub(crate) fn write(&mut self, address: u32, word: u32) {
        let bytes = word.to_le_bytes();
        self.emulator.write_memory(address, &bytes).unwrap();
    }

    pub(crate) fn instructions(&self) -> u64 {
        self.emulator.counters().instructions
    }

    /// The trap code of the instruction that the machine stopped at.
    pub(crate) fn trap_code(&self) -> Option<lpc_lpir::ir::TrapCode> {
        self.image.trap_at(self.emulator.pc())
    }
}

fn is_preserved(gpr: Gpr) -> bool {
    let number = gpr.number();
    [3, 4, 8, 9].contains(&number) || (18..28).contains(&number)
}

/// What `%name` leaves in `a0`, which must be the same with every allocator.
pub(crate) fn run(text: &str, name: &str, arguments: &[u32]) -> u32 {
    run_for(extensions(), text, name, arguments)
}

/// The same on a machine with `extensions`.
pub(crate) fn run_for(extensions: ExtensionSet, text: &str, name: &str, arguments: &[u32]) -> u32 {
    let results = RegallocAlgorithm::ALLOCATORS.map(|algorithm| {
        Program::new_for(extensions, text, algorithm)
            .call(name, arguments)
            .unwrap_or_else(|stop| panic!("{algorithm:?}: {stop:?}"))[0]
    });
    assert_eq!(results[0], results[1], "the allocators disagree");
    results[0]
}
