//! Links the program as the board has it, with a stack that is large enough for every compiler. Encodes the examples, which it
//! compiles.

use lpc_lpir::binary;
use lpc_lpir::text::parse_module;
use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");

fn main() -> Result<(), Box<dyn Error>> {
    // The linker script has a size for those who have set none before.
    println!("cargo:rustc-link-arg-bins=--defsym=_stack_size=0x100000");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rerun-if-changed={EXAMPLES}");
    let folder = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(folder.join("examples.rs"), examples(Path::new(EXAMPLES))?)?;
    Ok(())
}

/// Rust for the examples: a table of names and bytes. They stand in a section of their own, since they are no part of what the
/// compiler takes.
fn examples(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "clif")
    });
    paths.sort();
    let (mut items, mut rows) = (String::new(), String::new());
    for path in paths {
        let name = path.file_stem().ok_or("a file without a name")?;
        let name = name.to_string_lossy();
        let module = parse_module(&fs::read_to_string(&path)?)?;
        let bytes = binary::encode(&module)?;
        let (item, len) = (name.to_uppercase(), bytes.len());
        writeln!(items, "#[unsafe(link_section = \".examples\")]")?;
        writeln!(items, "static {item}: [u8; {len}] = {bytes:?};")?;
        writeln!(rows, "    (\"{name}\", &{item}),")?;
    }
    writeln!(
        items,
        "pub(crate) static EXAMPLES: &[(&str, &[u8])] = &[\n{rows}];"
    )?;
    Ok(items)
}
