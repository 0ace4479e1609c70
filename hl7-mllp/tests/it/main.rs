//! The behaviour of hl7-mllp as its users and its peers see it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test panics

mod budget;
mod client;
mod codec;
mod connecting;
mod doctor;
mod exchange;
mod expected;
mod interop;
mod load;
mod peer;
mod privacy;
mod process;
mod properties;
mod scripted;
mod server;
mod simulation;
mod streams;
