//! Compiling with LLVM's code generator, which is a program: `llc`.
//!
//! It reads [text](super::llvm_ir) and writes an object file. A module has so many copies of the functions that starting the process
//! weighs little, and what remains of that, the time for an empty module, is subtracted. Reading the text cannot be told apart from
//! compiling it, and stays.

use super::corpus::Corpus;
use super::llvm_ir::module;
use crate::tools::{LLC, MissingTool, run, time_of_children};
use crate::{Error, Result};
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

/// The levels at which it is timed: with its fastest register allocator, and with its best, without an optimizer before it.
pub(super) const LEVELS: [&str; 2] = ["-O0", "-O2"];

/// The machine that lpc compiles for too, and no checks, as the other compilers make none.
const OPTIONS: &[&str] = &[
    "-mtriple=riscv32",
    "-mattr=+m,+a,+c",
    "-filetype=obj",
    "-disable-verify",
];

/// How many instructions, counted before their translation, a module has at least.
const LEAST_INSTS: usize = 40_000;
const QUICK_LEAST_INSTS: usize = 10_000;

/// How often each module is compiled. The least time counts.
const RUNS: u32 = 3;

/// `llc`, with a folder for its files.
pub(super) struct Llc {
    folder: TempDir,
    least_insts: usize,
    /// What an empty module takes at each of [`LEVELS`].
    at_rest: [Duration; LEVELS.len()],
}

impl Llc {
    /// With files in a new folder, which is removed with it; or why there is no `llc`. `quick` compiles smaller modules.
    ///
    /// # Errors
    /// When files cannot be made.
    pub(super) fn new(quick: bool) -> Result<Result<Self, MissingTool>> {
        if let Err(missing) = LLC.check() {
            return Ok(Err(missing));
        }
        let folder = tempfile::tempdir();
        let folder = folder.map_err(|error| Error::file(&std::env::temp_dir(), error))?;
        let mut llc = Self {
            folder,
            least_insts: if quick {
                QUICK_LEAST_INSTS
            } else {
                LEAST_INSTS
            },
            at_rest: [Duration::ZERO; LEVELS.len()],
        };
        llc.at_rest = llc.time_module("")?;
        Ok(Ok(llc))
    }

    /// The processor time that compiling each function of `corpus` once takes, together, at each of [`LEVELS`].
    ///
    /// # Errors
    /// When there is something in a function that is not translated, or `llc` fails.
    pub(super) fn time(&self, corpus: &Corpus) -> Result<[Duration; LEVELS.len()]> {
        let functions = corpus.functions.iter();
        let num_insts: usize = functions.clone().map(|function| function.num_insts).sum();
        let copies = self.least_insts.div_ceil(num_insts.max(1));
        let text = module(functions.map(|function| &function.ours), copies)?;
        let mut times = self.time_module(&text)?;
        for (time, at_rest) in times.iter_mut().zip(self.at_rest) {
            *time = time.saturating_sub(at_rest) / copies as u32;
        }
        Ok(times)
    }

    /// The processor time of the process, at each of [`LEVELS`], for the module `text`.
    fn time_module(&self, text: &str) -> Result<[Duration; LEVELS.len()]> {
        let [input, output] = ["module.ll", "module.o"].map(|name| self.folder.path().join(name));
        fs::write(&input, text).map_err(|error| Error::file(&input, error))?;
        let mut times = [Duration::MAX; LEVELS.len()];
        for _ in 0..RUNS {
            for (level, least) in LEVELS.iter().zip(&mut times) {
                let mut command = LLC.command();
                command.args(OPTIONS).arg(level).arg(&input);
                let start = time_of_children();
                run(command.arg("-o").arg(&output))?;
                *least = (time_of_children() - start).min(*least);
            }
        }
        Ok(times)
    }
}

#[cfg(test)]
mod tests {
    use super::super::generate::{Shape, generate};
    use super::super::llvm_ir::module;
    use crate::tools::{LLC, run};
    use lpc_lpir::text::parse_functions;
    use std::fs;

    /// With the checks that are left out where it is timed.
    #[test]
    fn llc_takes_generated_functions_of_all_shapes() {
        if let Err(missing) = LLC.check() {
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            println!("skipped: {missing}");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let [input, output] = ["module.ll", "module.o"].map(|name| folder.path().join(name));
        for shape in Shape::ALL {
            let functions = parse_functions(&generate(shape, 1_000, 7)).unwrap();
            fs::write(&input, module(functions.iter(), 2).unwrap()).unwrap();
            let mut command = LLC.command();
            command.args(["-mtriple=riscv32", "-filetype=obj", "-o"]);
            run(command.args([&output, &input])).unwrap();
        }
    }
}
