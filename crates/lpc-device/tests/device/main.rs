//! A device in QEMU: what it does, and what it survives.
//!
//! The firmware is the one that `LPC_FIRMWARE` names, or is built by `firmware/toolchain`. Where QEMU or what builds it is missing, the
//! tests are skipped, which they say; with `CI` set they fail.

mod garbled;
mod hostile;
mod programs;
mod refused;
mod support;
