//! Inputs that are made of the repository's own files, so that they need not be kept twice.

use lpc_codegen::backend::vcode_text::print_vcode;
use lpc_codegen::{CompiledModule, Settings, compile_module, lower_function};
use lpc_link::elf::{ExecutableOptions, ObjectOptions, Stack, link_executable, write_object};
use lpc_lpir::binary::encode;
use lpc_lpir::ir::Module;
use lpc_lpir::text::parse_module;
use lpc_riscv32::Opcode;
use std::fs;
use std::path::{Path, PathBuf};

/// An input, and what it was made of.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Where it comes from, for messages.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// How many inputs are random bytes.
const RANDOM_SEEDS: u64 = 200;

/// The root of the repository that this was compiled in.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Bytes without meaning, always the same, for a target that takes them for choices.
pub fn random_bytes() -> Vec<Seed> {
    let seed = |number| {
        let mut random = fastrand::Rng::with_seed(number);
        let length = random.usize(16..1_024);
        Seed {
            name: format!("random bytes {number}"),
            bytes: (0..length).map(|_| random.u8(..)).collect(),
        }
    };
    (0..RANDOM_SEEDS).map(seed).collect()
}

/// All programs of the repository.
pub fn program_texts() -> Vec<Seed> {
    let folders = ["examples", "filetests", "crates/lpc/tests"];
    let files = folders.map(|folder| files_in(&repository().join(folder)));
    let files = files.into_iter().flatten();
    files
        .filter(|path| has_extension(path, "clif"))
        .filter_map(read)
        .collect()
}

/// All programs of the repository in the binary form.
pub fn binary_modules() -> Vec<Seed> {
    let seeds = program_texts().into_iter().filter_map(|seed| {
        let module = parse_module(&String::from_utf8_lossy(&seed.bytes)).ok()?;
        let bytes = encode(&module).ok()?;
        Some(Seed { bytes, ..seed })
    });
    seeds.collect()
}

/// All virtual-register code of the repository, and what the examples are lowered to.
pub fn vcode_texts() -> Vec<Seed> {
    let files = files_in(&repository().join("filetests")).into_iter();
    let files = files.filter(|path| has_extension(path, "vcode"));
    // What stands before the first function is for the test runner.
    let functions = |mut seed: Seed| {
        let text = String::from_utf8_lossy(&seed.bytes);
        let start = text.find("\nvcode").unwrap_or(0);
        seed.bytes.drain(..start);
        seed
    };
    let mut seeds: Vec<_> = files.filter_map(read).map(functions).collect();
    let settings = Settings::default();
    for (name, module) in examples() {
        for (_, function) in module.functions() {
            if let Ok(vcode) = lower_function(function, &settings) {
                let text = print_vcode(&function.name, &vcode);
                let name = format!("{name}, {}", function.name);
                let bytes = text.into_bytes();
                seeds.push(Seed { name, bytes });
            }
        }
    }
    seeds
}

/// One encoding of each instruction, and all halfwords, behind the set of all extensions.
pub fn encodings() -> Vec<Seed> {
    let words = Opcode::ALL
        .iter()
        .flat_map(|opcode| opcode.bits().to_le_bytes());
    let halfwords = (0..=u16::MAX).filter(|half| half & 3 != 3);
    let halfwords = halfwords.flat_map(u16::to_le_bytes);
    let all = [0xff; 4].into_iter();
    let seed = |name: &str, bytes: Vec<u8>| Seed {
        name: name.to_owned(),
        bytes,
    };
    vec![
        seed("all opcodes", all.clone().chain(words).collect()),
        seed("all halfwords", all.chain(halfwords).collect()),
    ]
}

/// The examples as executables and as objects.
pub fn elf_files() -> Vec<Seed> {
    let settings = Settings::default();
    let objects = compiled_examples(&settings)
        .into_iter()
        .flat_map(|(name, module, compiled)| {
            let object = write_object(
                &module,
                &compiled,
                &ObjectOptions {
                    extensions: settings.extensions,
                    sections_by_name: false,
                    unwind_tables: true,
                    trap_table: true,
                    source: None,
                },
            );
            let options = ExecutableOptions {
                stack: Stack::Reserved(1 << 12),
                ..ExecutableOptions::default()
            };
            let executable = link_executable(&module, &compiled, &settings, &options, &|_| None);
            [object.ok(), executable.ok()]
                .into_iter()
                .flatten()
                .map(move |bytes| {
                    let name = name.clone();
                    Seed { name, bytes }
                })
        });
    objects.collect()
}

/// The code of the functions of the examples, behind the set of all extensions and a number.
pub fn machine_code() -> Vec<Seed> {
    let examples = compiled_examples(&Settings::default()).into_iter();
    let functions = examples.flat_map(|(name, _, compiled)| {
        compiled.functions.into_iter().map(move |function| Seed {
            name: format!("{name}, {}", function.name),
            bytes: [[0xff; 4], [0; 4]]
                .concat()
                .into_iter()
                .chain(function.code.buffer.bytes)
                .collect(),
        })
    });
    functions.collect()
}

fn examples() -> Vec<(String, Module)> {
    let files = files_in(&repository().join("examples")).into_iter();
    let seeds = files
        .filter(|path| has_extension(path, "clif"))
        .filter_map(read);
    let modules = seeds.filter_map(|seed| {
        let module = parse_module(&String::from_utf8_lossy(&seed.bytes)).ok()?;
        Some((seed.name, module))
    });
    modules.collect()
}

fn compiled_examples(settings: &Settings) -> Vec<(String, Module, CompiledModule)> {
    let compiled = examples().into_iter().filter_map(|(name, module)| {
        let compiled = compile_module(&module, settings).ok()?;
        Some((name, module, compiled))
    });
    compiled.collect()
}

/// All files in a folder and the folders in it, in the order of their names.
pub(super) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

pub(super) fn read(path: PathBuf) -> Option<Seed> {
    let bytes = fs::read(&path).ok()?;
    let name = path.display().to_string();
    Some(Seed { name, bytes })
}
