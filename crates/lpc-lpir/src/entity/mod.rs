//! Entities: densely numbered references, and the flat tables that are indexed by them.
//!
//! An entity reference is a `u32` in a type of its own, so that a block cannot be taken for a value. [`PrimaryMap`] hands
//! out the numbers; [`SecondaryMap`] attaches further data to numbers that a primary map handed out; [`EntityList`] stores
//! short lists of entities in one shared [`ListPool`], and [`SingleOrList`] those that mostly have a single element;
//! [`PackedOption`] is an optional reference in four bytes.

mod list;
mod map;
mod packed_option;
mod single_or_list;

pub use list::{EntityList, ListPool};
pub use map::{Keys, PrimaryMap, SecondaryMap};
pub use packed_option::PackedOption;
pub use single_or_list::SingleOrList;

use crate::heap::{Heap, HeapError};
use alloc::vec::Vec;

/// A densely numbered reference into a table.
///
/// The number `u32::MAX` is reserved: it is what an empty [`PackedOption`] holds and never names an entity.
pub trait EntityRef: Copy + Eq {
    /// The reference with the number `index`.
    ///
    /// # Panics
    /// When `index` does not fit: a table of four thousand million entries cannot be built from any accepted input.
    fn new(index: usize) -> Self;

    /// The number of this reference.
    fn index(self) -> usize;
}

/// Makes room for `additional` elements, and for a fourth of those that there are at least, so that each is moved a few times only.
/// `Vec` by itself doubles its room: of a table in the scarce memory of a chip, up to half would be unused.
#[cfg_attr(target_os = "none", inline(never))]
fn make_room<T>(elements: &mut Vec<T>, additional: usize) {
    elements.reserve_exact(growth(elements.len(), elements.capacity(), additional));
}

/// As [`make_room`], in memory of `heap`.
fn make_room_in<T>(
    elements: &mut Vec<T>,
    additional: usize,
    heap: &mut Heap,
) -> Result<(), HeapError> {
    let growth = growth(elements.len(), elements.capacity(), additional);
    heap.reserve(elements, growth)
}

#[cfg_attr(target_os = "none", inline(never))]
fn growth(len: usize, capacity: usize, additional: usize) -> usize {
    match capacity - len < additional {
        true => additional.max(len / 4).max(4),
        false => 0,
    }
}

/// Defines an entity reference whose `Display` is a prefix and its number, as in the text form.
#[macro_export]
macro_rules! entity_impl {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $crate::entity::EntityRef for $name {
            #[inline]
            fn new(index: usize) -> Self {
                assert!(index < u32::MAX as usize, "entity number out of range");
                Self(index as u32)
            }

            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl $name {
            /// The reference with the number `number`, or `None` for the reserved number `u32::MAX`.
            pub const fn with_number(number: u32) -> Option<Self> {
                if number < u32::MAX { Some(Self(number)) } else { None }
            }

            /// The reference with the number `number`; `u32::MAX` is reserved and names no entity.
            #[inline]
            pub const fn from_u32(number: u32) -> Self {
                Self(number)
            }

            /// The number of this reference.
            #[inline]
            pub const fn as_u32(self) -> u32 {
                self.0
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }
    };
}
