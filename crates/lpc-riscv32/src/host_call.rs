//! The code of functions that are provided by who runs a program.

use crate::gpr::Gpr;
use crate::immediate::Imm12;
use crate::inst::Inst;
use crate::table::Opcode;

/// The bytes of a [`host_call`].
pub const HOST_CALL_SIZE: u32 = 8;

/// The code of a function that is provided by who runs the program: `ecall`, at which the machine stops, and `ret`, with which it goes on
/// in the caller. Which function it is, its address tells.
pub fn host_call() -> [u8; HOST_CALL_SIZE as usize] {
    let call = Inst::no_operands(Opcode::Ecall);
    let return_ = Inst::jalr(Gpr::ZERO, Gpr::RA, Imm12::ZERO);
    let mut bytes = [0; _];
    for (place, inst) in bytes.as_chunks_mut::<4>().0.iter_mut().zip([call, return_]) {
        let word = inst.encode().expect("the operands are in range");
        *place = word.to_le_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_calls_and_returns() {
        let words = [0x0000_0073_u32, 0x0000_8067];
        assert_eq!(host_call(), words.map(u32::to_le_bytes).as_flattened());
    }
}
