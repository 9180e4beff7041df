//! Atomic accesses. Their addresses are multiples of their size: at others their behavior is undefined.

use super::function::FunctionGenerator;
use super::memory::Access;
use lpc_lpir::ir::{AtomicRmwOp, MemFlags, Opcode};

impl FunctionGenerator<'_> {
    /// An atomic access, or another instruction if there is no memory for it.
    pub(super) fn atomic_access(&mut self) {
        use Opcode::*;
        let opcode = self.random.weighted(&[
            (50, AtomicRmw),
            (25, AtomicCas),
            (12, AtomicLoad),
            (12, AtomicStore),
            (3, Fence),
        ]);
        let ty = self.any_type();
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
                let value = self.value(ty);
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
                let value = self.value(ty);
                let old = self.ins().atomic_cas(flags, base, expected, value);
                self.push(old);
            }
            AtomicLoad => {
                let value = self.ins().atomic_load(ty, flags, base);
                self.push(value);
            }
            AtomicStore => {
                let value = self.value(ty);
                self.ins().atomic_store(flags, value, base);
            }
            _ => {
                self.ins().fence();
            }
        }
    }
}
