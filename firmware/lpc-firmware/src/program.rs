//! The program that is loaded.

use crate::sandbox::Sandbox;
use alloc::vec::Vec;
use lpc_codegen::backend::abi::{AbiError, AbiSignature};
use lpc_codegen::isa::riscv32::abi::abi_signature;
use lpc_device::Place;
use lpc_link::Image;
use lpc_lpir::ir::{ExternalName, Module};

/// A linked module, which is in the sandbox.
pub(crate) struct Program {
    pub(crate) image: Image,
    /// In the order of the module.
    pub(crate) functions: Vec<Function>,
}

/// A function that can be called.
pub(crate) struct Function {
    pub(crate) address: u32,
    pub(crate) abi: AbiSignature,
    name: ExternalName,
}

impl Program {
    /// The program that `image`, linked from `module`, is.
    ///
    /// # Errors
    /// When a function has a signature that cannot be called.
    pub(crate) fn new(module: &Module, image: Image) -> Result<Self, AbiError> {
        let functions = module.functions().map(|(_, function)| {
            Ok::<_, AbiError>(Function {
                address: image.address_of(&function.name).unwrap_or_default(),
                abi: abi_signature(&function.signature)?,
                name: function.name.clone(),
            })
        });
        Ok(Self {
            functions: functions.collect::<Result<_, _>>()?,
            image,
        })
    }

    /// Makes all data what they are at first.
    pub(crate) fn reset_data(&self, sandbox: &mut Sandbox) {
        let sections = self.image.sections();
        let base = self.image.base();
        let content = &self.image.bytes()[sections.writable.start as usize..];
        let placed = sandbox
            .write(base + sections.writable.start, content)
            .and_then(|()| sandbox.clear(base + sections.zeroed.start, sections.zeroed.len()));
        placed.expect("the image is in the sandbox");
    }

    /// The place of the instruction at `pc`.
    pub(crate) fn place(&self, pc: u32) -> Place {
        let location = self.image.locate(pc);
        let function = location.and_then(|location| {
            let mut functions = self.functions.iter();
            let number = functions.position(|function| function.name == *location.function)?;
            Some((number as u32, location.offset))
        });
        Place {
            pc,
            function,
            srcloc: self.image.srcloc_at(pc).map(|srcloc| srcloc.bits()),
        }
    }
}
