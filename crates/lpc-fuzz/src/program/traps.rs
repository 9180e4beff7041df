//! Traps: on purpose, with every code.

use super::function::FunctionGenerator;
use super::memory::Access;
use super::numbers;
use lpc_lpir::ir::{IntCC, MemFlags, TrapCode, Type, Value};

/// The codes that have a name of their own.
const NAMED: [TrapCode; 5] = [
    TrapCode::STACK_OVERFLOW,
    TrapCode::INTEGER_OVERFLOW,
    TrapCode::HEAP_OUT_OF_BOUNDS,
    TrapCode::INTEGER_DIVISION_BY_ZERO,
    TrapCode::BAD_CONVERSION_TO_INTEGER,
];

impl FunctionGenerator<'_> {
    /// Any trap code.
    pub(super) fn trap_code(&mut self) -> TrapCode {
        if self.random.chance(30) {
            return self.random.pick(&NAMED);
        }
        let number = match self.random.below(3) {
            0 => self.random.between(1, TrapCode::MAX_USER.into()),
            _ => self.random.between(1, 4),
        };
        TrapCode::user(number as u8).expect("the number is that of a user code")
    }

    /// A trap that seldom happens.
    pub(super) fn conditional_trap(&mut self) {
        let code = self.trap_code();
        if self.random.chance(self.profile.unguarded_percent) {
            let ty = self.any_type();
            let value = self.value(ty);
            if self.random.chance(50) {
                self.ins().trapz(value, code);
            } else {
                self.ins().trapnz(value, code);
            }
            return;
        }
        if self.random.chance(12) && self.faulting_access(code) {
            return;
        }
        if self.random.chance(45) {
            let ty = self.any_type();
            let value = self.variable_value(ty);
            if self.random.chance(50) {
                let odd = self.not_zero(value);
                self.ins().trapz(odd, code);
            } else {
                let same = self.ins().bxor(value, value);
                self.ins().trapnz(same, code);
            }
            return;
        }
        let (seldom, is_often) = self.seldom();
        if is_often {
            self.ins().trapz(seldom, code);
        } else {
            self.ins().trapnz(seldom, code);
        }
    }

    /// A load or a store, if there is memory, whose address is seldom zero, where nothing is.
    fn faulting_access(&mut self, code: TrapCode) -> bool {
        let ty = self.any_type();
        let is_store = self.random.chance(40);
        let address = self.address(Access {
            size: ty.bytes(),
            is_store,
            must_be_aligned: false,
            has_no_offset: true,
        });
        let Some(address) = address else {
            return false;
        };
        let null = self.ins().iconst(Type::POINTER, 0);
        let (condition, is_often) = self.seldom();
        let address = if is_often {
            self.ins().select(condition, address.base, null)
        } else {
            self.ins().select(condition, null, address.base)
        };
        let flags = MemFlags::new().with_trap_code(code);
        if is_store {
            let value = self.value(ty);
            self.ins().store(flags, value, address, 0);
        } else {
            let value = self.ins().load(ty, flags, address, 0);
            self.push(value);
        }
        true
    }

    /// A comparison that seldom holds, or, if the second is true, mostly.
    pub(super) fn seldom(&mut self) -> (Value, bool) {
        let ty = self.any_type();
        let value = self.variable_value(ty);
        let number = numbers::number(self.random, ty);
        let constant = self.number(ty, number);
        let sign = 1 << (ty.bits() - 1);
        let is_extreme = |edge: u128| number.abs_diff(edge) < 3;
        let cond = if is_extreme(0) {
            IntCC::UnsignedLessThan
        } else if is_extreme(ty.mask()) {
            IntCC::UnsignedGreaterThan
        } else if number == sign {
            IntCC::SignedLessThan
        } else if number == sign - 1 {
            IntCC::SignedGreaterThan
        } else {
            IntCC::Equal
        };
        let is_often = self.random.chance(50);
        let cond = if is_often { cond.complement() } else { cond };
        let holds = if self.random.chance(20) {
            self.ins().icmp(cond.swap_args(), constant, value)
        } else {
            self.ins().icmp(cond, value, constant)
        };
        (holds, is_often)
    }
}
