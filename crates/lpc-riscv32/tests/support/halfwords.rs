//! All encodings of 16 bits.

/// How many there are: of 65,536 halfwords a quarter starts longer instructions.
pub(crate) const COUNT: usize = 0xc000;

/// All halfwords that are instructions, or would be: those that do not start a longer one.
pub(crate) fn all() -> impl Iterator<Item = u16> {
    (0..=u16::MAX).filter(|half| half & 3 != 3)
}
