//! Writes modules as text: the directives for imports, data and linkage, then the functions.
//!
//! Of the bytes of a data object only their values are kept, not how they were written. They are written as text where they look
//! like text, and otherwise as numbers as wide as their alignment, in lines of a size that can be read:
//!
//! ```text
//! ; data: %greeting readonly = { "Hello\n" }
//! ; data: %handlers readonly align 4 = {
//! ;     i32 2,
//! ;     %first,
//! ;     %second+4
//! ; }
//! ```

use crate::ir::{
    DATA_RELOC_SIZE, DataKind, DataObject, DataReloc, Imm64, Import, ImportKind, Linkage, Module,
    Offset32,
};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// The bytes that are written in one line as numbers.
const BYTES_PER_LINE: usize = 32;

/// The bytes that are written in one line as text.
const TEXT_PER_LINE: usize = 64;

/// As many zeros are written by their number.
const ZERO_RUN: usize = 16;

/// The shortest text that is written as such. Fewer letters are as likely a number.
const SHORTEST_TEXT: usize = 3;

/// The widest number that bytes are written as.
const WIDEST_NUMBER: usize = 4;

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separate = false;
        for import in self.imports() {
            separate = true;
            writeln!(f, "{import}")?;
        }
        for (_, data) in self.data_objects() {
            separate = true;
            writeln!(f, "{data}")?;
        }
        for (id, function) in self.functions() {
            if self.linkage(id) == Linkage::Local {
                separate = true;
                writeln!(f, "; local: {}", function.name)?;
            }
        }
        for (_, function) in self.functions() {
            if separate {
                writeln!(f)?;
            }
            separate = true;
            write!(f, "{function}")?;
        }
        Ok(())
    }
}

/// Writes the import as a directive, without the end of the line.
impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.kind {
            ImportKind::Function(signature) => write!(f, "; import: {name}{signature}"),
            ImportKind::Data => write!(f, "; import: data {name}"),
        }
    }
}

/// Writes the object as a directive, without the end of its last line.
impl fmt::Display for DataObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "; data: {}", self.name)?;
        if self.linkage == Linkage::Local {
            f.write_str(" local")?;
        }
        match self.kind {
            DataKind::Writable => {}
            DataKind::ReadOnly => f.write_str(" readonly")?,
            DataKind::Zeroed => write!(f, " zeroed {}", self.size)?,
        }
        if self.alignment != 1 {
            write!(f, " align {}", self.alignment)?;
        }
        if self.kind == DataKind::Zeroed {
            return Ok(());
        }
        match self.items().as_slice() {
            [] => f.write_str(" = {}"),
            [item] => write!(f, " = {{ {item} }}"),
            items => {
                f.write_str(" = {")?;
                for (index, item) in items.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "," };
                    write!(f, "{separator}\n;     {item}")?;
                }
                f.write_str("\n; }")
            }
        }
    }
}

/// An item of the content of a data object, which takes one line.
enum Item<'a> {
    Numbers { bytes: &'a [u8], width: usize },
    Text(&'a [u8]),
    Zeros(usize),
    Address(&'a DataReloc),
}

impl DataObject {
    /// The content, in order.
    fn items(&self) -> Vec<Item<'_>> {
        let mut items = Vec::new();
        let mut start = 0;
        for reloc in &self.relocs {
            let offset = reloc.offset as usize;
            self.add_plain(start..offset, &mut items);
            items.push(Item::Address(reloc));
            start = offset + DATA_RELOC_SIZE as usize;
        }
        self.add_plain(start..self.size as usize, &mut items);
        items
    }

    /// Adds what is at `range`, where there are no addresses. A part of it may be behind the bytes, and is zero.
    fn add_plain<'a>(&'a self, range: Range<usize>, items: &mut Vec<Item<'a>>) {
        let bytes = &self.bytes[range.start.min(self.bytes.len())..range.end.min(self.bytes.len())];
        let mut rest = bytes;
        let mut offset = range.start;
        loop {
            let before = rest.len().min(start_of_zeros(rest));
            self.add_nonzero(offset, &rest[..before], items);
            rest = &rest[before..];
            offset += before;
            let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
            if zeros == rest.len() {
                break;
            }
            items.push(Item::Zeros(zeros));
            rest = &rest[zeros..];
            offset += zeros;
        }
        if offset < range.end {
            items.push(Item::Zeros(range.end - offset));
        }
    }

    /// Adds `bytes`, which are at `offset` and have no long run of zeros.
    fn add_nonzero<'a>(&'a self, offset: usize, bytes: &'a [u8], items: &mut Vec<Item<'a>>) {
        if is_text(bytes) {
            items.extend(bytes.chunks(TEXT_PER_LINE).map(Item::Text));
            return;
        }
        let width = WIDEST_NUMBER.min(self.alignment as usize);
        let unaligned = offset.next_multiple_of(width) - offset;
        let (first, rest) = bytes.split_at(unaligned.min(bytes.len()));
        let (numbers, last) = rest.split_at(rest.len() / width * width);
        for (bytes, width) in [(first, 1), (numbers, width), (last, 1)] {
            let lines = bytes.chunks(BYTES_PER_LINE.min(width * 16));
            items.extend(lines.map(|bytes| Item::Numbers { bytes, width }));
        }
    }
}

/// Where in `bytes` the first run of zeros starts that is written by its length; behind the end when there is none.
fn start_of_zeros(bytes: &[u8]) -> usize {
    let mut windows = bytes.windows(ZERO_RUN);
    let start = windows.position(|window| window.iter().all(|&byte| byte == 0));
    start.unwrap_or(usize::MAX)
}

/// Whether `bytes` look like texts, each of which may have one zero behind it.
fn is_text(bytes: &[u8]) -> bool {
    let is_character = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    let texts = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    texts
        .split(|&byte| byte == 0)
        .all(|text| text.len() >= SHORTEST_TEXT && text.iter().all(is_character))
}

impl fmt::Display for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbers { bytes, width } => write_numbers(f, bytes, *width),
            Self::Text(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
            Self::Zeros(count) => write!(f, "zero {count}"),
            Self::Address(reloc) => {
                write!(f, "{}{}", reloc.target, Offset32::new(reloc.addend))
            }
        }
    }
}

fn write_numbers(f: &mut fmt::Formatter<'_>, bytes: &[u8], width: usize) -> fmt::Result {
    write!(f, "i{} ", 8 * width)?;
    let is_list = bytes.len() > width;
    let mut separator = if is_list { "[" } else { "" };
    for number in bytes.chunks_exact(width) {
        let mut wide = [0; 8];
        wide[..width].copy_from_slice(number);
        let unsigned = i64::from_le_bytes(wide);
        write!(f, "{separator}{}", Imm64::new(shown(unsigned, width)))?;
        separator = ", ";
    }
    f.write_str(if is_list { "]" } else { "" })
}

/// The number of `width` bytes as it is shown: with its sign where that makes it a small one.
fn shown(unsigned: i64, width: usize) -> i64 {
    const SMALL: i64 = 1000;
    let signed = unsigned << (64 - 8 * width) >> (64 - 8 * width);
    if -SMALL < signed { signed } else { unsigned }
}
