//! Cranelift with different settings.

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{
    AbiParam, Block, ExtFuncData, ExternalName, FuncRef, Function, InstBuilder, LibCall,
    MemFlagsData, Signature, UserFuncName, Value,
};
use cranelift_codegen::isa::{self, CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use measure::{Builder, Compiled, Operation, Shape};
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
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend([I64, I32, I32].map(AbiParam::new));
    signature.returns.push(AbiParam::new(I32));
    let mut function = Function::with_name_signature(UserFuncName::user(0, 0), signature);
    let mut context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut function, &mut context);
    let mut callee = Signature::new(CallConv::SystemV);
    callee.params.extend([AbiParam::new(I32); 2]);
    callee.returns.push(AbiParam::new(I32));
    let signature = builder.import_signature(callee);
    let callee = builder.import_function(ExtFuncData {
        // One name is as good as another.
        name: ExternalName::LibCall(LibCall::Probestack),
        signature,
        colocated: true,
        patchable: false,
    });
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    let parameters = builder.block_params(entry);
    let (address, numbers) = (parameters[0], [parameters[1], parameters[2]]);
    shape.build(
        size,
        &mut CraneliftBuilder {
            address,
            numbers,
            callee,
            builder: &mut builder,
        },
    );
    builder.finalize(isa.frontend_config());
    function
}

struct CraneliftBuilder<'a, 'b> {
    builder: &'a mut FunctionBuilder<'b>,
    callee: FuncRef,
    address: Value,
    numbers: [Value; 2],
}

impl Builder for CraneliftBuilder<'_, '_> {
    type Value = Value;
    type Block = Block;
    type Variable = Variable;

    fn numbers(&mut self) -> [Value; 2] {
        self.numbers
    }

    fn constant(&mut self, number: i32) -> Value {
        self.builder.ins().iconst(I32, i64::from(number as u32))
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
        ins.load(I32, MemFlagsData::new(), self.address, offset)
    }

    fn store(&mut self, value: Value, offset: i32) {
        let ins = self.builder.ins();
        ins.store(MemFlagsData::new(), value, self.address, offset);
    }

    fn call(&mut self, a: Value, b: Value) -> Value {
        let call = self.builder.ins().call(self.callee, &[a, b]);
        self.builder.inst_results(call)[0]
    }

    fn declare(&mut self) -> Variable {
        self.builder.declare_var(I32)
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
