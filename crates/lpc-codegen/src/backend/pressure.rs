//! Register pressure: how many virtual registers are live at once.
//!
//! This is a figure for people and for tests, not a pass: nothing that is compiled depends on it, and it costs nothing where
//! nobody asks.
//!
//! An instruction has two points: *before*, where its operands are read, and *after*, where its results are written. A register
//! that is read early is not needed after the instruction, and one that is written late not before it, so the two can share a
//! place. What is read late or written early takes both points, as for the register allocator.
//!
//! Within one block a register is live in one piece: see `live_ranges`.
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

use super::live_ranges::{Accesses, LiveRange};
use super::machinst::MachInst;
use super::reg::RegClass;
use super::vcode::VCode;
use alloc::vec;
use alloc::vec::Vec;
use lpc_lpir::heap::Heap;
use regalloc2::{ProgPoint, VReg};

/// The most virtual registers of `class` that are live at one point of `vcode`.
///
/// Physical registers do not count, neither those that a call clobbers nor `zero` or `sp`. So the code can need spills at a
/// pressure that is not higher than the number of registers.
pub fn register_pressure<I: MachInst>(vcode: &VCode<I>, class: RegClass) -> u32 {
    let is_wanted = |vreg: VReg| vreg.class() == class;
    let (accesses, mut live) = Heap::unbounded(|heap| {
        let accesses = Accesses::new(vcode, is_wanted, heap)?;
        Ok((accesses, LiveRange::new(vcode, heap)?))
    });
    let mut pressure = PressureChanges::new(vcode);
    for register in accesses.by_register() {
        live.compute(register);
        live.pieces()
            .for_each(|piece| pressure.add(piece.first, piece.last));
    }
    pressure.maximum()
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
