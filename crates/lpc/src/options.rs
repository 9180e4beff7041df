//! Options that several commands have.

use clap::{Args, ValueEnum};
use lpc_codegen::{CodeAlignment, OptLevel, RegallocAlgorithm, Settings};
use lpc_harness::MachineOptions;
use lpc_process::ProcessOptions;
use lpc_riscv32::ExtensionSet;

/// How to compile.
#[derive(Args)]
#[command(next_help_heading = "Compilation")]
pub(crate) struct CompileOptions {
    /// The instruction set of the machine, such as rv32imac_zba_zbb; multiplication and division need M [default: rv32imac]
    #[arg(long, value_name = "ISA")]
    pub(crate) march: Option<ExtensionSet>,

    /// What to optimize for, which chooses the register allocator too
    #[arg(short = 'O', value_name = "LEVEL", value_enum, default_value_t = OptLevelName::Speed)]
    opt_level: OptLevelName,

    /// The register allocator [default: fast with -O none, adaptive with -O speed, ion with -O size]
    #[arg(long, value_name = "NAME", value_enum)]
    regalloc: Option<AllocatorName>,

    /// Keep a frame pointer in s0 in every function
    #[arg(long)]
    preserve_frame_pointers: bool,

    /// Compile atomic instructions to plain loads and stores: no other hart nor interrupt handler accesses their memory
    #[arg(long)]
    single_hart: bool,

    /// How many functions are compiled at a time; 0 is as many as there are cores
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=256))]
    threads: u16,

    /// What the address of every function is to be a multiple of
    #[arg(long, value_name = "BYTES", default_value = "1", value_parser = parse_alignment)]
    align_functions: CodeAlignment,

    /// What the address of every loop is to be a multiple of
    #[arg(long, value_name = "BYTES", default_value = "1", value_parser = parse_alignment)]
    align_loops: CodeAlignment,
}

#[derive(Clone, Copy, ValueEnum)]
enum OptLevelName {
    /// Compile as fast as possible, each instruction by itself
    None,
    /// Make the code fast
    Speed,
    /// Make the code small
    Size,
}

#[derive(Clone, Copy, ValueEnum)]
enum AllocatorName {
    /// fast, and ion for functions in which that lacks registers: for fast code
    Adaptive,
    /// regalloc2's backtracking allocator: for small code; what that takes too long for, such as functions of more than 8192 blocks, gets fast
    Ion,
    /// lpc's single-pass allocator: for little time and memory
    Fast,
}

impl CompileOptions {
    /// Starts the threads that compile.
    pub(crate) fn start_threads(&self) {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(self.threads.into());
        // Where there can be no threads, this one does all the work.
        let _ = threads.build_global();
    }

    /// The settings of the compiler for code that is linked here.
    pub(crate) fn linked_settings(&self) -> Settings {
        Settings {
            linker_relaxation: true,
            ..self.settings()
        }
    }

    /// The settings of the compiler.
    pub(crate) fn settings(&self) -> Settings {
        let opt_level = match self.opt_level {
            OptLevelName::None => OptLevel::None,
            OptLevelName::Speed => OptLevel::Speed,
            OptLevelName::Size => OptLevel::Size,
        };
        Settings {
            extensions: self.march.unwrap_or(ExtensionSet::RV32IMAC),
            opt_level,
            regalloc: match self.regalloc {
                Some(AllocatorName::Adaptive) => RegallocAlgorithm::Adaptive,
                Some(AllocatorName::Ion) => RegallocAlgorithm::Ion,
                Some(AllocatorName::Fast) => RegallocAlgorithm::SinglePass,
                None => opt_level.regalloc(),
            },
            preserve_frame_pointers: self.preserve_frame_pointers,
            single_hart: self.single_hart,
            function_alignment: self.align_functions,
            loop_alignment: self.align_loops,
            ..Settings::default()
        }
    }
}

/// The machine that a program is run on.
#[derive(Args)]
#[command(next_help_heading = "Machine")]
pub(crate) struct RunOptions {
    /// The most instructions that one call may execute
    #[arg(long, value_name = "COUNT", default_value_t = MachineOptions::default().instruction_limit)]
    pub(crate) instruction_limit: u64,

    /// The memory of the machine, in bytes, or with K or M in units of 1024 or 1024² bytes
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = parse_size)]
    memory_size: u32,

    /// The part of the memory that is the stack
    #[arg(long, value_name = "SIZE", default_value = "4M", value_parser = parse_size)]
    stack_size: u32,
}

impl RunOptions {
    /// The machine.
    pub(crate) fn machine(&self) -> MachineOptions {
        MachineOptions {
            memory_size: self.memory_size,
            stack_size: self.stack_size,
            instruction_limit: self.instruction_limit,
            ..MachineOptions::default()
        }
    }

    /// The machine for an executable, which brings memory of its own.
    pub(crate) fn process(&self) -> ProcessOptions {
        ProcessOptions {
            heap_and_stack_size: self.memory_size,
            stack_size: self.stack_size,
            instruction_limit: self.instruction_limit,
        }
    }
}

/// A number of bytes.
pub(crate) fn parse_size(text: &str) -> Result<u32, String> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    let number: u32 = digits
        .parse()
        .map_err(|_| "expected a number of bytes, such as 4096, 64K or 16M".to_owned())?;
    number
        .checked_mul(unit)
        .filter(|size| *size <= 1 << 30)
        .ok_or_else(|| "more than 1024M".to_owned())
}

fn parse_alignment(text: &str) -> Result<CodeAlignment, String> {
    let bytes = text.parse().ok().and_then(CodeAlignment::new);
    bytes.ok_or_else(|| format!("expected a power of two up to {}", CodeAlignment::MAX))
}

/// An address, in decimal or in hexadecimal.
pub(crate) fn parse_address(text: &str) -> Result<u32, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| "expected an address, such as 4096 or 0x42000000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("4096"), Ok(4096));
        assert_eq!(parse_size("64K"), Ok(65_536));
        assert_eq!(parse_size("1024m"), Ok(1 << 30));
        for bad in ["", "K", "-1", "1.5M", "1025M", "99999999999"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
