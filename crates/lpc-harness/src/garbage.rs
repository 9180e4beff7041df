//! Garbage for everything that a calling convention leaves undefined.

/// A source of words without meaning, the same ones in each run.
///
/// This is Marsaglia's xorshift generator with the shifts 13, 17 and 5 ("Xorshift RNGs", 2003). It never gives zero, which a
/// program could mistake for a proper value.
#[derive(Clone, Debug)]
pub(crate) struct Garbage(u32);

impl Garbage {
    pub(crate) const fn new() -> Self {
        Self(0x9e37_79b9)
    }

    pub(crate) fn word(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}
