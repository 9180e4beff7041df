//! A program that is being edited.

use super::Edit;
use super::renumber::renumbered;
use crate::program::TestProgram;
use lpc_lpir::entity::PrimaryMap;
use lpc_lpir::ir::{
    DataId, DataObject, DataValue, ExternalName, FuncId, Function, Import, Inst, Linkage, Module,
};
use lpc_lpir::verifier::verify_module;

/// A program taken apart, so that its parts can be removed. It need not be valid.
///
/// Functions and data keep their numbers while others are removed.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) functions: PrimaryMap<FuncId, Option<Function>>,
    pub(super) local_functions: Vec<FuncId>,
    pub(super) data: PrimaryMap<DataId, Option<DataObject>>,
    pub(super) imports: Vec<Import>,
    pub(super) entry: ExternalName,
    pub(super) inputs: Vec<Vec<DataValue>>,
}

/// What is left out when a draft becomes a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sweep {
    /// Instructions whose results nobody uses and that do nothing else, and blocks that cannot be reached.
    Unused,
    /// Only what the text form has no place for: entities that are in no block, and aliases.
    Nothing,
}

impl Draft {
    pub(super) fn new(program: &TestProgram) -> Self {
        let module = &program.module;
        let mut functions = PrimaryMap::new();
        let mut local_functions = Vec::new();
        for (id, function) in module.functions() {
            functions.push(Some(function.clone()));
            if module.linkage(id) == Linkage::Local {
                local_functions.push(id);
            }
        }
        let mut data = PrimaryMap::new();
        for (_, object) in module.data_objects() {
            data.push(Some(object.clone()));
        }
        Self {
            functions,
            local_functions,
            data,
            imports: module.imports().to_vec(),
            entry: program.entry.clone(),
            inputs: program.inputs.clone(),
        }
    }

    /// The program, if it is valid. All entities are numbered in the order in which they stand.
    pub(super) fn program(&self, sweep: Sweep) -> Option<TestProgram> {
        let mut module = Module::new();
        for import in &self.imports {
            module.add_import(import.clone()).ok()?;
        }
        for object in self.data.values().flatten() {
            module.add_data(object.clone()).ok()?;
        }
        for (id, function) in self.functions.iter() {
            let Some(function) = function else { continue };
            let id_in_module = module.add_function(renumbered(function, sweep)?).ok()?;
            if self.local_functions.contains(&id) {
                module.set_linkage(id_in_module, Linkage::Local);
            }
        }
        module.find(&self.entry)?;
        verify_module(&module).ok()?;
        Some(TestProgram {
            module,
            entry: self.entry.clone(),
            inputs: self.inputs.clone(),
        })
    }

    /// The functions that are left.
    pub(super) fn functions(&self) -> impl Iterator<Item = (FuncId, &Function)> {
        let functions = self.functions.iter();
        functions.filter_map(|(id, function)| Some((id, function.as_ref()?)))
    }

    pub(super) fn function_mut(&mut self, id: FuncId) -> Option<&mut Function> {
        self.functions[id].as_mut()
    }

    /// All instructions, with their functions, in order.
    pub(super) fn insts(&self) -> impl Iterator<Item = (FuncId, &Function, Inst)> {
        self.functions().flat_map(|(id, function)| {
            let blocks = function.layout.blocks();
            let insts = blocks.flat_map(|block| function.layout.block_insts(block));
            insts.map(move |inst| (id, function, inst))
        })
    }
}

/// An edit of one function, which does nothing if the function is no longer there.
pub(super) fn edit_function(id: FuncId, edit: impl Fn(&mut Function) -> bool + 'static) -> Edit {
    Box::new(move |draft| draft.function_mut(id).is_some_and(&edit))
}
