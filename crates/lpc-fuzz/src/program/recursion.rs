//! Functions that call themselves, so often at most as a parameter says.

use super::function::FunctionGenerator;
use super::plan::Callee;
use super::profile::Profile;
use super::random::Random;
use lpc_lpir::ir::{CallConv, Type, Value};

/// How a function calls itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recursion {
    /// The number of the parameter that counts the calls to come.
    counter: usize,
    /// The bits of it that count.
    mask: u32,
}

impl Recursion {
    /// How `own` calls itself, if it does.
    pub(super) fn of(random: &mut Random, profile: &Profile, own: &Callee) -> Option<Self> {
        let is_number = |index: usize| own.pointer.is_none_or(|pointer| pointer.index != index);
        let count = own.signature.params.len();
        let numbers: Vec<usize> = (0..count).filter(|&index| is_number(index)).collect();
        if numbers.is_empty() || !random.chance(profile.recursive_percent) {
            return None;
        }
        Some(Self {
            counter: random.pick(&numbers),
            mask: random.pick(&[1, 3, 3, 7]),
        })
    }

    /// How often the function is executed at most, for each call from elsewhere.
    pub(super) fn calls(self) -> u64 {
        u64::from(self.mask) + 1
    }
}

impl FunctionGenerator<'_> {
    /// Calls the function itself unless its counter is zero: in the end, or in place of what would follow.
    pub(super) fn recur(&mut self, recursion: Recursion) {
        let entry = self.builder.func.entry_block();
        let entry = entry.expect("the function has its entry block");
        let counter = self.builder.block_params(entry)[recursion.counter];
        let ty = self.type_of(counter);
        let mask = self.number(ty, recursion.mask.into());
        let left = self.ins().band(counter, mask);
        let [again, merge] = [(); 2].map(|()| self.new_block());
        let types: Vec<Type> = (0..self.random.below(4)).map(|_| self.any_type()).collect();
        for &ty in &types {
            self.builder.append_block_param(merge, ty);
        }
        let passing: Vec<Value> = types.iter().map(|&ty| self.value(ty)).collect();
        self.ins().brif(left, again, &[], merge, &passing);

        let mark = self.scope.mark();
        self.enter(again);
        let one = self.number(ty, 1);
        let next = self.ins().isub(left, one);
        let own = self.plan.callees.len();
        let can_replace = self.call_conv() == CallConv::Tail && self.random.chance(50);
        if let Some(mut args) = self.arguments(own, can_replace) {
            args[recursion.counter] = next;
            if can_replace {
                self.emit_tail_call(own, &args);
                self.scope.truncate(mark);
                self.enter_with_params(merge);
                return;
            }
            self.emit_call(own, &args);
        }
        let results: Vec<Value> = types.iter().map(|&ty| self.value(ty)).collect();
        self.leave_scope(mark);
        self.ins().jump(merge, &results);
        self.enter_with_params(merge);
    }
}
