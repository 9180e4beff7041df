//! What compressed instructions save, for each example: their code takes at most three quarters of what it takes without.
//!
//! ```sh
//! cargo test -p lpc-filetests --test code_size -- --nocapture
//! ```
//!
//! prints the sizes.

use lpc_codegen::{OptLevel, Settings, compile_module};
use lpc_link::Linker;
use lpc_lpir::ir::{ExternalName, Module};
use lpc_lpir::text::parse_module;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the image is, and the functions of the host: too far away for short calls.
const BASE: u32 = 0x4200_0000;
const HOST: u32 = 0x4000_0100;

/// The bytes of code with and without compressed instructions.
#[derive(Clone, Copy, Default)]
struct Sizes {
    without: u32,
    with: u32,
}

impl Sizes {
    fn of(module: &Module) -> Self {
        Self {
            without: code_size(module, "rv32ima"),
            with: code_size(module, "rv32imac"),
        }
    }

    fn ratio(self) -> f64 {
        f64::from(self.with) / f64::from(self.without)
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { without, with } = self;
        write!(f, "{without:>10}{with:>10}{:>10.3}", self.ratio())
    }
}

#[test]
fn compressed_code_takes_three_quarters_at_most() {
    let mut sizes = Vec::new();
    let mut total = Sizes::default();
    for path in examples() {
        let text = std::fs::read_to_string(&path).unwrap();
        let of_example = Sizes::of(&parse_module(&text).unwrap());
        total.without += of_example.without;
        total.with += of_example.with;
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        sizes.push((name, of_example));
    }
    sizes.push(("total".to_owned(), total));
    println!(
        "{:<14}{:>10}{:>10}{:>10}",
        "", "rv32ima", "rv32imac", "ratio"
    );
    for (name, sizes) in &sizes {
        println!("{name:<14}{sizes}");
    }
    for (name, sizes) in &sizes {
        assert!(sizes.ratio() <= 0.75, "{name}: {:.3}", sizes.ratio());
    }
}

/// The bytes of the code of `module`, linked for a machine with the instruction set `march`.
fn code_size(module: &Module, march: &str) -> u32 {
    let settings = Settings {
        extensions: march.parse().unwrap(),
        linker_relaxation: true,
        ..Settings::for_level(OptLevel::Size)
    };
    let compiled = compile_module(module, &settings).unwrap();
    let mut linker = Linker::new();
    linker.add_module(module, &compiled).unwrap();
    let host = |_: &ExternalName| Some(HOST);
    let image = linker.link(BASE, &host).unwrap();
    image.sections().text.end
}

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let entries = folder.read_dir().unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 5, "{paths:?}");
    paths
}
