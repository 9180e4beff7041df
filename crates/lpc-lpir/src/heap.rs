//! Memory that is accounted for, and that may run out without an abort.
//!
//! The collections of `alloc` abort the program when there is no memory. On a small machine that is not acceptable, so the passes of the
//! compiler take the memory of their lists from a [`Heap`], which counts it and refuses what is beyond a limit or not to be had:
//!
//! ```text
//!   heap.vec(n)?               a list for n elements
//!   heap.reserve(&mut list, n)?    room for n more, exactly
//!   heap.push(&mut list, it)       room for it, if need be, and more in advance
//!   heap.free(list)            what is given back before the pass ends
//! ```
//!
//! Pushing within the room that a list has never allocates. So a list either grows here, or had its room made here.
//!
//! A list that grows is moved, and the old and the new one are there at once: both count. What is counted are the bytes that are asked for; what an
//! allocator adds to each block comes on top.
//!
//! **Errors stay.** [`Heap::push`] gives no result, because it is called from hundreds of places that could do nothing with it: what
//! cannot be pushed is left out, and the error is kept. Who calls such code asks [`Heap::check`] behind it, and throws away what came of it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;
use core::ops::{Deref, DerefMut};

/// What memory is taken for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Pass {
    /// Looking at the shape of the function: the control flow graph, dominators, loops, the order of blocks.
    #[default]
    Analysis,
    /// Lowering to instructions of the machine.
    Lowering,
    /// Register allocation.
    RegisterAllocation,
    /// Emission of machine code.
    Emission,
}

impl Pass {
    /// All passes, in order.
    pub const ALL: [Self; 4] = [
        Self::Analysis,
        Self::Lowering,
        Self::RegisterAllocation,
        Self::Emission,
    ];

    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::Lowering => "lowering",
            Self::RegisterAllocation => "register allocation",
            Self::Emission => "emission",
        }
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why there is no memory, for what, and for how many bytes.
///
/// It takes one word, and so does a result that is nothing or this: hundreds of functions return one in a register.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HeapError(NonZeroUsize);

const _: () = assert!(size_of::<Result<(), HeapError>>() == size_of::<usize>());

impl HeapError {
    /// Bit 0 is one in all errors, so that none is zero.
    const OVER_LIMIT: usize = 1 << 1;
    const PASS_SHIFT: u32 = 2;
    const BYTES_SHIFT: u32 = 4;

    /// The most bytes that it can tell of: larger numbers become this one.
    pub const MAX_BYTES: usize = usize::MAX >> Self::BYTES_SHIFT;

    /// It would be more than the limit: `needed` bytes would have been in use, for `pass`.
    pub const fn over_limit(needed: usize, pass: Pass) -> Self {
        Self::new(Self::OVER_LIMIT, needed, pass)
    }

    /// The allocator does not have the `size` bytes that it was asked for, for `pass`.
    pub const fn exhausted(size: usize, pass: Pass) -> Self {
        Self::new(0, size, pass)
    }

    const fn new(kind: usize, bytes: usize, pass: Pass) -> Self {
        let bytes = match bytes < Self::MAX_BYTES {
            true => bytes,
            false => Self::MAX_BYTES,
        };
        let bits = bytes << Self::BYTES_SHIFT | (pass as usize) << Self::PASS_SHIFT | kind;
        Self(NonZeroUsize::MIN.saturating_add(bits))
    }

    /// Whether it would be more than the limit. If not, the allocator has none.
    pub const fn is_over_limit(self) -> bool {
        self.0.get() & Self::OVER_LIMIT != 0
    }

    /// The bytes that would have been in use, if there is a limit, or else those that were asked for.
    pub const fn bytes(self) -> usize {
        self.0.get() >> Self::BYTES_SHIFT
    }

    /// What they are needed for.
    pub const fn pass(self) -> Pass {
        const { assert!(Pass::ALL.len() == 4, "a pass takes two bits") };
        Pass::ALL[self.0.get() >> Self::PASS_SHIFT & (Pass::ALL.len() - 1)]
    }
}

impl fmt::Display for HeapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pass, bytes) = (self.pass(), self.bytes());
        match self.is_over_limit() {
            true => write!(
                f,
                "{pass} needs {bytes} bytes of memory, which is beyond the limit"
            ),
            false => write!(f, "{pass} asked for {bytes} bytes of memory in vain"),
        }
    }
}

impl fmt::Debug for HeapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for HeapError {}

/// A value in a block of memory of its own, as in a [`Box`], that [`Heap::boxed`] makes without an abort.
///
/// A list of one element: that is how a box is made of memory that was asked for before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Boxed<T>(Box<[T; 1]>);

impl<T> From<T> for Boxed<T> {
    /// Aborts where there is no memory, as [`Box::new`].
    fn from(value: T) -> Self {
        Self(Box::new([value]))
    }
}

impl<T> Deref for Boxed<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        let [value] = &*self.0;
        value
    }
}

impl<T> DerefMut for Boxed<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        let [value] = &mut *self.0;
        value
    }
}

/// Where memory comes from, and how much has been taken. See the [module](self).
#[derive(Clone, Debug)]
pub struct Heap {
    limit: usize,
    used: usize,
    /// The part of `used` that is in boxes.
    boxed: usize,
    pass: Pass,
    /// The most that was in use in each pass.
    peaks: [usize; Pass::ALL.len()],
    error: Option<HeapError>,
    /// The list that is moved or was last.
    moved: Moved,
}

/// The bytes of a list before and after it has grown.
#[derive(Clone, Copy, Debug)]
struct Moved {
    old: usize,
    new: usize,
}

/// For how many more elements a list gets room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Growth {
    /// For as many as are asked for.
    Exact,
    /// For half as many again, or as many as the limit leaves, but not for just a few each time, which would take quadratic time.
    InAdvance,
}

/// What is true of a list that room was made for. Where it is checked, pushing needs no code that makes room.
pub(crate) const ROOM: &str = "there is room";

impl Default for Heap {
    fn default() -> Self {
        Self::unlimited()
    }
}

impl Heap {
    /// A heap that ends where the allocator has no more.
    pub const fn unlimited() -> Self {
        Self::with_limit(usize::MAX)
    }

    /// A heap of which at most `limit` bytes are in use at once.
    pub const fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            boxed: 0,
            pass: Pass::Analysis,
            peaks: [0; Pass::ALL.len()],
            error: None,
            moved: Moved { old: 0, new: 0 },
        }
    }

    /// What `work` gives with a heap without a limit, for who cannot go on without memory either.
    ///
    /// # Panics
    /// When the allocator has no more.
    pub fn unbounded<R>(work: impl FnOnce(&mut Self) -> Result<R, HeapError>) -> R {
        match work(&mut Self::unlimited()) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// Whether there is a limit.
    pub const fn is_limited(&self) -> bool {
        self.limit != usize::MAX
    }

    /// From here on memory is taken for `pass`.
    pub fn start(&mut self, pass: Pass) {
        self.pass = pass;
        self.note_peak(self.used);
    }

    /// The bytes that are in use.
    pub const fn used(&self) -> usize {
        self.used
    }

    /// The bytes in boxes, which are counted until [`Self::set_used`] says otherwise.
    pub const fn boxed_bytes(&self) -> usize {
        self.boxed
    }

    /// States what is in use, after lists were dropped without [`Self::free`].
    pub fn set_used(&mut self, bytes: usize) {
        self.used = bytes;
    }

    /// The most bytes that were in use in `pass`.
    pub const fn peak(&self, pass: Pass) -> usize {
        self.peaks[pass as usize]
    }

    /// The error that there was, if any.
    ///
    /// # Errors
    /// The first [`HeapError`].
    #[inline]
    pub fn check(&self) -> Result<(), HeapError> {
        match self.error {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    /// Whether there was an error.
    #[inline]
    pub const fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// Asks whether `bytes` more would be within the limit, without taking any.
    ///
    /// # Errors
    /// [`HeapError`] if not.
    pub fn require(&mut self, bytes: usize) -> Result<(), HeapError> {
        match self.is_within(bytes) {
            true => Ok(()),
            false => Err(self.refuse(bytes)),
        }
    }

    /// Counts `bytes` more, which somebody else takes.
    ///
    /// # Errors
    /// [`HeapError`] if that is beyond the limit.
    pub fn take(&mut self, bytes: usize) -> Result<(), HeapError> {
        self.require(bytes)?;
        self.used += bytes;
        self.note_peak(self.used);
        Ok(())
    }

    /// Counts `bytes` less.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn give_back(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// An empty list with room for `capacity` elements.
    ///
    /// # Errors
    /// [`HeapError`] where there is no memory for it.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn vec<T>(&mut self, capacity: usize) -> Result<Vec<T>, HeapError> {
        let mut list = Vec::new();
        match self.reserve(&mut list, capacity) {
            Ok(()) => Ok(list),
            Err(error) => {
                // It has no memory, so there is nothing to drop.
                core::mem::forget(list);
                Err(error)
            }
        }
    }

    /// A list of `len` times `value`.
    ///
    /// # Errors
    /// [`HeapError`] where there is no memory for it.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn filled<T: Copy>(&mut self, value: T, len: usize) -> Result<Vec<T>, HeapError> {
        let mut list = Vec::new();
        match self.refill(&mut list, value, len) {
            Ok(()) => Ok(list),
            Err(error) => {
                // It has no memory, so there is nothing to drop.
                core::mem::forget(list);
                Err(error)
            }
        }
    }

    /// Makes `list` hold `len` times `value`, in the memory that it has, if that is enough.
    ///
    /// # Errors
    /// [`HeapError`] where there is no memory for it.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn refill<T: Copy>(
        &mut self,
        list: &mut Vec<T>,
        value: T,
        len: usize,
    ) -> Result<(), HeapError> {
        list.clear();
        self.reserve(list, len)?;
        pad(list, &value, len);
        Ok(())
    }

    /// The list of what `items` gives.
    ///
    /// # Errors
    /// [`HeapError`] where there is no memory for it.
    pub fn collect<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
    ) -> Result<Vec<T>, HeapError> {
        let mut list = self.vec(items.len())?;
        for item in items {
            assert!(list.len() < list.capacity(), "{ROOM}");
            list.push(item);
        }
        Ok(list)
    }

    /// A copy of `bytes`.
    ///
    /// # Errors
    /// [`HeapError`] where there is no memory for it.
    pub fn copy<T: Copy>(&mut self, items: &[T]) -> Result<Vec<T>, HeapError> {
        self.collect(items.iter().copied())
    }

    /// `value` in a box, which is counted in [`Self::boxed_bytes`].
    ///
    /// # Errors
    /// [`HeapError`] where there is no memory for it.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn boxed<T>(&mut self, value: T) -> Result<Boxed<T>, HeapError> {
        const {
            assert!(
                size_of::<T>() != 0,
                "what has no size has room without memory"
            )
        };
        let mut list = self.vec(1)?;
        assert!(list.is_empty() && list.capacity() == 1, "{ROOM}");
        list.push(value);
        self.boxed += size_of::<T>();
        match list.try_into() {
            Ok(boxed) => Ok(Boxed(boxed)),
            Err(_) => unreachable!("the list has one element"),
        }
    }

    /// The text of `parts`, which is counted in [`Self::boxed_bytes`].
    ///
    /// # Errors
    /// [`HeapError`] where there is no memory for it.
    pub fn text(&mut self, parts: &[&str]) -> Result<Box<str>, HeapError> {
        let len = parts.iter().map(|part| part.len()).sum();
        self.begin_move(len)?;
        let mut text = String::new();
        if text.try_reserve_exact(len).is_err() {
            return Err(self.exhausted(len));
        }
        for part in parts {
            text.push_str(part);
        }
        self.used += len;
        self.boxed += len;
        Ok(text.into_boxed_str())
    }

    /// Counts the memory of `list`, which goes into a box, in [`Self::boxed_bytes`].
    pub fn keep_in_box<T>(&mut self, list: &Vec<T>) {
        self.boxed += bytes_of(list);
    }

    /// Makes room for exactly `additional` more elements, unless there is room for them.
    ///
    /// # Errors
    /// [`HeapError`] where there is no memory for it.
    #[inline]
    pub fn reserve<T>(&mut self, list: &mut Vec<T>, additional: usize) -> Result<(), HeapError> {
        // On a chip, what grows all lists finds out: it is one piece of code.
        if cfg!(not(target_os = "none")) && list.capacity() - list.len() >= additional {
            return Ok(());
        }
        self.enlarge(list, additional, Growth::Exact)
    }

    /// Appends `item` to `list`. If there is no memory for it, it is left out, and [`Self::check`] tells.
    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(not(target_os = "none"), inline)]
    pub fn push<T>(&mut self, list: &mut Vec<T>, item: T) {
        let has_room = list.len() < list.capacity();
        if has_room || self.enlarge(list, 1, Growth::InAdvance).is_ok() {
            assert!(list.len() < list.capacity(), "{ROOM}");
            list.push(item);
        }
    }

    /// Appends `items` to `list`. If there is no memory for them, they are left out, and [`Self::check`] tells.
    #[inline]
    pub fn extend<T: Copy>(&mut self, list: &mut Vec<T>, items: &[T]) {
        if self.has_room(list, items.len()) {
            assert!(list.capacity() - list.len() >= items.len(), "{ROOM}");
            list.extend_from_slice(items);
        }
    }

    /// Makes room for `additional` more elements, and in advance for others. Says whether there is some; if not,
    /// [`Self::check`] tells.
    #[inline]
    pub fn has_room<T>(&mut self, list: &mut Vec<T>, additional: usize) -> bool {
        list.capacity() - list.len() >= additional
            || self.enlarge(list, additional, Growth::InAdvance).is_ok()
    }

    /// Gives the memory of `list` back.
    pub fn free<T>(&mut self, list: Vec<T>) {
        self.give_back(bytes_of(&list));
    }

    /// Gives back what `list` has too much, if that is worth it and there is memory to move it.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn shrink<T>(&mut self, list: &mut Vec<T>) {
        let spare = list.capacity() - list.len();
        if spare <= list.len() / 8 {
            return;
        }
        let (error, peaks) = (self.error, self.peaks);
        let mut exact = Vec::new();
        if self.reserve(&mut exact, list.len()).is_err() {
            (self.error, self.peaks) = (error, peaks);
            return;
        }
        exact.append(list);
        self.free(core::mem::replace(list, exact));
    }

    /// Makes room, for `additional` more elements at least, unless there is some. What does not depend on the type of the elements is done elsewhere: this is
    /// compiled once for each.
    #[cold]
    #[inline(never)]
    fn enlarge<T>(
        &mut self,
        list: &mut Vec<T>,
        additional: usize,
        growth: Growth,
    ) -> Result<(), HeapError> {
        let element = size_of::<T>();
        let step = self.begin_growth(list.len(), additional, growth, list.capacity(), element)?;
        let has_memory = list.try_reserve_exact(step).is_ok();
        debug_assert!(
            !has_memory || step == 0 || bytes_of(list) == self.moved.new,
            "the allocator gives as much as it was asked for"
        );
        self.end_growth(has_memory)
    }

    /// Counts a list of `len` elements of `element` bytes, of which `capacity` have room, while it is moved to one that has room for
    /// `additional` more. Returns by how many elements it grows.
    #[inline(never)]
    fn begin_growth(
        &mut self,
        len: usize,
        mut additional: usize,
        growth: Growth,
        capacity: usize,
        element: usize,
    ) -> Result<usize, HeapError> {
        self.moved = Moved { old: 0, new: 0 };
        if capacity - len >= additional {
            return Ok(0);
        }
        if let Growth::InAdvance = growth {
            let left = self.limit - self.used.min(self.limit);
            additional = advance(len, additional, left / element.max(1));
        }
        let new = len.saturating_add(additional).saturating_mul(element);
        self.begin_move(new)?;
        self.moved = Moved {
            old: capacity * element,
            new,
        };
        Ok(additional)
    }

    /// Counts the list that has been moved, if the allocator had the memory.
    #[inline(never)]
    fn end_growth(&mut self, has_memory: bool) -> Result<(), HeapError> {
        let Moved { old, new } = self.moved;
        if !has_memory {
            return Err(self.exhausted(new));
        }
        self.used += new - old;
        Ok(())
    }

    /// Counts `new` bytes that stand beside those in use while a list is moved.
    fn begin_move(&mut self, new: usize) -> Result<(), HeapError> {
        self.require(new)?;
        self.note_peak(self.used + new);
        Ok(())
    }

    fn is_within(&self, bytes: usize) -> bool {
        let needed = self.used.checked_add(bytes);
        needed.is_some_and(|needed| needed <= self.limit)
    }

    #[cold]
    #[inline(never)]
    fn refuse(&mut self, bytes: usize) -> HeapError {
        let needed = self.used.saturating_add(bytes);
        self.fail(HeapError::over_limit(needed, self.pass))
    }

    #[cold]
    #[inline(never)]
    fn exhausted(&mut self, size: usize) -> HeapError {
        self.fail(HeapError::exhausted(size, self.pass))
    }

    fn fail(&mut self, error: HeapError) -> HeapError {
        self.error.get_or_insert(error);
        error
    }

    fn note_peak(&mut self, bytes: usize) {
        let peak = &mut self.peaks[self.pass as usize];
        *peak = bytes.max(*peak);
    }
}

/// By how many elements a list of `len` grows that needs `additional`, where there is memory for a list of `most`.
fn advance(len: usize, additional: usize, most: usize) -> usize {
    const FIRST: usize = 4;
    let wanted = (len / 2).max(additional).max(FIRST);
    let least = (len / 16).max(additional);
    wanted.min(most.saturating_sub(len)).max(least)
}

/// Appends `value` until there are `len` elements, for which there is room. `Vec::resize` would contain the code that makes some.
#[cfg_attr(target_os = "none", inline(never))]
pub(crate) fn pad<T: Clone>(list: &mut Vec<T>, value: &T, len: usize) {
    while list.len() < len {
        assert!(list.len() < list.capacity(), "{ROOM}");
        list.push(value.clone());
    }
}

/// The bytes that `list` has taken.
pub fn bytes_of<T>(list: &Vec<T>) -> usize {
    list.capacity() * size_of::<T>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn lists_count_and_are_given_back() {
        let mut heap = Heap::with_limit(100);
        let list: Vec<u32> = heap.vec(10).unwrap();
        let other = heap.filled(7u8, 60).unwrap();
        assert_eq!(heap.used(), 100);
        heap.free(list);
        assert_eq!((heap.used(), other), (60, std::vec![7; 60]));
        assert_eq!(heap.peak(Pass::Analysis), 100);
    }

    #[test]
    fn what_is_beyond_the_limit_is_refused() {
        let mut heap = Heap::with_limit(100);
        heap.start(Pass::Lowering);
        let list: Vec<u8> = heap.vec(60).unwrap();
        let error = HeapError::over_limit(101, Pass::Lowering);
        assert_eq!(heap.vec::<u8>(41), Err(error));
        assert_eq!(heap.check(), Err(error));
        let text = "lowering needs 101 bytes of memory, which is beyond the limit";
        assert_eq!((error.to_string(), list.capacity()), (text.into(), 60));
    }

    #[test]
    fn what_nobody_has_is_refused() {
        let mut heap = Heap::unlimited();
        let error = HeapError::exhausted(usize::MAX / 2 + 1, Pass::Analysis);
        assert_eq!(heap.vec::<u8>(usize::MAX / 2 + 1), Err(error));
        assert_eq!(heap.used(), 0);
    }

    /// The old and the new list are there at once.
    #[test]
    fn lists_that_grow_count_twice_while_they_are_moved() {
        let mut heap = Heap::with_limit(100);
        let mut list = heap.vec::<u8>(40).unwrap();
        heap.reserve(&mut list, 50).unwrap();
        assert_eq!((heap.used(), heap.peak(Pass::Analysis)), (50, 90));
        assert!(heap.reserve(&mut list, 51).is_err());
        assert_eq!(list.capacity(), 50);
    }

    #[test]
    fn pushing_grows_as_far_as_the_limit_leaves() {
        let mut heap = Heap::with_limit(1000);
        let mut list = Vec::new();
        while !heap.has_failed() {
            heap.push(&mut list, 1u8);
        }
        // The list that is moved takes part of the limit, and a little more room would not be worth it.
        assert!((450..=550).contains(&list.len()), "{}", list.len());
        assert_eq!(heap.used(), list.capacity());
        let before = list.clone();
        heap.extend(&mut list, &[0; 600]);
        assert_eq!(list, before);
    }

    #[test]
    fn shrinking_that_fails_is_no_error() {
        let mut heap = Heap::with_limit(100);
        let mut list = heap.vec::<u8>(90).unwrap();
        list.resize(20, 3);
        heap.shrink(&mut list);
        assert_eq!((heap.has_failed(), list.capacity()), (false, 90));
        list.truncate(10);
        heap.shrink(&mut list);
        assert_eq!((heap.used(), list), (10, std::vec![3; 10]));
    }

    #[test]
    fn boxes_are_counted_apart() {
        let mut heap = Heap::unlimited();
        let boxed = heap.boxed(5u32).unwrap();
        assert_eq!((*boxed, heap.used(), heap.boxed_bytes()), (5, 4, 4));
        assert_eq!(&*heap.text(&["ab", "c"]).unwrap(), "abc");
        assert_eq!((heap.used(), heap.boxed_bytes()), (7, 7));
    }
}
