//! Making a case that fails smaller, for as long as it still fails.

use super::case::{Base, Call, CallMode, Case, Function, Source};

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
    DropCall(usize),
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
    steps.extend(functions().map(|(index, _)| Step::DropCall(index)));
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
            Self::DropCall(index) => drop_call(case, index),
            Self::DropLiveValues(index) => case.functions[index].live.clear(),
            Self::DropLive(index, live) => {
                case.functions[index].live.remove(live);
            }
            Self::DropParam(index, param) => drop_param(case, index, param),
            Self::DropResult(index, result) => drop_result(case, index, result),
            Self::SimplifyCall(index) => {
                if let Some(call) = &mut case.functions[index].call {
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
        .call
        .iter_mut()
        .flat_map(|call| call.args.iter_mut().flatten());
    let live = function.live.iter_mut().map(|live| &mut live.source);
    let results = function
        .results
        .iter_mut()
        .flat_map(|result| result.sources.iter_mut());
    args.chain(live).chain(results)
}

/// Ends the chain at a function.
fn drop_call(case: &mut Case, index: usize) {
    case.functions[index].call = None;
    for source in sources(&mut case.functions[index]) {
        if let Base::CallResult(_) = source.base {
            source.base = Base::Zero;
        }
    }
    // Functions behind it are left if an earlier one calls them.
    case.functions.truncate(index + 1);
}

fn drop_param(case: &mut Case, index: usize, param: usize) {
    case.functions[index].params.remove(param);
    for source in sources(&mut case.functions[index]) {
        if let Base::Param(other) = &mut source.base {
            match (*other).cmp(&param) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => source.base = Base::Zero,
                std::cmp::Ordering::Greater => *other -= 1,
            }
        }
    }
    for call in calls_of(case, index) {
        call.args.remove(param);
    }
}

/// Drops a result of a function, and of those that return what it returns.
fn drop_result(case: &mut Case, index: usize, result: usize) {
    let is_tail = |function: &Function| function.call.as_ref().is_some_and(|call| call.is_tail);
    if is_tail(&case.functions[index]) || case.callers(index).any(is_tail) {
        return;
    }
    case.functions[index].results.remove(result);
    for function in &mut case.functions {
        if function
            .call
            .as_ref()
            .is_none_or(|call| call.callee != index)
        {
            continue;
        }
        for source in sources(function) {
            if let Base::CallResult(other) = &mut source.base {
                match (*other).cmp(&result) {
                    std::cmp::Ordering::Less => {}
                    std::cmp::Ordering::Equal => source.base = Base::Zero,
                    std::cmp::Ordering::Greater => *other -= 1,
                }
            }
        }
    }
}

fn calls_of(case: &mut Case, callee: usize) -> impl Iterator<Item = &mut Call> {
    let calls = case
        .functions
        .iter_mut()
        .filter_map(|function| function.call.as_mut());
    calls.filter(move |call| call.callee == callee)
}
