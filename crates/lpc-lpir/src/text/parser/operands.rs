//! The operands of each instruction format.

use super::function::Context;
use super::{ParseResult, Parser};
use crate::ir::{
    BlockCall, InstructionData, InstructionFormat, JumpTable, JumpTableData, Opcode, TrapCode,
    Type, Value, ValueList,
};
use crate::text::lexer::Token;
use alloc::vec::Vec;

impl Parser<'_> {
    /// The operands of `opcode`, whose type suffix is `stated`.
    pub(super) fn parse_operands(
        &mut self,
        context: &mut Context,
        opcode: Opcode,
        stated: Option<Type>,
    ) -> ParseResult<InstructionData> {
        use InstructionFormat as Format;
        Ok(match opcode.format() {
            Format::NullAry => InstructionData::NullAry { opcode },
            Format::Unary => InstructionData::Unary {
                opcode,
                arg: self.parse_value(context, "an operand")?,
            },
            Format::UnaryImm => InstructionData::UnaryImm {
                opcode,
                imm: self.parse_imm(stated.unwrap_or(Type::I64))?,
            },
            Format::UnaryGlobalValue => InstructionData::UnaryGlobalValue {
                opcode,
                global_value: self.parse_declared_global_value(context)?,
            },
            Format::Binary => InstructionData::Binary {
                opcode,
                args: self.parse_values(context)?,
            },
            Format::Ternary => InstructionData::Ternary {
                opcode,
                args: self.parse_values(context)?,
            },
            Format::MultiAry => InstructionData::MultiAry {
                opcode,
                args: self.parse_value_list(context, None)?,
            },
            Format::IntCompare => InstructionData::IntCompare {
                opcode,
                cond: self.parse_enum("a condition, as in `icmp slt`")?,
                args: self.parse_values(context)?,
            },
            Format::FuncAddr => InstructionData::FuncAddr {
                opcode,
                func_ref: self.parse_declared_func_ref(context)?,
            },
            Format::StackAddr => InstructionData::StackAddr {
                opcode,
                stack_slot: self.parse_declared_stack_slot(context)?,
                offset: self.optional_offset()?,
            },
            Format::Jump | Format::Brif | Format::BranchTable => {
                self.parse_branch(context, opcode)?
            }
            Format::Call | Format::CallIndirect => self.parse_call(context, opcode)?,
            Format::Trap | Format::CondTrap | Format::IntAddTrap => {
                self.parse_trap(context, opcode)?
            }
            Format::Load
            | Format::LoadNoOffset
            | Format::Store
            | Format::StoreNoOffset
            | Format::AtomicRmw
            | Format::AtomicCas => self.parse_memory_access(context, opcode)?,
        })
    }

    fn parse_branch(
        &mut self,
        context: &mut Context,
        opcode: Opcode,
    ) -> ParseResult<InstructionData> {
        Ok(match opcode.format() {
            InstructionFormat::Jump => InstructionData::Jump {
                opcode,
                destination: self.parse_block_call(context)?,
            },
            InstructionFormat::Brif => {
                let arg = self.parse_value(context, "a condition")?;
                self.expect(b',', "after the condition")?;
                let then_call = self.parse_block_call(context)?;
                self.expect(b',', "after the first branch")?;
                let else_call = self.parse_block_call(context)?;
                InstructionData::Brif {
                    opcode,
                    arg,
                    blocks: [then_call, else_call],
                }
            }
            _ => {
                let arg = self.parse_value(context, "an index")?;
                self.expect(b',', "after the index")?;
                InstructionData::BranchTable {
                    opcode,
                    arg,
                    table: self.parse_jump_table(context)?,
                }
            }
        })
    }

    fn parse_call(
        &mut self,
        context: &mut Context,
        opcode: Opcode,
    ) -> ParseResult<InstructionData> {
        if opcode.format() == InstructionFormat::Call {
            return Ok(InstructionData::Call {
                opcode,
                func_ref: self.parse_declared_func_ref(context)?,
                args: self.parse_call_arguments(context, None)?,
            });
        }
        let sig_ref = self.parse_declared_sig_ref(context)?;
        self.expect(b',', "after the signature")?;
        let callee = self.parse_address(context)?;
        Ok(InstructionData::CallIndirect {
            opcode,
            sig_ref,
            args: self.parse_call_arguments(context, Some(callee))?,
        })
    }

    fn parse_trap(
        &mut self,
        context: &mut Context,
        opcode: Opcode,
    ) -> ParseResult<InstructionData> {
        Ok(match opcode.format() {
            InstructionFormat::Trap => InstructionData::Trap {
                opcode,
                code: self.parse_trap_code()?,
            },
            InstructionFormat::CondTrap => {
                let arg = self.parse_value(context, "a condition")?;
                self.expect(b',', "after the condition")?;
                InstructionData::CondTrap {
                    opcode,
                    arg,
                    code: self.parse_trap_code()?,
                }
            }
            _ => {
                let args = self.parse_values(context)?;
                self.expect(b',', "after the operands")?;
                InstructionData::IntAddTrap {
                    opcode,
                    args,
                    code: self.parse_trap_code()?,
                }
            }
        })
    }

    pub(super) fn parse_trap_code(&mut self) -> ParseResult<TrapCode> {
        self.parse_enum("a trap code, as in `trap user1`")
    }

    fn parse_memory_access(
        &mut self,
        context: &mut Context,
        opcode: Opcode,
    ) -> ParseResult<InstructionData> {
        let flags = self.parse_mem_flags()?;
        Ok(match opcode.format() {
            InstructionFormat::Load => InstructionData::Load {
                opcode,
                flags,
                arg: self.parse_address(context)?,
                offset: self.optional_offset()?,
            },
            // The operand of a `bitcast` is no address.
            InstructionFormat::LoadNoOffset if opcode == Opcode::Bitcast => {
                InstructionData::LoadNoOffset {
                    opcode,
                    flags,
                    arg: self.parse_value(context, "an operand")?,
                }
            }
            InstructionFormat::LoadNoOffset => InstructionData::LoadNoOffset {
                opcode,
                flags,
                arg: self.parse_address(context)?,
            },
            InstructionFormat::Store => InstructionData::Store {
                opcode,
                flags,
                args: self.parse_stored_value_and_address(context)?,
                offset: self.optional_offset()?,
            },
            InstructionFormat::StoreNoOffset => InstructionData::StoreNoOffset {
                opcode,
                flags,
                args: self.parse_stored_value_and_address(context)?,
            },
            InstructionFormat::AtomicRmw => {
                let op = self.parse_enum("an operation, as in `atomic_rmw.i32 add`")?;
                let address = self.parse_address(context)?;
                self.expect(b',', "after the address")?;
                InstructionData::AtomicRmw {
                    opcode,
                    op,
                    flags,
                    args: [address, self.parse_value(context, "an operand")?],
                }
            }
            _ => {
                let address = self.parse_address(context)?;
                self.expect(b',', "after the address")?;
                let [expected, replacement] = self.parse_values(context)?;
                InstructionData::AtomicCas {
                    opcode,
                    flags,
                    args: [address, expected, replacement],
                }
            }
        })
    }

    fn parse_stored_value_and_address(&mut self, context: &mut Context) -> ParseResult<[Value; 2]> {
        let value = self.parse_value(context, "a value to store")?;
        self.expect(b',', "after the value to store")?;
        Ok([value, self.parse_address(context)?])
    }

    /// `N` values with commas between them.
    fn parse_values<const N: usize>(&mut self, context: &mut Context) -> ParseResult<[Value; N]> {
        let mut values = [Value::from_u32(0); N];
        for (index, value) in values.iter_mut().enumerate() {
            if index > 0 {
                self.expect(b',', "after the operand")?;
            }
            *value = self.parse_value(context, "an operand")?;
        }
        Ok(values)
    }

    /// Any number of values with commas between them, behind `first` if there is one.
    fn parse_value_list(
        &mut self,
        context: &mut Context,
        first: Option<Value>,
    ) -> ParseResult<ValueList> {
        let mut values = core::mem::take(&mut context.operands);
        values.clear();
        values.extend(first);
        if let Token::Value(_) = self.token {
            loop {
                values.push(self.parse_value(context, "an operand")?);
                if !self.optional(b',') {
                    break;
                }
            }
        }
        let list = ValueList::from_slice(&values, &mut context.function.dfg.value_lists);
        context.operands = values;
        Ok(list)
    }

    fn parse_call_arguments(
        &mut self,
        context: &mut Context,
        callee: Option<Value>,
    ) -> ParseResult<ValueList> {
        self.expect(b'(', "before the arguments")?;
        let args = self.parse_value_list(context, callee)?;
        self.expect(b')', "after the arguments")?;
        Ok(args)
    }

    /// ```text
    /// block-call ::= "block"n ["(" [values] ")"]
    /// ```
    fn parse_block_call(&mut self, context: &mut Context) -> ParseResult<BlockCall> {
        let block = self.parse_destination(context)?;
        if !self.optional(b'(') {
            return Ok(BlockCall::new(
                block,
                [],
                &mut context.function.dfg.value_lists,
            ));
        }
        let mut values = core::mem::take(&mut context.operands);
        values.clear();
        while !self.at(b')') {
            values.push(self.parse_value(context, "an argument")?);
            if !self.optional(b',') {
                break;
            }
        }
        self.expect(b')', "after the arguments")?;
        let pool = &mut context.function.dfg.value_lists;
        let call = BlockCall::new(block, values.iter().copied(), pool);
        context.operands = values;
        Ok(call)
    }

    /// ```text
    /// jump-table ::= block-call "," "[" [block-call { "," block-call }] "]"
    /// ```
    fn parse_jump_table(&mut self, context: &mut Context) -> ParseResult<JumpTable> {
        let default = self.parse_block_call(context)?;
        self.expect(b',', "after the default branch")?;
        self.expect(b'[', "before the table")?;
        let mut entries = Vec::new();
        if !self.at(b']') {
            loop {
                entries.push(self.parse_block_call(context)?);
                if !self.optional(b',') {
                    break;
                }
            }
        }
        self.expect(b']', "after the table")?;
        let table = JumpTableData::new(default, &entries);
        Ok(context.function.dfg.jump_tables.push(table))
    }
}
