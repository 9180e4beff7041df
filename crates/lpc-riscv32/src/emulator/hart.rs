//! The meaning of each instruction.

use super::Counters;
use super::code::{Code, Op};
use super::machine_csr::MachineCsrs;
use super::memory::Memory;
use super::operations;
use super::registers::Registers;
use super::trap::{Exit, TrapCause};
use crate::table::Opcode;

/// Where control goes after an instruction that did not trap.
pub(super) enum Flow {
    /// To the next op.
    Next,
    /// To the instruction at this parcel.
    Jump(u32),
    /// To the next instruction, which is not the next op: the run of ops ends here.
    EndOfRun,
    /// To the next instruction, after a store to this address, which may hold code.
    StoredToCode(u32),
    /// To the next instruction, after the access to a control and status register, which is left
    /// to the caller.
    AccessCsr,
}

/// The state that instructions work on.
#[derive(Clone)]
pub(super) struct Hart {
    pub(super) registers: Registers,
    pub(super) csrs: MachineCsrs,
    pub(super) memory: Memory,
    pub(super) counters: Counters,
    /// Address bits that are zero in an aligned access, as far as its size requires it.
    pub(super) misaligned_data_bits: u32,
    /// Parcel bits that are zero in the target of a jump.
    pub(super) misaligned_parcel_bits: u32,
    /// The address of the last `lr.w` that no `sc.w` has consumed.
    pub(super) reservation: Option<u32>,
}

impl Hart {
    /// Executes one op, which stands at `position` in `code`.
    ///
    /// An error means that the instruction had no effect.
    #[inline(always)]
    pub(super) fn execute(&mut self, op: &Op, position: usize, code: &Code) -> Result<Flow, Exit> {
        let Some(opcode) = op.opcode else {
            return Ok(Flow::EndOfRun);
        };
        match opcode {
            Opcode::Lui | Opcode::Auipc => self.set_rd(op, op.imm as u32),
            Opcode::Jal => return self.jump_and_link(op, op.imm as u32, position, code),
            Opcode::Jalr => {
                let target = code.parcel_of(self.address(op) & !1);
                return self.jump_and_link(op, target, position, code);
            }
            Opcode::Beq => return self.branch(op, code, |a, b| a == b),
            Opcode::Bne => return self.branch(op, code, |a, b| a != b),
            Opcode::Blt => return self.branch(op, code, |a, b| (a as i32) < b as i32),
            Opcode::Bge => return self.branch(op, code, |a, b| (a as i32) >= b as i32),
            Opcode::Bltu => return self.branch(op, code, |a, b| a < b),
            Opcode::Bgeu => return self.branch(op, code, |a, b| a >= b),

            Opcode::Lb => self.load(op, |[byte]| byte as i8 as u32)?,
            Opcode::Lh => self.load(op, |bytes| i16::from_le_bytes(bytes) as u32)?,
            Opcode::Lw => self.load(op, u32::from_le_bytes)?,
            Opcode::Lbu => self.load(op, |[byte]| u32::from(byte))?,
            Opcode::Lhu => self.load(op, |bytes| u32::from(u16::from_le_bytes(bytes)))?,
            Opcode::Sb => return self.store(op, code, |value| [value as u8]),
            Opcode::Sh => return self.store(op, code, |value| (value as u16).to_le_bytes()),
            Opcode::Sw => return self.store(op, code, u32::to_le_bytes),

            Opcode::Addi => self.immediate(op, u32::wrapping_add),
            Opcode::Slti => self.immediate(op, operations::slt),
            Opcode::Sltiu => self.immediate(op, operations::sltu),
            Opcode::Xori => self.immediate(op, |a, b| a ^ b),
            Opcode::Ori => self.immediate(op, |a, b| a | b),
            Opcode::Andi => self.immediate(op, |a, b| a & b),
            Opcode::Slli => self.immediate(op, operations::sll),
            Opcode::Srli => self.immediate(op, operations::srl),
            Opcode::Srai => self.immediate(op, operations::sra),
            Opcode::Add => self.binary(op, u32::wrapping_add),
            Opcode::Sub => self.binary(op, u32::wrapping_sub),
            Opcode::Sll => self.binary(op, operations::sll),
            Opcode::Slt => self.binary(op, operations::slt),
            Opcode::Sltu => self.binary(op, operations::sltu),
            Opcode::Xor => self.binary(op, |a, b| a ^ b),
            Opcode::Srl => self.binary(op, operations::srl),
            Opcode::Sra => self.binary(op, operations::sra),
            Opcode::Or => self.binary(op, |a, b| a | b),
            Opcode::And => self.binary(op, |a, b| a & b),

            // One hart and no caches: memory and fetch are always in order.
            Opcode::Fence | Opcode::FenceTso | Opcode::FenceI | Opcode::Pause | Opcode::Wfi => {}
            Opcode::Ecall => return Err(Exit::Ecall),
            Opcode::Ebreak => return Err(Exit::Ebreak),
            Opcode::Mret => return self.jump(code.parcel_of(self.csrs.mepc()), code),
            Opcode::Csrrw
            | Opcode::Csrrs
            | Opcode::Csrrc
            | Opcode::Csrrwi
            | Opcode::Csrrsi
            | Opcode::Csrrci => return Ok(Flow::AccessCsr),

            Opcode::Mul => self.binary(op, u32::wrapping_mul),
            Opcode::Mulh => self.binary(op, operations::mulh),
            Opcode::Mulhsu => self.binary(op, operations::mulhsu),
            Opcode::Mulhu => self.binary(op, operations::mulhu),
            Opcode::Div => self.binary(op, operations::div),
            Opcode::Divu => self.binary(op, operations::divu),
            Opcode::Rem => self.binary(op, operations::rem),
            Opcode::Remu => self.binary(op, operations::remu),

            Opcode::LrW => self.load_reserved(op)?,
            Opcode::ScW => return self.store_conditional(op, code),
            Opcode::AmoswapW => return self.atomic(op, code, |_, value| value),
            Opcode::AmoaddW => return self.atomic(op, code, u32::wrapping_add),
            Opcode::AmoxorW => return self.atomic(op, code, |old, value| old ^ value),
            Opcode::AmoandW => return self.atomic(op, code, |old, value| old & value),
            Opcode::AmoorW => return self.atomic(op, code, |old, value| old | value),
            Opcode::AmominW => return self.atomic(op, code, operations::min),
            Opcode::AmomaxW => return self.atomic(op, code, operations::max),
            Opcode::AmominuW => return self.atomic(op, code, u32::min),
            Opcode::AmomaxuW => return self.atomic(op, code, u32::max),

            Opcode::Sh1add => self.binary(op, |a, b| (a << 1).wrapping_add(b)),
            Opcode::Sh2add => self.binary(op, |a, b| (a << 2).wrapping_add(b)),
            Opcode::Sh3add => self.binary(op, |a, b| (a << 3).wrapping_add(b)),
            Opcode::Andn => self.binary(op, |a, b| a & !b),
            Opcode::Orn => self.binary(op, |a, b| a | !b),
            Opcode::Xnor => self.binary(op, |a, b| !(a ^ b)),
            Opcode::Clz => self.unary(op, u32::leading_zeros),
            Opcode::Ctz => self.unary(op, u32::trailing_zeros),
            Opcode::Cpop => self.unary(op, u32::count_ones),
            Opcode::SextB => self.unary(op, operations::sext_b),
            Opcode::SextH => self.unary(op, operations::sext_h),
            Opcode::ZextH => self.unary(op, |a| a & 0xffff),
            Opcode::Max => self.binary(op, operations::max),
            Opcode::Maxu => self.binary(op, u32::max),
            Opcode::Min => self.binary(op, operations::min),
            Opcode::Minu => self.binary(op, u32::min),
            Opcode::Rol => self.binary(op, |a, b| a.rotate_left(b & 31)),
            Opcode::Ror => self.binary(op, |a, b| a.rotate_right(b & 31)),
            Opcode::Rori => self.immediate(op, |a, b| a.rotate_right(b & 31)),
            Opcode::OrcB => self.unary(op, operations::orc_b),
            Opcode::Rev8 => self.unary(op, u32::swap_bytes),
            Opcode::Pack => self.binary(op, operations::pack),
            Opcode::Packh => self.binary(op, operations::packh),
            Opcode::Brev8 => self.unary(op, operations::brev8),
            Opcode::Zip => self.unary(op, operations::zip),
            Opcode::Unzip => self.unary(op, operations::unzip),
            Opcode::Bclr => self.binary(op, operations::bclr),
            Opcode::Bclri => self.immediate(op, operations::bclr),
            Opcode::Bext => self.binary(op, operations::bext),
            Opcode::Bexti => self.immediate(op, operations::bext),
            Opcode::Binv => self.binary(op, operations::binv),
            Opcode::Binvi => self.immediate(op, operations::binv),
            Opcode::Bset => self.binary(op, operations::bset),
            Opcode::Bseti => self.immediate(op, operations::bset),
            Opcode::CzeroEqz => self.binary(op, operations::czero_eqz),
            Opcode::CzeroNez => self.binary(op, operations::czero_nez),
        }
        Ok(Flow::Next)
    }

    #[inline(always)]
    fn set_rd(&mut self, op: &Op, value: u32) {
        self.registers.write(op.rd, value);
    }

    #[inline(always)]
    fn unary(&mut self, op: &Op, operation: impl Fn(u32) -> u32) {
        self.set_rd(op, operation(self.registers.read(op.rs1)));
    }

    #[inline(always)]
    fn binary(&mut self, op: &Op, operation: impl Fn(u32, u32) -> u32) {
        let operands = (self.registers.read(op.rs1), self.registers.read(op.rs2));
        self.set_rd(op, operation(operands.0, operands.1));
    }

    #[inline(always)]
    fn immediate(&mut self, op: &Op, operation: impl Fn(u32, u32) -> u32) {
        self.set_rd(op, operation(self.registers.read(op.rs1), op.imm as u32));
    }

    /// The sum of rs1 and the immediate.
    #[inline(always)]
    fn address(&self, op: &Op) -> u32 {
        self.registers.read(op.rs1).wrapping_add_signed(op.imm)
    }

    /// Control to the instruction at `target`.
    #[inline(always)]
    fn jump(&self, target: u32, code: &Code) -> Result<Flow, Exit> {
        if target & self.misaligned_parcel_bits != 0 {
            let target = code.pc_of(target);
            return Err(Exit::Trap(TrapCause::InstructionAddressMisaligned, target));
        }
        Ok(Flow::Jump(target))
    }

    #[inline(always)]
    fn jump_and_link(
        &mut self,
        op: &Op,
        target: u32,
        position: usize,
        code: &Code,
    ) -> Result<Flow, Exit> {
        let flow = self.jump(target, code)?;
        self.set_rd(op, code.pc_of(code.parcel_of_op(position + 1)));
        Ok(flow)
    }

    #[inline(always)]
    fn branch(
        &mut self,
        op: &Op,
        code: &Code,
        condition: impl Fn(u32, u32) -> bool,
    ) -> Result<Flow, Exit> {
        if condition(self.registers.read(op.rs1), self.registers.read(op.rs2)) {
            let flow = self.jump(op.imm as u32, code)?;
            self.counters.taken_branches += 1;
            Ok(flow)
        } else {
            Ok(Flow::Next)
        }
    }

    #[inline(always)]
    fn load<const N: usize>(
        &mut self,
        op: &Op,
        extend: impl Fn([u8; N]) -> u32,
    ) -> Result<(), Exit> {
        let address = self.address(op);
        if address & self.misaligned_data_bits & (N as u32 - 1) != 0 {
            return Err(Exit::Trap(TrapCause::LoadAddressMisaligned, address));
        }
        let Some(bytes) = self.memory.load(address) else {
            return Err(Exit::Trap(TrapCause::LoadAccessFault, address));
        };
        self.counters.loads += 1;
        self.set_rd(op, extend(bytes));
        Ok(())
    }

    #[inline(always)]
    fn store<const N: usize>(
        &mut self,
        op: &Op,
        code: &Code,
        truncate: impl Fn(u32) -> [u8; N],
    ) -> Result<Flow, Exit> {
        let address = self.address(op);
        if address & self.misaligned_data_bits & (N as u32 - 1) != 0 {
            return Err(Exit::Trap(TrapCause::StoreAddressMisaligned, address));
        }
        let bytes = truncate(self.registers.read(op.rs2));
        if self.memory.store(address, bytes).is_none() {
            return Err(Exit::Trap(TrapCause::StoreAccessFault, address));
        }
        Ok(self.stored(address, code))
    }

    /// Counts a store and says what follows from it.
    #[inline(always)]
    fn stored(&mut self, address: u32, code: &Code) -> Flow {
        self.counters.stores += 1;
        if code.may_contain(address) {
            Flow::StoredToCode(address)
        } else {
            Flow::Next
        }
    }
}

/// Atomic instructions: with one hart every access is atomic, and ordering holds by itself.
///
/// Their addresses must be aligned whatever the machine does for other accesses.
impl Hart {
    fn load_reserved(&mut self, op: &Op) -> Result<(), Exit> {
        let address = self.registers.read(op.rs1);
        if !address.is_multiple_of(4) {
            return Err(Exit::Trap(TrapCause::LoadAddressMisaligned, address));
        }
        let Some(bytes) = self.memory.load(address) else {
            return Err(Exit::Trap(TrapCause::LoadAccessFault, address));
        };
        self.reservation = Some(address);
        self.counters.loads += 1;
        self.set_rd(op, u32::from_le_bytes(bytes));
        Ok(())
    }

    /// Succeeds if the last `lr.w` was at the same address and no `sc.w` came in between.
    fn store_conditional(&mut self, op: &Op, code: &Code) -> Result<Flow, Exit> {
        let address = self.atomic_address(op)?;
        let value = self.registers.read(op.rs2);
        let succeeds = self.reservation == Some(address);
        if succeeds && self.memory.store(address, value.to_le_bytes()).is_none() {
            return Err(Exit::Trap(TrapCause::StoreAccessFault, address));
        }
        self.reservation = None;
        self.set_rd(op, u32::from(!succeeds));
        Ok(if succeeds {
            self.stored(address, code)
        } else {
            Flow::Next
        })
    }

    fn atomic(
        &mut self,
        op: &Op,
        code: &Code,
        operation: impl Fn(u32, u32) -> u32,
    ) -> Result<Flow, Exit> {
        let address = self.atomic_address(op)?;
        let Some(bytes) = self.memory.load(address) else {
            return Err(Exit::Trap(TrapCause::StoreAccessFault, address));
        };
        let old = u32::from_le_bytes(bytes);
        let new = operation(old, self.registers.read(op.rs2));
        if self.memory.store(address, new.to_le_bytes()).is_none() {
            return Err(Exit::Trap(TrapCause::StoreAccessFault, address));
        }
        self.counters.loads += 1;
        self.set_rd(op, old);
        Ok(self.stored(address, code))
    }

    fn atomic_address(&self, op: &Op) -> Result<u32, Exit> {
        let address = self.registers.read(op.rs1);
        if address.is_multiple_of(4) {
            Ok(address)
        } else {
            Err(Exit::Trap(TrapCause::StoreAddressMisaligned, address))
        }
    }
}
