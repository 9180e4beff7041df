//! What a program takes of the flash, and what of it.

use crate::{Error, Result};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use rustc_demangle::demangle;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What a program takes of the flash, in bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Flash {
    /// Code.
    pub(super) text: u64,
    /// Constants.
    pub(super) rodata: u64,
    /// What variables start with.
    pub(super) data: u64,
    /// The functions and constants that have a name, with the bytes of all that have it.
    pub(super) symbols: BTreeMap<String, u64>,
}

impl Flash {
    /// Reads an ELF file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| Error::file(path, error))?;
        let file = object::File::parse(&*bytes);
        let file = file.map_err(|error| Error::Other(format!("{}: {error}", path.display())))?;
        let size = |name| {
            file.section_by_name(name)
                .map_or(0, |section| section.size())
        };
        let mut flash = Self {
            text: size(".text"),
            rodata: size(".rodata"),
            data: size(".data"),
            symbols: BTreeMap::new(),
        };
        let is_in_flash = |symbol: &object::Symbol<'_, '_>| {
            let section = symbol.section_index();
            let section = section.and_then(|index| file.section_by_index(index).ok());
            let name = section.as_ref().and_then(|section| section.name().ok());
            matches!(name, Some(".text" | ".rodata" | ".data"))
        };
        for symbol in file.symbols() {
            let is_item = matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data);
            if let (true, true, Ok(name)) = (is_item, is_in_flash(&symbol), symbol.name())
                && !name.starts_with(ANONYMOUS)
            {
                // Without the hash, which tells instances of generic functions apart.
                let name = format!("{:#}", demangle(name));
                *flash.symbols.entry(name).or_default() += symbol.size();
            }
        }
        Ok(flash)
    }

    /// All of it.
    pub(super) fn total(&self) -> u64 {
        self.text + self.rodata + self.data
    }

    /// What is in this program, and not in `other`, which is the same with less in it.
    pub(super) fn without(&self, other: &Self) -> Self {
        let symbols = self.symbols.iter().map(|(name, &size)| {
            let common = other.symbols.get(name).copied().unwrap_or(0);
            (name.clone(), size.saturating_sub(common))
        });
        Self {
            text: self.text.saturating_sub(other.text),
            rodata: self.rodata.saturating_sub(other.rodata),
            data: self.data.saturating_sub(other.data),
            symbols: symbols.filter(|&(_, size)| size > 0).collect(),
        }
    }

    /// The bytes of the symbols of each crate. What has no name, such as texts, is counted as [`UNNAMED`].
    pub(super) fn crates(&self) -> BTreeMap<String, u64> {
        let mut crates = BTreeMap::new();
        let mut named = 0;
        for (name, size) in &self.symbols {
            named += size;
            *crates.entry(crate_of(name).to_owned()).or_default() += size;
        }
        crates.insert(UNNAMED.to_owned(), self.total().saturating_sub(named));
        crates
    }

    /// The largest functions and constants, the largest first.
    pub(super) fn largest(&self, count: usize) -> Vec<(&str, u64)> {
        let symbols = self.symbols.iter();
        let mut symbols: Vec<_> = symbols.map(|(name, &size)| (name.as_str(), size)).collect();
        symbols.sort_by_key(|&(name, size)| (std::cmp::Reverse(size), name));
        symbols.truncate(count);
        symbols
    }
}

/// What is said of bytes that have no name.
pub(super) const UNNAMED: &str = "(texts and tables without a name)";

/// What is said of functions without a path, such as the entry of a program.
const ENTRY: &str = "(entry)";

/// How the names start that compilers give to constants without one.
const ANONYMOUS: &str = ".L";

/// The crate that the item called `name` is from: that of the type in `<Type as Trait>::method`, or that of the trait, where the
/// type is not an item of a crate.
fn crate_of(name: &str) -> &str {
    let mut rest = name;
    loop {
        let inner = rest.trim_start_matches(['<', '&', '[', '(', '*']);
        let inner = ["mut ", "const ", "dyn "]
            .iter()
            .fold(inner, |inner, word| {
                inner.strip_prefix(word).unwrap_or(inner)
            });
        let end = inner
            .find(|character: char| !character.is_alphanumeric() && character != '_')
            .unwrap_or(inner.len());
        let (first, behind) = inner.split_at(end);
        if behind.starts_with("::") {
            return first;
        }
        match behind.split_once(" as ") {
            Some((_, of_trait)) => rest = of_trait,
            // What compilers call by name, and what is called by its name as linkers know it.
            None if first.starts_with("mem") || first.starts_with("__") => {
                return "compiler_builtins";
            }
            None => return ENTRY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRY, Flash, UNNAMED, crate_of};
    use std::collections::BTreeMap;

    #[test]
    fn crates_of_names() {
        for (name, expected) in [
            ("lpc_codegen::backend::emit::emit", "lpc_codegen"),
            ("core::slice::sort::stable::drift::sort", "core"),
            (
                "<lpc_lpir::ir::types::Type as core::fmt::Display>::fmt",
                "lpc_lpir",
            ),
            ("<&T as core::fmt::Debug>::fmt", "core"),
            (
                "<[regalloc2::Operand] as core::fmt::Debug>::fmt",
                "regalloc2",
            ),
            ("<core::fmt::Formatter>::pad", "core"),
            ("<u32 as core::fmt::Display>::fmt", "core"),
            ("memcpy", "compiler_builtins"),
            ("board_main", ENTRY),
        ] {
            assert_eq!(crate_of(name), expected, "{name}");
        }
    }

    #[test]
    fn what_a_compiler_adds() {
        let symbols = |sizes: &[(&str, u64)]| -> BTreeMap<String, u64> {
            sizes
                .iter()
                .map(|&(name, size)| (name.to_owned(), size))
                .collect()
        };
        let nothing = Flash {
            text: 100,
            rodata: 10,
            data: 0,
            symbols: symbols(&[("core::fmt::write", 40), ("main", 20)]),
        };
        let program = Flash {
            text: 1000,
            rodata: 210,
            data: 4,
            symbols: symbols(&[
                ("core::fmt::write", 50),
                ("lpc::compile", 700),
                ("lpc::TABLE", 100),
                ("main", 10),
            ]),
        };
        let compiler = program.without(&nothing);
        assert_eq!(compiler.total(), 900 + 200 + 4);
        let crates = [("core", 10), ("lpc", 800), (UNNAMED, 294)];
        assert_eq!(compiler.crates(), symbols(&crates));
        assert_eq!(
            compiler.largest(2),
            [("lpc::compile", 700), ("lpc::TABLE", 100)]
        );
    }
}
