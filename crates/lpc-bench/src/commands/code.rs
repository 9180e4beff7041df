//! `lpc-bench code`.

use super::{Selection, count};
use clap::Args;
use lpc_bench::code::{Builder, CANDIDATES, MACHINES, compare, present, write_executable};
use lpc_bench::kernels::Kernel;
use lpc_bench::report::Report;
use lpc_bench::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Measures compiled code beside that of C compilers: executed instructions, bytes, and what the instructions are.
#[derive(Args)]
pub(crate) struct CodeArguments {
    #[command(flatten)]
    selection: Selection,
    /// Writes the executables to this folder and measures nothing.
    #[arg(long, value_name = "FOLDER")]
    executables: Option<PathBuf>,
}

pub(crate) fn run(arguments: &CodeArguments) -> Result<Report> {
    let kernels = arguments.selection.kernels();
    let builder = Builder::new()?;
    if let Some(folder) = &arguments.executables {
        write_executables(&builder, &kernels, folder)?;
        return Ok(Report::default());
    }
    let comparisons = MACHINES.map(|machine| {
        anstream::eprintln!("{machine}: {}", count(kernels.len(), "kernel"));
        compare(&builder, &kernels, machine)
    });
    let comparisons = comparisons.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(present(&comparisons))
}

/// Writes what can be built, as files `KERNEL.MACHINE.COMPILER.elf`.
fn write_executables(builder: &Builder, kernels: &[Kernel], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    for machine in MACHINES {
        for candidate in CANDIDATES {
            if let Err(missing) = candidate.check() {
                anstream::eprintln!("{candidate}: {missing}");
                continue;
            }
            for kernel in kernels {
                let compiler = candidate.to_string().replace(' ', "_");
                let path = folder.join(format!("{}.{machine}.{compiler}.elf", kernel.name));
                match builder.build(kernel, candidate, machine) {
                    Err(error @ (Error::CompilerCrash { .. } | Error::Tool { .. })) => {
                        anstream::eprintln!("warning: {error}");
                    }
                    executable => write_executable(&path, &executable?)?,
                }
            }
        }
    }
    Ok(())
}
