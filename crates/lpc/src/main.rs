//! The `lpc` command line.

fn main() {}
