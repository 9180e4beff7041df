//! Measuring a function with all candidates.

use super::candidates::{Candidate, Heap, NAMES, OURS, PASSES};
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
    /// For each of [`OURS`], the least processor time of each pass.
    pub(super) passes: [[Duration; PASSES.len()]; OURS.len()],
}

/// How often a candidate compiles a function when it is its turn. The first time the processor still has the other compilers in its
/// caches and its branch predictors: that is not what users see who compile many functions. Large functions fill them anyway.
const COMPILATIONS_OF_A_TURN: u32 = 3;

/// From how many instructions on a function is compiled once in a turn.
const LARGE: usize = 50_000;

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
        let compilations = match function.num_insts {
            0..LARGE => COMPILATIONS_OF_A_TURN,
            _ => 1,
        };
        let start = Instant::now();
        for round in 0..effort.most_rounds {
            if round >= effort.least_rounds && start.elapsed() > effort.time {
                break;
            }
            for (candidate, least) in self.candidates.iter_mut().zip(&mut times) {
                for _ in 0..compilations {
                    let time = candidate.time(function).saturating_sub(self.clock);
                    *least = time.min(*least);
                }
            }
        }
        let passes = OURS.map(|ours| self.passes(ours, function, compilations));
        let candidates = self.candidates.each_mut();
        Costs {
            num_insts: function.num_insts,
            is_wide: function.is_wide,
            times,
            heaps: candidates.map(|candidate| candidate.heap(function, self.heap)),
            passes,
        }
    }

    /// The least time of each pass over several compilations.
    fn passes(
        &self,
        candidate: usize,
        function: &BothForms,
        compilations: u32,
    ) -> [Duration; PASSES.len()] {
        let mut least = [Duration::MAX; PASSES.len()];
        for _ in 0..compilations {
            let times = self.candidates[candidate].time_passes(function);
            let times = times.expect("the passes of ours are known");
            for (least, time) in least.iter_mut().zip(times) {
                *least = time.saturating_sub(self.clock).min(*least);
            }
        }
        least
    }
}
