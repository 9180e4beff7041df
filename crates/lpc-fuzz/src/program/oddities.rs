//! What says nothing, and what is never executed.

use super::function::FunctionGenerator;
use lpc_lpir::ir::{IntCC, MemFlags, Type, Value};

impl FunctionGenerator<'_> {
    /// A register of the machine whose value does not matter, a block that cannot be reached, or a way that is never taken.
    pub(super) fn oddity(&mut self) {
        match self.random.below(4) {
            0 => self.stack_register(),
            1 => self.unreachable_block(),
            _ => self.way_never_taken(),
        }
    }

    /// The stack or the frame pointer, less itself.
    fn stack_register(&mut self) {
        let register = if self.random.chance(50) {
            self.ins().get_stack_pointer(Type::POINTER)
        } else {
            self.ins().get_frame_pointer(Type::POINTER)
        };
        let zero = match self.random.below(2) {
            0 => self.ins().isub(register, register),
            _ => self.ins().bxor(register, register),
        };
        self.push(zero);
    }

    fn unreachable_block(&mut self) {
        let (unreachable, next) = (self.new_block(), self.new_block());
        self.ins().jump(next, &[]);
        let mark = self.scope.mark();
        self.enter(unreachable);
        for _ in 0..self.random.below(4) {
            self.any_instruction();
        }
        match self.random.below(4) {
            0 => self.ins().jump(unreachable, &[]),
            1 => {
                let results = self.results();
                self.ins().return_(&results)
            }
            2 => {
                let code = self.trap_code();
                self.ins().trap(code)
            }
            _ => self.ins().jump(next, &[]),
        };
        self.scope.truncate(mark);
        self.enter(next);
    }

    /// A way with what must not be executed, behind a condition that never holds.
    fn way_never_taken(&mut self) {
        let (way, next) = (self.new_block(), self.new_block());
        let never = self.always_zero();
        self.ins().brif(never, way, &[], next, &[]);
        let mark = self.scope.mark();
        self.enter(way);
        match self.random.below(5) {
            0 => {
                self.ins().debugtrap();
            }
            1 => {
                let address = self.ins().get_return_address(Type::POINTER);
                self.ins().store(MemFlags::new(), address, address, 0);
            }
            2 => {
                let null = self.ins().iconst(Type::I32, 0);
                let ty = self.any_type();
                let value = self.ins().load(ty, MemFlags::trusted(), null, 0);
                self.push(value);
            }
            3 => {
                for _ in 0..self.random.below(4) {
                    self.any_instruction();
                }
            }
            _ => {}
        }
        self.scope.truncate(mark);
        if self.random.chance(30) {
            // Forever.
            let again = self.new_block();
            self.ins().jump(again, &[]);
            self.enter(again);
            self.ins().jump(again, &[]);
        } else {
            self.ins().jump(next, &[]);
        }
        self.enter(next);
    }

    fn always_zero(&mut self) -> Value {
        let ty = self.any_type();
        let value = self.variable_value(ty);
        match self.random.below(4) {
            0 => {
                let zero = self.number(ty, 0);
                self.ins().icmp(IntCC::UnsignedLessThan, value, zero)
            }
            1 => {
                let zero = self.number(ty, 0);
                self.ins().band(value, zero)
            }
            2 => self.ins().bxor(value, value),
            _ => {
                let odd = self.not_zero(value);
                let zero = self.number(ty, 0);
                self.ins().icmp(IntCC::Equal, odd, zero)
            }
        }
    }
}
