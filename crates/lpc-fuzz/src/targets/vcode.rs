//! Virtual-register code in text, from the reader to machine code.

use super::pipeline::settings;
use super::text::check_location;
use lpc_codegen::backend::regalloc::{RegallocAlgorithm, run_validated};
use lpc_codegen::backend::vcode_text::{
    NamedVCode, VCodeParseError, parse_vcode, print_allocated_vcode, print_vcode,
};
use lpc_codegen::emit_function;
use lpc_codegen::isa::riscv32::inst::MInst;
use lpc_lpir::text::Location;

/// What code is emitted with: compressed or not, for linkers that shorten it or not.
const SETTINGS: [u16; 2] = [0x0000, 0x01ff];

/// Reads `data` as virtual-register code, and takes what can be read through the allocators and emission.
///
/// # Panics
/// If the place of an error is not in the text, what was read does not print to a fixpoint, or an allocation is wrong.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match parse_vcode::<MInst>(&text) {
        Ok(functions) => {
            for function in &functions {
                check_fixpoint(function);
                check_code(function);
            }
        }
        Err(VCodeParseError { line, column, .. }) => {
            check_location(&text, Location { line, column });
        }
    }
}

fn check_fixpoint(function: &NamedVCode<MInst>) {
    let printed = print_vcode(&function.name, &function.vcode);
    match parse_vcode::<MInst>(&printed).as_deref() {
        Ok([again]) => assert_eq!(print_vcode(&again.name, &again.vcode), printed),
        Ok(others) => panic!("one function is read as {}\n{printed}", others.len()),
        Err(error) => panic!("{error}\n{printed}"),
    }
}

/// Takes the function as far as it gets: an allocator may need more registers than there are, and emission more room.
fn check_code(function: &NamedVCode<MInst>) {
    for algorithm in RegallocAlgorithm::ALLOCATORS {
        let Ok(allocation) = run_validated(&function.vcode, algorithm) else {
            continue;
        };
        print_allocated_vcode(&function.name, &function.vcode, &allocation.output);
        for bits in SETTINGS {
            let _ = emit_function(function.vcode.clone(), &allocation, &settings(bits));
        }
    }
}
