//! The behaviour of hl7-core as its users see it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test panics

mod ack;
mod build;
mod charset;
mod condition;
mod condition_properties;
mod convert;
mod corpus;
#[cfg(feature = "dictionary")]
mod dictionary;
mod edit;
mod expected;
#[cfg(feature = "dictionary")]
mod groups;
mod index;
mod privacy;
#[cfg(feature = "profile")]
mod profile;
#[cfg(feature = "profile")]
mod profile_bounds;
mod properties;
mod read;
mod rebuild;
mod rivals;
mod structure;
mod typed;
#[cfg(feature = "dictionary")]
mod validate;
#[cfg(feature = "xml")]
mod xml;
