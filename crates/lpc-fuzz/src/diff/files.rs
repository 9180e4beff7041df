//! Programs from files instead of random ones.

use crate::error::Error;
use crate::program::TestProgram;
use lpc_lpir::ir::{
    DataObject, DataValue, Definition, ExternalName, FuncId, Function, GlobalValueData, Module,
};
use lpc_lpir::text::{Comment, Outcome, TestFile, TestFunction, parse_run_command, parse_test};
use lpc_lpir::verifier::verify_module;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The programs of a file: one for each of its functions, with what it refers to.
#[derive(Clone, Debug, Default)]
pub struct FilePrograms {
    /// The programs.
    pub programs: Vec<TestProgram>,
    /// The functions that cannot be called by themselves, and why.
    pub skipped: Vec<(ExternalName, String)>,
}

/// The programs of the file at `path`. They are called with the arguments of the directives of the file and, where a function has
/// none, with `inputs` random ones.
///
/// # Errors
/// When the file cannot be read, or is not a module that the verifier accepts.
pub fn programs_of_file(path: &Path, inputs: usize) -> Result<FilePrograms, Error> {
    let text = fs::read_to_string(path).map_err(|error| Error::File(path.to_owned(), error))?;
    let wrong = |what: String| Error::Lpc(format!("{}: {what}", path.display()));
    let file = parse_test(&text).map_err(|error| wrong(error.to_string()))?;
    let module = module_of(&file).map_err(wrong)?;
    let mut found = FilePrograms::default();
    for function in &file.functions {
        let name = &function.name;
        match part_for(&module, name) {
            Ok(part) => found.programs.push(TestProgram {
                inputs: inputs_of(function, &part, inputs),
                module: part,
                entry: name.clone(),
            }),
            Err(what) => found.skipped.push((name.clone(), what)),
        }
    }
    Ok(found)
}

/// The functions of `file` that could be read, and its data.
fn module_of(file: &TestFile<'_>) -> Result<Module, String> {
    let mut module = file.module.clone();
    for function in &file.functions {
        if let Outcome::Parsed(parsed) = &function.outcome {
            let id = module.add_function(parsed.function.clone());
            let id = id.map_err(|error| error.to_string())?;
            module.set_linkage(id, function.linkage);
        }
    }
    verify_module(&module).map_err(|errors| errors.to_string())?;
    Ok(module)
}

/// The function `entry` of `module` with all that it refers to.
fn part_for(module: &Module, entry: &ExternalName) -> Result<Module, String> {
    let mut wanted = BTreeSet::new();
    let mut next = vec![entry.clone()];
    while let Some(name) = next.pop() {
        let names = match module.definition(&name) {
            Some(Definition::Function(id)) => names_in_function(module.function(id)),
            Some(Definition::Data(id)) => names_in_data(module.data(id)),
            Some(Definition::Import(_)) | None => return Err(format!("{name} is not defined")),
        };
        if wanted.insert(name) {
            next.extend(names);
        }
    }
    const DIFFERENT: &str = "the names in a module are different";
    let mut part = Module::new();
    for (_, data) in module.data_objects() {
        if wanted.contains(&data.name) {
            part.add_data(data.clone()).expect(DIFFERENT);
        }
    }
    for (id, function) in module.functions() {
        if wanted.contains(&function.name) {
            let added: FuncId = part.add_function(function.clone()).expect(DIFFERENT);
            part.set_linkage(added, module.linkage(id));
        }
    }
    Ok(part)
}

fn names_in_function(function: &Function) -> Vec<ExternalName> {
    let functions = function.dfg.ext_funcs.values();
    let functions = functions.map(|data| data.name.clone());
    let symbols = function.global_values.values();
    let symbols = symbols.filter_map(|value| match value {
        GlobalValueData::Symbol { name, .. } => Some(name.clone()),
        _ => None,
    });
    functions.chain(symbols).collect()
}

fn names_in_data(data: &DataObject) -> Vec<ExternalName> {
    let targets = data.relocs.iter();
    targets.map(|reloc| reloc.target.clone()).collect()
}

/// The arguments of the directives of `function`, which is in `module`, or random ones.
fn inputs_of(function: &TestFunction<'_>, module: &Module, inputs: usize) -> Vec<Vec<DataValue>> {
    let id = module.find(&function.name);
    let id = id.expect("the module was made for this function");
    let signature = &module.function(id).signature;
    let arguments_of = |comment: &Comment<'_>| {
        let command = parse_run_command(comment.content(), signature).ok()??;
        Some(command.invocation().args.clone())
    };
    let stated: Vec<_> = function.comments.iter().filter_map(arguments_of).collect();
    if !stated.is_empty() {
        return stated;
    }
    let mut random = fastrand::Rng::with_seed(0);
    let types = signature.params.iter().map(|param| param.value_type);
    let mut arguments = || {
        let values = types.clone();
        let values = values.map(|ty| DataValue::new(ty, random.u128(..)));
        values.collect()
    };
    (0..inputs).map(|_| arguments()).collect()
}
