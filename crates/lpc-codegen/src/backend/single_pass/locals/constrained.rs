//! Instructions that name registers, overwrite some, or want operands to share registers or to have some of their own.

use super::super::super::regalloc::points_taken;
use super::super::operand_bits::{constraint_of, vreg_of};
use super::super::registers::{RegSet, Register};
use super::LocalAllocator;
use regalloc2::{
    Allocation, Function, Inst, Operand, OperandConstraint, OperandKind, OperandPos, PReg,
    ProgPoint, VReg,
};

impl<F: Function> LocalAllocator<'_, F> {
    /// Allocates an instruction that names registers, overwrites some, or has other constraints.
    // Few instructions need this, and the walk through all the others is faster without it inside.
    #[inline(never)]
    pub(super) fn allocate_constrained(
        &mut self,
        inst: Inst,
        operands: &[Operand],
        places: &mut [Allocation],
        named: [RegSet; 2],
    ) -> Option<()> {
        let free_after = self.free;
        self.displace_from_named(inst, operands, named);
        let mut busy = Busy {
            named_early: named[0],
            early: named[0],
            late: named[1],
            reused: 0,
        };
        self.allocate_results(inst, operands, places, &mut busy)?;
        let written = busy.late;
        self.clear_homes(operands, inst, busy.early | busy.late);
        for kind in UseKind::IN_ORDER {
            for (index, &operand) in operands.iter().enumerate() {
                if operand.kind() != OperandKind::Use || busy.kind_of_use(operand, index) != kind {
                    continue;
                }
                let preg = match (kind, constraint_of(operand)) {
                    (UseKind::Reused, _) => {
                        let result = result_in_place_of(operands, index);
                        result.and_then(|result| places[result].as_reg())
                    }
                    (_, OperandConstraint::FixedReg(preg)) => Some(preg),
                    _ => None,
                };
                let register = match preg {
                    Some(preg) => {
                        let register = self.registers.known_number(preg);
                        self.bring(operand.vreg(), register, inst, busy.early)?;
                        register
                    }
                    None => self.read_beside(inst, operands, operand, &busy)?,
                };
                busy.insert(operand, register);
                places[index] = self.in_register(register);
            }
        }
        self.flush(ProgPoint::after(inst), (free_after & self.free) - written);
        self.flush(ProgPoint::before(inst), self.free - busy.early);
        Some(())
    }

    /// Displaces the values that live across the instruction in registers that it names, unless it reads them there.
    fn displace_from_named(&mut self, inst: Inst, operands: &[Operand], named: [RegSet; 2]) {
        for register in self.occupied & (named[0] | named[1]) {
            let (vreg, _) = self.occupants[register.index()];
            let is_defined_here =
                |operand: &Operand| operand.kind() == OperandKind::Def && operand.vreg() == vreg;
            let stays = operands.iter().any(is_defined_here)
                || !named[1].contains(register)
                    && is_read_in(operands, vreg, self.registers.preg(register));
            if !stays {
                self.displace(register, inst);
            }
        }
    }

    fn allocate_results(
        &mut self,
        inst: Inst,
        operands: &[Operand],
        places: &mut [Allocation],
        busy: &mut Busy,
    ) -> Option<()> {
        let occupied_after = self.occupied;
        for (index, &operand) in operands.iter().enumerate() {
            if operand.kind() != OperandKind::Def {
                continue;
            }
            let vreg = operand.vreg();
            let place = self.end_of_life(vreg, occupied_after);
            let register = match constraint_of(operand) {
                OperandConstraint::FixedReg(preg) => self.registers.known_number(preg),
                constraint => {
                    let mut taken = busy.late;
                    // What is written early must leave what is read where it is, but for the operand whose place it takes.
                    if let OperandConstraint::Reuse(reused) = constraint {
                        busy.reused |= 1 << reused;
                        let reused = operands[reused].vreg();
                        taken |= busy.early | self.homes_of_read(operands, |vreg| vreg != reused);
                    } else if operand.pos() == OperandPos::Early {
                        taken |= busy.early | self.homes_of_read(operands, |_| true);
                    }
                    match place {
                        Some(place) if !taken.contains(place) => place,
                        _ => self.unoccupied(taken, inst)?,
                    }
                }
            };
            busy.insert(operand, register);
            if matches!(constraint_of(operand), OperandConstraint::Reuse(_)) {
                busy.early.insert(register);
            }
            let written = self.in_register(register);
            places[index] = written;
            if let Some(place) = place {
                let place = self.in_register(place);
                self.after.add(written, place, self.heap);
            }
            self.store(vreg, register);
        }
        Some(())
    }

    /// The homes of the values that are read and `count`.
    fn homes_of_read(&self, operands: &[Operand], count: impl Fn(VReg) -> bool) -> RegSet {
        let mut homes = RegSet::EMPTY;
        for operand in operands {
            if operand.kind() == OperandKind::Use && count(operand.vreg()) {
                let home = self.values[vreg_of(*operand).vreg()].home;
                homes |= home.map_or(RegSet::EMPTY, RegSet::only);
            }
        }
        homes
    }

    /// Has `vreg` in `register` before the instruction, which is kept for it.
    fn bring(&mut self, vreg: VReg, register: Register, inst: Inst, busy: RegSet) -> Option<()> {
        let from = match self.place(vreg) {
            Some(place) => place,
            None if self.can_occupy(register, vreg, inst) => {
                self.occupy(register, vreg, inst);
                return Some(());
            }
            None if (self.free - busy).is_empty() => {
                let slot = self.slots.take();
                self.values[vreg.vreg()].slot = slot;
                Allocation::stack(slot)
            }
            None => {
                let other = self.choose(vreg, inst, busy, RegSet::EMPTY)?;
                self.occupy(other, vreg, inst);
                self.in_register(other)
            }
        };
        let to = self.in_register(register);
        self.before.add(from, to, self.heap);
        Some(())
    }

    /// The register that has the operand of an instruction with constraints, which may be any.
    fn read_beside(
        &mut self,
        inst: Inst,
        operands: &[Operand],
        operand: Operand,
        busy: &Busy,
    ) -> Option<Register> {
        let vreg = operand.vreg();
        let mut taken = busy.early;
        if operand.pos() == OperandPos::Late {
            taken |= busy.late;
        }
        let Some(register) = self.register_of(vreg) else {
            return self.read(vreg, inst, taken, busy.late);
        };
        let is_overwritten = operand.pos() == OperandPos::Late && busy.late.contains(register);
        let is_named_by_other = busy.named_early.contains(register)
            && !is_read_in(operands, vreg, self.registers.preg(register));
        if !is_overwritten && !is_named_by_other {
            return Some(register);
        }
        let other = self.unoccupied(taken, inst)?;
        let (from, to) = (self.in_register(register), self.in_register(other));
        self.before.add(from, to, self.heap);
        Some(other)
    }
}

/// The registers that are taken while an instruction is executed, as far as is known.
struct Busy {
    /// By operands that must be in them, when it starts.
    named_early: RegSet,
    /// When it starts.
    early: RegSet,
    /// When it ends.
    late: RegSet,
    /// The operands, a bit for the number of each, whose registers results take: none has a number above 31.
    reused: u32,
}

impl Busy {
    fn insert(&mut self, operand: Operand, register: Register) {
        let [early, late] = points_taken(operand);
        if early {
            self.early.insert(register);
        }
        if late {
            self.late.insert(register);
        }
    }

    fn kind_of_use(&self, operand: Operand, index: usize) -> UseKind {
        match (constraint_of(operand), operand.pos()) {
            (OperandConstraint::FixedReg(_), _) => UseKind::Fixed,
            _ if index < 32 && self.reused >> index & 1 != 0 => UseKind::Reused,
            (_, OperandPos::Late) => UseKind::Late,
            (_, OperandPos::Early) => UseKind::Early,
        }
    }
}

/// How an operand is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UseKind {
    /// In a register that is named.
    Fixed,
    /// In the register of a result.
    Reused,
    /// In any register, until the instruction ends.
    Late,
    /// In any register, when the instruction starts.
    Early,
}

impl UseKind {
    /// Those with less choice come first.
    const IN_ORDER: [Self; 4] = [Self::Fixed, Self::Reused, Self::Late, Self::Early];
}

/// The number of the result that takes the register of the operand number `index`.
fn result_in_place_of(operands: &[Operand], index: usize) -> Option<usize> {
    let reuses = |&operand: &Operand| constraint_of(operand) == OperandConstraint::Reuse(index);
    operands.iter().position(reuses)
}

/// Whether an operand wants `vreg` in the register `preg` to read it there.
fn is_read_in(operands: &[Operand], vreg: VReg, preg: PReg) -> bool {
    operands.iter().any(|&operand| {
        operand.kind() == OperandKind::Use
            && operand.vreg() == vreg
            && constraint_of(operand) == OperandConstraint::FixedReg(preg)
    })
}
