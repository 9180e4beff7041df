//! How the header of a file wants its functions compiled.
//!
//! Settings carry the names that they have in Cranelift. Those that mean nothing here are ignored, and so are targets that
//! are other machines, so that the tests of Cranelift can be run.

use lpc_codegen::backend::regalloc::RegallocAlgorithm;
use lpc_codegen::{OptLevel, Settings};
use lpc_lpir::text::{HeaderKind, HeaderLine};
use lpc_riscv32::ExtensionSet;

/// How the functions of a file are to be compiled.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// The settings; where a file leaves the choice, the default, but the allocator that Cranelift has by default: the backtracking
    /// one. Of several machines, the last.
    pub(crate) settings: Settings,
    /// The allocator, when the file states one.
    regalloc: Option<RegallocAlgorithm>,
    /// All that the file names as targets.
    targets: Vec<String>,
    /// The machines of ours among them.
    machines: Vec<ExtensionSet>,
}

impl Configuration {
    /// What the header says.
    ///
    /// # Errors
    /// The line with a value that a setting does not have, and what is wrong with it.
    pub(crate) fn from_header(header: &[HeaderLine<'_>]) -> Result<Self, (u32, String)> {
        let mut configuration = Self {
            settings: Settings {
                regalloc: RegallocAlgorithm::Ion,
                ..Settings::default()
            },
            regalloc: None,
            targets: Vec::new(),
            machines: Vec::new(),
        };
        for line in header {
            let understood = match line.kind {
                HeaderKind::Set => line
                    .text
                    .split_whitespace()
                    .try_for_each(|setting| configuration.set(setting)),
                HeaderKind::Target => configuration.set_target(line.text),
                HeaderKind::Test | HeaderKind::Feature => Ok(()),
            };
            understood.map_err(|message| (line.location.line, message))?;
        }
        Ok(configuration)
    }

    /// `opt_level=speed`, or `preserve_frame_pointers` for `preserve_frame_pointers=true`.
    fn set(&mut self, setting: &str) -> Result<(), String> {
        let (name, value) = setting.split_once('=').unwrap_or((setting, "true"));
        match name {
            "opt_level" => {
                self.settings.opt_level = match value {
                    "none" => OptLevel::None,
                    "speed" => OptLevel::Speed,
                    "speed_and_size" => OptLevel::Size,
                    _ => return Err(no_such_value(name, value)),
                }
            }
            "regalloc_algorithm" => {
                let mut algorithms = RegallocAlgorithm::ALL.into_iter();
                let algorithm = algorithms
                    .find(|algorithm| algorithm.name() == value)
                    .ok_or_else(|| no_such_value(name, value))?;
                self.settings.regalloc = algorithm;
                self.regalloc = Some(algorithm);
            }
            "preserve_frame_pointers" => {
                self.settings.preserve_frame_pointers = parse_bool(name, value)?;
            }
            "single_hart" => self.settings.single_hart = parse_bool(name, value)?,
            _ => {}
        }
        Ok(())
    }

    /// `riscv32`, or the name of an instruction set such as `rv32imac_zba`.
    fn set_target(&mut self, target: &str) -> Result<(), String> {
        let machine = target.split_whitespace().next().unwrap_or_default();
        if machine.starts_with("rv32") {
            let extensions = machine.parse::<ExtensionSet>();
            self.settings.extensions = extensions.map_err(|error| error.to_string())?;
            self.machines.push(self.settings.extensions);
        }
        self.targets.push(machine.to_owned());
        Ok(())
    }

    /// The first machine that the file names, when all that it names have pointers of 64 bits.
    pub(crate) fn wide_target(&self) -> Option<&str> {
        let first = self.targets.first()?;
        (!self.has_narrow_target()).then_some(first)
    }

    /// The first machine that the file names, when none that it names is one of ours.
    pub(crate) fn foreign_target(&self) -> Option<&str> {
        let is_ours = |target: &String| target.starts_with("riscv32") || target.starts_with("rv32");
        let first = self.targets.first()?;
        (!self.targets.iter().any(is_ours)).then_some(first)
    }

    /// Whether the file names a machine with pointers of 32 bits.
    pub(crate) fn has_narrow_target(&self) -> bool {
        let is_wide = |target: &String| target.contains("64") || target == "s390x";
        !self.targets.iter().all(is_wide)
    }

    /// The settings with which the code has to run right: every machine that the file names, every optimization level,
    /// whatever the file states, and every allocator, unless the file states one.
    pub(crate) fn run_settings(&self) -> Vec<Settings> {
        let algorithms = match self.regalloc {
            Some(algorithm) => vec![algorithm],
            None => RegallocAlgorithm::ALLOCATORS.to_vec(),
        };
        let machines = match self.machines.as_slice() {
            [] => &[self.settings.extensions],
            machines => machines,
        };
        let mut settings = Vec::new();
        for &extensions in machines {
            for &regalloc in &algorithms {
                settings.extend(OptLevel::ALL.map(|opt_level| Settings {
                    extensions,
                    regalloc,
                    opt_level,
                    // With and without what the linker may do.
                    linker_relaxation: opt_level != OptLevel::None,
                    ..self.settings.clone()
                }));
            }
        }
        settings
    }
}

fn parse_bool(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(no_such_value(name, value)),
    }
}

fn no_such_value(name: &str, value: &str) -> String {
    format!("`{value}` is no value of the setting `{name}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_lpir::text::parse_test;

    fn configuration(header: &str) -> Result<Configuration, (u32, String)> {
        Configuration::from_header(&parse_test(header).unwrap().header)
    }

    #[test]
    fn known_settings_are_honoured_and_others_ignored() {
        let header = "test run
            set opt_level=none preserve_frame_pointers single_hart=1
            set enable_pinned_reg=true
            target aarch64
            target rv32imc_zbb";
        let configuration = configuration(header).unwrap();
        let settings = &configuration.settings;
        assert_eq!(settings.opt_level, OptLevel::None);
        assert!(settings.preserve_frame_pointers);
        assert!(settings.single_hart);
        assert_eq!(settings.extensions, "rv32imc_zbb".parse().unwrap());
    }

    #[test]
    fn code_runs_with_every_allocator_at_every_level() {
        let run = configuration("set opt_level=none").unwrap().run_settings();
        let run = run
            .iter()
            .map(|settings| (settings.regalloc, settings.opt_level));
        let expected = RegallocAlgorithm::ALLOCATORS
            .iter()
            .flat_map(|&regalloc| OptLevel::ALL.map(|opt_level| (regalloc, opt_level)));
        assert!(run.eq(expected));
    }

    #[test]
    fn code_runs_on_every_machine_that_is_named() {
        let run =
            configuration("target rv32imac\ntarget rv32im_zbs\nset regalloc_algorithm=single_pass");
        let run = run.unwrap().run_settings();
        let machines: Vec<_> = run.iter().map(|settings| settings.extensions).collect();
        let [first, second] = ["rv32imac", "rv32im_zbs"].map(|name| name.parse().unwrap());
        let expected = [[first; OptLevel::ALL.len()], [second; OptLevel::ALL.len()]];
        assert_eq!(machines, expected.as_flattened());
    }

    #[test]
    fn targets_have_wide_pointers_when_all_have() {
        let wide_target = |header| {
            let configuration = configuration(header).unwrap();
            configuration.wide_target().map(str::to_owned)
        };
        assert_eq!(wide_target("test verifier"), None);
        assert_eq!(
            wide_target("target x86_64 sse41\ntarget s390x"),
            Some("x86_64".to_owned())
        );
        assert_eq!(wide_target("target pulley64\ntarget pulley32"), None);
        assert_eq!(wide_target("target rv32imac"), None);
        assert!(
            configuration("target rv32imac")
                .unwrap()
                .has_narrow_target()
        );
        assert!(!configuration("target x86_64").unwrap().has_narrow_target());
    }

    #[test]
    fn a_stated_allocator_is_the_only_one() {
        let configuration = configuration("set regalloc_algorithm=single_pass").unwrap();
        let run = configuration.run_settings();
        assert_eq!(run.len(), OptLevel::ALL.len());
        let is_single_pass =
            |settings: &Settings| settings.regalloc == RegallocAlgorithm::SinglePass;
        assert!(run.iter().all(is_single_pass));
    }

    #[test]
    fn wrong_values_are_errors() {
        let error = configuration("test run\nset opt_level=best").unwrap_err();
        let message = "`best` is no value of the setting `opt_level`";
        assert_eq!(error, (2, message.to_string()));
        assert_eq!(configuration("target rv32xyz").unwrap_err().0, 1);
    }
}
