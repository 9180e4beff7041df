//! The commands, a file each.

pub(crate) mod code;
pub(crate) mod compile;
pub(crate) mod device;
pub(crate) mod emulator;

use clap::Args;
use clap::builder::PossibleValuesParser;
use lpc_bench::kernels::{KERNELS, Kernel};

/// Which kernels are measured.
#[derive(Args)]
pub(crate) struct Selection {
    /// Measures only these kernels.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = kernel_names())]
    only: Vec<String>,
}

fn kernel_names() -> PossibleValuesParser {
    PossibleValuesParser::new(KERNELS.iter().map(|kernel| kernel.name))
}

impl Selection {
    /// Those that are named, or all; each once.
    fn kernels(&self) -> Vec<Kernel> {
        let kernels = KERNELS.iter().copied();
        let is_selected = |kernel: &Kernel| {
            self.only.is_empty() || self.only.iter().any(|name| name == kernel.name)
        };
        kernels.filter(is_selected).collect()
    }
}

/// The number with the noun, in the form that it has for so many.
fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Selection, count};
    use clap::{Args, Command, FromArgMatches};

    fn select(only: &str) -> Result<Vec<&'static str>, String> {
        let command = Selection::augment_args(Command::new("test"));
        let matches = command.try_get_matches_from(["test", "--only", only]);
        let matches = matches.map_err(|error| error.to_string())?;
        let selection = Selection::from_arg_matches(&matches).unwrap();
        let kernels = selection.kernels().into_iter();
        Ok(kernels.map(|kernel| kernel.name).collect())
    }

    #[test]
    fn each_kernel_is_selected_once() {
        let selected = select("sieve,crc32,sieve").unwrap();
        assert_eq!(selected, ["crc32", "sieve"]);
    }

    #[test]
    fn who_names_no_kernel_is_told_the_kernels() {
        let error = select("sieve,nosuch").unwrap_err();
        assert!(error.contains("'nosuch'"), "{error}");
        assert!(
            error.contains("big_multiply, bytecode, chacha20"),
            "{error}"
        );
    }

    #[test]
    fn nouns_have_a_plural() {
        assert_eq!(count(1, "kernel"), "1 kernel");
        assert_eq!(count(2, "kernel"), "2 kernels");
    }
}
