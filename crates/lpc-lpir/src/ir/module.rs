//! Modules: functions and data that are compiled and linked together.

use super::data_object::{DataObject, DataObjectError, Linkage, MAX_DATA_SIZE};
use super::entities::{DataId, FuncId};
use super::extname::{ExternalName, RESERVED_PREFIX};
use super::function::Function;
use super::import::{Import, ImportKind};
use super::signature::Signature;
use crate::entity::{PrimaryMap, SecondaryMap};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

/// Functions and data that are compiled and linked together, and what they say about those of other modules.
///
/// All of them share one name space: a name is a function, a datum or an import, and that once.
///
/// ```
/// use lpc_lpir::ir::{DataKind, DataObject, DataReloc, ExternalName, Linkage, Module};
///
/// let mut module = Module::new();
/// let text = ExternalName::symbol("text");
/// module.add_data(DataObject::new(text.clone(), DataKind::ReadOnly, 1, b"two words".to_vec()))?;
/// let mut second_word = DataObject::new(ExternalName::symbol("second_word"), DataKind::Writable, 4, vec![0; 4]);
/// second_word.relocs = vec![DataReloc { offset: 0, target: text, addend: 4 }];
/// second_word.linkage = Linkage::Local;
/// module.add_data(second_word)?;
/// assert_eq!(
///     module.to_string(),
///     "; data: %text readonly = { \"two words\" }\n; data: %second_word local align 4 = { %text+4 }\n"
/// );
/// # Ok::<(), lpc_lpir::ir::ModuleError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Module {
    functions: PrimaryMap<FuncId, Function>,
    linkage: SecondaryMap<FuncId, Linkage>,
    data: PrimaryMap<DataId, DataObject>,
    imports: Vec<Import>,
    by_name: BTreeMap<ExternalName, Named>,
    /// The sum of the footprints of all data objects.
    data_size: u64,
}

/// What a name of a module stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Named {
    Function(FuncId),
    Data(DataId),
    /// The import at this place of the list.
    Import(usize),
}

/// What is known in a module about a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Definition<'m> {
    /// It is a function of the module.
    Function(FuncId),
    /// It is a data object of the module.
    Data(DataId),
    /// It is defined elsewhere, and this is what it is said to be.
    Import(&'m ImportKind),
}

/// Why a module cannot be built.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModuleError {
    /// Two functions have this name.
    DuplicateFunction(ExternalName),
    /// A function, a data object or an import has the name of another one, this.
    DuplicateName(ExternalName),
    /// A data object or an import has this name, which belongs to the compiler.
    ReservedName(ExternalName),
    /// A data object is not well formed.
    BadData {
        /// Its name.
        name: Box<ExternalName>,
        /// What is wrong with it.
        error: DataObjectError,
    },
    /// With this data object there are more than [`MAX_DATA_SIZE`] bytes of data.
    TooMuchData(ExternalName),
}

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateFunction(name) => write!(f, "function {name} is defined twice"),
            Self::DuplicateName(name) => write!(f, "{name} is defined or imported twice"),
            Self::ReservedName(_) => {
                write!(f, "names that start with {RESERVED_PREFIX} are reserved")
            }
            Self::BadData { name, error } => write!(f, "data {name}: {error}"),
            Self::TooMuchData(name) => {
                write!(
                    f,
                    "data {name}: a module may have {MAX_DATA_SIZE} bytes of data, alignment included"
                )
            }
        }
    }
}

impl core::error::Error for ModuleError {}

impl Module {
    /// A module without functions and data.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `function`, which is exported.
    ///
    /// # Errors
    /// When the module already has something of that name.
    pub fn add_function(&mut self, function: Function) -> Result<FuncId, ModuleError> {
        if self.find(&function.name).is_some() {
            return Err(ModuleError::DuplicateFunction(function.name));
        }
        let id = self.functions.next_key();
        self.add_name(&function.name, Named::Function(id))?;
        Ok(self.functions.push(function))
    }

    /// Adds `data`.
    ///
    /// # Errors
    /// When the module already has something of that name, when the name is reserved or `data` is not well formed, and when the
    /// module then has more than [`MAX_DATA_SIZE`] bytes of data.
    pub fn add_data(&mut self, data: DataObject) -> Result<DataId, ModuleError> {
        check_not_reserved(&data.name)?;
        data.check().map_err(|error| error.of(data.name.clone()))?;
        let data_size = self.data_size + data.footprint();
        if data_size > u64::from(MAX_DATA_SIZE) {
            return Err(ModuleError::TooMuchData(data.name));
        }
        let id = self.data.next_key();
        self.add_name(&data.name, Named::Data(id))?;
        self.data_size = data_size;
        Ok(self.data.push(data))
    }

    /// Declares `import`.
    ///
    /// # Errors
    /// When the module already has something of that name, and when the name is reserved.
    pub fn add_import(&mut self, import: Import) -> Result<(), ModuleError> {
        check_not_reserved(&import.name)?;
        self.add_name(&import.name, Named::Import(self.imports.len()))?;
        self.imports.push(import);
        Ok(())
    }

    fn add_name(&mut self, name: &ExternalName, named: Named) -> Result<(), ModuleError> {
        if self.by_name.contains_key(name) {
            return Err(ModuleError::DuplicateName(name.clone()));
        }
        self.by_name.insert(name.clone(), named);
        Ok(())
    }

    /// What is known about `name`. `None` when it is neither defined nor imported: who links the module may know it.
    pub fn definition(&self, name: &ExternalName) -> Option<Definition<'_>> {
        Some(match *self.by_name.get(name)? {
            Named::Function(id) => Definition::Function(id),
            Named::Data(id) => Definition::Data(id),
            Named::Import(index) => Definition::Import(&self.imports[index].kind),
        })
    }

    /// The function that is called `name`.
    pub fn find(&self, name: &ExternalName) -> Option<FuncId> {
        match self.definition(name)? {
            Definition::Function(id) => Some(id),
            _ => None,
        }
    }

    /// The data object that is called `name`.
    pub fn find_data(&self, name: &ExternalName) -> Option<DataId> {
        match self.definition(name)? {
            Definition::Data(id) => Some(id),
            _ => None,
        }
    }

    /// The function `id`.
    pub fn function(&self, id: FuncId) -> &Function {
        &self.functions[id]
    }

    /// The function `id`, mutably. Its name must stay.
    pub fn function_mut(&mut self, id: FuncId) -> &mut Function {
        &mut self.functions[id]
    }

    /// Who may refer to the function `id`.
    pub fn linkage(&self, id: FuncId) -> Linkage {
        self.linkage[id]
    }

    /// States who may refer to the function `id`.
    pub fn set_linkage(&mut self, id: FuncId, linkage: Linkage) {
        self.linkage[id] = linkage;
    }

    /// The data object `id`.
    pub fn data(&self, id: DataId) -> &DataObject {
        &self.data[id]
    }

    /// All functions, in the order in which they were added.
    pub fn functions(&self) -> impl Iterator<Item = (FuncId, &Function)> {
        self.functions.iter()
    }

    /// All data objects, in the order in which they were added.
    pub fn data_objects(&self) -> impl Iterator<Item = (DataId, &DataObject)> {
        self.data.iter()
    }

    /// All imports that are declared, in the order in which they were added.
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// All functions that the module says something about: first those that it imports, then those that its functions declare,
    /// in order. Some may be there more than once, and some may be its own.
    pub fn declared_functions(&self) -> impl Iterator<Item = (&ExternalName, &Signature)> {
        let imported = self.imports.iter().filter_map(|import| match &import.kind {
            ImportKind::Function(signature) => Some((&import.name, signature)),
            ImportKind::Data => None,
        });
        let declared = self.functions.values().flat_map(|function| {
            let functions = function.dfg.ext_funcs.values();
            functions.map(|data| (&data.name, &function.dfg.signatures[data.signature]))
        });
        imported.chain(declared)
    }

    /// The functions of the module, each with who may refer to it, and its data objects, in the order in which they were added:
    /// for who is through with one when the next one comes, and gives its memory back.
    pub fn into_definitions(
        self,
    ) -> (
        impl Iterator<Item = (Function, Linkage)>,
        impl Iterator<Item = DataObject>,
    ) {
        let Self {
            functions,
            linkage,
            data,
            ..
        } = self;
        let functions = functions.keys().zip(functions.into_values());
        let functions = functions.map(move |(id, function)| (function, linkage[id]));
        (functions, data.into_values())
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

/// Checks that `name` is not that of a routine of the compiler's own. Those of functions are up to the verifier.
fn check_not_reserved(name: &ExternalName) -> Result<(), ModuleError> {
    match name {
        ExternalName::Symbol(text) if text.starts_with(RESERVED_PREFIX) => {
            Err(ModuleError::ReservedName(name.clone()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{DataKind, Signature};
    use alloc::string::ToString;
    use alloc::vec;

    fn symbol(name: &str) -> ExternalName {
        ExternalName::symbol(name)
    }

    fn function(name: &str) -> Function {
        Function::new(symbol(name), Signature::default())
    }

    fn data(name: &str) -> DataObject {
        DataObject::new(symbol(name), DataKind::ReadOnly, 1, vec![1])
    }

    fn import(name: &str) -> Import {
        Import {
            name: symbol(name),
            kind: ImportKind::Data,
        }
    }

    #[test]
    fn functions_are_found_by_name_and_names_are_unique() {
        let mut module = Module::new();
        let a = module.add_function(function("a")).unwrap();
        let b = module.add_function(function("b")).unwrap();
        assert_eq!(module.find(&symbol("b")), Some(b));
        assert_eq!(module.find(&symbol("c")), None);
        assert_eq!(module.function(a).name, symbol("a"));
        let error = module.add_function(function("a")).unwrap_err();
        assert_eq!(error.to_string(), "function %a is defined twice");
    }

    #[test]
    fn functions_data_and_imports_share_one_name_space() {
        let mut module = Module::new();
        let f = module.add_function(function("f")).unwrap();
        let d = module.add_data(data("d")).unwrap();
        module.add_import(import("i")).unwrap();
        for name in ["f", "d", "i"] {
            let twice = ModuleError::DuplicateName(symbol(name));
            assert_eq!(module.add_data(data(name)), Err(twice.clone()));
            assert_eq!(module.add_import(import(name)), Err(twice.clone()));
            assert!(module.add_function(function(name)).is_err());
        }
        assert_eq!(module.len(), 1);
        assert_eq!(module.data_objects().count(), 1);
        assert_eq!(module.imports(), [import("i")]);

        let definition = |name| module.definition(&symbol(name));
        assert_eq!(definition("f"), Some(Definition::Function(f)));
        assert_eq!(definition("d"), Some(Definition::Data(d)));
        assert_eq!(definition("i"), Some(Definition::Import(&ImportKind::Data)));
        assert_eq!(definition("x"), None);
        assert_eq!(module.find(&symbol("d")), None);
        assert_eq!(module.find_data(&symbol("d")), Some(d));
        assert_eq!(module.find_data(&symbol("f")), None);
    }

    #[test]
    fn functions_are_exported_unless_they_are_said_to_be_local() {
        let mut module = Module::new();
        let a = module.add_function(function("a")).unwrap();
        let b = module.add_function(function("b")).unwrap();
        module.set_linkage(b, Linkage::Local);
        assert_eq!(module.linkage(a), Linkage::Export);
        assert_eq!(module.linkage(b), Linkage::Local);
    }

    #[test]
    fn bad_data_and_too_much_data_are_refused() {
        let mut module = Module::new();
        let misaligned = DataObject {
            alignment: 3,
            ..data("m")
        };
        let error = module.add_data(misaligned).unwrap_err();
        assert_eq!(
            error.to_string(),
            "data %m: alignment 3 is not a power of two up to 4096"
        );
        let reserved = data("__lpc_udivrem64");
        let error = module.add_data(reserved).unwrap_err();
        assert_eq!(
            error.to_string(),
            "names that start with __lpc_ are reserved"
        );
        let half = |name| DataObject::zeroed(symbol(name), 1, MAX_DATA_SIZE / 2);
        module.add_data(half("a")).unwrap();
        module.add_data(half("b")).unwrap();
        let error = module.add_data(data("c")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "data %c: a module may have 16777216 bytes of data, alignment included"
        );
        assert_eq!(module.find_data(&symbol("c")), None);
    }
}
