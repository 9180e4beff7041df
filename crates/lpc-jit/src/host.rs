//! Functions that compiled code may call.

use crate::error::JitError;
use crate::types::{CSignature, HostFnPointer};
#[cfg(feature = "emulator")]
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;
use lpc_lpir::ir::ExternalName;

/// Functions that compiled code may call, by their names.
///
/// A call costs what a call of a C function costs: its address is filled in when a module is linked. What a module declares of an import
/// is compared with the signature of the function then.
///
/// ```
/// use lpc_jit::HostFunctions;
///
/// extern "C" fn max(a: i32, b: i32) -> i32 {
///     a.max(b)
/// }
///
/// let mut host = HostFunctions::new();
/// host.add("max", max as extern "C" fn(i32, i32) -> i32)?;
/// # Ok::<(), lpc_jit::JitError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct HostFunctions {
    /// In the order of their names.
    functions: Vec<HostFunction>,
}

/// A function that compiled code may call.
#[derive(Clone)]
pub struct HostFunction {
    name: ExternalName,
    signature: CSignature,
    address: usize,
    /// The same for who cannot jump to the address.
    #[cfg(feature = "emulator")]
    call: Rc<HostCall>,
}

/// Calls a function with values, which are of its types.
#[cfg(feature = "emulator")]
type HostCall = dyn Fn(&[lpc_lpir::ir::DataValue]) -> Vec<lpc_lpir::ir::DataValue>;

impl HostFunctions {
    /// No functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `function` under the name `%name`. Its type must be stated, as
    /// `function as extern "C" fn(i32) -> i32`.
    ///
    /// # Errors
    /// [`JitError::DuplicateName`] when there is another one of that name.
    pub fn add(&mut self, name: &str, function: impl HostFnPointer) -> Result<(), JitError> {
        self.add_named(ExternalName::symbol(name), function)
    }

    /// As [`Self::add`], under a name of any kind.
    ///
    /// # Errors
    /// [`JitError::DuplicateName`] when there is another one of that name.
    pub fn add_named<F: HostFnPointer>(
        &mut self,
        name: ExternalName,
        function: F,
    ) -> Result<(), JitError> {
        let place = match self.position(&name) {
            Ok(_) => return Err(JitError::DuplicateName(name)),
            Err(place) => place,
        };
        let function = HostFunction {
            name,
            signature: F::SIGNATURE,
            address: function.address(),
            #[cfg(feature = "emulator")]
            call: Rc::new(move |arguments: &[_]| function.call(arguments)),
        };
        self.functions.insert(place, function);
        Ok(())
    }

    /// The function that is called `name`.
    pub fn find(&self, name: &ExternalName) -> Option<&HostFunction> {
        Some(&self.functions[self.position(name).ok()?])
    }

    fn position(&self, name: &ExternalName) -> Result<usize, usize> {
        self.functions
            .binary_search_by(|function| function.name.cmp(name))
    }
}

impl HostFunction {
    /// Its name.
    pub fn name(&self) -> &ExternalName {
        &self.name
    }

    /// Its signature.
    pub fn signature(&self) -> &CSignature {
        &self.signature
    }

    /// Its address, where this runs.
    pub fn address(&self) -> usize {
        self.address
    }

    /// Calls it with values, which are of the types of its signature.
    #[cfg(feature = "emulator")]
    pub(crate) fn call(
        &self,
        arguments: &[lpc_lpir::ir::DataValue],
    ) -> Vec<lpc_lpir::ir::DataValue> {
        (self.call)(arguments)
    }
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.signature)
    }
}
