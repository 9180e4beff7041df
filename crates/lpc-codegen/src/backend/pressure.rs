//! Register pressure: how many virtual registers are live at once.
//!
//! This is a figure for people and for tests, not a pass: nothing that is compiled depends on it, and it costs nothing where
//! nobody asks.
//!
//! An instruction has two points: *before*, where its operands are read, and *after*, where its results are written. A register
//! that is read early is not needed after the instruction, and one that is written late not before it, so the two can share a
//! place. What is read late or written early takes both points, as for the register allocator.
//!
//! In SSA form, the definition of a register dominates its uses. So within one block the register is live in one piece, from
//! where it is defined, or from the start of the block, to its last use, or to the end of the block. The pieces are found by
//! **exploring the paths from each use** backward: from the block of the use to its predecessors, where the register is live at
//! the end, and on to theirs, up to the block with the definition. A block in which the register is known to be live at the start
//! is not explored again.
//!
//! ```text
//!  block0:  v1 = …        ┐ +1 where v1 is defined
//!           brif …        │    −1 behind block0
//!  block1:  … = v1        ┐ +1 at the start of block1, −1 behind the use
//!  block2:  jump block3   ┐ +1 at the start of block2, −1 behind it
//!  block3:  … = v1        ┐ +1 at the start of block3, −1 behind the use
//! ```
//!
//! Each piece is a step up and a step down in one array over all points. The sum of the steps up to a point is the number of
//! registers that are live there: every piece ends within its block, so nothing is carried over to the block that stands next.
//! That takes time for each use and for each piece, and memory for the points, whatever the number of registers that live at the
//! same time. There is no set of registers for each block.
//!
//! A parameter of a block is defined at its start; an argument of a branch is read by the terminator. A register that nobody reads
//! is live where it is defined.

use super::machinst::MachInst;
use super::reg::RegClass;
use super::vcode::{BlockIndex, VCode};
use alloc::vec;
use alloc::vec::Vec;
use regalloc2::{OperandKind, OperandPos, ProgPoint, VReg};

/// The most virtual registers of `class` that are live at one point of `vcode`.
///
/// Physical registers do not count, neither those that a call clobbers nor `zero` or `sp`. So the code can need spills at a
/// pressure that is not higher than the number of registers.
pub fn register_pressure<I: MachInst>(vcode: &VCode<I>, class: RegClass) -> u32 {
    let accesses = Accesses::new(vcode, class);
    let mut live = LiveRange::new(vcode);
    let mut pressure = PressureChanges::new(vcode);
    for of_one_register in accesses.by_register() {
        let definition = accesses.definitions[of_one_register[0].vreg];
        live.compute(of_one_register, definition);
        live.pieces(definition)
            .for_each(|(first, last)| pressure.add(first, last));
    }
    pressure.maximum()
}

/// Where registers are defined and read.
struct Accesses {
    /// For each register, where it is defined.
    definitions: Vec<Option<Place>>,
    /// Sorted by register. A definition is among them: the register is live there even if nobody reads it.
    accesses: Vec<Access>,
}

/// A point at which a register is live.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Access {
    vreg: usize,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    block: BlockIndex,
    point: ProgPoint,
}

impl Accesses {
    fn new<I: MachInst>(vcode: &VCode<I>, class: RegClass) -> Self {
        let mut found = Self {
            definitions: vec![None; vcode.num_vregs()],
            accesses: Vec::with_capacity(vcode.operands.len() + vcode.branch_args.len()),
        };
        for block in vcode.blocks() {
            found.add_block(vcode, block, class);
        }
        found.accesses.sort_unstable();
        found
    }

    fn add_block<I: MachInst>(&mut self, vcode: &VCode<I>, block: BlockIndex, class: RegClass) {
        let at = |point| Place { block, point };
        let insns = vcode.block_insns(block);
        let start = at(ProgPoint::before(insns.first()));
        for &param in of_class(vcode.block_param_vregs(block), class) {
            self.define(param, start, start);
        }
        for inst in insns.iter() {
            let (before, after) = (at(ProgPoint::before(inst)), at(ProgPoint::after(inst)));
            let operands = vcode.inst_operands(inst).iter();
            for operand in operands.filter(|operand| operand.class() == class) {
                let point = match operand.pos() {
                    OperandPos::Early => before,
                    OperandPos::Late => after,
                };
                match operand.kind() {
                    OperandKind::Use => self.access(operand.vreg(), point),
                    OperandKind::Def => self.define(operand.vreg(), point, after),
                }
            }
        }
        let terminator = at(ProgPoint::before(insns.last()));
        for succ in 0..vcode.block_succs(block).len() {
            for &argument in of_class(vcode.branch_arg_vregs(block, succ), class) {
                self.access(argument, terminator);
            }
        }
    }

    /// `vreg` is written at the place `from`, and is there up to `to` at least.
    fn define(&mut self, vreg: VReg, from: Place, to: Place) {
        self.definitions[vreg.vreg()] = Some(from);
        self.access(vreg, to);
    }

    fn access(&mut self, vreg: VReg, place: Place) {
        let vreg = vreg.vreg();
        self.accesses.push(Access { vreg, place });
    }

    fn by_register(&self) -> impl Iterator<Item = &[Access]> {
        self.accesses.chunk_by(|one, next| one.vreg == next.vreg)
    }
}

fn of_class(vregs: &[VReg], class: RegClass) -> impl Iterator<Item = &VReg> {
    vregs.iter().filter(move |vreg| vreg.class() == class)
}

/// Where one register is live. The memory is used again for the next one.
struct LiveRange<'a, I: MachInst> {
    vcode: &'a VCode<I>,
    /// For each block in `blocks`, the last point at which the register is live.
    last_points: Vec<Option<ProgPoint>>,
    /// The blocks in which the register is live. Those behind `explored` are still to be followed to their predecessors.
    blocks: Vec<BlockIndex>,
    explored: usize,
}

impl<'a, I: MachInst> LiveRange<'a, I> {
    fn new(vcode: &'a VCode<I>) -> Self {
        Self {
            vcode,
            last_points: vec![None; vcode.num_blocks()],
            blocks: Vec::new(),
            explored: 0,
        }
    }

    /// Finds where the register is live that is accessed by `accesses` and defined by `definition`.
    fn compute(&mut self, accesses: &[Access], definition: Option<Place>) {
        for block in self.blocks.drain(..) {
            self.last_points[block.index()] = None;
        }
        self.explored = 0;
        for access in accesses {
            self.reach(access.place);
        }
        let defining_block = definition.map(|place| place.block);
        while let Some(&block) = self.blocks.get(self.explored) {
            self.explored += 1;
            if defining_block == Some(block) {
                continue;
            }
            for &pred in self.vcode.block_preds(block) {
                let last = self.vcode.block_insns(pred).last();
                self.reach(Place {
                    block: pred,
                    point: ProgPoint::after(last),
                });
            }
        }
    }

    /// The register is live in the block up to `place` at least.
    fn reach(&mut self, place: Place) {
        let last_point = &mut self.last_points[place.block.index()];
        if last_point.is_none() {
            self.blocks.push(place.block);
        }
        *last_point = (*last_point).max(Some(place.point));
    }

    /// The first and the last point of each piece.
    fn pieces(
        &self,
        definition: Option<Place>,
    ) -> impl Iterator<Item = (ProgPoint, ProgPoint)> + '_ {
        self.blocks.iter().filter_map(move |&block| {
            let first = match definition {
                Some(place) if place.block == block => place.point,
                _ => ProgPoint::before(self.vcode.block_insns(block).first()),
            };
            Some((first, self.last_points[block.index()]?))
        })
    }
}

/// For each point, by how many the live registers become more there.
struct PressureChanges(Vec<i32>);

impl PressureChanges {
    fn new<I: MachInst>(vcode: &VCode<I>) -> Self {
        let points = 2 * vcode.insts().len();
        Self(vec![0; points + 1])
    }

    /// One more register is live from `first` to `last`.
    fn add(&mut self, first: ProgPoint, last: ProgPoint) {
        self.0[first.to_index() as usize] += 1;
        self.0[last.next().to_index() as usize] -= 1;
    }

    fn maximum(&self) -> u32 {
        let mut live = 0;
        let at_each_point = self.0.iter().map(|change| {
            live += change;
            live
        });
        at_each_point.max().unwrap_or(0).max(0).unsigned_abs()
    }
}
