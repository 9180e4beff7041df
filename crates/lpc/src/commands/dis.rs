//! `lpc dis`: disassembles machine code.

use crate::failure::Failure;
use crate::input::{display_name, read_bytes};
use crate::options::parse_address;
use crate::output::write_bytes;
use clap::{Args, ValueEnum};
use lpc_riscv32::ExtensionSet;
use lpc_riscv32::disassembler::Listing;
use lpc_riscv32::display::DisplayOptions;
use std::path::PathBuf;

/// Disassemble machine code
///
/// The input is either bytes as they lie in memory or hexadecimal numbers: eight digits are a word, four digits a
/// halfword, two digits a byte, with or without 0x before them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc dis code.bin --base 0x42000000
  echo 00a50513 8082 | lpc dis -
  lpc compile examples/gcd.clif --emit bin -o - | lpc dis -")]
pub(crate) struct Arguments {
    /// The file, or - for the standard input
    file: PathBuf,

    /// The address of the first instruction
    #[arg(long, value_name = "ADDRESS", default_value = "0", value_parser = parse_address)]
    base: u32,

    /// The instruction set of the machine; instructions that it lacks are shown as data
    #[arg(long, value_name = "ISA")]
    march: Option<ExtensionSet>,

    /// Whether the input is bytes or hexadecimal numbers
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Auto)]
    format: Format,

    /// Print instructions as they are, and not as the pseudo-instructions that they stand for
    #[arg(long)]
    no_aliases: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Hexadecimal numbers if the input consists of nothing else
    Auto,
    /// Bytes
    Bin,
    /// Hexadecimal numbers
    Hex,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let input = read_bytes(&arguments.file)?;
    let hexadecimal = std::str::from_utf8(&input).ok().and_then(parse_hexadecimal);
    let code = match (arguments.format, hexadecimal) {
        (Format::Bin, _) | (Format::Auto, None) => input,
        (Format::Hex | Format::Auto, Some(code)) => code,
        (Format::Hex, None) => {
            let name = display_name(&arguments.file);
            return Err(Failure::message(format_args!(
                "{name}: expected numbers of two, four or eight hexadecimal digits"
            )));
        }
    };
    let extensions = arguments.march.unwrap_or(ExtensionSet::all());
    let listing = Listing {
        bytes: &code,
        address: arguments.base,
        extensions,
        options: DisplayOptions {
            pseudo: !arguments.no_aliases,
            ..DisplayOptions::default()
        },
    };
    write_bytes(None, listing.to_string().as_bytes())
}

/// The bytes of a text that consists of hexadecimal numbers, or `None` if it does not.
fn parse_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for token in text.split_whitespace() {
        let digits = token.strip_prefix("0x").unwrap_or(token);
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        match digits.len() {
            length @ (2 | 4 | 8) => bytes.extend_from_slice(&number.to_le_bytes()[..length / 2]),
            _ => return None,
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_numbers_of_three_lengths() {
        assert_eq!(
            parse_hexadecimal("0x00a50513\n8082 ff"),
            Some(vec![0x13, 0x05, 0xa5, 0x00, 0x82, 0x80, 0xff])
        );
        for text in ["00a5051", "xyz", "00a505130", "+1"] {
            assert_eq!(parse_hexadecimal(text), None, "{text}");
        }
    }
}
