//! Small programs, one idea each: see `src/bin`. Run one with `cargo run -p hl7-programs --bin read`.
//!
//! The programs in the README are run as tests of this crate.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
