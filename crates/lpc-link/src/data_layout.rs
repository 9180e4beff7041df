//! Where data objects go: behind the code, by their kinds.

use crate::error::LinkError;
use crate::map::Sections;
use alloc::vec::Vec;
use core::ops::Range;
use lpc_lpir::ir::{DataKind, DataObject};

/// The sections of an image, and where its data objects are in it.
#[derive(Debug)]
pub(crate) struct DataLayout {
    pub(crate) sections: Sections,
    /// For each data object, in bytes from the start of the image.
    pub(crate) offsets: Vec<u32>,
    /// The bytes of the image. More than 32 bits where it does not fit into the address space.
    end: u64,
}

impl DataLayout {
    /// Places `objects`, `count` of them, behind `text_size` bytes of code. The start of every section is a multiple of
    /// `section_alignment`.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(crate) fn new<'a>(
        text_size: u32,
        objects: impl Iterator<Item = &'a DataObject> + Clone,
        section_alignment: u32,
    ) -> Result<Self, LinkError> {
        let count = objects.clone().count();
        let mut offsets = Vec::new();
        offsets.try_reserve_exact(count)?;
        offsets.resize(count, 0);
        let mut layout = Self {
            sections: Sections::default(),
            offsets,
            end: text_size.into(),
        };
        layout.sections.text = 0..text_size;
        let mut place = |kind| layout.place(kind, objects.clone(), section_alignment);
        let read_only = place(DataKind::ReadOnly);
        let writable = place(DataKind::Writable);
        let zeroed = place(DataKind::Zeroed);
        layout.sections = Sections {
            read_only,
            writable,
            zeroed,
            ..layout.sections
        };
        Ok(layout)
    }

    /// Places the data objects of one kind.
    fn place<'a>(
        &mut self,
        kind: DataKind,
        objects: impl Iterator<Item = &'a DataObject> + Clone,
        section_alignment: u32,
    ) -> Range<u32> {
        let of_kind = || {
            let objects = objects.clone().enumerate();
            objects.filter(|(_, object)| object.kind == kind)
        };
        let alignment = of_kind().map(|(_, object)| object.alignment).max();
        let Some(alignment) = alignment else {
            return self.end as u32..self.end as u32;
        };
        let unit = section_unit(kind);
        let alignment = alignment.max(section_alignment).max(unit);
        self.end = self.end.next_multiple_of(alignment.into());
        let start = self.end as u32;
        for (index, object) in of_kind() {
            self.end = self.end.next_multiple_of(object.alignment.into());
            self.offsets[index] = self.end as u32;
            // Different objects have different addresses.
            self.end += u64::from(object.size.max(1));
        }
        self.end = self.end.next_multiple_of(unit.into());
        start..self.end as u32
    }

    /// Checks that an image so laid out can be at the address `base`.
    ///
    /// # Errors
    /// When it does not end within the address space.
    pub(crate) fn check_end(&self, base: u32) -> Result<(), LinkError> {
        // The end has an address too.
        if u64::from(base) + self.end >= 1 << 32 {
            return Err(LinkError::TooLarge);
        }
        Ok(())
    }
}

/// What the address of an image with `objects` must be a multiple of on their account.
pub(crate) fn data_alignment<'a>(objects: impl Iterator<Item = &'a DataObject>) -> u32 {
    let alignments = objects.map(|object| object.alignment.max(section_unit(object.kind)));
    alignments.max().unwrap_or(1)
}

/// What the section of data of this kind starts and ends at a multiple of, whatever is in it.
///
/// To change a byte atomically is to replace the aligned word around it, so a word with writable data must not have anything
/// in it that cannot be written.
pub(crate) const fn section_unit(kind: DataKind) -> u32 {
    match kind {
        DataKind::ReadOnly => 1,
        DataKind::Writable | DataKind::Zeroed => 4,
    }
}
