//! Machine code, as bytes: decoding, encoding, expanding, compressing, printing.

use lpc_riscv32::compressed::{compress, expand, mnemonic};
use lpc_riscv32::disassembler::{Line, Listing, disassemble};
use lpc_riscv32::display::DisplayOptions;
use lpc_riscv32::fetch::{FetchError, fetch};
use lpc_riscv32::{Extension, ExtensionSet, Gpr, Inst, Opcode};

/// Takes the first four bytes of `data` for a set of extensions, and the rest for code of such a machine.
///
/// # Panics
/// If two ways to the same disagree.
pub fn run(data: &[u8]) {
    let (extensions, code) = split_extensions(data);
    check_name(extensions);
    for bytes in code.windows(4) {
        let word = u32::from_le_bytes(bytes.try_into().expect("there are four bytes"));
        check_word(word);
        check_halfword(word as u16, extensions);
        check_fetch(bytes, extensions);
    }
    check_lines(code, extensions);
}

/// The set that the first four bytes select, one bit for each extension, and the rest.
pub(super) fn split_extensions(data: &[u8]) -> (ExtensionSet, &[u8]) {
    let Some((bits, rest)) = data.split_first_chunk() else {
        return (ExtensionSet::all(), data);
    };
    let bits = u32::from_le_bytes(*bits);
    let chosen = (0..)
        .zip(Extension::ALL)
        .filter(|(bit, _)| bits >> bit & 1 != 0);
    let set = chosen.fold(ExtensionSet::RV32I, |set, (_, extension)| {
        set.with(*extension)
    });
    (set, rest)
}

fn check_name(extensions: ExtensionSet) {
    let name = extensions.to_string();
    assert_eq!(name.parse(), Ok(extensions), "{name}");
}

fn check_word(word: u32) {
    if let Ok(inst) = Inst::decode(word) {
        assert_eq!(inst.encode(), Ok(word), "{inst}");
    }
}

/// An encoding expands to an instruction that can be encoded and that compresses to an encoding of the same effect.
fn check_halfword(half: u16, extensions: ExtensionSet) {
    let Some(inst) = expand(half, extensions) else {
        return;
    };
    assert!(mnemonic(half).is_some(), "{half:#06x}");
    assert!(half & 3 != 3, "{half:#06x}");
    let word = inst.encode().expect("what is expanded can be encoded");
    assert_eq!(Inst::decode(word), Ok(inst), "{half:#06x}");
    match compress(inst, extensions) {
        Some(again) => {
            let inst_again = expand(again, extensions).expect("what is compressed can be expanded");
            assert_eq!(
                canonical(inst_again),
                canonical(inst),
                "{half:#06x} and {again:#06x}"
            );
        }
        // Hints are never produced, nor what the machine has in the compressed form alone.
        None => assert!(
            is_hint(inst) || !inst.opcode.is_in(extensions),
            "{half:#06x}: {inst} has no compressed form"
        ),
    }
}

/// One instruction for all of the same effect that have a compressed form.
fn canonical(inst: Inst) -> Inst {
    match inst.opcode {
        Opcode::Addi if inst.imm == 0 => {
            canonical(Inst::r(Opcode::Add, inst.rd, Gpr::ZERO, inst.rs1))
        }
        Opcode::Add
        | Opcode::And
        | Opcode::Or
        | Opcode::Xor
        | Opcode::Mul
        | Opcode::Beq
        | Opcode::Bne
            if inst.rs1.number() > inst.rs2.number() =>
        {
            Inst {
                rs1: inst.rs2,
                rs2: inst.rs1,
                ..inst
            }
        }
        _ => inst,
    }
}

/// Whether a compressed instruction is reserved for a meaning besides its effect, as it has none.
fn is_hint(inst: Inst) -> bool {
    let writes_nothing = inst.rd == Gpr::ZERO && !inst.opcode.is_jump() && !inst.opcode.is_branch();
    let keeps = inst.rd == inst.rs1 && inst.imm == 0;
    let is_shift = matches!(inst.opcode, Opcode::Slli | Opcode::Srli | Opcode::Srai);
    writes_nothing || keeps && (is_shift || inst.opcode == Opcode::Addi)
}

fn check_fetch(bytes: &[u8], extensions: ExtensionSet) {
    match fetch(bytes, extensions) {
        Ok(fetched) if fetched.length == 2 => {
            assert_eq!(expand(fetched.bits as u16, extensions), Some(fetched.inst));
        }
        Ok(fetched) => {
            assert_eq!(fetched.length, 4);
            assert_eq!(fetched.inst.encode(), Ok(fetched.bits));
            assert!(fetched.inst.opcode.is_in(extensions));
        }
        Err(FetchError::Illegal { length, .. }) => {
            assert_eq!(length, if bytes[0] & 3 == 3 { 4 } else { 2 });
        }
        Err(FetchError::Truncated) => panic!("four bytes are enough"),
    }
}

/// The lines of a listing are all of the bytes, one behind the other.
fn check_lines(code: &[u8], extensions: ExtensionSet) {
    let mut rest = code;
    // Addresses wrap around in the middle.
    let start = 0_u32.wrapping_sub(code.len() as u32 / 2);
    let mut address = start;
    for line in disassemble(code, start, extensions) {
        let Line { bits, length, .. } = line;
        assert_eq!(line.address, address);
        let (bytes, others) = rest.split_at(length as usize);
        let number = bytes
            .iter()
            .rev()
            .fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        assert_eq!(bits, number);
        rest = others;
        address = address.wrapping_add(length);
    }
    assert!(rest.is_empty());
    let symbols = |address: u32| address.is_multiple_of(8).then_some("label");
    for pseudo in [false, true] {
        let options = DisplayOptions {
            pseudo,
            address: None,
            symbols: Some(&symbols),
        };
        let listing = Listing {
            bytes: code,
            address: start,
            extensions,
            options,
        };
        let _ = listing.to_string();
    }
}
