//! Making a case that fails smaller, for as long as it still fails.

use super::case::{Base, Call, CallMode, Case, Function, Language, Source};
use lpc_lpir::ir::CallConv;
use std::cmp::Ordering;

/// The most cases that are tried.
const ATTEMPTS: usize = 400;

/// The smallest case that was found by leaving out parts of `case` for which `fails` holds.
pub fn reduce(case: &Case, mut fails: impl FnMut(&Case) -> bool) -> Case {
    let mut smallest = case.clone();
    let mut attempts = 0;
    let mut step = 0;
    let mut failed_steps = 0;
    // Goes round through all steps until none of them helps.
    while attempts < ATTEMPTS && failed_steps < steps(&smallest).len() {
        let all = steps(&smallest);
        step %= all.len();
        let mut candidate = smallest.clone();
        all[step].apply(&mut candidate);
        attempts += usize::from(candidate != smallest);
        if candidate != smallest && fails(&candidate) {
            smallest = candidate;
            failed_steps = 0;
        } else {
            step += 1;
            failed_steps += 1;
        }
    }
    smallest
}

/// One thing that can be left out.
#[derive(Clone, Copy, Debug)]
enum Step {
    DropCall(usize, usize),
    Bypass(usize, usize),
    DropLiveValues(usize),
    DropLive(usize, usize),
    DropParam(usize, usize),
    DropResult(usize, usize),
    SimplifyCall(usize),
    Constants(usize),
    Unchecked(usize),
    SimplifyParams(usize),
    OneRound,
}

/// Everything that can be left out of `case`, large parts first.
fn steps(case: &Case) -> Vec<Step> {
    let functions = || case.functions.iter().enumerate();
    let mut steps: Vec<Step> = Vec::new();
    for (index, function) in functions() {
        steps.extend((0..function.calls.len()).map(|call| Step::DropCall(index, call)));
    }
    for (index, function) in functions() {
        steps.extend((0..function.calls.len()).map(|call| Step::Bypass(index, call)));
    }
    steps.push(Step::OneRound);
    steps.extend(functions().map(|(index, _)| Step::DropLiveValues(index)));
    steps.extend(functions().map(|(index, _)| Step::Constants(index)));
    steps.extend(functions().map(|(index, _)| Step::SimplifyCall(index)));
    steps.extend(functions().map(|(index, _)| Step::Unchecked(index)));
    steps.extend(functions().map(|(index, _)| Step::SimplifyParams(index)));
    for (index, function) in functions() {
        steps.extend(
            (0..function.params.len())
                .rev()
                .map(|param| Step::DropParam(index, param)),
        );
        steps.extend(
            (0..function.results.len())
                .rev()
                .map(|result| Step::DropResult(index, result)),
        );
        steps.extend(
            (0..function.live.len())
                .rev()
                .map(|live| Step::DropLive(index, live)),
        );
    }
    steps
}

impl Step {
    fn apply(self, case: &mut Case) {
        match self {
            Self::DropCall(index, call) => drop_call(case, index, call),
            Self::Bypass(index, call) => bypass(case, index, call),
            Self::DropLiveValues(index) => case.functions[index].live.clear(),
            Self::DropLive(index, live) => {
                case.functions[index].live.remove(live);
            }
            Self::DropParam(index, param) => drop_param(case, index, param),
            Self::DropResult(index, result) => drop_result(case, index, result),
            Self::SimplifyCall(index) => {
                for call in &mut case.functions[index].calls {
                    call.mode = CallMode::Direct;
                }
            }
            Self::Constants(index) => {
                for source in sources(&mut case.functions[index]) {
                    source.base = Base::Zero;
                }
            }
            Self::Unchecked(index) => case.functions[index].is_checked = false,
            Self::SimplifyParams(index) => {
                for param in &mut case.functions[index].params {
                    (param.is_live, param.as_word) = (false, false);
                }
            }
            Self::OneRound => case.fuel = 1,
        }
    }
}

/// All sources of a function.
fn sources(function: &mut Function) -> impl Iterator<Item = &mut Source> {
    let args = function
        .calls
        .iter_mut()
        .flat_map(|call| call.args.iter_mut().flatten());
    let live = function.live.iter_mut().map(|live| &mut live.source);
    let results = function
        .results
        .iter_mut()
        .flat_map(|result| result.sources.iter_mut());
    args.chain(live).chain(results)
}

/// Lets a function call what its callee calls at the end, with constants, instead of its callee.
fn bypass(case: &mut Case, index: usize, call: usize) {
    let left_out = case.functions[index].calls[call].callee;
    let Some(mut replacement) = case.functions[left_out].calls.last().cloned() else {
        return;
    };
    let caller = &case.functions[index];
    let callee = &case.functions[replacement.callee];
    let is_known_to_caller =
        caller.language == Language::Lpir || callee.call_conv == CallConv::SystemV;
    if replacement.burns_fuel || caller.calls[call].is_tail || !is_known_to_caller {
        return;
    }
    replacement.is_tail = false;
    // Every circle of calls burns fuel somewhere, and here it may be this call.
    replacement.burns_fuel = caller.calls[call].burns_fuel;
    for source in replacement.args.iter_mut().flatten() {
        source.base = Base::Zero;
    }
    for source in sources(&mut case.functions[index]) {
        if matches!(source.base, Base::CallResult { call: other, .. } if other == call) {
            source.base = Base::Zero;
        }
    }
    // Only functions of the other language can be told another type than the function has.
    let callee = &mut case.functions[replacement.callee];
    callee
        .params
        .iter_mut()
        .for_each(|param| param.as_word = false);
    callee
        .results
        .iter_mut()
        .for_each(|result| result.as_word = false);
    case.functions[index].calls[call] = replacement;
    drop_unreachable(case);
}

/// Drops a call of a function.
fn drop_call(case: &mut Case, index: usize, call: usize) {
    case.functions[index].calls.remove(call);
    for source in sources(&mut case.functions[index]) {
        if let Base::CallResult { call: other, .. } = &mut source.base {
            match (*other).cmp(&call) {
                Ordering::Less => {}
                Ordering::Equal => source.base = Base::Zero,
                Ordering::Greater => *other -= 1,
            }
        }
    }
    drop_unreachable(case);
}

/// Drops all functions that cannot be called.
fn drop_unreachable(case: &mut Case) {
    let is_unreachable = |is_reachable: &bool| !is_reachable;
    while let Some(unused) = reachable(case).iter().position(is_unreachable) {
        drop_function(case, unused);
    }
}

/// Whether each function can be called.
fn reachable(case: &Case) -> Vec<bool> {
    let mut reachable = vec![false; case.functions.len()];
    let mut pending = vec![0];
    while let Some(index) = pending.pop() {
        if !std::mem::replace(&mut reachable[index], true) {
            let calls = case.functions[index].calls.iter();
            pending.extend(calls.map(|call| call.callee));
        }
    }
    reachable
}

/// Drops a function that cannot be called. Calls in other such functions may be left without a callee.
fn drop_function(case: &mut Case, index: usize) {
    case.functions.remove(index);
    let calls = case
        .functions
        .iter_mut()
        .flat_map(|function| &mut function.calls);
    for call in calls.filter(|call| call.callee > index) {
        call.callee -= 1;
    }
}

fn drop_param(case: &mut Case, index: usize, param: usize) {
    case.functions[index].params.remove(param);
    for source in sources(&mut case.functions[index]) {
        if let Base::Param(other) = &mut source.base {
            match (*other).cmp(&param) {
                Ordering::Less => {}
                Ordering::Equal => source.base = Base::Zero,
                Ordering::Greater => *other -= 1,
            }
        }
    }
    for call in calls_of(case, index) {
        call.args.remove(param);
    }
}

/// Drops a result of a function, unless it returns what another one returns.
fn drop_result(case: &mut Case, index: usize, result: usize) {
    let is_tail = |function: &Function| function.calls.last().is_some_and(|call| call.is_tail);
    if is_tail(&case.functions[index]) || case.callers(index).any(is_tail) {
        return;
    }
    case.functions[index].results.remove(result);
    for function in &mut case.functions {
        let calls = function.calls.iter().map(|call| call.callee == index);
        let calls: Vec<bool> = calls.collect();
        for source in sources(function) {
            if let Base::CallResult { call, index: other } = &mut source.base
                && calls[*call]
            {
                match (*other).cmp(&result) {
                    Ordering::Less => {}
                    Ordering::Equal => source.base = Base::Zero,
                    Ordering::Greater => *other -= 1,
                }
            }
        }
    }
}

fn calls_of(case: &mut Case, callee: usize) -> impl Iterator<Item = &mut Call> {
    let calls = case
        .functions
        .iter_mut()
        .flat_map(|function| &mut function.calls);
    calls.filter(move |call| call.callee == callee)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::case::{Type, Width};
    use crate::abi::generate;
    use crate::abi::lpc_object;
    use crate::abi::lpir_text::lpir_text;
    use crate::abi::model::expectation;

    /// Everything that is tried is a case: it ends, and lpc takes it.
    #[test]
    fn candidates_are_cases() {
        for number in 0..30 {
            let mut tried = 0;
            let case = generate::case(11, number);
            // Recursion has to stay, and with it the longest way through the functions.
            let burns_fuel = |case: &Case| {
                let mut calls = case.functions.iter().flat_map(|function| &function.calls);
                calls.any(|call| call.burns_fuel)
            };
            reduce(&case, |candidate| {
                tried += 1;
                assert!(expectation(candidate).calls < 100_000);
                let text = lpir_text(std::slice::from_ref(candidate));
                lpc_object::read(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
                burns_fuel(candidate) || !burns_fuel(&case)
            });
            assert!(tried > 0);
        }
    }

    #[test]
    fn only_what_matters_is_left() {
        let is_wide = |ty: &Type| ty.int().is_some_and(|int| int.width == Width::W128);
        let has_wide_param = |case: &Case| {
            let functions = case.functions.iter();
            let mut lpir = functions.filter(|function| function.language == Language::Lpir);
            lpir.any(|function| function.params.iter().any(|param| is_wide(&param.ty)))
        };
        let mut reduced = 0;
        for case in (0..100).map(|number| generate::case(1, number)) {
            if !has_wide_param(&case) {
                continue;
            }
            let functions = reduce(&case, has_wide_param).functions;
            let (callee, callers) = functions.split_last().unwrap();
            // C cannot call it itself if it has a convention that C does not know.
            let is_direct = callee.call_conv == CallConv::SystemV;
            assert_eq!(
                callers.len(),
                if is_direct { 1 } else { 2 },
                "case {}",
                case.number
            );
            assert_eq!((callee.params.len(), callee.results.len()), (1, 0));
            assert!(callee.calls.is_empty());
            assert!(functions.iter().all(|function| function.live.is_empty()));
            reduced += 1;
        }
        assert!(reduced > 20);
    }
}
