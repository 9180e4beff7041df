//! The commands, a file each.

pub(crate) mod code;
pub(crate) mod compile;
pub(crate) mod emulator;

use lpc_bench::kernels::{KERNELS, Kernel};
use lpc_bench::{Error, Result};

/// The kernels that are called `names`, or all.
fn select(names: &[String]) -> Result<Vec<Kernel>> {
    if names.is_empty() {
        return Ok(KERNELS.to_vec());
    }
    let find = |name: &String| {
        let kernel = KERNELS.iter().find(|kernel| kernel.name == name);
        let unknown = || Error::Other(format!("there is no kernel {name}"));
        kernel.copied().ok_or_else(unknown)
    };
    names.iter().map(find).collect()
}
