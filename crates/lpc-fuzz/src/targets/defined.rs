//! Whether what a module computes is the same in every correct implementation.
//!
//! LPIR leaves undefined what a program does at addresses that it made up, and what it reads where nothing was written; and
//! where its data is, every implementation chooses. So addresses may be used in one way only: an instruction that gives the
//! address of a stack slot, a data object or a function gives it to loads and stores inside that object, or to calls of that
//! function. Stack slots are not followed from store to load: one that is loaded from must be filled at the start of the
//! entry block.

use lpc_lpir::entity::SecondaryMap;
use lpc_lpir::ir::{
    Definition, Function, GlobalValueData, InstructionData, Module, Opcode, Properties, Signature,
    Value,
};

/// Whether every implementation gives the same for every call of the functions of `module`, unless they trap with
/// `stk_ovf` or do not end. May say no where it is so.
pub(super) fn is_defined(module: &Module) -> bool {
    let functions = module.functions();
    let mut functions = functions.map(|(_, function)| function);
    functions.all(|function| Check::new(module, function).is_defined())
}

/// What an address is the address of.
#[derive(Clone, Default)]
enum Object<'m> {
    /// The value is no address, as far as is known.
    #[default]
    None,
    /// Memory: the bytes from the address to the end.
    Memory {
        /// How many there are before the address.
        before: i64,
        /// How many there are from the address on.
        behind: i64,
    },
    /// A function of the module.
    Function(&'m Signature),
}

struct Check<'m> {
    module: &'m Module,
    function: &'m Function,
    objects: SecondaryMap<Value, Object<'m>>,
}

impl<'m> Check<'m> {
    fn new(module: &'m Module, function: &'m Function) -> Self {
        Self {
            module,
            function,
            objects: SecondaryMap::new(),
        }
    }

    fn is_defined(&mut self) -> bool {
        let layout = &self.function.layout;
        if self.function.stack_limit.is_some() {
            return false;
        }
        // First all addresses, as blocks may stand before those that define what they use.
        let insts = || layout.blocks().flat_map(|block| layout.block_insts(block));
        for inst in insts() {
            let data = self.function.dfg.inst(inst);
            if data.opcode().gives_address() {
                let Some(object) = self.object(data) else {
                    return false;
                };
                let address = self.function.dfg.first_result(inst);
                self.objects[address] = object;
            }
        }
        insts().all(|inst| self.is_defined_inst(inst))
    }

    /// What the address is of that an instruction gives, if that is in the module.
    fn object(&self, data: &InstructionData) -> Option<Object<'m>> {
        let memory = |size: u32, offset: i64| Object::Memory {
            before: offset,
            behind: i64::from(size) - offset,
        };
        match *data {
            InstructionData::StackAddr {
                stack_slot, offset, ..
            } => {
                let size = self.function.stack_slots[stack_slot].size;
                self.is_filled(stack_slot, size)
                    .then(|| memory(size, offset.bytes().into()))
            }
            InstructionData::UnaryGlobalValue { global_value, .. } => {
                let global = &self.function.global_values[global_value];
                let GlobalValueData::Symbol { name, offset, .. } = global else {
                    return None;
                };
                let data = self.module.data(self.module.find_data(name)?);
                let offset = i32::try_from(offset.bits()).ok()?;
                data.relocs
                    .is_empty()
                    .then(|| memory(data.size, offset.into()))
            }
            InstructionData::FuncAddr { func_ref, .. } => {
                let callee = &self.function.dfg.ext_funcs[func_ref];
                let callee = self.module.find(&callee.name)?;
                Some(Object::Function(&self.module.function(callee).signature))
            }
            _ => None,
        }
    }

    /// Whether the first instructions of the function store to each byte of the slot.
    fn is_filled(&self, slot: lpc_lpir::ir::StackSlot, size: u32) -> bool {
        let mut filled = vec![false; (size as usize).min(1 << 10)];
        let function = self.function;
        let entry = function.layout.entry_block();
        let insts = entry
            .into_iter()
            .flat_map(|entry| function.layout.block_insts(entry));
        for inst in insts {
            match *function.dfg.inst(inst) {
                InstructionData::UnaryImm { .. } | InstructionData::StackAddr { .. } => {}
                InstructionData::Store {
                    opcode,
                    args: [value, address],
                    offset,
                    ..
                } => {
                    let Some(offset) = self.offset_in(slot, address, offset.bytes()) else {
                        continue;
                    };
                    let bytes = opcode.accessed_bytes(function.dfg.value_type(value));
                    let bytes = filled.iter_mut().skip(offset).take(bytes as usize);
                    bytes.for_each(|byte| *byte = true);
                }
                _ => break,
            }
        }
        size as usize == filled.len() && filled.into_iter().all(|byte| byte)
    }

    /// The distance of an address and an offset from the start of `slot`, if the address is one in there.
    fn offset_in(
        &self,
        slot: lpc_lpir::ir::StackSlot,
        address: Value,
        offset: i32,
    ) -> Option<usize> {
        let dfg = &self.function.dfg;
        match *dfg.inst(dfg.value_inst(address)?) {
            InstructionData::StackAddr {
                stack_slot,
                offset: base,
                ..
            } if stack_slot == slot => {
                usize::try_from(i64::from(base.bytes()) + i64::from(offset)).ok()
            }
            _ => None,
        }
    }

    fn is_defined_inst(&self, inst: lpc_lpir::ir::Inst) -> bool {
        let dfg = &self.function.dfg;
        let data = dfg.inst(inst);
        match *data {
            InstructionData::Load {
                opcode,
                arg,
                offset,
                flags,
            } => {
                let bytes = opcode.accessed_bytes(dfg.value_type(dfg.first_result(inst)));
                !flags.aligned() && self.is_inside(arg, offset.bytes(), bytes)
            }
            InstructionData::Store {
                opcode,
                args: [value, address],
                offset,
                flags,
            } => {
                let bytes = opcode.accessed_bytes(dfg.value_type(value));
                !flags.aligned()
                    && self.is_number(value)
                    && self.is_inside(address, offset.bytes(), bytes)
            }
            InstructionData::Call { func_ref, .. } => {
                let callee = &dfg.ext_funcs[func_ref].name;
                matches!(
                    self.module.definition(callee),
                    Some(Definition::Function(_))
                ) && dfg.inst_args(inst).all(|value| self.is_number(value))
            }
            InstructionData::CallIndirect { sig_ref, .. } => {
                let mut args = dfg.inst_args(inst);
                let callee = args
                    .next()
                    .map(|address| &self.objects[dfg.resolve_aliases(address)]);
                matches!(callee, Some(Object::Function(signature)) if **signature == dfg.signatures[sig_ref])
                    && args.all(|value| self.is_number(value))
            }
            _ => {
                let opcode = data.opcode();
                let accesses = [Properties::LOADS, Properties::STORES];
                let is_access = accesses.into_iter().any(|property| opcode.has(property));
                !is_access
                    && opcode != Opcode::Debugtrap
                    && dfg.inst_values(inst).all(|value| self.is_number(value))
            }
        }
    }

    fn is_number(&self, value: Value) -> bool {
        let value = self.function.dfg.resolve_aliases(value);
        matches!(self.objects[value], Object::None)
    }

    /// Whether `bytes` bytes at the distance `offset` from `address` are inside the object that it points to.
    fn is_inside(&self, address: Value, offset: i32, bytes: u32) -> bool {
        let address = self.function.dfg.resolve_aliases(address);
        let Object::Memory { before, behind } = self.objects[address] else {
            return false;
        };
        let offset = i64::from(offset);
        -before <= offset && offset + i64::from(bytes) <= behind
    }
}
