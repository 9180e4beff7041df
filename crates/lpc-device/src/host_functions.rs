//! The functions that every program can call without defining them.

use lpc_lpir::ir::{ExternalName, Signature, Type};
use lpc_riscv32::host_call::HOST_CALL_SIZE;

/// A function that the device provides to programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostFunction {
    /// `%putchar(i32)` writes one byte.
    PutChar,
    /// `%getchar() -> i32` reads one byte; -1 at the end of the input.
    GetChar,
    /// `%write(i32, i32)` writes the bytes from the address that is the first argument, as many as the second one says.
    Write,
}

impl HostFunction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PutChar, Self::GetChar, Self::Write];

    /// The function that the device provides under this name, if it has this signature.
    pub fn find(name: &ExternalName, signature: &Signature) -> Option<Self> {
        let mut values = signature.params.iter().chain(&signature.returns);
        let all_words = values.all(|param| param.value_type == Type::I32);
        let counts = (signature.params.len(), signature.returns.len());
        let is_found = |function: &Self| matches!(name, ExternalName::Symbol(text) if **text == *function.name());
        let mut functions = Self::ALL.into_iter();
        let found = functions.find(|function| all_words && is_found(function));
        found.filter(|function| function.counts() == counts)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PutChar => "putchar",
            Self::GetChar => "getchar",
            Self::Write => "write",
        }
    }

    /// The number of its parameters and of its results.
    const fn counts(self) -> (usize, usize) {
        match self {
            Self::PutChar => (1, 0),
            Self::GetChar => (0, 1),
            Self::Write => (2, 0),
        }
    }

    /// The address that programs call, where the calls to the host are at `host_calls`.
    pub fn address(self, host_calls: u32) -> u32 {
        host_calls + self as u32 * HOST_CALL_SIZE
    }

    /// The function that is called at `offset` from the first of the calls.
    pub fn at(offset: u32) -> Option<Self> {
        Self::ALL.get((offset / HOST_CALL_SIZE) as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_lpir::ir::{AbiParam, CallConv};

    #[test]
    fn functions_by_name_and_signature() {
        let find = |name: &str, params: &[Type], returns: &[Type]| {
            let mut signature = Signature::new(CallConv::SystemV);
            signature.params = params.iter().copied().map(AbiParam::new).collect();
            signature.returns = returns.iter().copied().map(AbiParam::new).collect();
            HostFunction::find(&ExternalName::symbol(name), &signature)
        };
        let word = Type::I32;
        assert_eq!(find("putchar", &[word], &[]), Some(HostFunction::PutChar));
        assert_eq!(find("getchar", &[], &[word]), Some(HostFunction::GetChar));
        assert_eq!(find("write", &[word; 2], &[]), Some(HostFunction::Write));
        assert_eq!(find("putchar", &[Type::I8], &[]), None);
        assert_eq!(find("putchar", &[], &[]), None);
        assert_eq!(find("puts", &[word], &[]), None);
    }

    #[test]
    fn functions_by_address() {
        for function in HostFunction::ALL {
            let offset = function.address(0x1000) - 0x1000;
            assert_eq!(HostFunction::at(offset), Some(function));
            assert_eq!(HostFunction::at(offset + 4), Some(function));
        }
        assert_eq!(HostFunction::at(24), None);
    }
}
