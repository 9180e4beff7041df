//! The single-pass allocator: good registers in little time and memory.
//!
//! Three steps, each of which takes time in proportion to the code:
//!
//! 1. [`values`] looks at all instructions once, and finds where each value is defined and read for the last time.
//! 2. [`homes`] gives each value that lives in several blocks or across a call one place for all its life: a register, or a spill slot.
//! 3. [`locals`] goes through each block backward. All other values get registers there from their last use to their definition, and those
//!    in spill slots are loaded where they are needed.
//!
//! ```text
//!  Function ─► loops ─► values ─► homes ─► locals ─► Output
//!                                            └─► parallel moves
//! ```
//!
//! It is right because of four invariants:
//!
//! - Two values whose lives overlap have different homes. The life of a value is taken to reach from its definition to its last use in the order of
//!   the blocks, and to the end of every loop that has a use in it but not the definition, which is at least what it is live.
//! - Where a value is met, it is in its home, in the register that it was given below, or in its spill slot, to which it was stored where it was
//!   defined. So nothing has to be moved on edges but arguments to parameters, all at once.
//! - A value of a block is in the home of another only where the owner does not live. Either that is known of all points in between, or it is an
//!   argument in the home of its parameter: there the owner does not live at the end of the block, as the parameter has its home at the start of the
//!   target, and the walk backward moves the argument off at the first use of the owner that it meets.
//! - The operands of an instruction are in different registers while it reads and writes them, and those that it names hold nothing else.

mod homes;
mod label_places;
mod locals;
mod loops;
mod operand_bits;
mod parallel_moves;
mod registers;
mod values;

use self::homes::{Homes, assign_homes};
use self::label_places::LabelPlaces;
use self::locals::LocalAllocator;
use self::loops::Loops;
use self::registers::RegisterFile;
use self::values::Values;
use super::regalloc::AllocationError;
use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, bytes_of};
use regalloc2::{Allocation, Function, MachineEnv, Output, RegAllocError, VReg};

/// The memory of the allocator, which is kept from one function to the next.
#[derive(Default)]
pub(super) struct SinglePass {
    loops: Loops,
    values: Values,
    /// The values in the order of their definitions, and then those of them that need homes.
    definitions: Vec<VReg>,
    homes: Homes,
    /// Whether values of the last function are in memory for want of registers. Others may be there because that costs less.
    pub(super) lacked_registers: bool,
}

impl SinglePass {
    /// Allocates the registers of `env` to the virtual registers of `func`, all of which are integers, in memory of `heap`.
    ///
    /// Control must be able to get to every block, each but the first must stand behind one of its predecessors, no edge may be critical, and
    /// `func` must be in SSA form. That is not checked.
    ///
    /// # Errors
    /// When an instruction needs more registers than there are, or a register is not defined, or there is no memory.
    pub(super) fn run(
        &mut self,
        func: &impl Function,
        env: &MachineEnv,
        heap: &mut Heap,
    ) -> Result<Output, AllocationError> {
        let others = heap.used() - self.heap_bytes().min(heap.used());
        self.loops.compute(func, heap)?;
        match self.allocate(func, env, true, heap) {
            // What is nobody's home is not enough for some instruction.
            Err(AllocationError::Refused(RegAllocError::TooManyLiveRegs)) => {
                heap.set_used(others + self.heap_bytes());
                self.allocate(func, env, false, heap)
            }
            result => result,
        }
    }

    /// The bytes that are kept.
    pub(super) fn heap_bytes(&self) -> usize {
        self.loops.heap_bytes()
            + self.values.heap_bytes()
            + bytes_of(&self.definitions)
            + self.homes.heap_bytes()
    }

    /// Allocates registers. If not `with_homes`, all of them are used for the values of blocks.
    fn allocate(
        &mut self,
        func: &impl Function,
        env: &MachineEnv,
        with_homes: bool,
        heap: &mut Heap,
    ) -> Result<Output, AllocationError> {
        let mut registers = RegisterFile::new(env);
        self.values.compute(
            func,
            &mut registers,
            &self.loops,
            &mut self.definitions,
            heap,
        )?;
        let in_memory = assign_homes(
            &mut self.values,
            &mut self.definitions,
            &registers,
            with_homes,
            heap,
        )?;
        self.homes
            .compute(&self.values, &self.definitions, func.num_blocks(), heap)?;

        let has_labels = cfg!(feature = "object-info") && !func.debug_value_labels().is_empty();
        let mut places = match has_labels {
            true => Some(LabelPlaces::new(func.num_vregs(), heap)?),
            false => None,
        };
        let num_operands = self.values.num_operands as usize;
        let mut allocs = heap.filled(Allocation::none(), num_operands)?;
        let mut output = Output {
            num_spillslots: in_memory.num_slots,
            ..Output::default()
        };
        let mut locals = LocalAllocator::new(
            func,
            &registers,
            &mut self.values,
            &self.homes,
            &mut output,
            places.as_mut(),
            heap,
        );
        let placed = locals.run(&mut allocs)?;
        // Its lists have been given back.
        drop(locals);
        output.allocs = allocs;
        self.lacked_registers = in_memory.lacks_registers || placed.lacked_registers;
        output.num_spillslots = placed.num_slots;
        output.inst_alloc_offsets = core::mem::take(&mut self.values.operand_offsets);
        if let Some(places) = places {
            output.debug_locations = places.locate(func, &self.values, heap)?;
        }
        Ok(output)
    }
}
