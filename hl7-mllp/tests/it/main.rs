//! The behaviour of hl7-mllp as its users and its peers see it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test panics

#[cfg(feature = "tls")]
mod authority;
mod budget;
mod client;
mod codec;
mod connecting;
mod doctor;
#[cfg(feature = "tls")]
mod doctor_tls;
mod exchange;
mod expected;
#[cfg(feature = "codec")]
mod framed;
mod interop;
#[cfg(feature = "tls")]
mod interop_tls;
mod load;
mod meter;
mod other_connection;
mod peer;
mod pool;
mod privacy;
mod process;
mod properties;
mod responder;
mod scripted;
mod sequence;
mod server;
mod simulation;
mod streams;
#[cfg(feature = "tls")]
mod tls;
