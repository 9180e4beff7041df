//! The programs that code is compared on.
//!
//! Each is written twice, in C and in CLIF: the same algorithm, with the same functions, types and memory, and the same result.
//! `kernel` takes nothing, does a fixed amount of work and returns a checksum; called again it does the same again.

use crate::error::{Error, Result};
use lpc_lpir::ir::{ExternalName, Type};
use lpc_lpir::text::{Comparison, Outcome, RunCommand, parse_run_command, parse_test};

/// A program in both languages.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Its name, which is that of its files.
    pub name: &'static str,
    /// The program in C, which needs no library.
    pub c: &'static str,
    /// The program in CLIF, a filetest.
    pub clif: &'static str,
}

/// The function of every kernel that does its work, `uint32_t kernel(void)`.
pub const ENTRY: &str = "kernel";

impl Kernel {
    /// What its function returns, as the `run:` line below it states in CLIF.
    ///
    /// # Errors
    /// When the program cannot be read, or states no such thing.
    pub fn result(&self) -> Result<u32> {
        let stated = self.stated_result();
        stated.ok_or_else(|| Error::Other(format!("{}.clif states no result", self.name)))
    }

    fn stated_result(&self) -> Option<u32> {
        let file = parse_test(self.clif).ok()?;
        let entry = ExternalName::symbol(ENTRY);
        let function = file
            .functions
            .iter()
            .find(|function| function.name == entry)?;
        let Outcome::Parsed(parsed) = &function.outcome else {
            return None;
        };
        let signature = &parsed.function.signature;
        let commands = function.comments.iter();
        let commands =
            commands.filter_map(|comment| parse_run_command(comment.text, signature).ok());
        commands.flatten().find_map(|command| match command {
            RunCommand::Run {
                comparison: Comparison::Equal,
                expected,
                ..
            } => match expected[..] {
                [result] if result.ty() == Type::I32 => u32::try_from(result.unsigned()).ok(),
                _ => None,
            },
            _ => None,
        })
    }
}

/// The memory that a kernel gets behind its own data, in bytes.
pub const MEMORY_SIZE: u32 = 8 << 20;

/// The part of that which is the stack, in bytes.
pub const STACK_SIZE: u32 = 1 << 20;

macro_rules! kernels {
    ($($name:literal)*) => {
        /// All kernels.
        pub const KERNELS: &[Kernel] = &[$(Kernel {
            name: $name,
            c: include_str!(concat!("../kernels/", $name, ".c")),
            clif: include_str!(concat!("../kernels/", $name, ".clif")),
        }),*];
    };
}

kernels! {
    "big_multiply"
    "bytecode"
    "chacha20"
    "crc32"
    "edit_distance"
    "fir_filter"
    "mandelbrot"
    "matrix_product"
    "plasma"
    "pollard_rho"
    "queens"
    "quicksort"
    "search_tree"
    "sha256"
    "sieve"
    "string_search"
}

#[cfg(test)]
mod tests {
    use super::KERNELS;
    use std::collections::BTreeSet;
    use std::fs;

    #[test]
    fn every_kernel_states_its_result() {
        for kernel in KERNELS {
            kernel.result().unwrap();
        }
    }

    #[test]
    fn every_file_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/kernels");
        let files = fs::read_dir(folder).unwrap();
        let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let listed = KERNELS.iter().flat_map(|kernel| {
            ["c", "clif"].map(|extension| format!("{}.{extension}", kernel.name))
        });
        assert_eq!(listed.collect::<BTreeSet<_>>(), files.collect());
    }
}
