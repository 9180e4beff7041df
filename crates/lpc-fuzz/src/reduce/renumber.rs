//! Copies a function without what is not part of it, and with dense numbers.

use super::draft::Sweep;
use lpc_lpir::entity::{PackedOption, SecondaryMap};
use lpc_lpir::ir::{
    Block, BlockCall, FuncRef, Function, GlobalValue, GlobalValueData, Inst, InstructionData,
    JumpTableData, SigRef, StackSlot, Value, ValueList,
};

/// `old` with its blocks, values and declarations numbered in the order in which they stand, without aliases and
/// declarations that nothing refers to, and without what `sweep` says. `None` when it uses a value that it does not define.
pub(super) fn renumbered(old: &Function, sweep: Sweep) -> Option<Function> {
    let kept = match sweep {
        Sweep::Unused => Kept::used(old)?,
        Sweep::Nothing => Kept::all(old),
    };
    let mut copy = Copy {
        old,
        new: Function::new(old.name.clone(), old.signature.clone()),
        values: SecondaryMap::new(),
        blocks: SecondaryMap::new(),
        slots: SecondaryMap::new(),
        global_values: SecondaryMap::new(),
        func_refs: SecondaryMap::new(),
    };
    copy.copy_slots();
    if let Some(limit) = old.stack_limit.expand() {
        copy.new.stack_limit = copy.global_value(limit, 0)?.into();
    }
    let insts = copy.copy_definitions(&kept);
    for (inst, copied) in insts {
        copy.copy_operands(inst, copied)?;
    }
    Some(copy.new)
}

/// What of a function is copied, in its order.
struct Kept {
    blocks: Vec<(Block, Vec<Inst>)>,
}

impl Kept {
    fn all(func: &Function) -> Self {
        let blocks = func.layout.blocks();
        let insts = |block| func.layout.block_insts(block).collect();
        Self {
            blocks: blocks.map(|block| (block, insts(block))).collect(),
        }
    }

    /// The blocks that can be reached, and in them the instructions that do something or whose results are used.
    fn used(func: &Function) -> Option<Self> {
        let mut blocks = Self::all(func).blocks;
        let reachable = reachable_blocks(func);
        blocks.retain(|&(block, _)| reachable[block]);
        let mut is_used = SecondaryMap::<Inst, bool>::new();
        let mut work: Vec<Inst> = Vec::new();
        for &inst in blocks.iter().flat_map(|(_, insts)| insts) {
            if func.dfg.inst(inst).has_side_effects() {
                is_used[inst] = true;
                work.push(inst);
            }
        }
        while let Some(inst) = work.pop() {
            for operand in func.dfg.inst_values(inst) {
                let original = func.dfg.try_resolve_aliases(operand)?;
                if !func.dfg.value_is_defined(original) {
                    return None;
                }
                if let Some(definition) = func.dfg.value_inst(original)
                    && !is_used[definition]
                {
                    is_used[definition] = true;
                    work.push(definition);
                }
            }
        }
        for (_, insts) in &mut blocks {
            insts.retain(|&inst| is_used[inst]);
        }
        Some(Self { blocks })
    }
}

/// Whether there is a way from the entry block.
pub(super) fn reachable_blocks(func: &Function) -> SecondaryMap<Block, bool> {
    let mut reachable = SecondaryMap::new();
    let mut work: Vec<Block> = func.entry_block().into_iter().collect();
    while let Some(block) = work.pop() {
        if !std::mem::replace(&mut reachable[block], true) {
            work.extend(func.block_successors(block));
        }
    }
    reachable
}

/// A copy under way.
struct Copy<'a> {
    old: &'a Function,
    new: Function,
    values: SecondaryMap<Value, PackedOption<Value>>,
    blocks: SecondaryMap<Block, PackedOption<Block>>,
    slots: SecondaryMap<StackSlot, PackedOption<StackSlot>>,
    global_values: SecondaryMap<GlobalValue, PackedOption<GlobalValue>>,
    func_refs: SecondaryMap<FuncRef, PackedOption<FuncRef>>,
}

impl Copy<'_> {
    /// Copies the stack slots. One that nothing refers to changes the frame, unless it is empty.
    fn copy_slots(&mut self) {
        let mut is_used = SecondaryMap::<StackSlot, bool>::new();
        for block in self.old.layout.blocks() {
            for inst in self.old.layout.block_insts(block) {
                if let InstructionData::StackAddr { stack_slot, .. } = *self.old.dfg.inst(inst) {
                    is_used[stack_slot] = true;
                }
            }
        }
        for (slot, data) in self.old.stack_slots.iter() {
            if is_used[slot] || data.size > 0 {
                self.slots[slot] = self.new.stack_slots.push(*data).into();
            }
        }
    }

    /// Makes the blocks with their parameters, and the instructions with their results and the operands of the old ones.
    /// Returns which instruction is a copy of which.
    fn copy_definitions(&mut self, kept: &Kept) -> Vec<(Inst, Inst)> {
        let mut insts = Vec::new();
        for (block, kept_insts) in &kept.blocks {
            let copied_block = self.new.dfg.make_block();
            self.blocks[*block] = copied_block.into();
            self.new.layout.append_block(copied_block);
            if self.old.layout.is_cold(*block) {
                self.new.layout.set_cold(copied_block);
            }
            for param in self.old.dfg.block_params(*block) {
                let ty = self.old.dfg.value_type(param);
                self.values[param] = self.new.dfg.append_block_param(copied_block, ty).into();
            }
            for &inst in kept_insts {
                let copied = self.new.dfg.make_inst(*self.old.dfg.inst(inst));
                self.new.layout.append_inst(copied, copied_block);
                for result in self.old.dfg.inst_results(inst) {
                    let ty = self.old.dfg.value_type(result);
                    self.values[result] = self.new.dfg.append_result(copied, ty).into();
                }
                if !self.old.srclocs.is_empty() {
                    self.new.srclocs[copied] = self.old.srclocs[inst];
                }
                insts.push((inst, copied));
            }
        }
        insts
    }

    /// Gives `copied` operands of its own, those of `inst`.
    fn copy_operands(&mut self, inst: Inst, copied: Inst) -> Option<()> {
        use InstructionData::*;
        let mut data = *self.old.dfg.inst(inst);
        match &mut data {
            MultiAry { args, .. } => *args = self.list(*args),
            Call { args, func_ref, .. } => {
                *args = self.list(*args);
                *func_ref = self.func_ref(*func_ref)?;
            }
            CallIndirect { args, sig_ref, .. } => {
                *args = self.list(*args);
                *sig_ref = self.signature(*sig_ref)?;
            }
            FuncAddr { func_ref, .. } => *func_ref = self.func_ref(*func_ref)?,
            StackAddr { stack_slot, .. } => *stack_slot = self.slots[*stack_slot].expand()?,
            UnaryGlobalValue { global_value, .. } => {
                *global_value = self.global_value(*global_value, 0)?;
            }
            Jump { destination, .. } => *destination = self.block_call(*destination)?,
            Brif { blocks, .. } => {
                *blocks = [self.block_call(blocks[0])?, self.block_call(blocks[1])?];
            }
            BranchTable { table, .. } => {
                let old = self.old.dfg.jump_tables.get(*table)?.clone();
                let default = self.block_call(old.default_branch())?;
                let entries = old.entries().iter();
                let entries: Option<Vec<_>> = entries.map(|&call| self.block_call(call)).collect();
                let new = JumpTableData::new(default, &entries?);
                *table = self.new.dfg.jump_tables.push(new);
            }
            _ => {}
        }
        *self.new.dfg.inst_mut(copied) = data;
        let mut all_defined = true;
        let Self {
            old, new, values, ..
        } = self;
        new.dfg.map_inst_values(copied, |value| {
            let original = old.dfg.try_resolve_aliases(value);
            let mapped = original.and_then(|original| values[original].expand());
            all_defined &= mapped.is_some();
            mapped.unwrap_or(value)
        });
        all_defined.then_some(())
    }

    fn list(&mut self, list: ValueList) -> ValueList {
        let items = list.iter(&self.old.dfg.value_lists);
        ValueList::from_iter(items, &mut self.new.dfg.value_lists)
    }

    fn block_call(&mut self, call: BlockCall) -> Option<BlockCall> {
        let pool = &self.old.dfg.value_lists;
        let block = self.blocks[call.block(pool)].expand()?;
        let args = call.args(pool);
        Some(BlockCall::new(block, args, &mut self.new.dfg.value_lists))
    }

    fn signature(&mut self, sig_ref: SigRef) -> Option<SigRef> {
        let signature = self.old.dfg.signatures.get(sig_ref)?;
        let same = {
            let mut known = self.new.dfg.signatures.iter();
            known.find(|(_, known)| *known == signature)
        };
        if let Some((known, _)) = same {
            return Some(known);
        }
        Some(self.new.dfg.signatures.push(signature.clone()))
    }

    fn func_ref(&mut self, func_ref: FuncRef) -> Option<FuncRef> {
        if let Some(copied) = self.func_refs[func_ref].expand() {
            return Some(copied);
        }
        let mut data = self.old.dfg.ext_funcs.get(func_ref)?.clone();
        data.signature = self.signature(data.signature)?;
        let copied = self.new.dfg.ext_funcs.push(data);
        self.func_refs[func_ref] = copied.into();
        Some(copied)
    }

    /// The copy of a global value and of those that it is computed from. `depth` tells how many are computed from it, to
    /// notice cycles.
    fn global_value(&mut self, global_value: GlobalValue, depth: usize) -> Option<GlobalValue> {
        if let Some(copied) = self.global_values[global_value].expand() {
            return Some(copied);
        }
        if depth > self.old.global_values.len() {
            return None;
        }
        let mut data = self.old.global_values.get(global_value)?.clone();
        if let GlobalValueData::Load { base, .. } | GlobalValueData::IAddImm { base, .. } =
            &mut data
        {
            *base = self.global_value(*base, depth + 1)?;
        }
        let copied = self.new.global_values.push(data);
        self.global_values[global_value] = copied.into();
        Some(copied)
    }
}
