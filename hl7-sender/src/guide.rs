//! Guides: running a sender, and building one into a program.

#[doc = include_str!("../guide/operations.md")]
pub mod operations {}

#[doc = include_str!("../guide/embedding.md")]
pub mod embedding {}
