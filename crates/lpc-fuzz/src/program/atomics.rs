//! Atomic accesses. Their addresses are multiples of their size: at others their behavior is undefined.

use super::function::FunctionGenerator;
use super::memory::Access;
use lpc_lpir::ir::{AtomicRmwOp, MemFlags, Opcode, Type, Value};

impl FunctionGenerator<'_> {
    /// An atomic access, or another instruction if there is no memory for it.
    pub(super) fn atomic_access(&mut self) {
        use Opcode::*;
        let opcode = self.random.weighted(&[
            (50, AtomicRmw),
            (25, AtomicCas),
            (14, AtomicLoad),
            (20, AtomicStore),
            (3, Fence),
        ]);
        // Those that are narrower than a word are made of accesses to the whole word.
        let ty = match self.random.below(6) {
            0 => Type::I8,
            1 => Type::I16,
            2 => Type::I128,
            _ => self.any_type(),
        };
        let address = self.address(Access {
            size: ty.bytes(),
            is_store: opcode != AtomicLoad,
            must_be_aligned: true,
            has_no_offset: true,
        });
        let Some(address) = address else {
            self.any_instruction();
            return;
        };
        let flags = match self.random.below(3) {
            0 => MemFlags::new(),
            1 => MemFlags::new().with_notrap(),
            _ => MemFlags::new().with_aligned(),
        };
        let base = address.base;
        match opcode {
            AtomicRmw => {
                let op = self.random.pick(AtomicRmwOp::ALL);
                let value = self.atomic_operand(ty);
                let old = self.ins().atomic_rmw(ty, flags, op, base, value);
                self.push(old);
            }
            AtomicCas => {
                // What is there is mostly not what is expected, unless it was looked up.
                let expected = if self.random.chance(60) {
                    self.ins().atomic_load(ty, flags, base)
                } else {
                    self.value(ty)
                };
                let value = self.atomic_operand(ty);
                let old = self.ins().atomic_cas(flags, base, expected, value);
                self.push(old);
            }
            AtomicLoad => {
                let value = self.ins().atomic_load(ty, flags, base);
                self.push(value);
            }
            AtomicStore => {
                let value = self.atomic_operand(ty);
                self.ins().atomic_store(flags, value, base);
            }
            _ => {
                self.ins().fence();
            }
        }
        if self.random.chance(40) {
            // What became of the neighbors?
            self.access(Load, Type::I32);
        }
    }

    /// An operand of type `ty`, often with something above it if it is narrow.
    fn atomic_operand(&mut self, ty: Type) -> Value {
        match ty {
            Type::I8 | Type::I16 if self.random.chance(60) => self.narrow_value(ty),
            _ => self.value(ty),
        }
    }
}
