//! The functions of the host, as parts of an executable.
//!
//! A program that `lpc run` executes finds a few functions at its host. In an executable, which runs without `lpc`, those that
//! it uses and does not define are linked in: they are written in LPIR, in `host_functions.clif`, and end in a system call.

use alloc::vec::Vec;
use lpc_codegen::{CompileError, CompiledFunction, Settings, compile_function};
use lpc_lpir::ir::{ExternalName, Function, Module, Signature};
use lpc_lpir::text::parse_module;
use lpc_riscv32::{Gpr, Imm12, Inst, Opcode};

const SOURCE: &str = include_str!("host_functions.clif");

/// The function that the others call: the number of a system call and three arguments for it.
const SYSTEM_CALL: &str = "__lpc_system_call";

/// The functions of the host that `module` refers to, and that neither it nor `imports` defines.
///
/// A function whose declaration in `module` has other types than the function here is not the same: it stays undefined.
///
/// # Errors
/// When the settings do not allow to compile them.
pub(super) fn for_module(
    module: &Module,
    settings: &Settings,
    imports: &dyn Fn(&ExternalName) -> Option<u32>,
) -> Result<Vec<CompiledFunction>, CompileError> {
    let host = parse_module(SOURCE).expect("the functions of the host are well-formed");
    let mut compiled = Vec::new();
    for (_, function) in host.functions() {
        if imports(&function.name).is_none() && is_wanted(function, module) {
            compiled.push(compile_function(function, settings)?);
        }
    }
    Ok(compiled)
}

/// The name and the code of the function that the others call, which no instruction of LPIR can express.
pub(super) fn system_call() -> (ExternalName, Vec<u8>) {
    let copy = |rd, rs| Inst::i(Opcode::Addi, rd, rs, Imm12::ZERO);
    let insts = [
        copy(Gpr::A7, Gpr::A0),
        copy(Gpr::A0, Gpr::A1),
        copy(Gpr::A1, Gpr::A2),
        copy(Gpr::A2, Gpr::A3),
        Inst::no_operands(Opcode::Ecall),
        Inst::jalr(Gpr::ZERO, Gpr::RA, Imm12::ZERO),
    ];
    let words = insts.map(|inst| inst.encode().expect("the operands are in range"));
    let code = words.map(u32::to_le_bytes).as_flattened().to_vec();
    (ExternalName::symbol(SYSTEM_CALL), code)
}

fn is_wanted(host: &Function, module: &Module) -> bool {
    let is_host = |(name, signature): (&ExternalName, &Signature)| {
        *name == host.name && has_same_types(signature, &host.signature)
    };
    let is_defined = module.find(&host.name).is_some() || module.find_data(&host.name).is_some();
    !is_defined && module.declared_functions().any(is_host)
}

fn has_same_types(a: &Signature, b: &Signature) -> bool {
    let types = |signature: &Signature| -> (Vec<_>, Vec<_>) {
        let types = |params: &[lpc_lpir::ir::AbiParam]| {
            params.iter().map(|param| param.value_type).collect()
        };
        (types(&signature.params), types(&signature.returns))
    };
    types(a) == types(b)
}
