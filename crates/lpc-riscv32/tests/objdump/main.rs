//! Decoding and disassembly against GNU objdump: which encodings are instructions, and how they print.
//!
//! Compared are all halfwords and a million words, with pseudo-instructions and without. What objdump prints otherwise than we
//! do is stated in [`DIFFERENCES`], each with its reason. Extensions that this version of it lacks ([`KNOWN_EXTENSIONS`]) are
//! off on our side as well: those are judged by QEMU alone.

use differences::{COMPRESSED_NAMES, DIFFERENCES, Shown};
use gnu::{KNOWN_EXTENSIONS, assemble};
use lpc_riscv32::disassembler::{Line, disassemble};
use lpc_riscv32::display::DisplayOptions;
use lpc_riscv32::{Csr, Extension, ExtensionSet, Gpr, Inst, Opcode, compressed};
use std::collections::HashMap;
use std::fs;
use std::process::Command;
use tools::{output_of, scratch_file, tools_are_there};

mod differences;
#[path = "../support/gnu.rs"]
mod gnu;
#[path = "../support/halfwords.rs"]
mod halfwords;
#[path = "../support/random.rs"]
mod random;
#[path = "../support/tools.rs"]
mod tools;
#[path = "../support/words.rs"]
mod words;

const OBJDUMP: &str = "riscv64-unknown-elf-objdump";
const STRIP: &str = "riscv64-unknown-elf-strip";

const NO_PSEUDO: &str = "--disassembler-options=no-aliases";

/// Where the code stands: no target is beyond the end of the address space.
const BASE: u32 = 0x8000_0000;

#[test]
fn objdump_shows_every_halfword_as_we_do() {
    if !tools_are_there(&[gnu::ASSEMBLER, STRIP, OBJDUMP]) {
        return;
    }
    let halfwords: Vec<u32> = halfwords::all().map(u32::from).collect();
    let judge = Judge::new("halfwords");
    let totals = judge.compare_all("halfwords", &halfwords);
    assert_eq!(totals.instructions + totals.data, halfwords::COUNT);
    assert!(totals.instructions >= 28_823);
}

#[test]
fn objdump_shows_a_million_words_as_we_do() {
    if !tools_are_there(&[gnu::ASSEMBLER, STRIP, OBJDUMP]) {
        return;
    }
    let judge = Judge::new("words");
    let totals = judge.compare_all("words", &words::all());
    assert_eq!(totals.instructions + totals.data, words::COUNT);
    assert!(totals.instructions > 500_000);
}

/// What was compared.
#[derive(Default)]
struct Totals {
    instructions: usize,
    data: usize,
    differences: [usize; DIFFERENCES.len()],
}

impl Totals {
    fn print(&self, name: &str) {
        eprintln!(
            "{name}: {} instructions, {} others; of these",
            self.instructions, self.data
        );
        let differences = DIFFERENCES.iter().zip(self.differences);
        for (difference, count) in differences.filter(|(_, count)| *count > 0) {
            eprintln!("{count:7} {}: {}", difference.what, difference.reason);
        }
    }
}

/// objdump, for the extensions that it knows.
struct Judge {
    extensions: ExtensionSet,
    csr_names: Vec<String>,
}

impl Judge {
    fn new(name: &str) -> Judge {
        let extensions = KNOWN_EXTENSIONS.with(Extension::C);
        let missing = Extension::ALL
            .iter()
            .filter(|extension| !extensions.contains(**extension));
        let missing: Vec<_> = missing.map(|extension| extension.name()).collect();
        eprintln!("not known to this objdump: {}", missing.join(", "));
        Judge {
            extensions,
            csr_names: csr_names(extensions, &format!("{name}_csr_names")),
        }
    }

    /// Compares how the encodings print, with pseudo-instructions and without.
    ///
    /// # Panics
    /// With the first mismatches, if there are some.
    fn compare_all(&self, name: &str, encodings: &[u32]) -> Totals {
        let placed = Placed::new(encodings);
        let raw = dump(&placed.code, self.extensions, name, &[NO_PSEUDO]);
        let pseudo = dump(&placed.code, self.extensions, name, &[]);
        let mut totals = Totals::default();
        let mut mismatches = Vec::new();
        for address in placed.addresses {
            let bytes = &placed.code[(address - BASE) as usize..];
            let line = disassemble(bytes, address, self.extensions).next().unwrap();
            match line.inst {
                Some(_) => totals.instructions += 1,
                None => totals.data += 1,
            }
            let ours = text(line, true);
            let (raw, theirs) = (&raw[&address], &pseudo[&address]);
            if !self.is_same(line, &ours, theirs, &mut totals) || !self.is_same_raw(line, raw) {
                let bits = line.bits;
                mismatches.push(format!("{bits:#x}: ours {ours}, theirs {theirs} or {raw}"));
            }
        }
        totals.print(name);
        let first = &mismatches[..mismatches.len().min(20)];
        assert!(
            first.is_empty(),
            "{} mismatches, such as:\n{}",
            mismatches.len(),
            first.join("\n")
        );
        totals
    }

    /// Whether `theirs` is what we print without pseudo-instructions. Of a compressed instruction only the mnemonic is compared,
    /// because we print it as what it stands for.
    fn is_same_raw(&self, line: Line, theirs: &str) -> bool {
        let mnemonic = compressed::mnemonic(line.bits as u16);
        match (line.inst, mnemonic) {
            (Some(_), Some(ours)) if line.length == 2 => {
                let theirs = theirs.split(' ').next().unwrap_or_default();
                theirs == ours || COMPRESSED_NAMES.contains(&(theirs, ours))
            }
            _ => self.is_same(line, &text(line, false), theirs, &mut Totals::default()),
        }
    }

    /// Whether the texts are the same but for what is [different](DIFFERENCES), which is counted.
    fn is_same(&self, line: Line, ours: &str, theirs: &str, totals: &mut Totals) -> bool {
        // Directives for data have several names, and take data of several lengths.
        let is_data = |text: &str| text.starts_with('.');
        let is_equal = |theirs: &str| ours == theirs || is_data(ours) && is_data(theirs);
        let mut theirs = theirs.to_owned();
        for (difference, count) in DIFFERENCES.iter().zip(&mut totals.differences) {
            if is_equal(&theirs) {
                break;
            }
            let shown = Shown {
                text: &theirs,
                line,
                csr_names: &self.csr_names,
            };
            if let Some(removed) = (difference.remove)(&shown) {
                theirs = removed;
                *count += 1;
            }
        }
        is_equal(&theirs)
    }
}

fn text(line: Line, pseudo: bool) -> String {
    let options = DisplayOptions {
        pseudo,
        ..DisplayOptions::default()
    };
    line.display(options).to_string()
}

/// Encodings as code.
struct Placed {
    code: Vec<u8>,
    addresses: Vec<u32>,
}

impl Placed {
    fn new(encodings: &[u32]) -> Placed {
        let mut placed = Placed {
            code: Vec::new(),
            addresses: Vec::new(),
        };
        for encoding in encodings {
            placed.addresses.push(BASE + placed.code.len() as u32);
            let length = if encoding & 3 == 3 { 4 } else { 2 };
            placed.code.extend(&encoding.to_le_bytes()[..length]);
            if encoding & 0x1f == 0x1f {
                // objdump takes this for the start of an instruction of up to 22 bytes.
                placed.code.extend([1, 0].repeat(10));
            }
        }
        placed
    }
}

/// The name of each control and status register: a number where it has none.
fn csr_names(extensions: ExtensionSet, file: &str) -> Vec<String> {
    let csrs = (0..4096).filter_map(Csr::new);
    let reads = csrs.map(|csr| {
        Inst::csr(Opcode::Csrrs, Gpr::ZERO, csr, Gpr::ZERO)
            .encode()
            .unwrap()
    });
    let placed = Placed::new(&reads.collect::<Vec<u32>>());
    let dump = dump(&placed.code, extensions, file, &[NO_PSEUDO]);
    let name = |address| dump[address].split(',').nth(1).unwrap().to_owned();
    placed.addresses.iter().map(name).collect()
}

/// What objdump prints of `code`, by address, without comments and symbols.
fn dump(
    code: &[u8],
    extensions: ExtensionSet,
    file: &str,
    options: &[&str],
) -> HashMap<u32, String> {
    let binary = scratch_file(file, "bin");
    fs::write(&binary, code).unwrap();
    let source = format!(".text\n.incbin \"{}\"\n", binary.display());
    let object = assemble(&source, extensions, file).unwrap();
    // Without the symbol which says that this is data.
    output_of(Command::new(STRIP).arg(&object)).unwrap();
    let mut objdump = Command::new(OBJDUMP);
    objdump.args([
        "--disassemble-all",
        "--disassemble-zeroes",
        "--section=.text",
    ]);
    objdump
        .arg(format!("--adjust-vma={BASE}"))
        .args(options)
        .arg(object);
    let text = String::from_utf8(output_of(&mut objdump).unwrap()).unwrap();
    text.lines().filter_map(shown_line).collect()
}

/// Address and instruction of a line such as `80000008:⇥fff00513⇥li⇥a0,-1 # comment`.
fn shown_line(line: &str) -> Option<(u32, String)> {
    let mut columns = line.split('\t');
    let address = columns.next()?.trim().strip_suffix(':')?;
    let address = u32::from_str_radix(address, 16).ok()?;
    let _bits = columns.next()?;
    let mnemonic = columns.next()?.trim();
    let Some(operands) = columns.next() else {
        return Some((address, mnemonic.to_owned()));
    };
    let operands = operands.split([' ', '#', '<']).next().unwrap_or_default();
    Some((address, format!("{mnemonic} {operands}")))
}
