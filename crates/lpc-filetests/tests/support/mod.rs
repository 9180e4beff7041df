//! What tests of documents share.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod documents;
pub(crate) mod references;
