//! The settings with which programs are compiled.
//!
//! Every program is compiled with each optimization level and each register allocator for each of a few machines: those of
//! [`MACHINES`], and one that changes every few programs. All other settings change every few programs as well.

use lpc_codegen::{CodeAlignment, OptLevel, RegallocAlgorithm, Settings};
use lpc_riscv32::{Extension, ExtensionSet};
use std::fmt;

/// The machines that every program is compiled for, in corners of what there is. A machine stands before those that can do
/// more, so that code which they share is executed where less is allowed.
pub const MACHINES: [ExtensionSet; 3] = [
    ExtensionSet::RV32IM,
    ExtensionSet::RV32IMAC,
    ExtensionSet::RV32IMAC
        .with(Extension::Zicond)
        .with(Extension::Zcb)
        .with(Extension::B)
        .with(Extension::Zbkb),
];

/// What the machine that changes may have.
const OPTIONAL: [Extension; 12] = [
    Extension::Zmmul,
    Extension::A,
    Extension::Zaamo,
    Extension::Zalrsc,
    Extension::C,
    Extension::Zcb,
    Extension::Zicond,
    Extension::Zba,
    Extension::Zbb,
    Extension::Zbkb,
    Extension::Zbs,
    Extension::Zifencei,
];

/// How many consecutive programs are compiled with the same settings. Routines of the runtime are compiled once for them.
pub const PROGRAMS_OF_PLAN: u64 = 16;

/// Settings for programs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// One for each combination of machine, allocator and level, in this order.
    pub settings: Vec<Settings>,
}

impl Plan {
    /// The settings for the program number `index` of those that `seed` gives, for `machines` alone or, if there are none, for
    /// [`MACHINES`] and another one.
    pub fn new(seed: u64, index: u64, machines: &[ExtensionSet]) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        random = fastrand::Rng::with_seed(random.u64(..) ^ (index / PROGRAMS_OF_PLAN));
        let varied = varied_settings(&mut random);
        let other = random_machine(&mut random);
        let machines = match machines {
            [] => [&MACHINES[..], &[other]].concat(),
            machines => machines.to_vec(),
        };
        let mut settings = Vec::new();
        for &extensions in &machines {
            for regalloc in RegallocAlgorithm::ALLOCATORS {
                settings.extend(OptLevel::ALL.map(|opt_level| Settings {
                    extensions,
                    regalloc,
                    opt_level,
                    ..varied.clone()
                }));
            }
        }
        Self { settings }
    }
}

/// Settings whose machine, allocator and level are still to be chosen: the defaults, every fourth time.
fn varied_settings(random: &mut fastrand::Rng) -> Settings {
    if random.u8(..4) == 0 {
        return Settings::default();
    }
    let mut alignment = || CodeAlignment::new(1 << random.u8(..6)).unwrap_or_default();
    let (function_alignment, loop_alignment) = (alignment(), alignment());
    Settings {
        preserve_frame_pointers: random.bool(),
        single_hart: random.u8(..4) == 0,
        linker_relaxation: random.bool(),
        unwind_info: random.bool(),
        value_labels: random.bool(),
        function_alignment,
        loop_alignment: match random.bool() {
            true => loop_alignment,
            false => CodeAlignment::NONE,
        },
        ..Settings::default()
    }
}

fn random_machine(random: &mut fastrand::Rng) -> ExtensionSet {
    // Few programs do without multiplication.
    let mut chosen = match random.u8(..8) {
        0 => ExtensionSet::RV32I,
        _ => ExtensionSet::RV32IM,
    };
    for extension in OPTIONAL {
        if random.bool() {
            chosen = chosen.with(extension);
        }
    }
    chosen
}

/// `settings` in the words of the command line and of test files.
pub fn describe(settings: &Settings) -> String {
    Description(settings).to_string()
}

struct Description<'a>(&'a Settings);

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.0;
        let regalloc = settings.regalloc.name();
        let level = match settings.opt_level {
            OptLevel::None => "none",
            OptLevel::Speed => "speed",
            OptLevel::Size => "size",
        };
        write!(f, "{}, {regalloc}, -O {level}", settings.extensions)?;
        let flags = [
            (settings.preserve_frame_pointers, "preserve_frame_pointers"),
            (settings.single_hart, "single_hart"),
            (settings.linker_relaxation, "linker_relaxation"),
            (settings.unwind_info, "unwind_info"),
            (settings.value_labels, "value_labels"),
        ];
        for (_, name) in flags.iter().filter(|(is_set, _)| *is_set) {
            write!(f, ", {name}")?;
        }
        let alignments = [
            (settings.function_alignment, "function_alignment"),
            (settings.loop_alignment, "loop_alignment"),
        ];
        for (alignment, name) in alignments {
            if alignment != CodeAlignment::NONE {
                write!(f, ", {name}={}", alignment.bytes())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn machines_stand_before_those_that_can_do_more() {
        for (index, machine) in MACHINES.iter().enumerate() {
            let later = &MACHINES[index + 1..];
            assert!(later.iter().all(|later| !machine.contains_all(*later)));
        }
    }

    #[test]
    fn every_combination_is_there_once() {
        let plan = Plan::new(1, 0, &[]);
        let settings: BTreeSet<_> = plan.settings.iter().map(describe).collect();
        assert_eq!(settings.len(), 4 * 2 * 3);
    }

    #[test]
    fn all_settings_occur() {
        let plans = (0..200).map(|number| Plan::new(1, number * PROGRAMS_OF_PLAN, &[]));
        let texts: Vec<_> = plans
            .map(|plan| describe(plan.settings.last().expect("a plan has settings")))
            .collect();
        let occurs = |name: &str| texts.iter().any(|text| text.contains(name));
        for name in [
            "preserve_frame_pointers",
            "single_hart",
            "linker_relaxation",
            "unwind_info",
            "value_labels",
            "function_alignment=32",
            "loop_alignment=32",
        ] {
            assert!(occurs(name), "{name}");
        }
        for extension in OPTIONAL {
            assert!(occurs(extension.name()), "{extension}");
        }
        assert!(occurs("rv32i_") || occurs("rv32ia") || occurs("rv32ic"));
    }

    #[test]
    fn descriptions() {
        let settings = Settings {
            linker_relaxation: true,
            function_alignment: CodeAlignment::new(8).expect("a power of two"),
            ..Settings::default()
        };
        assert_eq!(
            describe(&settings),
            "rv32imac, adaptive, -O speed, linker_relaxation, function_alignment=8"
        );
    }
}
