//! Prints what the functions of files become without optimizations: the size of the code, and a hash of all that a linker needs to know of
//! it. That must not depend on the features that this crate is built with; `.ci/run` compares.
//!
//! ```text
//! cargo run -p lpc-codegen --example plain_code -- filetests/run/*.clif
//! ```

use lpc_codegen::{OptLevel, RegallocAlgorithm, Settings, compile_function};
use lpc_lpir::ir::Function;
use lpc_lpir::text::{Outcome, parse_test};
use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    for path in env::args().skip(1) {
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let file = parse_test(&text).map_err(|error| format!("{path}: {error}"))?;
        for test in file.functions {
            if let Outcome::Parsed(parsed) = test.outcome {
                let function = &parsed.function;
                println!("{path}: {}: {}", function.name, describe(function));
            }
        }
    }
    Ok(())
}

/// What `function` becomes, or why it cannot be compiled.
fn describe(function: &Function) -> String {
    let settings = Settings {
        opt_level: OptLevel::None,
        regalloc: RegallocAlgorithm::SinglePass,
        ..Settings::default()
    };
    match compile_function(function, &settings) {
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
