//! What an instruction does with its registers.
//!
//! Each instruction describes its operands once, by calling an [`OperandVisitor`] for each register it names, always in
//! the same order. The same description serves three visitors:
//!
//! - [`OperandCollector`] records the constraints for the register allocator,
//! - [`AllocationApplier`] replaces virtual registers by the physical ones that the allocator chose,
//! - the printer of allocated code notes which operand got which register.
//!
//! Physical registers that are never allocated (such as `zero` and `sp`) may stand in any operand; the allocator does not
//! hear of them. Allocatable physical registers are named by fixed constraints only.

use super::reg::{RealReg, Reg, VirtualReg, Writable};
use super::vreg_numbering::VRegNumbering;
use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, HeapError};
use regalloc2::{Allocation, Operand, OperandConstraint, OperandKind, OperandPos, PRegSet};

/// Receives the operands of an instruction.
pub trait OperandVisitor {
    /// One virtual register with its constraint.
    fn add_operand(
        &mut self,
        reg: &mut Reg,
        constraint: OperandConstraint,
        kind: OperandKind,
        pos: OperandPos,
    );

    /// A physical register that stands where a virtual one could: it must not be allocatable.
    fn real_operand(&mut self, _reg: RealReg) {}

    /// `reg` is in any register. The physical ones that may stand here are not for the allocator.
    // As `add_operand`: what is known of the operand is known here.
    #[inline(always)]
    fn any_reg(&mut self, reg: &mut Reg, kind: OperandKind, pos: OperandPos) {
        match reg.to_real_reg() {
            Some(real) => self.real_operand(real),
            None => self.add_operand(reg, OperandConstraint::Reg, kind, pos),
        }
    }

    /// `reg` is in the physical register `fixed`.
    #[inline]
    fn fixed_reg(&mut self, reg: &mut Reg, fixed: RealReg, kind: OperandKind, pos: OperandPos) {
        let constraint = OperandConstraint::FixedReg(fixed.preg());
        self.add_operand(reg, constraint, kind, pos);
    }

    /// `reg` is read when the instruction starts; a result may be written over it.
    #[inline]
    fn reg_use(&mut self, reg: &mut Reg) {
        self.any_reg(reg, OperandKind::Use, OperandPos::Early);
    }

    /// `reg` is read until the instruction ends: no result shares its register.
    #[inline]
    fn reg_late_use(&mut self, reg: &mut Reg) {
        self.any_reg(reg, OperandKind::Use, OperandPos::Late);
    }

    /// `reg` is written when all operands that are read early have been read.
    #[inline]
    fn reg_def(&mut self, reg: &mut Writable<Reg>) {
        self.any_reg(reg.reg_mut(), OperandKind::Def, OperandPos::Late);
    }

    /// `reg` is written before other operands have been read: it shares a register with none of them. Also the way to
    /// ask for a temporary register.
    #[inline]
    fn reg_early_def(&mut self, reg: &mut Writable<Reg>) {
        self.any_reg(reg.reg_mut(), OperandKind::Def, OperandPos::Early);
    }

    /// `reg` is written to the register that the operand number `operand` of this instruction (counting virtual
    /// registers in the order of visiting) was read from.
    #[inline]
    fn reg_reuse_def(&mut self, reg: &mut Writable<Reg>, operand: usize) {
        let constraint = OperandConstraint::Reuse(operand);
        self.add_operand(
            reg.reg_mut(),
            constraint,
            OperandKind::Def,
            OperandPos::Late,
        );
    }

    /// `reg` is read from the physical register `fixed` when the instruction starts.
    #[inline]
    fn reg_fixed_use(&mut self, reg: &mut Reg, fixed: RealReg) {
        self.fixed_reg(reg, fixed, OperandKind::Use, OperandPos::Early);
    }

    /// `reg` is written to the physical register `fixed` when the instruction ends.
    #[inline]
    fn reg_fixed_def(&mut self, reg: &mut Writable<Reg>, fixed: RealReg) {
        self.fixed_reg(reg.reg_mut(), fixed, OperandKind::Def, OperandPos::Late);
    }
}

/// Collects the operands of instructions for the register allocator into one flat array, and gives virtual registers their
/// final numbers.
pub struct OperandCollector<'a> {
    operands: Vec<Operand>,
    allocatable: PRegSet,
    numbering: &'a mut VRegNumbering,
    heap: &'a mut Heap,
}

impl<'a> OperandCollector<'a> {
    /// A collector that has room for the operands of about `num_insts` instructions, in memory of `heap`.
    ///
    /// `allocatable` are the registers that must not be named except by constraints.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn new(
        num_insts: usize,
        allocatable: PRegSet,
        numbering: &'a mut VRegNumbering,
        heap: &'a mut Heap,
    ) -> Result<Self, HeapError> {
        Ok(Self {
            // Few instructions have more than three, many have one or two.
            operands: heap.vec(num_insts * 5 / 2)?,
            allocatable,
            numbering,
            heap,
        })
    }

    /// How many operands there are so far.
    pub fn num_operands(&self) -> usize {
        self.operands.len()
    }

    /// The operands of all instructions.
    ///
    /// # Errors
    /// [`HeapError`] where there was no memory for them.
    pub fn finish(mut self) -> Result<Vec<Operand>, HeapError> {
        self.heap.check()?;
        // They stay until the code is emitted, beside all that the allocator needs.
        self.heap.shrink(&mut self.operands);
        Ok(self.operands)
    }
}

impl OperandVisitor for OperandCollector<'_> {
    // Constraint, kind and position are known where this is called, and with them most bits of the operand.
    #[inline(always)]
    fn add_operand(
        &mut self,
        reg: &mut Reg,
        constraint: OperandConstraint,
        kind: OperandKind,
        pos: OperandPos,
    ) {
        let virtual_reg = reg
            .to_virtual_reg()
            .expect("constrained operands are virtual registers before allocation");
        let vreg = self.numbering.number(virtual_reg.to_allocator_vreg());
        *reg = VirtualReg::from_allocator_vreg(vreg).to_reg();
        let operand = Operand::new(vreg, constraint, kind, pos);
        self.heap.push(&mut self.operands, operand);
    }

    #[inline]
    fn real_operand(&mut self, reg: RealReg) {
        debug_assert!(
            !self.allocatable.contains(reg.preg()),
            "{reg:?} is allocatable and may be named by a fixed constraint only"
        );
    }
}

/// Replaces the virtual registers of one instruction by the physical ones it was allocated.
pub struct AllocationApplier<'a> {
    allocations: core::slice::Iter<'a, Allocation>,
}

impl<'a> AllocationApplier<'a> {
    /// A visitor that applies `allocations`, one for each operand in order.
    pub fn new(allocations: &'a [Allocation]) -> Self {
        Self {
            allocations: allocations.iter(),
        }
    }
}

impl OperandVisitor for AllocationApplier<'_> {
    #[inline]
    fn add_operand(
        &mut self,
        reg: &mut Reg,
        constraint: OperandConstraint,
        _kind: OperandKind,
        _pos: OperandPos,
    ) {
        let allocation = self.allocations.next().expect("one allocation per operand");
        let preg = allocation
            .as_reg()
            .expect("every constraint that instructions use asks for a register");
        if let OperandConstraint::FixedReg(fixed) = constraint {
            debug_assert_eq!(fixed, preg);
        }
        *reg = Reg::from(preg);
    }
}
