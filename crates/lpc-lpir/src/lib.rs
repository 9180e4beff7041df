//! LPIR: an SSA intermediate representation in the syntax of CLIF.

#![no_std]

extern crate alloc;
