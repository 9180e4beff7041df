//! The compiler on the chip, beside Cranelift: flash, heap, stack and executed instructions.
//!
//! Programs of the workspace in `firmware/` are built, and executed by QEMU as a whole machine. Each holds one configuration of a compiler,
//! builds functions there, the same in all of them, and prints what compiling each of them takes. QEMU counts instructions, so that all
//! numbers repeat exactly. Flash is what a program has in it, without what the same program has that holds no compiler. All have the same
//! core library: one that is built for size, where its source is installed.

mod flash;
mod machine;
mod present;
mod program;

use crate::report::Report;
use crate::tools::QEMU_SYSTEM;
use crate::{Error, Result};
use flash::Flash;
use machine::Measurement;
use program::{
    CRANELIFT, LPC_FULL, LPC_OPTIMIZING, LPC_PASSES, LPC_SMALLEST, Library, NOTHING, Program,
};

/// What is known of a program.
struct Measured {
    program: Program,
    /// What it takes of the flash, without what is no compiler.
    flash: Flash,
    /// What compiling takes, function by function.
    functions: Vec<Measurement>,
}

/// Measures all configurations; those of Cranelift and our passes one by one unless it is to be `quick`.
///
/// # Errors
/// When there is no QEMU, or lpc cannot be built for the chip.
pub fn run(quick: bool) -> Result<Report> {
    QEMU_SYSTEM
        .check()
        .map_err(|missing| Error::Other(missing.to_string()))?;
    let library = Library::smallest();
    let nothing = Flash::read(&NOTHING.build(library)?)?;
    let ours = [LPC_SMALLEST, LPC_OPTIMIZING, LPC_FULL]
        .map(|program| measure(program, library, &nothing))
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let passes = match quick {
        true => Vec::new(),
        false => machine::run(&LPC_PASSES.build(library)?)?,
    };
    let theirs = match quick {
        true => Err("left out".to_owned()),
        // Its need of a compiler is another one.
        false => measure(CRANELIFT, library, &nothing).map_err(|error| {
            anstream::eprintln!("{}: {error}", CRANELIFT.name);
            "cannot be built".to_owned()
        }),
    };
    Ok(present::present(library, &ours, &passes, &theirs))
}

fn measure(program: Program, library: Library, nothing: &Flash) -> Result<Measured> {
    let executable = program.build(library)?;
    Ok(Measured {
        program,
        flash: Flash::read(&executable)?.without(nothing),
        functions: machine::run(&executable)?,
    })
}
