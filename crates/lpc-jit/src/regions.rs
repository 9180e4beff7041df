//! Which parts of a memory are free.

use crate::code_memory::Region;
use alloc::vec::Vec;
use core::ops::Range;

/// What the address and the size of every region are multiples of, in bytes. So no word is shared by two regions, which matters to
/// those who change parts of one atomically.
pub const GRANULE: u32 = 16;

/// Hands out parts of a range of addresses: the lowest one that fits (first fit). Neighbors that are free are one.
///
/// ```
/// use lpc_jit::RegionAllocator;
///
/// let mut regions = RegionAllocator::new(0x2000_0000, 1024);
/// let first = regions.allocate(100, 4).unwrap();
/// let second = regions.allocate(100, 256).unwrap();
/// assert_eq!((first.address(), second.address()), (0x2000_0000, 0x2000_0100));
/// regions.free(first);
/// assert_eq!(regions.allocate(256, 4).unwrap().address(), 0x2000_0000);
/// ```
#[derive(Clone, Debug)]
pub struct RegionAllocator {
    /// The free ranges, none empty, in ascending order, with something between any two.
    free: Vec<Range<u32>>,
}

impl RegionAllocator {
    /// All of the `size` bytes at `address`, rounded inwards to multiples of [`GRANULE`], are free. They end within the address space.
    pub fn new(address: u32, size: u32) -> Self {
        let end = address.saturating_add(size) / GRANULE * GRANULE;
        let start = address.checked_next_multiple_of(GRANULE).unwrap_or(end);
        let mut free = Vec::new();
        if start < end {
            free.push(start..end);
        }
        Self { free }
    }

    /// The size of the largest free range.
    pub fn largest_free(&self) -> u32 {
        let sizes = self.free.iter().map(|range| range.end - range.start);
        sizes.max().unwrap_or(0)
    }

    /// The sum of the sizes of all free ranges.
    pub fn total_free(&self) -> u32 {
        let sizes = self.free.iter().map(|range| range.end - range.start);
        sizes.sum()
    }

    /// Takes `size` bytes, rounded up to a multiple of [`GRANULE`] and one at least, at the lowest multiple of `alignment`, a power
    /// of two, where they are free.
    pub fn allocate(&mut self, size: u32, alignment: u32) -> Option<Region> {
        let size = size.max(1).checked_next_multiple_of(GRANULE)?;
        let alignment = alignment.max(GRANULE);
        let fits = |range: &Range<u32>| {
            let start = range.start.checked_next_multiple_of(alignment)?;
            let end = start.checked_add(size)?;
            (end <= range.end).then_some(start..end)
        };
        let mut ranges = self.free.iter().enumerate();
        let (index, taken) =
            ranges.find_map(|(index, range)| fits(range).map(|taken| (index, taken)))?;
        let range = self.free[index].clone();
        let rest = [range.start..taken.start, taken.end..range.end];
        let rest = rest.into_iter().filter(|rest| !rest.is_empty());
        self.free.splice(index..=index, rest);
        Some(Region::new(taken.start, size))
    }

    /// Makes `region`, which was allocated here, free.
    pub fn free(&mut self, region: Region) {
        let mut freed = region.address()..region.address() + region.size();
        let index = self.free.partition_point(|range| range.end < freed.start);
        let mut last = index;
        while let Some(neighbor) = self.free.get(last)
            && neighbor.start <= freed.end
        {
            debug_assert!(neighbor.end == freed.start || neighbor.start == freed.end);
            freed = freed.start.min(neighbor.start)..freed.end.max(neighbor.end);
            last += 1;
        }
        self.free.splice(index..last, [freed]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// xorshift32, as in "Xorshift RNGs" (Marsaglia, 2003).
    struct Random(u32);

    impl Random {
        fn below(&mut self, limit: u32) -> u32 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
            self.0 % limit
        }
    }

    /// A memory as one flag for each granule: whether it is taken.
    struct Model {
        start: u32,
        taken: Vec<bool>,
    }

    impl Model {
        fn range(&self, region: &Region) -> Range<usize> {
            let first = (region.address() - self.start) / GRANULE;
            first as usize..(first + region.size() / GRANULE) as usize
        }

        /// The lowest address where `size` bytes are free.
        fn first_fit(&self, size: u32, alignment: u32) -> Option<u32> {
            let granules = size.max(1).div_ceil(GRANULE) as usize;
            let windows = self.taken.windows(granules).enumerate();
            let addresses = windows.filter(|(_, window)| !window.contains(&true));
            let mut addresses = addresses.map(|(index, _)| self.start + index as u32 * GRANULE);
            addresses.find(|address| address.is_multiple_of(alignment))
        }

        fn largest_free(&self) -> u32 {
            let runs = self.taken.split(|taken| *taken);
            runs.map(|run| run.len() as u32 * GRANULE).max().unwrap()
        }
    }

    #[test]
    fn as_a_model_under_random_use() {
        for seed in 1..20 {
            let mut random = Random(seed);
            let start = 0x2000_0000 + random.below(8) * GRANULE;
            let size = 4096 + random.below(64) * GRANULE;
            let mut regions = RegionAllocator::new(start, size);
            let mut model = Model {
                start,
                taken: vec![false; (size / GRANULE) as usize],
            };
            let mut live = Vec::new();
            for _ in 0..2_000 {
                if random.below(5) < 3 {
                    let size = random.below(600);
                    let alignment = 1 << random.below(9);
                    let expected = model.first_fit(size, alignment);
                    let region = regions.allocate(size, alignment);
                    assert_eq!(region.as_ref().map(Region::address), expected);
                    if let Some(region) = region {
                        assert!(region.size() >= size && region.size() < size + 2 * GRANULE);
                        let range = model.range(&region);
                        model.taken[range].fill(true);
                        live.push(region);
                    }
                } else if !live.is_empty() {
                    let index = random.below(live.len() as u32) as usize;
                    let region = live.swap_remove(index);
                    let range = model.range(&region);
                    model.taken[range].fill(false);
                    regions.free(region);
                }
                assert_eq!(regions.largest_free(), model.largest_free());
                let free = model.taken.iter().filter(|taken| !**taken).count();
                assert_eq!(regions.total_free(), free as u32 * GRANULE);
            }
            live.into_iter().for_each(|region| regions.free(region));
            assert_eq!(regions.largest_free(), size);
            assert_eq!(regions.free.len(), 1);
        }
    }

    #[test]
    fn ends_of_the_memory_and_of_the_address_space() {
        let mut regions = RegionAllocator::new(0xffff_ff01, 0xff);
        assert_eq!(regions.largest_free(), 0xe0);
        assert_eq!(regions.allocate(0xe1, 1), None);
        assert_eq!(regions.allocate(u32::MAX, 1), None);
        assert_eq!(regions.allocate(1, 1 << 31), None);
        let all = regions.allocate(0xe0, 1).unwrap();
        assert_eq!((all.address(), all.size()), (0xffff_ff10, 0xe0));
        assert_eq!(regions.allocate(0, 1), None);
        assert_eq!(RegionAllocator::new(0x1001, 30).largest_free(), 0);
        assert_eq!(RegionAllocator::new(0xffff_ffff, 0).largest_free(), 0);
    }
}
