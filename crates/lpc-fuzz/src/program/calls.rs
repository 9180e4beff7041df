//! Calls: of functions that are there already, directly, through an address, and through a table of addresses.

use super::function::FunctionGenerator;
use super::plan::{Callee, FunctionTable};
use lpc_lpir::ir::{
    CallConv, DATA_RELOC_SIZE, ExtFuncData, FuncRef, GlobalValueData, Imm64, MemFlags, SigRef,
    Type, Value,
};

/// How a call names its callee.
#[derive(Clone, Copy)]
enum Target {
    Direct(FuncRef),
    Indirect(SigRef, Value),
}

impl FunctionGenerator<'_> {
    /// A call, or another instruction if no function may be called.
    pub(super) fn call(&mut self) {
        let callee = self.affordable_callee(|_| true);
        let call = callee.and_then(|index| Some((index, self.arguments(index, false)?)));
        match call {
            Some((index, args)) => self.emit_call(index, &args),
            None => self.any_instruction(),
        }
    }

    /// Calls the function number `index`. Its results become available.
    pub(super) fn emit_call(&mut self, index: usize, args: &[Value]) {
        let inst = match self.target(index) {
            Target::Direct(func_ref) => self.ins().call(func_ref, args),
            Target::Indirect(signature, address) => {
                self.ins().call_indirect(signature, address, args)
            }
        };
        self.charge_call(index);
        for result in self.builder.inst_results(inst) {
            self.push(result);
        }
    }

    /// Ends the block with a call in place of this function, if there is one that can be called so.
    pub(super) fn tail_call(&mut self) -> bool {
        if self.call_conv() != CallConv::Tail {
            return false;
        }
        let returns = self.builder.func.signature.returns.clone();
        let callee = self.affordable_callee(|callee| {
            callee.signature.call_conv == CallConv::Tail && callee.signature.returns == returns
        });
        let call = callee.and_then(|index| Some((index, self.arguments(index, true)?)));
        let Some((index, args)) = call else {
            return false;
        };
        self.emit_tail_call(index, &args);
        true
    }

    /// Ends the block with a call of the function number `index`.
    pub(super) fn emit_tail_call(&mut self, index: usize, args: &[Value]) {
        match self.target(index) {
            Target::Direct(func_ref) => self.ins().return_call(func_ref, args),
            Target::Indirect(signature, address) => {
                self.ins().return_call_indirect(signature, address, args)
            }
        };
        self.charge_call(index);
    }

    fn charge_call(&mut self, index: usize) {
        // Nothing for a call of the function itself, which is counted as a whole.
        let cost = self.callee(index).cost;
        self.budget.executed += cost * self.budget.multiplier;
    }

    /// The number of a function that `is_suitable`, and that does not cost too much.
    fn affordable_callee(&mut self, is_suitable: impl Fn(&Callee) -> bool) -> Option<usize> {
        self.charge();
        let left = self.budget.left();
        let callees = self.plan.callees.iter().enumerate();
        let callees = callees.filter(|(_, callee)| callee.cost <= left && is_suitable(callee));
        let callees: Vec<usize> = callees.map(|(index, _)| index).collect();
        (!callees.is_empty()).then(|| self.random.pick(&callees))
    }

    /// The function number `index`. The one behind the last is the function itself.
    fn callee(&self, index: usize) -> &Callee {
        self.plan.callees.get(index).unwrap_or(self.own)
    }

    /// Arguments for the function number `index`, if there is memory for an address. Memory in the frame is none where that is
    /// gone before the function is called.
    pub(super) fn arguments(&mut self, index: usize, is_tail_call: bool) -> Option<Vec<Value>> {
        let callee = self.callee(index);
        let pointer = callee.pointer;
        let params = callee.signature.params.iter();
        let types: Vec<Type> = params.map(|param| param.value_type).collect();
        let mut args = Vec::with_capacity(types.len());
        for (index, ty) in types.into_iter().enumerate() {
            args.push(match pointer {
                Some(pointer) if pointer.index == index => {
                    self.pointer_argument(pointer, is_tail_call)?
                }
                _ => self.value(ty),
            });
        }
        Some(args)
    }

    fn target(&mut self, index: usize) -> Target {
        let (func_ref, signature) = self.declared(index);
        match self.random.below(10) {
            0..=4 => Target::Direct(func_ref),
            5..=6 => {
                let address = self.ins().func_addr(Type::POINTER, func_ref);
                Target::Indirect(signature, address)
            }
            7 => {
                let global = GlobalValueData::Symbol {
                    name: self.callee(index).name.clone(),
                    offset: Imm64::new(0),
                    colocated: self.random.chance(50),
                };
                let global = self.builder.create_global_value(global);
                let address = self.ins().symbol_value(Type::POINTER, global);
                Target::Indirect(signature, address)
            }
            _ => {
                // A table with the address of the function, if there is one.
                let tables = &self.plan.tables;
                match tables.iter().find(|table| table.entries.contains(&index)) {
                    Some(table) => Target::Indirect(signature, self.address_in_table(table, index)),
                    None => Target::Direct(func_ref),
                }
            }
        }
    }

    /// The address of the function number `index` from `table`, or that of any function there.
    fn address_in_table(&mut self, table: &FunctionTable, index: usize) -> Value {
        let left = self.budget.left();
        let costs = table.entries.iter().map(|&index| self.callee(index).cost);
        let most = costs.max().unwrap_or_default();
        let start = self.data_address(table.data, table.start as i32);
        let flags = match table.start % DATA_RELOC_SIZE {
            0 => MemFlags::trusted().with_readonly(),
            _ => MemFlags::new().with_readonly(),
        };
        if most > left || self.random.chance(50) {
            let place = table.entries.iter().position(|&entry| entry == index);
            let place = place.expect("the function is in the table") as u32;
            let offset = (place * DATA_RELOC_SIZE) as i32;
            return self.ins().load(Type::POINTER, flags, start, offset);
        }
        // The caller charges the function that it asked for.
        self.budget.executed += most * self.budget.multiplier;
        let number = self.index();
        let mask = self.number(Type::I32, table.entries.len() as u128 - 1);
        let number = self.ins().band(number, mask);
        let scale = self.number(Type::I32, DATA_RELOC_SIZE.ilog2().into());
        let distance = self.ins().ishl(number, scale);
        let address = self.ins().iadd(start, distance);
        self.ins().load(Type::POINTER, flags, address, 0)
    }

    /// The declarations of the function number `index`.
    fn declared(&mut self, index: usize) -> (FuncRef, SigRef) {
        if let Some(declared) = self.func_refs[index] {
            return declared;
        }
        let (name, signature) = (
            self.callee(index).name.clone(),
            self.callee(index).signature.clone(),
        );
        let signature = self.builder.import_signature(signature);
        let func_ref = self.builder.import_function(ExtFuncData {
            name,
            signature,
            colocated: self.random.chance(50),
        });
        self.func_refs[index] = Some((func_ref, signature));
        (func_ref, signature)
    }
}
