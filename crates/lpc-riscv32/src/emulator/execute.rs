//! The execution loop.
//!
//! One iteration takes a [`Slot`] and runs it; an empty slot is filled first, and whatever is
//! rare (illegal instructions, fetch faults, arrival at the halt address) is found out there, where
//! it costs the fast path nothing: such a slot is never filled.

use super::Emulator;
use super::code::Slot;
use super::operations as op;
use super::trace::{Trace, TraceEvent};
use super::trap::{Stop, Trap, TrapCause};
use crate::csr::Csr;
use crate::extension::Extension;
use crate::fetch::{FetchError, FetchedInst, fetch};
use crate::inst::Inst;
use crate::table::Opcode;

/// What takes control away from the next instruction.
#[derive(Clone, Copy)]
pub(super) enum Exit {
    Ecall,
    Ebreak,
    Halted,
    Trap(TrapCause, u32),
}

impl Emulator {
    /// Runs until the instruction limit or an exit.
    pub(super) fn execute<T: Trace>(&mut self, limit: u64, tracer: &mut T) -> Stop {
        if self.pc & self.misaligned_pc_bits() != 0 {
            return self.leave(
                self.pc,
                Exit::Trap(TrapCause::InstructionAddressMisaligned, self.pc),
            );
        }
        let mut index = self.code.index_of(self.pc);
        let end = self.counters.instructions.saturating_add(limit);
        while self.counters.instructions < end {
            let slot = match self.code.slot(index) {
                Some(slot) if slot.opcode.is_some() => slot,
                _ => match self.fill_slot(index) {
                    Ok(()) => continue,
                    Err(exit) => return self.leave(self.code.pc_of(index), exit),
                },
            };
            if T::ENABLED {
                self.trace(index, tracer);
            }
            match self.execute_slot(slot, index) {
                Ok(next) => index = next,
                Err(Exit::Ecall) => {
                    self.counters.instructions += 1;
                    return self.leave(self.code.pc_of(index + slot.length()), Exit::Ecall);
                }
                Err(exit) => return self.leave(self.code.pc_of(index), exit),
            }
            self.counters.instructions += 1;
        }
        self.pc = self.code.pc_of(index);
        if self.pc == self.halt_address {
            Stop::Halted
        } else {
            Stop::LimitReached
        }
    }

    #[cold]
    fn leave(&mut self, pc: u32, exit: Exit) -> Stop {
        self.pc = pc;
        match exit {
            Exit::Ecall => Stop::Ecall,
            Exit::Ebreak => Stop::Ebreak,
            Exit::Halted => Stop::Halted,
            Exit::Trap(cause, value) => Stop::Trap(Trap { cause, pc, value }),
        }
    }

    /// Decodes the instruction for an empty slot, or says why none can start there.
    #[cold]
    fn fill_slot(&mut self, index: u32) -> Result<(), Exit> {
        let pc = self.code.pc_of(index);
        if pc == self.halt_address {
            return Err(Exit::Halted);
        }
        let fetched = self.fetch(pc)?;
        self.code.fill(index, &fetched);
        Ok(())
    }

    /// Decodes the instruction at `pc`.
    fn fetch(&self, pc: u32) -> Result<FetchedInst, Exit> {
        let offset = pc.wrapping_sub(self.code.start());
        let left = self
            .code
            .length()
            .checked_sub(offset)
            .filter(|left| *left > 0);
        let fault = Exit::Trap(TrapCause::InstructionAccessFault, pc);
        let bytes = self.memory.from(pc).ok_or(fault)?;
        let left = (left.ok_or(fault)? as usize).min(bytes.len());
        fetch(&bytes[..left], self.config.extensions).map_err(|error| match error {
            FetchError::Truncated => fault,
            FetchError::Illegal { bits, .. } => Exit::Trap(TrapCause::IllegalInstruction, bits),
        })
    }

    fn trace<T: Trace>(&mut self, index: u32, tracer: &mut T) {
        self.pc = self.code.pc_of(index);
        if let Ok(FetchedInst { inst, length, .. }) = self.fetch(self.pc) {
            tracer.instruction(&TraceEvent {
                pc: self.pc,
                inst,
                length,
                emulator: self,
            });
        }
    }

    /// Runs one instruction and returns the index of the next.
    #[inline(always)]
    fn execute_slot(&mut self, slot: Slot, index: u32) -> Result<u32, Exit> {
        let Some(opcode) = slot.opcode else {
            return Ok(index);
        };
        match opcode {
            Opcode::Lui | Opcode::Auipc => self.set_rd(slot, slot.imm as u32),
            Opcode::Jal => {
                return self.jump_and_link(slot, index, index.wrapping_add_signed(slot.imm));
            }
            Opcode::Jalr => {
                let target = self.address(slot) & !1;
                return self.jump_and_link(slot, index, self.code.index_of(target));
            }
            Opcode::Beq => return self.branch(slot, index, |a, b| a == b),
            Opcode::Bne => return self.branch(slot, index, |a, b| a != b),
            Opcode::Blt => return self.branch(slot, index, |a, b| (a as i32) < b as i32),
            Opcode::Bge => return self.branch(slot, index, |a, b| (a as i32) >= b as i32),
            Opcode::Bltu => return self.branch(slot, index, |a, b| a < b),
            Opcode::Bgeu => return self.branch(slot, index, |a, b| a >= b),

            Opcode::Lb => self.load(slot, |[byte]| byte as i8 as u32)?,
            Opcode::Lh => self.load(slot, |bytes| i16::from_le_bytes(bytes) as u32)?,
            Opcode::Lw => self.load(slot, u32::from_le_bytes)?,
            Opcode::Lbu => self.load(slot, |[byte]| u32::from(byte))?,
            Opcode::Lhu => self.load(slot, |bytes| u32::from(u16::from_le_bytes(bytes)))?,
            Opcode::Sb => self.store(slot, |value| [value as u8])?,
            Opcode::Sh => self.store(slot, |value| (value as u16).to_le_bytes())?,
            Opcode::Sw => self.store(slot, u32::to_le_bytes)?,

            Opcode::Addi => self.immediate(slot, u32::wrapping_add),
            Opcode::Slti => self.immediate(slot, op::slt),
            Opcode::Sltiu => self.immediate(slot, op::sltu),
            Opcode::Xori => self.immediate(slot, |a, b| a ^ b),
            Opcode::Ori => self.immediate(slot, |a, b| a | b),
            Opcode::Andi => self.immediate(slot, |a, b| a & b),
            Opcode::Slli => self.immediate(slot, op::sll),
            Opcode::Srli => self.immediate(slot, op::srl),
            Opcode::Srai => self.immediate(slot, op::sra),
            Opcode::Add => self.binary(slot, u32::wrapping_add),
            Opcode::Sub => self.binary(slot, u32::wrapping_sub),
            Opcode::Sll => self.binary(slot, op::sll),
            Opcode::Slt => self.binary(slot, op::slt),
            Opcode::Sltu => self.binary(slot, op::sltu),
            Opcode::Xor => self.binary(slot, |a, b| a ^ b),
            Opcode::Srl => self.binary(slot, op::srl),
            Opcode::Sra => self.binary(slot, op::sra),
            Opcode::Or => self.binary(slot, |a, b| a | b),
            Opcode::And => self.binary(slot, |a, b| a & b),

            // One hart and no caches: memory and fetch are always in order.
            Opcode::Fence | Opcode::FenceTso | Opcode::FenceI | Opcode::Pause | Opcode::Wfi => {}
            Opcode::Ecall => return Err(Exit::Ecall),
            Opcode::Ebreak => return Err(Exit::Ebreak),
            Opcode::Mret => {
                return self.jump(self.code.index_of(self.read_csr(Csr::MEPC).unwrap_or(0)));
            }
            Opcode::Csrrw
            | Opcode::Csrrs
            | Opcode::Csrrc
            | Opcode::Csrrwi
            | Opcode::Csrrsi
            | Opcode::Csrrci => self.access_csr(index)?,

            Opcode::Mul => self.binary(slot, u32::wrapping_mul),
            Opcode::Mulh => self.binary(slot, op::mulh),
            Opcode::Mulhsu => self.binary(slot, op::mulhsu),
            Opcode::Mulhu => self.binary(slot, op::mulhu),
            Opcode::Div => self.binary(slot, op::div),
            Opcode::Divu => self.binary(slot, op::divu),
            Opcode::Rem => self.binary(slot, op::rem),
            Opcode::Remu => self.binary(slot, op::remu),

            Opcode::LrW => self.load_reserved(slot)?,
            Opcode::ScW => self.store_conditional(slot)?,
            Opcode::AmoswapW => self.atomic(slot, |_, value| value)?,
            Opcode::AmoaddW => self.atomic(slot, u32::wrapping_add)?,
            Opcode::AmoxorW => self.atomic(slot, |old, value| old ^ value)?,
            Opcode::AmoandW => self.atomic(slot, |old, value| old & value)?,
            Opcode::AmoorW => self.atomic(slot, |old, value| old | value)?,
            Opcode::AmominW => self.atomic(slot, op::min)?,
            Opcode::AmomaxW => self.atomic(slot, op::max)?,
            Opcode::AmominuW => self.atomic(slot, u32::min)?,
            Opcode::AmomaxuW => self.atomic(slot, u32::max)?,

            Opcode::Sh1add => self.binary(slot, |a, b| (a << 1).wrapping_add(b)),
            Opcode::Sh2add => self.binary(slot, |a, b| (a << 2).wrapping_add(b)),
            Opcode::Sh3add => self.binary(slot, |a, b| (a << 3).wrapping_add(b)),
            Opcode::Andn => self.binary(slot, |a, b| a & !b),
            Opcode::Orn => self.binary(slot, |a, b| a | !b),
            Opcode::Xnor => self.binary(slot, |a, b| !(a ^ b)),
            Opcode::Clz => self.unary(slot, u32::leading_zeros),
            Opcode::Ctz => self.unary(slot, u32::trailing_zeros),
            Opcode::Cpop => self.unary(slot, u32::count_ones),
            Opcode::SextB => self.unary(slot, op::sext_b),
            Opcode::SextH => self.unary(slot, op::sext_h),
            Opcode::ZextH => self.unary(slot, |a| a & 0xffff),
            Opcode::Max => self.binary(slot, op::max),
            Opcode::Maxu => self.binary(slot, u32::max),
            Opcode::Min => self.binary(slot, op::min),
            Opcode::Minu => self.binary(slot, u32::min),
            Opcode::Rol => self.binary(slot, |a, b| a.rotate_left(b & 31)),
            Opcode::Ror => self.binary(slot, |a, b| a.rotate_right(b & 31)),
            Opcode::Rori => self.immediate(slot, |a, b| a.rotate_right(b & 31)),
            Opcode::OrcB => self.unary(slot, op::orc_b),
            Opcode::Rev8 => self.unary(slot, u32::swap_bytes),
            Opcode::Pack => self.binary(slot, op::pack),
            Opcode::Packh => self.binary(slot, op::packh),
            Opcode::Brev8 => self.unary(slot, op::brev8),
            Opcode::Zip => self.unary(slot, op::zip),
            Opcode::Unzip => self.unary(slot, op::unzip),
            Opcode::Bclr => self.binary(slot, op::bclr),
            Opcode::Bclri => self.immediate(slot, op::bclr),
            Opcode::Bext => self.binary(slot, op::bext),
            Opcode::Bexti => self.immediate(slot, op::bext),
            Opcode::Binv => self.binary(slot, op::binv),
            Opcode::Binvi => self.immediate(slot, op::binv),
            Opcode::Bset => self.binary(slot, op::bset),
            Opcode::Bseti => self.immediate(slot, op::bset),
            Opcode::CzeroEqz => self.binary(slot, op::czero_eqz),
            Opcode::CzeroNez => self.binary(slot, op::czero_nez),
        }
        Ok(index.wrapping_add(slot.length()))
    }

    #[inline(always)]
    fn set_rd(&mut self, slot: Slot, value: u32) {
        self.registers.write(slot.rd, value);
    }

    #[inline(always)]
    fn unary(&mut self, slot: Slot, operation: impl Fn(u32) -> u32) {
        self.set_rd(slot, operation(self.registers.read(slot.rs1)));
    }

    #[inline(always)]
    fn binary(&mut self, slot: Slot, operation: impl Fn(u32, u32) -> u32) {
        let operands = (self.registers.read(slot.rs1), self.registers.read(slot.rs2));
        self.set_rd(slot, operation(operands.0, operands.1));
    }

    #[inline(always)]
    fn immediate(&mut self, slot: Slot, operation: impl Fn(u32, u32) -> u32) {
        self.set_rd(
            slot,
            operation(self.registers.read(slot.rs1), slot.imm as u32),
        );
    }

    /// The sum of rs1 and the immediate.
    #[inline(always)]
    fn address(&self, slot: Slot) -> u32 {
        self.registers.read(slot.rs1).wrapping_add_signed(slot.imm)
    }

    /// Control to another place than the next instruction.
    #[inline(always)]
    fn jump(&self, target: u32) -> Result<u32, Exit> {
        if target & self.misaligned_index_bits != 0 {
            let target = self.code.pc_of(target);
            return Err(Exit::Trap(TrapCause::InstructionAddressMisaligned, target));
        }
        Ok(target)
    }

    #[inline(always)]
    fn jump_and_link(&mut self, slot: Slot, index: u32, target: u32) -> Result<u32, Exit> {
        let target = self.jump(target)?;
        self.set_rd(slot, self.code.pc_of(index.wrapping_add(slot.length())));
        Ok(target)
    }

    #[inline(always)]
    fn branch(
        &mut self,
        slot: Slot,
        index: u32,
        condition: impl Fn(u32, u32) -> bool,
    ) -> Result<u32, Exit> {
        if condition(self.registers.read(slot.rs1), self.registers.read(slot.rs2)) {
            let target = self.jump(index.wrapping_add_signed(slot.imm))?;
            self.counters.taken_branches += 1;
            Ok(target)
        } else {
            Ok(index.wrapping_add(slot.length()))
        }
    }

    #[inline(always)]
    fn load<const N: usize>(
        &mut self,
        slot: Slot,
        extend: impl Fn([u8; N]) -> u32,
    ) -> Result<(), Exit> {
        let address = self.address(slot);
        if address & self.misaligned_data_bits & (N as u32 - 1) != 0 {
            return Err(Exit::Trap(TrapCause::LoadAddressMisaligned, address));
        }
        let Some(bytes) = self.memory.load(address) else {
            return Err(Exit::Trap(TrapCause::LoadAccessFault, address));
        };
        self.counters.loads += 1;
        self.set_rd(slot, extend(bytes));
        Ok(())
    }

    #[inline(always)]
    fn store<const N: usize>(
        &mut self,
        slot: Slot,
        truncate: impl Fn(u32) -> [u8; N],
    ) -> Result<(), Exit> {
        let address = self.address(slot);
        if address & self.misaligned_data_bits & (N as u32 - 1) != 0 {
            return Err(Exit::Trap(TrapCause::StoreAddressMisaligned, address));
        }
        let bytes = truncate(self.registers.read(slot.rs2));
        if self.memory.store(address, bytes).is_none() {
            return Err(Exit::Trap(TrapCause::StoreAccessFault, address));
        }
        self.counters.stores += 1;
        self.code.note_store(address);
        Ok(())
    }
}

/// Atomic instructions: with one hart every access is atomic, and ordering holds by itself.
///
/// Their addresses must be aligned whatever the machine does for other accesses.
impl Emulator {
    fn load_reserved(&mut self, slot: Slot) -> Result<(), Exit> {
        let address = self.registers.read(slot.rs1);
        if !address.is_multiple_of(4) {
            return Err(Exit::Trap(TrapCause::LoadAddressMisaligned, address));
        }
        let Ok(value) = self.memory.read_u32(address) else {
            return Err(Exit::Trap(TrapCause::LoadAccessFault, address));
        };
        self.reservation = Some(address);
        self.counters.loads += 1;
        self.set_rd(slot, value);
        Ok(())
    }

    /// Succeeds if the last `lr.w` was at the same address and no `sc.w` came in between.
    fn store_conditional(&mut self, slot: Slot) -> Result<(), Exit> {
        let address = self.atomic_address(slot)?;
        let succeeds = self.reservation.take() == Some(address);
        if succeeds {
            self.store_atomic(address, self.registers.read(slot.rs2))?;
        }
        self.set_rd(slot, u32::from(!succeeds));
        Ok(())
    }

    fn atomic(&mut self, slot: Slot, operation: impl Fn(u32, u32) -> u32) -> Result<(), Exit> {
        let address = self.atomic_address(slot)?;
        let fault = Exit::Trap(TrapCause::StoreAccessFault, address);
        let old = self.memory.read_u32(address).map_err(|_| fault)?;
        self.store_atomic(address, operation(old, self.registers.read(slot.rs2)))?;
        self.counters.loads += 1;
        self.set_rd(slot, old);
        Ok(())
    }

    fn atomic_address(&self, slot: Slot) -> Result<u32, Exit> {
        let address = self.registers.read(slot.rs1);
        if address.is_multiple_of(4) {
            Ok(address)
        } else {
            Err(Exit::Trap(TrapCause::StoreAddressMisaligned, address))
        }
    }

    fn store_atomic(&mut self, address: u32, value: u32) -> Result<(), Exit> {
        let fault = Exit::Trap(TrapCause::StoreAccessFault, address);
        self.memory.write_u32(address, value).map_err(|_| fault)?;
        self.counters.stores += 1;
        self.code.note_store(address);
        Ok(())
    }
}

/// Control and status registers.
impl Emulator {
    fn read_csr(&self, csr: Csr) -> Option<u32> {
        self.csrs
            .read(csr, self.config.extensions, self.counters.instructions)
    }

    /// Runs the register access at `index`.
    ///
    /// It decodes the instruction again because it depends on the fields themselves: set and clear
    /// with `zero` or with the immediate 0 do not write, which makes them legal on read-only
    /// registers.
    #[cold]
    fn access_csr(&mut self, index: u32) -> Result<(), Exit> {
        let FetchedInst { inst, bits, .. } = self.fetch(self.code.pc_of(index))?;
        self.try_access_csr(inst)
            .ok_or(Exit::Trap(TrapCause::IllegalInstruction, bits))
    }

    fn try_access_csr(&mut self, inst: Inst) -> Option<()> {
        let csr = inst.csr_operand();
        let old = self.read_csr(csr)?;
        let register = self.registers.read(inst.rs1.number());
        let immediate = inst.csr_immediate_operand();
        let operand_is_zero_field = inst.rs1.number() == 0 && immediate == 0;
        let new = match inst.opcode {
            Opcode::Csrrw => Some(register),
            Opcode::Csrrwi => Some(immediate),
            _ if operand_is_zero_field => None,
            Opcode::Csrrs => Some(old | register),
            Opcode::Csrrc => Some(old & !register),
            Opcode::Csrrsi => Some(old | immediate),
            _ => Some(old & !immediate),
        };
        if let Some(new) = new {
            self.csrs.write(csr, new, self.config.extensions)?;
        }
        self.set_gpr(inst.rd, old);
        Some(())
    }

    /// Bits that are zero in the address of an instruction.
    pub(super) fn misaligned_pc_bits(&self) -> u32 {
        if self.config.extensions.contains(Extension::Zca) {
            1
        } else {
            3
        }
    }
}
