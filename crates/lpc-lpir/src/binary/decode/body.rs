//! Blocks and instructions of a function.
//!
//! ```text
//! body  ::= values instructions blocks { (params, cold) } { block }
//! block ::= { type } { instruction }
//! ```
//!
//! The entry block has the parameters of the function and is not cold, so that nothing is said about it, and `values` are those
//! beyond its parameters. A block ends with its first terminator.
//!
//! **Values** are numbered in the order of their definitions. All are made before the first instruction is read, so that one can
//! be used before it is defined. Each definition takes the next number, and at the end all are taken: no value is undefined.

use crate::binary::code::Code;
use crate::binary::error::DecodeErrorKind;
use crate::binary::fields::trap_code_from_byte;
use crate::binary::reader::{DecodeResult, Reader};
use crate::entity::EntityRef;
use crate::ir::{
    AtomicRmwOp, Block, BlockCall, ControllingType, DataFlowGraph, Function, Imm64, Inst,
    InstructionData, InstructionFormat, JumpTable, JumpTableData, SourceLoc, TrapCode, Type, Value,
    ValueList,
};
use alloc::vec::Vec;

/// Reads the body of `function`, all of whose declarations are there.
pub(super) fn read(
    reader: &mut Reader<'_>,
    function: &mut Function,
    has_locations: bool,
) -> DecodeResult<()> {
    let mut num_values = reader.count()?;
    let num_insts = reader.count()?;
    let num_blocks = reader.count()?;
    // Each instruction takes a byte, and each block but the first one too.
    reader.require(num_insts + num_blocks.saturating_sub(1))?;
    if num_blocks > num_insts {
        return Err(reader.error(DecodeErrorKind::WrongCount("instructions")));
    }
    if num_blocks > 0 {
        num_values += function.signature.params.len();
    }
    let Function {
        dfg,
        layout,
        srclocs,
        ..
    } = &mut *function;
    let num_params = reader.allocate(|heap| {
        dfg.reserve_in(num_values, num_insts, num_blocks, heap)?;
        layout.resize_in(num_insts, num_blocks, heap)?;
        if has_locations {
            srclocs.reserve_in(num_insts, heap)?;
        }
        heap.vec(num_blocks)
    })?;
    for _ in 0..num_values {
        function.dfg.reserve_value();
    }
    let mut body = Body {
        reader,
        function,
        num_params,
        num_values,
        num_insts,
        next_value: 0,
        location: SourceLoc::default(),
        args: Vec::new(),
    };
    for index in 0..num_blocks {
        body.read_block_header(index)?;
    }
    for index in 0..num_blocks {
        body.read_block(Block::new(index), has_locations)?;
    }
    body.check_counts(has_locations)
}

/// A body that is being read.
struct Body<'r, 'a> {
    reader: &'r mut Reader<'a>,
    function: &'r mut Function,
    /// The number of parameters of each block.
    num_params: Vec<u16>,
    num_values: usize,
    num_insts: usize,
    /// The number of the value that is defined next.
    next_value: usize,
    /// The source location of the instruction before.
    location: SourceLoc,
    /// The operands of a list that is being read. Kept here to use the memory again.
    args: Vec<Value>,
}

impl Body<'_, '_> {
    fn read_block_header(&mut self, index: usize) -> DecodeResult<()> {
        let block = self.function.dfg.make_block();
        self.function.layout.append_block(block);
        if index == 0 {
            // No more than 65,535, as the signature was read.
            let num_params = self.function.signature.params.len() as u16;
            self.num_params.push(num_params);
            return Ok(());
        }
        let head = self.reader.u32()?;
        let num_params = u16::try_from(head >> 1)
            .map_err(|_| self.reader.error(DecodeErrorKind::TooMany("parameters")))?;
        self.num_params.push(num_params);
        if head & 1 != 0 {
            self.function.layout.set_cold(block);
        }
        Ok(())
    }

    fn read_block(&mut self, block: Block, has_locations: bool) -> DecodeResult<()> {
        let is_entry = block.index() == 0;
        let num_params = usize::from(self.num_params[block.index()]);
        self.reserve_list(num_params)?;
        for index in 0..num_params {
            let ty = match is_entry {
                true => self.function.signature.params[index].value_type,
                false => self.reader.ty()?,
            };
            let value = self.define_value()?;
            self.function.dfg.define_block_param(block, value, ty);
        }
        loop {
            if has_locations {
                let difference = self.reader.i32()? as u32;
                self.location = SourceLoc::new(self.location.bits().wrapping_add(difference));
            }
            let inst = self.read_inst(block)?;
            if !self.location.is_default() {
                self.function.srclocs[inst] = self.location;
            }
            if self.function.dfg.inst(inst).opcode().is_terminator() {
                return Ok(());
            }
        }
    }

    /// ```text
    /// instruction ::= [location] code operands [type] { 0 }
    /// ```
    ///
    /// The type is that of the operand that decides about the types of results, if it is not defined yet. Each result of a call
    /// but the first takes a byte, so that values take no more memory than the message allows.
    fn read_inst(&mut self, block: Block) -> DecodeResult<Inst> {
        let code = self.reader.known("opcode", Code::from_byte)?;
        if self.function.dfg.num_insts() == self.num_insts {
            return Err(self.wrong_count("instructions"));
        }
        let data = self.read_operands(code, block)?;
        let controlling = self.controlling_type(code, &data)?;
        let inst = self.function.dfg.make_inst(data);
        self.function.layout.append_inst(inst, block);
        let mut index = 0;
        while let Some(ty) = self
            .function
            .dfg
            .required_result_type(inst, index, controlling)
        {
            if index > 0 && code.opcode.is_call() {
                let zero = |byte| (byte == 0).then_some(());
                self.reader.known("mark of a result", zero)?;
            }
            let value = self.define_value()?;
            index += 1;
            if index > 1 {
                self.reserve_list(index)?;
            }
            self.function.dfg.define_result(inst, value, ty);
        }
        Ok(inst)
    }

    fn controlling_type(
        &mut self,
        code: Code,
        data: &InstructionData,
    ) -> DecodeResult<Option<Type>> {
        let ControllingType::Operand(index, _) = code.opcode.controlling_type() else {
            return Ok(code.stated_type());
        };
        if code.opcode.result(0).is_none() {
            return Ok(None);
        }
        let dfg = &self.function.dfg;
        let mut operands = data.arguments(&dfg.value_lists);
        match operands.nth(index.into()) {
            Some(operand) if dfg.value_is_defined(operand) => Ok(Some(dfg.value_type(operand))),
            _ => self.reader.ty().map(Some),
        }
    }

    fn read_operands(&mut self, code: Code, block: Block) -> DecodeResult<InstructionData> {
        use InstructionFormat as Format;
        let opcode = code.opcode;
        Ok(match opcode.format() {
            Format::NullAry => InstructionData::NullAry { opcode },
            Format::Unary => InstructionData::Unary {
                opcode,
                arg: self.value()?,
            },
            Format::UnaryImm => InstructionData::UnaryImm {
                opcode,
                imm: Imm64::new(self.reader.i64()?),
            },
            Format::UnaryGlobalValue => InstructionData::UnaryGlobalValue {
                opcode,
                global_value: self
                    .reader
                    .reference(self.function.global_values.len(), "global value")?,
            },
            Format::Binary => InstructionData::Binary {
                opcode,
                args: self.values()?,
            },
            Format::Ternary => InstructionData::Ternary {
                opcode,
                args: self.values()?,
            },
            Format::MultiAry => InstructionData::MultiAry {
                opcode,
                args: self.value_list(self.function.signature.returns.len())?,
            },
            Format::IntCompare => InstructionData::IntCompare {
                opcode,
                cond: code.condition(),
                args: self.values()?,
            },
            Format::Jump => InstructionData::Jump {
                opcode,
                destination: self.block_call(block)?,
            },
            Format::Brif => InstructionData::Brif {
                opcode,
                arg: self.value()?,
                blocks: [self.block_call(block)?, self.block_call(block)?],
            },
            Format::BranchTable => InstructionData::BranchTable {
                opcode,
                arg: self.value()?,
                table: self.jump_table(block)?,
            },
            Format::Call => {
                let dfg = &self.function.dfg;
                let func_ref = self.reader.reference(dfg.ext_funcs.len(), "function")?;
                let signature = dfg.ext_funcs[func_ref].signature;
                InstructionData::Call {
                    opcode,
                    func_ref,
                    args: self.value_list(dfg.signatures[signature].params.len())?,
                }
            }
            Format::CallIndirect => {
                let dfg = &self.function.dfg;
                let sig_ref = self.reader.reference(dfg.signatures.len(), "signature")?;
                InstructionData::CallIndirect {
                    opcode,
                    sig_ref,
                    args: self.value_list(1 + dfg.signatures[sig_ref].params.len())?,
                }
            }
            Format::FuncAddr => InstructionData::FuncAddr {
                opcode,
                func_ref: self
                    .reader
                    .reference(self.function.dfg.ext_funcs.len(), "function")?,
            },
            Format::StackAddr => InstructionData::StackAddr {
                opcode,
                stack_slot: self
                    .reader
                    .reference(self.function.stack_slots.len(), "stack slot")?,
                offset: self.reader.offset()?,
            },
            Format::Load => InstructionData::Load {
                opcode,
                flags: self.reader.mem_flags()?,
                arg: self.value()?,
                offset: self.reader.offset()?,
            },
            Format::LoadNoOffset => InstructionData::LoadNoOffset {
                opcode,
                flags: self.reader.mem_flags()?,
                arg: self.value()?,
            },
            Format::Store => InstructionData::Store {
                opcode,
                flags: self.reader.mem_flags()?,
                args: self.values()?,
                offset: self.reader.offset()?,
            },
            Format::StoreNoOffset => InstructionData::StoreNoOffset {
                opcode,
                flags: self.reader.mem_flags()?,
                args: self.values()?,
            },
            Format::AtomicRmw => InstructionData::AtomicRmw {
                opcode,
                flags: self.reader.mem_flags()?,
                op: self.reader.known("atomic operation", |byte| {
                    AtomicRmwOp::ALL.get(usize::from(byte)).copied()
                })?,
                args: self.values()?,
            },
            Format::AtomicCas => InstructionData::AtomicCas {
                opcode,
                flags: self.reader.mem_flags()?,
                args: self.values()?,
            },
            Format::Trap => InstructionData::Trap {
                opcode,
                code: self.trap_code()?,
            },
            Format::CondTrap => InstructionData::CondTrap {
                opcode,
                arg: self.value()?,
                code: self.trap_code()?,
            },
            Format::IntAddTrap => InstructionData::IntAddTrap {
                opcode,
                args: self.values()?,
                code: self.trap_code()?,
            },
        })
    }

    /// A value that is used: how many values its definition is back, or zero and how many it is ahead.
    fn value(&mut self) -> DecodeResult<Value> {
        let back = self.reader.u32()? as usize;
        let number = match back {
            0 => self.next_value.checked_add(self.reader.u32()? as usize),
            _ => self.next_value.checked_sub(back),
        };
        match number {
            Some(number) if number < self.num_values => Ok(Value::new(number)),
            _ => Err(self.reader.error(DecodeErrorKind::Undefined("value"))),
        }
    }

    fn values<const N: usize>(&mut self) -> DecodeResult<[Value; N]> {
        let mut values = [Value::from_u32(0); N];
        for value in &mut values {
            *value = self.value()?;
        }
        Ok(values)
    }

    /// Reads `count` values to `args`.
    fn read_args(&mut self, count: usize) -> DecodeResult<()> {
        self.reader.require(count)?;
        self.args.clear();
        let args = &mut self.args;
        self.reader.allocate(|heap| heap.reserve(args, count))?;
        for _ in 0..count {
            let value = self.value()?;
            self.args.push(value);
        }
        Ok(())
    }

    /// Makes room for a list of `len` values.
    fn reserve_list(&mut self, len: usize) -> DecodeResult<()> {
        let pool = &mut self.function.dfg.value_lists;
        self.reader.allocate(|heap| pool.reserve_in(len, heap))
    }

    fn value_list(&mut self, count: usize) -> DecodeResult<ValueList> {
        self.read_args(count)?;
        self.reserve_list(count)?;
        let pool = &mut self.function.dfg.value_lists;
        Ok(ValueList::from_slice(&self.args, pool))
    }

    /// A branch of the block `from`: how many blocks ahead it goes, and an argument for each parameter there.
    fn block_call(&mut self, from: Block) -> DecodeResult<BlockCall> {
        let ahead = i64::from(self.reader.i32()?);
        let number = from.index() as i64 + ahead;
        let Some(&num_params) = usize::try_from(number)
            .ok()
            .and_then(|index| self.num_params.get(index))
        else {
            return Err(self.reader.error(DecodeErrorKind::Undefined("block")));
        };
        self.read_args(num_params.into())?;
        self.reserve_list(1 + usize::from(num_params))?;
        let block = Block::new(number as usize);
        let args = self.args.iter().copied();
        Ok(BlockCall::new(
            block,
            args,
            &mut self.function.dfg.value_lists,
        ))
    }

    /// The branch beyond the table, the number of entries, and these.
    fn jump_table(&mut self, from: Block) -> DecodeResult<JumpTable> {
        let default = self.block_call(from)?;
        let count = self.reader.count()?;
        let mut branches = self.reader.allocate(|heap| heap.vec(1 + count))?;
        branches.push(default);
        for _ in 0..count {
            branches.push(self.block_call(from)?);
        }
        let DataFlowGraph { jump_tables, .. } = &mut self.function.dfg;
        let table = JumpTableData::from_branches(branches);
        self.reader
            .allocate(|heap| jump_tables.push_in(table, heap))
    }

    fn trap_code(&mut self) -> DecodeResult<TrapCode> {
        self.reader.known("trap code", trap_code_from_byte)
    }

    /// The value that is defined here.
    fn define_value(&mut self) -> DecodeResult<Value> {
        if self.next_value == self.num_values {
            return Err(self.wrong_count("values"));
        }
        let value = Value::new(self.next_value);
        self.next_value += 1;
        Ok(value)
    }

    /// Checks at the end that there is as much as was stated.
    fn check_counts(&self, has_locations: bool) -> DecodeResult<()> {
        let dfg = &self.function.dfg;
        if self.next_value != self.num_values {
            return Err(self.wrong_count("values"));
        }
        if dfg.num_insts() != self.num_insts {
            return Err(self.wrong_count("instructions"));
        }
        if has_locations && self.function.srclocs.is_empty() {
            return Err(self.wrong_count("source locations"));
        }
        Ok(())
    }

    #[cold]
    fn wrong_count(&self, what: &'static str) -> crate::binary::DecodeError {
        self.reader.error(DecodeErrorKind::WrongCount(what))
    }
}
