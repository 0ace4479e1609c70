//! Guides: validating messages.

#[cfg(feature = "profile")]
#[doc = include_str!("../guide/validation.md")]
pub mod validation {}
