//! Checks what a function declares: signatures, stack slots, imported functions, global values, stack limit.

use super::Verifier;
use super::chains::Chains;
use crate::ir::{
    AbiParam, AnyEntity, ArgumentExtension, ArgumentPurpose, ExternalName, GlobalValue,
    GlobalValueData, RESERVED_PREFIX, Signature, Type,
};
use alloc::format;

/// Values are numbered with 16 bits among the parameters of a block or the results of an instruction.
const MAX_VALUES: usize = u16::MAX as usize;

/// The largest alignment of a stack slot, as a base-2 logarithm.
const MAX_ALIGN_SHIFT: u8 = 31;

impl Verifier<'_> {
    pub(super) fn check_declarations(&mut self) {
        let func = self.func;
        self.check_name();
        self.check_signature(AnyEntity::Function, &func.signature);
        for (sig_ref, signature) in func.dfg.signatures.iter() {
            self.check_signature(sig_ref.into(), signature);
        }
        for (func_ref, data) in func.dfg.ext_funcs.iter() {
            if !func.dfg.signatures.is_valid(data.signature) {
                self.report(
                    func_ref,
                    format!("invalid signature reference {}", data.signature),
                );
            }
        }
        self.check_stack_slots();
        self.check_global_values();
        if let Some(limit) = func.stack_limit.expand() {
            self.check_pointer(AnyEntity::StackLimit, limit);
        }
    }

    /// A function with the name of a routine of the compiler's own would be called in its place.
    fn check_name(&mut self) {
        if let ExternalName::Symbol(name) = &self.func.name
            && name.starts_with(RESERVED_PREFIX)
        {
            self.report(
                AnyEntity::Function,
                format!("names that start with {RESERVED_PREFIX} are reserved"),
            );
        }
    }

    fn check_signature(&mut self, location: AnyEntity, signature: &Signature) {
        for (item, params) in [
            ("Parameter", &signature.params),
            ("Return value", &signature.returns),
        ] {
            if params.len() > MAX_VALUES {
                let message = format!("{item} at position {MAX_VALUES} is one too many");
                self.report(location, message);
            }
            for (index, param) in params.iter().enumerate() {
                let item = format_args!("{item} at position {index}");
                self.check_abi_param(location, item, param);
            }
        }
        for (index, result) in signature.returns.iter().enumerate() {
            if let ArgumentPurpose::StructArgument(_) = result.purpose {
                let message =
                    format!("Return value at position {index} can't be an struct argument");
                self.report(location, message);
            }
        }
    }

    fn check_abi_param(
        &mut self,
        location: AnyEntity,
        item: core::fmt::Arguments<'_>,
        param: &AbiParam,
    ) {
        if param.extension != ArgumentExtension::None && !param.value_type.is_int() {
            let message = format!("{item} has invalid extension {:?}", param.extension);
            self.report(location, message);
        }
        let is_address = param.purpose != ArgumentPurpose::Normal;
        if is_address && param.value_type != Type::POINTER {
            let message = format!(
                "{item} has type {}, but is an address, of type {}",
                param.value_type,
                Type::POINTER
            );
            self.report(location, message);
        }
    }

    fn check_stack_slots(&mut self) {
        let mut total = 0u32;
        for (slot, data) in self.func.stack_slots.iter() {
            if data.align_shift > MAX_ALIGN_SHIFT {
                self.report(
                    slot,
                    format!("alignment of 2^{} bytes is too large", data.align_shift),
                );
            }
            match total.checked_add(data.size) {
                Some(sum) if sum <= i32::MAX as u32 => total = sum,
                _ => self.report(slot, "stack slots take more than 2147483647 bytes".into()),
            }
        }
    }

    fn check_global_values(&mut self) {
        let global_values = &self.func.global_values;
        let chains = Chains::new(global_values.len(), |global_value: GlobalValue| {
            let base = base_of(&global_values[global_value])?;
            global_values.is_valid(base).then_some(base)
        });
        for cycle in chains.cycles {
            self.report(cycle[0], format!("global value cycle: {cycle:?}"));
        }
        for (global_value, data) in global_values.iter() {
            self.check_global_value(global_value, data);
        }
    }

    fn check_global_value(&mut self, global_value: GlobalValue, data: &GlobalValueData) {
        match *data {
            GlobalValueData::VMContext => {
                let mut params = self.func.signature.params.iter();
                if !params.any(|param| param.purpose == ArgumentPurpose::VMContext) {
                    let message = format!("undeclared vmctx reference {global_value}");
                    self.report(global_value, message);
                }
            }
            GlobalValueData::Load { base, .. } => self.check_pointer(global_value.into(), base),
            GlobalValueData::IAddImm {
                base, global_type, ..
            } => {
                if !global_type.is_int() {
                    let message = format!("iadd_imm global value with non-int type {global_type}");
                    return self.report(global_value, message);
                }
                if let Some(base_type) = self.global_value_type(global_value.into(), base)
                    && base_type != global_type
                {
                    let message = format!(
                        "iadd_imm type {global_type} differs from operand type {base_type}"
                    );
                    self.report(global_value, message);
                }
            }
            GlobalValueData::Symbol { .. } => {}
        }
    }

    /// Checks that `global_value` exists and is an address.
    fn check_pointer(&mut self, location: AnyEntity, global_value: GlobalValue) {
        if let Some(ty) = self.global_value_type(location, global_value)
            && ty != Type::POINTER
        {
            let message = format!(
                "base {global_value} has type {ty}, which is not the pointer type {}",
                Type::POINTER
            );
            self.report(location, message);
        }
    }

    /// The type of `global_value`, if it exists.
    fn global_value_type(
        &mut self,
        location: AnyEntity,
        global_value: GlobalValue,
    ) -> Option<Type> {
        match self.func.global_values.get(global_value) {
            Some(
                GlobalValueData::Load { global_type, .. }
                | GlobalValueData::IAddImm { global_type, .. },
            ) => Some(*global_type),
            Some(GlobalValueData::VMContext | GlobalValueData::Symbol { .. }) => {
                Some(Type::POINTER)
            }
            None => {
                self.report(location, format!("invalid global value {global_value}"));
                None
            }
        }
    }
}

/// The global value that `data` is computed from.
fn base_of(data: &GlobalValueData) -> Option<GlobalValue> {
    match *data {
        GlobalValueData::Load { base, .. } | GlobalValueData::IAddImm { base, .. } => Some(base),
        GlobalValueData::VMContext | GlobalValueData::Symbol { .. } => None,
    }
}
