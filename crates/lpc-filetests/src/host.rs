//! The host functions of tests.

use lpc_lpir::ir::{DataValue, ExternalName, Signature, TrapCode, Type};
use lpc_riscv32::Emulator;

/// The functions that programs under test may import: `%putchar(i32)`, which does nothing.
#[derive(Clone, Copy, Debug)]
pub struct TestHost;

impl TestHost {
    /// Whether there is a function `name` that can be called with `signature`.
    pub(crate) fn has(name: &ExternalName, signature: &Signature) -> bool {
        let params = signature.params.iter().map(|param| param.value_type);
        *name == ExternalName::symbol("putchar")
            && params.eq([Type::I32])
            && signature.returns.is_empty()
    }
}

impl lpc_interp::HostFunctions for TestHost {
    fn provides(&self, name: &ExternalName, signature: &Signature) -> bool {
        Self::has(name, signature)
    }

    fn call(
        &mut self,
        _: &ExternalName,
        _: &[DataValue],
        _: &mut lpc_interp::Memory,
    ) -> Result<Vec<DataValue>, TrapCode> {
        Ok(Vec::new())
    }
}

impl lpc_harness::HostFunctions for TestHost {
    fn provides(&self, name: &ExternalName, signature: &Signature) -> bool {
        Self::has(name, signature)
    }

    fn call(
        &mut self,
        _: &ExternalName,
        _: &[DataValue],
        _: &mut Emulator,
    ) -> Result<Vec<DataValue>, TrapCode> {
        Ok(Vec::new())
    }
}
