//! Register pressure: how many virtual registers hold a value at once.
//!
//! A figure for those who look at code, not a pass of the compiler. A register is live from its definition to its last use. Time
//! is counted in points, two for each instruction, as operands are early or late:
//!
//! ```text
//!   add v3, v1, v2      2i       v1, v2 are read
//!                       2i + 1   v3 is written
//! ```
//!
//! Block parameters are defined at the first point of their block, and branch arguments are read at the last point of theirs.
//!
//! Registers are looked at one by one: a walk against the edges from each use finds the blocks in which one is live, as it ends
//! where the definition is. What is live in a block is an interval of points, and intervals add up by their ends. So no set of
//! registers is kept for any block.

use super::machinst::MachInst;
use super::vcode::{BlockIndex, VCode};
use alloc::vec;
use alloc::vec::Vec;
use regalloc2::{OperandKind, OperandPos, VReg};

/// The most virtual registers of `vcode` that are live at one point.
pub fn register_pressure<I: MachInst>(vcode: &VCode<I>) -> u32 {
    let mut uses = Uses::of(vcode);
    let mut changes = vec![0i32; 2 * vcode.insts().len() + 1];
    let mut live = LiveBlocks::new(vcode);
    uses.uses.sort_unstable_by_key(|place| place.vreg);
    for of_one in uses.uses.chunk_by(|a, b| a.vreg == b.vreg) {
        let definition = uses.definitions[of_one[0].vreg];
        live.find(vcode, definition, of_one);
        for (block, last) in live.blocks() {
            let first = match block == definition.block {
                true => definition.point,
                false => first_point(vcode, block),
            };
            changes[first] += 1;
            changes[last + 1] -= 1;
        }
    }
    let mut pressure = 0;
    let totals = changes.iter().map(|change| {
        pressure += change;
        pressure
    });
    totals.max().unwrap_or(0).unsigned_abs()
}

/// A definition or a use of a register.
#[derive(Clone, Copy, Debug)]
struct Place {
    vreg: usize,
    block: BlockIndex,
    point: usize,
}

/// Where registers are defined and used. A definition counts as a use, too: the register is written even if nobody reads it.
struct Uses {
    /// By the number of the register.
    definitions: Vec<Place>,
    uses: Vec<Place>,
}

impl Uses {
    fn of<I: MachInst>(vcode: &VCode<I>) -> Self {
        let nowhere = Place {
            vreg: 0,
            block: vcode.entry(),
            point: 0,
        };
        let mut new = Self {
            definitions: vec![nowhere; vcode.num_vregs()],
            uses: Vec::new(),
        };
        for block in vcode.blocks() {
            for param in vcode.block_param_vregs(block) {
                new.define(*param, block, first_point(vcode, block));
            }
            for inst in vcode.block_insns(block).iter() {
                for operand in vcode.inst_operands(inst) {
                    let point = match operand.pos() {
                        OperandPos::Early => 2 * inst.index(),
                        OperandPos::Late => 2 * inst.index() + 1,
                    };
                    match operand.kind() {
                        OperandKind::Def => new.define(operand.vreg(), block, point),
                        OperandKind::Use => new.add_use(operand.vreg(), block, point),
                    }
                }
            }
            for succ in 0..vcode.block_succs(block).len() {
                for arg in vcode.branch_arg_vregs(block, succ) {
                    new.add_use(*arg, block, last_point(vcode, block));
                }
            }
        }
        new
    }

    fn define(&mut self, vreg: VReg, block: BlockIndex, point: usize) {
        self.definitions[vreg.vreg()] = Place {
            vreg: vreg.vreg(),
            block,
            point,
        };
        self.add_use(vreg, block, point);
    }

    fn add_use(&mut self, vreg: VReg, block: BlockIndex, point: usize) {
        self.uses.push(Place {
            vreg: vreg.vreg(),
            block,
            point,
        });
    }
}

/// The blocks in which one register is live, and the last point at which it is.
struct LiveBlocks {
    /// For each block, the last point, where the register is live in it.
    last_points: Vec<Option<usize>>,
    /// The blocks in which it is live.
    found: Vec<BlockIndex>,
}

impl LiveBlocks {
    fn new<I: MachInst>(vcode: &VCode<I>) -> Self {
        Self {
            last_points: vec![None; vcode.num_blocks()],
            found: Vec::new(),
        }
    }

    /// Finds the blocks between `definition` and `uses`.
    fn find<I: MachInst>(&mut self, vcode: &VCode<I>, definition: Place, uses: &[Place]) {
        for block in self.found.drain(..) {
            self.last_points[block.index()] = None;
        }
        for place in uses {
            let mut next = self.found.len();
            self.extend(place.block, place.point);
            while let Some(&block) = self.found.get(next) {
                next += 1;
                if block != definition.block {
                    for &pred in vcode.block_preds(block) {
                        self.extend(pred, last_point(vcode, pred));
                    }
                }
            }
        }
    }

    /// The register is live in `block` up to `point`.
    fn extend(&mut self, block: BlockIndex, point: usize) {
        let last = &mut self.last_points[block.index()];
        if last.is_none() {
            self.found.push(block);
        }
        *last = Some(last.unwrap_or(point).max(point));
    }

    /// The blocks that were found, each with the last point.
    fn blocks(&self) -> impl Iterator<Item = (BlockIndex, usize)> {
        self.found
            .iter()
            .filter_map(|&block| Some((block, self.last_points[block.index()]?)))
    }
}

fn first_point<I: MachInst>(vcode: &VCode<I>, block: BlockIndex) -> usize {
    2 * vcode.block_insns(block).first().index()
}

fn last_point<I: MachInst>(vcode: &VCode<I>, block: BlockIndex) -> usize {
    2 * vcode.block_insns(block).last().index() + 1
}
