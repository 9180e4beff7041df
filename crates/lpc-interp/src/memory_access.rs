//! Instructions that read and write memory.

use crate::error::Stop;
use crate::evaluate;
use crate::memory::{Memory, MemoryFault};
use lpc_lpir::ir::{AtomicRmwOp, DataValue, Endianness, MemFlags, Offset32, Opcode, Type};

/// Where an instruction accesses memory, and what it promises about that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) address: u32,
    pub(crate) flags: MemFlags,
}

impl Access {
    /// The access at `address` plus `offset`, modulo the size of the address space.
    pub(crate) fn new(address: DataValue, offset: Offset32, flags: MemFlags) -> Self {
        let address = address.unsigned() as u32;
        Self {
            address: address.wrapping_add_signed(offset.bytes()),
            flags,
        }
    }

    /// The atomic access at `address`, which must be aligned whether or not it says so.
    pub(crate) fn atomic(address: DataValue, flags: MemFlags) -> Self {
        Self::new(address, Offset32::default(), flags.with_aligned())
    }

    /// What `opcode`, a load whose result is of type `ty`, gives.
    pub(crate) fn load(self, memory: &Memory, opcode: Opcode, ty: Type) -> Result<DataValue, Stop> {
        let accessed = accessed_type(opcode, ty);
        self.check_alignment(accessed)?;
        let value = memory.load(accessed, self.address, self.endianness());
        let value = value.map_err(|error| self.fault(error))?;
        Ok(match opcode {
            Opcode::Sload8 | Opcode::Sload16 | Opcode::Sload32 => {
                DataValue::from_signed(ty, value.signed())
            }
            _ => DataValue::new(ty, value.unsigned()),
        })
    }

    /// Stores `value`, or as much of it as `opcode` says.
    pub(crate) fn store(
        self,
        memory: &mut Memory,
        opcode: Opcode,
        value: DataValue,
    ) -> Result<(), Stop> {
        let accessed = accessed_type(opcode, value.ty());
        self.check_alignment(accessed)?;
        let value = DataValue::new(accessed, value.unsigned());
        let stored = memory.store(value, self.address, self.endianness());
        stored.map_err(|error| self.fault(error))
    }

    /// Combines what is in memory with `operand`, and gives what it was before.
    pub(crate) fn atomic_rmw(
        self,
        memory: &mut Memory,
        op: AtomicRmwOp,
        operand: DataValue,
    ) -> Result<DataValue, Stop> {
        let old = self.load(memory, Opcode::AtomicLoad, operand.ty())?;
        let new = evaluate::atomic_rmw(op, old, operand);
        self.store(memory, Opcode::AtomicStore, new)?;
        Ok(old)
    }

    /// Replaces what is in memory by `new` when it is `expected`, and gives what it was before.
    pub(crate) fn atomic_cas(
        self,
        memory: &mut Memory,
        expected: DataValue,
        new: DataValue,
    ) -> Result<DataValue, Stop> {
        let old = self.load(memory, Opcode::AtomicLoad, new.ty())?;
        let new = if old == expected { new } else { old };
        self.store(memory, Opcode::AtomicStore, new)?;
        Ok(old)
    }

    fn endianness(self) -> Endianness {
        let stated = self.flags.explicit_endianness();
        stated.unwrap_or(Endianness::Little)
    }

    fn check_alignment(self, accessed: Type) -> Result<(), Stop> {
        if self.flags.aligned() && !self.address.is_multiple_of(accessed.bytes()) {
            return Err(Stop::Undefined("misaligned access that must be aligned"));
        }
        Ok(())
    }

    /// What it means that the memory does not allow the access.
    fn fault(self, fault: MemoryFault) -> Stop {
        match (self.flags.trap_code(), fault) {
            (Some(code), _) => Stop::Trap(code),
            (None, MemoryFault::OutOfBounds) => {
                Stop::Undefined("`notrap` access outside of the memory")
            }
            (None, MemoryFault::ReadOnly) => Stop::Undefined("`notrap` store to read-only data"),
        }
    }
}

/// The type of what is in memory, for a load or store of a value of type `ty`.
fn accessed_type(opcode: Opcode, ty: Type) -> Type {
    match opcode {
        Opcode::Uload8 | Opcode::Sload8 | Opcode::Istore8 => Type::I8,
        Opcode::Uload16 | Opcode::Sload16 | Opcode::Istore16 => Type::I16,
        Opcode::Uload32 | Opcode::Sload32 | Opcode::Istore32 => Type::I32,
        _ => ty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MEMORY_BASE;
    use lpc_lpir::ir::TrapCode;

    fn access(offset: i32, flags: MemFlags) -> Access {
        let base = DataValue::new(Type::I32, MEMORY_BASE.into());
        Access::new(base, Offset32::new(offset), flags)
    }

    fn int(ty: Type, bits: u128) -> DataValue {
        DataValue::new(ty, bits)
    }

    #[test]
    fn extending_loads_and_truncating_stores() {
        let mut memory = Memory::new(16, []);
        let here = access(4, MemFlags::new());
        here.store(
            &mut memory,
            Opcode::Store,
            int(Type::I64, 0x1122_3344_f5f6_f7f8),
        )
        .unwrap();
        for (opcode, ty, result) in [
            (Opcode::Uload8, Type::I16, 0xf8),
            (Opcode::Sload8, Type::I32, 0xffff_fff8),
            (Opcode::Uload16, Type::I32, 0xf7f8),
            (Opcode::Sload16, Type::I64, 0xffff_ffff_ffff_f7f8),
            (Opcode::Uload32, Type::I64, 0xf5f6_f7f8),
            (Opcode::Sload32, Type::I64, 0xffff_ffff_f5f6_f7f8),
        ] {
            assert_eq!(here.load(&memory, opcode, ty), Ok(int(ty, result)));
        }
        for (opcode, result) in [
            (Opcode::Istore8, 0x1122_3344_f5f6_f701),
            (Opcode::Istore16, 0x1122_3344_f5f6_0201),
            (Opcode::Istore32, 0x1122_3344_0403_0201),
        ] {
            let value = int(Type::I64, 0x0807_0605_0403_0201);
            here.store(&mut memory, opcode, value).unwrap();
            let stored = here.load(&memory, Opcode::Load, Type::I64);
            assert_eq!(stored, Ok(int(Type::I64, result)));
        }
    }

    #[test]
    fn byte_order_is_that_of_the_flags() {
        let mut memory = Memory::new(4, []);
        let big = access(0, MemFlags::new().with_endianness(Endianness::Big));
        big.store(&mut memory, Opcode::Istore16, int(Type::I32, 0x1234))
            .unwrap();
        assert_eq!(memory.bytes(MEMORY_BASE, 2), Ok(&[0x12, 0x34][..]));
        let loaded = big.load(&memory, Opcode::Uload16, Type::I32);
        assert_eq!(loaded, Ok(int(Type::I32, 0x1234)));
    }

    #[test]
    fn faults_are_what_the_flags_say() {
        let memory = Memory::new(4, []);
        let load = |flags| access(1, flags).load(&memory, Opcode::Load, Type::I32);
        let oob = TrapCode::HEAP_OUT_OF_BOUNDS;
        assert_eq!(load(MemFlags::new()), Err(Stop::Trap(oob)));
        let user = TrapCode::user(9).unwrap();
        let flags = MemFlags::new().with_trap_code(user);
        assert_eq!(load(flags), Err(Stop::Trap(user)));
        let undefined = Stop::Undefined("`notrap` access outside of the memory");
        assert_eq!(load(MemFlags::new().with_notrap()), Err(undefined));
        let undefined = Stop::Undefined("misaligned access that must be aligned");
        assert_eq!(load(MemFlags::new().with_aligned()), Err(undefined));
    }

    #[test]
    fn addresses_wrap_around() {
        let memory = Memory::new(4, []);
        let high = DataValue::new(Type::I32, 0xffff_fffc);
        let offset = Offset32::new((MEMORY_BASE + 4) as i32);
        let access = Access::new(high, offset, MemFlags::new());
        assert!(access.load(&memory, Opcode::Load, Type::I32).is_ok());
    }

    #[test]
    fn compare_and_swap() {
        let mut memory = Memory::new(4, []);
        let atomic = |offset: u128| {
            let address = DataValue::new(Type::I32, u128::from(MEMORY_BASE) + offset);
            Access::atomic(address, MemFlags::new())
        };
        let here = atomic(0);
        let mut cas = |expected, new| {
            let [expected, new] = [expected, new].map(|bits| int(Type::I16, bits));
            here.atomic_cas(&mut memory, expected, new).unwrap()
        };
        assert_eq!(cas(0, 5), int(Type::I16, 0));
        assert_eq!(cas(0, 6), int(Type::I16, 5));
        assert_eq!(cas(5, 7), int(Type::I16, 5));
        let old = here.atomic_rmw(&mut memory, AtomicRmwOp::Add, int(Type::I16, 0xffff));
        assert_eq!(old, Ok(int(Type::I16, 7)));
        assert_eq!(memory.bytes(MEMORY_BASE, 4), Ok(&[6, 0, 0, 0][..]));
        assert!(
            atomic(1)
                .load(&memory, Opcode::AtomicLoad, Type::I16)
                .is_err()
        );
    }
}
