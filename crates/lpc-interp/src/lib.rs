//! The reference interpreter of LPIR.

#![no_std]

extern crate alloc;
