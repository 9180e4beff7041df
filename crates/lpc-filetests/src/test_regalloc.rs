//! `test regalloc`: virtual-register code with its allocation is the comment behind it.

use crate::attempt::catch_panic;
use crate::check::check_precise;
use crate::subtest::{Session, VCodeTest};
use crate::vcode_file::VCodeFile;
use lpc_codegen::backend::regalloc::run_validated;
use lpc_codegen::backend::vcode_text::print_allocated_vcode;

/// `test regalloc`.
pub(crate) struct TestRegalloc;

impl VCodeTest for TestRegalloc {
    fn run(&self, file: &VCodeFile<'_>, session: &mut Session<'_>) {
        let algorithm = session.configuration.settings.regalloc;
        for function in &file.functions {
            let (name, vcode) = (&function.name, &function.vcode);
            match catch_panic(|| run_validated(vcode, algorithm)) {
                Ok(Ok(allocation)) => {
                    let text = print_allocated_vcode(name, vcode, &allocation.output);
                    check_precise(&text, function.line, session);
                }
                Ok(Err(error)) => session
                    .report
                    .fail(function.line, format_args!("{name}: {error}")),
                Err(panic) => session
                    .report
                    .fail(function.line, format_args!("{name}: {panic}")),
            }
        }
    }
}
