//! Choosing the form of each label use.
//!
//! Every use starts in its shortest form. In rounds, the offsets that follow from the present forms are computed, and each
//! use that does not reach its label takes the next form that does. Forms only ever grow, so this ends, nearly always after
//! two or three rounds; but code can be written in which each round lets just one more branch grow.
//!
//! So after [`MAX_ROUNDS`] a last round judges distances as if every use had its *largest* form. The distance between two
//! places grows with the forms of the uses between them, so a form that reaches then reaches whatever the others do, and no
//! further round is needed. The time is linear in the number of uses, and only code that needs more rounds than any real
//! program is longer than it must be.

use super::{LabelPlace, LabelUse, LabelUseForm, MachInstLabelUse, MachLabel, Place};
use alloc::vec::Vec;

/// How many rounds look for the shortest forms before the last one settles the rest.
const MAX_ROUNDS: u32 = 16;

/// Where everything lies, for one choice of forms.
pub(super) struct Layout {
    /// For each label use, the bytes of all uses in front of it; and of all uses, at the end.
    grown: Vec<u32>,
    code_size: u32,
    data_start: u32,
}

impl Layout {
    fn new(num_uses: usize) -> Self {
        Self {
            grown: Vec::with_capacity(num_uses + 1),
            code_size: 0,
            data_start: 0,
        }
    }

    /// Lays out code of `bytes` bytes whose uses have the sizes that `size` tells.
    fn compute<L>(
        &mut self,
        uses: &[LabelUse<L>],
        bytes: usize,
        data_alignment: u32,
        size: impl Fn(&LabelUse<L>) -> u8,
    ) {
        self.grown.clear();
        let mut grown = 0;
        for label_use in uses {
            self.grown.push(grown);
            grown += u32::from(size(label_use));
        }
        self.grown.push(grown);
        self.code_size = bytes as u32 + grown;
        self.data_start = self.code_size.next_multiple_of(data_alignment);
    }

    /// The offset of a place.
    pub(super) fn offset(&self, place: Place) -> u32 {
        place.bytes + self.grown[place.uses as usize]
    }

    /// The offset of the label use number `index`, which has `bytes` bytes in front of it.
    pub(super) fn use_offset(&self, index: usize, bytes: u32) -> u32 {
        bytes + self.grown[index]
    }

    /// The offset of a label.
    pub(super) fn label_offset(&self, labels: &[LabelPlace], label: MachLabel) -> u32 {
        let mut label = label;
        loop {
            match labels[label.index()] {
                LabelPlace::Code(place) => return self.offset(place),
                LabelPlace::Data(offset) => return self.data_start + offset,
                LabelPlace::Alias(target) => label = target,
                LabelPlace::Unbound => panic!("{label:?} was never bound"),
            }
        }
    }

    /// The bytes of code, without data.
    pub(super) fn code_size(&self) -> u32 {
        self.code_size
    }

    /// Where the data start.
    pub(super) fn data_start(&self) -> u32 {
        self.data_start
    }
}

/// Sets the form of each use, and returns the layout that results.
pub(super) fn relax<L: MachInstLabelUse>(
    uses: &mut [LabelUse<L>],
    labels: &[LabelPlace],
    bytes: usize,
    data_alignment: u32,
) -> Layout {
    let mut layout = Layout::new(uses.len());
    for _ in 0..MAX_ROUNDS {
        layout.compute(uses, bytes, data_alignment, |label_use| {
            form(label_use).size
        });
        if !grow(uses, labels, &layout) {
            return layout;
        }
    }
    layout.compute(uses, bytes, data_alignment, |label_use| {
        largest(label_use).size
    });
    grow(uses, labels, &layout);
    layout.compute(uses, bytes, data_alignment, |label_use| {
        form(label_use).size
    });
    layout
}

fn form<L: MachInstLabelUse>(label_use: &LabelUse<L>) -> LabelUseForm {
    label_use.kind.forms()[usize::from(label_use.form)]
}

fn largest<L: MachInstLabelUse>(label_use: &LabelUse<L>) -> LabelUseForm {
    *label_use.kind.forms().last().expect("a use has a form")
}

/// Gives each use that does not reach its label in `layout` the next form that does. Tells whether there were any.
fn grow<L: MachInstLabelUse>(
    uses: &mut [LabelUse<L>],
    labels: &[LabelPlace],
    layout: &Layout,
) -> bool {
    let mut changed = false;
    for (index, label_use) in uses.iter_mut().enumerate() {
        let start = layout.use_offset(index, label_use.bytes);
        let target = layout.label_offset(labels, label_use.label);
        let distance = target.wrapping_sub(start) as i32;
        while !form(label_use).reaches(distance) {
            label_use.form += 1;
            changed = true;
        }
    }
    changed
}
