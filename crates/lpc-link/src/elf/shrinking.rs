//! Where linkers may take away bytes of a function.

use super::relocation::is_relaxable;
use alloc::vec::Vec;
use lpc_codegen::backend::buffer::MachBufferFinalized;
use lpc_codegen::backend::machinst::CodeOffset;
use lpc_codegen::backend::reloc::ReferenceKind;

/// The places of a function behind which a linker may take away bytes, in order: instructions that it may shorten, and padding.
pub(super) struct Shrinking(Vec<CodeOffset>);

impl Shrinking {
    pub(super) fn of(code: &MachBufferFinalized) -> Self {
        if !code.relaxable {
            return Self(Vec::new());
        }
        let relocs = code.relocs.iter();
        let instructions = relocs
            .filter(|reloc| is_relaxable(reloc.kind))
            .map(|reloc| reloc.offset);
        let references = code.references.iter();
        let padding = references
            .filter(|reference| reference.kind == ReferenceKind::Align)
            .map(|reference| reference.offset);
        let mut places: Vec<_> = instructions.chain(padding).collect();
        places.sort_unstable();
        Self(places)
    }

    /// Whether nothing of the function can be taken away.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether bytes may be taken away between two places.
    pub(super) fn is_between(&self, one: CodeOffset, other: CodeOffset) -> bool {
        let (start, end) = (one.min(other), one.max(other));
        let next = self.0.partition_point(|&place| place < start);
        self.0.get(next).is_some_and(|&place| place < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shrinks_lies_behind_its_place() {
        let shrinking = Shrinking(alloc::vec![8, 20]);
        for (one, other, expected) in [
            (0, 8, false),
            (0, 9, true),
            (8, 10, true),
            (10, 8, true),
            (9, 20, false),
            (21, 100, false),
            (100, 0, true),
            (8, 8, false),
        ] {
            assert_eq!(shrinking.is_between(one, other), expected, "{one} {other}");
        }
        assert!(!Shrinking(Vec::new()).is_between(0, u32::MAX));
    }
}
