//! Values that the single-pass allocator loads from their spill slots, although they still are in a register.
//!
//! [`Fastalloc`](super::regalloc::RegallocAlgorithm::Fastalloc) goes through a block once, from its end. It stores each value that
//! other blocks read where it is defined, and loads it where a block reads it first, never looking whether it is in a register
//! there:
//!
//! ```text
//!     addi a0, a1, 1                     addi a0, a1, 1
//!   + sw   a0, slot3
//!   + lw   a2, slot3
//!     bne  a2, a3, block4, block5        bne  a0, a3, block4, block5
//!
//!   block4:                            block4:
//!   + lw   a2, slot3
//!   + sw   a2, slot7                   + sw   a0, slot7
//!     jump block1                        jump block1
//! ```
//!
//! This pass goes through the code once, forward, and knows of registers which slot holds the same value. A load of such a slot is
//! left out: its register *stands for* the other one, by which operands that can have any register are replaced. Only where that
//! is not possible, because an operand must be in its register or the other one is about to change, the load becomes a move,
//! which in the second case is left out as well if nobody turns out to read it.
//! Then stores to slots that nobody loads any more are left out, and the other slots are numbered anew.
//!
//! A block with several predecessors could know nothing at its start. The loads that it starts with are therefore made at the
//! end of each predecessor instead, where a register often has the value. So it goes around in a loop in a register:
//!
//! ```text
//!   block1:                            block1:
//!   + lw   a2, slot7
//!     addi a0, a2, 1                     addi a0, a2, 1
//!   + sw   a0, slot3
//!     bne  a0, a3, block4, block5        bne  a0, a3, block4, block5
//!
//!   block4:                            block4:
//!   + lw   a4, slot3
//!   + sw   a4, slot7                   + mv   a2, a0
//!     jump block1                        jump block1
//! ```
//!
//! Why it is right:
//!
//! - A register holds the same value as a slot from a store or load between them until one of them is written. All writes are
//!   seen: those of definitions, clobbers and the allocator's moves.
//! - At the start of a block that is known only if the block has one predecessor, at the end of which it is known, or if all
//!   predecessors have just seen to it.
//! - A register that stands for another one is given its value before the other one is written. At the end of a block none has
//!   to be: there the allocator has all values in slots. What is loaded there for the next block is loaded all at once: a
//!   register that others are to get their value from is written after them, or, in a circle, from its slot.
//! - Each move that is added takes the place of a load that was left out before, so the moves stay in their order, and in the
//!   memory that they have.
//!
//! The checker of [`regalloc2`] judges the result, as that of the allocator itself.

use super::machinst::MachInst;
use super::vcode::{BlockIndex, InsnIndex, VCode};
use alloc::vec;
use alloc::vec::Vec;
use regalloc2::{
    Allocation, Edit, Operand, OperandConstraint, OperandKind, OperandPos, Output, PReg, PRegSet,
    ProgPoint, SpillSlot,
};

/// How many blocks it is remembered of, which registers hold the value of a slot at their end.
const REMEMBERED_BLOCKS: usize = 8;

/// Leaves out loads of `output`, the allocation of `vcode`, which must be one of Fastalloc.
pub(super) fn forward_spills<I: MachInst>(vcode: &VCode<I>, output: &mut Output) {
    if output.num_spillslots == 0 {
        return;
    }
    let carried = Carried::take(vcode, output);
    let mut pass = Pass {
        vcode,
        carried,
        held: HeldSlots::new(output.num_spillslots),
        stand_ins: Vec::new(),
        unread_moves: Vec::new(),
        ends: Vec::new(),
        read: 0,
        written: 0,
        hidden: Vec::new(),
        output,
    };
    let mut previous = None;
    for block in vcode.blocks() {
        pass.start_block(block, previous);
        pass.visit_block(block);
        pass.end_block(block);
        previous = Some(block);
    }
    let written = pass.written;
    let hidden = pass.hidden;
    output.edits.truncate(written);
    leave_out_stores(output, &hidden);
}

/// The most predecessors of a block whose first loads are made at their ends: each gets its own.
const MAX_CARRYING: usize = 4;

/// The loads that blocks with several predecessors start with, made at the end of each of these instead.
struct Carried {
    /// Those of one block after the other.
    loads: Vec<(PReg, SpillSlot)>,
    /// The blocks that have some, in order, and where theirs end.
    blocks: Vec<(BlockIndex, usize)>,
}

impl Carried {
    /// Moves the loads of `output` in front of the last instructions of the predecessors, which jump and read no register.
    fn take<I: MachInst>(vcode: &VCode<I>, output: &mut Output) -> Self {
        let mut carried = Self {
            loads: Vec::new(),
            blocks: Vec::new(),
        };
        for block in vcode.blocks() {
            let start = carried.loads.len();
            if may_be_carried_to(vcode, block) {
                carried.loads.extend(loads_at_start(vcode, output, block));
            }
            if carried.loads.len() > start {
                carried.blocks.push((block, carried.loads.len()));
            }
        }
        if !carried.blocks.is_empty() {
            carried.move_loads(vcode, output);
        }
        carried
    }

    fn move_loads<I: MachInst>(&self, vcode: &VCode<I>, output: &mut Output) {
        let mut edits = Vec::with_capacity(output.edits.len() + self.loads.len());
        let mut rest = &output.edits[..];
        for block in vcode.blocks() {
            rest = &rest[self.loads_into(block).len()..];
            let end = ProgPoint::before(vcode.block_insns(block).last());
            let (edits_of_block, behind) =
                rest.split_at(rest.partition_point(|edit| edit.0 <= end));
            edits.extend_from_slice(edits_of_block);
            edits.extend(
                self.loads_out_of(vcode, block)
                    .iter()
                    .map(|&(register, slot)| {
                        let (from, to) = (Allocation::stack(slot), Allocation::reg(register));
                        (end, Edit::Move { from, to })
                    }),
            );
            rest = behind;
        }
        output.edits = edits;
    }

    /// What the predecessors of `block` have loaded for it.
    fn loads_into(&self, block: BlockIndex) -> &[(PReg, SpillSlot)] {
        match self
            .blocks
            .binary_search_by_key(&block, |(block, _)| *block)
        {
            Ok(found) => {
                let before = found.checked_sub(1);
                let start = before.map_or(0, |before| self.blocks[before].1);
                &self.loads[start..self.blocks[found].1]
            }
            Err(_) => &[],
        }
    }

    /// What `block` loads for the block that it jumps to.
    fn loads_out_of<I: MachInst>(
        &self,
        vcode: &VCode<I>,
        block: BlockIndex,
    ) -> &[(PReg, SpillSlot)] {
        match *vcode.block_succs(block) {
            [succ] => self.loads_into(succ),
            _ => &[],
        }
    }
}

/// Whether values may be in registers where `block` starts.
fn may_be_carried_to<I: MachInst>(vcode: &VCode<I>, block: BlockIndex) -> bool {
    let preds = vcode.block_preds(block);
    let just_jumps = |pred: &BlockIndex| {
        let last = vcode.block_insns(*pred).last();
        vcode.block_succs(*pred).len() == 1 && vcode.inst_operands(last).is_empty()
    };
    (2..=MAX_CARRYING).contains(&preds.len()) && preds.iter().all(just_jumps)
}

/// The loads that `block` starts with, each to another register.
fn loads_at_start<I: MachInst>(
    vcode: &VCode<I>,
    output: &Output,
    block: BlockIndex,
) -> impl Iterator<Item = (PReg, SpillSlot)> {
    let start = ProgPoint::before(vcode.block_insns(block).first());
    let first = output.edits.partition_point(|edit| edit.0 < start);
    let mut loaded = PRegSet::empty();
    let edits = output.edits[first..].iter();
    edits.map_while(move |(at, Edit::Move { from, to })| {
        let (register, slot) = (to.as_reg()?, from.as_stack()?);
        let is_new = !loaded.contains(register);
        loaded.add(register);
        (*at == start && is_new).then_some((register, slot))
    })
}

/// Which registers hold the values of which slots.
///
/// A register is known to hold that of one slot at most, and of each slot at most one register is known that does.
struct HeldSlots {
    slot_of: [Option<SpillSlot>; PReg::NUM_INDEX],
    /// For each slot. It counts only while that register has the slot in `slot_of`.
    holder_of: Vec<PReg>,
    /// Those with a slot.
    registers: PRegSet,
}

impl HeldSlots {
    fn new(num_slots: usize) -> Self {
        Self {
            slot_of: [None; PReg::NUM_INDEX],
            holder_of: vec![PReg::invalid(); num_slots],
            registers: PRegSet::empty(),
        }
    }

    /// The register that holds the value of `slot`.
    fn holder(&self, slot: SpillSlot) -> Option<PReg> {
        let register = self.holder_of[slot.index()];
        (self.slot_of[register.index()] == Some(slot)).then_some(register)
    }

    fn set(&mut self, register: PReg, slot: SpillSlot) {
        self.slot_of[register.index()] = Some(slot);
        self.holder_of[slot.index()] = register;
        self.registers.add(register);
    }

    fn forget(&mut self, register: PReg) {
        if self.slot_of[register.index()].take().is_some() {
            self.registers.remove(register);
        }
    }

    fn forget_all(&mut self) {
        for register in self.registers {
            self.slot_of[register.index()] = None;
        }
        self.registers = PRegSet::empty();
    }

    fn pairs(&self) -> impl Iterator<Item = (PReg, SpillSlot)> {
        let registers = self.registers.into_iter();
        registers.filter_map(|register| Some((register, self.slot_of[register.index()]?)))
    }
}

/// A register that was not loaded, because another one holds its value.
#[derive(Clone, Copy)]
struct StandIn {
    register: PReg,
    holder: PReg,
    since: ProgPoint,
}

/// A register that has been loaded by a move from another one, and not been read since.
#[derive(Clone, Copy)]
struct UnreadMove {
    register: PReg,
    /// Which edit of the result the move is.
    edit: usize,
}

struct Pass<'a, I: MachInst> {
    vcode: &'a VCode<I>,
    carried: Carried,
    output: &'a mut Output,
    held: HeldSlots,
    stand_ins: Vec<StandIn>,
    unread_moves: Vec<UnreadMove>,
    /// What is held at the end of blocks with several successors.
    ends: Vec<(BlockIndex, Vec<(PReg, SpillSlot)>)>,
    /// The edits up to here have been seen; those up to `written`, which is not behind, are those of the result.
    read: usize,
    written: usize,
    /// Where registers did not have the value that the allocator gave them, if that matters to a debugger.
    hidden: Vec<(PReg, ProgPoint, ProgPoint)>,
}

impl<I: MachInst> Pass<'_, I> {
    fn start_block(&mut self, block: BlockIndex, previous: Option<BlockIndex>) {
        let pred = match *self.vcode.block_preds(block) {
            [pred] => Some(pred),
            _ => None,
        };
        if pred.is_some() && pred == previous {
            return;
        }
        self.held.forget_all();
        for &(register, slot) in self.carried.loads_into(block) {
            self.held.set(register, slot);
        }
        let end = self.ends.iter().find(|(end, _)| pred == Some(*end));
        for &(register, slot) in end.iter().flat_map(|(_, pairs)| pairs) {
            self.held.set(register, slot);
        }
    }

    fn end_block(&mut self, block: BlockIndex) {
        let end = ProgPoint::before(self.vcode.block_insns(block).last().next());
        while let Some(stand_in) = self.stand_ins.pop() {
            self.hide(stand_in, end);
        }
        self.leave_out_moves(|_| true);
        if self.vcode.block_succs(block).len() > 1 {
            let mut pairs = match self.ends.len() {
                REMEMBERED_BLOCKS => self.ends.remove(0).1,
                _ => Vec::new(),
            };
            pairs.clear();
            pairs.extend(self.held.pairs());
            self.ends.push((block, pairs));
        }
    }

    fn visit_block(&mut self, block: BlockIndex) {
        for inst in self.vcode.block_insns(block).iter() {
            let is_last = inst == self.vcode.block_insns(block).last();
            let num_carried = match is_last {
                true => self.carried.loads_out_of(self.vcode, block).len(),
                false => 0,
            };
            self.visit_edits(ProgPoint::before(inst), num_carried);
            if num_carried > 0 {
                self.carry(block, inst);
            }
            self.visit_inst(inst);
            self.visit_edits(ProgPoint::after(inst), 0);
        }
    }

    /// Goes on with the edits up to `point`, but for the last ones, as many as `num_left`.
    fn visit_edits(&mut self, point: ProgPoint, num_left: usize) {
        let rest = &self.output.edits[self.read..];
        let up_to_point = rest.iter().take_while(|edit| edit.0 <= point).count();
        let end = self.read + up_to_point - num_left;
        while self.read < end {
            let (at, Edit::Move { from, to }) = self.output.edits[self.read].clone();
            self.read += 1;
            match (from.as_reg(), to.as_reg()) {
                (Some(from), Some(to)) => self.visit_move(at, from, to),
                (Some(from), None) => self.visit_spill(at, from, to),
                (None, Some(to)) => self.visit_reload(at, from, to),
                (None, None) => self.write(at, from, to),
            }
        }
    }

    /// Loads what the successor of `block` has in registers, in front of `jump`: from a register where one has the value.
    fn carry(&mut self, block: BlockIndex, jump: InsnIndex) {
        let at = ProgPoint::before(jump);
        // Neither the jump nor anyone behind it reads other registers.
        while let Some(stand_in) = self.stand_ins.pop() {
            self.hide(stand_in, at);
        }
        self.leave_out_moves(|_| true);
        let mut pending = self.carried.loads_out_of(self.vcode, block).to_vec();
        self.read += pending.len();
        pending.retain(|&(register, slot)| self.held.holder(slot) != Some(register));
        // A register is written when its value is not needed for another one any more. In a circle, one has to be loaded, at last.
        let mut from_slots = Vec::new();
        while !pending.is_empty() {
            let is_needed = |register| {
                let mut holders = pending.iter().map(|&(_, slot)| self.held.holder(slot));
                holders.any(|holder| holder == Some(register))
            };
            let free = pending
                .iter()
                .position(|&(register, _)| !is_needed(register));
            let (register, slot) = pending.swap_remove(free.unwrap_or(0));
            match self.held.holder(slot) {
                Some(holder) if free.is_some() => {
                    self.write(at, Allocation::reg(holder), Allocation::reg(register));
                    self.held.forget(register);
                    self.held.set(register, slot);
                }
                _ => from_slots.push((register, slot)),
            }
        }
        for (register, slot) in from_slots {
            self.write(at, Allocation::stack(slot), Allocation::reg(register));
            self.held.forget(register);
            self.held.set(register, slot);
        }
    }

    fn visit_move(&mut self, at: ProgPoint, from: PReg, to: PReg) {
        let from = self.value_of(from);
        if from != to {
            self.overwrite(at, to);
        }
        // A move to itself is kept: the allocator's checker learns from it how the value is called from here on.
        self.write(at, Allocation::reg(from), Allocation::reg(to));
    }

    fn visit_spill(&mut self, at: ProgPoint, from: PReg, to: Allocation) {
        let from = self.value_of(from);
        if let Some(slot) = to.as_stack() {
            if let Some(holder) = self.held.holder(slot) {
                self.held.forget(holder);
            }
            self.held.set(from, slot);
        }
        self.write(at, Allocation::reg(from), to);
    }

    fn visit_reload(&mut self, at: ProgPoint, from: Allocation, to: PReg) {
        let slot = from.as_stack();
        let holder = slot.and_then(|slot| self.held.holder(slot));
        if holder == Some(to) {
            return;
        }
        self.overwrite(at, to);
        match (holder, slot) {
            (Some(holder), _) => self.stand_ins.push(StandIn {
                register: to,
                holder,
                since: at,
            }),
            (None, slot) => {
                self.write(at, from, Allocation::reg(to));
                if let Some(slot) = slot {
                    self.held.set(to, slot);
                }
            }
        }
    }

    /// Replaces operands, and takes notice of what `inst` writes.
    fn visit_inst(&mut self, inst: InsnIndex) {
        let vcode = self.vcode;
        let operands = vcode.inst_operands(inst);
        let first = self.output.inst_alloc_offsets[inst.index()] as usize;
        let at = ProgPoint::before(inst);
        if !(self.stand_ins.is_empty() && self.unread_moves.is_empty()) {
            self.replace_uses(operands, first, at);
        }
        let clobbers = vcode.inst_clobbers(inst);
        if clobbers != PRegSet::empty() {
            self.overwrite_all(at, clobbers);
        }
        for (index, operand) in operands.iter().enumerate() {
            if operand.kind() == OperandKind::Def
                && let Some(register) = self.output.allocs[first + index].as_reg()
            {
                self.overwrite(at, register);
            }
        }
    }

    /// Has `operands`, whose places start with the one number `first`, read the registers that are stood in for.
    fn replace_uses(&mut self, operands: &[Operand], first: usize, at: ProgPoint) {
        let mut written_early = PRegSet::empty();
        for (operand, place) in operands.iter().zip(&self.output.allocs[first..]) {
            if operand.kind() == OperandKind::Def
                && operand.pos() == OperandPos::Early
                && let Some(register) = place.as_reg()
            {
                written_early.add(register);
            }
        }
        for (index, operand) in operands.iter().enumerate() {
            if operand.kind() == OperandKind::Use
                && let Some(register) = self.output.allocs[first + index].as_reg()
            {
                let holder = self.value_of(register);
                // What is written early may be gone before the operand is read.
                let is_free = operand.constraint() == OperandConstraint::Reg
                    && operand.pos() == OperandPos::Early
                    && !written_early.contains(holder)
                    && !is_reused(operands, index);
                if is_free {
                    self.output.allocs[first + index] = Allocation::reg(holder);
                } else {
                    self.load_those(at, |stand_in| stand_in.register == register);
                    self.unread_moves.retain(|it| it.register != register);
                }
            }
        }
    }

    /// The register that has the value which the allocator has in `register`.
    fn holder_for(&self, register: PReg) -> PReg {
        let stand_in = self.stand_ins.iter().find(|it| it.register == register);
        stand_in.map_or(register, |stand_in| stand_in.holder)
    }

    /// As [`Self::holder_for`], for one who reads it.
    fn value_of(&mut self, register: PReg) -> PReg {
        if self.stand_ins.is_empty() && self.unread_moves.is_empty() {
            return register;
        }
        self.unread_moves.retain(|it| it.register != register);
        self.holder_for(register)
    }

    /// Takes notice that `register` is about to be written.
    fn overwrite(&mut self, at: ProgPoint, register: PReg) {
        self.overwrite_stand_ins(at, |written| written == register);
        self.held.forget(register);
        self.leave_out_moves(|written| written == register);
    }

    /// Takes notice that `registers` are about to be written.
    fn overwrite_all(&mut self, at: ProgPoint, registers: PRegSet) {
        self.overwrite_stand_ins(at, |written| registers.contains(written));
        let mut held = registers;
        held.intersect_from(self.held.registers);
        for register in held {
            self.held.forget(register);
        }
        self.leave_out_moves(|written| registers.contains(written));
    }

    /// Forgets the registers that stand for others and are written, and loads those that stand for one which is.
    fn overwrite_stand_ins(&mut self, at: ProgPoint, is_written: impl Fn(PReg) -> bool) {
        let mut index = 0;
        while let Some(&stand_in) = self.stand_ins.get(index) {
            if is_written(stand_in.register) {
                self.hide(stand_in, at);
                self.stand_ins.swap_remove(index);
            } else {
                index += 1;
            }
        }
        self.load_those(at, |stand_in| is_written(stand_in.holder));
    }

    /// Leaves out the moves that nobody has read, to registers that are written.
    fn leave_out_moves(&mut self, is_written: impl Fn(PReg) -> bool) {
        let edits = &mut self.output.edits;
        self.unread_moves.retain(|it| {
            let is_over = is_written(it.register);
            if is_over {
                let (_, Edit::Move { from, to }) = &mut edits[it.edit];
                *to = *from;
            }
            !is_over
        });
    }

    /// Gives the registers which `are_needed` the values that they stand for.
    fn load_those(&mut self, at: ProgPoint, are_needed: impl Fn(&StandIn) -> bool) {
        let mut index = 0;
        while let Some(&stand_in) = self.stand_ins.get(index) {
            if !are_needed(&stand_in) {
                index += 1;
                continue;
            }
            self.stand_ins.swap_remove(index);
            self.hide(stand_in, at);
            self.unread_moves.push(UnreadMove {
                register: stand_in.register,
                edit: self.written,
            });
            let [from, to] = [stand_in.holder, stand_in.register].map(Allocation::reg);
            self.write(at, from, to);
        }
    }

    fn hide(&mut self, stand_in: StandIn, until: ProgPoint) {
        if !self.output.debug_locations.is_empty() {
            let stretch = (stand_in.register, stand_in.since, until);
            self.hidden.push(stretch);
        }
    }

    /// Adds an edit to the result.
    fn write(&mut self, at: ProgPoint, from: Allocation, to: Allocation) {
        debug_assert!(
            self.written < self.read,
            "a move takes the place of another"
        );
        self.output.edits[self.written] = (at, Edit::Move { from, to });
        self.written += 1;
    }
}

/// Whether a definition has the register of the operand number `index`.
fn is_reused(operands: &[Operand], index: usize) -> bool {
    let reuses = |operand: &Operand| operand.constraint() == OperandConstraint::Reuse(index);
    operands.iter().any(reuses)
}

/// Leaves out the stores to slots that nobody loads, and numbers the other slots anew.
///
/// `hidden` are stretches in which registers do not have the value that the allocator gave them. A debugger must not look for
/// values there, or in slots that are gone.
fn leave_out_stores(output: &mut Output, hidden: &[(PReg, ProgPoint, ProgPoint)]) {
    let mut is_loaded = vec![false; output.num_spillslots];
    let loads = output.edits.iter().map(|(_, Edit::Move { from, .. })| from);
    for slot in loads
        .chain(&output.allocs)
        .filter_map(|place| place.as_stack())
    {
        is_loaded[slot.index()] = true;
    }
    let mut count = 0;
    let numbers = is_loaded.into_iter().map(|is_loaded| {
        let number = is_loaded.then_some(SpillSlot::new(count));
        count += usize::from(is_loaded);
        number
    });
    let numbers: Vec<_> = numbers.collect();
    output.num_spillslots = count;

    // Gives a place its new name, and tells whether it still is one.
    let renumber = |place: &mut Allocation| match place.as_stack() {
        None => true,
        Some(slot) => match numbers[slot.index()] {
            Some(slot) => {
                *place = Allocation::stack(slot);
                true
            }
            None => false,
        },
    };
    output
        .edits
        .retain_mut(|(_, Edit::Move { from, to })| renumber(from) && renumber(to));
    for place in &mut output.allocs {
        renumber(place);
    }
    output.debug_locations.retain_mut(|(_, from, to, place)| {
        let is_hidden = |&(register, start, end): &(PReg, ProgPoint, ProgPoint)| {
            place.as_reg() == Some(register) && start < *to && *from < end
        };
        !hidden.iter().any(is_hidden) && renumber(place)
    });
}
