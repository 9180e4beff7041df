//! Cranelift with different settings.

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{
    AbiParam, Block, ExtFuncData, ExternalName, FuncRef, Function, InstBuilder, LibCall,
    MemFlagsData, SigRef, Signature, Type, UserFuncName, Value,
};
use cranelift_codegen::isa::{self, CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use measure::{Compiled, Shape};
use target_lexicon::{Architecture, Riscv64Architecture, Triple};

/// Cranelift, without optimizations, allocating registers in a single pass.
pub(crate) struct Fast(OwnedTargetIsa);

/// Cranelift, with optimizations, allocating registers with backtracking.
pub(crate) struct Backtracking(OwnedTargetIsa);

/// Makes a compiler of a type around Cranelift's target, and of the settings `opt_level` and `regalloc_algorithm`.
macro_rules! compiler {
    ($name:ident, $opt_level:literal, $regalloc_algorithm:literal) => {
        impl measure::Compiler for $name {
            type Function = Function;

            fn new() -> Self {
                Self(target($opt_level, $regalloc_algorithm))
            }

            fn build(&mut self, shape: Shape, size: u32) -> Function {
                build(&self.0, shape, size)
            }

            fn compile(&mut self, function: Function) -> Compiled {
                compile(&self.0, function)
            }
        }
    };
}

compiler!(Fast, "none", "single_pass");
compiler!(Backtracking, "speed", "backtracking");

/// The settings of those who want to compile fast: nothing is verified, and nothing is made that lpc does not make.
fn target(opt_level: &str, regalloc_algorithm: &str) -> OwnedTargetIsa {
    let mut flags = settings::builder();
    for (name, value) in [
        ("enable_verifier", "false"),
        ("regalloc_checker", "false"),
        ("unwind_info", "false"),
        ("opt_level", opt_level),
        ("regalloc_algorithm", regalloc_algorithm),
    ] {
        flags.set(name, value).expect("Cranelift has the setting");
    }
    let triple = Triple {
        architecture: Architecture::Riscv64(Riscv64Architecture::Riscv64gc),
        ..Triple::unknown()
    };
    let isa = isa::lookup(triple).expect("Cranelift is built for the target");
    let isa = isa.finish(settings::Flags::new(flags));
    isa.expect("the settings of the target fit each other")
}

#[inline(never)]
fn compile(isa: &OwnedTargetIsa, function: Function) -> Compiled {
    let mut context = Context::for_function(function);
    let code = context.compile(&**isa, &mut ControlPlane::default());
    let code = code.ok().expect("functions to measure with are simple");
    Compiled {
        code_size: code.code_info().total_size,
        vcode_insts: 0,
    }
}

#[inline(never)]
fn build(isa: &OwnedTargetIsa, shape: Shape, size: u32) -> Function {
    let name = UserFuncName::user(0, 0);
    let mut function = Function::with_name_signature(name, signature(&[I64, I32, I32]));
    let mut context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut function, &mut context);
    let callee = |signature| ExtFuncData {
        // One name is as good as another.
        name: ExternalName::LibCall(LibCall::Probestack),
        signature,
        colocated: true,
        patchable: false,
    };
    fill(&mut builder, callee, shape, size);
    builder.finalize(isa.frontend_config());
    function
}

/// What Cranelift wants of a constant of 32 bits: no others are set.
fn immediate(number: i32) -> i64 {
    i64::from(number as u32)
}

measure::frontend_builder! {
    i32: I32,
    immediate: immediate,
    flags: MemFlagsData::new(),
}
