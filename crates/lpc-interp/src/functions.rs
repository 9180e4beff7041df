//! Which address stands for which function.
//!
//! Functions have addresses that no memory is at, sixteen bytes apart: first those of the module in its order, then those
//! of the host as their addresses are taken.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lpc_lpir::ir::{ExternalName, FuncId, Module};

/// The address of the first function of the module.
const FUNCTIONS_BASE: u32 = 0x1000_0000;

/// The distance from one function to the next.
const FUNCTION_SIZE: u32 = 16;

/// What can be called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Callee {
    /// A function of the module.
    Module(FuncId),
    /// A function that the host provides.
    Host(ExternalName),
}

/// The functions that have addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Functions {
    /// The host functions whose address was taken.
    host: Vec<ExternalName>,
    /// Where each of them is in the list.
    host_indices: BTreeMap<ExternalName, usize>,
}

impl Functions {
    /// The address of `callee`.
    pub(crate) fn address(&mut self, callee: &Callee, module: &Module) -> u32 {
        let number = match callee {
            Callee::Module(id) => id.as_u32(),
            Callee::Host(name) => {
                let known = self.host_indices.get(name).copied();
                let index = known.unwrap_or_else(|| {
                    let index = self.host.len();
                    self.host.push(name.clone());
                    self.host_indices.insert(name.clone(), index);
                    index
                });
                (module.len() + index) as u32
            }
        };
        FUNCTIONS_BASE.wrapping_add(number.wrapping_mul(FUNCTION_SIZE))
    }

    /// What is at `address`, if that is the address of a function.
    pub(crate) fn at_address(&self, address: u32, module: &Module) -> Option<Callee> {
        let distance = address.checked_sub(FUNCTIONS_BASE)?;
        if !distance.is_multiple_of(FUNCTION_SIZE) {
            return None;
        }
        let number = (distance / FUNCTION_SIZE) as usize;
        match number.checked_sub(module.len()) {
            None => Some(Callee::Module(FuncId::from_u32(number as u32))),
            Some(index) => self.host.get(index).cloned().map(Callee::Host),
        }
    }
}
