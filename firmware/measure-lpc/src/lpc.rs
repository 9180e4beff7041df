//! lpc with different settings.

#[cfg(not(feature = "passes"))]
use lpc_codegen::Compiler;
use lpc_codegen::{OptLevel, RegallocAlgorithm, Settings};
use lpc_lpir::builder::{FunctionBuilder, FunctionBuilderContext, Variable};
use lpc_lpir::ir::{
    AbiParam, Block, CallConv, ExtFuncData, ExternalName, FuncRef, Function, IntCC, MemFlags,
    SigRef, Signature, Type, Value,
};
#[cfg(not(feature = "passes"))]
use measure::Compiled;
use measure::Shape;

/// Without optimizations, allocating registers in a single pass.
#[cfg(all(feature = "smallest", not(feature = "optimizing")))]
pub(crate) struct Fast(Compiler);

/// With optimizations, allocating registers in a single pass.
#[cfg(feature = "optimizing")]
pub(crate) struct Optimizing(Compiler);

/// With all optimizations and regalloc2's Ion.
#[cfg(all(feature = "full", not(feature = "passes")))]
pub(crate) struct Ion(Compiler);

/// As users get it who choose nothing.
#[cfg(all(feature = "full", not(feature = "passes")))]
pub(crate) struct Default(Compiler);

/// The settings of [`Optimizing`].
#[cfg(feature = "optimizing")]
fn optimizing() -> Settings {
    Settings {
        opt_level: OptLevel::Speed,
        regalloc: RegallocAlgorithm::SinglePass,
        ..Settings::default()
    }
}

/// The settings of [`Fast`].
#[cfg(not(feature = "optimizing"))]
pub(crate) fn fast() -> Settings {
    Settings {
        opt_level: OptLevel::None,
        regalloc: RegallocAlgorithm::SinglePass,
        ..Settings::default()
    }
}

/// The settings of [`Ion`].
#[cfg(feature = "full")]
pub(crate) fn ion() -> Settings {
    Settings {
        opt_level: OptLevel::Speed,
        regalloc: RegallocAlgorithm::Ion,
        ..Settings::default()
    }
}

/// Makes a compiler of a type around lpc's, and of settings.
#[cfg(not(feature = "passes"))]
macro_rules! compiler {
    ($name:ident, $settings:expr) => {
        impl measure::Compiler for $name {
            type Function = Function;

            fn new() -> Self {
                Self(Compiler::new())
            }

            fn build(&mut self, shape: Shape, size: u32) -> Function {
                build(shape, size)
            }

            fn compile(&mut self, function: Function) -> Compiled {
                compile(&mut self.0, function, &$settings)
            }
        }
    };
}

#[cfg(all(feature = "smallest", not(feature = "optimizing")))]
compiler!(Fast, fast());
#[cfg(feature = "optimizing")]
compiler!(Optimizing, optimizing());
#[cfg(all(feature = "full", not(feature = "passes")))]
compiler!(Ion, ion());
#[cfg(all(feature = "full", not(feature = "passes")))]
compiler!(Default, Settings::default());

#[cfg(not(feature = "passes"))]
#[inline(never)]
fn compile(compiler: &mut Compiler, function: Function, settings: &Settings) -> Compiled {
    let Ok(compiled) = compiler.compile_owned(function, settings) else {
        panic!("functions to measure with are simple");
    };
    Compiled {
        code_size: compiled.code.buffer.code_size,
        vcode_insts: compiled.code.stats.vcode_insts,
    }
}

#[inline(never)]
pub(crate) fn build(shape: Shape, size: u32) -> Function {
    let name = ExternalName::symbol("measured");
    let mut function = Function::new(name, signature(&[Type::I32; 3]));
    let mut context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut function, &mut context);
    let callee = |signature| ExtFuncData {
        name: ExternalName::symbol("callee"),
        signature,
        colocated: true,
    };
    fill(&mut builder, callee, shape, size);
    builder.finalize();
    function
}

measure::frontend_builder! {
    i32: Type::I32,
    immediate: i64::from,
    flags: MemFlags::new(),
}
