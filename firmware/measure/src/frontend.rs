//! The [`Builder`](crate::Builder) of a compiler whose frontend has Cranelift's names, as that of lpc has.

/// Implements [`Builder`](crate::Builder) by the `FunctionBuilder` of a compiler, with the types that are called like this where
/// it is invoked.
///
/// `$i32` is the type of 32 bits, `$immediate` what `iconst` takes for an `i32`, and `$flags` are those of a memory access that states nothing.
#[macro_export]
macro_rules! frontend_builder {
    (i32: $i32:expr, immediate: $immediate:expr, flags: $flags:expr $(,)?) => {
        /// The signature of a function that returns a number.
        fn signature(params: &[Type]) -> Signature {
            let mut signature = Signature::new(CallConv::SystemV);
            signature
                .params
                .extend(params.iter().copied().map(AbiParam::new));
            signature.returns.push(AbiParam::new($i32));
            signature
        }

        /// Fills the function of `builder`, whose parameters are an address and two numbers. It calls `callee`, which is given its signature.
        fn fill(
            builder: &mut FunctionBuilder<'_>,
            callee: impl FnOnce(SigRef) -> ExtFuncData,
            shape: $crate::Shape,
            size: u32,
        ) {
            let callee = callee(builder.import_signature(signature(&[$i32, $i32])));
            let callee = builder.import_function(callee);
            let entry = builder.create_block();
            builder.append_block_params_for_function_params(entry);
            builder.switch_to_block(entry);
            builder.seal_block(entry);
            let parameters = builder.block_params(entry);
            let (address, numbers) = (parameters[0], [parameters[1], parameters[2]]);
            shape.build(
                size,
                &mut FrontendBuilder {
                    builder,
                    callee,
                    address,
                    numbers,
                },
            );
        }

        struct FrontendBuilder<'a, 'b> {
            builder: &'a mut FunctionBuilder<'b>,
            callee: FuncRef,
            address: Value,
            numbers: [Value; 2],
        }

        impl $crate::Builder for FrontendBuilder<'_, '_> {
            type Value = Value;
            type Block = Block;
            type Variable = Variable;

            fn numbers(&mut self) -> [Value; 2] {
                self.numbers
            }

            fn constant(&mut self, number: i32) -> Value {
                self.builder.ins().iconst($i32, $immediate(number))
            }

            fn binary(&mut self, operation: $crate::Operation, a: Value, b: Value) -> Value {
                use $crate::Operation;
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
                ins.load($i32, $flags, self.address, offset)
            }

            fn store(&mut self, value: Value, offset: i32) {
                let ins = self.builder.ins();
                ins.store($flags, value, self.address, offset);
            }

            fn call(&mut self, a: Value, b: Value) -> Value {
                let call = self.builder.ins().call(self.callee, &[a, b]);
                self.builder.inst_results(call)[0]
            }

            fn declare(&mut self) -> Variable {
                self.builder.declare_var($i32)
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
    };
}
