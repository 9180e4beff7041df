//! The values of a function: where each of them is live, and which need one place for as long as they live.

use super::super::regalloc::points_taken;
use super::loops::Loops;
use super::operand_bits::{constraint_of, is_plain_def, is_plain_use, vreg_of};
use super::registers::{RegSet, Register, RegisterFile};
use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, HeapError, bytes_of};
use regalloc2::{
    Allocation, Block, Function, Inst, InstPosition, Operand, OperandConstraint, OperandKind,
    OperandPos, ProgPoint, RegClass, SpillSlot, VReg,
};

/// The values of a function, and where its instructions name physical registers.
#[derive(Default)]
pub(super) struct Values {
    /// By the number of the virtual register.
    pub(super) list: Vec<Value>,
    pub(super) fixed: FixedPoints,
    /// Where each instruction's operands start, counted through all instructions.
    pub(super) operand_offsets: Vec<u32>,
    pub(super) num_operands: u32,
}

/// What is known of a virtual register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    /// Where it is defined.
    pub(super) start: ProgPoint,
    /// The point behind its last use, or behind the loops around that which it is defined outside of.
    pub(super) end: ProgPoint,
    /// The block that it is defined in.
    pub(super) first_block: Block,
    /// The block of its end.
    pub(super) last_block: Block,
    /// How often it is read, more often in loops.
    pub(super) weight: u32,
    /// The value whose register it had best take, as an edge passes the one to the other, or none: [`Self::partner`].
    partner: VReg,
    /// The physical register that an instruction wants it in.
    pub(super) wanted: Option<Register>,
    /// A set of [`Self::PARAM`] and [`Self::GLOBAL`].
    flags: u8,
    /// The register that is its home.
    pub(super) home: Option<Register>,
    /// The register that has it in the block that is being allocated.
    pub(super) register: Option<Register>,
    /// The spill slot that it is stored to where it is defined.
    pub(super) slot: SpillSlot,
}

impl Value {
    /// The flag of parameters of blocks.
    const PARAM: u8 = 1;
    /// The flag of values that need a home.
    const GLOBAL: u8 = 2;

    fn new() -> Self {
        Self {
            start: ProgPoint::invalid(),
            end: ProgPoint::invalid(),
            first_block: Block::invalid(),
            last_block: Block::invalid(),
            weight: 0,
            partner: VReg::invalid(),
            wanted: None,
            flags: 0,
            home: None,
            register: None,
            slot: SpillSlot::invalid(),
        }
    }

    /// Whether it is the parameter of a block.
    pub(super) fn is_param(&self) -> bool {
        self.flags & Self::PARAM != 0
    }

    /// Whether it needs a home.
    pub(super) fn is_global(&self) -> bool {
        self.flags & Self::GLOBAL != 0
    }

    /// Notes that it needs a home, if that `is_global`.
    fn set_global_if(&mut self, is_global: bool) {
        self.flags |= u8::from(is_global) * Self::GLOBAL;
    }

    /// The value whose register it had best take, as an edge passes the one to the other.
    pub(super) fn partner(&self) -> Option<VReg> {
        (self.partner != VReg::invalid()).then_some(self.partner)
    }

    /// Whether anybody reads it.
    pub(super) fn is_used(&self) -> bool {
        self.weight != 0
    }

    pub(super) fn spill_slot(&self) -> Option<Allocation> {
        self.slot.is_valid().then(|| Allocation::stack(self.slot))
    }
}

/// The points at which physical registers are named: they hold something else there than what had been allocated to them.
#[derive(Default)]
pub(super) struct FixedPoints {
    points: Vec<(ProgPoint, RegSet)>,
    /// Unions of neighbours: a complete binary tree whose leaves are the sets of `points`, each node behind its children's number
    /// divided by two.
    unions: Vec<RegSet>,
}

impl Values {
    /// Looks at all of `func` once, from the first to the last instruction, and lists the values in the order of their `definitions`. The
    /// memory is that of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn compute(
        &mut self,
        func: &impl Function,
        registers: &mut RegisterFile,
        loops: &Loops,
        definitions: &mut Vec<VReg>,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        definitions.clear();
        heap.reserve(definitions, func.num_vregs())?;
        heap.refill(&mut self.list, Value::new(), func.num_vregs())?;
        self.fixed.points.clear();
        self.operand_offsets.clear();
        heap.reserve(&mut self.operand_offsets, func.num_insts())?;
        let mut survey = Survey {
            func,
            list: &mut self.list,
            fixed: &mut self.fixed,
            operand_offsets: &mut self.operand_offsets,
            num_operands: 0,
            definitions,
            registers,
            heap,
            block: Block::invalid(),
            weight: 0,
            last_clobber: ProgPoint::invalid(),
        };
        for block in (0..func.num_blocks()).map(Block::new) {
            survey.look_at_block(block, loops);
        }
        self.num_operands = survey.num_operands;
        self.fixed.build_unions(heap)?;
        for value in &mut self.list {
            if value.is_global()
                && let Some(last) = loops.last_block_around(value.first_block, value.last_block)
            {
                value.last_block = last;
                value.end = ProgPoint::after(func.block_insns(last).last()).next();
            }
        }
        heap.check()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        bytes_of(&self.list)
            + bytes_of(&self.fixed.points)
            + bytes_of(&self.fixed.unions)
            + bytes_of(&self.operand_offsets)
    }
}

/// The walk through all instructions.
struct Survey<'a, F: Function> {
    func: &'a F,
    /// What comes of it.
    list: &'a mut [Value],
    fixed: &'a mut FixedPoints,
    operand_offsets: &'a mut Vec<u32>,
    num_operands: u32,
    definitions: &'a mut Vec<VReg>,
    registers: &'a mut RegisterFile,
    heap: &'a mut Heap,
    /// The block that it has come to.
    block: Block,
    /// How much a use counts there.
    weight: u32,
    /// The last point in it at which registers were overwritten, or its start.
    last_clobber: ProgPoint,
}

impl<F: Function> Survey<'_, F> {
    fn look_at_block(&mut self, block: Block, loops: &Loops) {
        let func = self.func;
        let insns = func.block_insns(block);
        let start = ProgPoint::before(insns.first());
        self.block = block;
        self.weight = 1 << (3 * loops.depth(block).min(MAX_WEIGHTED_DEPTH));
        self.last_clobber = start;
        let is_header = loops.is_header(block);
        for &param in func.block_params(block) {
            let value = self.define(param, start);
            value.set_global_if(is_header);
            value.flags |= Value::PARAM;
        }
        for inst in insns.iter() {
            self.look_at_inst(inst);
        }
        self.look_at_branch_args(insns.last());
    }

    fn look_at_inst(&mut self, inst: Inst) {
        let func = self.func;
        let operands = func.inst_operands(inst);
        self.operand_offsets.push(self.num_operands);
        self.num_operands += operands.len() as u32;
        let mut named = [RegSet::EMPTY; 2];
        for &operand in operands {
            let vreg = vreg_of(operand);
            if is_plain_use(operand) {
                self.read_in_place(vreg, ProgPoint::before(inst));
            } else if is_plain_def(operand) {
                self.define(vreg, ProgPoint::after(inst));
            } else {
                match operand.kind() {
                    OperandKind::Use => self.read_in_place(vreg, point_of(operand, inst)),
                    OperandKind::Def => {
                        self.define(vreg, point_of(operand, inst));
                    }
                }
                self.note_named(operand, &mut named);
            }
        }
        let clobbers = func.inst_clobbers(inst);
        if !clobbers.is_empty(RegClass::Int) {
            named[1] |= self.registers.set(clobbers);
            self.last_clobber = ProgPoint::after(inst);
        }
        self.fixed.add(ProgPoint::before(inst), named[0], self.heap);
        self.fixed.add(ProgPoint::after(inst), named[1], self.heap);
    }

    /// Adds the register that `operand` names, if it does, to those that are `named` when its instruction starts and when it ends.
    fn note_named(&mut self, operand: Operand, named: &mut [RegSet; 2]) {
        let OperandConstraint::FixedReg(preg) = constraint_of(operand) else {
            return;
        };
        let register = self.registers.number(preg);
        self.list[vreg_of(operand).vreg()].wanted = Some(register);
        for (set, is_named) in named.iter_mut().zip(points_taken(operand)) {
            if is_named {
                set.insert(register);
            }
        }
    }

    /// Arguments are read at the end of the block, where the edge is not the only one to its target. Else they are read at the start of
    /// the target.
    fn look_at_branch_args(&mut self, terminator: Inst) {
        let (func, block) = (self.func, self.block);
        for (number, &succ) in func.block_succs(block).iter().enumerate() {
            let is_only = func.block_preds(succ).len() == 1;
            let args = func.branch_blockparams(block, terminator, number);
            for (&arg, &param) in args.iter().zip(func.block_params(succ)) {
                let (inst, read_in) = match is_only {
                    true => (func.block_insns(succ).first(), succ),
                    false => (terminator, block),
                };
                let value = self.read(arg, ProgPoint::before(inst), read_in);
                value.set_global_if(is_only);
                if succ <= block {
                    value.partner = param;
                } else {
                    let param = &mut self.list[param.vreg()];
                    if param.partner().is_none() {
                        param.partner = arg;
                    }
                }
            }
        }
    }

    fn define(&mut self, vreg: VReg, point: ProgPoint) -> &mut Value {
        self.definitions.push(vreg);
        let value = &mut self.list[vreg.vreg()];
        value.start = point;
        value.end = point.next();
        value.first_block = self.block;
        value.last_block = self.block;
        value
    }

    /// Reads `vreg` by an instruction of the block.
    #[inline]
    fn read_in_place(&mut self, vreg: VReg, point: ProgPoint) {
        let last_clobber = self.last_clobber;
        let value = self.read(vreg, point, self.block);
        value.set_global_if(last_clobber > value.start);
    }

    #[inline]
    fn read(&mut self, vreg: VReg, point: ProgPoint, block: Block) -> &mut Value {
        let value = &mut self.list[vreg.vreg()];
        value.weight = value.weight.saturating_add(self.weight);
        value.end = value.end.max(point.next());
        value.last_block = value.last_block.max(block);
        value.set_global_if(value.first_block != block);
        value
    }
}

/// The deepest loop that counts more than those around it.
const MAX_WEIGHTED_DEPTH: u32 = 6;

fn point_of(operand: Operand, inst: Inst) -> ProgPoint {
    match operand.pos() {
        OperandPos::Early => ProgPoint::before(inst),
        OperandPos::Late => ProgPoint::after(inst),
    }
}

impl FixedPoints {
    fn add(&mut self, point: ProgPoint, registers: RegSet, heap: &mut Heap) {
        if !registers.is_empty() {
            heap.push(&mut self.points, (point, registers));
        }
    }

    fn build_unions(&mut self, heap: &mut Heap) -> Result<(), HeapError> {
        let len = self.points.len();
        self.unions.clear();
        heap.reserve(&mut self.unions, 2 * len)?;
        self.unions.resize(len, RegSet::EMPTY);
        self.unions
            .extend(self.points.iter().map(|&(_, registers)| registers));
        for node in (1..len).rev() {
            self.unions[node] = self.unions[2 * node] | self.unions[2 * node + 1];
        }
        Ok(())
    }

    /// The union of the sets of the points number `from` up to number `to`.
    fn union(&self, from: usize, to: usize) -> RegSet {
        let len = self.points.len();
        let (mut from, mut to) = (len + from, len + to);
        let mut union = RegSet::EMPTY;
        while from < to {
            if from % 2 == 1 {
                union |= self.unions[from];
                from += 1;
            }
            if to % 2 == 1 {
                to -= 1;
                union |= self.unions[to];
            }
            from /= 2;
            to /= 2;
        }
        union
    }
}

/// Goes through lives in the order of their starts.
#[derive(Default)]
pub(super) struct LifeCursor {
    /// How many fixed points are passed when the life starts.
    passed: usize,
}

impl LifeCursor {
    /// The registers that are named before `end` while a value lives that is defined at `start`, where no value starts earlier that was asked for.
    /// What is named where an instruction writes it, is written by then; a parameter is there when the first instruction starts.
    pub(super) fn named_between(
        &mut self,
        fixed: &FixedPoints,
        start: ProgPoint,
        end: ProgPoint,
    ) -> RegSet {
        let is_passed = |point| match start.pos() {
            InstPosition::Before => point < start,
            InstPosition::After => point <= start,
        };
        let rest = &fixed.points[self.passed..];
        self.passed += rest
            .iter()
            .take_while(|&&(point, _)| is_passed(point))
            .count();
        let rest = &fixed.points[self.passed..];
        let during = rest.partition_point(|&(point, _)| point < end);
        fixed.union(self.passed, self.passed + during)
    }
}

/// Goes through fixed points from the last to the first.
pub(super) struct FixedCursor<'a> {
    /// Those that are left.
    points: &'a [(ProgPoint, RegSet)],
}

impl<'a> FixedCursor<'a> {
    pub(super) fn at_end(fixed: &'a FixedPoints) -> Self {
        Self {
            points: &fixed.points,
        }
    }

    /// The registers that are named before and after `inst`, which stands before all that were asked for.
    #[inline]
    pub(super) fn take(&mut self, inst: Inst) -> [RegSet; 2] {
        let mut named = [RegSet::EMPTY; 2];
        while let Some((&(point, registers), rest)) = self.points.split_last()
            && point.inst() == inst
        {
            named[point.pos() as usize] = registers;
            self.points = rest;
        }
        named
    }

    /// The registers that are named where some are for the last time before the current instruction, unless that is before `start`.
    #[inline]
    pub(super) fn last_since(&self, start: ProgPoint) -> RegSet {
        match self.points.last() {
            Some(&(point, registers)) if point > start => registers,
            _ => RegSet::EMPTY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There is one for each virtual register, which makes them most of what the allocator has in memory.
    #[test]
    fn values_are_of_32_bytes() {
        assert_eq!(size_of::<Value>(), 32);
    }
}
