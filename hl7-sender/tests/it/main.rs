//! The behaviour of hl7-sender as its users, its peers and its disk see it.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test panics

mod blocks;
mod changes;
mod clock;
mod crash;
mod damage;
mod destinations;
mod fickle;
mod files;
mod intake;
mod keys;
mod lanes;
mod listener;
mod model;
mod nodes;
mod opening;
mod outage;
mod outcomes;
mod peer;
mod privacy;
mod room;
mod shutdown;
mod simulation;
mod stores;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod unconfirmed;
mod versions;
mod wire;
