//! Random choices.

use fastrand::Rng;

/// A source of random choices. What it chooses depends on its seed alone, and not on the machine.
#[derive(Clone, Debug)]
pub(super) struct Random {
    rng: Rng,
}

impl Random {
    /// The source of the program number `index` of those that `seed` gives.
    pub(super) fn new(seed: u64, index: u64) -> Self {
        // Neighboring seeds and indices must not give the same programs, so neither is added to the other.
        let mut of_seed = Rng::with_seed(seed);
        let seed = of_seed.u64(..) ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self {
            rng: Rng::with_seed(seed),
        }
    }

    /// Any number.
    pub(super) fn u64(&mut self) -> u64 {
        self.rng.u64(..)
    }

    /// Any number.
    pub(super) fn u128(&mut self) -> u128 {
        self.rng.u128(..)
    }

    /// A number less than `end`, which is not zero.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        self.rng.u32(..end)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        self.rng.u32(low..=high)
    }

    /// A signed number from `low` to `high`, both included.
    pub(super) fn signed(&mut self, low: i32, high: i32) -> i32 {
        self.rng.i32(low..=high)
    }

    /// True in so many cases of a hundred.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of `items`, which are not none.
    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u32) as usize]
    }

    /// One of the items, each as often as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, items: &[(u32, T)]) -> T {
        let total = items.iter().map(|&(weight, _)| weight).sum();
        let mut rest = self.below(total);
        for &(weight, item) in items {
            if rest < weight {
                return item;
            }
            rest -= weight;
        }
        unreachable!("the weights add up to their total")
    }

    /// A number from the first range of the first band whose turn it is.
    pub(super) fn banded(&mut self, bands: &[(u32, (u32, u32))]) -> u32 {
        let (low, high) = self.weighted(bands);
        self.between(low, high)
    }

    /// Puts `items` in any order.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (2..=items.len() as u32).rev() {
            let other = self.below(end);
            items.swap(end as usize - 1, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept() {
        let mut random = Random::new(1, 2);
        let mut counts = [0; 3];
        for _ in 0..10_000 {
            counts[random.weighted(&[(1, 0), (0, 1), (3, 2)])] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((2_200..2_800).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn the_same_numbers_give_the_same_choices_and_neighbors_do_not() {
        let first = |seed, index| Random::new(seed, index).u64();
        assert_eq!(first(3, 4), first(3, 4));
        assert_ne!(first(3, 4), first(4, 3));
        assert_ne!(first(3, 4), first(3, 5));
        assert_ne!(first(0, 0), first(1, 0));
    }
}
