//! From choices to a module: mostly one that the verifier accepts.
//!
//! ```text
//!   signatures of all functions ─► for each: slots, symbols, callees ─► blocks with parameters
//!                                    ─► for each block: instructions of any opcode, then a terminator
//! ```
//!
//! An operand is a value of the type that the opcode table asks for, defined in the entry block or before it in its own
//! block; where there is none, a constant is made. Now and then it is any value, or the type is any.

use super::choices::Choices;
use lpc_lpir::ir::{
    AbiParam, ArgumentExtension, ArgumentPurpose, AtomicRmwOp, Block, BlockCall, CallConv,
    ControllingType, DataKind, DataObject, Endianness, ExtFuncData, ExternalName, FuncRef,
    Function, GlobalValue, GlobalValueData, Imm64, Inst, InstructionData, InstructionFormat, IntCC,
    JumpTableData, MemFlags, Module, ModuleError, Offset32, Opcode, OperandType, SigRef, Signature,
    StackSlot, StackSlotData, TrapCode, Type, Value, ValueList,
};

/// How often something is done that the verifier may well refuse: once in so many times.
const RARE: u8 = u8::MAX;

const MOST_FUNCTIONS: usize = 3;
const MOST_PARAMS: usize = 14;
const MOST_RETURNS: usize = 8;
const MOST_SLOTS: usize = 3;
const MOST_BLOCKS: usize = 6;
const MOST_BLOCK_PARAMS: usize = 4;
const MOST_INSTS: usize = 24;

/// The sizes of stack slots.
const SLOT_SIZES: [u32; 5] = [16, 4, 1, 40, 6_000];

const INTEGERS: [Type; 5] = [Type::I32, Type::I64, Type::I8, Type::I16, Type::I128];

const DATA_SIZE: u32 = 32;

/// The module that `choices` make.
pub(in super::super) fn module(choices: &mut Choices<'_>) -> Result<Module, ModuleError> {
    let mut module = Module::new();
    for (name, kind) in [
        ("constant", DataKind::ReadOnly),
        ("variable", DataKind::Writable),
    ] {
        let bytes = (0..DATA_SIZE as u8)
            .map(|byte| byte.wrapping_mul(0x3b))
            .collect();
        module.add_data(DataObject::new(ExternalName::symbol(name), kind, 16, bytes))?;
    }
    let count = 1 + choices.below(MOST_FUNCTIONS);
    let mut signatures: Vec<Signature> = Vec::new();
    for _ in 0..count {
        signatures.push(signature(choices, signatures.first()));
    }
    for index in 0..count {
        module.add_function(FunctionBuilder::build(choices, &signatures, index))?;
    }
    Ok(module)
}

fn name(index: usize) -> ExternalName {
    ExternalName::symbol(format!("f{index}"))
}

/// A signature, which may return what `other` does, so that one may be called in place of the other.
fn signature(choices: &mut Choices<'_>, other: Option<&Signature>) -> Signature {
    let mut signature = Signature::new(choices.of(&CallConv::ALL));
    for _ in 0..choices.below(MOST_PARAMS) {
        signature.params.push(param(choices));
    }
    match other {
        Some(other) if choices.below(2) == 0 => {
            signature.call_conv = other.call_conv;
            signature.returns.clone_from(&other.returns);
        }
        _ => {
            for _ in 0..choices.below(MOST_RETURNS) {
                signature.returns.push(param(choices));
            }
        }
    }
    signature
}

fn param(choices: &mut Choices<'_>) -> AbiParam {
    let purpose = match choices.rarely(32) {
        true => choices.of(&[
            ArgumentPurpose::StructReturn,
            ArgumentPurpose::StructArgument(24),
            ArgumentPurpose::VMContext,
        ]),
        false => ArgumentPurpose::Normal,
    };
    let value_type = match purpose {
        ArgumentPurpose::Normal => ty(choices),
        _ => Type::POINTER,
    };
    let extension = match choices.below(3) {
        1 if value_type.bits() < 32 => ArgumentExtension::Uext,
        2 if value_type.bits() < 32 => ArgumentExtension::Sext,
        _ => ArgumentExtension::None,
    };
    AbiParam {
        value_type,
        purpose,
        extension,
    }
}

fn ty(choices: &mut Choices<'_>) -> Type {
    match choices.rarely(RARE) {
        true => choices.of(&Type::ALL),
        false => choices.of(&INTEGERS),
    }
}

/// A function that is being built.
struct FunctionBuilder<'c, 'b> {
    choices: &'c mut Choices<'b>,
    function: Function,
    blocks: Vec<Block>,
    /// The block that is being filled.
    block: Block,
    /// The values of the entry block, which can be used everywhere.
    of_entry: Vec<Value>,
    /// The values of the current block.
    of_block: Vec<Value>,
}

impl<'c, 'b> FunctionBuilder<'c, 'b> {
    /// The function number `index` of those with `signatures`.
    fn build(choices: &'c mut Choices<'b>, signatures: &[Signature], index: usize) -> Function {
        let mut function = Function::new(name(index), signatures[index].clone());
        let blocks: Vec<_> = (0..1 + choices.below(MOST_BLOCKS))
            .map(|_| function.dfg.make_block())
            .collect();
        let mut builder = Self {
            choices,
            function,
            block: blocks[0],
            blocks,
            of_entry: Vec::new(),
            of_block: Vec::new(),
        };
        builder.declare(signatures);
        builder.make_blocks(&signatures[index]);
        builder.fill_slots();
        for block in builder.blocks.clone() {
            builder.fill_block(block);
        }
        builder.function
    }

    fn declare(&mut self, signatures: &[Signature]) {
        let function = &mut self.function;
        for (index, signature) in signatures.iter().enumerate() {
            let signature = function.dfg.signatures.push(signature.clone());
            function.dfg.ext_funcs.push(ExtFuncData {
                name: name(index),
                signature,
                colocated: true,
            });
        }
        for _ in 0..self.choices.below(MOST_SLOTS) {
            let size = self.choices.of(&SLOT_SIZES);
            let align_shift = self.choices.below(5) as u8;
            function
                .stack_slots
                .push(StackSlotData::new(size, align_shift));
        }
        for symbol in ["variable", "constant"] {
            function.global_values.push(GlobalValueData::Symbol {
                name: ExternalName::symbol(symbol),
                offset: Imm64::new(self.choices.below(4) as i64),
                colocated: true,
            });
        }
        if self.choices.rarely(RARE) {
            let base = GlobalValue::from_u32(self.choices.below(3) as u32);
            let limit = function.global_values.push(GlobalValueData::IAddImm {
                base,
                offset: Imm64::new(self.choices.constant()),
                global_type: Type::POINTER,
            });
            function.stack_limit = limit.into();
        }
    }

    fn make_blocks(&mut self, signature: &Signature) {
        for (index, &block) in self.blocks.iter().enumerate() {
            let function = &mut self.function;
            function.layout.append_block(block);
            if index == 0 {
                for param in &signature.params {
                    function.dfg.append_block_param(block, param.value_type);
                }
                continue;
            }
            for _ in 0..self.choices.below(MOST_BLOCK_PARAMS) {
                let ty = ty(self.choices);
                function.dfg.append_block_param(block, ty);
            }
            if self.choices.rarely(4) {
                function.layout.set_cold(block);
            }
        }
    }

    /// Stores to all of the small slots at the start of the function, so that they can be read.
    fn fill_slots(&mut self) {
        for (slot, size) in self.slots() {
            if size > 64 || self.choices.rarely(8) {
                continue;
            }
            let address = self.insert(
                InstructionData::StackAddr {
                    opcode: Opcode::StackAddr,
                    stack_slot: slot,
                    offset: Offset32::new(0),
                },
                Some(Type::POINTER),
            );
            let word = self.make_constant(Type::I32);
            let byte = self.make_constant(Type::I8);
            let words = (0..size / 4).map(|index| (word, 4 * index));
            let bytes = (size & !3..size).map(|offset| (byte, offset));
            for (value, offset) in words.chain(bytes) {
                self.insert(
                    InstructionData::Store {
                        opcode: Opcode::Store,
                        flags: MemFlags::new(),
                        args: [value, address[0]],
                        offset: Offset32::new(offset as i32),
                    },
                    Some(self.function.dfg.value_type(value)),
                );
            }
        }
    }

    fn slots(&self) -> Vec<(StackSlot, u32)> {
        let slots = self.function.stack_slots.iter();
        slots.map(|(slot, data)| (slot, data.size)).collect()
    }

    fn fill_block(&mut self, block: Block) {
        self.block = block;
        let params = self.function.dfg.block_params(block);
        self.of_block = params.collect();
        for _ in 0..self.choices.below(MOST_INSTS) {
            let opcode = self.choices.of(Opcode::ALL);
            if !opcode.is_terminator() {
                self.add_inst(opcode);
            }
        }
        let terminators: Vec<_> = Opcode::ALL
            .iter()
            .copied()
            .filter(|opcode| opcode.is_terminator() && self.may_end_block(*opcode))
            .collect();
        // Without bytes it must come to an end.
        let opcode = match self.choices.is_empty() {
            true => Opcode::Return,
            false => self.choices.of(&terminators),
        };
        self.add_inst(opcode);
        if self.block == self.blocks[0] {
            self.of_entry = std::mem::take(&mut self.of_block);
        }
    }

    /// Whether the terminator is good for something in this function: there is a block to branch to, and tail calls need
    /// their convention.
    fn may_end_block(&self, opcode: Opcode) -> bool {
        let has_tail_calls = self.function.signature.call_conv == CallConv::Tail;
        (!opcode.is_branch() || self.blocks.len() > 1) && (!opcode.is_call() || has_tail_calls)
    }

    /// Adds an instruction with operands of the types that it needs.
    fn add_inst(&mut self, opcode: Opcode) {
        let types: Vec<_> = opcode
            .controlling_type()
            .types()
            .iter()
            .filter(|ty| ty.is_int())
            .collect();
        let controlling = match opcode.controlling_type() {
            ControllingType::Untyped => None,
            _ if self.choices.rarely(RARE) => Some(self.choices.of(&Type::ALL)),
            _ => Some(self.choices.of(&types)),
        };
        let args: Vec<_> = opcode
            .operands()
            .iter()
            .map(|operand| self.operand(*operand, controlling))
            .collect();
        let data = self.data(opcode, controlling, &args);
        self.insert(data, controlling);
    }

    /// The instruction with the operands `args`, and others that it needs besides.
    fn data(
        &mut self,
        opcode: Opcode,
        controlling: Option<Type>,
        args: &[Value],
    ) -> InstructionData {
        let code = TrapCode::user(1 + self.choices.byte() % 8).expect("the number is small");
        let offset = Offset32::new(match self.choices.rarely(16) {
            true => self.choices.constant() as i32,
            false => self.choices.below(16) as i32,
        });
        let flags = self.flags();
        match opcode.format() {
            InstructionFormat::NullAry => InstructionData::NullAry { opcode },
            InstructionFormat::Unary => InstructionData::Unary {
                opcode,
                arg: args[0],
            },
            InstructionFormat::UnaryImm => InstructionData::UnaryImm {
                opcode,
                imm: self.immediate(controlling),
            },
            InstructionFormat::UnaryGlobalValue => InstructionData::UnaryGlobalValue {
                opcode,
                global_value: GlobalValue::from_u32(self.reference(2)),
            },
            InstructionFormat::Binary => InstructionData::Binary {
                opcode,
                args: [args[0], args[1]],
            },
            InstructionFormat::Ternary => InstructionData::Ternary {
                opcode,
                args: [args[0], args[1], args[2]],
            },
            InstructionFormat::MultiAry => {
                let types = self.function.signature.returns.clone();
                InstructionData::MultiAry {
                    opcode,
                    args: self.list(None, &types),
                }
            }
            InstructionFormat::IntCompare => InstructionData::IntCompare {
                opcode,
                cond: self.choices.of(IntCC::ALL),
                args: [args[0], args[1]],
            },
            InstructionFormat::Jump => InstructionData::Jump {
                opcode,
                destination: self.block_call(),
            },
            InstructionFormat::Brif => InstructionData::Brif {
                opcode,
                arg: args[0],
                blocks: [self.block_call(), self.block_call()],
            },
            InstructionFormat::BranchTable => {
                let default = self.block_call();
                let count = self.choices.below(6);
                let entries: Vec<_> = (0..count).map(|_| self.block_call()).collect();
                let table = JumpTableData::new(default, &entries);
                InstructionData::BranchTable {
                    opcode,
                    arg: args[0],
                    table: self.function.dfg.jump_tables.push(table),
                }
            }
            InstructionFormat::Call => {
                let func_ref = FuncRef::from_u32(self.reference(self.function.dfg.ext_funcs.len()));
                let signature = self.signature(func_ref.as_u32());
                InstructionData::Call {
                    opcode,
                    func_ref,
                    args: self.list(None, &signature.params),
                }
            }
            InstructionFormat::CallIndirect => self.indirect_call(opcode, args[0]),
            InstructionFormat::FuncAddr => InstructionData::FuncAddr {
                opcode,
                func_ref: FuncRef::from_u32(self.reference(self.function.dfg.ext_funcs.len())),
            },
            InstructionFormat::StackAddr => InstructionData::StackAddr {
                opcode,
                stack_slot: StackSlot::from_u32(
                    self.reference(self.function.stack_slots.len().max(1)),
                ),
                offset,
            },
            InstructionFormat::Load => InstructionData::Load {
                opcode,
                flags,
                arg: args[0],
                offset,
            },
            InstructionFormat::LoadNoOffset => InstructionData::LoadNoOffset {
                opcode,
                flags,
                arg: args[0],
            },
            InstructionFormat::Store => InstructionData::Store {
                opcode,
                flags,
                args: [args[0], args[1]],
                offset,
            },
            InstructionFormat::StoreNoOffset => InstructionData::StoreNoOffset {
                opcode,
                flags,
                args: [args[0], args[1]],
            },
            InstructionFormat::AtomicRmw => InstructionData::AtomicRmw {
                opcode,
                op: self.choices.of(AtomicRmwOp::ALL),
                flags,
                args: [args[0], args[1]],
            },
            InstructionFormat::AtomicCas => InstructionData::AtomicCas {
                opcode,
                flags,
                args: [args[0], args[1], args[2]],
            },
            InstructionFormat::Trap => InstructionData::Trap { opcode, code },
            InstructionFormat::CondTrap => InstructionData::CondTrap {
                opcode,
                arg: args[0],
                code,
            },
            InstructionFormat::IntAddTrap => InstructionData::IntAddTrap {
                opcode,
                args: [args[0], args[1]],
                code,
            },
        }
    }

    /// A call of a function by its address, which is mostly that of a function with the signature.
    fn indirect_call(&mut self, opcode: Opcode, address: Value) -> InstructionData {
        let count = self.function.dfg.ext_funcs.len();
        let sig_ref = SigRef::from_u32(self.reference(count));
        let signature = self.signature(sig_ref.as_u32());
        let address = match self.choices.rarely(8) {
            true => address,
            false => {
                let func_ref = FuncRef::from_u32(sig_ref.as_u32());
                let opcode = Opcode::FuncAddr;
                let data = InstructionData::FuncAddr { opcode, func_ref };
                self.insert(data, Some(Type::POINTER))[0]
            }
        };
        InstructionData::CallIndirect {
            opcode,
            sig_ref,
            args: self.list(Some(address), &signature.params),
        }
    }

    /// The signature number `index`, or one without parameters if there are fewer.
    fn signature(&self, index: u32) -> Signature {
        let signature = self.function.dfg.signatures.get(SigRef::from_u32(index));
        signature.cloned().unwrap_or(Signature::new(CallConv::Fast))
    }

    /// The number of one of `count` entities, and now and then of one that may not exist.
    fn reference(&mut self, count: usize) -> u32 {
        match self.choices.rarely(RARE) {
            true => self.choices.byte().into(),
            false => self.choices.below(count) as u32,
        }
    }

    fn flags(&mut self) -> MemFlags {
        let bits = match self.choices.rarely(8) {
            true => self.choices.byte(),
            false => 0,
        };
        let steps: [fn(MemFlags) -> MemFlags; 6] = [
            MemFlags::with_notrap,
            |flags| flags.with_trap_code(TrapCode::INTEGER_OVERFLOW),
            MemFlags::with_aligned,
            MemFlags::with_can_move,
            |flags| flags.with_endianness(Endianness::Little),
            |flags| flags.with_endianness(Endianness::Big),
        ];
        let chosen = (0..).zip(steps).filter(|(bit, _)| bits >> bit & 1 != 0);
        let flags = chosen.fold(MemFlags::new(), |flags, (_, step)| step(flags));
        // Stores must not have it.
        match self.choices.rarely(RARE) {
            true => flags.with_readonly(),
            false => flags,
        }
    }

    /// A constant that is written as one of its type, but now and then is not.
    fn immediate(&mut self, ty: Option<Type>) -> Imm64 {
        let constant = Imm64::new(self.choices.constant());
        match ty {
            Some(ty) if ty.bits() < 64 && !self.choices.rarely(RARE) => {
                constant.sign_extend_from(ty.bits())
            }
            _ => constant,
        }
    }

    /// A branch to a block behind this one, or to any.
    fn block_call(&mut self) -> BlockCall {
        let current = self.blocks.iter().position(|block| *block == self.block);
        let behind = current.map_or(0, |current| current + 1);
        let block = match self.choices.below(4) {
            _ if self.choices.rarely(RARE) => Block::from_u32(self.choices.byte().into()),
            0..3 if behind < self.blocks.len() => {
                self.blocks[behind + self.choices.below(self.blocks.len() - behind)]
            }
            _ if self.blocks.len() > 1 => {
                self.blocks[1 + self.choices.below(self.blocks.len() - 1)]
            }
            _ => self.block,
        };
        let dfg = &self.function.dfg;
        let params: Vec<_> = match dfg.block_is_valid(block) {
            true => {
                let params = dfg.block_params(block);
                params
                    .map(|param| AbiParam::new(dfg.value_type(param)))
                    .collect()
            }
            false => Vec::new(),
        };
        let args: Vec<_> = params
            .iter()
            .map(|param| self.value(param.value_type))
            .collect();
        BlockCall::new(block, args, &mut self.function.dfg.value_lists)
    }

    /// Values of `types` behind `first`.
    fn list(&mut self, first: Option<Value>, types: &[AbiParam]) -> ValueList {
        let values: Vec<_> = types
            .iter()
            .map(|param| self.value(param.value_type))
            .collect();
        let pool = &mut self.function.dfg.value_lists;
        let mut list = ValueList::new();
        for value in first.into_iter().chain(values) {
            list.push(value, pool);
        }
        list
    }

    fn operand(&mut self, operand: OperandType, controlling: Option<Type>) -> Value {
        if operand == OperandType::Address && !self.choices.rarely(8) {
            return self.address();
        }
        let fits: Vec<_> = Type::ALL
            .into_iter()
            .filter(|ty| ty.is_int() && operand.accepts(*ty, controlling))
            .collect();
        match fits.is_empty() {
            true => self.value(Type::I32),
            false => {
                let ty = self.choices.of(&fits);
                self.value(ty)
            }
        }
    }

    /// The address of something.
    fn address(&mut self) -> Value {
        let slots = self.slots();
        let data = match self.choices.below(slots.len() + 2) {
            index if index < slots.len() => InstructionData::StackAddr {
                opcode: Opcode::StackAddr,
                stack_slot: slots[index].0,
                offset: Offset32::new(self.choices.below(4) as i32),
            },
            index => InstructionData::UnaryGlobalValue {
                opcode: Opcode::SymbolValue,
                global_value: GlobalValue::from_u32((index - slots.len()) as u32),
            },
        };
        self.insert(data, Some(Type::POINTER))[0]
    }

    /// A value of type `ty`.
    fn value(&mut self, ty: Type) -> Value {
        let count = self.function.dfg.num_values();
        if self.choices.rarely(RARE) {
            return Value::from_u32(self.choices.below(count + 2) as u32);
        }
        let dfg = &self.function.dfg;
        let values = self.of_block.iter().rev().chain(&self.of_entry);
        let fitting: Vec<_> = values
            .copied()
            .filter(|value| dfg.value_type(*value) == ty)
            .collect();
        if fitting.is_empty() || self.choices.rarely(8) {
            return self.make_constant(ty);
        }
        self.choices.of(&fitting)
    }

    fn make_constant(&mut self, ty: Type) -> Value {
        let (opcode, arg) = match ty {
            Type::I128 => (Opcode::Sextend, self.make_constant(Type::I64)),
            Type::F32 => (Opcode::Bitcast, self.make_constant(Type::I32)),
            Type::F64 => (Opcode::Bitcast, self.make_constant(Type::I64)),
            _ => {
                let imm = self.immediate(Some(ty));
                let opcode = Opcode::Iconst;
                return self.insert(InstructionData::UnaryImm { opcode, imm }, Some(ty))[0];
            }
        };
        let data = match opcode {
            Opcode::Bitcast => InstructionData::LoadNoOffset {
                opcode,
                flags: MemFlags::new(),
                arg,
            },
            _ => InstructionData::Unary { opcode, arg },
        };
        self.insert(data, Some(ty))[0]
    }

    /// Puts the instruction at the end of the block, and returns its results.
    fn insert(&mut self, data: InstructionData, controlling: Option<Type>) -> Vec<Value> {
        let dfg = &mut self.function.dfg;
        let inst: Inst = dfg.make_inst(data);
        dfg.make_inst_results(inst, controlling);
        let results: Vec<_> = dfg.inst_results(inst).collect();
        self.function.layout.append_inst(inst, self.block);
        self.of_block.extend(&results);
        results
    }
}
