//! Calls: of functions that are there already, directly and through an address.

use super::function::FunctionGenerator;
use super::plan::Callee;
use lpc_lpir::ir::{CallConv, ExtFuncData, FuncRef, GlobalValueData, Imm64, SigRef, Type, Value};

/// How a call names its callee.
#[derive(Clone, Copy)]
enum Target {
    Direct(FuncRef),
    Indirect(SigRef, Value),
}

impl FunctionGenerator<'_> {
    /// A call, or another instruction if no function may be called.
    pub(super) fn call(&mut self) {
        let Some(index) = self.affordable_callee(|_| true) else {
            self.any_instruction();
            return;
        };
        let args = self.arguments(index);
        let inst = match self.target(index) {
            Target::Direct(func_ref) => self.ins().call(func_ref, &args),
            Target::Indirect(signature, address) => {
                self.ins().call_indirect(signature, address, &args)
            }
        };
        let cost = self.plan.callees[index].cost;
        self.budget.executed += cost * self.budget.multiplier;
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
        let Some(index) = callee else {
            return false;
        };
        let args = self.arguments(index);
        match self.target(index) {
            Target::Direct(func_ref) => self.ins().return_call(func_ref, &args),
            Target::Indirect(signature, address) => {
                self.ins().return_call_indirect(signature, address, &args)
            }
        };
        let cost = self.plan.callees[index].cost;
        self.budget.executed += cost * self.budget.multiplier;
        true
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

    /// Arguments for the function number `index`.
    fn arguments(&mut self, index: usize) -> Vec<Value> {
        let params = &self.plan.callees[index].signature.params;
        let types: Vec<Type> = params.iter().map(|param| param.value_type).collect();
        types.into_iter().map(|ty| self.value(ty)).collect()
    }

    fn target(&mut self, index: usize) -> Target {
        let (func_ref, signature) = self.declared(index);
        match self.random.below(10) {
            0..=6 => Target::Direct(func_ref),
            7..=8 => {
                let address = self.ins().func_addr(Type::POINTER, func_ref);
                Target::Indirect(signature, address)
            }
            _ => {
                let global = GlobalValueData::Symbol {
                    name: self.plan.callees[index].name.clone(),
                    offset: Imm64::new(0),
                    colocated: self.random.chance(50),
                };
                let global = self.builder.create_global_value(global);
                let address = self.ins().symbol_value(Type::POINTER, global);
                Target::Indirect(signature, address)
            }
        }
    }

    /// The declarations of the function number `index`.
    fn declared(&mut self, index: usize) -> (FuncRef, SigRef) {
        if let Some(declared) = self.func_refs[index] {
            return declared;
        }
        let callee = &self.plan.callees[index];
        let signature = self.builder.import_signature(callee.signature.clone());
        let func_ref = self.builder.import_function(ExtFuncData {
            name: callee.name.clone(),
            signature,
            colocated: self.random.chance(50),
        });
        self.func_refs[index] = Some((func_ref, signature));
        (func_ref, signature)
    }
}
