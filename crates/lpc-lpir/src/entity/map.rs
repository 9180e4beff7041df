//! Tables indexed by entity references.

use super::{EntityRef, make_room, make_room_in};
use crate::heap::{Heap, HeapError, ROOM, bytes_of, pad};
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Index, IndexMut, Range};

/// The table that owns entities of type `K`: pushing a datum hands out the next reference.
#[derive(Clone)]
pub struct PrimaryMap<K: EntityRef, V> {
    elements: Vec<V>,
    key: PhantomData<K>,
}

impl<K: EntityRef, V> PrimaryMap<K, V> {
    /// An empty table.
    pub const fn new() -> Self {
        Self {
            elements: Vec::new(),
            key: PhantomData,
        }
    }

    /// Appends `value` and returns its reference.
    #[inline]
    pub fn push(&mut self, value: V) -> K {
        let key = self.next_key();
        if self.elements.len() == self.elements.capacity() {
            make_room(&mut self.elements, 1);
            assert!(self.elements.len() < self.elements.capacity(), "{ROOM}");
        }
        self.elements.push(value);
        key
    }

    /// As [`Self::push`], in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn push_in(&mut self, value: V, heap: &mut Heap) -> Result<K, HeapError> {
        make_room_in(&mut self.elements, 1, heap)?;
        Ok(self.push(value))
    }

    /// The reference that the next `push` will return.
    #[inline]
    pub fn next_key(&self) -> K {
        K::new(self.elements.len())
    }

    /// The datum of `key`, if this table has handed out such a reference.
    #[inline]
    pub fn get(&self, key: K) -> Option<&V> {
        self.elements.get(key.index())
    }

    /// Whether this table has handed out `key`.
    #[inline]
    pub fn is_valid(&self, key: K) -> bool {
        key.index() < self.elements.len()
    }

    /// The number of entities.
    #[inline]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are no entities.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// All references, in the order of their numbers.
    pub fn keys(&self) -> Keys<K> {
        Keys {
            range: 0..self.elements.len(),
            key: PhantomData,
        }
    }

    /// All data, in the order of their numbers.
    pub fn values(&self) -> core::slice::Iter<'_, V> {
        self.elements.iter()
    }

    /// All data, mutably.
    pub fn values_mut(&mut self) -> core::slice::IterMut<'_, V> {
        self.elements.iter_mut()
    }

    /// All references with their data.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.keys().zip(self.values())
    }

    /// All data, in the order of their numbers, by value.
    pub fn into_values(self) -> alloc::vec::IntoIter<V> {
        self.elements.into_iter()
    }

    /// Forgets all entities and keeps the memory.
    pub fn clear(&mut self) {
        self.elements.clear();
    }

    /// Makes room for `additional` more entities, and for no more, in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn reserve_in(&mut self, additional: usize, heap: &mut Heap) -> Result<(), HeapError> {
        heap.reserve(&mut self.elements, additional)
    }

    /// Gives back the memory that the table has too much.
    pub fn shrink_to_fit(&mut self) {
        self.elements.shrink_to_fit();
    }

    /// The bytes that the table has taken.
    pub fn heap_bytes(&self) -> usize {
        bytes_of(&self.elements)
    }
}

impl<K: EntityRef, V> Default for PrimaryMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: EntityRef, V> Index<K> for PrimaryMap<K, V> {
    type Output = V;

    #[inline]
    fn index(&self, key: K) -> &V {
        &self.elements[key.index()]
    }
}

impl<K: EntityRef, V> IndexMut<K> for PrimaryMap<K, V> {
    #[inline]
    fn index_mut(&mut self, key: K) -> &mut V {
        &mut self.elements[key.index()]
    }
}

impl<K: EntityRef + fmt::Debug, V: fmt::Debug> fmt::Debug for PrimaryMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A table of further data about entities that a [`PrimaryMap`] owns.
///
/// Every reference has a datum: one that was never written reads as the default.
#[derive(Clone)]
pub struct SecondaryMap<K: EntityRef, V: Clone> {
    elements: Vec<V>,
    default: V,
    key: PhantomData<K>,
}

impl<K: EntityRef, V: Clone> SecondaryMap<K, V> {
    /// A table in which every entity has the datum `V::default()`.
    pub fn new() -> Self
    where
        V: Default,
    {
        Self::with_default(V::default())
    }

    /// A table in which every entity has the datum `default`.
    pub const fn with_default(default: V) -> Self {
        Self {
            elements: Vec::new(),
            default,
            key: PhantomData,
        }
    }

    /// Makes the table hold `len` elements, so that writing one of them does not move the others.
    pub fn resize(&mut self, len: usize) {
        self.elements.resize(len, self.default.clone());
    }

    /// Makes room for `len` elements that are not written yet, in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn reserve_in(&mut self, len: usize, heap: &mut Heap) -> Result<(), HeapError> {
        let additional = len.saturating_sub(self.elements.len());
        heap.reserve(&mut self.elements, additional)
    }

    /// Makes the table hold `len` elements at least, in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn resize_in(&mut self, len: usize, heap: &mut Heap) -> Result<(), HeapError> {
        self.reserve_in(len, heap)?;
        pad(&mut self.elements, &self.default, len);
        Ok(())
    }

    /// Gives back the memory that the table has too much.
    pub fn shrink_to_fit(&mut self) {
        self.elements.shrink_to_fit();
    }

    /// The bytes that the table has taken.
    pub fn heap_bytes(&self) -> usize {
        bytes_of(&self.elements)
    }

    /// Sets every datum back to the default and keeps the memory.
    pub fn clear(&mut self) {
        self.elements.clear();
    }

    /// How many data are stored: one more than the highest number that was ever written.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The element at `index`, which is not there yet.
    #[cold]
    #[inline(never)]
    fn grow_for(&mut self, index: usize) -> &mut V {
        let additional = index + 1 - self.elements.len();
        make_room(&mut self.elements, additional);
        pad(&mut self.elements, &self.default, index + 1);
        &mut self.elements[index]
    }
}

impl<K: EntityRef, V: Clone + Default> Default for SecondaryMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: EntityRef, V: Clone> Index<K> for SecondaryMap<K, V> {
    type Output = V;

    #[inline]
    fn index(&self, key: K) -> &V {
        self.elements.get(key.index()).unwrap_or(&self.default)
    }
}

impl<K: EntityRef, V: Clone> IndexMut<K> for SecondaryMap<K, V> {
    #[inline]
    fn index_mut(&mut self, key: K) -> &mut V {
        let index = key.index();
        if index < self.elements.len() {
            return &mut self.elements[index];
        }
        self.grow_for(index)
    }
}

impl<K: EntityRef, V: Clone + fmt::Debug> fmt::Debug for SecondaryMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.elements).finish()
    }
}

/// The references of a [`PrimaryMap`], in order.
#[derive(Clone)]
pub struct Keys<K> {
    range: Range<usize>,
    key: PhantomData<K>,
}

impl<K: EntityRef> Iterator for Keys<K> {
    type Item = K;

    fn next(&mut self) -> Option<K> {
        self.range.next().map(K::new)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl<K: EntityRef> DoubleEndedIterator for Keys<K> {
    fn next_back(&mut self) -> Option<K> {
        self.range.next_back().map(K::new)
    }
}

impl<K: EntityRef> ExactSizeIterator for Keys<K> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Block;

    #[test]
    fn primary_hands_out_dense_numbers() {
        let mut map = PrimaryMap::<Block, char>::new();
        let a = map.push('a');
        let b = map.push('b');
        assert_eq!((a.as_u32(), b.as_u32()), (0, 1));
        assert_eq!((map[a], map[b]), ('a', 'b'));
        assert!(!map.is_valid(Block::from_u32(2)));
        assert_eq!(map.keys().rev().collect::<Vec<_>>(), [b, a]);
    }

    #[test]
    fn secondary_reads_the_default_where_nothing_was_written() {
        let mut map = SecondaryMap::<Block, u8>::with_default(9);
        map[Block::from_u32(2)] = 1;
        assert_eq!(map[Block::from_u32(0)], 9);
        assert_eq!(map[Block::from_u32(2)], 1);
        assert_eq!(map[Block::from_u32(1000)], 9);
    }
}
