//! Mistakes on purpose, to see that the comparison notices them.

use super::outcome::{Observation, Outcome};
use lpc_codegen::isa::riscv32::emit::EmitInfo;
use lpc_codegen::{CompiledFunction, RegallocAlgorithm};
use lpc_lpir::ir::{DataValue, TrapCode};
use lpc_riscv32::Opcode;
use lpc_riscv32::fetch::fetch;

/// A mistake. All but the last are made in what [`Self::ALLOCATOR`] gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The first subtraction of a function is something else.
    WrongInstruction,
    /// A bit of the first result is wrong.
    WrongResult,
    /// The last byte of the data is wrong.
    WrongMemory,
    /// A trap has another code.
    WrongTrap,
    /// The compiler panics on functions with many parameters.
    Panic,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::WrongInstruction,
        Self::WrongResult,
        Self::WrongMemory,
        Self::WrongTrap,
        Self::Panic,
    ];

    /// The register allocator whose code has the mistake.
    pub const ALLOCATOR: RegallocAlgorithm = RegallocAlgorithm::SinglePass;

    /// Makes the first subtraction of `function` an addition, or an `xor` where it is compressed.
    pub(super) fn change_subtraction(function: &mut CompiledFunction, info: &EmitInfo) {
        let buffer = &mut function.code.buffer;
        let mut offset = 0;
        while offset < buffer.code_size as usize {
            let Ok(fetched) = fetch(&buffer.bytes[offset..], info.extensions) else {
                return;
            };
            let length = fetched.length as usize;
            if fetched.inst.opcode == Opcode::Sub {
                match length {
                    2 => buffer.bytes[offset] ^= 1 << 5,
                    _ => buffer.bytes[offset + 3] ^= 1 << 6,
                }
                return;
            }
            offset += length;
        }
    }

    /// Changes what was seen of a call.
    pub(super) fn change_observation(self, observation: &mut Observation) {
        match (self, &mut observation.outcome) {
            (Self::WrongResult, Outcome::Returned(values)) => {
                if let Some(value) = values.first_mut() {
                    *value = DataValue::new(value.ty(), value.unsigned() ^ 1);
                }
            }
            (Self::WrongTrap, Outcome::Trapped(code)) => {
                *code = match *code {
                    TrapCode::INTEGER_OVERFLOW => TrapCode::INTEGER_DIVISION_BY_ZERO,
                    _ => TrapCode::INTEGER_OVERFLOW,
                };
            }
            (Self::WrongMemory, _) => {
                if let Some(byte) = observation.memory.last_mut() {
                    *byte ^= 0x80;
                }
            }
            _ => {}
        }
    }
}
