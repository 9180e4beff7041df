//! `test cat`: what is read prints as the directives say, and what was printed reads and prints as the same.
//!
//! Functions are tested one by one, each with the directives behind it. A file with data, linkage or imports is tested as a whole,
//! with all directives of the file.

use crate::check::check_directives;
use crate::program::add_function;
use crate::subtest::{Session, SubTest, for_each_function};
use lpc_lpir::ir::{ExternalName, Function, GlobalValueData, Linkage};
use lpc_lpir::text::{ParseError, TestFile, parse_functions, parse_module};

/// `test cat`.
pub(crate) struct TestCat;

impl SubTest for TestCat {
    fn run(&self, file: &TestFile<'_>, session: &mut Session<'_>) {
        if is_module(file) {
            return test_module(file, session);
        }
        for_each_function(file, session, |function, parsed, session| {
            let printed = parsed.function.to_string();
            let comments = file.preamble_comments.iter().chain(&function.comments);
            let names = user_names(&parsed.function);
            let texts =
                comments.map(|comment| (comment.location, with_names(comment.text, &names)));
            let texts: Vec<_> = texts.collect();
            let directives = texts.iter().map(|(location, text)| (*location, &**text));
            let checked = check_directives(&printed, directives)
                .and_then(|()| check_fixpoint(&parsed.function, &printed));
            match checked {
                Ok(()) => session.report.pass(),
                Err(what) => session.report.fail(
                    function.location.line,
                    format_args!("{}: {what}", function.name),
                ),
            }
        });
    }
}

/// Whether `file` has more than functions.
fn is_module(file: &TestFile<'_>) -> bool {
    let mut functions = file.functions.iter();
    file.module.data_objects().next().is_some()
        || !file.module.imports().is_empty()
        || functions.any(|function| function.linkage == Linkage::Local)
}

/// Prints all that `file` holds, which counts as one test.
fn test_module(file: &TestFile<'_>, session: &mut Session<'_>) {
    let mut module = file.module.clone();
    for_each_function(file, session, |function, parsed, session| {
        if let Err(error) = add_function(&mut module, function, parsed) {
            session.report.fail(function.location.line, error);
        }
    });
    let printed = module.to_string();
    let behind_functions = file
        .functions
        .iter()
        .flat_map(|function| &function.comments);
    let comments = file.preamble_comments.iter().chain(behind_functions);
    let directives = comments.map(|comment| (comment.location, comment.text));
    let checked = check_directives(&printed, directives).and_then(|()| {
        let again = parse_module(&printed).map_err(|error| unreadable(&error, &printed))?;
        match again.to_string() {
            again if again == printed => Ok(()),
            again => Err(format!(
                "what is printed is read as another module\n{printed}\n{again}"
            )),
        }
    });
    match checked {
        Ok(()) => session.report.pass(),
        Err(what) => session.report.fail(1, what),
    }
}

/// The names of the form `u0:1` in the declarations of `function`, each once, in order.
fn user_names(function: &Function) -> Vec<&ExternalName> {
    let symbols = function
        .global_values
        .values()
        .filter_map(|data| match data {
            GlobalValueData::Symbol { name, .. } => Some(name),
            _ => None,
        });
    let functions = function.dfg.ext_funcs.values().map(|data| &data.name);
    let mut names = Vec::new();
    for name in symbols.chain(functions) {
        if matches!(name, ExternalName::User { .. }) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// `directive` with the names themselves in place of `userextname0` and so on, which is how Cranelift prints the names of the
/// form `u0:1` in a function by itself.
fn with_names(directive: &str, names: &[&ExternalName]) -> String {
    let mut directive = directive.to_owned();
    // From the last on: `userextname1` is the start of `userextname10`.
    for (index, name) in names.iter().enumerate().rev() {
        directive = directive.replace(&format!("userextname{index}"), &name.to_string());
    }
    directive
}

/// Reads and prints again what `function` printed as.
fn check_fixpoint(function: &Function, printed: &str) -> Result<(), String> {
    let read = parse_functions(printed).map_err(|error| unreadable(&error, printed))?;
    match read.as_slice() {
        [read] if read.to_string() == printed => Ok(()),
        [read] => Err(format!(
            "what is printed is read as another function\n{printed}\n{read}"
        )),
        _ => Err(format!("{} prints as several functions", function.name)),
    }
}

fn unreadable(error: &ParseError, printed: &str) -> String {
    format!(
        "what is printed cannot be read\n{}",
        error.in_text("", printed)
    )
}
