//! Disassembly of machine code, line by line or as a listing.
//!
//! ```text
//! 80000000 <count>:
//! 80000000:  4505      li a0,1
//! 80000002:  fea59fe3  bne a1,a0,80000000 <count>
//! ```

use crate::compressed;
use crate::display::DisplayOptions;
use crate::extension::ExtensionSet;
use crate::fetch::{FetchError, FetchedInst, fetch};
use crate::inst::{self, Inst};
use core::fmt;

/// One line of a listing: an instruction, or bytes that are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Address of the first byte.
    pub address: u32,
    /// The bytes as a little-endian number.
    pub bits: u32,
    /// How many bytes: 2 or 4 for an instruction, 1 for a byte that is left over at the end.
    pub length: u32,
    /// The instruction; `None` if the bytes are none.
    pub inst: Option<Inst>,
}

impl Line {
    /// The instruction as text, or a directive for the bytes that are none. The address that `options` state is replaced.
    ///
    /// `unimp` prints as that, though on most machines it is no instruction.
    pub fn display(self, options: DisplayOptions<'_>) -> DisplayLine<'_> {
        DisplayLine {
            line: self,
            options,
        }
    }

    /// As [`Line::display`], with the address and the bytes in front: a line of a [`Listing`].
    pub fn display_listed(self, options: DisplayOptions<'_>) -> ListedLine<'_> {
        ListedLine(self.display(options))
    }

    fn is_unimp(&self) -> bool {
        match self.length {
            2 => self.bits == u32::from(compressed::UNIMP),
            4 => self.bits == inst::UNIMP,
            _ => false,
        }
    }
}

/// A line that prints with [`DisplayOptions`].
pub struct DisplayLine<'a> {
    line: Line,
    options: DisplayOptions<'a>,
}

impl fmt::Display for DisplayLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = DisplayOptions {
            address: Some(self.line.address),
            ..self.options
        };
        match self.line.inst {
            Some(inst) => inst.display(options).fmt(f),
            None if options.pseudo && self.line.is_unimp() => f.write_str("unimp"),
            None => {
                let directive = data_directive(self.line.length);
                write!(f, "{directive} {:#x}", self.line.bits)
            }
        }
    }
}

/// A line that prints with its address and its bytes.
pub struct ListedLine<'a>(DisplayLine<'a>);

impl fmt::Display for ListedLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line {
            address,
            bits,
            length,
            ..
        } = self.0.line;
        let digits = length as usize * 2;
        let padding = 10 - digits;
        write!(
            f,
            "{address:8x}:  {bits:0digits$x}{:padding$}{}",
            "", self.0
        )
    }
}

/// Splits `bytes`, which stand at `address`, into instructions of a machine with `extensions`.
///
/// Bytes that are no instruction become lines as long as their encoding claims to be.
pub fn disassemble(
    bytes: &[u8],
    address: u32,
    extensions: ExtensionSet,
) -> impl Iterator<Item = Line> {
    let mut rest = bytes;
    let mut address = address;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let line = first_line(rest, address, extensions);
        rest = &rest[line.length as usize..];
        address = address.wrapping_add(line.length);
        Some(line)
    })
}

fn first_line(bytes: &[u8], address: u32, extensions: ExtensionSet) -> Line {
    match fetch(bytes, extensions) {
        Ok(FetchedInst { inst, bits, length }) => Line {
            address,
            bits,
            length,
            inst: Some(inst),
        },
        Err(FetchError::Illegal { bits, length }) => Line {
            address,
            bits,
            length,
            inst: None,
        },
        Err(FetchError::Truncated) => {
            let first = bytes.iter().take(2).rev();
            let bits = first.fold(0, |bits, byte| bits << 8 | u32::from(*byte));
            Line {
                address,
                bits,
                length: bytes.len().min(2) as u32,
                inst: None,
            }
        }
    }
}

/// Machine code that prints as a listing.
pub struct Listing<'a> {
    /// The code.
    pub bytes: &'a [u8],
    /// The address of its first byte.
    pub address: u32,
    /// The instruction set to decode.
    pub extensions: ExtensionSet,
    /// How to print instructions. The address is set for each; where `symbols` knows the address
    /// of an instruction, its name stands above it as a label.
    pub options: DisplayOptions<'a>,
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in disassemble(self.bytes, self.address, self.extensions) {
            let address = line.address;
            if let Some(name) = self.options.symbols.and_then(|symbols| symbols(address)) {
                writeln!(f, "{address:08x} <{name}>:")?;
            }
            writeln!(f, "{}", line.display_listed(self.options))?;
        }
        Ok(())
    }
}

fn data_directive(length: u32) -> &'static str {
    match length {
        1 => ".byte",
        2 => ".half",
        _ => ".word",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const CODE: [u8; 19] = [
        0x05, 0x45, // c.li a0,1
        0x13, 0x05, 0xa5, 0x00, // addi a0,a0,10
        0xe3, 0x9d, 0xa5, 0xfe, // bne a1,a0,.-6
        0xff, 0xff, 0xff, 0xff, // no instruction
        0x00, 0x00, // unimp
        0x82, 0x80, // c.jr ra
        0x67, // left over
    ];

    #[test]
    fn listing_with_labels_and_pseudo_instructions() {
        let symbols = |address| match address {
            0x8000_0000 => Some("count"),
            0x8000_0010 => Some("done"),
            _ => None,
        };
        let listing = Listing {
            bytes: &CODE,
            address: 0x8000_0000,
            extensions: ExtensionSet::RV32IMAC,
            options: DisplayOptions {
                pseudo: true,
                symbols: Some(&symbols),
                address: None,
            },
        };
        assert_eq!(
            listing.to_string(),
            "\
80000000 <count>:
80000000:  4505      li a0,1
80000002:  00a50513  addi a0,a0,10
80000006:  fea59de3  bne a1,a0,80000000 <count>
8000000a:  ffffffff  .word 0xffffffff
8000000e:  0000      unimp
80000010 <done>:
80000010:  8082      ret
80000012:  67        .byte 0x67
"
        );
    }

    #[test]
    fn without_the_extension_the_bits_are_data() {
        let lines: alloc::vec::Vec<Line> =
            disassemble(&CODE[..4], 0x100, ExtensionSet::RV32IM).collect();
        let data = |address, bits| Line {
            address,
            bits,
            length: 2,
            inst: None,
        };
        assert_eq!(lines, [data(0x100, 0x4505), data(0x102, 0x0513)]);
    }
}
