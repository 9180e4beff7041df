//! Where values are, from one instruction to another: lists of locations (DWARF 5, section 2.6).
//!
//! Each word of a value has a life of its own: it is in a register or in the frame, moves, and ends. The life of the value is cut
//! where one of its words moves:
//!
//! ```text
//!  low word    ├──── a0 ────┼──── s1 ─────┤
//!  high word   ├──────── a1 ────────┤
//!  value       ├─ a0, a1 ───┼ s1, a1┼ s1 ─┤
//! ```
//!
//! A register that a call may change holds its value until control is in the callee. A debugger that looks at the caller from
//! there asks for the byte in front of the return address, so the location ends before that one.

use super::builder::ObjectBuilder;
use super::debug_section::Places;
use super::frame::dwarf_number;
use alloc::vec;
use alloc::vec::Vec;
use gimli::Register;
use gimli::write::{Address, Expression, Location, LocationList};
use lpc_codegen::backend::buffer::MachBufferFinalized;
use lpc_codegen::backend::machinst::CodeOffset;
use lpc_codegen::backend::value_labels::{ValueLocation, ValuePlace};
use lpc_codegen::isa::riscv32::regs::{CALLEE_SAVED, gpr};

const WORD_BYTES: u64 = 4;

/// A part of the life of a value.
#[derive(PartialEq, Eq, Debug)]
struct Stretch {
    start: CodeOffset,
    end: CodeOffset,
    /// Where each of its words is.
    words: Vec<Option<ValuePlace>>,
}

/// The locations of a value of `num_words` words, which are all that `locations` are about, in the function number `function`.
pub(super) fn location_list(
    builder: &mut ObjectBuilder<'_>,
    places: &mut Places,
    function: usize,
    locations: &[ValueLocation],
    num_words: usize,
) -> LocationList {
    let code = builder.functions[function].code;
    let mut list = Vec::new();
    let mut has_base = false;
    for stretch in stretches(locations, num_words) {
        let data = expression(&stretch.words);
        let shortened_by = if ends_in_call(&stretch, code) { 1 } else { 0 };
        let Stretch { start, end, .. } = stretch;
        if builder.functions[function].shrinking.is_between(0, end) {
            let begin = places.address(builder, function, start);
            let end = before(places.address(builder, function, end), shortened_by);
            list.push(Location::StartEnd { begin, end, data });
            continue;
        }
        if !has_base {
            let address = places.address(builder, function, 0);
            list.push(Location::BaseAddress { address });
            has_base = true;
        }
        list.push(Location::OffsetPair {
            begin: u64::from(start),
            end: u64::from(end - shortened_by),
            data,
        });
    }
    LocationList(list)
}

/// The address `bytes` in front of `address`.
fn before(address: Address, bytes: u32) -> Address {
    match address {
        Address::Constant(address) => Address::Constant(address - u64::from(bytes)),
        Address::Symbol { symbol, addend } => Address::Symbol {
            symbol,
            addend: addend - i64::from(bytes),
        },
    }
}

/// Whether the stretch ends with a call that may change one of its registers.
fn ends_in_call(stretch: &Stretch, code: &MachBufferFinalized) -> bool {
    let is_return = code
        .call_sites
        .binary_search_by_key(&stretch.end, |call| call.return_offset)
        .is_ok();
    let mut words = stretch.words.iter();
    is_return
        && words.any(|place| match place {
            Some(ValuePlace::Reg(reg)) => !CALLEE_SAVED.contains((*reg).into()),
            _ => false,
        })
}

/// Cuts the life of a value where one of its words moves. `locations` are in the order of the words, and of the code.
fn stretches(locations: &[ValueLocation], num_words: usize) -> Vec<Stretch> {
    let mut borders: Vec<_> = locations
        .iter()
        .flat_map(|location| [location.start, location.end])
        .collect();
    borders.sort_unstable();
    borders.dedup();
    // What is left of the locations of each word.
    let mut rest: Vec<&[ValueLocation]> = vec![&[]; num_words];
    for word in locations.chunk_by(|one, next| one.label == next.label) {
        if let Some(rest) = rest.get_mut(usize::from(word[0].label.word)) {
            *rest = word;
        }
    }
    let mut stretches: Vec<Stretch> = Vec::new();
    for border in borders.windows(2) {
        let &[start, end] = border else { continue };
        let words: Vec<_> = rest.iter_mut().map(|rest| place_at(rest, start)).collect();
        match stretches.last_mut() {
            Some(last) if last.end == start && last.words == words => last.end = end,
            _ if words.iter().all(Option::is_none) => {}
            _ => stretches.push(Stretch { start, end, words }),
        }
    }
    stretches
}

/// Where a word is at `offset`. `locations` are its locations; those that end before are taken off.
fn place_at(locations: &mut &[ValueLocation], offset: CodeOffset) -> Option<ValuePlace> {
    while let Some((first, rest)) = locations.split_first()
        && first.end <= offset
    {
        *locations = rest;
    }
    let first = locations.first()?;
    (first.start <= offset).then_some(first.place)
}

/// Where a value is whose words are at `words`.
fn expression(words: &[Option<ValuePlace>]) -> Expression {
    let mut expression = Expression::new();
    for word in words {
        match word {
            Some(ValuePlace::Reg(reg)) => {
                let number = dwarf_number(gpr(reg.to_reg()));
                expression.op_reg(Register(u16::from(number)));
            }
            Some(ValuePlace::BelowCfa(distance)) => expression.op_fbreg(-i64::from(*distance)),
            None => {}
        }
        if words.len() > 1 {
            expression.op_piece(WORD_BYTES);
        }
    }
    expression
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_codegen::backend::value_labels::ValueLabel;
    use lpc_codegen::isa::riscv32::regs::real_reg;
    use lpc_lpir::ir::Value;
    use lpc_riscv32::Gpr;

    fn location(word: u8, start: u32, end: u32, place: ValuePlace) -> ValueLocation {
        let value = Value::from_u32(3);
        ValueLocation {
            label: ValueLabel { value, word },
            start,
            end,
            place,
        }
    }

    fn stretch(start: u32, end: u32, words: &[Option<ValuePlace>]) -> Stretch {
        let words = words.to_vec();
        Stretch { start, end, words }
    }

    #[test]
    fn lives_are_cut_where_a_word_moves() {
        let [a0, a1, s1] = [Gpr::A0, Gpr::A1, Gpr::S1].map(|gpr| ValuePlace::Reg(real_reg(gpr)));
        let locations = [
            location(0, 4, 10, a0),
            location(0, 10, 20, s1),
            location(0, 30, 40, s1),
            location(0, 40, 50, s1),
            location(1, 4, 14, a1),
        ];
        let expected = [
            stretch(4, 10, &[Some(a0), Some(a1)]),
            stretch(10, 14, &[Some(s1), Some(a1)]),
            stretch(14, 20, &[Some(s1), None]),
            stretch(30, 50, &[Some(s1), None]),
        ];
        assert_eq!(stretches(&locations, 2), expected);
        assert_eq!(stretches(&[], 1), []);
    }
}
