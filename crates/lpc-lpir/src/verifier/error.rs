//! What the verifier reports.

use crate::ir::{AnyEntity, ExternalName, FuncId};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// One thing that is wrong with a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierError {
    /// What it is about.
    pub location: AnyEntity,
    /// The instruction as text, when it is about one that can be printed. When it is about the declaration of a function, the first
    /// instruction that refers to that. A long one is cut off. Nothing without the feature `text-writer`.
    pub context: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// Writes `inst3 (v2 = iadd v0, v1): arg 1 (v1) has type i8, expected i32`.
impl fmt::Display for VerifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.location)?;
        if let Some(context) = &self.context {
            write!(f, " ({context})")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl core::error::Error for VerifierError {}

/// Everything that is wrong with a function, at least one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierErrors(pub Vec<VerifierError>);

/// Writes one error per line.
impl fmt::Display for VerifierErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl core::error::Error for VerifierErrors {}

/// Everything that is wrong with a function of a module, at least one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionErrors {
    /// The function.
    pub function: FuncId,
    /// Its name.
    pub name: ExternalName,
    /// What is wrong with it.
    pub errors: VerifierErrors,
}

/// The functions of a module that have errors, at least one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleErrors(pub Vec<FunctionErrors>);

/// Writes one error per line, with the name of its function.
impl fmt::Display for ModuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for FunctionErrors { name, errors, .. } in &self.0 {
            for error in &errors.0 {
                write!(f, "{separator}{name}: {error}")?;
                separator = "\n";
            }
        }
        Ok(())
    }
}

impl core::error::Error for ModuleErrors {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Inst;
    use std::string::ToString;
    use std::vec;

    #[test]
    fn display() {
        let inst = VerifierError {
            location: Inst::from_u32(3).into(),
            context: Some("nop".into()),
            message: "is wrong".into(),
        };
        let function = VerifierError {
            location: AnyEntity::Function,
            context: None,
            message: "has no blocks".into(),
        };
        let errors = VerifierErrors(vec![inst, function]);
        assert_eq!(
            errors.to_string(),
            "inst3 (nop): is wrong\nfunction: has no blocks"
        );
        let module = ModuleErrors(vec![FunctionErrors {
            function: FuncId::from_u32(0),
            name: ExternalName::symbol("f"),
            errors,
        }]);
        assert_eq!(
            module.to_string(),
            "%f: inst3 (nop): is wrong\n%f: function: has no blocks"
        );
    }
}
