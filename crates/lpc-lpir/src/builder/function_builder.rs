//! Builds a function block by block, with variables instead of block parameters.
//!
//! A block goes through these states:
//!
//! ```text
//!  create_block ─► empty ── switch_to_block, ins() ─► partial ── a terminator ─► filled
//! ```
//!
//! Independently of that, [`FunctionBuilder::seal_block`] promises that no further branch to the block follows. The earlier a
//! block is sealed the less work there is; the header of a loop can be sealed once its last back edge is there.

use super::cursor::{CursorPosition, FuncCursor};
use super::ins::{InstBuilder, InstInserter};
use super::ssa::{Fill, SsaBuilder, Variable};
use crate::entity::PackedOption;
use crate::heap::ROOM;
use crate::ir::{
    Block, DataFlowGraph, ExtFuncData, FuncRef, Function, GlobalValue, GlobalValueData, Inst,
    InstructionData, JumpTable, JumpTableData, SigRef, Signature, SourceLoc, StackSlot,
    StackSlotData, Type, Value,
};
use alloc::vec::Vec;

/// The memory that a [`FunctionBuilder`] works with. Reuse it from function to function to save allocations.
#[derive(Clone, Debug)]
pub struct FunctionBuilderContext {
    ssa: SsaBuilder,
}

impl FunctionBuilderContext {
    /// Memory for the first function.
    pub fn new() -> Self {
        Self {
            ssa: SsaBuilder::new(),
        }
    }

    fn clear(&mut self) {
        self.ssa.clear();
    }
}

impl Default for FunctionBuilderContext {
    fn default() -> Self {
        Self::new()
    }
}

/// Builds a function.
///
/// ```
/// use lpc_lpir::builder::{FunctionBuilder, FunctionBuilderContext};
/// use lpc_lpir::ir::{AbiParam, CallConv, ExternalName, Function, Signature, Type};
///
/// // The sum of the numbers from n down to 1.
/// let mut signature = Signature::new(CallConv::Fast);
/// signature.params.push(AbiParam::new(Type::I32));
/// signature.returns.push(AbiParam::new(Type::I32));
/// let mut func = Function::new(ExternalName::symbol("sum"), signature);
/// let mut context = FunctionBuilderContext::new();
/// let mut builder = FunctionBuilder::new(&mut func, &mut context);
///
/// let [n, sum] = [(); 2].map(|()| builder.declare_var(Type::I32));
/// let [entry, body, exit] = [(); 3].map(|()| builder.create_block());
/// builder.append_block_params_for_function_params(entry);
/// builder.switch_to_block(entry);
/// builder.seal_block(entry);
/// let param = builder.block_params(entry)[0];
/// builder.def_var(n, param);
/// let zero = builder.ins().iconst(Type::I32, 0);
/// builder.def_var(sum, zero);
/// builder.ins().brif(param, body, &[], exit, &[]);
///
/// builder.switch_to_block(body);
/// let (old_n, old_sum) = (builder.use_var(n), builder.use_var(sum));
/// let new_sum = builder.ins().iadd(old_sum, old_n);
/// let one = builder.ins().iconst(Type::I32, 1);
/// let new_n = builder.ins().isub(old_n, one);
/// builder.def_var(sum, new_sum);
/// builder.def_var(n, new_n);
/// builder.ins().brif(new_n, body, &[], exit, &[]);
/// builder.seal_block(body);
/// builder.seal_block(exit);
///
/// builder.switch_to_block(exit);
/// let result = builder.use_var(sum);
/// builder.ins().return_(&[result]);
/// builder.finalize();
///
/// // The loop got a parameter for each variable, and the exit one for the sum.
/// assert_eq!(func.dfg.num_block_params(body), 2);
/// assert_eq!(func.dfg.num_block_params(exit), 1);
/// ```
pub struct FunctionBuilder<'a> {
    /// The function that is being built.
    pub func: &'a mut Function,
    context: &'a mut FunctionBuilderContext,
    srcloc: SourceLoc,
    current: PackedOption<Block>,
}

/// Blocks.
impl<'a> FunctionBuilder<'a> {
    /// Starts to build `func`, which has no blocks yet.
    pub fn new(func: &'a mut Function, context: &'a mut FunctionBuilderContext) -> Self {
        context.clear();
        Self {
            func,
            context,
            srcloc: SourceLoc::default(),
            current: PackedOption::NONE,
        }
    }

    /// Makes a block. It becomes part of the function when its first instruction is inserted.
    pub fn create_block(&mut self) -> Block {
        self.func.dfg.make_block()
    }

    /// Marks `block` as seldom executed.
    pub fn set_cold_block(&mut self, block: Block) {
        self.func.layout.set_cold(block);
    }

    /// Puts `block` behind `after` instead of behind all others.
    ///
    /// # Panics
    /// When it is already part of the function, or `after` is not.
    pub fn insert_block_after(&mut self, block: Block, after: Block) {
        self.func.layout.insert_block_after(block, after);
    }

    /// The block that is being filled.
    pub fn current_block(&self) -> Option<Block> {
        self.current.expand()
    }

    /// From now on, instructions go to the end of `block`.
    ///
    /// # Panics
    /// When the current block has instructions and no terminator, or `block` already has one.
    pub fn switch_to_block(&mut self, block: Block) {
        if let Some(current) = self.current_block() {
            assert!(
                self.context.ssa.fill(current) != Fill::Partial,
                "{current} has no terminator yet"
            );
        }
        assert!(
            self.context.ssa.fill(block) != Fill::Filled,
            "{block} already has a terminator"
        );
        self.current = block.into();
    }

    /// Declares that all branches to `block` have been inserted.
    ///
    /// # Panics
    /// When it was declared before.
    pub fn seal_block(&mut self, block: Block) {
        assert!(
            !self.context.ssa.is_sealed(block),
            "{block} is already sealed"
        );
        self.context.ssa.seal_block(block, self.func);
    }

    /// Seals all blocks that are not sealed yet.
    pub fn seal_all_blocks(&mut self) {
        for number in 0..self.func.dfg.num_blocks() as u32 {
            let block = Block::from_u32(number);
            if !self.context.ssa.is_sealed(block) {
                self.context.ssa.seal_block(block, self.func);
            }
        }
    }

    /// Whether the current block has a terminator, so that nothing can be inserted.
    pub fn is_filled(&self) -> bool {
        self.current_block()
            .is_some_and(|block| self.context.ssa.fill(block) == Fill::Filled)
    }

    /// Whether it is known that the current block cannot be reached: it is sealed, is not the entry block, and nothing branches
    /// to it.
    pub fn is_unreachable(&self) -> bool {
        self.current_block().is_some_and(|block| {
            let is_entry = self.func.entry_block().is_none_or(|entry| entry == block);
            !is_entry
                && self.context.ssa.is_sealed(block)
                && !self.context.ssa.has_predecessors(block)
        })
    }

    /// Gives `block` one more parameter, of type `ty`. Branches to it must have an argument for it.
    ///
    /// # Panics
    /// When the block already has a parameter for a variable: those come last.
    pub fn append_block_param(&mut self, block: Block, ty: Type) -> Value {
        assert!(
            !self.context.ssa.has_variable_params(block),
            "{block} already has parameters for variables"
        );
        self.func.dfg.append_block_param(block, ty)
    }

    /// Gives `block`, which is to be the entry block, the parameters of the function.
    ///
    /// # Panics
    /// As [`Self::append_block_param`].
    pub fn append_block_params_for_function_params(&mut self, block: Block) {
        for index in 0..self.func.signature.params.len() {
            let ty = self.func.signature.params[index].value_type;
            self.append_block_param(block, ty);
        }
    }

    /// Gives `block` a parameter for each result of the function.
    ///
    /// # Panics
    /// As [`Self::append_block_param`].
    pub fn append_block_params_for_function_returns(&mut self, block: Block) {
        for index in 0..self.func.signature.returns.len() {
            let ty = self.func.signature.returns[index].value_type;
            self.append_block_param(block, ty);
        }
    }

    /// Ends the construction: removes the block parameters that have turned out to be redundant, and gives back the memory that the
    /// tables of the function have too much.
    ///
    /// # Panics
    /// When a block that is part of the function, or that is branched to, has no terminator or is not sealed.
    pub fn finalize(self) {
        for number in 0..self.func.dfg.num_blocks() as u32 {
            let block = Block::from_u32(number);
            let is_part = self.func.layout.is_block_inserted(block)
                || self.context.ssa.has_predecessors(block);
            if is_part {
                let fill = self.context.ssa.fill(block);
                assert!(fill == Fill::Filled, "{block} has no terminator");
                assert!(self.context.ssa.is_sealed(block), "{block} is not sealed");
            }
        }
        self.context.ssa.finish(self.func);
        self.context.clear();
        self.func.shrink_to_fit();
    }
}

/// Variables.
impl FunctionBuilder<'_> {
    /// Makes a variable of type `ty`. It is zero until it is assigned.
    pub fn declare_var(&mut self, ty: Type) -> Variable {
        self.context.ssa.declare_var(ty)
    }

    /// Assigns `value` to `variable`.
    ///
    /// # Panics
    /// When there is no current block, the variable was not declared here, or their types differ.
    pub fn def_var(&mut self, variable: Variable, value: Value) {
        let block = self.expect_current_block();
        let (variable_type, value_type) = (
            self.context.ssa.variable_type(variable),
            self.func.dfg.value_type(value),
        );
        assert!(
            variable_type == value_type,
            "{variable} of type {variable_type} cannot be {value} of type {value_type}"
        );
        self.context.ssa.def_var(variable, block, value);
    }

    /// The value that `variable` has now.
    ///
    /// # Panics
    /// When there is no current block, or the variable was not declared here.
    pub fn use_var(&mut self, variable: Variable) -> Value {
        let block = self.expect_current_block();
        self.context.ssa.use_var(self.func, variable, block)
    }
}

/// Instructions.
impl FunctionBuilder<'_> {
    /// Gives the instructions that are inserted from now on the source location `srcloc`.
    pub fn set_srcloc(&mut self, srcloc: SourceLoc) {
        self.srcloc = srcloc;
    }

    /// The source location of the instructions that are inserted now.
    pub fn srcloc(&self) -> SourceLoc {
        self.srcloc
    }

    /// A builder for an instruction at the end of the current block.
    ///
    /// # Panics
    /// The methods of the builder panic when there is no current block, it already has a terminator, or a branch goes to a
    /// sealed block.
    pub fn ins(&mut self) -> InstBuilder<'_> {
        InstBuilder::new(self)
    }

    /// The parameters of `block`, those of variables as far as they are known.
    pub fn block_params(&self, block: Block) -> Vec<Value> {
        list(self.func.dfg.block_params(block))
    }

    /// The results of `inst`.
    pub fn inst_results(&self, inst: Inst) -> Vec<Value> {
        list(self.func.dfg.inst_results(inst))
    }

    fn expect_current_block(&self) -> Block {
        self.current_block().expect("there is a current block")
    }
}

/// What instructions refer to.
impl FunctionBuilder<'_> {
    /// Declares a signature for indirect calls and imported functions.
    pub fn import_signature(&mut self, signature: Signature) -> SigRef {
        self.func.dfg.signatures.push(signature)
    }

    /// Declares a function that can be called.
    pub fn import_function(&mut self, data: ExtFuncData) -> FuncRef {
        self.func.dfg.ext_funcs.push(data)
    }

    /// Declares a stack slot.
    pub fn create_sized_stack_slot(&mut self, data: StackSlotData) -> StackSlot {
        self.func.stack_slots.push(data)
    }

    /// Declares a global value.
    pub fn create_global_value(&mut self, data: GlobalValueData) -> GlobalValue {
        self.func.global_values.push(data)
    }

    /// Makes the table of a `br_table`. Each table belongs to one instruction.
    ///
    /// ```
    /// use lpc_lpir::builder::{FunctionBuilder, FunctionBuilderContext};
    /// use lpc_lpir::ir::{BlockCall, CallConv, ExternalName, Function, JumpTableData};
    /// use lpc_lpir::ir::{AbiParam, Signature, Type};
    ///
    /// let mut signature = Signature::new(CallConv::Fast);
    /// signature.params.push(AbiParam::new(Type::I32));
    /// let mut func = Function::new(ExternalName::symbol("choose"), signature);
    /// let mut context = FunctionBuilderContext::new();
    /// let mut builder = FunctionBuilder::new(&mut func, &mut context);
    /// let [entry, other, zero, one] = [(); 4].map(|()| builder.create_block());
    /// builder.append_block_params_for_function_params(entry);
    /// builder.switch_to_block(entry);
    /// let index = builder.block_params(entry)[0];
    /// let pool = &mut builder.func.dfg.value_lists;
    /// let [default, first, second] = [other, zero, one].map(|block| BlockCall::new(block, [], pool));
    /// let table = builder.create_jump_table(JumpTableData::new(default, &[first, second]));
    /// builder.ins().br_table(index, table);
    /// for block in [other, zero, one] {
    ///     builder.switch_to_block(block);
    ///     builder.ins().return_(&[]);
    /// }
    /// builder.seal_all_blocks();
    /// builder.finalize();
    /// assert!(func.to_string().contains("br_table v0, block1, [block2, block3]"));
    /// ```
    pub fn create_jump_table(&mut self, data: JumpTableData) -> JumpTable {
        self.func.dfg.jump_tables.push(data)
    }
}

fn list(values: impl ExactSizeIterator<Item = Value>) -> Vec<Value> {
    let mut list = Vec::with_capacity(values.len());
    for value in values {
        assert!(list.len() < list.capacity(), "{ROOM}");
        list.push(value);
    }
    list
}

impl InstInserter for FunctionBuilder<'_> {
    fn data_flow_graph(&self) -> &DataFlowGraph {
        &self.func.dfg
    }

    fn data_flow_graph_mut(&mut self) -> &mut DataFlowGraph {
        &mut self.func.dfg
    }

    fn insert(&mut self, data: InstructionData, controlling: Option<Type>) -> Inst {
        let block = self.expect_current_block();
        assert!(!self.is_filled(), "{block} already has a terminator");
        if !self.func.layout.is_block_inserted(block) {
            self.func.layout.append_block(block);
        }
        let mut cursor = FuncCursor::new(self.func).with_srcloc(self.srcloc);
        cursor.set_position(CursorPosition::After(block));
        let inst = cursor.insert(data, controlling);
        self.context.ssa.declare_branch(inst, &self.func.dfg);
        let fill = match data.opcode().is_terminator() {
            true => Fill::Filled,
            false => Fill::Partial,
        };
        self.context.ssa.set_fill(block, fill);
        inst
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{AbiParam, ExternalName};
    use crate::verifier::verify_function;
    use std::string::ToString;

    fn function() -> (Function, FunctionBuilderContext) {
        let signature = Signature {
            params: [Type::I32, Type::I8].map(AbiParam::new).to_vec(),
            returns: [Type::I64].map(AbiParam::new).to_vec(),
            ..Signature::default()
        };
        let func = Function::new(ExternalName::symbol("f"), signature);
        (func, FunctionBuilderContext::new())
    }

    #[test]
    fn blocks_stand_in_the_order_in_which_they_are_filled() {
        let (mut func, mut context) = function();
        let mut builder = FunctionBuilder::new(&mut func, &mut context);
        let [entry, cold, exit, unused] = [(); 4].map(|()| builder.create_block());
        builder.set_cold_block(cold);
        builder.append_block_params_for_function_params(entry);
        builder.append_block_params_for_function_returns(exit);
        builder.switch_to_block(entry);
        builder.set_srcloc(SourceLoc::new(3));
        let [a, b] = builder.block_params(entry)[..] else {
            panic!("the function has two parameters");
        };
        let wide = builder.ins().uextend(Type::I64, b);
        let brif = builder.ins().brif(a, exit, &[wide], cold, &[]);
        assert!(builder.is_filled() && !builder.is_unreachable());
        builder.switch_to_block(exit);
        let result = builder.block_params(exit)[0];
        builder.ins().return_(&[result]);
        builder.switch_to_block(cold);
        builder.ins().jump(exit, &[wide]);
        builder.seal_all_blocks();
        builder.finalize();
        let order: Vec<_> = func.layout.blocks().collect();
        assert_eq!(order, [entry, exit, cold]);
        assert!(func.layout.is_cold(cold) && !func.layout.is_block_inserted(unused));
        assert_eq!(func.srclocs[brif], SourceLoc::new(3));
        let types: Vec<_> = func
            .dfg
            .block_params(entry)
            .map(|v| func.dfg.value_type(v))
            .collect();
        assert_eq!(types, [Type::I32, Type::I8]);
    }

    #[test]
    fn a_loop_as_text() {
        let (mut func, mut context) = function();
        let mut builder = FunctionBuilder::new(&mut func, &mut context);
        let [count, sum] = [Type::I32, Type::I64].map(|ty| builder.declare_var(ty));
        let [entry, body, exit] = [(); 3].map(|()| builder.create_block());
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let params = builder.block_params(entry);
        builder.def_var(count, params[0]);
        builder.ins().jump(body, &[]);
        builder.switch_to_block(body);
        let [old_sum, step] = [builder.use_var(sum), params[1]];
        let step = builder.ins().uextend(Type::I64, step);
        let new_sum = builder.ins().iadd(old_sum, step);
        builder.def_var(sum, new_sum);
        let old_count = builder.use_var(count);
        let one = builder.ins().iconst(Type::I32, 1);
        let new_count = builder.ins().isub(old_count, one);
        builder.def_var(count, new_count);
        builder.ins().brif(new_count, body, &[], exit, &[]);
        builder.switch_to_block(exit);
        let result = builder.use_var(sum);
        builder.ins().return_(&[result]);
        builder.seal_all_blocks();
        builder.finalize();
        assert_eq!(verify_function(&func), Ok(()));
        assert_eq!(
            func.to_string(),
            "\
function %f(i32, i8) -> i64 fast {
block0(v0: i32, v1: i8):
    v9 = iconst.i64 0
    jump block1(v9, v0)  ; v9 = 0

block1(v2: i64, v5: i32):
    v3 = uextend.i64 v1
    v4 = iadd v2, v3
    v8 -> v4
    v6 = iconst.i32 1
    v7 = isub v5, v6  ; v6 = 1
    brif v7, block1(v4, v7), block2

block2:
    return v8
}
"
        );
    }

    #[test]
    fn parameters_of_variables_come_behind_those_of_the_front_end() {
        let (mut func, mut context) = function();
        let mut builder = FunctionBuilder::new(&mut func, &mut context);
        let [entry, body] = [(); 2].map(|()| builder.create_block());
        let variable = builder.declare_var(Type::I32);
        let own = builder.append_block_param(body, Type::I32);
        builder.switch_to_block(entry);
        builder.seal_block(entry);
        let zero = builder.ins().iconst(Type::I32, 0);
        let one = builder.ins().iconst(Type::I32, 1);
        builder.def_var(variable, one);
        builder.ins().jump(body, &[zero]);
        builder.switch_to_block(body);
        let value = builder.use_var(variable);
        builder.def_var(variable, own);
        let back = builder.ins().jump(body, &[value]);
        builder.seal_block(body);
        builder.finalize();
        let params: Vec<_> = func.dfg.block_params(body).collect();
        assert_eq!(params, [own, value]);
        let args: Vec<_> = func.dfg.inst_values(back).collect();
        assert_eq!(args, [value, own]);
    }

    #[test]
    fn a_context_serves_many_functions_even_after_one_was_given_up() {
        let (mut func, mut context) = function();
        let mut builder = FunctionBuilder::new(&mut func, &mut context);
        let block = builder.create_block();
        builder.switch_to_block(block);
        builder.seal_block(block);
        let variable = builder.declare_var(Type::I8);
        builder.use_var(variable);
        let (mut next, _) = function();
        let mut builder = FunctionBuilder::new(&mut next, &mut context);
        let block = builder.create_block();
        assert_eq!(builder.declare_var(Type::I64), variable);
        builder.switch_to_block(block);
        builder.seal_block(block);
        let value = builder.use_var(variable);
        assert!(!builder.is_unreachable());
        builder.ins().return_(&[value]);
        builder.finalize();
        assert_eq!(next.dfg.value_type(value), Type::I64);
    }

    #[test]
    fn a_sealed_block_that_nothing_branches_to_is_unreachable() {
        let (mut func, mut context) = function();
        let mut builder = FunctionBuilder::new(&mut func, &mut context);
        let [entry, dead] = [(); 2].map(|()| builder.create_block());
        builder.switch_to_block(entry);
        builder.ins().return_(&[]);
        builder.switch_to_block(dead);
        assert!(!builder.is_unreachable());
        builder.seal_block(dead);
        assert!(builder.is_unreachable());
    }

    /// Runs `misuse` with a builder whose current block is `entry`.
    fn with_builder(misuse: impl FnOnce(&mut FunctionBuilder<'_>, Block)) {
        let (mut func, mut context) = function();
        let mut builder = FunctionBuilder::new(&mut func, &mut context);
        let entry = builder.create_block();
        builder.switch_to_block(entry);
        misuse(&mut builder, entry);
        builder.finalize();
    }

    #[test]
    #[should_panic(expected = "block0 has no terminator")]
    fn finalize_refuses_a_block_without_terminator() {
        with_builder(|builder, entry| {
            builder.seal_block(entry);
            builder.ins().nop();
        });
    }

    #[test]
    #[should_panic(expected = "block0 is not sealed")]
    fn finalize_refuses_a_block_that_is_not_sealed() {
        with_builder(|builder, _| {
            builder.ins().return_(&[]);
        });
    }

    #[test]
    #[should_panic(expected = "block1 has no terminator")]
    fn finalize_refuses_a_branch_to_a_block_that_was_never_filled() {
        with_builder(|builder, _| {
            let empty = builder.create_block();
            builder.ins().jump(empty, &[]);
            builder.seal_all_blocks();
        });
    }

    #[test]
    #[should_panic(expected = "block1 is sealed and cannot get another predecessor")]
    fn a_branch_to_a_sealed_block() {
        with_builder(|builder, _| {
            let sealed = builder.create_block();
            builder.seal_block(sealed);
            builder.ins().jump(sealed, &[]);
        });
    }

    #[test]
    #[should_panic(expected = "block0 already has a terminator")]
    fn an_instruction_behind_a_terminator() {
        with_builder(|builder, _| {
            builder.ins().return_(&[]);
            builder.ins().nop();
        });
    }

    #[test]
    #[should_panic(expected = "var0 of type i32 cannot be v0 of type i8")]
    fn an_assignment_of_another_type() {
        with_builder(|builder, _| {
            let variable = builder.declare_var(Type::I32);
            let value = builder.ins().iconst(Type::I8, 0);
            builder.def_var(variable, value);
        });
    }

    #[test]
    #[should_panic(expected = "block0 already has parameters for variables")]
    fn a_parameter_of_the_front_end_behind_one_of_a_variable() {
        with_builder(|builder, entry| {
            let variable = builder.declare_var(Type::I32);
            builder.use_var(variable);
            builder.append_block_param(entry, Type::I32);
        });
    }
}
