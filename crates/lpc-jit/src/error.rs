//! Why a module cannot be compiled and loaded, and why a function cannot be called.

use crate::types::{CSignature, NotC};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use lpc_codegen::CompileError;
use lpc_codegen::backend::abi::AbiError;
use lpc_link::{LinkError, UndefinedSymbol};
use lpc_lpir::ir::{ExternalName, Signature, Type};

/// Why a module cannot be compiled and loaded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum JitError {
    /// A function cannot be compiled.
    Compile {
        /// The function.
        function: ExternalName,
        /// What is wrong with it.
        error: CompileError,
    },
    /// Two functions or data objects of a module, or two host functions, have this name.
    DuplicateName(ExternalName),
    /// Names that are neither in the module nor host functions, each one once, in the order of their first use.
    UnknownImports(Vec<UndefinedSymbol>),
    /// A module imports a host function with another signature than it has.
    ImportSignature(Box<ImportSignature>),
    /// The code memory is full.
    OutOfCodeMemory {
        /// The bytes that the module takes, as far as that is known: it may have been the next function that did not fit.
        needed: u32,
        /// The largest number of bytes that could be had.
        available: u32,
    },
    /// The functions cannot be linked for another reason.
    Link(LinkError),
}

/// How the signature of an import differs from that of the host function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportSignature {
    /// The name.
    pub name: ExternalName,
    /// What the module declares.
    pub declared: Signature,
    /// What the host function has.
    pub provided: CSignature,
    /// Why no C function can be called as the module declares it, if that is so.
    pub not_c: Option<NotC>,
}

impl fmt::Display for JitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compile { function, error } => write!(f, "{function}: {error}"),
            Self::DuplicateName(name) => write!(f, "{name} is defined twice"),
            Self::UnknownImports(symbols) => LinkError::Undefined(symbols.clone()).fmt(f),
            Self::ImportSignature(error) => error.fmt(f),
            Self::OutOfCodeMemory { needed, available } => write!(
                f,
                "the code memory is full: {needed} bytes are needed, {available} are free"
            ),
            Self::Link(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for ImportSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            declared,
            provided,
            not_c,
        } = self;
        write!(f, "{name} is imported as {declared}, and is {provided}")?;
        not_c.map_or(Ok(()), |reason| write!(f, "; {reason}"))
    }
}

impl core::error::Error for JitError {}

impl From<LinkError> for JitError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Undefined(symbols) => Self::UnknownImports(symbols),
            LinkError::DuplicateSymbol(name) => Self::DuplicateName(name),
            error => Self::Link(error),
        }
    }
}

/// Why a function of a module cannot be called by a type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SignatureError {
    /// The module exports no function of this name.
    UnknownFunction(ExternalName),
    /// The function is not what a C function is. [`JitModule::call`](crate::JitModule::call) calls it.
    NotC {
        /// The function.
        name: ExternalName,
        /// Its signature.
        signature: Signature,
        /// Why.
        reason: NotC,
    },
    /// The function has another signature.
    Mismatch {
        /// The function.
        name: ExternalName,
        /// Its signature.
        signature: Signature,
        /// What it was to be called as.
        requested: CSignature,
    },
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFunction(name) => write!(f, "there is no function {name}"),
            Self::NotC {
                name,
                signature,
                reason,
            } => write!(
                f,
                "{name} is {signature} and cannot be called as a C function: {reason}"
            ),
            Self::Mismatch {
                name,
                signature,
                requested,
            } => write!(
                f,
                "{name} is {signature} and cannot be called as {requested}"
            ),
        }
    }
}

impl core::error::Error for SignatureError {}

/// Why a call with values did not give results. `E` is how the execution may fail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallError<E> {
    /// The module exports no function of this name.
    UnknownFunction(ExternalName),
    /// The arguments are not of the types that the function takes, which are these.
    BadArguments(Vec<Type>),
    /// Nobody knows how to pass what the function takes.
    Signature(AbiError),
    /// The function did not return.
    Execution(E),
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFunction(name) => write!(f, "there is no function {name}"),
            Self::BadArguments(types) => {
                f.write_str("the function takes (")?;
                for (index, ty) in types.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{ty}")?;
                }
                f.write_str(")")
            }
            Self::Signature(error) => error.fmt(f),
            Self::Execution(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for CallError<E> {}
