//! What a function declares before its body.
//!
//! ```text
//! declarations ::= slots global-values signatures functions [stack-limit]
//! ```

use crate::binary::error::DecodeErrorKind;
use crate::binary::fields::{
    CALL_CONV_BITS, COLOCATED_SYMBOL, LOADED, MAX_ALIGN_SHIFT, MAX_PARAMS, VMCONTEXT, WITH_OFFSET,
    call_conv_from_bits, mem_flags_from_bytes, param_from_byte, states_trap_code, type_from_byte,
};
use crate::binary::reader::{DecodeResult, Reader};
use crate::entity::EntityRef;
use crate::ir::{
    AbiParam, ArgumentPurpose, ExtFuncData, Function, GlobalValue, GlobalValueData, Imm64,
    MemFlags, Offset32, SigRef, Signature, StackSlotData, Type,
};
use alloc::vec::Vec;

/// Reads the declarations of `function`.
pub(super) fn read(
    reader: &mut Reader<'_>,
    function: &mut Function,
    has_stack_limit: bool,
) -> DecodeResult<()> {
    let count = reader.count_of(2)?;
    reader.allocate(|heap| function.stack_slots.reserve_in(count, heap))?;
    for _ in 0..count {
        function.stack_slots.push(reader.stack_slot()?);
    }

    let global_values = reader.count()?;
    reader.allocate(|heap| function.global_values.reserve_in(global_values, heap))?;
    for _ in 0..global_values {
        let data = reader.global_value_data(global_values)?;
        function.global_values.push(data);
    }

    let signatures = reader.count_of(2)?;
    reader.allocate(|heap| function.dfg.signatures.reserve_in(signatures, heap))?;
    for _ in 0..signatures {
        let mut signature = Signature::default();
        reader.signature(&mut signature)?;
        function.dfg.signatures.push(signature);
    }

    let count = reader.count_of(2)?;
    reader.allocate(|heap| function.dfg.ext_funcs.reserve_in(count, heap))?;
    for _ in 0..count {
        let data = reader.function_data(signatures)?;
        function.dfg.ext_funcs.push(data);
    }

    if has_stack_limit {
        function.stack_limit = reader.global_value(global_values)?.into();
    }
    Ok(())
}

impl Reader<'_> {
    /// A reference to one of `count` entities.
    pub(super) fn reference<E: EntityRef>(
        &mut self,
        count: usize,
        what: &'static str,
    ) -> DecodeResult<E> {
        let index = self.index(count, what)?;
        Ok(E::new(index))
    }

    /// The number of one of `count` entities.
    fn index(&mut self, count: usize, what: &'static str) -> DecodeResult<usize> {
        let index = self.u32()? as usize;
        match index < count {
            true => Ok(index),
            false => Err(self.error(DecodeErrorKind::Undefined(what))),
        }
    }

    fn global_value(&mut self, count: usize) -> DecodeResult<GlobalValue> {
        self.reference(count, "global value")
    }

    /// ```text
    /// slot ::= size alignment
    /// ```
    fn stack_slot(&mut self) -> DecodeResult<StackSlotData> {
        let size = self.u32()?;
        let align_shift = self.known("alignment", |byte| {
            (byte <= MAX_ALIGN_SHIFT).then_some(byte)
        })?;
        Ok(StackSlotData::new(size, align_shift))
    }

    /// ```text
    /// global-value ::= 0 | 1 base offset type flags | 2 base offset type | 3 name offset | 4 name offset
    /// ```
    ///
    /// Of symbols, those with 4 are colocated.
    fn global_value_data(&mut self, count: usize) -> DecodeResult<GlobalValueData> {
        let kind = self.known("kind of global value", |byte| {
            (byte <= COLOCATED_SYMBOL).then_some(byte)
        })?;
        Ok(match kind {
            VMCONTEXT => GlobalValueData::VMContext,
            LOADED => GlobalValueData::Load {
                base: self.global_value(count)?,
                offset: self.offset()?,
                global_type: self.ty()?,
                flags: self.mem_flags()?,
            },
            WITH_OFFSET => GlobalValueData::IAddImm {
                base: self.global_value(count)?,
                offset: Imm64::new(self.i64()?),
                global_type: self.ty()?,
            },
            _ => GlobalValueData::Symbol {
                name: self.name()?,
                offset: Imm64::new(self.i64()?),
                colocated: kind == COLOCATED_SYMBOL,
            },
        })
    }

    /// ```text
    /// function ::= (signature, colocated) name
    /// ```
    fn function_data(&mut self, signatures: usize) -> DecodeResult<ExtFuncData> {
        let head = self.u32()?;
        let signature = (head >> 1) as usize;
        if signature >= signatures {
            return Err(self.error(DecodeErrorKind::Undefined("signature")));
        }
        Ok(ExtFuncData {
            signature: SigRef::new(signature),
            colocated: head & 1 != 0,
            name: self.name()?,
        })
    }

    /// ```text
    /// signature ::= (params, convention) returns { param }
    /// ```
    pub(super) fn signature(&mut self, signature: &mut Signature) -> DecodeResult<()> {
        let head = self.u32()?;
        let call_conv = call_conv_from_bits(head & ((1 << CALL_CONV_BITS) - 1));
        signature.call_conv =
            call_conv.ok_or_else(|| self.error(DecodeErrorKind::Unknown("calling convention")))?;
        let params = self.param_count(head >> CALL_CONV_BITS)?;
        let returns = self.u32()?;
        let returns = self.param_count(returns)?;
        self.params(params, &mut signature.params)?;
        self.params(returns, &mut signature.returns)
    }

    fn param_count(&self, count: u32) -> DecodeResult<usize> {
        let count = count as usize;
        if count > MAX_PARAMS {
            return Err(self.error(DecodeErrorKind::TooMany("parameters")));
        }
        self.require(count)?;
        Ok(count)
    }

    fn params(&mut self, count: usize, params: &mut Vec<AbiParam>) -> DecodeResult<()> {
        params.clear();
        self.allocate(|heap| heap.reserve(params, count))?;
        for _ in 0..count {
            let mut param = self.known("parameter", param_from_byte)?;
            if let ArgumentPurpose::StructArgument(size) = &mut param.purpose {
                *size = self.u32()?;
            }
            params.push(param);
        }
        Ok(())
    }

    pub(super) fn ty(&mut self) -> DecodeResult<Type> {
        self.known("type", type_from_byte)
    }

    pub(super) fn offset(&mut self) -> DecodeResult<Offset32> {
        self.i32().map(Offset32::new)
    }

    pub(super) fn mem_flags(&mut self) -> DecodeResult<MemFlags> {
        let flags = self.byte()?;
        let trap = match states_trap_code(flags) {
            true => Some(self.byte()?),
            false => None,
        };
        mem_flags_from_bytes(flags, trap)
            .ok_or_else(|| self.error(DecodeErrorKind::Unknown("flag of a memory access")))
    }
}
