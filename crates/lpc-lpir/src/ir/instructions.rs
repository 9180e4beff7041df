//! Instructions: an opcode with its operands.
//!
//! [`InstructionData`] has a variant per [`InstructionFormat`](super::InstructionFormat), so that all instructions whose
//! operands are of the same kinds are handled by the same code. It takes sixteen bytes; lists of variable length live in
//! the pool of their function.

use super::condcodes::{AtomicRmwOp, IntCC};
use super::entities::{Block, FuncRef, GlobalValue, JumpTable, SigRef, StackSlot, Value};
use super::immediates::{Imm64, Offset32};
use super::jumptable::JumpTableData;
use super::memflags::MemFlags;
use super::opcodes::{InstructionFormat, Opcode, Properties};
use super::trapcode::TrapCode;
use crate::entity::{EntityList, ListPool, PrimaryMap};

/// A list of values, stored in the function's pool.
pub type ValueList = EntityList<Value>;

/// The storage of the value lists of a function.
pub type ValueListPool = ListPool<Value>;

/// A block that is branched to, with the arguments for its parameters: `block1(v0, v1)`.
///
/// Stored as one list whose first element is the number of the block.
#[derive(Clone, Copy, Debug)]
pub struct BlockCall {
    block_and_args: ValueList,
}

impl BlockCall {
    /// A branch to `block` with `args`.
    pub fn new(
        block: Block,
        args: impl IntoIterator<Item = Value>,
        pool: &mut ValueListPool,
    ) -> Self {
        let mut block_and_args = ValueList::new();
        block_and_args.push(Value::from_u32(block.as_u32()), pool);
        for arg in args {
            block_and_args.push(arg, pool);
        }
        Self { block_and_args }
    }

    /// The block.
    #[inline]
    pub fn block(self, pool: &ValueListPool) -> Block {
        let first = self.block_and_args.first(pool);
        Block::from_u32(first.expect("a block call starts with its block").as_u32())
    }

    /// Branches to `block` instead.
    pub fn set_block(&mut self, block: Block, pool: &mut ValueListPool) {
        self.block_and_args
            .set(0, Value::from_u32(block.as_u32()), pool);
    }

    /// The arguments.
    #[inline]
    pub fn args(
        self,
        pool: &ValueListPool,
    ) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator + Clone + use<'_> {
        self.block_and_args.iter(pool).skip(1)
    }

    /// The number of arguments.
    #[inline]
    pub fn num_args(self, pool: &ValueListPool) -> usize {
        self.block_and_args.len(pool) - 1
    }

    /// Adds an argument behind the others.
    pub fn append_arg(&mut self, arg: Value, pool: &mut ValueListPool) {
        self.block_and_args.push(arg, pool);
    }

    /// Replaces the argument at `index`.
    pub fn set_arg(&mut self, index: usize, arg: Value, pool: &mut ValueListPool) {
        self.block_and_args.set(index + 1, arg, pool);
    }

    /// Removes the argument at `index`.
    pub fn remove_arg(&mut self, index: usize, pool: &mut ValueListPool) {
        self.block_and_args.remove(index + 1, pool);
    }

    /// A branch of its own with the same block and arguments.
    pub fn deep_clone(self, pool: &mut ValueListPool) -> Self {
        Self {
            block_and_args: self.block_and_args.deep_clone(pool),
        }
    }
}

/// An opcode with its operands.
#[derive(Clone, Copy, Debug)]
#[expect(
    missing_docs,
    reason = "the operands are named as the formats have them"
)]
pub enum InstructionData {
    NullAry {
        opcode: Opcode,
    },
    Unary {
        opcode: Opcode,
        arg: Value,
    },
    UnaryImm {
        opcode: Opcode,
        imm: Imm64,
    },
    UnaryGlobalValue {
        opcode: Opcode,
        global_value: GlobalValue,
    },
    Binary {
        opcode: Opcode,
        args: [Value; 2],
    },
    Ternary {
        opcode: Opcode,
        args: [Value; 3],
    },
    MultiAry {
        opcode: Opcode,
        args: ValueList,
    },
    IntCompare {
        opcode: Opcode,
        cond: IntCC,
        args: [Value; 2],
    },
    Jump {
        opcode: Opcode,
        destination: BlockCall,
    },
    /// The branch that is taken when `arg` is not zero comes first.
    Brif {
        opcode: Opcode,
        arg: Value,
        blocks: [BlockCall; 2],
    },
    BranchTable {
        opcode: Opcode,
        arg: Value,
        table: JumpTable,
    },
    Call {
        opcode: Opcode,
        func_ref: FuncRef,
        args: ValueList,
    },
    /// The address of the function comes first in `args`.
    CallIndirect {
        opcode: Opcode,
        sig_ref: SigRef,
        args: ValueList,
    },
    FuncAddr {
        opcode: Opcode,
        func_ref: FuncRef,
    },
    StackAddr {
        opcode: Opcode,
        stack_slot: StackSlot,
        offset: Offset32,
    },
    Load {
        opcode: Opcode,
        flags: MemFlags,
        arg: Value,
        offset: Offset32,
    },
    LoadNoOffset {
        opcode: Opcode,
        flags: MemFlags,
        arg: Value,
    },
    /// The value to store comes first in `args`, then the address.
    Store {
        opcode: Opcode,
        flags: MemFlags,
        args: [Value; 2],
        offset: Offset32,
    },
    /// The value to store comes first in `args`, then the address.
    StoreNoOffset {
        opcode: Opcode,
        flags: MemFlags,
        args: [Value; 2],
    },
    /// The address comes first in `args`, then the operand.
    AtomicRmw {
        opcode: Opcode,
        op: AtomicRmwOp,
        flags: MemFlags,
        args: [Value; 2],
    },
    /// The address comes first in `args`, then the expected value, then the new one.
    AtomicCas {
        opcode: Opcode,
        flags: MemFlags,
        args: [Value; 3],
    },
    Trap {
        opcode: Opcode,
        code: TrapCode,
    },
    CondTrap {
        opcode: Opcode,
        arg: Value,
        code: TrapCode,
    },
    IntAddTrap {
        opcode: Opcode,
        args: [Value; 2],
        code: TrapCode,
    },
}

/// The reference to the opcode in a reference to [`InstructionData`].
macro_rules! opcode_of {
    ($data:expr) => {{
        use InstructionData::*;
        match $data {
            NullAry { opcode }
            | Unary { opcode, .. }
            | UnaryImm { opcode, .. }
            | UnaryGlobalValue { opcode, .. }
            | Binary { opcode, .. }
            | Ternary { opcode, .. }
            | MultiAry { opcode, .. }
            | IntCompare { opcode, .. }
            | Jump { opcode, .. }
            | Brif { opcode, .. }
            | BranchTable { opcode, .. }
            | Call { opcode, .. }
            | CallIndirect { opcode, .. }
            | FuncAddr { opcode, .. }
            | StackAddr { opcode, .. }
            | Load { opcode, .. }
            | LoadNoOffset { opcode, .. }
            | Store { opcode, .. }
            | StoreNoOffset { opcode, .. }
            | AtomicRmw { opcode, .. }
            | AtomicCas { opcode, .. }
            | Trap { opcode, .. }
            | CondTrap { opcode, .. }
            | IntAddTrap { opcode, .. } => opcode,
        }
    }};
}

impl InstructionData {
    /// The opcode.
    #[inline]
    pub fn opcode(&self) -> Opcode {
        *opcode_of!(self)
    }

    /// The opcode, to be replaced by one of the same format.
    pub fn opcode_mut(&mut self) -> &mut Opcode {
        opcode_of!(self)
    }

    /// The format whose operands these are. That of the opcode, unless the instruction is wrong.
    pub fn format(&self) -> InstructionFormat {
        macro_rules! same_name {
            ($($format:ident)*) => {
                match self {
                    $(Self::$format { .. } => InstructionFormat::$format,)*
                }
            };
        }
        same_name! {
            NullAry Unary UnaryImm UnaryGlobalValue Binary Ternary MultiAry IntCompare Jump Brif BranchTable Call CallIndirect
            FuncAddr StackAddr Load LoadNoOffset Store StoreNoOffset AtomicRmw AtomicCas Trap CondTrap IntAddTrap
        }
    }

    /// The value operands in the order in which they are written, without branch arguments.
    #[inline]
    pub fn arguments<'a>(
        &'a self,
        pool: &'a ValueListPool,
    ) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator + Clone + use<'a> {
        let fixed = self.fixed_arguments();
        let list = self.argument_list();
        Arguments {
            fixed,
            list: list.iter(pool),
        }
    }

    /// The value operands that stand in the instruction itself.
    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(not(target_os = "none"), inline)]
    pub fn fixed_arguments(&self) -> &[Value] {
        use InstructionData::*;
        match self {
            Unary { arg, .. }
            | Brif { arg, .. }
            | BranchTable { arg, .. }
            | Load { arg, .. }
            | LoadNoOffset { arg, .. }
            | CondTrap { arg, .. } => core::slice::from_ref(arg),
            Binary { args, .. }
            | IntCompare { args, .. }
            | Store { args, .. }
            | StoreNoOffset { args, .. }
            | AtomicRmw { args, .. }
            | IntAddTrap { args, .. } => args,
            Ternary { args, .. } | AtomicCas { args, .. } => args,
            _ => &[],
        }
    }

    fn fixed_arguments_mut(&mut self) -> &mut [Value] {
        use InstructionData::*;
        match self {
            Unary { arg, .. }
            | Brif { arg, .. }
            | BranchTable { arg, .. }
            | Load { arg, .. }
            | LoadNoOffset { arg, .. }
            | CondTrap { arg, .. } => core::slice::from_mut(arg),
            Binary { args, .. }
            | IntCompare { args, .. }
            | Store { args, .. }
            | StoreNoOffset { args, .. }
            | AtomicRmw { args, .. }
            | IntAddTrap { args, .. } => args,
            Ternary { args, .. } | AtomicCas { args, .. } => args,
            _ => &mut [],
        }
    }

    #[inline]
    fn argument_list(&self) -> ValueList {
        use InstructionData::*;
        match *self {
            MultiAry { args, .. } | Call { args, .. } | CallIndirect { args, .. } => args,
            _ => ValueList::new(),
        }
    }

    /// Replaces every value operand, branch arguments included, by what `map` gives for it.
    pub fn map_values(
        &mut self,
        pool: &mut ValueListPool,
        jump_tables: &mut PrimaryMap<JumpTable, JumpTableData>,
        mut map: impl FnMut(Value) -> Value,
    ) {
        for arg in self.fixed_arguments_mut() {
            *arg = map(*arg);
        }
        let mut list = self.argument_list();
        for index in 0..list.len(pool) {
            if let Some(arg) = list.get(index, pool) {
                list.set(index, map(arg), pool);
            }
        }
        for branch in self.branch_destinations_mut(jump_tables) {
            for index in 0..branch.num_args(pool) {
                if let Some(arg) = branch.block_and_args.get(index + 1, pool) {
                    branch.set_arg(index, map(arg), pool);
                }
            }
        }
    }

    /// The branches to other blocks, in the order in which they are written.
    #[inline]
    pub fn branch_destinations<'a>(
        &'a self,
        jump_tables: &'a PrimaryMap<JumpTable, JumpTableData>,
    ) -> &'a [BlockCall] {
        use InstructionData::*;
        match self {
            Jump { destination, .. } => core::slice::from_ref(destination),
            Brif { blocks, .. } => blocks,
            BranchTable { table, .. } => jump_tables
                .get(*table)
                .map_or(&[], JumpTableData::all_branches),
            _ => &[],
        }
    }

    /// The branches to other blocks, mutably.
    pub fn branch_destinations_mut<'a>(
        &'a mut self,
        jump_tables: &'a mut PrimaryMap<JumpTable, JumpTableData>,
    ) -> &'a mut [BlockCall] {
        use InstructionData::*;
        match self {
            Jump { destination, .. } => core::slice::from_mut(destination),
            Brif { blocks, .. } => blocks,
            BranchTable { table, .. } => jump_tables[*table].all_branches_mut(),
            _ => &mut [],
        }
    }

    /// The flags of a memory access.
    #[inline]
    pub fn mem_flags(&self) -> Option<MemFlags> {
        use InstructionData::*;
        match *self {
            Load { flags, .. }
            | LoadNoOffset { flags, .. }
            | Store { flags, .. }
            | StoreNoOffset { flags, .. }
            | AtomicRmw { flags, .. }
            | AtomicCas { flags, .. } => Some(flags),
            _ => None,
        }
    }

    /// Whether the instruction must be executed even when nobody uses its results: because of what its opcode does, or
    /// because it is a load that may trap.
    #[inline]
    pub fn has_side_effects(&self) -> bool {
        let opcode = self.opcode();
        let may_trap = self
            .mem_flags()
            .is_some_and(|flags| flags.trap_code().is_some());
        opcode.has_side_effects() || opcode.has(Properties::LOADS) && may_trap
    }

    /// The trap code that is stated.
    pub fn trap_code(&self) -> Option<TrapCode> {
        use InstructionData::*;
        match *self {
            Trap { code, .. } | CondTrap { code, .. } | IntAddTrap { code, .. } => Some(code),
            _ => None,
        }
    }
}

/// The fixed operands of an instruction, then those of its list.
#[derive(Clone)]
struct Arguments<'a, L> {
    fixed: &'a [Value],
    list: L,
}

impl<L: Iterator<Item = Value>> Iterator for Arguments<'_, L> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        match self.fixed.split_first() {
            Some((&first, rest)) => {
                self.fixed = rest;
                Some(first)
            }
            None => self.list.next(),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (low, high) = self.list.size_hint();
        let fixed = self.fixed.len();
        (low + fixed, high.map(|high| high + fixed))
    }
}

impl<L: DoubleEndedIterator<Item = Value>> DoubleEndedIterator for Arguments<'_, L> {
    fn next_back(&mut self) -> Option<Value> {
        self.list.next_back().or_else(|| {
            let (&last, rest) = self.fixed.split_last()?;
            self.fixed = rest;
            Some(last)
        })
    }
}

impl<L: ExactSizeIterator<Item = Value>> ExactSizeIterator for Arguments<'_, L> {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn values<const N: usize>(numbers: [u32; N]) -> [Value; N] {
        numbers.map(Value::from_u32)
    }

    #[test]
    fn sixteen_bytes() {
        assert_eq!(size_of::<InstructionData>(), 16);
    }

    #[test]
    fn arguments_come_in_written_order_from_both_ends() {
        let mut pool = ValueListPool::new();
        let call = InstructionData::CallIndirect {
            opcode: Opcode::CallIndirect,
            sig_ref: SigRef::from_u32(0),
            args: ValueList::from_slice(&values([9, 1, 2]), &mut pool),
        };
        assert_eq!(call.arguments(&pool).collect::<Vec<_>>(), values([9, 1, 2]));
        assert_eq!(call.arguments(&pool).len(), 3);
        let select = InstructionData::Ternary {
            opcode: Opcode::Select,
            args: values([3, 4, 5]),
        };
        let backward: Vec<_> = select.arguments(&pool).rev().collect();
        assert_eq!(backward, values([5, 4, 3]));
    }

    #[test]
    fn loads_have_the_effect_that_they_may_trap() {
        let load = |flags| InstructionData::Load {
            opcode: Opcode::Load,
            flags,
            arg: Value::from_u32(0),
            offset: Offset32::new(0),
        };
        assert!(load(MemFlags::new()).has_side_effects());
        assert!(!load(MemFlags::trusted()).has_side_effects());
    }

    #[test]
    fn map_values_reaches_branch_arguments() {
        let mut pool = ValueListPool::new();
        let mut jump_tables = PrimaryMap::new();
        let blocks =
            [0, 1].map(|block| BlockCall::new(Block::from_u32(block), values([7, 8]), &mut pool));
        let mut brif = InstructionData::Brif {
            opcode: Opcode::Brif,
            arg: Value::from_u32(7),
            blocks,
        };
        brif.map_values(&mut pool, &mut jump_tables, |value| {
            Value::from_u32(value.as_u32() + 10)
        });
        assert_eq!(brif.arguments(&pool).collect::<Vec<_>>(), values([17]));
        for branch in brif.branch_destinations(&jump_tables) {
            assert_eq!(branch.args(&pool).collect::<Vec<_>>(), values([17, 18]));
        }
        assert_eq!(blocks[1].block(&pool), Block::from_u32(1));
    }
}
