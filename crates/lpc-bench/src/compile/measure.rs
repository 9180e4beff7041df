//! Measuring a function with all candidates.

use super::candidates::{Candidate, Heap, NAMES};
use super::corpus::BothForms;
use cpu_time::ThreadTime;
use peakmem_alloc::PeakMemAllocTrait;
use std::time::{Duration, Instant};

/// What each candidate takes for a function.
pub(super) struct Costs {
    pub(super) num_insts: usize,
    pub(super) is_wide: bool,
    /// The least processor time of all rounds.
    pub(super) times: [Duration; NAMES.len()],
    pub(super) heaps: [Heap; NAMES.len()],
}

/// How often a function is compiled: again, until it has taken so long or been done so often, and no less often than the least.
#[derive(Clone, Copy)]
pub(super) struct Effort {
    pub(super) least_rounds: u32,
    pub(super) most_rounds: u32,
    pub(super) time: Duration,
}

/// The candidates, and the allocator that counts what they take.
pub(super) struct Bench<'a> {
    candidates: [Candidate; NAMES.len()],
    heap: &'a dyn PeakMemAllocTrait,
    /// What reading the clock takes of the time that it shows.
    clock: Duration,
}

impl<'a> Bench<'a> {
    pub(super) fn new(heap: &'a dyn PeakMemAllocTrait) -> Self {
        let empty = || ThreadTime::now().elapsed();
        let clock = (0..1000).map(|_| empty()).min().unwrap_or_default();
        Self {
            candidates: Candidate::all(),
            heap,
            clock,
        }
    }

    /// Compiles `function` with each candidate in turn, round after round.
    pub(super) fn measure(&mut self, function: &BothForms, effort: Effort) -> Costs {
        let mut times = [Duration::MAX; NAMES.len()];
        let start = Instant::now();
        for round in 0..effort.most_rounds {
            if round >= effort.least_rounds && start.elapsed() > effort.time {
                break;
            }
            for (candidate, least) in self.candidates.iter_mut().zip(&mut times) {
                let time = candidate.time(function).saturating_sub(self.clock);
                *least = time.min(*least);
            }
        }
        let candidates = self.candidates.each_mut();
        Costs {
            num_insts: function.num_insts,
            is_wide: function.is_wide,
            times,
            heaps: candidates.map(|candidate| candidate.heap(function, self.heap)),
        }
    }
}
