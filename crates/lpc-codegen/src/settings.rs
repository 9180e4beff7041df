//! What a compilation is to aim for.

pub use crate::backend::regalloc::RegallocAlgorithm;
use lpc_riscv32::{Extension, ExtensionSet};

/// Whether what debuggers, unwinders and linkers want to know of code can be noted.
pub(crate) const NOTES_OBJECT_INFO: bool = cfg!(feature = "object-info");

/// How much work to spend on the code, and for what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OptLevel {
    /// Compile as fast as possible: each instruction by itself, apart from comparisons that a branch or selection asks for, and without the
    /// extensions Zba, Zbb, Zbs, Zbkb and Zicond. Without the feature `optimizer`, this is the level of all functions.
    None,
    /// Make the code fast.
    #[default]
    Speed,
    /// Make the code small.
    Size,
}

impl OptLevel {
    /// All levels.
    pub const ALL: [Self; 3] = [Self::None, Self::Speed, Self::Size];

    /// Whether to look for better code than a plain translation of each instruction.
    #[inline]
    pub const fn optimizes(self) -> bool {
        cfg!(feature = "optimizer") && !matches!(self, Self::None)
    }

    /// The register allocation that serves its aim: the fastest, the one whose code is fast, and the one whose code is small.
    pub const fn regalloc(self) -> RegallocAlgorithm {
        match self {
            Self::None => RegallocAlgorithm::SinglePass,
            Self::Speed => RegallocAlgorithm::Adaptive,
            Self::Size => RegallocAlgorithm::Ion,
        }
    }
}

/// The settings of a compilation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The extensions that the code may use.
    pub extensions: ExtensionSet,
    /// How much to optimize.
    pub opt_level: OptLevel,
    /// How registers are allocated. This does not follow from the level: [`Settings::for_level`] sets both.
    pub regalloc: RegallocAlgorithm,
    /// Whether every function keeps a frame pointer in `s0`.
    pub preserve_frame_pointers: bool,
    /// Whether nobody else accesses the memory that atomic instructions access: no other hart, no interrupt handler, no
    /// device. Then they need not be atomic, and are compiled to plain loads and stores, for every type and on every
    /// machine.
    pub single_hart: bool,
    /// Whether the code is for a linker that may shorten calls, with the feature `object-info`. It then keeps what is needed to move code apart, which takes
    /// memory, and must be linked before it is executed: see
    /// [`MachBufferFinalized::relaxable`](crate::backend::buffer::MachBufferFinalized::relaxable).
    pub linker_relaxation: bool,
    /// Whether to note how the frame changes, for debuggers and whoever else unwinds the stack, with the feature `object-info`.
    pub unwind_info: bool,
    /// Whether to note where the values of the function are while it runs, for debuggers, with the feature `object-info`.
    pub value_labels: bool,
    /// What the address of every function is to be a multiple of, at least.
    pub function_alignment: CodeAlignment,
    /// What the address of every loop is to be a multiple of, at least, where the level [optimizes](Self::optimizes): the others do not
    /// look for loops.
    pub loop_alignment: CodeAlignment,
}

/// What an address of code is to be a multiple of: a power of two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct CodeAlignment {
    log2: u8,
}

impl CodeAlignment {
    /// What instructions need anyway.
    pub const NONE: Self = Self { log2: 0 };

    /// The largest alignment, in bytes.
    pub const MAX: u32 = 4096;

    /// The alignment to `bytes`, if that is a power of two, and [`Self::MAX`] at most.
    pub const fn new(bytes: u32) -> Option<Self> {
        if bytes.is_power_of_two() && bytes <= Self::MAX {
            Some(Self {
                log2: bytes.trailing_zeros() as u8,
            })
        } else {
            None
        }
    }

    /// The alignment in bytes.
    pub const fn bytes(self) -> u32 {
        1 << self.log2
    }
}

impl Settings {
    /// The defaults for this level, with the register allocation that serves it.
    pub fn for_level(opt_level: OptLevel) -> Self {
        Self {
            opt_level,
            regalloc: opt_level.regalloc(),
            ..Self::default()
        }
    }

    /// Whether to look for better code than a plain translation of each instruction.
    #[inline]
    pub const fn optimizes(&self) -> bool {
        self.opt_level.optimizes()
    }

    /// Whether to keep what moving the code apart takes: [`Self::linker_relaxation`].
    #[inline]
    pub const fn keeps_relaxable(&self) -> bool {
        NOTES_OBJECT_INFO && self.linker_relaxation
    }

    /// Whether to note how the frame changes: [`Self::unwind_info`].
    #[inline]
    pub const fn notes_unwind_info(&self) -> bool {
        NOTES_OBJECT_INFO && self.unwind_info
    }

    /// Whether to note where values are: [`Self::value_labels`].
    #[inline]
    pub const fn notes_value_labels(&self) -> bool {
        NOTES_OBJECT_INFO && self.value_labels
    }

    /// Whether `extension` makes better code, where there is code without it too.
    #[inline]
    pub const fn optimizes_with(&self, extension: Extension) -> bool {
        self.optimizes() && self.extensions.contains(extension)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            extensions: ExtensionSet::RV32IMAC,
            opt_level: OptLevel::default(),
            regalloc: OptLevel::default().regalloc(),
            preserve_frame_pointers: false,
            single_hart: false,
            linker_relaxation: false,
            unwind_info: false,
            value_labels: false,
            function_alignment: CodeAlignment::NONE,
            loop_alignment: CodeAlignment::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_info_is_noted_where_it_can_be() {
        let asked = Settings {
            linker_relaxation: true,
            unwind_info: true,
            value_labels: true,
            ..Settings::default()
        };
        for (settings, expected) in [
            (asked, cfg!(feature = "object-info")),
            (Settings::default(), false),
        ] {
            assert_eq!(settings.keeps_relaxable(), expected);
            assert_eq!(settings.notes_unwind_info(), expected);
            assert_eq!(settings.notes_value_labels(), expected);
        }
    }

    #[test]
    fn levels_above_none_optimize_where_they_can() {
        let optimizes = OptLevel::ALL.map(OptLevel::optimizes);
        let can = cfg!(feature = "optimizer");
        assert_eq!(optimizes, [false, can, can]);
    }

    #[test]
    fn alignments_are_powers_of_two() {
        assert_eq!(CodeAlignment::new(1), Some(CodeAlignment::NONE));
        assert_eq!(CodeAlignment::new(64).map(CodeAlignment::bytes), Some(64));
        for bytes in [0, 3, 8192] {
            assert_eq!(CodeAlignment::new(bytes), None, "{bytes}");
        }
    }
}
