//! The settings of the compiler on the line.

use core::fmt;
use lpc_codegen::{CodeAlignment, OptLevel, RegallocAlgorithm, Settings};
use serde::{Deserialize, Serialize};

/// The [`Settings`] that change code, as part of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WireSettings<'a> {
    /// The extensions, such as `rv32imac_zba`.
    pub extensions: &'a str,
    /// The position of the level in [`OptLevel::ALL`].
    pub opt_level: u8,
    /// The name of the register allocator.
    pub regalloc: &'a str,
    /// [`Settings::preserve_frame_pointers`].
    pub preserve_frame_pointers: bool,
    /// [`Settings::single_hart`].
    pub single_hart: bool,
    /// [`Settings::linker_relaxation`].
    pub linker_relaxation: bool,
    /// [`Settings::function_alignment`], in bytes.
    pub function_alignment: u16,
    /// [`Settings::loop_alignment`], in bytes.
    pub loop_alignment: u16,
}

/// Settings that there are not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadSettings {
    /// The extensions are unknown.
    Extensions,
    /// The level is unknown.
    OptLevel,
    /// The allocator is unknown.
    Regalloc,
    /// An alignment is no power of two, or too large.
    Alignment,
}

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Extensions => "unknown extensions",
            Self::OptLevel => "unknown optimization level",
            Self::Regalloc => "unknown register allocator",
            Self::Alignment => "an alignment is no power of two up to 4096",
        })
    }
}

impl core::error::Error for BadSettings {}

impl<'a> WireSettings<'a> {
    /// `settings`, whose extensions as a text are `extensions`.
    pub fn new(settings: &Settings, extensions: &'a str) -> Self {
        let level = OptLevel::ALL
            .iter()
            .position(|level| *level == settings.opt_level);
        Self {
            extensions,
            opt_level: level.unwrap_or_default() as u8,
            regalloc: settings.regalloc.name(),
            preserve_frame_pointers: settings.preserve_frame_pointers,
            single_hart: settings.single_hart,
            linker_relaxation: settings.linker_relaxation,
            function_alignment: settings.function_alignment.bytes() as u16,
            loop_alignment: settings.loop_alignment.bytes() as u16,
        }
    }

    /// The settings.
    ///
    /// # Errors
    /// When one of them is unknown.
    pub fn settings(&self) -> Result<Settings, BadSettings> {
        let alignment = |bytes: u16| CodeAlignment::new(bytes.into()).ok_or(BadSettings::Alignment);
        let mut allocators = RegallocAlgorithm::ALL.into_iter();
        Ok(Settings {
            extensions: self
                .extensions
                .parse()
                .map_err(|_| BadSettings::Extensions)?,
            opt_level: *OptLevel::ALL
                .get(usize::from(self.opt_level))
                .ok_or(BadSettings::OptLevel)?,
            regalloc: allocators
                .find(|allocator| allocator.name() == self.regalloc)
                .ok_or(BadSettings::Regalloc)?,
            preserve_frame_pointers: self.preserve_frame_pointers,
            single_hart: self.single_hart,
            linker_relaxation: self.linker_relaxation,
            function_alignment: alignment(self.function_alignment)?,
            loop_alignment: alignment(self.loop_alignment)?,
            ..Settings::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_riscv32::ExtensionSet;
    use std::string::ToString;

    #[test]
    fn settings_arrive() {
        for opt_level in OptLevel::ALL {
            for regalloc in RegallocAlgorithm::ALL {
                let settings = Settings {
                    extensions: ExtensionSet::RV32IM,
                    opt_level,
                    regalloc,
                    preserve_frame_pointers: true,
                    single_hart: true,
                    linker_relaxation: true,
                    function_alignment: CodeAlignment::new(4096).unwrap(),
                    loop_alignment: CodeAlignment::new(8).unwrap(),
                    ..Settings::default()
                };
                let extensions = settings.extensions.to_string();
                let wire = WireSettings::new(&settings, &extensions);
                assert_eq!(wire.settings(), Ok(settings));
            }
        }
    }

    #[test]
    fn unknown_settings_are_errors() {
        let good = WireSettings::new(&Settings::default(), "rv32imac");
        let error = |change: fn(&mut WireSettings<'_>)| {
            let mut bad = good;
            change(&mut bad);
            bad.settings().unwrap_err()
        };
        assert_eq!(
            error(|bad| bad.extensions = "rv64"),
            BadSettings::Extensions
        );
        assert_eq!(error(|bad| bad.opt_level = 3), BadSettings::OptLevel);
        assert_eq!(error(|bad| bad.regalloc = "best"), BadSettings::Regalloc);
        assert_eq!(error(|bad| bad.loop_alignment = 3), BadSettings::Alignment);
    }
}
