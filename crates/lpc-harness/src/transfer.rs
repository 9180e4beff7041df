//! Moving arguments and results in and out of the machine, where their signature says that they travel.

use crate::error::Violation;
use lpc_codegen::backend::abi::{AbiSignature, AbiSlot, AbiValue};
use lpc_codegen::backend::transfer::Garbage;
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
    abi.store_words(value, data.words(), garbage, |slot, word| match slot {
        AbiSlot::Reg(reg) => {
            emulator.set_gpr(regs::gpr(reg.to_reg()), word);
            Ok(())
        }
        AbiSlot::Memory(offset) => {
            emulator.write_memory(area.wrapping_add(offset), &word.to_le_bytes())
        }
    })
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
    let bits = abi.load_bits(value, |slot| match slot {
        AbiSlot::Reg(reg) => Ok(emulator.gpr(regs::gpr(reg.to_reg()))),
        AbiSlot::Memory(offset) => emulator.memory().read_u32(area.wrapping_add(offset)),
    })?;
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
