//! Compiled programs in the emulator.
