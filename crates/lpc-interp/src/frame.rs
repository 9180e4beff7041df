//! The frame of a function that has been called and has not returned.

use crate::memory::{MEMORY_BASE, Memory};
use alloc::vec::Vec;
use lpc_lpir::entity::SecondaryMap;
use lpc_lpir::ir::{
    Block, BlockCall, DataValue, Function, Inst, StackSlot, StackSlotData, TrapCode, Value,
};

/// The bytes of stack that every call takes, besides its stack slots. So a recursion without end overflows the stack.
pub const FRAME_OVERHEAD: u32 = 16;

/// The byte that fills a stack slot before the function writes to it.
pub const UNINITIALIZED: u8 = 0xa5;

/// A function that has been called and has not returned.
#[derive(Clone, Debug)]
pub(crate) struct Frame<'m> {
    pub(crate) function: &'m Function,
    /// The instruction that is executed, or is to be executed next.
    pub(crate) inst: Inst,
    /// The lowest address of its part of the stack.
    pub(crate) stack_pointer: u32,
    /// The address above its part of the stack.
    pub(crate) frame_pointer: u32,
    /// The values that are defined so far, by the names that aliases stand for.
    values: SecondaryMap<Value, Option<DataValue>>,
    /// The addresses of its stack slots.
    slots: SecondaryMap<StackSlot, u32>,
}

impl<'m> Frame<'m> {
    /// The frame of a call of `function` with `arguments`, below the address `caller_stack_pointer`.
    ///
    /// # Errors
    /// `stk_ovf`, when the stack has no room for its slots.
    pub(crate) fn new(
        function: &'m Function,
        arguments: &[DataValue],
        caller_stack_pointer: u32,
        memory: &mut Memory,
    ) -> Result<Self, TrapCode> {
        let entry = function.entry_block();
        let entry = entry.expect("a verified function has an entry block");
        let mut slots = SecondaryMap::new();
        let stack_pointer = allocate_slots(function, caller_stack_pointer, &mut slots)
            .ok_or(TrapCode::STACK_OVERFLOW)?;
        memory
            .bytes_mut(stack_pointer, caller_stack_pointer - stack_pointer)
            .map_err(|_| TrapCode::STACK_OVERFLOW)?
            .fill(UNINITIALIZED);
        let mut values = SecondaryMap::new();
        values.resize(function.dfg.num_values());
        let mut frame = Self {
            function,
            inst: first_inst(function, entry),
            stack_pointer,
            frame_pointer: caller_stack_pointer,
            values,
            slots,
        };
        frame.define_all(function.dfg.block_params(entry), arguments);
        Ok(frame)
    }

    /// What `value` is.
    pub(crate) fn value(&self, value: Value) -> DataValue {
        let original = self.function.dfg.resolve_aliases(value);
        self.values[original].expect("a verified function defines a value before it uses it")
    }

    /// What all of `values` are.
    pub(crate) fn read_all(&self, values: impl Iterator<Item = Value>) -> Vec<DataValue> {
        values.map(|value| self.value(value)).collect()
    }

    /// Gives `values` their meaning.
    pub(crate) fn define_all(
        &mut self,
        values: impl ExactSizeIterator<Item = Value>,
        data: &[DataValue],
    ) {
        debug_assert_eq!(
            values.len(),
            data.len(),
            "the verifier compares the lengths"
        );
        for (value, &data) in values.zip(data) {
            self.values[value] = Some(data);
        }
    }

    /// The address of `slot`.
    pub(crate) fn slot_address(&self, slot: StackSlot) -> u32 {
        self.slots[slot]
    }

    /// Goes to the next instruction of the block.
    pub(crate) fn advance(&mut self) {
        let next = self.function.layout.next_inst(self.inst);
        self.inst = next.expect("a verified block ends in a terminator");
    }

    /// Goes to the first instruction of the block that is branched to. All arguments are read before a parameter is
    /// written, as a parameter may be an argument for another one.
    pub(crate) fn branch(&mut self, branch: BlockCall) {
        let function = self.function;
        let dfg = &function.dfg;
        let block = branch.block(&dfg.value_lists);
        let arguments = self.read_all(branch.args(&dfg.value_lists));
        self.define_all(dfg.block_params(block), &arguments);
        self.inst = first_inst(function, block);
    }
}

fn first_inst(function: &Function, block: Block) -> Inst {
    let first = function.layout.first_inst(block);
    first.expect("a verified block ends in a terminator")
}

/// Gives every stack slot an address below `top`, and returns the lowest address of the frame, or `None` when it would be
/// below the memory.
fn allocate_slots(
    function: &Function,
    top: u32,
    addresses: &mut SecondaryMap<StackSlot, u32>,
) -> Option<u32> {
    let mut address = top.checked_sub(FRAME_OVERHEAD)?;
    for (slot, &StackSlotData { size, align_shift }) in function.stack_slots.iter() {
        let alignment = 1u32.checked_shl(align_shift.into())?;
        address = address.checked_sub(size)? & !(alignment - 1);
        addresses[slot] = address;
    }
    address &= !(FRAME_OVERHEAD - 1);
    (address >= MEMORY_BASE).then_some(address)
}
