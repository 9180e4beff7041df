//! Lists of entities that have a single element in most cases.
//!
//! ```text
//!  no element      ffff_ffff
//!  one             its number                             the pool has nothing of it
//!  more            the list in the pool, with the top bit
//! ```

use super::list::Elements;
use super::{EntityList, EntityRef, ListPool};
use core::marker::PhantomData;
use core::slice;

/// A list of entities in four bytes, that takes something from the pool only if it has several elements.
///
/// Entities have numbers below 2³¹ here: those of a function that has more do not fit into memory.
#[derive(Clone, Copy, Debug)]
pub struct SingleOrList<T> {
    word: u32,
    entity: PhantomData<T>,
}

/// The word of an empty list.
const EMPTY: u32 = u32::MAX;

/// Marks the word of a list in the pool.
const IN_POOL: u32 = 1 << 31;

impl<T: EntityRef> SingleOrList<T> {
    /// The empty list.
    pub const fn new() -> Self {
        Self {
            word: EMPTY,
            entity: PhantomData,
        }
    }

    /// Whether the list has no elements.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.word == EMPTY
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self, pool: &ListPool<T>) -> usize {
        self.words(pool).len()
    }

    /// The first element.
    #[inline]
    pub fn first(&self, pool: &ListPool<T>) -> Option<T> {
        self.iter(pool).next()
    }

    /// The elements, in order. Any of them is found at once with `nth`.
    #[inline]
    pub fn iter<'a>(
        &'a self,
        pool: &'a ListPool<T>,
    ) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + Clone + use<'a, T> {
        Elements::of(self.words(pool))
    }

    /// Appends `item`.
    pub fn push(&mut self, item: T, pool: &mut ListPool<T>) {
        let word = item.index() as u32;
        debug_assert!(word & IN_POOL == 0, "entities have numbers below 2^31");
        if self.is_empty() {
            self.word = word;
            return;
        }
        let mut list = EntityList::new();
        if self.word & IN_POOL == 0 {
            list.push(T::new(self.word as usize), pool);
        } else {
            list = EntityList::from_word(self.word & !IN_POOL);
        }
        list.push(item, pool);
        self.word = list.word() | IN_POOL;
    }

    #[inline]
    fn words<'a>(&'a self, pool: &'a ListPool<T>) -> &'a [u32] {
        if self.word & IN_POOL == 0 {
            slice::from_ref(&self.word)
        } else if self.is_empty() {
            &[]
        } else {
            EntityList::from_word(self.word & !IN_POOL).words(pool)
        }
    }
}

impl<T: EntityRef> Default for SingleOrList<T> {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Value;
    use alloc::vec::Vec;

    #[test]
    fn elements_stay_in_their_order_as_the_list_grows() {
        let mut pool = ListPool::new();
        let mut list = SingleOrList::new();
        let mut expected = Vec::new();
        for number in (0..6).rev() {
            assert_eq!(list.is_empty(), expected.is_empty());
            assert_eq!(list.len(&pool), expected.len());
            assert_eq!(list.first(&pool), expected.first().copied());
            assert_eq!(list.iter(&pool).collect::<Vec<_>>(), expected);
            list.push(Value::from_u32(number), &mut pool);
            expected.push(Value::from_u32(number));
        }
        assert_eq!(list.iter(&pool).nth(4), Some(Value::from_u32(1)));
    }

    #[test]
    fn a_single_element_takes_nothing_from_the_pool() {
        let mut pool = ListPool::new();
        let mut list = SingleOrList::new();
        list.push(Value::from_u32(7), &mut pool);
        assert_eq!(pool.heap_bytes(), 0);
        assert_eq!(size_of_val(&list), 4);
        list.push(Value::from_u32(8), &mut pool);
        assert_ne!(pool.heap_bytes(), 0);
    }
}
