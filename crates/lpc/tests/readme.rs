//! What the README shows is what happens.
//!
//! `TRYCMD=overwrite` rewrites it to what happens.

#[test]
fn readme() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    std::env::set_current_dir(root).expect("the repository is there");
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        .case("README.md");
}
