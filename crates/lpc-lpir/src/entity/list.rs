//! Short lists of entities, stored in one shared pool.
//!
//! A list is four bytes where it stands; its elements live in a [`ListPool`], in a block whose capacity is a power of two.
//! The pool keeps freed blocks on a free list per capacity, so lists that grow and shrink do not leak.
//!
//! ```text
//!  EntityList ─► [ length | e0 | e1 | e2 | … unused … ]     2, 4, 8, … words
//! ```

use super::{EntityRef, make_room, make_room_in};
use crate::heap::{Heap, HeapError, bytes_of};
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

/// The words of the smallest block: a length and an element, as most branches have no arguments.
const SMALLEST_BLOCK: usize = 2;

/// Backing storage of [`EntityList`]s.
#[derive(Clone, Debug)]
pub struct ListPool<T> {
    words: Vec<u32>,
    /// For each size class, the index of the first free block plus one, or zero. A free block holds the next such link.
    free: Vec<u32>,
    entity: PhantomData<T>,
}

/// A list of entities. An empty list takes nothing from the pool.
///
/// Copying the handle does not copy the elements: the two handles then share them until one is changed, after which only
/// the changed one may be used.
pub struct EntityList<T> {
    /// The index in the pool of the first element (the length stands before it), or zero for an empty list.
    start: u32,
    entity: PhantomData<T>,
}

impl<T> ListPool<T> {
    /// An empty pool.
    pub const fn new() -> Self {
        Self {
            words: Vec::new(),
            free: Vec::new(),
            entity: PhantomData,
        }
    }

    /// Gives back the memory that the pool has too much.
    pub fn shrink_to_fit(&mut self) {
        self.words.shrink_to_fit();
    }

    /// The bytes that the pool has taken.
    pub fn heap_bytes(&self) -> usize {
        bytes_of(&self.words) + bytes_of(&self.free)
    }

    /// Empties the pool and keeps the memory. All lists in it become invalid.
    pub fn clear(&mut self) {
        self.words.clear();
        self.free.clear();
    }

    /// Makes room for one more list of `len` elements, all at once or one by one, in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn reserve_in(&mut self, len: usize, heap: &mut Heap) -> Result<(), HeapError> {
        if len == 0 {
            return Ok(());
        }
        // One by one, it has been in a block of each smaller class, which is free afterwards.
        let class = class_for(len) as usize;
        let smaller = class.saturating_sub(self.free.len());
        heap.reserve(&mut self.free, smaller)?;
        make_room_in(
            &mut self.words,
            (SMALLEST_BLOCK << (class + 1)) - SMALLEST_BLOCK,
            heap,
        )
    }

    fn allocate(&mut self, class: u32) -> usize {
        let head = self.free.get(class as usize).copied().unwrap_or(0);
        if head != 0 {
            let block = head as usize - 1;
            self.free[class as usize] = self.words[block];
            return block;
        }
        let block = self.words.len();
        let size = SMALLEST_BLOCK << class;
        make_room(&mut self.words, size);
        self.words.resize(block + size, 0);
        block
    }

    fn release(&mut self, block: usize, class: u32) {
        if self.free.len() <= class as usize {
            self.free.resize(class as usize + 1, 0);
        }
        self.words[block] = self.free[class as usize];
        self.free[class as usize] = block as u32 + 1;
    }
}

impl<T> Default for ListPool<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The size class of a list of `len` elements: the block has `SMALLEST_BLOCK << class` words.
fn class_for(len: usize) -> u32 {
    let mut class = 0;
    while SMALLEST_BLOCK << class <= len {
        class += 1;
    }
    class
}

impl<T: EntityRef> EntityList<T> {
    /// The empty list.
    pub const fn new() -> Self {
        Self {
            start: 0,
            entity: PhantomData,
        }
    }

    /// A new list with the elements of `items`.
    pub fn from_iter(items: impl IntoIterator<Item = T>, pool: &mut ListPool<T>) -> Self {
        let mut list = Self::new();
        for item in items {
            list.push(item, pool);
        }
        list
    }

    /// A new list with the elements of `items`.
    pub fn from_slice(items: &[T], pool: &mut ListPool<T>) -> Self {
        let mut list = Self::new();
        if !items.is_empty() {
            list.start = pool.allocate(class_for(items.len())) as u32 + 1;
            list.set_len(items.len(), pool);
            for (index, &item) in items.iter().enumerate() {
                list.set(index, item, pool);
            }
        }
        list
    }

    /// Whether the list has no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == 0
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self, pool: &ListPool<T>) -> usize {
        match self.start {
            0 => 0,
            start => pool.words[start as usize - 1] as usize,
        }
    }

    /// The element at `index`.
    #[inline]
    pub fn get(&self, index: usize, pool: &ListPool<T>) -> Option<T> {
        (index < self.len(pool)).then(|| T::new(pool.words[self.start as usize + index] as usize))
    }

    /// The first element.
    #[inline]
    pub fn first(&self, pool: &ListPool<T>) -> Option<T> {
        self.get(0, pool)
    }

    /// The elements, in order. Any of them is found at once with `nth`.
    #[inline]
    pub fn iter<'a>(
        &self,
        pool: &'a ListPool<T>,
    ) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + Clone + use<'a, T> {
        Elements::of(self.words(pool))
    }

    /// The numbers of the elements.
    #[inline]
    pub(super) fn words(self, pool: &ListPool<T>) -> &[u32] {
        let start = self.start as usize;
        &pool.words[start..start + self.len(pool)]
    }

    /// The four bytes of the list.
    pub(super) const fn word(self) -> u32 {
        self.start
    }

    /// The list whose four bytes are `word`.
    #[inline]
    pub(super) const fn from_word(word: u32) -> Self {
        Self {
            start: word,
            entity: PhantomData,
        }
    }

    /// Overwrites the element at `index`.
    ///
    /// # Panics
    /// When the list is not that long.
    pub fn set(&mut self, index: usize, item: T, pool: &mut ListPool<T>) {
        assert!(index < self.len(pool), "list index out of range");
        pool.words[self.start as usize + index] = item.index() as u32;
    }

    /// Appends `item`.
    pub fn push(&mut self, item: T, pool: &mut ListPool<T>) {
        let len = self.len(pool);
        if self.start == 0 {
            self.start = pool.allocate(class_for(1)) as u32 + 1;
        } else if class_for(len + 1) != class_for(len) {
            self.move_to_class(len, class_for(len + 1), pool);
        }
        self.set_len(len + 1, pool);
        self.set(len, item, pool);
    }

    /// Removes the element at `index`; those behind it move up.
    pub fn remove(&mut self, index: usize, pool: &mut ListPool<T>) {
        let len = self.len(pool);
        assert!(index < len, "list index out of range");
        let start = self.start as usize;
        pool.words
            .copy_within(start + index + 1..start + len, start + index);
        self.truncate(len - 1, pool);
    }

    /// Shortens the list to its first `new_len` elements.
    pub fn truncate(&mut self, new_len: usize, pool: &mut ListPool<T>) {
        let len = self.len(pool);
        if new_len >= len {
            return;
        }
        if new_len == 0 {
            self.clear(pool);
            return;
        }
        if class_for(new_len) != class_for(len) {
            self.move_to_class(new_len, class_for(new_len), pool);
        }
        self.set_len(new_len, pool);
    }

    /// Empties the list and gives its memory back to the pool.
    pub fn clear(&mut self, pool: &mut ListPool<T>) {
        if self.start != 0 {
            let class = class_for(self.len(pool));
            pool.release(self.start as usize - 1, class);
            self.start = 0;
        }
    }

    /// A list of its own with the same elements.
    pub fn deep_clone(&self, pool: &mut ListPool<T>) -> Self {
        if self.start == 0 {
            return Self::new();
        }
        let len = self.len(pool);
        let block = pool.allocate(class_for(len));
        let source = self.start as usize - 1;
        pool.words.copy_within(source..source + 1 + len, block);
        Self {
            start: block as u32 + 1,
            entity: PhantomData,
        }
    }

    fn set_len(&mut self, len: usize, pool: &mut ListPool<T>) {
        pool.words[self.start as usize - 1] = len as u32;
    }

    /// Moves the first `keep` elements to a new block of size class `class`.
    fn move_to_class(&mut self, keep: usize, class: u32, pool: &mut ListPool<T>) {
        let old_block = self.start as usize - 1;
        let old_class = class_for(self.len(pool));
        let block = pool.allocate(class);
        pool.words
            .copy_within(old_block..old_block + 1 + keep, block);
        pool.release(old_block, old_class);
        self.start = block as u32 + 1;
    }
}

/// The elements of a list.
pub(super) struct Elements<'a, T> {
    words: core::slice::Iter<'a, u32>,
    entity: PhantomData<T>,
}

impl<'a, T> Elements<'a, T> {
    /// The elements whose numbers are `words`.
    #[inline]
    pub(super) fn of(words: &'a [u32]) -> Self {
        Self {
            words: words.iter(),
            entity: PhantomData,
        }
    }
}

impl<T: EntityRef> Iterator for Elements<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.words.next().map(|&word| T::new(word as usize))
    }

    #[inline]
    fn nth(&mut self, index: usize) -> Option<T> {
        self.words.nth(index).map(|&word| T::new(word as usize))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.words.size_hint()
    }
}

impl<T: EntityRef> DoubleEndedIterator for Elements<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        self.words.next_back().map(|&word| T::new(word as usize))
    }
}

impl<T: EntityRef> ExactSizeIterator for Elements<'_, T> {}

impl<T> Clone for Elements<'_, T> {
    fn clone(&self) -> Self {
        Self {
            words: self.words.clone(),
            entity: PhantomData,
        }
    }
}

impl<T: EntityRef> Default for EntityList<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for EntityList<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for EntityList<T> {}

impl<T> fmt::Debug for EntityList<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "list@{}", self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Value;

    fn values(range: core::ops::Range<u32>) -> Vec<Value> {
        range.map(Value::from_u32).collect()
    }

    #[test]
    fn push_and_read_across_size_classes() {
        let mut pool = ListPool::new();
        let mut list = EntityList::new();
        for (index, value) in values(0..100).into_iter().enumerate() {
            list.push(value, &mut pool);
            assert_eq!(list.len(&pool), index + 1);
            assert_eq!(list.get(index, &pool), Some(value));
        }
        assert_eq!(list.iter(&pool).collect::<Vec<_>>(), values(0..100));
        assert_eq!(list.get(100, &pool), None);
    }

    #[test]
    fn from_slice_then_push_keeps_all() {
        for len in 0..20 {
            let mut pool = ListPool::new();
            let mut list = EntityList::from_slice(&values(0..len), &mut pool);
            list.push(Value::from_u32(len), &mut pool);
            assert_eq!(list.iter(&pool).collect::<Vec<_>>(), values(0..len + 1));
        }
    }

    #[test]
    fn lists_fit_the_room_that_was_made_for_them() {
        for len in 0..100 {
            let mut pool = ListPool::new();
            let mut heap = Heap::unlimited();
            pool.reserve_in(len as usize, &mut heap).unwrap();
            let room = (pool.words.capacity(), pool.free.capacity());
            EntityList::from_iter(values(0..len), &mut pool);
            assert_eq!((pool.words.capacity(), pool.free.capacity()), room);
            assert_eq!(pool.heap_bytes(), heap.used());
        }
    }

    #[test]
    fn freed_blocks_are_used_again() {
        let mut pool = ListPool::new();
        let mut list = EntityList::from_slice(&values(0..3), &mut pool);
        let words = pool.words.len();
        list.clear(&mut pool);
        assert!(list.is_empty());
        let again = EntityList::from_slice(&values(5..8), &mut pool);
        assert_eq!(pool.words.len(), words);
        assert_eq!(again.iter(&pool).collect::<Vec<_>>(), values(5..8));
    }

    #[test]
    fn remove_truncate_and_deep_clone() {
        let mut pool = ListPool::new();
        let mut list = EntityList::from_slice(&values(0..9), &mut pool);
        let copy = list.deep_clone(&mut pool);
        list.remove(0, &mut pool);
        assert_eq!(list.iter(&pool).collect::<Vec<_>>(), values(1..9));
        list.truncate(2, &mut pool);
        assert_eq!(list.iter(&pool).collect::<Vec<_>>(), values(1..3));
        list.truncate(0, &mut pool);
        assert!(list.is_empty());
        assert_eq!(copy.iter(&pool).collect::<Vec<_>>(), values(0..9));
    }
}
