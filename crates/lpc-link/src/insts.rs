//! A module as the list of the instructions that it becomes.

use crate::error::LinkError;
use crate::image::Image;
use crate::linker::Linker;
use alloc::vec::Vec;
use core::fmt;
use lpc_codegen::{ModuleCompileError, Settings, compile_module};
use lpc_lpir::ir::{ExternalName, Module};
use lpc_riscv32::fetch::{FetchError, fetch};
use lpc_riscv32::{ExtensionSet, Inst};

/// An instruction at its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlacedInst {
    /// Where it is.
    pub address: u32,
    /// Its encoding, zero-extended if it has 16 bits.
    pub bits: u32,
    /// Its length in bytes: 2 or 4.
    pub length: u32,
    /// The instruction, or `None` for an encoding that is none, which is one way to trap.
    pub inst: Option<Inst>,
}

/// Why a module does not become instructions.
#[derive(Clone, Debug)]
pub enum ModuleToInstsError {
    /// A function cannot be compiled.
    Compile(ModuleCompileError),
    /// The functions cannot be linked.
    Link(LinkError),
}

impl fmt::Display for ModuleToInstsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compile(error) => error.fmt(f),
            Self::Link(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ModuleToInstsError {}

impl From<ModuleCompileError> for ModuleToInstsError {
    fn from(error: ModuleCompileError) -> Self {
        Self::Compile(error)
    }
}

impl From<LinkError> for ModuleToInstsError {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

/// Compiles `module`, which must have passed the verifier, links it at the address `base` and gives its instructions in the
/// order of their addresses. The addresses of functions are filled in; those that the module does not define are looked up
/// with `imports`. Constants and jump tables, which lie between the functions, are left out.
///
/// # Errors
/// When a function cannot be compiled, or the functions cannot be linked.
pub fn compile_module_to_insts(
    module: &Module,
    settings: &Settings,
    base: u32,
    imports: &dyn Fn(&ExternalName) -> Option<u32>,
) -> Result<Vec<PlacedInst>, ModuleToInstsError> {
    let compiled = compile_module(module, settings)?;
    let mut linker = Linker::new();
    linker.add_module(module, &compiled)?;
    Ok(linker.link(base, imports)?.insts())
}

impl Image {
    /// The instructions of all functions, in the order of their addresses.
    pub fn insts(&self) -> Vec<PlacedInst> {
        let mut insts = Vec::new();
        for (symbol, mut code) in self.functions() {
            let mut address = self.base().wrapping_add(symbol.offset);
            while let Some(placed) = decode(code, address) {
                code = &code[placed.length as usize..];
                address = address.wrapping_add(placed.length);
                insts.push(placed);
            }
        }
        insts
    }
}

/// The instruction at the start of `code`, unless there is none.
fn decode(code: &[u8], address: u32) -> Option<PlacedInst> {
    let (bits, length, inst) = match fetch(code, ExtensionSet::all()) {
        Ok(fetched) => (fetched.bits, fetched.length, Some(fetched.inst)),
        Err(FetchError::Illegal { bits, length }) => (bits, length, None),
        Err(FetchError::Truncated) => return None,
    };
    Some(PlacedInst {
        address,
        bits,
        length,
        inst,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;
    use lpc_codegen::RegallocAlgorithm;
    use lpc_lpir::text::parse_module;

    fn listing(text: &str, imports: &dyn Fn(&ExternalName) -> Option<u32>) -> String {
        let module = parse_module(text).unwrap();
        let settings = Settings {
            extensions: ExtensionSet::RV32IM,
            // The expected code is that of the allocator that finds the best.
            regalloc: RegallocAlgorithm::Ion,
            ..Settings::default()
        };
        let insts = compile_module_to_insts(&module, &settings, 0x1000, imports).unwrap();
        insts
            .iter()
            .map(|placed| match placed.inst {
                Some(inst) => format!("{:x}: {inst}\n", placed.address),
                None => format!("{:x}: illegal {:x}\n", placed.address, placed.bits),
            })
            .collect()
    }

    #[test]
    fn addresses_of_functions_are_filled_in_across_the_module() {
        let text = "
            function %first(i32) -> i32 {
                fn0 = %second(i32) -> i32
                fn1 = %outside()
            block0(v0: i32):
                call fn1()
                v1 = call fn0(v0)
                return v1
            }
            function %second(i32) -> i32 {
            block0(v0: i32):
                return v0
            }";
        let expected = "\
            1000: addi sp,sp,-16\n\
            1004: sw ra,12(sp)\n\
            1008: sw s0,8(sp)\n\
            100c: addi s0,a0,0\n\
            1010: auipc ra,0x1\n\
            1014: jalr ra,-16(ra)\n\
            1018: addi a0,s0,0\n\
            101c: auipc ra,0x0\n\
            1020: jalr ra,24(ra)\n\
            1024: lw ra,12(sp)\n\
            1028: lw s0,8(sp)\n\
            102c: addi sp,sp,16\n\
            1030: jalr zero,0(ra)\n\
            1034: jalr zero,0(ra)\n";
        let outside = ExternalName::symbol("outside");
        let imports = |name: &ExternalName| (*name == outside).then_some(0x2000);
        assert_eq!(listing(text, &imports), expected);
    }

    #[test]
    fn what_cannot_be_compiled_or_linked_is_named() {
        let error = |text: &str| {
            let module = parse_module(text).unwrap();
            let settings = Settings {
                extensions: ExtensionSet::RV32I,
                ..Settings::default()
            };
            let none = |_: &ExternalName| None;
            let error = compile_module_to_insts(&module, &settings, 0, &none).unwrap_err();
            format!("{error}")
        };
        let undefined = "function %f() { fn0 = %g() block0: call fn0() return }";
        assert_eq!(error(undefined), "%g, which %f refers to, is not defined");
        let product = "function %f(i32) -> i32 { block0(v0: i32): v1 = imul v0, v0 return v1 }";
        assert_eq!(
            error(product),
            "func0: a multiplication without the M or Zmmul extension is not supported"
        );
    }
}
