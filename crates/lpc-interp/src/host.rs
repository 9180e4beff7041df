//! Functions that the host provides to a program.

use crate::memory::Memory;
use alloc::vec::Vec;
use lpc_lpir::ir::{DataValue, ExternalName, Signature, TrapCode};

/// Functions that the host provides to a program: what it calls and does not define.
pub trait HostFunctions {
    /// Whether there is a host function `name` that can be called with `signature`.
    fn provides(&self, name: &ExternalName, signature: &Signature) -> bool;

    /// Calls the host function `name`, one that [`Self::provides`] accepts. Addresses among the arguments are in `memory`.
    ///
    /// # Errors
    /// When the program is to trap instead of going on.
    fn call(
        &mut self,
        name: &ExternalName,
        arguments: &[DataValue],
        memory: &mut Memory,
    ) -> Result<Vec<DataValue>, TrapCode>;
}

/// No host functions.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl HostFunctions for NoHost {
    fn provides(&self, _: &ExternalName, _: &Signature) -> bool {
        false
    }

    fn call(
        &mut self,
        _: &ExternalName,
        _: &[DataValue],
        _: &mut Memory,
    ) -> Result<Vec<DataValue>, TrapCode> {
        unreachable!("only what is provided is called")
    }
}
