//! Source files: reading them as modules, and pointing at places in them.
//!
//! A file in the binary form is taken for the text that its module prints as, so that messages can show lines of it.

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::failure::Failure;
use crate::input::{display_name, read_bytes, source_text};
use crate::pipeline::timed;
use lpc_harness::ProgramError;
use lpc_link::LinkError;
use lpc_lpir::entity::{PrimaryMap, SecondaryMap};
use lpc_lpir::ir::{
    AnyEntity, DataId, ExternalName, FuncId, GlobalValueData, Inst, InstructionData, Module,
    SourceLoc,
};
use lpc_lpir::text::{Location, Outcome, SourceMap, TestFile, TestFunction, parse_test};
use lpc_lpir::verifier::verify_module;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

/// A source file.
pub(crate) struct Source {
    /// What it is called in messages.
    name: String,
    text: String,
}

/// A source file whose functions passed the verifier.
pub(crate) struct SourceModule {
    source: Source,
    pub(crate) module: Module,
    /// How long reading the text took.
    pub(crate) parse_time: Duration,
    /// How long verifying the module took.
    pub(crate) verify_time: Duration,
    maps: SecondaryMap<FuncId, Option<SourceMap>>,
    data_locations: PrimaryMap<DataId, Location>,
}

impl SourceModule {
    /// Reads and verifies the file `path`, or the standard input if that is `-`.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::parse(path, read_bytes(path)?)
    }

    /// Reads and verifies `bytes`, the content of the file `path`.
    pub(crate) fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self, Failure> {
        let source = Source {
            name: display_name(path),
            text: source_text(path, bytes)?,
        };
        let mut parse_time = Duration::ZERO;
        let file = match timed(&mut parse_time, || parse_test(&source.text)) {
            Ok(file) => file,
            Err(error) => {
                let error = source.diagnostic(error.location, error.message);
                return Err(source.failure(vec![error]));
            }
        };
        let TestFile {
            mut module,
            data_locations,
            functions,
            ..
        } = file;
        let mut maps = SecondaryMap::new();
        let errors = source.add_functions(functions, &mut module, &mut maps);
        if !errors.is_empty() {
            return Err(source.failure(errors));
        }
        let mut result = Self {
            source,
            module,
            parse_time,
            verify_time: Duration::ZERO,
            maps,
            data_locations,
        };
        let mut verify_time = Duration::ZERO;
        timed(&mut verify_time, || result.verify())?;
        result.verify_time = verify_time;
        Ok(result)
    }

    /// What the file is called in messages.
    pub(crate) fn name(&self) -> &str {
        &self.source.name
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> &str {
        &self.source.text
    }

    /// Checks the module, and fails with all that is wrong with it.
    fn verify(&self) -> Result<(), Failure> {
        let Err(errors) = verify_module(&self.module) else {
            return Ok(());
        };
        let mut diagnostics = Vec::new();
        for function in errors.0 {
            for error in function.errors.0 {
                let location = self.location(function.function, error.location);
                let location = location.unwrap_or(Location::START);
                diagnostics.push(self.diagnostic(location, error.message));
            }
        }
        diagnostics.sort_by_key(|error| error.span.start);
        Err(self.failure(diagnostics))
    }

    /// Where `entity` of the function `id` stands in the text. A value has no place of its own: the function has.
    pub(crate) fn location(&self, id: FuncId, entity: AnyEntity) -> Option<Location> {
        let map = self.maps[id].as_ref()?;
        let function = || map.location(AnyEntity::Function);
        map.location(entity).or_else(function)
    }

    /// Makes the number of each instruction its source location, so that addresses of code can be traced back to instructions.
    pub(crate) fn number_instructions(&mut self) {
        let ids: Vec<_> = self.module.functions().map(|(id, _)| id).collect();
        for id in ids {
            let function = self.module.function_mut(id);
            for block in function.layout.blocks() {
                for inst in function.layout.block_insts(block) {
                    function.srclocs[inst] = SourceLoc::new(inst.as_u32());
                }
            }
        }
    }

    /// The instruction whose source location, given by [`Self::number_instructions`], is `srcloc`.
    pub(crate) fn instruction(&self, srcloc: SourceLoc) -> Option<Inst> {
        (!srcloc.is_default()).then(|| Inst::from_u32(srcloc.bits()))
    }

    /// `message` about a place.
    pub(crate) fn diagnostic(&self, location: Location, message: String) -> Diagnostic {
        self.source.diagnostic(location, message)
    }

    /// The failure that `errors` are.
    pub(crate) fn failure(&self, errors: Vec<Diagnostic>) -> Failure {
        self.source.failure(errors)
    }

    /// The failure to link the module: names without a definition are shown where they are used first.
    pub(crate) fn link_failure(&self, error: &LinkError) -> Failure {
        let LinkError::Undefined(symbols) = error else {
            return Failure::message(error);
        };
        let places: Option<Vec<_>> = symbols
            .iter()
            .map(|symbol| {
                let location = self.first_use(&symbol.referenced_by, &symbol.name)?;
                Some(self.diagnostic(location, format!("{} is not defined", symbol.name)))
            })
            .collect();
        places.map_or_else(|| Failure::message(error), |errors| self.failure(errors))
    }

    /// The failure to make the module a program.
    pub(crate) fn load_failure(&self, error: &ProgramError) -> Failure {
        match error {
            ProgramError::Link(error) => self.link_failure(error),
            _ => Failure::message(error),
        }
    }

    /// Where the function `user` refers to the function or symbol `name` first, or where `user` is defined when it is data.
    fn first_use(&self, user: &ExternalName, name: &ExternalName) -> Option<Location> {
        if let Some(data) = self.module.find_data(user) {
            return Some(self.data_locations[data]);
        }
        let id = self.module.find(user)?;
        let func = self.module.function(id);
        let blocks = func.layout.blocks();
        let mut insts = blocks.flat_map(|block| func.layout.block_insts(block));
        let inst = insts.find(|&inst| match *func.dfg.inst(inst) {
            InstructionData::Call { func_ref, .. } | InstructionData::FuncAddr { func_ref, .. } => {
                func.dfg.ext_funcs[func_ref].name == *name
            }
            InstructionData::UnaryGlobalValue { global_value, .. } => {
                matches!(&func.global_values[global_value], GlobalValueData::Symbol { name: symbol, .. } if symbol == name)
            }
            _ => false,
        });
        self.location(id, inst.map_or(AnyEntity::Function, AnyEntity::Inst))
    }

    /// The name of the file and a place in it, as in error messages.
    pub(crate) fn display_location(&self, location: Location) -> String {
        format!("{}:{location}", self.source.name)
    }
}

impl Source {
    /// Adds all of `functions` to `module`, and returns what is wrong with them.
    fn add_functions(
        &self,
        functions: Vec<TestFunction<'_>>,
        module: &mut Module,
        maps: &mut SecondaryMap<FuncId, Option<SourceMap>>,
    ) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        for function in functions {
            match function.outcome {
                Outcome::Parsed(parsed) => match module.add_function(parsed.function) {
                    Ok(id) => {
                        module.set_linkage(id, function.linkage);
                        maps[id] = Some(parsed.source_map);
                    }
                    Err(error) => {
                        errors.push(self.diagnostic(function.location, error.to_string()))
                    }
                },
                Outcome::Skipped(reason) => {
                    errors.push(self.diagnostic(reason.location, reason.message));
                }
            }
        }
        errors
    }

    fn diagnostic(&self, location: Location, message: String) -> Diagnostic {
        Diagnostic {
            span: word_at(&self.text, location),
            message,
        }
    }

    fn failure(&self, errors: Vec<Diagnostic>) -> Failure {
        Failure::from(Diagnostics {
            name: self.name.clone(),
            text: self.text.clone(),
            errors,
        })
    }
}

/// The bytes of the word that starts at `location`, at least one character if there is one.
fn word_at(text: &str, location: Location) -> Range<usize> {
    let lines = text.split_inclusive('\n');
    let skipped = location.line.saturating_sub(1) as usize;
    let line_start: usize = lines.clone().take(skipped).map(str::len).sum();
    let line = lines.clone().nth(skipped).unwrap_or_default();
    let line = line.trim_end_matches(['\n', '\r']);
    let column = location.column.saturating_sub(1) as usize;
    let (start, first) = line
        .char_indices()
        .nth(column)
        .map_or((line.len(), 0), |(start, first)| (start, first.len_utf8()));
    let word = line[start..]
        .find(|character: char| !(character.is_alphanumeric() || "_.%:".contains(character)))
        .unwrap_or(line.len() - start);
    let start = line_start + start;
    start..start + word.max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_by_line_and_column() {
        let text = "ab cd\r\n\té %x1(v2)\n";
        let word = |line, column| &text[word_at(text, Location { line, column })];
        assert_eq!(word(1, 1), "ab");
        assert_eq!(word(1, 4), "cd");
        assert_eq!(word(2, 2), "é");
        assert_eq!(word(2, 4), "%x1");
        assert_eq!(word(2, 7), "(");
        assert_eq!(word(2, 50), "");
        assert_eq!(word(9, 9), "");
    }
}
