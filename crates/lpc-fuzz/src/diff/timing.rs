//! Where the time goes.

use std::fmt;
use std::time::{Duration, Instant};

/// A part of the work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Making programs.
    Generate,
    /// Running them in the interpreter.
    Interpret,
    /// Lowering them to virtual-register code.
    Lower,
    /// Allocating registers, and checking that.
    Allocate,
    /// Emitting code.
    Emit,
    /// Linking code and loading it into the emulator.
    Load,
    /// Running it there.
    Emulate,
    /// Running it in QEMU, with linking.
    Qemu,
}

impl Phase {
    const ALL: [Self; 8] = [
        Self::Generate,
        Self::Interpret,
        Self::Lower,
        Self::Allocate,
        Self::Emit,
        Self::Load,
        Self::Emulate,
        Self::Qemu,
    ];
}

/// How long each phase took, in all threads.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Times([Duration; Phase::ALL.len()]);

impl Times {
    /// Does `work`, which is part of `phase`.
    pub fn measure<T>(&mut self, phase: Phase, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0[phase as usize] += start.elapsed();
        result
    }

    /// Adds those of other work.
    pub fn add(&mut self, other: &Self) {
        for (time, other) in self.0.iter_mut().zip(other.0) {
            *time += other;
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (phase, time) in Phase::ALL.iter().zip(self.0) {
            let phase = format!("{phase:?}").to_lowercase();
            writeln!(f, "{:>10.3} s  {phase}", time.as_secs_f64())?;
        }
        Ok(())
    }
}
