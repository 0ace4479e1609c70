//! Guides: running a sender, and building one into a program.

#[cfg(feature = "sqlite")]
#[doc = include_str!("../guide/operations.md")]
pub mod operations {}

#[cfg(feature = "sqlite")]
#[doc = include_str!("../guide/embedding.md")]
pub mod embedding {}
