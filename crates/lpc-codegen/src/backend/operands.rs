//! What an instruction does with its registers.
//!
//! Each instruction [describes](DescribeOperands) its operands once, to an [`OperandVisitor`], each register it names, always in
//! the same order. The same description serves three visitors:
//!
//! - [`OperandCollector`] records the constraints for the register allocator,
//! - [`AllocationApplier`] replaces virtual registers by the physical ones that the allocator chose,
//! - the printer of allocated code notes which operand got which register.
//!
//! Physical registers that are never allocated (such as `zero` and `sp`) may stand in any operand; the allocator does not
//! hear of them. Allocatable physical registers are named by fixed constraints only.

use super::reg::{RealReg, Reg, RegClass, VirtualReg, Writable};
use super::vreg_numbering::VRegNumbering;
use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, HeapError};
use regalloc2::{
    Allocation, Operand, OperandConstraint, OperandKind, OperandPos, PReg, PRegSet, VReg,
};

/// What an instruction asks of an operand, whatever the virtual register is: constraint, kind and position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OperandShape(u32);

impl OperandShape {
    /// The bits of an [`Operand`] below those of a shape: the number of the register.
    const SHIFT: u32 = u32::BITS;

    /// The lowest bits of the shape: the class of the register.
    const CLASS: u32 = 3;

    // What is known of the operand where this is called becomes a number.
    #[inline(always)]
    fn new(constraint: OperandConstraint, kind: OperandKind, pos: OperandPos) -> Self {
        let class = match constraint {
            OperandConstraint::FixedReg(preg) => preg.class(),
            _ => RegClass::Int,
        };
        let operand = Operand::new(VReg::new(0, class), constraint, kind, pos);
        Self((operand.bits() >> Self::SHIFT) as u32 & !Self::CLASS)
    }

    /// Whether the operand may be in `preg`, as far as it asks for a certain register.
    fn allows(self, preg: PReg) -> bool {
        match self.operand(VReg::new(0, preg.class())).constraint() {
            OperandConstraint::FixedReg(fixed) => fixed == preg,
            _ => true,
        }
    }

    /// The operand of this shape that is `vreg`.
    #[inline(always)]
    pub fn operand(self, vreg: VReg) -> Operand {
        let shape = self.0 | vreg.class() as u32;
        Operand::from_bits(u64::from(shape) << Self::SHIFT | vreg.vreg() as u64)
    }
}

/// Receives the operands of an instruction.
pub trait OperandVisitor {
    /// One virtual register with what is asked of it.
    fn add_operand(&mut self, reg: &mut Reg, shape: OperandShape);

    /// A physical register that stands where a virtual one could: it must not be allocatable.
    fn real_operand(&mut self, _reg: RealReg) {}
}

/// What instructions describe their operands with.
pub trait DescribeOperands: OperandVisitor {
    /// `reg` is in any register. The physical ones that may stand here are not for the allocator.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    #[cfg_attr(target_os = "none", inline(never))]
    fn any_reg(&mut self, reg: &mut Reg, shape: OperandShape) {
        match reg.to_real_reg() {
            Some(real) => self.real_operand(real),
            None => self.add_operand(reg, shape),
        }
    }

    /// `reg` is read when the instruction starts; a result may be written over it.
    #[inline(always)]
    fn reg_use(&mut self, reg: &mut Reg) {
        self.any_reg(reg, any(OperandKind::Use, OperandPos::Early));
    }

    /// `reg` is read until the instruction ends: no result shares its register.
    #[inline(always)]
    fn reg_late_use(&mut self, reg: &mut Reg) {
        self.any_reg(reg, any(OperandKind::Use, OperandPos::Late));
    }

    /// `reg` is written when all operands that are read early have been read.
    #[inline(always)]
    fn reg_def(&mut self, reg: &mut Writable<Reg>) {
        self.any_reg(reg.reg_mut(), any(OperandKind::Def, OperandPos::Late));
    }

    /// `reg` is written before other operands have been read: it shares a register with none of them. Also the way to
    /// ask for a temporary register.
    #[inline(always)]
    fn reg_early_def(&mut self, reg: &mut Writable<Reg>) {
        self.any_reg(reg.reg_mut(), any(OperandKind::Def, OperandPos::Early));
    }

    /// `reg` is written to the register that the operand number `operand` of this instruction (counting virtual
    /// registers in the order of visiting) was read from.
    #[inline(always)]
    fn reg_reuse_def(&mut self, reg: &mut Writable<Reg>, operand: usize) {
        let constraint = OperandConstraint::Reuse(operand);
        let shape = OperandShape::new(constraint, OperandKind::Def, OperandPos::Late);
        self.add_operand(reg.reg_mut(), shape);
    }

    /// `reg` is read from the physical register `fixed` when the instruction starts.
    #[inline(always)]
    fn reg_fixed_use(&mut self, reg: &mut Reg, fixed: RealReg) {
        let constraint = OperandConstraint::FixedReg(fixed.preg());
        let shape = OperandShape::new(constraint, OperandKind::Use, OperandPos::Early);
        self.add_operand(reg, shape);
    }

    /// `reg` is written to the physical register `fixed` when the instruction ends.
    #[inline(always)]
    fn reg_fixed_def(&mut self, reg: &mut Writable<Reg>, fixed: RealReg) {
        let constraint = OperandConstraint::FixedReg(fixed.preg());
        let shape = OperandShape::new(constraint, OperandKind::Def, OperandPos::Late);
        self.add_operand(reg.reg_mut(), shape);
    }
}

#[inline(always)]
fn any(kind: OperandKind, pos: OperandPos) -> OperandShape {
    OperandShape::new(OperandConstraint::Reg, kind, pos)
}

impl<V: OperandVisitor> DescribeOperands for V {}

/// One of several visitors: for code that is the same for all of them.
pub struct AnyVisitor<'a>(pub &'a mut dyn OperandVisitor);

impl OperandVisitor for AnyVisitor<'_> {
    fn add_operand(&mut self, reg: &mut Reg, shape: OperandShape) {
        self.0.add_operand(reg, shape);
    }

    fn real_operand(&mut self, reg: RealReg) {
        self.0.real_operand(reg);
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
    #[inline(always)]
    fn add_operand(&mut self, reg: &mut Reg, shape: OperandShape) {
        let virtual_reg = reg
            .to_virtual_reg()
            .expect("constrained operands are virtual registers before allocation");
        let vreg = self.numbering.number(virtual_reg.to_allocator_vreg());
        *reg = VirtualReg::from_allocator_vreg(vreg).to_reg();
        self.heap.push(&mut self.operands, shape.operand(vreg));
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
    fn add_operand(&mut self, reg: &mut Reg, shape: OperandShape) {
        let allocation = self.allocations.next().expect("one allocation per operand");
        let preg = allocation
            .as_reg()
            .expect("every constraint that instructions use asks for a register");
        debug_assert!(shape.allows(preg), "a fixed constraint is kept");
        *reg = Reg::from(preg);
    }
}
