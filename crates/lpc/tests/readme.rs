//! What the README shows is what happens.
//!
//! `TRYCMD=overwrite` rewrites it to what happens.

use std::fs;
use std::path::Path;

#[test]
fn readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = root.join("README.md");
    // Commands that write files do so in a folder of their own.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    let examples = folder.join("examples");
    fs::create_dir_all(&examples).expect("the folder can be made");
    for entry in fs::read_dir(root.join("examples")).expect("the examples are there") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().expect("examples have names");
        fs::copy(&path, examples.join(name)).expect("examples can be copied");
    }
    std::env::set_current_dir(folder).expect("the folder is there");
    trycmd::TestCases::new().env("NO_COLOR", "1").case(readme);
}
