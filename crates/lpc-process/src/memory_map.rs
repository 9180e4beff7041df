//! Which memory a machine needs for an executable.

use crate::error::LoadError;
use crate::process::ProcessOptions;
use lpc_link::elf::read::Segment;

/// The most bytes from the lowest to the highest address of the segments. Pages that nobody touches cost nothing on most
/// hosts, so that flash and RAM of a microcontroller may be as far apart as they usually are.
pub const MAX_SPAN: u64 = 1 << 30;

/// What addresses of heap and stack are multiples of, as in an operating system with pages.
const PAGE_SIZE: u64 = 4096;

/// The memory of a machine, by addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MemoryMap {
    /// The first byte.
    pub(crate) base: u32,
    /// All of it, in bytes.
    pub(crate) size: u32,
    /// Where the heap starts.
    pub(crate) heap_start: u32,
    /// The end of the heap at most. The stack has the rest.
    pub(crate) heap_limit: u32,
    /// The first instruction, and the bytes from it to the end of the last one.
    pub(crate) code: (u32, u32),
}

impl MemoryMap {
    /// The memory for `segments`, which are disjoint.
    pub(crate) fn new(
        segments: &[Segment<'_>],
        options: &ProcessOptions,
    ) -> Result<Self, LoadError> {
        let ranges = segments.iter().map(range);
        let copies = segments
            .iter()
            .filter(|segment| has_copy(segment, segments))
            .map(range_of_copy);
        let (base, end) = hull(ranges.chain(copies)).ok_or(LoadError::NoSegments)?;
        if end - u64::from(base) > MAX_SPAN {
            return Err(LoadError::TooFarApart {
                start: base,
                end,
                limit: MAX_SPAN,
            });
        }
        let heap_start = end.next_multiple_of(PAGE_SIZE);
        // The address behind the last byte is a 32-bit number too.
        let memory_end = (heap_start + u64::from(options.heap_and_stack_size))
            .min(u64::from(u32::MAX))
            & !(PAGE_SIZE - 1);
        let stack_size = u64::from(options.stack_size).next_multiple_of(PAGE_SIZE);
        let heap_limit = memory_end
            .checked_sub(stack_size)
            .filter(|limit| *limit >= heap_start && stack_size > 0)
            .ok_or(LoadError::NoRoomForStack)?;
        let executable = segments.iter().filter(|segment| segment.is_executable);
        let (code_start, code_end) = hull(executable.map(range)).ok_or(LoadError::NoSegments)?;
        let narrow = |address: u64| address as u32;
        Ok(Self {
            base,
            size: narrow(memory_end - u64::from(base)),
            heap_start: narrow(heap_start),
            heap_limit: narrow(heap_limit),
            code: (code_start, narrow(code_end - u64::from(code_start))),
        })
    }

    /// The address behind the last byte, where the stack starts.
    pub(crate) fn end(&self) -> u32 {
        self.base + self.size
    }
}

/// The address of the first byte and the one behind the last.
type Range = (u32, u64);

fn range(segment: &Segment<'_>) -> Range {
    (segment.address, segment.end())
}

fn range_of_copy(segment: &Segment<'_>) -> Range {
    let start = segment.load_address;
    (start, u64::from(start) + segment.data.len() as u64)
}

/// Whether the content of `segment`, one of `segments`, is at its load address too, where start-up code copies it from.
///
/// Linkers that do not think of such code leave something without meaning there, such as 0 or the address of another
/// segment.
pub(crate) fn has_copy(segment: &Segment<'_>, segments: &[Segment<'_>]) -> bool {
    let (start, end) = range_of_copy(segment);
    let overlaps = |other: &Segment<'_>| {
        let (other_start, other_end) = range(other);
        u64::from(start) < other_end && u64::from(other_start) < end
    };
    !segment.data.is_empty() && start != 0 && end <= 1 << 32 && !segments.iter().any(overlaps)
}

/// The smallest range with all of `ranges`.
fn hull(ranges: impl Iterator<Item = Range>) -> Option<Range> {
    ranges.reduce(|(start, end), other| (start.min(other.0), end.max(other.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: ProcessOptions = ProcessOptions {
        heap_and_stack_size: 0x5000,
        stack_size: 0x2000,
        instruction_limit: 0,
    };

    fn segment(address: u32, memory_size: u32, is_executable: bool) -> Segment<'static> {
        Segment {
            address,
            load_address: address,
            memory_size,
            data: &[],
            is_executable,
            is_writable: !is_executable,
        }
    }

    #[test]
    fn heap_and_stack_are_behind_the_segments() {
        let segments = [segment(0x2_0000, 0x123, false), segment(0x1_0000, 8, true)];
        let expected = MemoryMap {
            base: 0x1_0000,
            size: 0x1_6000,
            heap_start: 0x2_1000,
            heap_limit: 0x2_4000,
            code: (0x1_0000, 8),
        };
        assert_eq!(MemoryMap::new(&segments, &OPTIONS), Ok(expected));
        assert_eq!(expected.end(), 0x2_6000);
    }

    #[test]
    fn code_includes_what_is_between_executable_segments() {
        let segments = [
            segment(0x1000, 8, true),
            segment(0x2000, 8, false),
            segment(0x3000, 8, true),
        ];
        let map = MemoryMap::new(&segments, &OPTIONS).unwrap();
        assert_eq!(map.code, (0x1000, 0x2008));
    }

    #[test]
    fn there_is_room_for_what_start_up_code_copies() {
        let code = segment(0x1000, 0x10, true);
        let data = |load_address| Segment {
            load_address,
            data: &[1; 8],
            ..segment(0x2000, 8, false)
        };
        for (load_address, expected) in [
            (0x1010, true),
            (0x100c, false),
            (0, false),
            (0x2000, false),
            (0x2008, true),
            (0xffff_fffc, false),
        ] {
            let segments = [code, data(load_address)];
            assert_eq!(has_copy(&segments[1], &segments), expected);
        }
        let map = MemoryMap::new(&[code, data(0x800)], &OPTIONS).unwrap();
        assert_eq!(map.base, 0x800);
    }

    #[test]
    fn refusals() {
        let error = |segments: &[_]| MemoryMap::new(segments, &OPTIONS).unwrap_err();
        assert_eq!(error(&[]), LoadError::NoSegments);
        assert_eq!(error(&[segment(0, 4, false)]), LoadError::NoSegments);
        let far = [segment(0, 4, true), segment(0x4000_0000, 1, false)];
        let expected = LoadError::TooFarApart {
            start: 0,
            end: 0x4000_0001,
            limit: MAX_SPAN,
        };
        assert_eq!(error(&far), expected);
        let last = [segment(0xffff_f000, 0x1000, true)];
        assert_eq!(error(&last), LoadError::NoRoomForStack);
        let nearly_last = [segment(0xffff_c000, 0x1000, true)];
        let map = MemoryMap::new(&nearly_last, &OPTIONS).unwrap();
        assert_eq!((map.heap_start, map.end()), (0xffff_d000, 0xffff_f000));
    }
}
