//! The preamble: declarations of what the body refers to.
//!
//! A gap in the numbers of declarations is filled with one that declares nothing of use.

use super::function::Context;
use super::{ParseResult, Parser, dialect, error_at};
use crate::entity::EntityRef;
use crate::ir::{
    AnyEntity, ExtFuncData, ExternalName, FuncRef, GlobalValue, GlobalValueData, Imm64, MemFlags,
    SigRef, Signature, StackSlot, StackSlotData,
};
use crate::text::lexer::Token;

impl Context {
    /// The stack slot with the number `number` in the text.
    fn stack_slot(&mut self, number: u32) -> ParseResult<StackSlot> {
        let slots = &mut self.function.stack_slots;
        let index = self.numbering.stack_slots.index(number, slots.len())?;
        while slots.len() <= index {
            slots.push(StackSlotData::new(0, 0));
        }
        Ok(StackSlot::new(index))
    }

    fn global_value(&mut self, number: u32) -> ParseResult<GlobalValue> {
        let global_values = &mut self.function.global_values;
        let index = self
            .numbering
            .global_values
            .index(number, global_values.len())?;
        while global_values.len() <= index {
            global_values.push(GlobalValueData::Symbol {
                name: ExternalName::symbol(""),
                offset: Imm64::new(0),
                colocated: false,
            });
        }
        Ok(GlobalValue::new(index))
    }

    fn sig_ref(&mut self, number: u32) -> ParseResult<SigRef> {
        let signatures = &mut self.function.dfg.signatures;
        let index = self.numbering.sig_refs.index(number, signatures.len())?;
        while signatures.len() <= index {
            signatures.push(Signature::default());
        }
        Ok(SigRef::new(index))
    }

    /// What fills the gaps has the first signature: there is one as soon as a function is declared.
    fn func_ref(&mut self, number: u32) -> ParseResult<FuncRef> {
        let functions = &mut self.function.dfg.ext_funcs;
        let index = self.numbering.func_refs.index(number, functions.len())?;
        while functions.len() <= index {
            functions.push(ExtFuncData {
                name: ExternalName::symbol(""),
                signature: SigRef::from_u32(0),
                colocated: false,
            });
        }
        Ok(FuncRef::new(index))
    }
}

impl Parser<'_> {
    /// ```text
    /// preamble ::= { stack-slot | global-value | signature-decl | function-decl | stack-limit }
    /// ```
    pub(super) fn parse_preamble(&mut self, context: &mut Context) -> ParseResult<()> {
        loop {
            match self.token {
                Token::StackSlot(number) => self.parse_stack_slot(context, number)?,
                Token::GlobalValue(number) => self.parse_global_value(context, number)?,
                Token::SigRef(number) => self.parse_signature_decl(context, number)?,
                Token::FuncRef(number) => self.parse_function_decl(context, number)?,
                Token::Identifier("stack_limit") => self.parse_stack_limit(context)?,
                Token::Identifier(word) => match dialect::missing_declaration(word) {
                    Some(what) => return self.unsupported(what),
                    None if word.starts_with("mt") => {
                        return self.error("memory types are gone from CLIF");
                    }
                    None => break,
                },
                _ => break,
            }
        }
        for &(global_value, number, location) in &context.forward_global_values {
            if context.source_map.global_values[global_value].is_none() {
                let message = format_args!("undefined global value gv{number}");
                return Err(error_at(location, message).into());
            }
        }
        Ok(())
    }

    /// ```text
    /// stack-slot ::= "ss"n "=" "explicit_slot" bytes ["," "align" "=" bytes]
    /// ```
    fn parse_stack_slot(&mut self, context: &mut Context, number: u32) -> ParseResult<()> {
        let slot = context.stack_slot(number)?;
        if context.source_map.stack_slots[slot].is_some() {
            return self.error(format_args!("ss{number} is declared twice"));
        }
        context.source_map.stack_slots[slot] = Some(self.location);
        context.numbering.stack_slots.count_definition();
        self.entity = slot.into();
        self.advance();
        self.expect(b'=', "after the stack slot")?;
        if !self.optional_word("explicit_slot") {
            return self.expected("`explicit_slot`");
        }
        let size = self.parse_u32("the size of the slot")?;
        let mut align_shift = 0;
        while self.optional(b',') {
            if self.token == Token::Identifier("key") {
                return self.unsupported("the key of a stack slot");
            }
            if !self.optional_word("align") {
                return self.expected("`align`");
            }
            self.expect(b'=', "after `align`")?;
            let location = self.location;
            let align = self.parse_u32("the alignment of the slot")?;
            if !align.is_power_of_two() {
                let message = format_args!("alignment {align} is not a power of two");
                return Err(error_at(location, message).into());
            }
            align_shift = align.trailing_zeros() as u8;
        }
        context.function.stack_slots[slot] = StackSlotData::new(size, align_shift);
        Ok(())
    }

    /// ```text
    /// global-value ::= "gv"n "=" "vmctx"
    ///                | "gv"n "=" "load" "." type flags "gv"n [offset]
    ///                | "gv"n "=" "iadd_imm" "." type "gv"n "," integer
    ///                | "gv"n "=" "symbol" ["colocated"] name [offset]
    /// ```
    fn parse_global_value(&mut self, context: &mut Context, number: u32) -> ParseResult<()> {
        let global_value = context.global_value(number)?;
        if context.source_map.global_values[global_value].is_some() {
            return self.error(format_args!("gv{number} is declared twice"));
        }
        context.source_map.global_values[global_value] = Some(self.location);
        context.numbering.global_values.count_definition();
        self.entity = global_value.into();
        self.advance();
        self.expect(b'=', "after the global value")?;
        let data = match self.token {
            Token::Identifier("vmctx") => {
                self.advance();
                GlobalValueData::VMContext
            }
            Token::Identifier("load") => self.parse_global_load(context)?,
            Token::Identifier("iadd_imm") => self.parse_global_sum(context)?,
            Token::Identifier("symbol") => self.parse_global_symbol()?,
            Token::Identifier("dyn_scale_target_const") => {
                return self.unsupported("the scale of a dynamic vector type");
            }
            _ => return self.expected("`vmctx`, `load`, `iadd_imm` or `symbol`"),
        };
        context.function.global_values[global_value] = data;
        Ok(())
    }

    fn parse_global_load(&mut self, context: &mut Context) -> ParseResult<GlobalValueData> {
        self.advance();
        self.expect(b'.', "and a type after `load`")?;
        let global_type = self.parse_type("the type of the loaded value")?;
        let location = self.location;
        let flags = self.parse_mem_flags()?;
        if !flags.notrap() || !flags.aligned() {
            let message = "the load of a global value has to be `notrap aligned`";
            return Err(error_at(location, message).into());
        }
        let base = self.parse_global_base(context)?;
        let offset = self.optional_offset()?;
        Ok(GlobalValueData::Load {
            base,
            offset,
            global_type,
            flags,
        })
    }

    fn parse_global_sum(&mut self, context: &mut Context) -> ParseResult<GlobalValueData> {
        self.advance();
        self.expect(b'.', "and a type after `iadd_imm`")?;
        let global_type = self.parse_type("the type of the sum")?;
        let base = self.parse_global_base(context)?;
        self.expect(b',', "after the first operand")?;
        let offset = self.parse_imm64("an integer")?;
        Ok(GlobalValueData::IAddImm {
            base,
            offset,
            global_type,
        })
    }

    fn parse_global_symbol(&mut self) -> ParseResult<GlobalValueData> {
        self.advance();
        let colocated = self.optional_word("colocated");
        if self.token == Token::Identifier("tls") {
            return self.unsupported("thread-local storage");
        }
        let name = self.parse_external_name()?;
        let offset = self.optional_offset64()?;
        Ok(GlobalValueData::Symbol {
            name,
            offset,
            colocated,
        })
    }

    /// A global value that another is based on, which may be declared later.
    fn parse_global_base(&mut self, context: &mut Context) -> ParseResult<GlobalValue> {
        let Token::GlobalValue(number) = self.token else {
            return self.expected("a global value");
        };
        let base = context.global_value(number)?;
        if context.source_map.global_values[base].is_none() {
            let forward = (base, number, self.location);
            context.forward_global_values.push(forward);
        }
        self.advance();
        Ok(base)
    }

    /// A global value that is declared.
    pub(super) fn parse_declared_global_value(
        &mut self,
        context: &mut Context,
    ) -> ParseResult<GlobalValue> {
        let Token::GlobalValue(number) = self.token else {
            return self.expected("a global value");
        };
        let global_value = context.global_value(number)?;
        if context.source_map.global_values[global_value].is_none() {
            return self.error(format_args!("undefined global value gv{number}"));
        }
        self.advance();
        Ok(global_value)
    }

    /// A stack slot that is declared.
    pub(super) fn parse_declared_stack_slot(
        &mut self,
        context: &mut Context,
    ) -> ParseResult<StackSlot> {
        let Token::StackSlot(number) = self.token else {
            return self.expected("a stack slot");
        };
        let slot = context.stack_slot(number)?;
        if context.source_map.stack_slots[slot].is_none() {
            return self.error(format_args!("undefined stack slot ss{number}"));
        }
        self.advance();
        Ok(slot)
    }

    /// A signature that is declared.
    pub(super) fn parse_declared_sig_ref(&mut self, context: &mut Context) -> ParseResult<SigRef> {
        let Token::SigRef(number) = self.token else {
            return self.expected("a signature reference");
        };
        let sig_ref = context.sig_ref(number)?;
        if context.source_map.sig_refs[sig_ref].is_none() {
            return self.error(format_args!("undefined signature sig{number}"));
        }
        self.advance();
        Ok(sig_ref)
    }

    /// A function reference that is declared.
    pub(super) fn parse_declared_func_ref(
        &mut self,
        context: &mut Context,
    ) -> ParseResult<FuncRef> {
        let Token::FuncRef(number) = self.token else {
            return self.expected("a function reference");
        };
        let func_ref = context.func_ref(number)?;
        if context.source_map.func_refs[func_ref].is_none() {
            return self.error(format_args!("undefined function fn{number}"));
        }
        self.advance();
        Ok(func_ref)
    }

    /// ```text
    /// signature-decl ::= "sig"n "=" signature
    /// ```
    fn parse_signature_decl(&mut self, context: &mut Context, number: u32) -> ParseResult<()> {
        let sig_ref = context.sig_ref(number)?;
        if context.source_map.sig_refs[sig_ref].is_some() {
            return self.error(format_args!("sig{number} is declared twice"));
        }
        context.source_map.sig_refs[sig_ref] = Some(self.location);
        context.numbering.sig_refs.count_definition();
        self.entity = sig_ref.into();
        self.advance();
        self.expect(b'=', "after the signature reference")?;
        context.function.dfg.signatures[sig_ref] = self.parse_signature()?;
        Ok(())
    }

    /// A signature that is written in place takes the next number.
    ///
    /// ```text
    /// function-decl ::= "fn"n "=" ["colocated"] name ("sig"n | signature)
    /// ```
    fn parse_function_decl(&mut self, context: &mut Context, number: u32) -> ParseResult<()> {
        let func_ref = context.func_ref(number)?;
        if context.source_map.func_refs[func_ref].is_some() {
            return self.error(format_args!("fn{number} is declared twice"));
        }
        context.source_map.func_refs[func_ref] = Some(self.location);
        context.numbering.func_refs.count_definition();
        self.entity = func_ref.into();
        self.advance();
        self.expect(b'=', "after the function reference")?;
        let colocated = self.optional_word("colocated");
        if self.token == Token::Identifier("patchable") {
            return self.unsupported("a patchable function");
        }
        let name = self.parse_external_name()?;
        let signature = match self.token {
            Token::SigRef(_) => self.parse_declared_sig_ref(context)?,
            _ => {
                let signature_location = self.location;
                let number = context.numbering.sig_refs.next();
                if number == u32::MAX {
                    return self.error("no number is left for this signature");
                }
                let signature = self.parse_signature()?;
                let sig_ref = context.sig_ref(number)?;
                context.source_map.sig_refs[sig_ref] = Some(signature_location);
                context.numbering.sig_refs.count_definition();
                context.function.dfg.signatures[sig_ref] = signature;
                sig_ref
            }
        };
        context.function.dfg.ext_funcs[func_ref] = ExtFuncData {
            name,
            signature,
            colocated,
        };
        Ok(())
    }

    /// ```text
    /// stack-limit ::= "stack_limit" "=" "gv"n
    /// ```
    fn parse_stack_limit(&mut self, context: &mut Context) -> ParseResult<()> {
        if context.function.stack_limit.is_some() {
            return self.error("the stack limit is declared twice");
        }
        context.source_map.stack_limit = Some(self.location);
        self.entity = AnyEntity::StackLimit;
        self.advance();
        self.expect(b'=', "after `stack_limit`")?;
        context.function.stack_limit = self.parse_global_base(context)?.into();
        Ok(())
    }

    /// Flags of a memory access, in any order; there may be none.
    pub(super) fn parse_mem_flags(&mut self) -> ParseResult<MemFlags> {
        let mut flags = MemFlags::new();
        while let Token::Identifier(word) = self.token {
            match flags.set_by_name(word) {
                Ok(true) => self.advance(),
                Ok(false) if dialect::missing_declaration(word).is_some() => {
                    return self.unsupported("an alias region");
                }
                Ok(false) => break,
                Err(message) => return self.error(message),
            }
        }
        Ok(flags)
    }
}
