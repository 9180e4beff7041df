//! `test emit`: the machine code that virtual-register code becomes is the comment behind it.

use crate::attempt::catch_panic;
use crate::check::check_precise;
use crate::machine_code::print_code;
use crate::subtest::{Session, VCodeTest};
use crate::vcode_file::VCodeFile;
use lpc_codegen::backend::regalloc::run_validated;
use lpc_codegen::backend::vcode_text::NamedVCode;
use lpc_codegen::isa::riscv32::inst::MInst;
use lpc_codegen::{Settings, emit_function};

/// `test emit`.
pub(crate) struct TestEmit;

impl VCodeTest for TestEmit {
    fn run(&self, file: &VCodeFile<'_>, session: &mut Session<'_>) {
        let settings = session.configuration.settings.clone();
        for function in &file.functions {
            let code = catch_panic(|| machine_code(function, &settings));
            match code.and_then(|code| code) {
                Ok(code) => check_precise(&code, function.line, session),
                Err(error) => session
                    .report
                    .fail(function.line, format_args!("{}: {error}", function.name)),
            }
        }
    }
}

fn machine_code(function: &NamedVCode<MInst>, settings: &Settings) -> Result<String, String> {
    let allocation = run_validated(&function.vcode, settings.regalloc);
    let allocation = allocation.map_err(|error| error.to_string())?;
    let code = emit_function(function.vcode.clone(), &allocation, settings);
    let code = code.map_err(|error| error.to_string())?;
    Ok(print_code(&code.buffer, settings.extensions))
}
