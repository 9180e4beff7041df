//! Links the program as the board has it.

fn main() {
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
}
