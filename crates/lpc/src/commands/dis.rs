//! `lpc dis`: disassembles machine code.

use crate::failure::Failure;
use crate::input::{display_name, read_bytes};
use crate::options::parse_address;
use crate::output::write_bytes;
use clap::{Args, ValueEnum};
use lpc_link::elf::ElfListing;
use lpc_link::elf::read::{ElfFile, is_elf};
use lpc_lpir::binary::is_binary;
use lpc_lpir::text::Location;
use lpc_riscv32::ExtensionSet;
use lpc_riscv32::disassembler::Listing;
use lpc_riscv32::display::DisplayOptions;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Disassemble machine code
///
/// The input is an ELF file, an executable or an object; or bytes as they lie in memory; or hexadecimal numbers: eight
/// digits are a word, four digits a halfword, two digits a byte, with or without 0x before them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc dis program.elf
  lpc dis code.bin --base 0x42000000
  echo 00a50513 8082 | lpc dis -
  lpc compile examples/gcd.clif --emit bin -o - | lpc dis -")]
pub(crate) struct Arguments {
    /// The file, or - for the standard input
    file: PathBuf,

    /// The address of the first instruction, where the input does not tell [default: 0]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    base: Option<u32>,

    /// The instruction set of the machine; instructions that it lacks are shown as data [default: what an ELF file states,
    /// otherwise all extensions]
    #[arg(long, value_name = "ISA")]
    march: Option<ExtensionSet>,

    /// What the input is
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Auto)]
    format: Format,

    /// Print instructions as they are, and not as the pseudo-instructions that they stand for
    #[arg(long)]
    no_aliases: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// An ELF file if the input starts as one, hexadecimal numbers if it is text, and bytes if not
    Auto,
    /// Bytes
    Bin,
    /// Hexadecimal numbers
    Hex,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let input = read_bytes(&arguments.file)?;
    if arguments.format == Format::Auto && is_elf(&input) {
        return disassemble_elf(arguments, &input);
    }
    if arguments.format == Format::Auto && is_binary(&input) {
        return Err(Failure::message(format_args!(
            "{}: this is a module in the binary form, and no machine code; `lpc compile --emit lpir` shows it",
            display_name(&arguments.file)
        )));
    }
    let is_hexadecimal = match arguments.format {
        Format::Bin => false,
        Format::Hex => true,
        Format::Auto => is_text(&input),
    };
    let code = if is_hexadecimal {
        let text = String::from_utf8_lossy(&input);
        parse_hexadecimal(&text).map_err(|(location, token)| {
            let name = display_name(&arguments.file);
            Failure::message(format_args!(
                "{name}:{location}: `{token}` is no number of two, four or eight hexadecimal digits; \
                 --format bin takes the input as bytes"
            ))
        })?
    } else {
        input
    };
    let extensions = arguments.march.unwrap_or(ExtensionSet::all());
    let listing = Listing {
        bytes: &code,
        address: arguments.base.unwrap_or(0),
        extensions,
        options: DisplayOptions {
            pseudo: !arguments.no_aliases,
            ..DisplayOptions::default()
        },
    };
    write_bytes(None, listing.to_string().as_bytes())
}

fn disassemble_elf(arguments: &Arguments, bytes: &[u8]) -> Result<(), Failure> {
    let name = display_name(&arguments.file);
    let failure = |error| Failure::message(format_args!("{name}: {error}"));
    if arguments.base.is_some() {
        return Err(Failure::message(
            "an ELF file states addresses; `--base` is for what does not",
        ));
    }
    let file = ElfFile::parse(bytes).map_err(failure)?;
    let extensions = match (arguments.march, file.extensions()) {
        (Some(extensions), _) | (None, Ok(extensions)) => extensions,
        (None, Err(error)) => {
            // What is known can be shown nevertheless.
            anstream::eprintln!("warning: {name}: {error}; what is not known is shown as data");
            ExtensionSet::all()
        }
    };
    let listing = ElfListing {
        file: &file,
        extensions,
        pseudo: !arguments.no_aliases,
    };
    let mut output = BufWriter::new(io::stdout().lock());
    write!(output, "{listing}")?;
    Ok(output.flush()?)
}

/// Whether `input` is printable ASCII text.
fn is_text(input: &[u8]) -> bool {
    let is_printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    input.iter().all(is_printable)
}

/// The bytes of a text that consists of hexadecimal numbers.
///
/// # Errors
/// The first word that is none, and its place.
fn parse_hexadecimal(text: &str) -> Result<Vec<u8>, (Location, &str)> {
    let mut bytes = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for token in line.split_whitespace() {
            let start = token.as_ptr() as usize - line.as_ptr() as usize;
            let location = Location {
                line: number,
                column: line[..start].chars().count() as u32 + 1,
            };
            bytes.extend(parse_number(token).ok_or((location, token))?);
        }
    }
    Ok(bytes)
}

/// The bytes of a number, the lowest first.
fn parse_number(token: &str) -> Option<Vec<u8>> {
    let digits = token.strip_prefix("0x").unwrap_or(token);
    let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_number || !matches!(digits.len(), 2 | 4 | 8) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some(number.to_le_bytes()[..digits.len() / 2].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_numbers_of_three_lengths() {
        assert_eq!(
            parse_hexadecimal("0x00a50513\n8082 ff"),
            Ok(vec![0x13, 0x05, 0xa5, 0x00, 0x82, 0x80, 0xff])
        );
        for text in ["00a5051", "xyz", "00a505130", "+1"] {
            let location = Location { line: 2, column: 4 };
            let after = format!("ff\nff {text}");
            assert_eq!(parse_hexadecimal(&after), Err((location, text)));
        }
    }
}
