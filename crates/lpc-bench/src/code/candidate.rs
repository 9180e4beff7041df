//! The compilers that are compared, and the machines they compile for.

use crate::tools::{self, CLANG, GCC, LLD, MissingTool, Tool};
use lpc_codegen::settings::{OptLevel, RegallocAlgorithm};
use std::fmt;

/// A compiler with its options.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Candidate {
    /// lpc, of the program in CLIF.
    Lpc {
        /// For what it optimizes.
        level: OptLevel,
        /// How it allocates registers.
        regalloc: RegallocAlgorithm,
    },
    /// A compiler of the program in C.
    C {
        /// Which one.
        compiler: CCompiler,
        /// Its option for the level of optimization.
        level: &'static str,
    },
}

/// A compiler of C.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CCompiler {
    /// Clang, with LLVM's linker.
    Clang,
    /// GCC, with GNU's.
    Gcc,
}

/// What executed instructions are compared with.
pub const CLANG_O2: Candidate = clang("-O2");
/// What the size of code is compared with.
pub const CLANG_OS: Candidate = clang("-Os");
/// What code of a compiler is compared with that does not take time to optimize.
pub const CLANG_O0: Candidate = clang("-O0");

const fn clang(level: &'static str) -> Candidate {
    Candidate::C {
        compiler: CCompiler::Clang,
        level,
    }
}

const fn lpc(level: OptLevel, regalloc: RegallocAlgorithm) -> Candidate {
    Candidate::Lpc { level, regalloc }
}

/// All compilers, in the order in which they are shown.
pub const CANDIDATES: [Candidate; 12] = {
    use OptLevel::{None, Size, Speed};
    use RegallocAlgorithm::{Adaptive, Ion, SinglePass};
    [
        lpc(Speed, Adaptive),
        lpc(Speed, Ion),
        lpc(Size, Ion),
        lpc(None, Ion),
        lpc(Speed, SinglePass),
        lpc(Size, SinglePass),
        lpc(None, SinglePass),
        CLANG_O0,
        clang("-O1"),
        CLANG_O2,
        CLANG_OS,
        Candidate::C {
            compiler: CCompiler::Gcc,
            level: "-O2",
        },
    ]
};

/// The machines, as `-march` names them.
pub const MACHINES: [&str; 3] = ["rv32im", "rv32imac", "rv32imac_zba_zbb_zbs"];

impl Candidate {
    /// Whether the other one is the same compiler of ours, with the same allocator.
    pub(super) fn differs_in_level_only(self, other: Candidate) -> bool {
        match (self, other) {
            (
                Candidate::Lpc { regalloc, .. },
                Candidate::Lpc {
                    regalloc: others, ..
                },
            ) => regalloc == others,
            _ => false,
        }
    }

    /// Checks that what it needs is installed.
    ///
    /// # Errors
    /// What is not.
    pub fn check(self) -> Result<(), MissingTool> {
        match self {
            Candidate::Lpc { .. } => Ok(()),
            Candidate::C { compiler, .. } => tools::check_all(compiler.tools()),
        }
    }
}

impl CCompiler {
    /// What it is and what links its code.
    fn tools(self) -> &'static [Tool] {
        match self {
            CCompiler::Clang => &[CLANG, LLD],
            CCompiler::Gcc => &[GCC],
        }
    }
}

/// `lpc ion speed`, `clang -O2`.
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Candidate::Lpc { level, regalloc } => {
                write!(f, "{} {}", lpc_name(*regalloc), level_name(*level))
            }
            Candidate::C { compiler, level } => {
                let compiler = match compiler {
                    CCompiler::Clang => "clang",
                    CCompiler::Gcc => "gcc",
                };
                write!(f, "{compiler} {level}")
            }
        }
    }
}

/// The name of the candidates that allocate registers by `regalloc`, up to the level.
pub(super) fn lpc_name(regalloc: RegallocAlgorithm) -> &'static str {
    match regalloc {
        RegallocAlgorithm::Adaptive => "lpc adaptive",
        RegallocAlgorithm::Ion => "lpc ion",
        RegallocAlgorithm::SinglePass => "lpc fast",
    }
}

/// The name of a level of optimization.
pub(super) fn level_name(level: OptLevel) -> &'static str {
    match level {
        OptLevel::None => "none",
        OptLevel::Speed => "speed",
        OptLevel::Size => "size",
    }
}
