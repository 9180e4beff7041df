//! Where virtual registers are live.
//!
//! In SSA form, the definition of a register dominates its uses. So within one block the register is live in one piece, from
//! where it is defined, or from the start of the block, to its last use, or to the end of the block. The pieces are found by
//! **exploring the paths from each use** backward: from the block of the use to its predecessors, where the register is live at
//! the end, and on to theirs, up to the block with the definition. A block in which the register is known to be live at the start
//! is not explored again.
//!
//! That is done for one register after the other, and takes time for each use and for each edge to a block in which the register
//! is live at the start. There is no set of registers for each block: memory is taken for the uses and the blocks only.
//!
//! A parameter of a block is defined at its start; an argument of a branch is read by the terminator. A register that nobody reads
//! is live where it is defined.

use super::machinst::MachInst;
use super::vcode::{BlockIndex, VCode};
use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, HeapError};
use regalloc2::{OperandKind, OperandPos, ProgPoint, VReg};

/// Where registers are defined and read.
pub(super) struct Accesses {
    /// For each register, where it is defined.
    definitions: Vec<Option<Place>>,
    /// Grouped by register. A definition is among them: the register is live there even if nobody reads it.
    places: Vec<Place>,
    /// For each register, where its places end; they start where those of the one before end.
    ends: Vec<u32>,
}

/// A point of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    block: BlockIndex,
    point: ProgPoint,
}

/// Where one register is defined and read.
#[derive(Clone, Copy)]
pub(super) struct RegisterAccesses<'a> {
    definition: Option<Place>,
    places: &'a [Place],
}

impl Accesses {
    /// The accesses of the registers of `vcode` that are `wanted`, in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub(super) fn new<I: MachInst>(
        vcode: &VCode<I>,
        wanted: impl Fn(VReg) -> bool,
        heap: &mut Heap,
    ) -> Result<Self, HeapError> {
        let mut definitions = heap.filled(None, vcode.num_vregs())?;
        let num_accesses = vcode.operands.len() + vcode.branch_args.len() + vcode.params.len();
        let mut found = heap.vec(num_accesses)?;
        visit_accesses(vcode, &mut |access| {
            if !wanted(access.vreg) {
                return;
            }
            if access.is_definition {
                definitions[access.vreg.vreg()] = Some(access.from);
            }
            found.push((access.vreg, access.to));
        });
        let (places, ends) = group_by_register(&found, vcode.num_vregs(), heap)?;
        heap.free(found);
        Ok(Self {
            definitions,
            places,
            ends,
        })
    }

    /// The registers that are accessed.
    pub(super) fn by_register(&self) -> impl Iterator<Item = RegisterAccesses<'_>> {
        let mut start = 0;
        let registers = self.definitions.iter().zip(&self.ends);
        let registers = registers.map(move |(&definition, &end)| {
            let places = &self.places[start as usize..end as usize];
            start = end;
            RegisterAccesses { definition, places }
        });
        registers.filter(|register| !register.places.is_empty())
    }

    /// The accesses of `vreg`.
    #[cfg(feature = "checker")]
    pub(super) fn of_register(&self, vreg: VReg) -> RegisterAccesses<'_> {
        let start = match vreg.vreg().checked_sub(1) {
            Some(previous) => self.ends[previous],
            None => 0,
        };
        RegisterAccesses {
            definition: self.definitions[vreg.vreg()],
            places: &self.places[start as usize..self.ends[vreg.vreg()] as usize],
        }
    }
}

impl RegisterAccesses<'_> {
    /// Whether there is a definition.
    #[cfg(feature = "checker")]
    pub(super) fn is_defined(&self) -> bool {
        self.definition.is_some()
    }
}

/// The places of each register one behind the other, and for each register where they end, in linear time.
fn group_by_register(
    found: &[(VReg, Place)],
    num_vregs: usize,
    heap: &mut Heap,
) -> Result<(Vec<Place>, Vec<u32>), HeapError> {
    let mut next = heap.filled(0, num_vregs)?;
    let Some(&(_, any)) = found.first() else {
        return Ok((Vec::new(), next));
    };
    for (vreg, _) in found {
        next[vreg.vreg()] += 1;
    }
    let mut start = 0;
    for count in &mut next {
        start += core::mem::replace(count, start);
    }
    let mut places = heap.filled(any, found.len())?;
    for &(vreg, place) in found {
        let next = &mut next[vreg.vreg()];
        places[*next as usize] = place;
        *next += 1;
    }
    Ok((places, next))
}

/// An instruction, or the start of a block, accesses a register.
struct Access {
    vreg: VReg,
    /// Where it is written or read.
    from: Place,
    /// Up to where it is live at least.
    to: Place,
    is_definition: bool,
}

fn visit_accesses<I: MachInst>(vcode: &VCode<I>, visit: &mut impl FnMut(Access)) {
    for block in vcode.blocks() {
        let access = |vreg, from, to, is_definition| Access {
            vreg,
            from: Place { block, point: from },
            to: Place { block, point: to },
            is_definition,
        };
        let insns = vcode.block_insns(block);
        let start = ProgPoint::before(insns.first());
        for &param in vcode.block_param_vregs(block) {
            visit(access(param, start, start, true));
        }
        for inst in insns.iter() {
            let (before, after) = (ProgPoint::before(inst), ProgPoint::after(inst));
            for operand in vcode.inst_operands(inst) {
                let point = match operand.pos() {
                    OperandPos::Early => before,
                    OperandPos::Late => after,
                };
                visit(match operand.kind() {
                    OperandKind::Use => access(operand.vreg(), point, point, false),
                    OperandKind::Def => access(operand.vreg(), point, after, true),
                });
            }
        }
        let terminator = ProgPoint::before(insns.last());
        for succ in 0..vcode.block_succs(block).len() {
            for &argument in vcode.branch_arg_vregs(block, succ) {
                visit(access(argument, terminator, terminator, false));
            }
        }
    }
}

/// Where one register is live. The memory is used again for the next one.
pub(super) struct LiveRange<'a, I: MachInst> {
    vcode: &'a VCode<I>,
    definition: Option<Place>,
    /// For each block in `blocks`, the last point at which the register is live.
    last_points: Vec<Option<ProgPoint>>,
    /// The blocks in which the register is live. Those behind `explored` are still to be followed to their predecessors.
    blocks: Vec<BlockIndex>,
    explored: usize,
}

/// The part of a live range that lies in one block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    pub(super) block: BlockIndex,
    /// The first point at which the register is live.
    pub(super) first: ProgPoint,
    /// The last point at which it is live.
    pub(super) last: ProgPoint,
    /// Whether it is live already where the block starts.
    pub(super) is_live_in: bool,
}

impl<'a, I: MachInst> LiveRange<'a, I> {
    /// For the registers of `vcode`, in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub(super) fn new(vcode: &'a VCode<I>, heap: &mut Heap) -> Result<Self, HeapError> {
        Ok(Self {
            vcode,
            definition: None,
            last_points: heap.filled(None, vcode.num_blocks())?,
            // Each block is there once at most.
            blocks: heap.vec(vcode.num_blocks())?,
            explored: 0,
        })
    }

    /// Finds where `register` is live.
    pub(super) fn compute(&mut self, register: RegisterAccesses<'_>) {
        for block in self.blocks.drain(..) {
            self.last_points[block.index()] = None;
        }
        self.explored = 0;
        self.definition = register.definition;
        for &place in register.places {
            self.reach(place);
        }
        let defining_block = self.definition.map(|place| place.block);
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

    /// The pieces of the live range, in no order.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece> + '_ {
        self.blocks.iter().filter_map(move |&block| {
            let definition = self.definition.filter(|place| place.block == block);
            let start = ProgPoint::before(self.vcode.block_insns(block).first());
            Some(Piece {
                block,
                first: definition.map_or(start, |place| place.point),
                last: self.last_points[block.index()]?,
                is_live_in: definition.is_none(),
            })
        })
    }
}
