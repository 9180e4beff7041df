//! Modules: functions that are compiled and linked together.

use super::entities::FuncId;
use super::extname::ExternalName;
use super::function::Function;
use crate::entity::PrimaryMap;
use alloc::collections::BTreeMap;
use core::fmt;

/// A set of functions with different names.
#[derive(Clone, Debug, Default)]
pub struct Module {
    functions: PrimaryMap<FuncId, Function>,
    by_name: BTreeMap<ExternalName, FuncId>,
}

/// Why a module cannot be built.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModuleError {
    /// Two functions have this name.
    DuplicateFunction(ExternalName),
}

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateFunction(name) => write!(f, "function {name} is defined twice"),
        }
    }
}

impl core::error::Error for ModuleError {}

impl Module {
    /// A module without functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `function`.
    ///
    /// # Errors
    /// When the module already has a function of that name.
    pub fn add_function(&mut self, function: Function) -> Result<FuncId, ModuleError> {
        if self.by_name.contains_key(&function.name) {
            return Err(ModuleError::DuplicateFunction(function.name));
        }
        let name = function.name.clone();
        let id = self.functions.push(function);
        self.by_name.insert(name, id);
        Ok(id)
    }

    /// The function that is called `name`.
    pub fn find(&self, name: &ExternalName) -> Option<FuncId> {
        self.by_name.get(name).copied()
    }

    /// The function `id`.
    pub fn function(&self, id: FuncId) -> &Function {
        &self.functions[id]
    }

    /// The function `id`, mutably. Its name must stay.
    pub fn function_mut(&mut self, id: FuncId) -> &mut Function {
        &mut self.functions[id]
    }

    /// All functions, in the order in which they were added.
    pub fn functions(&self) -> impl Iterator<Item = (FuncId, &Function)> {
        self.functions.iter()
    }

    /// The number of functions.
    pub fn len(&self) -> usize {
        self.functions.len()
    }

    /// Whether there are no functions.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Signature;

    #[test]
    fn functions_are_found_by_name_and_names_are_unique() {
        let function = |name| Function::new(ExternalName::symbol(name), Signature::default());
        let mut module = Module::new();
        let a = module.add_function(function("a")).unwrap();
        let b = module.add_function(function("b")).unwrap();
        assert_eq!(module.find(&ExternalName::symbol("b")), Some(b));
        assert_eq!(module.find(&ExternalName::symbol("c")), None);
        assert_eq!(module.function(a).name, ExternalName::symbol("a"));
        let error = module.add_function(function("a")).unwrap_err();
        assert_eq!(
            alloc::string::ToString::to_string(&error),
            "function %a is defined twice"
        );
    }
}
