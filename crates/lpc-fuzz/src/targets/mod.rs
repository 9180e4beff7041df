//! What coverage-guided fuzzers feed with bytes.
//!
//! A target is a function that takes any bytes and panics when it finds something wrong. `fuzz/` at the root of the repository
//! hands each to libFuzzer; [`replay`] runs the inputs that are kept in `fuzz/corpus` and `fuzz/regressions`, and those that
//! [`seeds`] makes of the repository's own files, without any fuzzer.

pub mod binary;
pub mod binary_module;
pub mod compile;
pub mod decode;
pub mod dictionary;
pub mod elf;
pub mod emulate;
pub mod module;
mod pipeline;
pub mod replay;
pub mod seeds;
pub mod text;
pub mod vcode;

use seeds::Seed;

/// A function that takes any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name, which is also that of its folder of inputs.
    pub name: &'static str,
    /// What it takes the bytes for, and what must hold of them.
    pub checks: &'static str,
    /// Checks that.
    ///
    /// # Panics
    /// If it does not hold.
    pub run: fn(&[u8]),
    /// Inputs that can be made of the files of the repository.
    pub seeds: fn() -> Vec<Seed>,
    /// Words that inputs are made of.
    pub dictionary: fn() -> Vec<String>,
}

/// All targets.
pub const TARGETS: [Target; 9] = [
    Target {
        name: "text",
        checks: "test files, modules and run directives: an error in the text, or what prints to a fixpoint",
        run: text::run,
        seeds: seeds::program_texts,
        dictionary: dictionary::of_programs,
    },
    Target {
        name: "binary",
        checks: "modules in the binary form: an error at a byte, or what can be judged, and is encoded as the same bytes",
        run: binary::run,
        seeds: seeds::binary_modules,
        dictionary: dictionary::none,
    },
    Target {
        name: "binary_module",
        checks: "functions built through the API: what comes back from the binary form compiles to the same, and can be judged when it is changed",
        run: binary_module::run,
        seeds: seeds::random_bytes,
        dictionary: dictionary::none,
    },
    Target {
        name: "vcode",
        checks: "virtual-register code: an error in the text, or what prints to a fixpoint, is allocated correctly and emitted",
        run: vcode::run,
        seeds: seeds::vcode_texts,
        dictionary: dictionary::of_vcode,
    },
    Target {
        name: "module",
        checks: "programs in text: what the verifier accepts is compiled, linked, written as files, and executed to some end",
        run: module::run,
        seeds: seeds::program_texts,
        dictionary: dictionary::of_programs,
    },
    Target {
        name: "compile",
        checks: "functions built through the API: what the verifier accepts is compiled, and computes what the interpreter does",
        run: compile::run,
        seeds: seeds::random_bytes,
        dictionary: dictionary::none,
    },
    Target {
        name: "decode",
        checks: "machine code: decoding and encoding, compressing and expanding give the same again; all prints",
        run: decode::run,
        seeds: seeds::encodings,
        dictionary: dictionary::none,
    },
    Target {
        name: "elf",
        checks: "ELF files: an error, or what is listed and runs to some end",
        run: elf::run,
        seeds: seeds::elf_files,
        dictionary: dictionary::none,
    },
    Target {
        name: "emulate",
        checks: "machine code that is executed: the same, however it is run",
        run: emulate::run,
        seeds: seeds::machine_code,
        dictionary: dictionary::none,
    },
];

/// The target that is called `name`.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
