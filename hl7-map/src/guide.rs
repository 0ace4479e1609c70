//! Guides: making a mapping.

#[doc = include_str!("../guide/from-a-sample.md")]
pub mod from_a_sample {}
