//! What a function declares before its body.

use super::EncodeResult;
use crate::binary::fields::{
    CALL_CONV_BITS, COLOCATED_SYMBOL, LOADED, MAX_ALIGN_SHIFT, MAX_PARAMS, SYMBOL, VMCONTEXT,
    WITH_OFFSET, call_conv_to_bits, mem_flags_to_bytes, param_to_byte, type_to_byte,
};
use crate::binary::writer::Writer;
use crate::entity::EntityRef;
use crate::ir::{
    AnyEntity, Function, GlobalValue, GlobalValueData, MemFlags, Signature, StackSlotData, Type,
};

impl Writer {
    pub(super) fn declarations(&mut self, function: &Function) -> EncodeResult<()> {
        self.count(function.stack_slots.len());
        for (slot, &StackSlotData { size, align_shift }) in function.stack_slots.iter() {
            if align_shift > MAX_ALIGN_SHIFT {
                return Err((slot.into(), "its alignment is too large"));
            }
            self.u32(size);
            self.byte(align_shift);
        }

        self.count(function.global_values.len());
        for (global_value, data) in function.global_values.iter() {
            self.global_value_data(function, global_value, data)?;
        }

        let signatures = &function.dfg.signatures;
        self.count(signatures.len());
        for (sig_ref, signature) in signatures.iter() {
            self.signature(sig_ref.into(), signature)?;
        }

        self.count(function.dfg.ext_funcs.len());
        for (func_ref, data) in function.dfg.ext_funcs.iter() {
            if !signatures.is_valid(data.signature) {
                return Err((func_ref.into(), "its signature is not declared"));
            }
            self.u64(u64::from(data.signature.as_u32()) << 1 | u64::from(data.colocated));
            self.name(&data.name);
        }

        if let Some(limit) = function.stack_limit.expand() {
            self.global_value(function, AnyEntity::StackLimit, limit)?;
        }
        Ok(())
    }

    fn global_value(
        &mut self,
        function: &Function,
        user: AnyEntity,
        global_value: GlobalValue,
    ) -> EncodeResult<()> {
        let is_declared = function.global_values.is_valid(global_value);
        self.reference(user, global_value, is_declared)
    }

    /// A reference to an entity that `user` uses, which must be declared.
    pub(super) fn reference(
        &mut self,
        user: AnyEntity,
        entity: impl EntityRef,
        is_declared: bool,
    ) -> EncodeResult<()> {
        if !is_declared {
            return Err((user, "what it refers to is not declared"));
        }
        self.count(entity.index());
        Ok(())
    }

    fn global_value_data(
        &mut self,
        function: &Function,
        global_value: GlobalValue,
        data: &GlobalValueData,
    ) -> EncodeResult<()> {
        match data {
            GlobalValueData::VMContext => self.byte(VMCONTEXT),
            GlobalValueData::Load {
                base,
                offset,
                global_type,
                flags,
            } => {
                self.byte(LOADED);
                self.global_value(function, global_value.into(), *base)?;
                self.i32(offset.bytes());
                self.ty(*global_type);
                self.mem_flags(global_value.into(), *flags)?;
            }
            GlobalValueData::IAddImm {
                base,
                offset,
                global_type,
            } => {
                self.byte(WITH_OFFSET);
                self.global_value(function, global_value.into(), *base)?;
                self.i64(offset.bits());
                self.ty(*global_type);
            }
            GlobalValueData::Symbol {
                name,
                offset,
                colocated,
            } => {
                self.byte(match colocated {
                    true => COLOCATED_SYMBOL,
                    false => SYMBOL,
                });
                self.name(name);
                self.i64(offset.bits());
            }
        }
        Ok(())
    }

    pub(super) fn signature(
        &mut self,
        location: AnyEntity,
        signature: &Signature,
    ) -> EncodeResult<()> {
        let Signature {
            params,
            returns,
            call_conv,
        } = signature;
        if params.len().max(returns.len()) > MAX_PARAMS {
            return Err((location, "there are too many parameters or results"));
        }
        let call_conv = call_conv_to_bits(*call_conv);
        self.count(params.len() << CALL_CONV_BITS | usize::from(call_conv));
        self.count(returns.len());
        for param in params.iter().chain(returns) {
            let (byte, size) = param_to_byte(param);
            self.byte(byte);
            if let Some(size) = size {
                self.u32(size);
            }
        }
        Ok(())
    }

    pub(super) fn ty(&mut self, ty: Type) {
        self.byte(type_to_byte(ty));
    }

    pub(super) fn mem_flags(&mut self, user: AnyEntity, flags: MemFlags) -> EncodeResult<()> {
        let bytes = mem_flags_to_bytes(flags);
        let (byte, trap) = bytes.ok_or((user, "its flags contradict each other"))?;
        self.byte(byte);
        if let Some(trap) = trap {
            self.byte(trap);
        }
        Ok(())
    }
}
