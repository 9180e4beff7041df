//! One method per opcode, generated from the opcode table.
//!
//! The name and the operands of a method are those of the text form, except that the type comes first where the text form
//! has to state it, and the operands of memory accesses stand behind their flags:
//!
//! ```text
//!  v2 = iadd v0, v1                      let v2 = ins().iadd(v0, v1);
//!  v3 = iconst.i32 5                     let v3 = ins().iconst(Type::I32, 5);
//!  v4 = load.i64 notrap v0+8             let v4 = ins().load(Type::I64, flags, v0, 8);
//!  v5, v6 = uadd_overflow v0, v1         let (v5, v6) = ins().uadd_overflow(v0, v1);
//!  brif v0, block1(v1), block2           ins().brif(v0, block1, &[v1], block2, &[]);
//! ```
//!
//! Nothing is checked here: operands of wrong types make an instruction that the verifier refuses.

use crate::ir::for_each_opcode;
use crate::ir::{
    AtomicRmwOp, Block, BlockCall, ControllingType, DataFlowGraph, FuncRef, GlobalValue, Imm64,
    Inst, InstructionData, IntCC, JumpTable, MemFlags, Offset32, Opcode, SigRef, StackSlot,
    TrapCode, Type, Value, ValueList,
};

/// A place where instructions can be put.
pub trait InstInserter {
    /// The data flow graph of the function.
    fn data_flow_graph(&self) -> &DataFlowGraph;

    /// The data flow graph of the function, mutably.
    fn data_flow_graph_mut(&mut self) -> &mut DataFlowGraph;

    /// Makes an instruction with the results that its opcode and the controlling type require, and puts it here.
    fn insert(&mut self, data: InstructionData, controlling: Option<Type>) -> Inst;
}

/// Makes one instruction, by the method that is called as its opcode.
///
/// An instruction without results, or with those that a signature states, gives its [`Inst`]; one with one or two results
/// gives these.
pub struct InstBuilder<'a> {
    place: &'a mut dyn InstInserter,
}

impl<'a> InstBuilder<'a> {
    /// A builder that puts its instruction into `place`.
    pub fn new(place: &'a mut dyn InstInserter) -> Self {
        Self { place }
    }

    /// Inserts an instruction whose opcode has its controlling type, if any, from an operand.
    fn inferred(&mut self, data: InstructionData) -> Inst {
        let controlling = match data.opcode().controlling_type() {
            ControllingType::Operand(index, _) => {
                let dfg = self.place.data_flow_graph();
                let operand = data.arguments(&dfg.value_lists).nth(index.into());
                operand.map(|value| dfg.value_type(value))
            }
            ControllingType::Untyped | ControllingType::Explicit(_) => None,
        };
        self.place.insert(data, controlling)
    }

    /// Inserts an instruction of the controlling type `ty`.
    fn explicit(&mut self, mut data: InstructionData, ty: Type) -> Inst {
        if let InstructionData::UnaryImm { imm, .. } = &mut data {
            *imm = in_range(*imm, ty);
        }
        self.place.insert(data, Some(ty))
    }

    fn one_result(&self, inst: Inst) -> Value {
        self.place.data_flow_graph().first_result(inst)
    }

    fn two_results(&self, inst: Inst) -> (Value, Value) {
        let mut results = self.place.data_flow_graph().inst_results(inst);
        match (results.next(), results.next()) {
            (Some(first), Some(second)) => (first, second),
            _ => unreachable!("the opcode has two results"),
        }
    }

    fn value_list(&mut self, args: &[Value]) -> ValueList {
        ValueList::from_slice(args, &mut self.place.data_flow_graph_mut().value_lists)
    }

    fn callee_and_args(&mut self, callee: Value, args: &[Value]) -> ValueList {
        let values = core::iter::once(callee).chain(args.iter().copied());
        ValueList::from_iter(values, &mut self.place.data_flow_graph_mut().value_lists)
    }

    fn block_call(&mut self, block: Block, args: &[Value]) -> BlockCall {
        let pool = &mut self.place.data_flow_graph_mut().value_lists;
        BlockCall::new(block, args.iter().copied(), pool)
    }
}

/// The immediate as constants of type `ty` keep it, when it is in the range of the type as a signed or as an unsigned number.
/// Otherwise it stays as it is, for the verifier to refuse.
fn in_range(imm: Imm64, ty: Type) -> Imm64 {
    let bits = ty.bits();
    let is_unsigned = bits >= 64 || imm.bits() as u64 >> bits == 0;
    if is_unsigned {
        imm.sign_extend_from(bits)
    } else {
        imm
    }
}

macro_rules! result_type {
    () => {
        Inst
    };
    ($one:ident) => {
        Value
    };
    ($one:ident $two:ident) => {
        (Value, Value)
    };
}

macro_rules! results_of {
    ($builder:ident, $inst:ident, ) => {
        $inst
    };
    ($builder:ident, $inst:ident, $one:ident) => {
        $builder.one_result($inst)
    };
    ($builder:ident, $inst:ident, $one:ident $two:ident) => {
        $builder.two_results($inst)
    };
}

/// Defines a method from a row of the opcode table, the parameters of its format and the instruction made of them.
macro_rules! method {
    (
        $self:ident, [$($doc:tt)*] $method:ident [explicit $types:ident] ($($result:ident)*)
        ($($param:ident: $ty:ty),*) $data:expr
    ) => {
        $($doc)*
        pub fn $method(mut $self, ty: Type, $($param: $ty),*) -> result_type!($($result)*) {
            let data = $data;
            let inst = $self.explicit(data, ty);
            results_of!($self, inst, $($result)*)
        }
    };
    (
        $self:ident, [$($doc:tt)*] $method:ident [$($inferred:tt)*] ($($result:ident)*)
        ($($param:ident: $ty:ty),*) $data:expr
    ) => {
        $($doc)*
        pub fn $method(mut $self, $($param: $ty),*) -> result_type!($($result)*) {
            let data = $data;
            let inst = $self.inferred(data);
            results_of!($self, inst, $($result)*)
        }
    };
}

/// Adds the parameters of its format to a row of the opcode table.
macro_rules! method_of_format {
    (NullAry $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* () InstructionData::NullAry { opcode: Opcode::$opcode } }
    };
    (Unary $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (x: Value) InstructionData::Unary { opcode: Opcode::$opcode, arg: x } }
    };
    (UnaryImm $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (imm: i64)
            InstructionData::UnaryImm { opcode: Opcode::$opcode, imm: Imm64::new(imm) }
        }
    };
    (UnaryGlobalValue $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (global_value: GlobalValue)
            InstructionData::UnaryGlobalValue { opcode: Opcode::$opcode, global_value }
        }
    };
    (Binary $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (x: Value, y: Value)
            InstructionData::Binary { opcode: Opcode::$opcode, args: [x, y] }
        }
    };
    (Ternary $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (x: Value, y: Value, z: Value)
            InstructionData::Ternary { opcode: Opcode::$opcode, args: [x, y, z] }
        }
    };
    (MultiAry $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (args: &[Value])
            InstructionData::MultiAry { opcode: Opcode::$opcode, args: self.value_list(args) }
        }
    };
    (IntCompare $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (cond: IntCC, x: Value, y: Value)
            InstructionData::IntCompare { opcode: Opcode::$opcode, cond, args: [x, y] }
        }
    };
    (Jump $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (block: Block, args: &[Value])
            InstructionData::Jump { opcode: Opcode::$opcode, destination: self.block_call(block, args) }
        }
    };
    (Brif $opcode:ident $($row:tt)*) => {
        method! { self, $($row)*
            (condition: Value, block_then: Block, then_args: &[Value], block_else: Block, else_args: &[Value])
            InstructionData::Brif {
                opcode: Opcode::$opcode,
                arg: condition,
                blocks: [self.block_call(block_then, then_args), self.block_call(block_else, else_args)],
            }
        }
    };
    (BranchTable $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (index: Value, table: JumpTable)
            InstructionData::BranchTable { opcode: Opcode::$opcode, arg: index, table }
        }
    };
    (Call $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (func_ref: FuncRef, args: &[Value])
            InstructionData::Call { opcode: Opcode::$opcode, func_ref, args: self.value_list(args) }
        }
    };
    (CallIndirect $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (sig_ref: SigRef, callee: Value, args: &[Value])
            InstructionData::CallIndirect {
                opcode: Opcode::$opcode,
                sig_ref,
                args: self.callee_and_args(callee, args),
            }
        }
    };
    (FuncAddr $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (func_ref: FuncRef)
            InstructionData::FuncAddr { opcode: Opcode::$opcode, func_ref }
        }
    };
    (StackAddr $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (stack_slot: StackSlot, offset: i32)
            InstructionData::StackAddr {
                opcode: Opcode::$opcode,
                stack_slot,
                offset: Offset32::new(offset),
            }
        }
    };
    (Load $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (flags: MemFlags, address: Value, offset: i32)
            InstructionData::Load {
                opcode: Opcode::$opcode,
                flags,
                arg: address,
                offset: Offset32::new(offset),
            }
        }
    };
    (LoadNoOffset $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (flags: MemFlags, x: Value)
            InstructionData::LoadNoOffset { opcode: Opcode::$opcode, flags, arg: x }
        }
    };
    (Store $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (flags: MemFlags, x: Value, address: Value, offset: i32)
            InstructionData::Store {
                opcode: Opcode::$opcode,
                flags,
                args: [x, address],
                offset: Offset32::new(offset),
            }
        }
    };
    (StoreNoOffset $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (flags: MemFlags, x: Value, address: Value)
            InstructionData::StoreNoOffset { opcode: Opcode::$opcode, flags, args: [x, address] }
        }
    };
    (AtomicRmw $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (flags: MemFlags, op: AtomicRmwOp, address: Value, x: Value)
            InstructionData::AtomicRmw { opcode: Opcode::$opcode, op, flags, args: [address, x] }
        }
    };
    (AtomicCas $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (flags: MemFlags, address: Value, expected: Value, x: Value)
            InstructionData::AtomicCas { opcode: Opcode::$opcode, flags, args: [address, expected, x] }
        }
    };
    (Trap $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (code: TrapCode) InstructionData::Trap { opcode: Opcode::$opcode, code } }
    };
    (CondTrap $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (x: Value, code: TrapCode)
            InstructionData::CondTrap { opcode: Opcode::$opcode, arg: x, code }
        }
    };
    (IntAddTrap $opcode:ident $($row:tt)*) => {
        method! { self, $($row)* (x: Value, y: Value, code: TrapCode)
            InstructionData::IntAddTrap { opcode: Opcode::$opcode, args: [x, y], code }
        }
    };
}

macro_rules! define_methods {
    ($(
        $(#[$doc:meta])*
        $variant:ident $method:ident $name:literal $format:ident [$($controlling:tt)*]
            ($($operand:ident)*) -> ($($result:ident)*) { $($property:ident)* }
    )*) => {
        /// The opcodes.
        impl InstBuilder<'_> {
            $(method_of_format! {
                $format $variant [$(#[$doc])*] $method [$($controlling)*] ($($result)*)
            })*
        }
    };
}

for_each_opcode!(define_methods);

#[cfg(test)]
mod tests {
    use super::super::FuncCursor;
    use super::*;
    use crate::ir::{
        AbiParam, CallConv, ExtFuncData, ExternalName, Function, JumpTableData, Signature,
        StackSlotData,
    };
    use std::vec::Vec;

    fn function() -> (Function, Block) {
        let mut func = Function::new(ExternalName::symbol("f"), Signature::default());
        let block = func.dfg.make_block();
        func.layout.append_block(block);
        (func, block)
    }

    #[test]
    fn types_are_inferred_or_stated() {
        let (mut func, block) = function();
        let mut cursor = FuncCursor::new(&mut func).at_bottom(block);
        let address = cursor.ins().iconst(Type::I32, 64);
        let a = cursor
            .ins()
            .load(Type::I64, MemFlags::trusted(), address, 8);
        let sum = cursor.ins().iadd(a, a);
        let less = cursor.ins().icmp(IntCC::SignedLessThan, sum, a);
        let chosen = cursor.ins().select(less, a, sum);
        let (low, high) = cursor.ins().isplit(chosen);
        let (_, carry) = cursor.ins().uadd_overflow(low, high);
        let wide = cursor.ins().sextend(Type::I128, carry);
        let types = [a, sum, less, chosen, low, high, carry, wide].map(|v| func.dfg.value_type(v));
        use Type::*;
        assert_eq!(types, [I64, I64, I8, I64, I32, I32, I8, I128]);
    }

    #[test]
    fn immediates_are_kept_sign_extended() {
        let (mut func, block) = function();
        for (ty, imm, kept) in [
            (Type::I8, 0xff, -1),
            (Type::I8, -128, -128),
            (Type::I8, 256, 256),
            (Type::I8, -129, -129),
            (Type::I32, 0xffff_ffff, -1),
            (Type::I64, -1, -1),
        ] {
            let value = FuncCursor::new(&mut func)
                .at_bottom(block)
                .ins()
                .iconst(ty, imm);
            let inst = func.dfg.value_inst(value).unwrap();
            let InstructionData::UnaryImm { imm: found, .. } = *func.dfg.inst(inst) else {
                panic!("iconst has an immediate");
            };
            assert_eq!(found.bits(), kept, "{ty} {imm}");
        }
    }

    #[test]
    fn calls_have_the_results_of_their_signature() {
        let (mut func, block) = function();
        let mut signature = Signature::new(CallConv::Fast);
        signature.returns = [Type::I8, Type::I64].map(AbiParam::new).to_vec();
        let signature = func.dfg.signatures.push(signature);
        let callee = func.dfg.ext_funcs.push(ExtFuncData {
            name: ExternalName::symbol("g"),
            signature,
            colocated: false,
        });
        let mut cursor = FuncCursor::new(&mut func).at_bottom(block);
        let address = cursor.ins().func_addr(Type::I32, callee);
        let direct = cursor.ins().call(callee, &[address]);
        let indirect = cursor.ins().call_indirect(signature, address, &[address]);
        let tail = cursor.ins().return_call(callee, &[]);
        for call in [direct, indirect] {
            let types: Vec<_> = func
                .dfg
                .inst_results(call)
                .map(|v| func.dfg.value_type(v))
                .collect();
            assert_eq!(types, [Type::I8, Type::I64]);
        }
        assert!(!func.dfg.has_results(tail));
        let args: Vec<_> = func.dfg.inst_args(indirect).collect();
        assert_eq!(args, [address, address]);
    }

    #[test]
    fn branches_carry_arguments() {
        let (mut func, block) = function();
        let [one, two] = [(); 2].map(|()| func.dfg.make_block());
        let mut cursor = FuncCursor::new(&mut func).at_bottom(block);
        let a = cursor.ins().iconst(Type::I32, 1);
        let b = cursor.ins().iconst(Type::I32, 2);
        let brif = cursor.ins().brif(a, one, &[a, b], two, &[b]);
        let dfg = &func.dfg;
        let found: Vec<(Block, Vec<Value>)> = dfg
            .branch_destinations(brif)
            .iter()
            .map(|call| {
                (
                    call.block(&dfg.value_lists),
                    call.args(&dfg.value_lists).collect(),
                )
            })
            .collect();
        assert_eq!(found, [(one, [a, b].to_vec()), (two, [b].to_vec())]);
    }

    #[test]
    fn tables_slots_and_memory() {
        let (mut func, block) = function();
        let slot = func.stack_slots.push(StackSlotData::new(8, 2));
        let default = BlockCall::new(block, [], &mut func.dfg.value_lists);
        let table = func.dfg.jump_tables.push(JumpTableData::new(default, &[]));
        let mut cursor = FuncCursor::new(&mut func).at_bottom(block);
        let address = cursor.ins().stack_addr(Type::I32, slot, 4);
        let store = cursor.ins().store(MemFlags::new(), address, address, -4);
        let branch = cursor.ins().br_table(address, table);
        let InstructionData::Store { args, offset, .. } = *func.dfg.inst(store) else {
            panic!("a store has the format of stores");
        };
        assert_eq!((args, offset), ([address; 2], Offset32::new(-4)));
        assert_eq!(func.dfg.branch_destinations(branch).len(), 1);
    }
}
