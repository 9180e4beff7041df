//! Executing one instruction.

use crate::data::DataLayout;
use crate::error::Stop;
use crate::evaluate::{self, Results};
use crate::frame::Frame;
use crate::functions::{Callee, Functions};
use crate::host::HostFunctions;
use crate::memory::Memory;
use crate::memory_access::Access;
use alloc::vec::Vec;
use lpc_lpir::ir::{
    BlockCall, DataValue, Definition, ExternalName, FuncRef, GlobalValue, GlobalValueData,
    ImportKind, Inst, InstructionData, JumpTable, Module, Opcode, SigRef, StackSlot, Type, Value,
};

/// What is executed after an instruction.
pub(crate) enum Flow {
    /// The next instruction of the block.
    Next,
    /// A block.
    Branch(BlockCall),
    /// A function, and then the next instruction of the block.
    Call(Callee, Vec<DataValue>),
    /// A function in place of this one.
    TailCall(Callee, Vec<DataValue>),
    /// The caller.
    Return(Vec<DataValue>),
}

/// What an instruction can read and write.
pub(crate) struct Step<'a, 'm> {
    pub(crate) module: &'m Module,
    pub(crate) frame: &'a mut Frame<'m>,
    pub(crate) memory: &'a mut Memory,
    pub(crate) functions: &'a mut Functions,
    pub(crate) data: &'a DataLayout,
    pub(crate) host: &'a dyn HostFunctions,
}

impl Step<'_, '_> {
    /// Executes the instruction that the frame is at. Calls, returns and branches are left to the caller.
    pub(crate) fn execute(&mut self) -> Result<Flow, Stop> {
        use InstructionData as Data;
        let inst = self.frame.inst;
        let function = self.frame.function;
        let data = *function.dfg.inst(inst);
        match data {
            Data::Jump { destination, .. } => return Ok(Flow::Branch(destination)),
            Data::Brif { arg, blocks, .. } => {
                let taken = if self.value(arg).is_true() { 0 } else { 1 };
                return Ok(Flow::Branch(blocks[taken]));
            }
            Data::BranchTable { arg, table, .. } => {
                let index = self.value(arg).unsigned();
                return Ok(Flow::Branch(self.branch_at(table, index)));
            }
            Data::Trap { code, .. } => return Err(code.into()),
            Data::CondTrap { opcode, arg, code } => {
                let traps_if_true = opcode == Opcode::Trapnz;
                if self.value(arg).is_true() == traps_if_true {
                    return Err(code.into());
                }
            }
            Data::MultiAry { .. } => return Ok(Flow::Return(self.arguments(inst))),
            Data::Call {
                opcode, func_ref, ..
            } => {
                let callee = self.declared_callee(func_ref)?;
                return Ok(flow_to(callee, self.arguments(inst), opcode));
            }
            Data::CallIndirect {
                opcode, sig_ref, ..
            } => {
                let mut arguments = self.arguments(inst);
                let address = arguments.remove(0).unsigned() as u32;
                let callee = self.callee_at(address, sig_ref)?;
                return Ok(flow_to(callee, arguments, opcode));
            }
            Data::Load { .. }
            | Data::LoadNoOffset { .. }
            | Data::Store { .. }
            | Data::StoreNoOffset { .. }
            | Data::AtomicRmw { .. }
            | Data::AtomicCas { .. } => {
                if let Some(result) = self.access_memory(inst, data)? {
                    self.define(inst, (result, None));
                }
            }
            _ => {
                if let Some(results) = self.compute(inst, data)? {
                    self.define(inst, results);
                }
            }
        }
        Ok(Flow::Next)
    }

    /// Executes an instruction that reads or writes memory, and gives its result if it has one.
    fn access_memory(
        &mut self,
        inst: Inst,
        data: InstructionData,
    ) -> Result<Option<DataValue>, Stop> {
        use InstructionData as Data;
        Ok(match data {
            Data::Load {
                opcode,
                flags,
                arg,
                offset,
            } => {
                let access = Access::new(self.value(arg), offset, flags);
                Some(access.load(self.memory, opcode, self.controlling_type(inst))?)
            }
            Data::Store {
                opcode,
                flags,
                args: [value, address],
                offset,
            } => {
                let access = Access::new(self.value(address), offset, flags);
                access.store(self.memory, opcode, self.frame.value(value))?;
                None
            }
            // A cast of bits has the form of a load, for the byte order of vectors; numbers have none.
            Data::LoadNoOffset {
                opcode: Opcode::Bitcast,
                arg,
                ..
            } => {
                let ty = self.controlling_type(inst);
                Some(evaluate::unary(Opcode::Bitcast, ty, self.value(arg)).0)
            }
            Data::LoadNoOffset {
                opcode, flags, arg, ..
            } => {
                let access = Access::atomic(self.value(arg), flags);
                Some(access.load(self.memory, opcode, self.controlling_type(inst))?)
            }
            Data::StoreNoOffset {
                opcode,
                flags,
                args: [value, address],
            } => {
                let access = Access::atomic(self.value(address), flags);
                access.store(self.memory, opcode, self.frame.value(value))?;
                None
            }
            Data::AtomicRmw {
                op,
                flags,
                args: [address, operand],
                ..
            } => {
                let access = Access::atomic(self.value(address), flags);
                Some(access.atomic_rmw(self.memory, op, self.frame.value(operand))?)
            }
            Data::AtomicCas {
                flags,
                args: [address, expected, new],
                ..
            } => {
                let access = Access::atomic(self.value(address), flags);
                let [expected, new] = [expected, new].map(|value| self.frame.value(value));
                Some(access.atomic_cas(self.memory, expected, new)?)
            }
            _ => unreachable!("{} does not access memory", data.opcode()),
        })
    }

    /// Executes an instruction that reads no memory and goes nowhere else, and gives its results if it has any.
    fn compute(&mut self, inst: Inst, data: InstructionData) -> Result<Option<Results>, Stop> {
        use InstructionData as Data;
        let result = match data {
            Data::Unary { opcode, arg } => {
                let ty = self.controlling_type(inst);
                return Ok(Some(evaluate::unary(opcode, ty, self.value(arg))));
            }
            Data::Binary { opcode, args } => {
                let [x, y] = args.map(|arg| self.value(arg));
                return Ok(Some(evaluate::binary(opcode, x, y)?));
            }
            Data::Ternary { opcode, args } => {
                let [x, y, z] = args.map(|arg| self.value(arg));
                return Ok(Some(evaluate::ternary(opcode, x, y, z)));
            }
            Data::UnaryImm { imm, .. } => {
                DataValue::from_signed(self.controlling_type(inst), imm.bits().into())
            }
            Data::IntCompare { cond, args, .. } => {
                let [x, y] = args.map(|arg| self.value(arg));
                evaluate::compare(cond, x, y)
            }
            Data::IntAddTrap { args, code, .. } => {
                let [x, y] = args.map(|arg| self.value(arg));
                evaluate::uadd_overflow_trap(x, y, code)?
            }
            Data::StackAddr {
                stack_slot, offset, ..
            } => self.stack_address(stack_slot, offset.bytes()),
            Data::FuncAddr { func_ref, .. } => {
                let callee = self.declared_callee(func_ref)?;
                address(self.functions.address(&callee, self.module))
            }
            Data::UnaryGlobalValue { global_value, .. } => self.symbol_address(global_value)?,
            Data::NullAry { opcode } => match opcode {
                Opcode::Nop | Opcode::Fence | Opcode::Debugtrap => return Ok(None),
                Opcode::GetStackPointer => address(self.frame.stack_pointer),
                Opcode::GetFramePointer => address(self.frame.frame_pointer),
                _ => return Err(Stop::Unsupported),
            },
            _ => unreachable!("{} does not only compute", data.opcode()),
        };
        Ok(Some((result, None)))
    }

    fn value(&self, value: Value) -> DataValue {
        self.frame.value(value)
    }

    fn arguments(&self, inst: Inst) -> Vec<DataValue> {
        self.frame.read_all(self.frame.function.dfg.inst_args(inst))
    }

    fn controlling_type(&self, inst: Inst) -> Type {
        let ty = self.frame.function.dfg.controlling_type(inst);
        ty.expect("a verified instruction of this format has a type")
    }

    /// Gives the results of `inst` their meaning.
    fn define(&mut self, inst: Inst, (first, second): Results) {
        let results = self.frame.function.dfg.inst_results(inst);
        match second {
            None => self.frame.define_all(results, &[first]),
            Some(second) => self.frame.define_all(results, &[first, second]),
        }
    }

    fn branch_at(&self, table: JumpTable, index: u128) -> BlockCall {
        let table = &self.frame.function.dfg.jump_tables[table];
        let entry = usize::try_from(index)
            .ok()
            .and_then(|index| table.entries().get(index));
        entry.copied().unwrap_or_else(|| table.default_branch())
    }

    fn stack_address(&self, slot: StackSlot, offset: i32) -> DataValue {
        address(self.frame.slot_address(slot).wrapping_add_signed(offset))
    }

    fn symbol_address(&mut self, global_value: GlobalValue) -> Result<DataValue, Stop> {
        let GlobalValueData::Symbol { name, offset, .. } =
            &self.frame.function.global_values[global_value]
        else {
            return Err(Stop::Unsupported);
        };
        let start = match self.module.definition(name) {
            Some(Definition::Data(id)) => self.data.address(id),
            Some(Definition::Function(id)) => {
                self.functions.address(&Callee::Module(id), self.module)
            }
            Some(Definition::Import(ImportKind::Function(signature)))
                if self.host.provides(name, signature) =>
            {
                let callee = Callee::Host(name.clone());
                self.functions.address(&callee, self.module)
            }
            Some(Definition::Import(_)) | None => return Err(unknown_name(name)),
        };
        Ok(address(start.wrapping_add(offset.bits() as u32)))
    }

    /// The function that `func_ref` declares.
    fn declared_callee(&self, func_ref: FuncRef) -> Result<Callee, Stop> {
        let data = &self.frame.function.dfg.ext_funcs[func_ref];
        let callee = match self.module.find(&data.name) {
            Some(id) => Callee::Module(id),
            None => Callee::Host(data.name.clone()),
        };
        self.check_signature(callee, data.signature)
    }

    /// The function at `address`.
    fn callee_at(&self, address: u32, signature: SigRef) -> Result<Callee, Stop> {
        let callee = self.functions.at_address(address, self.module);
        let callee = callee.ok_or(Stop::Undefined("call of an address that is no function"))?;
        self.check_signature(callee, signature)
    }

    /// Gives `callee` back when it can be called with `signature`.
    fn check_signature(&self, callee: Callee, signature: SigRef) -> Result<Callee, Stop> {
        let signature = &self.frame.function.dfg.signatures[signature];
        match &callee {
            Callee::Module(id) if self.module.function(*id).signature != *signature => Err(
                Stop::Undefined("call with another signature than that of the function"),
            ),
            Callee::Host(name) if !self.host.provides(name, signature) => Err(unknown_name(name)),
            _ => Ok(callee),
        }
    }
}

#[cold]
fn unknown_name(name: &ExternalName) -> Stop {
    Stop::UnknownName(name.clone())
}

fn address(address: u32) -> DataValue {
    DataValue::new(Type::POINTER, address.into())
}

/// Where a call by `opcode` goes.
fn flow_to(callee: Callee, arguments: Vec<DataValue>, opcode: Opcode) -> Flow {
    if opcode.is_terminator() {
        Flow::TailCall(callee, arguments)
    } else {
        Flow::Call(callee, arguments)
    }
}
