//! Makes a failing program small.
//!
//! [`reduce`] is given a program and a predicate that says whether a program still fails. It tries simpler programs, keeps each
//! one that the verifier accepts and that still fails, and stops when no simpler one does.
//!
//! ```text
//!            ┌───────────────────── the program so far ◄────────────────────┐
//!            ▼                                                              │ fails
//!  pass: list of edits ─► some of them ─► applied to a copy ─► verifier ─► predicate
//!            (all, halves, quarters, …, one by one)
//! ```
//!
//! A *pass* lists everything of one kind that could be made simpler; `PASSES` has them in their order, and those marked large are
//! the ones that remove most. The edits of a pass are tried together first, then in halves, and so on, as delta debugging does it;
//! in the first rounds no pass goes down to single edits, so that what is left is small before each part of it is looked at.
//!
//! An edit may do anything to a program, also make it invalid: then the verifier refuses it and nothing is lost. A program whose
//! behavior is [defined](crate::defined) stays so, as one that is not may fail for no other reason.

mod calls;
mod constants;
mod control;
mod data;
mod draft;
mod filetest;
mod instructions;
mod operands;
mod renumber;
mod signatures;
mod surgery;
mod types;

pub use filetest::{Expectation, to_filetest};

use crate::defined::defined_observations;
use crate::program::TestProgram;
use draft::{Draft, Sweep};
use lpc_interp::Limits;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How often the predicate is asked at most, so that a reduction ends soon.
const MOST_CALLS: usize = 5_000;

/// A change that may make a program simpler. Returns whether it changed anything.
///
/// It may be applied behind others of the same pass, which have changed or removed what it is about.
type Edit = Box<dyn Fn(&mut Draft) -> bool>;

/// A kind of edits.
struct Pass {
    /// Lists those that are possible in a program.
    edits: fn(&Draft) -> Vec<Edit>,
    /// Whether they make the program smaller as a whole. Such passes have few edits, and are run to their end before all others.
    is_large: bool,
}

const fn large(edits: fn(&Draft) -> Vec<Edit>) -> Pass {
    Pass {
        edits,
        is_large: true,
    }
}

const fn small(edits: fn(&Draft) -> Vec<Edit>) -> Pass {
    Pass {
        edits,
        is_large: false,
    }
}

/// All passes, in their order. None undoes the work of another, so that rounds come to an end.
const PASSES: &[Pass] = &[
    large(data::single_input),
    large(calls::functions),
    large(control::ends_of_blocks),
    large(control::branches),
    large(control::unreachable_blocks),
    large(instructions::without_results),
    large(instructions::by_zeros),
    small(instructions::by_operands),
    small(instructions::by_ones),
    large(control::forwarded_blocks),
    large(control::merged_blocks),
    small(control::block_params),
    small(control::table_entries),
    large(calls::direct),
    large(calls::inlined),
    small(control::early_returns),
    small(signatures::results),
    small(signatures::operands_of_results),
    small(signatures::decisions),
    small(signatures::params),
    small(signatures::unadorned),
    small(types::other_widths),
    small(operands::constants),
    small(operands::earlier_values),
    small(instructions::by_params),
    small(instructions::by_stored_values),
    small(constants::shared),
    small(constants::simpler),
    small(data::inputs),
    small(data::objects),
    small(data::contents),
    small(instructions::plain_memory_accesses),
    small(control::declarations),
];

/// The smallest program that was found, starting from `program`, for which `still_fails` holds.
///
/// It has one input if `program` fails with one. The predicate is asked up to five thousand times; to be fast, it should stop
/// programs that run for much longer than `program` does.
///
///  Where the predicate does not hold for `program` itself, it is returned as it is.
pub fn reduce(
    program: &TestProgram,
    still_fails: &mut dyn FnMut(&TestProgram) -> bool,
) -> TestProgram {
    let mut calls_left = MOST_CALLS;
    // What is not used may be what makes a program fail.
    for sweep in [Sweep::Unused, Sweep::Nothing] {
        let start = Draft::new(program).program(sweep);
        let Some(start) = start.filter(|start| still_fails(start)) else {
            continue;
        };
        let mut reduction = Reduction {
            best: start,
            sweep,
            still_fails,
            calls_left: &mut calls_left,
            is_defined: is_defined(program),
            tried: HashSet::new(),
        };
        reduction.run(|pass| pass.is_large);
        reduction.run(|_| true);
        return reduction.best;
    }
    program.clone()
}

/// A reduction under way.
struct Reduction<'a> {
    best: TestProgram,
    sweep: Sweep,
    still_fails: &'a mut dyn FnMut(&TestProgram) -> bool,
    calls_left: &'a mut usize,
    /// Whether the behavior of the program was defined at the beginning, and must stay so.
    is_defined: bool,
    /// The hashes of the texts of all programs that did not fail.
    tried: HashSet<u64>,
}

impl Reduction<'_> {
    /// Runs rounds of passes until none finds anything. The first round tries eighths of the edits of a pass and no less, the
    /// next one sixty-fourths, and so on.
    fn run(&mut self, is_selected: fn(&Pass) -> bool) {
        let mut parts = 8;
        loop {
            let mut is_finest = true;
            let mut found = false;
            for pass in PASSES.iter().filter(|pass| is_selected(pass)) {
                let (improved, finest) = self.run_pass(pass, parts);
                found |= improved;
                is_finest &= finest;
            }
            if *self.calls_left == 0 || !found && is_finest {
                return;
            }
            parts = usize::saturating_mul(parts, 8);
        }
    }

    /// Tries the edits of `pass`, all of them, halves, and so on down to chunks of which `parts` make up all. Returns whether
    /// that found something, and whether the last chunks were single edits.
    fn run_pass(&mut self, pass: &Pass, parts: usize) -> (bool, bool) {
        let mut draft = Draft::new(&self.best);
        let mut edits = (pass.edits)(&draft);
        let smallest = (edits.len() / parts).max(1);
        let mut size = edits.len().max(1);
        let mut improved = false;
        loop {
            let mut start = 0;
            while start < edits.len() {
                let end = edits.len().min(start + size);
                if self.try_edits(&draft, &edits[start..end]) {
                    improved = true;
                    draft = Draft::new(&self.best);
                    edits = (pass.edits)(&draft);
                } else {
                    start = end;
                }
            }
            if size <= smallest {
                return (improved, smallest == 1);
            }
            size = smallest.max(size / 2);
        }
    }

    /// Applies `edits` to `draft`, and keeps the result if it still fails.
    fn try_edits(&mut self, draft: &Draft, edits: &[Edit]) -> bool {
        if *self.calls_left == 0 {
            return false;
        }
        let mut draft = draft.clone();
        let mut changed = false;
        for edit in edits {
            changed |= edit(&mut draft);
        }
        if !changed {
            return false;
        }
        let Some(candidate) = draft.program(self.sweep) else {
            return false;
        };
        let identity = identity(&candidate);
        if self.tried.contains(&identity) {
            return false;
        }
        *self.calls_left -= 1;
        let fails = (self.still_fails)(&candidate) && (!self.is_defined || is_defined(&candidate));
        if fails {
            self.best = candidate;
        } else {
            self.tried.insert(identity);
        }
        fails
    }
}

/// Whether the behavior of `program` is known to be defined. It is not if it takes too long.
fn is_defined(program: &TestProgram) -> bool {
    const LIMITS: Limits = Limits {
        instructions: 300_000,
        stack_size: 1 << 16,
        heap_size: 0,
        call_depth: 200,
    };
    defined_observations(program, LIMITS).is_some()
}

/// A number that is another for another program.
fn identity(program: &TestProgram) -> u64 {
    let TestProgram {
        module,
        entry,
        inputs,
    } = program;
    let mut hasher = DefaultHasher::new();
    (module.to_string(), entry, inputs).hash(&mut hasher);
    hasher.finish()
}
