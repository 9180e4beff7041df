//! The programs that code is compared on.
//!
//! Each is written twice, in C and in CLIF: the same algorithm, with the same functions, types and memory, and the same result.
//! `kernel` takes nothing, does a fixed amount of work and returns a checksum; called again it does the same again.

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
    "pollard_rho"
    "queens"
}

#[cfg(test)]
mod tests {
    use super::KERNELS;
    use std::collections::BTreeSet;
    use std::fs;

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
