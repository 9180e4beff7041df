//! lpc with different settings.

#[cfg(not(feature = "passes"))]
use lpc_codegen::Compiler;
use lpc_codegen::{OptLevel, RegallocAlgorithm, Settings};
use lpc_lpir::builder::{FunctionBuilder, FunctionBuilderContext, Variable};
use lpc_lpir::ir::{
    AbiParam, Block, CallConv, ExtFuncData, ExternalName, FuncRef, Function, IntCC, MemFlags,
    Signature, Type, Value,
};
#[cfg(not(feature = "passes"))]
use measure::Compiled;
use measure::{Builder, Operation, Shape};

/// Without optimizations, allocating registers in a single pass.
#[cfg(feature = "smallest")]
pub(crate) struct Fast(Compiler);

/// With all optimizations and regalloc2's Ion.
#[cfg(all(feature = "full", not(feature = "passes")))]
pub(crate) struct Ion(Compiler);

/// As users get it who choose nothing.
#[cfg(all(feature = "full", not(feature = "passes")))]
pub(crate) struct Default(Compiler);

/// The settings of [`Fast`].
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

#[cfg(feature = "smallest")]
compiler!(Fast, fast());
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
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend([AbiParam::new(Type::I32); 3]);
    signature.returns.push(AbiParam::new(Type::I32));
    let mut function = Function::new(ExternalName::symbol("measured"), signature);
    let mut context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut function, &mut context);
    let mut callee = Signature::new(CallConv::SystemV);
    callee.params.extend([AbiParam::new(Type::I32); 2]);
    callee.returns.push(AbiParam::new(Type::I32));
    let signature = builder.import_signature(callee);
    let callee = builder.import_function(ExtFuncData {
        name: ExternalName::symbol("callee"),
        signature,
        colocated: true,
    });
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    let parameters = builder.block_params(entry);
    shape.build(
        size,
        &mut LpcBuilder {
            address: parameters[0],
            numbers: [parameters[1], parameters[2]],
            callee,
            builder: &mut builder,
        },
    );
    builder.finalize();
    function
}

struct LpcBuilder<'a, 'b> {
    builder: &'a mut FunctionBuilder<'b>,
    callee: FuncRef,
    address: Value,
    numbers: [Value; 2],
}

impl Builder for LpcBuilder<'_, '_> {
    type Value = Value;
    type Block = Block;
    type Variable = Variable;

    fn numbers(&mut self) -> [Value; 2] {
        self.numbers
    }

    fn constant(&mut self, number: i32) -> Value {
        self.builder.ins().iconst(Type::I32, number.into())
    }

    fn binary(&mut self, operation: Operation, a: Value, b: Value) -> Value {
        let ins = self.builder.ins();
        match operation {
            Operation::Add => ins.iadd(a, b),
            Operation::Sub => ins.isub(a, b),
            Operation::Mul => ins.imul(a, b),
            Operation::And => ins.band(a, b),
            Operation::Or => ins.bor(a, b),
            Operation::Xor => ins.bxor(a, b),
            Operation::ShiftLeft => ins.ishl(a, b),
            Operation::ShiftRight => ins.ushr(a, b),
        }
    }

    fn is_less(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().icmp(IntCC::SignedLessThan, a, b)
    }

    fn select(&mut self, condition: Value, a: Value, b: Value) -> Value {
        self.builder.ins().select(condition, a, b)
    }

    fn load(&mut self, offset: i32) -> Value {
        let ins = self.builder.ins();
        ins.load(Type::I32, MemFlags::new(), self.address, offset)
    }

    fn store(&mut self, value: Value, offset: i32) {
        let ins = self.builder.ins();
        ins.store(MemFlags::new(), value, self.address, offset);
    }

    fn call(&mut self, a: Value, b: Value) -> Value {
        let call = self.builder.ins().call(self.callee, &[a, b]);
        self.builder.inst_results(call)[0]
    }

    fn declare(&mut self) -> Variable {
        self.builder.declare_var(Type::I32)
    }

    fn define(&mut self, variable: Variable, value: Value) {
        self.builder.def_var(variable, value);
    }

    fn read(&mut self, variable: Variable) -> Value {
        self.builder.use_var(variable)
    }

    fn block(&mut self) -> Block {
        self.builder.create_block()
    }

    fn switch_to(&mut self, block: Block) {
        self.builder.switch_to_block(block);
    }

    fn seal(&mut self, block: Block) {
        self.builder.seal_block(block);
    }

    fn jump(&mut self, block: Block) {
        self.builder.ins().jump(block, &[]);
    }

    fn branch(&mut self, condition: Value, then: Block, otherwise: Block) {
        let ins = self.builder.ins();
        ins.brif(condition, then, &[], otherwise, &[]);
    }

    fn finish(&mut self, value: Value) {
        self.builder.ins().return_(&[value]);
    }
}
