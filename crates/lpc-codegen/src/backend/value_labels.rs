//! Where the values of a function are while it runs: what a debugger needs to show them.
//!
//! Lowering labels the virtual register of each word of a value. The allocator says in which register or spill slot each
//! labelled virtual register is, from which instruction to which; emission turns instructions into code offsets:
//!
//! ```text
//!  v3: i64 ─► word 0 ─► v197 ─► a0 from the 4th to the 9th instruction ─► a0 in 12..30
//!             word 1 ─► v198 ─► spill slot 2 …                            16 bytes below the CFA
//! ```
//!
//! The code is not laid out in the order of the instructions: cold blocks stand at its end. So every stretch of instructions is
//! cut at the borders of blocks. A value without a register of its own, such as a constant that became part of another
//! instruction, has no location.

use super::buffer::{CodePlace, MachBuffer};
use super::emit::{EmissionPlaces, EmitContext};
use super::machinst::{CodeOffset, MachInst};
use super::reg::RealReg;
use super::vcode::{InsnIndex, VCode};
use lpc_lpir::ir::Value;
use regalloc2::{Allocation, InstPosition, Output, ProgPoint};

/// A word of a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ValueLabel {
    /// The value.
    pub value: Value,
    /// Which word of it, from the low one.
    pub word: u8,
}

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValuePlace {
    /// In a register.
    Reg(RealReg),
    /// In the frame, so many bytes below the canonical frame address: see [`unwind`](super::unwind).
    BelowCfa(u32),
}

/// Where a word of a value is, while control is in a stretch of code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ValueLocation {
    /// The word.
    pub label: ValueLabel,
    /// Where the stretch starts.
    pub start: CodeOffset,
    /// Where it ends.
    pub end: CodeOffset,
    /// Where the word is.
    pub place: ValuePlace,
}

/// Hands what `allocation` says about labelled registers to `buffer`. `places` says where the code of each instruction is.
pub(super) fn add_value_locations<I: MachInst>(
    vcode: &VCode<I>,
    allocation: &Output,
    places: &EmissionPlaces,
    buffer: &mut MachBuffer<I>,
    context: &EmitContext<'_>,
) {
    for &(label, from, to, alloc) in &allocation.debug_locations {
        let Some(place) = value_place(alloc, context) else {
            continue;
        };
        let label = vcode.value_labels()[label as usize];
        for (start, end) in stretches(vcode, from, to, places) {
            buffer.add_value_location(label, start, end, place);
        }
    }
}

fn value_place(alloc: Allocation, context: &EmitContext<'_>) -> Option<ValuePlace> {
    if let Some(preg) = alloc.as_reg() {
        return Some(ValuePlace::Reg(preg.into()));
    }
    let offset = context.frame.spillslot_offset(alloc.as_stack()?);
    let below_cfa = context.frame.sp_adjustment() - offset;
    Some(ValuePlace::BelowCfa(below_cfa))
}

/// The stretches of code between two points, one for each block that is emitted.
fn stretches<I: MachInst>(
    vcode: &VCode<I>,
    from: ProgPoint,
    to: ProgPoint,
    places: &EmissionPlaces,
) -> impl Iterator<Item = (CodePlace, CodePlace)> {
    // The last instruction before the end: a value that an instruction reads is there until the instruction has finished.
    let last = match to.pos() {
        InstPosition::Before => to.inst().index().wrapping_sub(1),
        InstPosition::After => to.inst().index(),
    };
    let blocks = vcode.blocks_of(from.inst()..InsnIndex::new(last.wrapping_add(1)));
    blocks.filter_map(move |block| {
        let insns = vcode.block_insns(block);
        let first = insns.first().max(from.inst());
        let start = if first == from.inst() && from.pos() == InstPosition::After {
            places.after(first)?
        } else {
            places.before(first)?
        };
        let end = places.after(InsnIndex::new(last.min(insns.last().index())))?;
        Some((start, end))
    })
}
