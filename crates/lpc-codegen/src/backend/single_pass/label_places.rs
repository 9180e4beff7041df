//! Where values are, for debuggers.
//!
//! A value that has a home is there from its definition on. The values of a block are where they were defined until they are loaded or moved; if
//! they are loaded more than once, they are in their spill slot again behind the use in front of the load.

use super::values::Values;
use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, HeapError};
use regalloc2::{Allocation, Function, ProgPoint, VReg};

/// The places of all values.
pub(super) struct LabelPlaces {
    /// Where each value is behind its definition.
    at_definition: Vec<Allocation>,
    /// Where values are moved to, and from which point on they are there.
    moves: Vec<(VReg, ProgPoint, Allocation)>,
}

impl LabelPlaces {
    pub(super) fn new(num_vregs: usize, heap: &mut Heap) -> Result<Self, HeapError> {
        Ok(Self {
            at_definition: heap.filled(Allocation::none(), num_vregs)?,
            moves: Vec::new(),
        })
    }

    /// Notes that `vreg` is in `place` behind its definition.
    pub(super) fn define(&mut self, vreg: VReg, place: Allocation) {
        self.at_definition[vreg.vreg()] = place;
    }

    /// Notes that `vreg` is in `place` from `point` on.
    pub(super) fn add_move(
        &mut self,
        vreg: VReg,
        point: ProgPoint,
        place: Allocation,
        heap: &mut Heap,
    ) {
        heap.push(&mut self.moves, (vreg, point, place));
    }

    /// The places of labels, as [`Output::debug_locations`](regalloc2::Output::debug_locations).
    pub(super) fn locate(
        mut self,
        func: &impl Function,
        values: &Values,
        heap: &mut Heap,
    ) -> Result<Vec<(u32, ProgPoint, ProgPoint, Allocation)>, HeapError> {
        self.moves.sort_unstable();
        let mut locations = Vec::new();
        for &(vreg, first, end, label) in func.debug_value_labels() {
            let mut place = self.at_definition[vreg.vreg()];
            if place.is_none() {
                continue;
            }
            let value = &values.list[vreg.vreg()];
            let mut start = match value.is_param() {
                true => value.start,
                // Behind the moves that follow the definition.
                false => ProgPoint::before(value.start.inst().next()),
            };
            let mut add = |start: ProgPoint, behind: ProgPoint, place| {
                let start = start.max(ProgPoint::before(first));
                let behind = behind.min(ProgPoint::before(end));
                if start < behind {
                    heap.push(&mut locations, (label, start, behind, place));
                }
            };
            for &(_, point, to) in self.moves_of(vreg) {
                add(start, point, place);
                (start, place) = (point, to);
            }
            add(start, value.end, place);
        }
        locations.sort_unstable_by_key(|&(label, start, ..)| (label, start));
        heap.check()?;
        Ok(locations)
    }

    fn moves_of(&self, vreg: VReg) -> &[(VReg, ProgPoint, Allocation)] {
        let start = self.moves.partition_point(|&(other, ..)| other < vreg);
        let end = self.moves.partition_point(|&(other, ..)| other <= vreg);
        &self.moves[start..end]
    }
}
