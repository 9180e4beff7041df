//! The data flow graph: instructions, values, and which defines and uses which.

use super::entities::{Block, FuncRef, Inst, JumpTable, SigRef, Value};
use super::extname::ExtFuncData;
use super::instructions::{BlockCall, InstructionData, ValueList, ValueListPool};
use super::jumptable::JumpTableData;
use super::opcodes::ControllingType;
use super::signature::Signature;
use super::types::Type;
use crate::entity::{EntityRef, PrimaryMap, SecondaryMap, SingleOrList};
use crate::heap::{Heap, HeapError};

/// Instructions and values of a function, and what they refer to.
///
/// It knows nothing of order: whether an instruction is part of the function, and where, is up to the
/// [`Layout`](super::Layout).
#[derive(Clone, Debug, Default)]
pub struct DataFlowGraph {
    insts: PrimaryMap<Inst, InstructionData>,
    results: SecondaryMap<Inst, SingleOrList<Value>>,
    block_params: PrimaryMap<Block, ValueList>,
    values: PrimaryMap<Value, ValueData>,
    /// The storage of all value lists.
    pub value_lists: ValueListPool,
    /// The tables of `br_table` instructions.
    pub jump_tables: PrimaryMap<JumpTable, JumpTableData>,
    /// The signatures that calls refer to.
    pub signatures: PrimaryMap<SigRef, Signature>,
    /// The functions that calls refer to.
    pub ext_funcs: PrimaryMap<FuncRef, ExtFuncData>,
}

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueDef {
    /// It is the result of an instruction, with its position among the results.
    Result(Inst, usize),
    /// It is the parameter of a block, with its position among the parameters.
    Param(Block, usize),
}

#[derive(Clone, Copy, Debug)]
enum ValueData {
    Result {
        ty: Type,
        position: u16,
        inst: Inst,
    },
    Param {
        ty: Type,
        position: u16,
        block: Block,
    },
    Alias {
        ty: Type,
        original: Value,
    },
    /// The number is taken and nothing defines the value.
    Undefined,
}

impl DataFlowGraph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.insts.clear();
        self.results.clear();
        self.block_params.clear();
        self.values.clear();
        self.value_lists.clear();
        self.jump_tables.clear();
        self.signatures.clear();
        self.ext_funcs.clear();
    }

    /// Makes room for so many values, instructions and blocks more than there are, so that the tables need not grow.
    ///
    /// # Errors
    /// [`HeapError`] where there is no memory for them.
    pub fn reserve_in(
        &mut self,
        values: usize,
        insts: usize,
        blocks: usize,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        self.values.reserve_in(values, heap)?;
        self.insts.reserve_in(insts, heap)?;
        self.results.resize_in(self.insts.len() + insts, heap)?;
        self.block_params.reserve_in(blocks, heap)
    }

    /// Gives back the memory that the tables have too much.
    pub fn shrink_to_fit(&mut self) {
        self.insts.shrink_to_fit();
        self.results.shrink_to_fit();
        self.block_params.shrink_to_fit();
        self.values.shrink_to_fit();
        self.value_lists.shrink_to_fit();
    }

    /// Makes a block without parameters.
    pub fn make_block(&mut self) -> Block {
        self.block_params.push(ValueList::new())
    }

    /// Makes an instruction without results.
    pub fn make_inst(&mut self, data: InstructionData) -> Inst {
        self.insts.push(data)
    }

    /// The number of blocks that were made.
    pub fn num_blocks(&self) -> usize {
        self.block_params.len()
    }

    /// The number of instructions that were made.
    #[inline]
    pub fn num_insts(&self) -> usize {
        self.insts.len()
    }

    /// The number of values that were made, aliases and undefined ones included.
    #[inline]
    pub fn num_values(&self) -> usize {
        self.values.len()
    }

    /// Whether `block` was made in this graph.
    pub fn block_is_valid(&self, block: Block) -> bool {
        self.block_params.is_valid(block)
    }

    /// Whether `inst` was made in this graph.
    pub fn inst_is_valid(&self, inst: Inst) -> bool {
        self.insts.is_valid(inst)
    }

    /// Whether `value` was made in this graph.
    pub fn value_is_valid(&self, value: Value) -> bool {
        self.values.is_valid(value)
    }

    /// All values that are defined, aliases included.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = Value> + '_ {
        self.values
            .keys()
            .filter(|&value| self.value_is_defined(value))
    }

    /// Makes a value that nothing defines, so that it can be used before its definition is known.
    ///
    /// [`Self::define_result`], [`Self::define_block_param`] or [`Self::change_to_alias`] give it a meaning later.
    pub fn reserve_value(&mut self) -> Value {
        self.values.push(ValueData::Undefined)
    }

    /// Whether `value` is a result, a block parameter or an alias.
    pub fn value_is_defined(&self, value: Value) -> bool {
        !matches!(self.values[value], ValueData::Undefined)
    }

    /// The opcode and operands of `inst`.
    #[inline]
    pub fn inst(&self, inst: Inst) -> &InstructionData {
        &self.insts[inst]
    }

    /// The opcode and operands of `inst`, mutably.
    pub fn inst_mut(&mut self, inst: Inst) -> &mut InstructionData {
        &mut self.insts[inst]
    }

    /// The value operands of `inst` as they are written: aliases not resolved, branch arguments left out.
    #[inline]
    pub fn inst_args(
        &self,
        inst: Inst,
    ) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator + Clone + '_ {
        self.insts[inst].arguments(&self.value_lists)
    }

    /// All values that `inst` uses as they are written, branch arguments included.
    pub fn inst_values(&self, inst: Inst) -> impl Iterator<Item = Value> + '_ {
        let branches = self.branch_destinations(inst).iter();
        self.inst_args(inst)
            .chain(branches.flat_map(|branch| branch.args(&self.value_lists)))
    }

    /// The branches of `inst`, in the order in which they are written.
    #[inline]
    pub fn branch_destinations(&self, inst: Inst) -> &[BlockCall] {
        self.insts[inst].branch_destinations(&self.jump_tables)
    }

    /// The branches of `inst` and the storage of their arguments, mutably.
    pub fn branch_destinations_mut(
        &mut self,
        inst: Inst,
    ) -> (&mut [BlockCall], &mut ValueListPool) {
        let branches = self.insts[inst].branch_destinations_mut(&mut self.jump_tables);
        (branches, &mut self.value_lists)
    }

    /// Replaces every value operand of `inst`, branch arguments included, by what `map` gives for it.
    pub fn map_inst_values(&mut self, inst: Inst, map: impl FnMut(Value) -> Value) {
        self.insts[inst].map_values(&mut self.value_lists, &mut self.jump_tables, map);
    }

    /// The results of `inst`.
    #[inline]
    pub fn inst_results(
        &self,
        inst: Inst,
    ) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator + Clone + '_ {
        self.results[inst].iter(&self.value_lists)
    }

    /// The first result of `inst`.
    ///
    /// # Panics
    /// When it has none.
    #[inline]
    pub fn first_result(&self, inst: Inst) -> Value {
        let first = self.results[inst].first(&self.value_lists);
        first.expect("the instruction has a result")
    }

    /// Whether `inst` has results.
    pub fn has_results(&self, inst: Inst) -> bool {
        !self.results[inst].is_empty()
    }

    /// Gives `inst` one more result, of type `ty`.
    pub fn append_result(&mut self, inst: Inst, ty: Type) -> Value {
        let value = self.reserve_value();
        self.define_result(inst, value, ty);
        value
    }

    /// Makes the reserved `value` one more result of `inst`, of type `ty`.
    pub fn define_result(&mut self, inst: Inst, value: Value, ty: Type) {
        let position = self.results[inst].len(&self.value_lists) as u16;
        self.values[value] = ValueData::Result { ty, position, inst };
        self.results[inst].push(value, &mut self.value_lists);
    }

    /// Gives `inst` the results that its opcode, its controlling type and, for a call, its signature require.
    ///
    /// Nothing is added where they cannot be told: when the opcode has no such controlling type, or a call refers to a
    /// function or signature that is not declared.
    pub fn make_inst_results(&mut self, inst: Inst, controlling: Option<Type>) {
        let mut index = 0;
        while let Some(ty) = self.required_result_type(inst, index, controlling) {
            self.append_result(inst, ty);
            index += 1;
        }
    }

    /// The type of the result number `index` that the opcode of `inst`, its controlling type and, for a call, its signature
    /// require, or `None` when it has fewer results or the type cannot be told.
    pub fn required_result_type(
        &self,
        inst: Inst,
        index: usize,
        controlling: Option<Type>,
    ) -> Option<Type> {
        let opcode = self.insts[inst].opcode();
        if opcode.is_call() {
            if opcode.is_terminator() {
                return None;
            }
            let signature = self.signatures.get(self.call_signature(inst)?)?;
            return signature.returns.get(index).map(|result| result.value_type);
        }
        opcode.result(index)?.resolve(controlling)
    }

    /// The signature that `inst` calls, when it is a call of a declared function or through a signature.
    pub fn call_signature(&self, inst: Inst) -> Option<SigRef> {
        match self.insts[inst] {
            InstructionData::Call { func_ref, .. } => {
                self.ext_funcs.get(func_ref).map(|data| data.signature)
            }
            InstructionData::CallIndirect { sig_ref, .. } => Some(sig_ref),
            _ => None,
        }
    }

    /// The controlling type of `inst`: the one that its type suffix states.
    pub fn controlling_type(&self, inst: Inst) -> Option<Type> {
        match self.insts[inst].opcode().controlling_type() {
            ControllingType::Untyped => None,
            ControllingType::Operand(index, _) => {
                let operand = self.inst_args(inst).nth(usize::from(index))?;
                Some(self.value_type(operand))
            }
            ControllingType::Explicit(_) => {
                let first = self.results[inst].first(&self.value_lists)?;
                Some(self.value_type(first))
            }
        }
    }

    /// The parameters of `block`.
    #[inline]
    pub fn block_params(
        &self,
        block: Block,
    ) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator + Clone + '_ {
        self.block_params[block].iter(&self.value_lists)
    }

    /// The number of parameters of `block`.
    #[inline]
    pub fn num_block_params(&self, block: Block) -> usize {
        self.block_params[block].len(&self.value_lists)
    }

    /// Gives `block` one more parameter, of type `ty`.
    ///
    /// # Panics
    /// When it has [`Self::MAX_BLOCK_PARAMS`] already.
    pub fn append_block_param(&mut self, block: Block, ty: Type) -> Value {
        let value = self.reserve_value();
        self.define_block_param(block, value, ty);
        value
    }

    /// The most parameters of a block.
    pub const MAX_BLOCK_PARAMS: usize = u16::MAX as usize;

    /// Makes the reserved `value` one more parameter of `block`, of type `ty`.
    ///
    /// # Panics
    /// When it has [`Self::MAX_BLOCK_PARAMS`] already.
    pub fn define_block_param(&mut self, block: Block, value: Value, ty: Type) {
        let position = self.num_block_params(block);
        assert!(
            position < Self::MAX_BLOCK_PARAMS,
            "{block} has more than {} parameters",
            Self::MAX_BLOCK_PARAMS
        );
        let position = position as u16;
        self.values[value] = ValueData::Param {
            ty,
            position,
            block,
        };
        self.block_params[block].push(value, &mut self.value_lists);
    }

    /// Takes the parameter `param` from its block; those behind it move up. The arguments of branches are not touched, and
    /// `param` must get a new meaning through [`Self::change_to_alias`] if it is still used.
    ///
    /// # Panics
    /// When `param` is not the parameter of a block.
    pub fn remove_block_param(&mut self, param: Value) {
        let ValueData::Param {
            block, position, ..
        } = self.values[param]
        else {
            panic!("{param} is not a block parameter");
        };
        let mut params = self.block_params[block];
        params.remove(usize::from(position), &mut self.value_lists);
        for index in usize::from(position)..params.len(&self.value_lists) {
            if let Some(moved) = params.get(index, &self.value_lists)
                && let ValueData::Param { position, .. } = &mut self.values[moved]
            {
                *position = index as u16;
            }
        }
        self.block_params[block] = params;
    }

    /// The type of `value`.
    ///
    /// # Panics
    /// When it is not defined.
    #[inline]
    pub fn value_type(&self, value: Value) -> Type {
        match self.values[value] {
            ValueData::Result { ty, .. }
            | ValueData::Param { ty, .. }
            | ValueData::Alias { ty, .. } => ty,
            ValueData::Undefined => not_defined(value),
        }
    }

    /// Gives `value` another type, and nothing else. It is up to the caller that its definition and its uses permit that.
    ///
    /// # Panics
    /// When it is not defined.
    pub fn set_value_type(&mut self, value: Value, new: Type) {
        match &mut self.values[value] {
            ValueData::Result { ty, .. }
            | ValueData::Param { ty, .. }
            | ValueData::Alias { ty, .. } => *ty = new,
            ValueData::Undefined => not_defined(value),
        }
    }

    /// Where `value` comes from, aliases resolved.
    ///
    /// # Panics
    /// When it is not defined, or an alias in a cycle of aliases, which the reader and the verifier refuse.
    pub fn value_def(&self, value: Value) -> ValueDef {
        match self.values[self.resolve_aliases(value)] {
            ValueData::Result { position, inst, .. } => ValueDef::Result(inst, position.into()),
            ValueData::Param {
                position, block, ..
            } => ValueDef::Param(block, position.into()),
            ValueData::Alias { .. } => unreachable!("aliases are resolved"),
            ValueData::Undefined => not_defined(value),
        }
    }

    /// The instruction that defines `value`, if one does, aliases resolved.
    ///
    /// # Panics
    /// As [`Self::value_def`].
    #[cfg_attr(not(target_os = "none"), inline)]
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn value_inst(&self, value: Value) -> Option<Inst> {
        match self.values[value] {
            ValueData::Result { inst, .. } => Some(inst),
            ValueData::Param { .. } => None,
            _ => self.inst_of_alias(value),
        }
    }

    /// The value that `value` stands for, and the instruction that defines it, if one does, as [`Self::resolve_aliases`] and
    /// [`Self::value_inst`] give them.
    ///
    /// # Panics
    /// As [`Self::value_def`].
    #[inline]
    pub fn original_and_inst(&self, value: Value) -> (Value, Option<Inst>) {
        let original = self.resolve_aliases(value);
        (original, self.value_inst(original))
    }

    #[cold]
    fn inst_of_alias(&self, value: Value) -> Option<Inst> {
        match self.value_def(value) {
            ValueDef::Result(inst, _) => Some(inst),
            ValueDef::Param(..) => None,
        }
    }

    /// The value that `value` is another name of, if it is an alias.
    pub fn alias_target(&self, value: Value) -> Option<Value> {
        match self.values[value] {
            ValueData::Alias { original, .. } => Some(original),
            _ => None,
        }
    }

    /// The value that `value` stands for: itself, or the end of its chain of aliases.
    ///
    /// # Panics
    /// When the aliases form a cycle, which the reader and the verifier refuse.
    #[inline]
    pub fn resolve_aliases(&self, value: Value) -> Value {
        match self.values[value] {
            ValueData::Alias { original, .. } => self
                .try_resolve_aliases(original)
                .expect("aliases do not form a cycle"),
            _ => value,
        }
    }

    /// As [`Self::resolve_aliases`], with `None` for a cycle.
    pub fn try_resolve_aliases(&self, value: Value) -> Option<Value> {
        let mut current = value;
        for _ in 0..=self.values.len() {
            match self.values[current] {
                ValueData::Alias { original, .. } => current = original,
                _ => return Some(current),
            }
        }
        None
    }

    /// Makes `value` another name of `original`. Whatever it was before is forgotten.
    pub fn change_to_alias(&mut self, value: Value, original: Value) {
        let ty = self.value_type(original);
        self.values[value] = ValueData::Alias { ty, original };
    }

    /// Makes a new name of `original`.
    pub fn make_alias(&mut self, original: Value) -> Value {
        let ty = self.value_type(original);
        self.values.push(ValueData::Alias { ty, original })
    }

    /// The number that the next value will have.
    pub fn next_value(&self) -> Value {
        Value::new(self.values.len())
    }
}

#[cold]
fn not_defined(value: Value) -> ! {
    panic!("{value} is not defined")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Imm64, Opcode};
    use alloc::vec::Vec;

    fn iconst(dfg: &mut DataFlowGraph, number: i64) -> Value {
        let inst = dfg.make_inst(InstructionData::UnaryImm {
            opcode: Opcode::Iconst,
            imm: Imm64::new(number),
        });
        dfg.make_inst_results(inst, Some(Type::I32));
        dfg.first_result(inst)
    }

    #[test]
    #[should_panic(expected = "block0 has more than 65535 parameters")]
    fn too_many_block_parameters() {
        let mut dfg = DataFlowGraph::new();
        let block = dfg.make_block();
        for _ in 0..=DataFlowGraph::MAX_BLOCK_PARAMS {
            dfg.append_block_param(block, Type::I32);
        }
    }

    #[test]
    fn results_and_their_definitions() {
        let mut dfg = DataFlowGraph::new();
        let a = iconst(&mut dfg, 1);
        let inst = dfg.make_inst(InstructionData::Binary {
            opcode: Opcode::UaddOverflow,
            args: [a, a],
        });
        dfg.make_inst_results(inst, Some(Type::I32));
        let results: Vec<_> = dfg.inst_results(inst).collect();
        let types: Vec<_> = results.iter().map(|&v| dfg.value_type(v)).collect();
        assert_eq!(types, [Type::I32, Type::I8]);
        assert_eq!(dfg.value_def(results[1]), ValueDef::Result(inst, 1));
        assert_eq!(dfg.controlling_type(inst), Some(Type::I32));
    }

    #[test]
    fn a_reserved_value_can_be_used_before_it_is_defined() {
        let mut dfg = DataFlowGraph::new();
        let later = dfg.reserve_value();
        let user = dfg.make_inst(InstructionData::Unary {
            opcode: Opcode::Ineg,
            arg: later,
        });
        assert!(!dfg.value_is_defined(later));
        assert_eq!(dfg.values().count(), 0);
        let block = dfg.make_block();
        dfg.define_block_param(block, later, Type::I16);
        assert_eq!(dfg.value_def(later), ValueDef::Param(block, 0));
        assert_eq!(dfg.controlling_type(user), Some(Type::I16));
        assert_eq!(dfg.values().collect::<Vec<_>>(), [later]);
    }

    #[test]
    fn removing_a_block_parameter_moves_the_others_up() {
        let mut dfg = DataFlowGraph::new();
        let block = dfg.make_block();
        let params = [Type::I32, Type::I8, Type::I64].map(|ty| dfg.append_block_param(block, ty));
        dfg.remove_block_param(params[0]);
        let left: Vec<_> = dfg.block_params(block).collect();
        assert_eq!(left, params[1..]);
        assert_eq!(dfg.value_def(params[2]), ValueDef::Param(block, 1));
    }

    #[test]
    fn aliases_resolve_through_chains_and_cycles_are_noticed() {
        let mut dfg = DataFlowGraph::new();
        let a = iconst(&mut dfg, 1);
        let b = dfg.make_alias(a);
        let c = dfg.make_alias(b);
        assert_eq!(dfg.resolve_aliases(c), a);
        assert_eq!(dfg.value_def(c), dfg.value_def(a));
        dfg.change_to_alias(a, c);
        assert_eq!(dfg.try_resolve_aliases(b), None);
    }

    #[test]
    fn values_are_eight_or_twelve_bytes() {
        assert!(size_of::<ValueData>() <= 12);
    }
}
