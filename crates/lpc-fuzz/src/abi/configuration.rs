//! How the programs of a batch are built.
//!
//! A batch of cases becomes four programs: the C code of GCC and that of Clang, each linked by both linkers. Everything else
//! rotates from batch to batch, so that all pairs of settings occur: [`Plan::rotation`] takes, of several random plans, that
//! with the most pairs that no batch before had. Each program runs in every [`Engine`].

use fastrand::Rng;
use lpc_codegen::{OptLevel, RegallocAlgorithm, Settings};
use lpc_riscv32::ExtensionSet;
use std::collections::BTreeSet;
use std::fmt;

/// A compiler of C.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Compiler {
    Gcc,
    Clang,
}

/// A linker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Linker {
    /// That of GNU.
    Ld,
    /// That of LLVM.
    Lld,
}

/// What runs a program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Engine {
    /// QEMU in user mode.
    Qemu,
    /// The emulator of lpc.
    Emulator,
}

/// The instruction sets.
pub const MARCHES: [&str; 3] = ["rv32im", "rv32imac", "rv32imac_zba_zbb_zbs"];

/// How C is optimized.
pub const C_OPTIMIZATIONS: [&str; 4] = ["-O0", "-O1", "-O2", "-Os"];

/// How C is compiled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CBuild {
    /// By whom.
    pub compiler: Compiler,
    /// The option for the optimization.
    pub optimization: &'static str,
    /// Whether functions keep a frame pointer.
    pub has_frame_pointers: bool,
}

/// How LPIR is compiled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LpirBuild {
    /// The register allocator.
    pub regalloc: RegallocAlgorithm,
    /// What is optimized for.
    pub opt_level: OptLevel,
    /// Whether functions keep a frame pointer.
    pub has_frame_pointers: bool,
    /// Whether the linker may shorten calls.
    pub is_relaxable: bool,
    /// Whether there are tables for unwinding the stack.
    pub has_unwind_tables: bool,
}

/// A program: two builds, and who links them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramPlan {
    /// How its C is compiled.
    pub c: CBuild,
    /// How its LPIR is compiled.
    pub lpir: LpirBuild,
    /// Who links it.
    pub linker: Linker,
    /// The instruction set.
    pub march: &'static str,
}

/// The programs of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The programs.
    pub programs: Vec<ProgramPlan>,
}

/// How many random plans there are to choose from.
const CANDIDATES: usize = 24;

impl Plan {
    /// The plans of `count` batches.
    pub fn rotation(seed: u64, count: usize) -> Vec<Self> {
        let mut rng = Rng::with_seed(seed);
        let mut covered = Coverage::default();
        let mut next = || {
            let candidates = (0..CANDIDATES).map(|_| Self::random(&mut rng));
            let best = candidates.max_by_key(|plan| covered.new_pairs(plan));
            let best = best.expect("there are candidates");
            covered.add(&best);
            best
        };
        (0..count).map(|_| next()).collect()
    }

    fn random(rng: &mut Rng) -> Self {
        let march = MARCHES[rng.usize(..MARCHES.len())];
        let mut c = |compiler| CBuild {
            compiler,
            optimization: C_OPTIMIZATIONS[rng.usize(..C_OPTIMIZATIONS.len())],
            has_frame_pointers: rng.u8(..4) == 0,
        };
        let [gcc, clang] = [Compiler::Gcc, Compiler::Clang].map(&mut c);
        let mut allocators = RegallocAlgorithm::ALLOCATORS;
        rng.shuffle(&mut allocators);
        let [first, second] = allocators.map(|regalloc| LpirBuild {
            regalloc,
            opt_level: OptLevel::ALL[rng.usize(..OptLevel::ALL.len())],
            has_frame_pointers: rng.u8(..3) == 0,
            is_relaxable: rng.bool(),
            has_unwind_tables: rng.bool(),
        });
        let program = |c: &CBuild, lpir: &LpirBuild, linker| ProgramPlan {
            c: c.clone(),
            lpir: lpir.clone(),
            linker,
            march,
        };
        Self {
            programs: vec![
                program(&gcc, &first, Linker::Ld),
                program(&gcc, &second, Linker::Lld),
                program(&clang, &second, Linker::Ld),
                program(&clang, &first, Linker::Lld),
            ],
        }
    }
}

impl ProgramPlan {
    /// The settings of lpc.
    pub fn settings(&self) -> Settings {
        Settings {
            extensions: self.extensions(),
            opt_level: self.lpir.opt_level,
            regalloc: self.lpir.regalloc,
            preserve_frame_pointers: self.lpir.has_frame_pointers,
            linker_relaxation: self.lpir.is_relaxable,
            unwind_info: self.lpir.has_unwind_tables,
            ..Settings::default()
        }
    }

    /// The instruction set.
    pub fn extensions(&self) -> ExtensionSet {
        self.march.parse().expect("lpc knows all of MARCHES")
    }

    /// The settings of the program, each with its name.
    fn features(&self) -> [(&'static str, String); 10] {
        let frame_pointers = |has: bool| if has { "kept" } else { "free" }.to_owned();
        [
            ("march", self.march.to_owned()),
            ("C compiler", format!("{}", self.c.compiler)),
            ("C optimization", self.c.optimization.to_owned()),
            (
                "frame pointers of C",
                frame_pointers(self.c.has_frame_pointers),
            ),
            ("linker", format!("{}", self.linker)),
            ("allocator", format!("{:?}", self.lpir.regalloc)),
            ("optimization", format!("{:?}", self.lpir.opt_level)),
            (
                "frame pointers",
                frame_pointers(self.lpir.has_frame_pointers),
            ),
            ("relaxation", self.lpir.is_relaxable.to_string()),
            ("unwind tables", self.lpir.has_unwind_tables.to_string()),
        ]
    }
}

/// Which pairs of settings there were together in a program.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    pairs: BTreeSet<[(&'static str, String); 2]>,
}

impl Coverage {
    /// The number of pairs that there can be.
    pub const ALL_PAIRS: usize = {
        let counts = [
            MARCHES.len(),
            2,
            C_OPTIMIZATIONS.len(),
            2,
            2,
            2,
            OptLevel::ALL.len(),
            2,
            2,
            2,
        ];
        let mut pairs = 0;
        let mut first = 0;
        while first < counts.len() {
            let mut second = first + 1;
            while second < counts.len() {
                pairs += counts[first] * counts[second];
                second += 1;
            }
            first += 1;
        }
        pairs
    };

    /// Adds the pairs of `plan`.
    pub fn add(&mut self, plan: &Plan) {
        for program in &plan.programs {
            self.pairs.extend(pairs(program));
        }
    }

    /// The number of pairs.
    pub fn pairs(&self) -> usize {
        self.pairs.len()
    }

    fn new_pairs(&self, plan: &Plan) -> usize {
        let pairs: BTreeSet<_> = plan.programs.iter().flat_map(pairs).collect();
        pairs.difference(&self.pairs).count()
    }
}

fn pairs(program: &ProgramPlan) -> impl Iterator<Item = [(&'static str, String); 2]> {
    let features = program.features();
    let mut pairs = Vec::new();
    for (index, first) in features.iter().enumerate() {
        for second in &features[index + 1..] {
            pairs.push([first.clone(), second.clone()]);
        }
    }
    pairs.into_iter()
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gcc => "gcc",
            Self::Clang => "clang",
        })
    }
}

impl fmt::Display for Linker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ld => "ld",
            Self::Lld => "ld.lld",
        })
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Qemu => "qemu",
            Self::Emulator => "emulator",
        })
    }
}

impl fmt::Display for ProgramPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            c,
            lpir,
            linker,
            march,
        } = self;
        write!(f, "{march}, C by {} {}", c.compiler, c.optimization)?;
        if c.has_frame_pointers {
            f.write_str(" with frame pointers")?;
        }
        write!(f, ", LPIR by {:?} {:?}", lpir.regalloc, lpir.opt_level)?;
        for (has, what) in [
            (lpir.has_frame_pointers, "frame pointers"),
            (lpir.is_relaxable, "relaxation"),
            (lpir.has_unwind_tables, "unwind tables"),
        ] {
            if has {
                write!(f, " with {what}")?;
            }
        }
        write!(f, ", linked by {linker}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pairs_of_settings_occur_in_few_batches() {
        let mut coverage = Coverage::default();
        for plan in Plan::rotation(1, 16) {
            coverage.add(&plan);
        }
        assert_eq!(coverage.pairs(), Coverage::ALL_PAIRS);
    }

    #[test]
    fn a_rotation_is_determined_by_its_seed() {
        assert_eq!(Plan::rotation(5, 4), Plan::rotation(5, 4));
        assert_ne!(Plan::rotation(5, 4), Plan::rotation(6, 4));
    }
}
