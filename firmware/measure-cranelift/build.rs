//! Links the program as the board has it, with a stack that is large enough for every compiler.

fn main() {
    // The linker script has a size for those who have set none before.
    println!("cargo:rustc-link-arg-bins=--defsym=_stack_size=0x100000");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
}
