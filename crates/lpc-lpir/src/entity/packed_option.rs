//! An optional entity reference without a separate discriminant.

use super::EntityRef;
use core::fmt;
use core::marker::PhantomData;

/// `Option<E>` in four bytes: the reserved number `u32::MAX` stands for `None`.
pub struct PackedOption<E: EntityRef> {
    number: u32,
    entity: PhantomData<E>,
}

impl<E: EntityRef> PackedOption<E> {
    /// No entity.
    pub const NONE: Self = Self {
        number: u32::MAX,
        entity: PhantomData,
    };

    /// The ordinary `Option` of the same meaning.
    #[inline]
    pub fn expand(self) -> Option<E> {
        (self.number != u32::MAX).then(|| E::new(self.number as usize))
    }

    /// Whether there is no entity.
    #[inline]
    pub fn is_none(self) -> bool {
        self.number == u32::MAX
    }

    /// Whether there is an entity.
    #[inline]
    pub fn is_some(self) -> bool {
        !self.is_none()
    }
}

impl<E: EntityRef> From<E> for PackedOption<E> {
    #[inline]
    fn from(entity: E) -> Self {
        Self {
            number: entity.index() as u32,
            entity: PhantomData,
        }
    }
}

impl<E: EntityRef> From<Option<E>> for PackedOption<E> {
    #[inline]
    fn from(entity: Option<E>) -> Self {
        entity.map_or(Self::NONE, Self::from)
    }
}

impl<E: EntityRef> Default for PackedOption<E> {
    #[inline]
    fn default() -> Self {
        Self::NONE
    }
}

impl<E: EntityRef> Clone for PackedOption<E> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: EntityRef> Copy for PackedOption<E> {}

impl<E: EntityRef> PartialEq for PackedOption<E> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<E: EntityRef> Eq for PackedOption<E> {}

impl<E: EntityRef + fmt::Debug> fmt::Debug for PackedOption<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expand().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Block;

    #[test]
    fn round_trip_and_size() {
        let block = Block::from_u32(7);
        assert_eq!(PackedOption::from(block).expand(), Some(block));
        assert_eq!(PackedOption::<Block>::from(None).expand(), None);
        assert!(PackedOption::<Block>::default().is_none());
        assert_eq!(size_of::<PackedOption<Block>>(), 4);
    }
}
