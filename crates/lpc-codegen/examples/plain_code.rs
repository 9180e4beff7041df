//! Prints what the functions of files become without optimizations, on a few machines: the size of the code, and a hash of all that a linker
//! needs to know of it; and what the routines of the runtime become. That must not depend on the features that this crate is built with:
//! `.ci/run` compares.
//!
//! ```text
//! cargo run -p lpc-codegen --example plain_code -- filetests/run/*.clif
//! ```

use lpc_codegen::runtime::Routine;
use lpc_codegen::{OptLevel, RegallocAlgorithm, Settings, compile_function};
use lpc_lpir::ir::Function;
use lpc_lpir::text::{Outcome, parse_test};
use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::{env, fs};

/// The least that is compiled for, the chip, and a machine with all that makes code better.
const MACHINES: [&str; 3] = ["rv32im", "rv32imac", "rv32imac_zba_zbb_zbs_zbkb_zicond_zcb"];

fn main() -> Result<(), Box<dyn Error>> {
    let settings = settings()?;
    for path in env::args().skip(1) {
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let file = parse_test(&text).map_err(|error| format!("{path}: {error}"))?;
        for test in file.functions {
            if let Outcome::Parsed(parsed) = test.outcome {
                print(&path, &parsed.function, &settings);
            }
        }
    }
    for routine in Routine::ALL {
        print("runtime", &routine.function(), &settings);
    }
    Ok(())
}

/// The settings on each machine, as they are and with what changes code without making it better.
fn settings() -> Result<Vec<Settings>, Box<dyn Error>> {
    let mut all = Vec::new();
    for machine in MACHINES {
        for is_special in [false, true] {
            all.push(Settings {
                extensions: machine.parse()?,
                opt_level: OptLevel::None,
                regalloc: RegallocAlgorithm::SinglePass,
                single_hart: is_special,
                preserve_frame_pointers: is_special,
                ..Settings::default()
            });
        }
    }
    Ok(all)
}

fn print(place: &str, function: &Function, settings: &[Settings]) {
    for settings in settings {
        let what = describe(function, settings);
        println!(
            "{place}: {}: {}: {what}",
            function.name, settings.extensions
        );
    }
}

/// What `function` becomes, or why it cannot be compiled.
fn describe(function: &Function, settings: &Settings) -> String {
    match compile_function(function, settings) {
        Ok(compiled) => {
            let code = compiled.code.buffer;
            let mut hasher = DefaultHasher::new();
            code.bytes.hash(&mut hasher);
            format!("{:?}", (code.relocs, code.traps, code.call_sites)).hash(&mut hasher);
            format!("{} bytes, {:016x}", code.code_size, hasher.finish())
        }
        Err(error) => error.display(function).to_string(),
    }
}
