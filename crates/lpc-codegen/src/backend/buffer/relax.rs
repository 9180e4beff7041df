//! Choosing the form of each label use.
//!
//! Every use starts in the shortest form that it can take. In rounds, the offsets that follow from the present forms are computed, and each
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// A branch of 4 bytes that reaches 100 forwards, or of 8 that reaches everything.
    #[derive(Clone, Debug)]
    struct Branch;

    const FORMS: [LabelUseForm; 2] = [
        LabelUseForm {
            size: 4,
            min: -100,
            max: 100,
        },
        LabelUseForm {
            size: 8,
            min: i32::MIN,
            max: i32::MAX,
        },
    ];

    impl MachInstLabelUse for Branch {
        type Info = ();

        fn forms(&self) -> &'static [LabelUseForm] {
            &FORMS
        }

        fn first_form(&self, _info: &()) -> u8 {
            0
        }

        fn encode(&self, _form: u8, _distance: i32, _info: &(), _code: &mut Vec<u8>) {
            unreachable!("nothing is encoded here")
        }
    }

    /// A chain of branches with `between` bytes behind each, each of which leads to the place behind the bytes that follow
    /// the next one; the last leads `last` bytes ahead of itself.
    fn chain(length: u32, between: u32, last: u32) -> (Vec<LabelUse<Branch>>, Vec<LabelPlace>) {
        let uses = (0..length).map(|index| LabelUse {
            bytes: index * between,
            label: MachLabel(index),
            form: 0,
            kind: Branch,
        });
        let place = |bytes, uses| LabelPlace::Code(Place { bytes, uses });
        let mut labels: Vec<_> = (0..length)
            .map(|index| place((index + 2) * between, index + 2))
            .collect();
        labels[length as usize - 1] = place((length - 1) * between + last, length);
        (uses.collect(), labels)
    }

    fn relaxed_forms(length: u32, between: u32, last: u32) -> Vec<u8> {
        let (mut uses, labels) = chain(length, between, last);
        let bytes = (length * between + last) as usize;
        let layout = relax(&mut uses, &labels, bytes, 1);
        let sizes = uses.iter().map(|label_use| u32::from(form(label_use).size));
        assert_eq!(layout.code_size(), bytes as u32 + sizes.sum::<u32>());
        for (index, label_use) in uses.iter().enumerate() {
            let start = layout.use_offset(index, label_use.bytes);
            let target = layout.label_offset(&labels, label_use.label);
            assert!(form(label_use).reaches((target - start) as i32), "{index}");
        }
        uses.iter().map(|label_use| label_use.form).collect()
    }

    #[test]
    fn what_reaches_stays_short() {
        // The distance is two branches and twice what is between: 8 + 92.
        assert_eq!(relaxed_forms(50, 46, 96), vec![0; 50]);
        assert_eq!(relaxed_forms(3, 46, 97), [1, 1, 1]);
        assert_eq!(relaxed_forms(3, 44, 97), [0, 0, 1]);
    }

    /// Each branch is out of reach only because the next one has grown: a chain that is longer than there are rounds.
    #[test]
    fn growth_spreads_through_a_chain_of_any_length() {
        assert_eq!(relaxed_forms(10, 46, 97), vec![1; 10]);
        assert_eq!(relaxed_forms(10_000, 46, 97), vec![1; 10_000]);
    }

    #[test]
    fn places_are_counted_with_the_uses_in_front_of_them() {
        let (mut uses, labels) = chain(2, 46, 97);
        let layout = relax(&mut uses, &labels, 200, 16);
        assert_eq!(layout.use_offset(1, 46), 46 + 8);
        assert_eq!(layout.offset(Place { bytes: 46, uses: 1 }), 46 + 8);
        assert_eq!(layout.offset(Place { bytes: 46, uses: 2 }), 46 + 16);
        assert_eq!((layout.code_size(), layout.data_start()), (216, 224));
        assert_eq!(
            layout.label_offset(&[LabelPlace::Data(8)], MachLabel(0)),
            232
        );
        let alias = [LabelPlace::Alias(MachLabel(1)), LabelPlace::Data(0)];
        assert_eq!(layout.label_offset(&alias, MachLabel(0)), 224);
    }
}
