//! Guides: what an exchange guarantees, and TLS step by step.

#[doc = include_str!("../guide/exchange.md")]
pub mod exchange {}

#[cfg(feature = "tls")]
#[doc = include_str!("../guide/tls.md")]
pub mod tls {}
