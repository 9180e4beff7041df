//! Choosing the form of each label use, and laying code out.
//!
//! Every use starts in the shortest form that it can take. In rounds, the offsets that follow from the present forms are
//! computed, and each use that does not reach its label takes the next form that does. Forms only ever grow, so this ends,
//! nearly always after two or three rounds; but code can be written in which each round lets just one more branch grow.
//!
//! So after `MAX_ROUNDS` a last round judges distances as if every use had its *largest* form. The distance between two
//! places grows with the forms of the uses between them, so a form that reaches then reaches whatever the others do, and no
//! further round is needed. The time is linear in the number of uses, and only code that needs more rounds than any real
//! program is longer than it must be.
//!
//! Padding that aligns code would break this: it may shrink when code in front of it grows. While forms are chosen it is
//! therefore counted with the most that it may take, and only the last layout, whose distances are no larger, gives it what
//! it needs: [`Padding`].
//!
//! The linker lays out whole modules in the same way: its uses are calls, its labels functions.

use alloc::vec::Vec;
use core::fmt;

/// One way to encode a label use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LabelUseForm {
    /// How many bytes it takes.
    pub size: u8,
    /// The least distance it reaches, from its own start to the label, in bytes. Not positive.
    pub min: i32,
    /// The largest distance it reaches. Not negative.
    pub max: i32,
}

impl LabelUseForm {
    /// A form that reaches every distance.
    pub const fn anywhere(size: u8) -> Self {
        Self {
            size,
            min: i32::MIN,
            max: i32::MAX,
        }
    }

    /// Whether a label at `distance` can be reached.
    pub const fn reaches(&self, distance: i32) -> bool {
        self.min <= distance && distance <= self.max
    }
}

/// What refers to a label, and whose length depends on the distance to it.
pub trait LabelUseForms {
    /// The forms that uses of this kind can take, the shortest first. The last one reaches everything.
    fn forms(&self) -> &'static [LabelUseForm];
}

/// A place in code or data, whose offset is known when everything around it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachLabel(u32);

impl MachLabel {
    /// The label number `index`.
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The number of the label.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for MachLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "label{}", self.0)
    }
}

/// A place in code that is not complete yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The bytes in front of it, without label uses.
    pub bytes: u32,
    /// The label uses in front of it.
    pub uses: u32,
}

/// Where a label is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LabelPlace {
    /// Not known yet.
    Unbound,
    /// In the code.
    Code(Place),
    /// So many bytes from the start of the data.
    Data(u32),
    /// So many bytes from the start of the code, wherever the code ends.
    Absolute(u32),
    /// Where another label is.
    Alias(MachLabel),
}

/// What takes room in the code that depends on where things are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UseKind<L> {
    /// An instruction, or a short sequence, that refers to the label.
    Label(L),
    /// Padding.
    Align(Alignment),
}

/// Padding up to an address that is a multiple of a power of two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alignment {
    /// The power of two, in bytes.
    pub bytes: u32,
    /// What the size of the padding is a multiple of: that of the shortest instruction.
    pub unit: u32,
}

impl Alignment {
    /// The most bytes of padding, given that everything in front is a multiple of the unit.
    pub const fn max_padding(self) -> u32 {
        self.bytes.saturating_sub(self.unit)
    }

    /// The bytes of padding at `offset`.
    pub const fn padding(self, offset: u32) -> u32 {
        offset.next_multiple_of(self.bytes) - offset
    }
}

/// A [`UseKind`] at its place.
#[derive(Clone, Debug)]
pub struct LabelUse<L> {
    /// How many bytes are in front of it.
    pub bytes: u32,
    /// What it refers to.
    pub label: MachLabel,
    /// The number of the form it takes, found by relaxation.
    pub form: u8,
    /// What it is.
    pub kind: UseKind<L>,
}

impl<L: LabelUseForms> LabelUse<L> {
    /// Whether the label can be `distance` bytes away. Padding refers to nothing.
    fn reaches(&self, distance: i32) -> bool {
        match &self.kind {
            UseKind::Label(kind) => kind.forms()[usize::from(self.form)].reaches(distance),
            UseKind::Align(_) => true,
        }
    }

    /// The number of the form that reaches everything.
    fn last_form(&self) -> u8 {
        match &self.kind {
            UseKind::Label(kind) => kind.forms().len() as u8 - 1,
            UseKind::Align(_) => 0,
        }
    }

    /// The most bytes that it may take.
    pub fn largest_size(&self) -> u32 {
        self.size(self.last_form())
    }

    /// The bytes of the form number `form`, and of padding the most that it may take.
    fn size(&self, form: u8) -> u32 {
        match &self.kind {
            UseKind::Label(kind) => kind.forms()[usize::from(form)].size.into(),
            UseKind::Align(alignment) => alignment.max_padding(),
        }
    }
}

/// How much room alignment takes in the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Padding {
    /// What is needed, where the code starts at an address that is a multiple of every alignment in it.
    Exact,
    /// The most that may be needed: whoever moves the code takes away what is too much.
    Largest,
}

/// How many rounds look for the shortest forms before the last one settles the rest.
const MAX_ROUNDS: u32 = 16;

/// How much room uses take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// That of the forms that they have, and of padding the most.
    Forms,
    /// That of the largest forms, and of padding the most.
    Largest,
    /// That of the forms that they have, and of padding what is needed.
    Exact,
}

/// Where everything lies, for one choice of forms.
pub struct Layout {
    /// For each label use, the bytes of all uses in front of it; and of all uses, at the end.
    grown: Vec<u32>,
    code_size: u32,
    data_start: u32,
}

impl Layout {
    /// The layout of nothing, in the memory of `list`, which should have room for one element more than there are uses.
    pub fn new(list: Vec<u32>) -> Self {
        Self {
            grown: list,
            code_size: 0,
            data_start: 0,
        }
    }

    /// Lays out code of `bytes` bytes whose uses take `room`.
    fn compute<L: LabelUseForms>(
        &mut self,
        uses: &[LabelUse<L>],
        bytes: usize,
        data_alignment: u32,
        room: Room,
    ) {
        self.grown.clear();
        let mut grown = 0;
        for label_use in uses {
            self.grown.push(grown);
            grown += match (&label_use.kind, room) {
                (UseKind::Align(alignment), Room::Exact) => {
                    alignment.padding(label_use.bytes + grown)
                }
                (_, Room::Largest) => label_use.largest_size(),
                _ => label_use.size(label_use.form),
            };
        }
        self.grown.push(grown);
        self.code_size = bytes as u32 + grown;
        self.data_start = self.code_size.next_multiple_of(data_alignment);
    }

    /// The offset of a place.
    pub fn offset(&self, place: Place) -> u32 {
        place.bytes + self.grown[place.uses as usize]
    }

    /// The offset of the label use number `index`, which has `bytes` bytes in front of it.
    pub fn use_offset(&self, index: usize, bytes: u32) -> u32 {
        bytes + self.grown[index]
    }

    /// The bytes that the label use number `index` takes.
    pub fn use_size(&self, index: usize) -> u32 {
        self.grown[index + 1] - self.grown[index]
    }

    /// The offset of a label.
    pub fn label_offset(&self, labels: &[LabelPlace], label: MachLabel) -> u32 {
        let mut label = label;
        loop {
            match labels[label.index()] {
                LabelPlace::Code(place) => return self.offset(place),
                LabelPlace::Data(offset) => return self.data_start + offset,
                LabelPlace::Absolute(offset) => return offset,
                LabelPlace::Alias(target) => label = target,
                LabelPlace::Unbound => panic!("{label:?} was never bound"),
            }
        }
    }

    /// The bytes of code, without data.
    pub fn code_size(&self) -> u32 {
        self.code_size
    }

    /// Where the data start.
    pub fn data_start(&self) -> u32 {
        self.data_start
    }
}

/// Sets the form of each use, and returns the layout that results, in the memory of `layout`.
///
/// What is at a fixed place behind the code gets farther away when padding takes less than its most. So the last layout is
/// looked at too, and if a use does not reach then, it grows, and everything is settled again.
pub fn relax<L: LabelUseForms>(
    mut layout: Layout,
    uses: &mut [LabelUse<L>],
    labels: &[LabelPlace],
    bytes: usize,
    data_alignment: u32,
    padding: Padding,
) -> Layout {
    let is_padding = |label_use: &LabelUse<L>| matches!(label_use.kind, UseKind::Align(_));
    let can_shrink = padding == Padding::Exact && uses.iter().any(is_padding);
    let room = match padding {
        Padding::Exact => Room::Exact,
        Padding::Largest => Room::Forms,
    };
    for _ in 0..MAX_ROUNDS {
        let is_settled = settle(&mut layout, uses, labels, bytes, data_alignment);
        if is_settled && !can_shrink {
            return layout;
        }
        layout.compute(uses, bytes, data_alignment, room);
        if !grow(uses, labels, &layout) {
            return layout;
        }
    }
    for label_use in &mut *uses {
        if matches!(label_use.kind, UseKind::Label(_))
            && matches!(labels[label_use.label.index()], LabelPlace::Absolute(_))
        {
            label_use.form = label_use.last_form();
        }
    }
    settle(&mut layout, uses, labels, bytes, data_alignment);
    layout.compute(uses, bytes, data_alignment, room);
    layout
}

/// Lets uses grow until each reaches its label, wherever padding takes the most that it may. Tells whether `layout` is the one
/// for the forms that they have then.
fn settle<L: LabelUseForms>(
    layout: &mut Layout,
    uses: &mut [LabelUse<L>],
    labels: &[LabelPlace],
    bytes: usize,
    data_alignment: u32,
) -> bool {
    for _ in 0..MAX_ROUNDS {
        layout.compute(uses, bytes, data_alignment, Room::Forms);
        if !grow(uses, labels, layout) {
            return true;
        }
    }
    layout.compute(uses, bytes, data_alignment, Room::Largest);
    grow(uses, labels, layout);
    false
}

/// Gives each use that does not reach its label in `layout` the next form that does. Tells whether there were any.
fn grow<L: LabelUseForms>(
    uses: &mut [LabelUse<L>],
    labels: &[LabelPlace],
    layout: &Layout,
) -> bool {
    let mut changed = false;
    for (index, label_use) in uses.iter_mut().enumerate() {
        if matches!(label_use.kind, UseKind::Align(_)) {
            continue;
        }
        let start = layout.use_offset(index, label_use.bytes);
        let target = layout.label_offset(labels, label_use.label);
        let distance = target.wrapping_sub(start) as i32;
        while !label_use.reaches(distance) {
            label_use.form += 1;
            changed = true;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
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

    impl LabelUseForms for Branch {
        fn forms(&self) -> &'static [LabelUseForm] {
            &FORMS
        }
    }

    fn branch(bytes: u32, label: u32) -> LabelUse<Branch> {
        LabelUse {
            bytes,
            label: MachLabel(label),
            form: 0,
            kind: UseKind::Label(Branch),
        }
    }

    fn align(bytes: u32, alignment: u32) -> LabelUse<Branch> {
        let kind = UseKind::Align(Alignment {
            bytes: alignment,
            unit: 2,
        });
        LabelUse {
            kind,
            ..branch(bytes, 0)
        }
    }

    /// A chain of branches with `between` bytes behind each, each of which leads to the place behind the bytes that follow
    /// the next one; the last leads `last` bytes ahead of itself.
    fn chain(length: u32, between: u32, last: u32) -> (Vec<LabelUse<Branch>>, Vec<LabelPlace>) {
        let uses = (0..length).map(|index| branch(index * between, index));
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
        let layout = relax(
            Layout::new(Vec::new()),
            &mut uses,
            &labels,
            bytes,
            1,
            Padding::Exact,
        );
        let sizes = (0..uses.len()).map(|index| layout.use_size(index));
        assert_eq!(layout.code_size(), bytes as u32 + sizes.sum::<u32>());
        for (index, label_use) in uses.iter().enumerate() {
            let start = layout.use_offset(index, label_use.bytes);
            let target = layout.label_offset(&labels, label_use.label);
            assert!(label_use.reaches((target - start) as i32), "{index}");
        }
        uses.iter().map(|label_use| label_use.form).collect()
    }

    #[test]
    fn labels_are_named_by_their_numbers() {
        assert_eq!(format!("{:?}", MachLabel::new(12)), "label12");
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
        let layout = relax(
            Layout::new(Vec::new()),
            &mut uses,
            &labels,
            200,
            16,
            Padding::Exact,
        );
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

    #[test]
    fn padding_is_counted_with_its_most_and_then_takes_what_it_needs() {
        // The padding could be 14 bytes, with which the branch does not reach; it is 8.
        let place = |bytes, uses| LabelPlace::Code(Place { bytes, uses });
        let uses = |between| [branch(0, 0), align(between, 16)];
        for (between, form, offset) in [(82, 0, 96), (83, 1, 96)] {
            let mut uses = uses(between);
            let labels = [place(between, 2)];
            let layout = relax(
                Layout::new(Vec::new()),
                &mut uses,
                &labels,
                100,
                1,
                Padding::Exact,
            );
            assert_eq!(uses[0].form, form, "{between}");
            assert_eq!(layout.label_offset(&labels, MachLabel(0)), offset);
            let layout = relax(
                Layout::new(Vec::new()),
                &mut uses,
                &labels,
                100,
                1,
                Padding::Largest,
            );
            assert_eq!(layout.use_size(1), 14);
        }
    }

    /// Padding in front of a use that is not needed after all brings it down, and away from what is fixed above.
    #[test]
    fn fixed_places_above_the_code_are_reached_from_the_last_layout() {
        for (fixed, form) in [(116, 0), (117, 1), (130, 1)] {
            // Counted with its most, the padding ends at 30; in fact it ends at 16.
            let mut uses = [align(16, 16), branch(16, 0)];
            let labels = [LabelPlace::Absolute(fixed)];
            let layout = relax(
                Layout::new(Vec::new()),
                &mut uses,
                &labels,
                20,
                1,
                Padding::Exact,
            );
            assert_eq!(layout.use_offset(1, 16), 16);
            assert_eq!(uses[1].form, form, "{fixed}");
        }
    }
}
