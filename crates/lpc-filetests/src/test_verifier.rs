//! `test verifier`: functions have exactly the errors that are stated beside them.
//!
//! ```text
//!     jump block3 ; error: invalid block reference block3
//! ```
//!
//! The error is about the part of the function that the comment stands behind, and its message contains the text. A function
//! without such a comment passes the verifier.
//!
//! Addresses of type `i64` are errors like others where the file names a target with pointers of 32 bits. A file that names
//! targets with pointers of 64 bits only is skipped.

use crate::program::add_function;
use crate::subtest::{Session, SubTest, for_each_function};
use lpc_lpir::ir::{ExternalName, Function, Inst, Type};
use lpc_lpir::text::{Comment, Outcome, TestFile, TestFunction, parse_test_with_wide_addresses};
use lpc_lpir::verifier::{VerifierError, verify_function, verify_module};
use std::collections::BTreeMap;
use std::fmt::Display;

/// `test verifier`.
pub(crate) struct TestVerifier;

impl SubTest for TestVerifier {
    fn run(&self, file: &TestFile<'_>, session: &mut Session<'_>) {
        if let Some(target) = session.configuration.wide_target().map(str::to_owned) {
            return skip_file(file, &target, session);
        }
        if !session.configuration.has_narrow_target() {
            return run_file(file, session);
        }
        match parse_test_with_wide_addresses(session.text) {
            Ok(file) => run_file(&file, session),
            Err(error) => session
                .report
                .fail_at(session.text, error.location, error.message),
        }
    }
}

fn run_file(file: &TestFile<'_>, session: &mut Session<'_>) {
    let mut in_module = errors_in_module(file);
    for_each_function(file, session, |function, parsed, session| {
        if let Some(inst) = wide_address(&parsed.function) {
            let what = format_args!(
                "{}: {inst} gives an address of type i64, which is an error here and none in Cranelift",
                function.name
            );
            return skip(function, what, session);
        }
        let errors = in_module
            .remove(&function.name)
            .unwrap_or_else(|| errors_alone(&parsed.function));
        test_function(function, errors, session);
    });
}

/// Skips all functions: their errors depend on the width of a pointer, and those of `target` are wide.
fn skip_file(file: &TestFile<'_>, target: &str, session: &mut Session<'_>) {
    for function in &file.functions {
        let what = format_args!(
            "{}: the errors are those of target {target}, with pointers of 64 bits",
            function.name
        );
        skip(function, what, session);
    }
}

/// Skips all that is stated about `function`.
fn skip(function: &TestFunction<'_>, what: impl Display, session: &mut Session<'_>) {
    let count = annotations(function).count().max(1) as u32;
    session.report.skip(function.location.line, count, what);
}

/// An instruction of `function` that gives an address of type `i64`.
fn wide_address(function: &Function) -> Option<Inst> {
    let blocks = function.layout.blocks();
    let mut insts = blocks.flat_map(|block| function.layout.block_insts(block));
    insts.find(|&inst| {
        let opcode = function.dfg.inst(inst).opcode();
        opcode.gives_address() && function.dfg.controlling_type(inst) == Some(Type::I64)
    })
}

/// The errors of each function in the module that the functions of `file` make. Of two functions with one name the first
/// counts.
fn errors_in_module(file: &TestFile<'_>) -> BTreeMap<ExternalName, Vec<VerifierError>> {
    let mut module = file.module.clone();
    let mut errors = BTreeMap::new();
    for function in &file.functions {
        if let Outcome::Parsed(parsed) = &function.outcome
            && add_function(&mut module, function, parsed).is_ok()
        {
            errors.insert(function.name.clone(), Vec::new());
        }
    }
    if let Err(found) = verify_module(&module) {
        for function in found.0 {
            errors.insert(function.name, function.errors.0);
        }
    }
    errors
}

fn errors_alone(function: &Function) -> Vec<VerifierError> {
    match verify_function(function) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.0,
    }
}

/// The comments of `function` that state an error, each with what its message contains.
fn annotations<'a>(
    function: &'a TestFunction<'a>,
) -> impl Iterator<Item = (&'a Comment<'a>, &'a str)> {
    let comments = function.comments.iter();
    comments.filter_map(|comment| Some((comment, comment.directive("error:")?)))
}

/// Compares the errors of `function` with its annotations.
fn test_function(
    function: &TestFunction<'_>,
    mut errors: Vec<VerifierError>,
    session: &mut Session<'_>,
) {
    let mut expects_errors = false;
    for (comment, text) in annotations(function) {
        expects_errors = true;
        let is_expected = |error: &VerifierError| {
            error.location == comment.entity && error.message.contains(text)
        };
        match errors.iter().position(is_expected) {
            Some(index) => {
                errors.remove(index);
                session.report.pass();
            }
            None => {
                let what = format_args!("no error at {} with `{text}`", comment.entity);
                session.report.fail(comment.location.line, what);
            }
        }
    }
    if !expects_errors && errors.is_empty() {
        session.report.pass();
    }
    for error in errors {
        let what = format_args!("unexpected error in {}: {error}", function.name);
        session.report.fail(function.location.line, what);
    }
}
