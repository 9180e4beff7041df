//! What a compilation is to aim for.

pub use crate::backend::regalloc::RegallocAlgorithm;
use lpc_riscv32::ExtensionSet;

/// How much work to spend on the code, and for what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OptLevel {
    /// Compile as fast as possible.
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
}

/// The settings of a compilation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The extensions that the code may use.
    pub extensions: ExtensionSet,
    /// How much to optimize.
    pub opt_level: OptLevel,
    /// Which register allocator to use.
    pub regalloc: RegallocAlgorithm,
    /// Whether every function keeps a frame pointer in `s0`.
    pub preserve_frame_pointers: bool,
    /// Whether nobody else accesses the memory that atomic instructions access: no other hart, no interrupt handler, no
    /// device. Then they need not be atomic, and are compiled to plain loads and stores, for every type and on every
    /// machine.
    pub single_hart: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            extensions: ExtensionSet::RV32IMAC,
            opt_level: OptLevel::default(),
            regalloc: RegallocAlgorithm::default(),
            preserve_frame_pointers: false,
            single_hart: false,
        }
    }
}
