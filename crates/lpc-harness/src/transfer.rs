//! Moving arguments and results in and out of the machine, where their signature says that they travel.

use crate::error::Violation;
use crate::garbage::Garbage;
use lpc_codegen::backend::abi::{AbiSignature, AbiSlot, AbiValue, WORD_BYTES};
use lpc_codegen::isa::riscv32::regs;
use lpc_lpir::ir::{ArgumentExtension, DataValue};
use lpc_riscv32::emulator::{Emulator, OutOfBounds};

impl From<OutOfBounds> for Violation {
    fn from(_: OutOfBounds) -> Self {
        Self::OutsideMemory
    }
}

/// Puts `data` where `value` travels. Its words that are in memory are relative to `area`.
pub(crate) fn write_value(
    emulator: &mut Emulator,
    abi: &AbiSignature,
    value: &AbiValue,
    area: u32,
    data: DataValue,
    garbage: &mut Garbage,
) -> Result<(), OutOfBounds> {
    for (slot, word) in abi.slots(value).iter().zip(data.words()) {
        let word = word | fill(value, data, garbage);
        match *slot {
            AbiSlot::Reg(reg) => emulator.set_gpr(regs::gpr(reg.to_reg()), word),
            AbiSlot::Memory(offset) => {
                emulator.write_memory(area.wrapping_add(offset), &word.to_le_bytes())?;
            }
        }
    }
    Ok(())
}

/// The bits above `data` in its word.
fn fill(value: &AbiValue, data: DataValue, garbage: &mut Garbage) -> u32 {
    let mask = data.ty().mask() as u32;
    match value.extension {
        ArgumentExtension::None => garbage.word() & !mask,
        ArgumentExtension::Uext => 0,
        ArgumentExtension::Sext => data.signed() as u32 & !mask,
    }
}

/// What is where `value` travels. Its words that are in memory are relative to `area`.
///
/// # Errors
/// When words are outside of the memory, or when a narrow value is not extended as its signature says.
pub(crate) fn read_value(
    emulator: &Emulator,
    abi: &AbiSignature,
    value: &AbiValue,
    area: u32,
) -> Result<DataValue, Violation> {
    let mut bits = 0;
    for (index, slot) in abi.slots(value).iter().enumerate() {
        let word = match *slot {
            AbiSlot::Reg(reg) => emulator.gpr(regs::gpr(reg.to_reg())),
            AbiSlot::Memory(offset) => emulator.memory().read_u32(area.wrapping_add(offset))?,
        };
        bits |= u128::from(word) << (8 * WORD_BYTES * index as u32);
    }
    let ty = value.ty;
    let data = DataValue::new(ty, bits);
    let word = bits as u32;
    let is_extended = match value.extension {
        ArgumentExtension::None => true,
        ArgumentExtension::Uext => word == data.unsigned() as u32,
        ArgumentExtension::Sext => word == data.signed() as u32,
    };
    if is_extended {
        Ok(data)
    } else {
        Err(Violation::NotExtended { ty, word })
    }
}
