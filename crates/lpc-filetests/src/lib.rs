//! The test runner behind `lpc test`.
