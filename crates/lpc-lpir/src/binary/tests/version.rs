//! What a byte means changes with the version, and with nothing else.

use super::super::fields::{
    call_conv_from_bits, data_from_byte, mem_flags_from_bytes, param_from_byte, states_trap_code,
    trap_code_from_byte,
};
use super::super::{VERSION, codes};
use crate::ir::AtomicRmwOp;
use std::fmt::Write;
use std::string::String;
use std::vec::Vec;

/// What each byte means, one meaning a line.
fn meanings() -> String {
    let mut text = String::new();
    for (byte, opcode, ty, condition) in codes() {
        writeln!(
            text,
            "{byte} {opcode} {ty:?} {condition:?} {:?} {:?} {:?} {:?} {}",
            opcode.format(),
            opcode.controlling_type(),
            opcode.operands(),
            opcode.results().collect::<Vec<_>>(),
            opcode.is_terminator(),
        )
        .unwrap();
    }
    for byte in 0..=u8::MAX {
        let flags = mem_flags_from_bytes(byte, states_trap_code(byte).then_some(7));
        writeln!(
            text,
            "{byte} {:?} {flags:?} {:?} {:?} {:?} {:?}",
            param_from_byte(byte),
            data_from_byte(byte),
            trap_code_from_byte(byte),
            call_conv_from_bits(byte.into()),
            AtomicRmwOp::ALL.get(usize::from(byte)),
        )
        .unwrap();
    }
    text
}

/// The hash FNV-1a.
fn hash(text: &str) -> u64 {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// When this fails, messages of this version are read as something else than what was written: raise [`VERSION`], and state here
/// what belongs to the new one.
#[test]
fn the_meaning_of_bytes_belongs_to_the_version() {
    assert_eq!((VERSION, hash(&meanings())), (1, 0xe5e4_19e0_eee4_cbdc));
}
