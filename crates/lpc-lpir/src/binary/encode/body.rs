//! Blocks and instructions of a function.

use super::EncodeResult;
use crate::binary::code::Code;
use crate::binary::writer::Writer;
use crate::entity::SecondaryMap;
use crate::ir::{
    AnyEntity, Block, BlockCall, ControllingType, DataFlowGraph, Function, Inst, InstructionData,
    SourceLoc, Type, Value,
};

/// Whether an instruction of `function` has a source location.
pub(super) fn has_locations(function: &Function) -> bool {
    let blocks = function.layout.blocks();
    let mut insts = blocks.flat_map(|block| function.layout.block_insts(block));
    insts.any(|inst| !function.srclocs[inst].is_default())
}

/// The numbers that values and blocks get: in the order of their definitions.
struct Numbering {
    values: SecondaryMap<Value, Option<u32>>,
    blocks: SecondaryMap<Block, Option<u32>>,
    num_values: u32,
    num_insts: u32,
    num_blocks: u32,
}

impl Numbering {
    fn new(function: &Function) -> EncodeResult<Self> {
        let Function { dfg, layout, .. } = function;
        let mut numbering = Self {
            values: SecondaryMap::new(),
            blocks: SecondaryMap::new(),
            num_values: 0,
            num_insts: 0,
            num_blocks: 0,
        };
        for block in layout.blocks() {
            if !dfg.block_is_valid(block) {
                return Err((
                    AnyEntity::Function,
                    "its layout has a block that does not exist",
                ));
            }
            numbering.blocks[block] = Some(numbering.num_blocks);
            numbering.num_blocks += 1;
            for param in dfg.block_params(block) {
                numbering.define(dfg, block.into(), param)?;
            }
            for inst in layout.block_insts(block) {
                if !dfg.inst_is_valid(inst) {
                    return Err((block.into(), "it has an instruction that does not exist"));
                }
                numbering.num_insts += 1;
                for result in dfg.inst_results(inst) {
                    numbering.define(dfg, inst.into(), result)?;
                }
            }
        }
        Ok(numbering)
    }

    fn define(&mut self, dfg: &DataFlowGraph, user: AnyEntity, value: Value) -> EncodeResult<()> {
        let is_valid = dfg.value_is_valid(value) && dfg.value_is_defined(value);
        if !is_valid || dfg.alias_target(value).is_some() || self.values[value].is_some() {
            return Err((user, "a value that it defines is something else"));
        }
        self.values[value] = Some(self.num_values);
        self.num_values += 1;
        Ok(())
    }
}

impl Writer {
    pub(super) fn body(&mut self, function: &Function, has_locations: bool) -> EncodeResult<()> {
        let numbering = Numbering::new(function)?;
        let entry = function.layout.entry_block();
        let entry_params = entry.map_or(0, |entry| function.dfg.num_block_params(entry));
        self.count(numbering.num_values as usize - entry_params);
        self.u32(numbering.num_insts);
        self.u32(numbering.num_blocks);
        let mut body = Body {
            writer: self,
            function,
            numbering,
            next_value: 0,
            block: 0,
            location: SourceLoc::default(),
        };
        for (index, block) in function.layout.blocks().enumerate() {
            body.write_block_header(index, block)?;
        }
        for block in function.layout.blocks() {
            body.write_block(block, has_locations)?;
        }
        Ok(())
    }
}

/// A body that is being written.
struct Body<'w, 'f> {
    writer: &'w mut Writer,
    function: &'f Function,
    numbering: Numbering,
    /// The number of the value that is defined next.
    next_value: u32,
    /// The number of the block.
    block: u32,
    /// The source location of the instruction before.
    location: SourceLoc,
}

impl Body<'_, '_> {
    fn write_block_header(&mut self, index: usize, block: Block) -> EncodeResult<()> {
        let Function {
            dfg,
            layout,
            signature,
            ..
        } = self.function;
        if index > 0 {
            let num_params = dfg.num_block_params(block) << 1;
            self.writer
                .count(num_params | usize::from(layout.is_cold(block)));
            return Ok(());
        }
        let types = dfg.block_params(block).map(|param| dfg.value_type(param));
        let expected = signature.params.iter().map(|param| param.value_type);
        if !types.eq(expected) {
            return Err((
                block.into(),
                "its parameters are not those of the signature",
            ));
        }
        if layout.is_cold(block) {
            return Err((block.into(), "an entry block cannot be cold"));
        }
        Ok(())
    }

    fn write_block(&mut self, block: Block, has_locations: bool) -> EncodeResult<()> {
        let Function { dfg, layout, .. } = self.function;
        self.block = self.number_of_block(block.into(), block)?;
        for param in dfg.block_params(block) {
            if self.block > 0 {
                self.writer.ty(dfg.value_type(param));
            }
            self.next_value += 1;
        }
        let mut is_ended = false;
        for inst in layout.block_insts(block) {
            if is_ended {
                return Err((inst.into(), "it is behind a terminator"));
            }
            is_ended = dfg.inst(inst).opcode().is_terminator();
            if has_locations {
                let location = self.function.srclocs[inst];
                let difference = location.bits().wrapping_sub(self.location.bits());
                self.location = location;
                self.writer.i32(difference as i32);
            }
            self.write_inst(inst)?;
        }
        match is_ended {
            true => Ok(()),
            false => Err((block.into(), "it does not end in a terminator")),
        }
    }

    fn write_inst(&mut self, inst: Inst) -> EncodeResult<()> {
        let dfg = &self.function.dfg;
        let data = dfg.inst(inst);
        let opcode = data.opcode();
        if opcode.format() != data.format() {
            return Err((inst.into(), "its operands are not those of its opcode"));
        }
        let condition = match *data {
            InstructionData::IntCompare { cond, .. } => Some(cond),
            _ => None,
        };
        let mut results = dfg.inst_results(inst);
        let first_type = results.next().map(|first| dfg.value_type(first));
        let code = Code::new(opcode, first_type, condition);
        let code = code.ok_or((inst.into(), "its result is of a wrong type"))?;
        self.writer.byte(code.to_byte());
        self.write_operands(inst, data)?;

        let mut controlling = code.stated_type();
        if let ControllingType::Operand(index, _) = opcode.controlling_type()
            && let Some(operand) = dfg.inst_args(inst).nth(index.into())
            && opcode.result(0).is_some()
        {
            let (number, ty) = self.operand(inst, operand)?;
            controlling = Some(ty);
            if number >= self.next_value {
                self.writer.ty(ty);
            }
        }
        self.write_results(inst, controlling)
    }

    fn write_results(&mut self, inst: Inst, controlling: Option<Type>) -> EncodeResult<()> {
        let dfg = &self.function.dfg;
        let is_call = dfg.inst(inst).opcode().is_call();
        let mut count = 0;
        for result in dfg.inst_results(inst) {
            let required = dfg.required_result_type(inst, count, controlling);
            if required != Some(dfg.value_type(result)) {
                return Err((inst.into(), "it has a result too many or of a wrong type"));
            }
            if count > 0 && is_call {
                self.writer.byte(0);
            }
            self.next_value += 1;
            count += 1;
        }
        match dfg.required_result_type(inst, count, controlling) {
            None => Ok(()),
            Some(_) => Err((inst.into(), "it has too few results")),
        }
    }

    fn write_operands(&mut self, inst: Inst, data: &InstructionData) -> EncodeResult<()> {
        use InstructionData::*;
        let function = self.function;
        let dfg = &function.dfg;
        let user = AnyEntity::from(inst);
        match *data {
            NullAry { .. } | IntCompare { .. } | Unary { .. } | Binary { .. } | Ternary { .. } => {}
            UnaryImm { imm, .. } => self.writer.i64(imm.bits()),
            UnaryGlobalValue { global_value, .. } => {
                let is_declared = function.global_values.is_valid(global_value);
                self.writer.reference(user, global_value, is_declared)?;
            }
            MultiAry { args, .. } => {
                self.check_args(
                    user,
                    args.len(&dfg.value_lists),
                    function.signature.returns.len(),
                )?;
            }
            Call { func_ref, args, .. } => {
                let is_declared = dfg.ext_funcs.is_valid(func_ref);
                self.writer.reference(user, func_ref, is_declared)?;
                let signature = &dfg.signatures[dfg.ext_funcs[func_ref].signature];
                self.check_args(user, args.len(&dfg.value_lists), signature.params.len())?;
            }
            CallIndirect { sig_ref, args, .. } => {
                let is_declared = dfg.signatures.is_valid(sig_ref);
                self.writer.reference(user, sig_ref, is_declared)?;
                let params = dfg.signatures[sig_ref].params.len();
                self.check_args(user, args.len(&dfg.value_lists), 1 + params)?;
            }
            FuncAddr { func_ref, .. } => {
                let is_declared = dfg.ext_funcs.is_valid(func_ref);
                self.writer.reference(user, func_ref, is_declared)?;
            }
            StackAddr {
                stack_slot, offset, ..
            } => {
                let is_declared = function.stack_slots.is_valid(stack_slot);
                self.writer.reference(user, stack_slot, is_declared)?;
                self.writer.i32(offset.bytes());
            }
            Load { flags, .. }
            | LoadNoOffset { flags, .. }
            | Store { flags, .. }
            | StoreNoOffset { flags, .. }
            | AtomicCas { flags, .. } => self.writer.mem_flags(user, flags)?,
            AtomicRmw { flags, op, .. } => {
                self.writer.mem_flags(user, flags)?;
                self.writer.byte(op as u8);
            }
            Jump { .. } | Brif { .. } | BranchTable { .. } => {}
            Trap { .. } | CondTrap { .. } | IntAddTrap { .. } => {}
        }
        for operand in data.arguments(&dfg.value_lists) {
            self.write_operand(inst, operand)?;
        }
        match *data {
            Load { offset, .. } | Store { offset, .. } => self.writer.i32(offset.bytes()),
            Trap { code, .. } | CondTrap { code, .. } | IntAddTrap { code, .. } => {
                self.writer.byte(code.as_raw().get());
            }
            Jump { .. } | Brif { .. } => {
                self.write_branches(inst, dfg.branch_destinations(inst))?
            }
            BranchTable { table, .. } => {
                let branches = dfg.jump_tables.get(table);
                let branches = branches.ok_or((user, "its table does not exist"))?;
                self.write_branches(inst, &[branches.default_branch()])?;
                self.writer.count(branches.entries().len());
                self.write_branches(inst, branches.entries())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn check_args(&self, user: AnyEntity, found: usize, expected: usize) -> EncodeResult<()> {
        match found == expected {
            true => Ok(()),
            false => Err((user, "it has too many or too few arguments")),
        }
    }

    fn write_operand(&mut self, inst: Inst, operand: Value) -> EncodeResult<()> {
        let (number, _) = self.operand(inst, operand)?;
        match self.next_value.checked_sub(number) {
            Some(back) if back > 0 => self.writer.u32(back),
            _ => {
                self.writer.byte(0);
                self.writer.u32(number - self.next_value);
            }
        }
        Ok(())
    }

    /// The number and the type of the value that `operand` stands for.
    fn operand(&self, inst: Inst, operand: Value) -> EncodeResult<(u32, Type)> {
        let dfg = &self.function.dfg;
        let is_valid = dfg.value_is_valid(operand);
        let original = is_valid.then(|| dfg.try_resolve_aliases(operand)).flatten();
        match original.and_then(|original| Some((original, self.numbering.values[original]?))) {
            Some((original, number)) => Ok((number, dfg.value_type(original))),
            None => Err((inst.into(), "an operand is not defined")),
        }
    }

    fn write_branches(&mut self, inst: Inst, branches: &[BlockCall]) -> EncodeResult<()> {
        let dfg = &self.function.dfg;
        let pool = &dfg.value_lists;
        for branch in branches {
            let block = branch.block(pool);
            let number = self.number_of_block(inst.into(), block)?;
            let ahead = i64::from(number) - i64::from(self.block);
            self.writer.i64(ahead);
            self.check_args(
                inst.into(),
                branch.num_args(pool),
                dfg.num_block_params(block),
            )?;
            for arg in branch.args(pool) {
                self.write_operand(inst, arg)?;
            }
        }
        Ok(())
    }

    fn number_of_block(&self, user: AnyEntity, block: Block) -> EncodeResult<u32> {
        let number = self.numbering.blocks[block];
        number.ok_or((user, "it branches to a block that is not there"))
    }
}
