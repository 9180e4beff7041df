//! Data: the memory that a program has before it starts.

use super::extname::ExternalName;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// The largest alignment of a data object, in bytes.
pub const MAX_DATA_ALIGNMENT: u32 = 4096;

/// The most bytes that the data of a module may take, the gaps of its alignment included: see [`DataObject::footprint`]. So a
/// short text cannot ask for much memory.
pub const MAX_DATA_SIZE: u32 = 16 << 20;

/// The size of a [`DataReloc`] in its object, in bytes: that of an address.
pub const DATA_RELOC_SIZE: u32 = 4;

/// Who may refer to a definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Linkage {
    /// Its own module alone. Another module may use the same name for something else.
    Local,
    /// Other modules too.
    #[default]
    Export,
}

/// What becomes of the bytes of a data object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataKind {
    /// They have a first content, and the program may store others (`.data`).
    Writable,
    /// They stay what they are (`.rodata`).
    ReadOnly,
    /// They are zero first, and the program may store others (`.bss`).
    Zeroed,
}

/// Four bytes of a data object that hold the address of a function or of another datum, in the byte order of the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataReloc {
    /// Where in the object they start. It need not be a multiple of four.
    pub offset: u32,
    /// Whose address they hold.
    pub target: ExternalName,
    /// What is added to that address. A sum beyond 32 bits wraps around.
    pub addend: i32,
}

/// Named bytes that are in memory before the program starts.
///
/// ```text
///  0              bytes.len()        size
///  ├── bytes ─[reloc]──┤ zero ────────┤
/// ```
///
/// A [`Module`](super::Module) holds only objects that pass [`check`](Self::check).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataObject {
    /// Its name.
    pub name: ExternalName,
    /// Who may refer to it.
    pub linkage: Linkage,
    /// What becomes of its bytes.
    pub kind: DataKind,
    /// What its address is a multiple of: a power of two, and no more than [`MAX_DATA_ALIGNMENT`].
    pub alignment: u32,
    /// How many bytes it takes.
    pub size: u32,
    /// What its first bytes are; all others are zero. Empty when it is [`DataKind::Zeroed`]. What is under a relocation means
    /// nothing.
    pub bytes: Vec<u8>,
    /// The addresses in it, in ascending order. None reaches into the next, or beyond `bytes`.
    pub relocs: Vec<DataReloc>,
}

impl DataObject {
    /// An exported object with the content `bytes`, without relocations.
    pub fn new(name: ExternalName, kind: DataKind, alignment: u32, bytes: Vec<u8>) -> Self {
        Self {
            name,
            linkage: Linkage::default(),
            kind,
            alignment,
            size: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            bytes,
            relocs: Vec::new(),
        }
    }

    /// An exported object of `size` zeros.
    pub fn zeroed(name: ExternalName, alignment: u32, size: u32) -> Self {
        let object = Self::new(name, DataKind::Zeroed, alignment, Vec::new());
        Self { size, ..object }
    }

    /// The bytes that it takes at most in memory, the gap before it included. An object without bytes counts as one byte, so that
    /// it can have an address of its own.
    pub fn footprint(&self) -> u64 {
        u64::from(self.size.max(1)) + u64::from(self.alignment.saturating_sub(1))
    }

    /// Checks what the fields promise.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn check(&self) -> Result<(), DataObjectError> {
        use DataObjectError as Error;
        if !self.alignment.is_power_of_two() || self.alignment > MAX_DATA_ALIGNMENT {
            return Err(Error::Alignment(self.alignment));
        }
        let initialized = self.bytes.len() as u64;
        if initialized > u64::from(self.size) {
            return Err(Error::MoreBytesThanSize(self.size));
        }
        if self.kind == DataKind::Zeroed && !self.bytes.is_empty() {
            return Err(Error::ZeroedWithContent);
        }
        let mut end_of_last = 0;
        for reloc in &self.relocs {
            let start = u64::from(reloc.offset);
            let end = start + u64::from(DATA_RELOC_SIZE);
            if end > initialized {
                return Err(Error::RelocOutOfRange(reloc.offset));
            }
            if start < end_of_last {
                return Err(Error::RelocsOverlap(reloc.offset));
            }
            end_of_last = end;
        }
        Ok(())
    }
}

/// What is wrong with a data object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataObjectError {
    /// The alignment is this.
    Alignment(u32),
    /// There are more bytes than the size, which is this.
    MoreBytesThanSize(u32),
    /// It is zeroed, and has a content.
    ZeroedWithContent,
    /// The address at this offset is not in the initialized bytes.
    RelocOutOfRange(u32),
    /// The address at this offset starts before the end of the one that is listed before it.
    RelocsOverlap(u32),
}

impl fmt::Display for DataObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alignment(alignment) => write!(
                f,
                "alignment {alignment} is not a power of two up to {MAX_DATA_ALIGNMENT}"
            ),
            Self::MoreBytesThanSize(size) => write!(f, "more bytes than its size of {size}"),
            Self::ZeroedWithContent => f.write_str("zeroed data has a content"),
            Self::RelocOutOfRange(offset) => {
                write!(f, "the address at offset {offset} is outside of its bytes")
            }
            Self::RelocsOverlap(offset) => {
                write!(f, "the address at offset {offset} overlaps the one before")
            }
        }
    }
}

impl core::error::Error for DataObjectError {}

impl DataObjectError {
    /// The error of the object `name`.
    pub(super) fn of(self, name: ExternalName) -> super::ModuleError {
        super::ModuleError::BadData {
            name: Box::new(name),
            error: self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn object(len: usize) -> DataObject {
        let name = ExternalName::symbol("d");
        DataObject::new(name, DataKind::Writable, 4, vec![1; len])
    }

    fn with_relocs(len: usize, offsets: &[u32]) -> Result<(), DataObjectError> {
        let relocs = offsets.iter().map(|&offset| DataReloc {
            offset,
            target: ExternalName::symbol("d"),
            addend: 0,
        });
        let relocs = relocs.collect();
        DataObject {
            relocs,
            ..object(len)
        }
        .check()
    }

    #[test]
    fn alignments_are_powers_of_two_with_a_bound() {
        for alignment in [1, 2, 64, MAX_DATA_ALIGNMENT] {
            let object = DataObject {
                alignment,
                ..object(3)
            };
            assert_eq!(object.check(), Ok(()));
        }
        for alignment in [0, 3, 2 * MAX_DATA_ALIGNMENT, u32::MAX] {
            let object = DataObject {
                alignment,
                ..object(3)
            };
            assert_eq!(object.check(), Err(DataObjectError::Alignment(alignment)));
        }
    }

    #[test]
    fn content_is_within_the_size() {
        let shorter = DataObject {
            size: 2,
            ..object(3)
        };
        assert_eq!(shorter.check(), Err(DataObjectError::MoreBytesThanSize(2)));
        let longer = DataObject {
            size: 4,
            ..object(3)
        };
        assert_eq!(longer.check(), Ok(()));
        let zeroed = DataObject {
            kind: DataKind::Zeroed,
            ..object(1)
        };
        assert_eq!(zeroed.check(), Err(DataObjectError::ZeroedWithContent));
    }

    #[test]
    fn relocations_are_sorted_and_within_the_bytes() {
        assert_eq!(with_relocs(8, &[0, 4]), Ok(()));
        assert_eq!(with_relocs(8, &[1]), Ok(()));
        let outside = with_relocs(8, &[5]);
        assert_eq!(outside, Err(DataObjectError::RelocOutOfRange(5)));
        let outside = with_relocs(8, &[u32::MAX]);
        assert_eq!(outside, Err(DataObjectError::RelocOutOfRange(u32::MAX)));
        let overlapping = with_relocs(8, &[0, 3]);
        assert_eq!(overlapping, Err(DataObjectError::RelocsOverlap(3)));
        let unsorted = with_relocs(8, &[4, 0]);
        assert_eq!(unsorted, Err(DataObjectError::RelocsOverlap(0)));
    }

    #[test]
    fn footprints_count_gaps_and_empty_objects() {
        assert_eq!(object(0).footprint(), 4);
        assert_eq!(object(5).footprint(), 8);
        let name = ExternalName::symbol("z");
        let huge = DataObject::zeroed(name, MAX_DATA_ALIGNMENT, u32::MAX);
        assert_eq!(huge.footprint(), (1 << 32) + 4094);
    }
}
