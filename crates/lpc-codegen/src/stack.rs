//! How deep the stack gets while compiled functions run.
//!
//! A function takes its frame, and on top of it what the deepest function that it calls takes. A call in the place of a return is counted
//! like any other, though the frame is gone by then: the result is an upper bound.
//!
//! ```text
//!   %main  32 ──► %a  16 ──► %leaf 0        %main: 32 + max(16 + 0, 48) = 80
//!           └───► %b  48
//! ```

use crate::backend::reloc::{RelocKind, RelocTarget};
use crate::compile::{CompiledFunction, CompiledModule};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use lpc_lpir::ir::ExternalName;

/// How much of the stack a function takes, with those that it calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StackUse {
    /// At most so many bytes.
    AtMost(u32),
    /// The code does not tell.
    Unbounded(Unbounded),
}

/// Why the code does not tell how deep the stack gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unbounded {
    /// A function calls itself, or two each other.
    Recursion,
    /// A function is called by its address.
    IndirectCall,
    /// A function is called that is not part of the module.
    ExternalCall,
}

impl StackUse {
    /// The bytes, if they are known.
    pub const fn bytes(self) -> Option<u32> {
        match self {
            Self::AtMost(bytes) => Some(bytes),
            Self::Unbounded(_) => None,
        }
    }

    /// What one of two functions takes, whichever is called.
    fn either(self, other: Self) -> Self {
        match (self, other) {
            (Self::AtMost(one), Self::AtMost(other)) => Self::AtMost(one.max(other)),
            (Self::Unbounded(why), _) | (_, Self::Unbounded(why)) => Self::Unbounded(why),
        }
    }
}

impl CompiledModule {
    /// How much of the stack each function takes, with those that it calls, in the order of the functions.
    pub fn stack_use(&self) -> Vec<StackUse> {
        let names = self.functions.iter().map(|function| &function.name);
        let index_of: BTreeMap<_, _> = names.zip(0..).collect();
        let mut walk = Walk {
            module: self,
            index_of,
            states: vec![State::New; self.functions.len()],
        };
        for index in 0..self.functions.len() {
            walk.visit(index);
        }
        let result = |state| match state {
            State::Done(stack) => stack,
            State::New | State::Open(_) => unreachable!("all functions were visited"),
        };
        walk.states.into_iter().map(result).collect()
    }

    /// The most that any of the functions takes of the stack, with those that it calls.
    pub fn max_stack(&self) -> StackUse {
        let all = self.stack_use().into_iter();
        all.fold(StackUse::AtMost(0), StackUse::either)
    }
}

/// What is known of a function.
#[derive(Clone, Copy)]
enum State {
    New,
    /// It is being looked at; what those of its callees take that were looked at already.
    Open(StackUse),
    Done(StackUse),
}

/// A walk over the calls of a module, without recursion.
struct Walk<'a> {
    module: &'a CompiledModule,
    index_of: BTreeMap<&'a ExternalName, usize>,
    states: Vec<State>,
}

impl Walk<'_> {
    fn visit(&mut self, start: usize) {
        if !matches!(self.states[start], State::New) {
            return;
        }
        self.open(start);
        // Each function on the way, with the number of calls that are behind it.
        let mut path = vec![(start, 0)];
        while let Some((index, next)) = path.last_mut() {
            let index = *index;
            let function = &self.module.functions[index];
            let Some((behind, callee)) = next_callee(function, *next) else {
                path.pop();
                let total = self.close(index);
                if let Some(&(caller, _)) = path.last() {
                    self.add(caller, total);
                }
                continue;
            };
            *next = behind;
            match self.index_of.get(callee) {
                None => self.add(index, StackUse::Unbounded(Unbounded::ExternalCall)),
                Some(&callee) => match self.states[callee] {
                    State::Done(stack) => self.add(index, stack),
                    State::Open(_) => self.add(index, StackUse::Unbounded(Unbounded::Recursion)),
                    State::New => {
                        self.open(callee);
                        path.push((callee, 0));
                    }
                },
            }
        }
    }

    fn open(&mut self, index: usize) {
        let function = &self.module.functions[index];
        let direct = direct_callees(function).count();
        self.states[index] = State::Open(match function.code.stats.calls as usize > direct {
            true => StackUse::Unbounded(Unbounded::IndirectCall),
            false => StackUse::AtMost(0),
        });
    }

    fn add(&mut self, index: usize, callee: StackUse) {
        if let State::Open(stack) = &mut self.states[index] {
            *stack = stack.either(callee);
        }
    }

    fn close(&mut self, index: usize) -> StackUse {
        let State::Open(callees) = self.states[index] else {
            unreachable!("the function is open");
        };
        let total = match callees {
            StackUse::AtMost(bytes) => {
                StackUse::AtMost(bytes.saturating_add(self.module.functions[index].frame_size()))
            }
            unbounded => unbounded,
        };
        self.states[index] = State::Done(total);
        total
    }
}

/// The functions that `function` calls by their names, with the numbers of their relocations.
fn direct_callees(function: &CompiledFunction) -> impl Iterator<Item = (usize, &ExternalName)> {
    let relocs = function.code.buffer.relocs.iter().enumerate();
    relocs.filter_map(|(number, reloc)| match (&reloc.target, reloc.kind) {
        (RelocTarget::External(name), RelocKind::Call) => Some((number, name)),
        _ => None,
    })
}

/// The first function that is called by one of the relocations from number `first` on, and the number behind that.
fn next_callee(function: &CompiledFunction, first: usize) -> Option<(usize, &ExternalName)> {
    let relocs = function.code.buffer.relocs.get(first..)?.iter();
    relocs
        .zip(first + 1..)
        .find_map(|(reloc, behind)| match (&reloc.target, reloc.kind) {
            (RelocTarget::External(name), RelocKind::Call) => Some((behind, name)),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, compile_module};
    use lpc_lpir::text::parse_module;

    fn stack_of(text: &str) -> Vec<StackUse> {
        let module = parse_module(text).unwrap();
        let compiled = compile_module(&module, &Settings::default()).unwrap();
        compiled.stack_use()
    }

    /// A function with a stack slot of `slot` bytes that calls `callees`.
    fn function(name: &str, slot: u32, callees: &[&str]) -> alloc::string::String {
        use alloc::format;
        let mut text = format!("function %{name}() {{\n    ss0 = explicit_slot {slot}\n");
        for (number, callee) in callees.iter().enumerate() {
            text += &format!("    fn{number} = %{callee}()\n");
        }
        text += "block0:\n";
        for number in 0..callees.len() {
            text += &format!("    call fn{number}()\n");
        }
        text + "    return\n}\n"
    }

    fn module(functions: &[(&str, u32, &[&str])]) -> Vec<StackUse> {
        let texts = functions
            .iter()
            .map(|&(name, slot, callees)| function(name, slot, callees));
        stack_of(&texts.collect::<alloc::string::String>())
    }

    #[test]
    fn the_deepest_callee_counts() {
        let stack = module(&[
            ("main", 16, &["a", "b"]),
            ("a", 16, &["leaf"]),
            ("b", 128, &["leaf"]),
            ("leaf", 0, &[]),
        ]);
        let bytes: Vec<_> = stack.into_iter().map(StackUse::bytes).collect();
        // The return address takes 16 bytes.
        assert_eq!(bytes, [Some(32 + 144), Some(32), Some(144), Some(0)]);
    }

    #[test]
    fn cycles_have_no_bound() {
        let recursion = StackUse::Unbounded(Unbounded::Recursion);
        let stack = module(&[("one", 0, &["two"]), ("two", 0, &["one"]), ("leaf", 0, &[])]);
        assert_eq!(stack, [recursion, recursion, StackUse::AtMost(0)]);
        assert_eq!(module(&[("one", 0, &["one"])]), [recursion]);
    }

    #[test]
    fn what_is_called_by_address_or_elsewhere_is_not_known() {
        let text = "function %f(i32) {
    sig0 = ()
block0(v0: i32):
    call_indirect sig0, v0()
    return
}
function %g(i32) tail {
    sig0 = () tail
block0(v0: i32):
    return_call_indirect sig0, v0()
}";
        let indirect = StackUse::Unbounded(Unbounded::IndirectCall);
        assert_eq!(stack_of(text), [indirect, indirect]);
        let external = StackUse::Unbounded(Unbounded::ExternalCall);
        assert_eq!(module(&[("one", 0, &["host"])]), [external]);
    }
}
