//! Imports: what a module says about the definitions of other modules.

use super::extname::ExternalName;
use super::signature::Signature;

/// A function or datum that another module or the host provides.
///
/// A module need not declare what it takes from outside. Where it does, the verifier holds its functions to the declaration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// Its name.
    pub name: ExternalName,
    /// What it is.
    pub kind: ImportKind,
}

/// What an import is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ImportKind {
    /// A function of this signature.
    Function(Signature),
    /// Data.
    Data,
}
