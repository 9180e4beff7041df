//! The host functions that `lpc run` gives to programs.

use lpc_harness::HostFunctions;
use lpc_lpir::ir::{DataValue, ExternalName, Signature, TrapCode, Type};
use lpc_riscv32::emulator::Emulator;
use std::io::{self, Read, Write};

/// Standard input and output for programs.
///
/// | function | what it does |
/// |---|---|
/// | `%putchar(i32)` | writes one byte |
/// | `%getchar() -> i32` | reads one byte; -1 at the end of the input |
/// | `%write(i32, i32)` | writes the bytes from the address that is the first argument, as many as the second one says |
pub(crate) struct Console<'a> {
    input: &'a mut dyn Read,
    output: &'a mut dyn Write,
    /// The last byte that was written.
    last: Option<u8>,
    /// The first error of reading or writing. What the program writes behind it is lost.
    error: Option<io::Error>,
}

/// The names of the functions, the numbers of their `i32` parameters and of their `i32` results.
const FUNCTIONS: [(&str, usize, usize); 3] =
    [("putchar", 1, 0), ("getchar", 0, 1), ("write", 2, 0)];

impl<'a> Console<'a> {
    /// A console that reads `input` and writes to `output`, which it does byte by byte.
    pub(crate) fn new(input: &'a mut dyn Read, output: &'a mut dyn Write) -> Self {
        Self {
            input,
            output,
            last: None,
            error: None,
        }
    }

    /// Whether something was written that does not end with the end of a line.
    pub(crate) fn ends_within_line(&self) -> bool {
        self.last.is_some_and(|byte| byte != b'\n')
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    /// The first error of the output since the start.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self.error {
            Some(error) => Err(error),
            None => self.output.flush(),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.last = bytes.last().copied().or(self.last);
        if self.error.is_none() {
            self.error = self.output.write_all(bytes).err();
        }
    }

    fn read(&mut self) -> i32 {
        let mut byte = [0];
        match self.input.read(&mut byte) {
            Ok(0) => -1,
            Ok(_) => byte[0].into(),
            Err(error) => {
                self.error.get_or_insert(error);
                -1
            }
        }
    }
}

impl HostFunctions for Console<'_> {
    fn provides(&self, name: &ExternalName, signature: &Signature) -> bool {
        let mut values = signature.params.iter().chain(&signature.returns);
        let all_words = values.all(|param| param.value_type == Type::I32);
        let counts = (signature.params.len(), signature.returns.len());
        let is_named =
            |function: &str| matches!(name, ExternalName::Symbol(text) if **text == *function);
        all_words
            && FUNCTIONS.iter().any(|&(function, params, returns)| {
                is_named(function) && counts == (params, returns)
            })
    }

    fn call(
        &mut self,
        name: &ExternalName,
        arguments: &[DataValue],
        machine: &mut Emulator,
    ) -> Result<Vec<DataValue>, TrapCode> {
        let ExternalName::Symbol(name) = name else {
            unreachable!("all functions have a text for a name")
        };
        let words: Vec<u32> = arguments.iter().flat_map(|data| data.words()).collect();
        match (&**name, &*words) {
            ("putchar", &[byte]) => {
                self.write(&[byte as u8]);
                Ok(Vec::new())
            }
            ("getchar", []) => {
                let byte = self.read();
                Ok(vec![DataValue::from_signed(Type::I32, byte.into())])
            }
            ("write", &[address, length]) => {
                let bytes = machine.memory().read(address, length as usize);
                self.write(bytes.map_err(|_| TrapCode::HEAP_OUT_OF_BOUNDS)?);
                Ok(Vec::new())
            }
            _ => unreachable!("signatures are checked before"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_lpir::ir::{AbiParam, CallConv};
    use lpc_riscv32::ExtensionSet;
    use lpc_riscv32::emulator::{MachineConfig, Memory};

    #[test]
    fn functions_by_name_and_signature() {
        let (mut input, mut output) = (io::empty(), Vec::new());
        let console = Console::new(&mut input, &mut output);
        let provides = |name: &str, params: &[Type]| {
            let mut signature = Signature::new(CallConv::SystemV);
            signature.params = params.iter().copied().map(AbiParam::new).collect();
            console.provides(&ExternalName::symbol(name), &signature)
        };
        assert!(provides("putchar", &[Type::I32]));
        assert!(provides("write", &[Type::I32; 2]));
        assert!(!provides("putchar", &[Type::I8]));
        assert!(!provides("putchar", &[]));
        assert!(!provides("getchar", &[]), "the result is missing");
        assert!(!provides("puts", &[Type::I32]));
    }

    #[test]
    fn reading_and_writing() {
        let (mut input, mut output) = (&b"a\xff"[..], Vec::new());
        let mut console = Console::new(&mut input, &mut output);
        let mut memory = Memory::new(0x1000, 16).unwrap();
        memory.write(0x100e, b"ok").unwrap();
        let mut machine = Emulator::new(MachineConfig::new(ExtensionSet::RV32I), memory);
        let mut call = |name: &str, words: &[u32]| {
            let name = ExternalName::symbol(name);
            let words: Vec<_> = words
                .iter()
                .map(|word| DataValue::new(Type::I32, (*word).into()))
                .collect();
            let results = console.call(&name, &words, &mut machine)?;
            Ok(results.first().map(|result| result.signed()))
        };
        assert_eq!(call("putchar", &[0x141]), Ok(None));
        assert_eq!(call("write", &[0x100e, 2]), Ok(None));
        assert_eq!(
            call("write", &[0x100f, 2]),
            Err(TrapCode::HEAP_OUT_OF_BOUNDS)
        );
        assert_eq!(call("getchar", &[]), Ok(Some(0x61)));
        assert_eq!(call("getchar", &[]), Ok(Some(0xff)));
        assert_eq!(call("getchar", &[]), Ok(Some(-1)));
        assert_eq!(output, b"Aok");
    }
}
