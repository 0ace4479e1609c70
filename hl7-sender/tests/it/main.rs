//! The behaviour of hl7-sender as its users, its peers and its disk see it.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test panics

mod ailing;
mod blocks;
mod changes;
mod clock;
mod crash;
mod damage;
mod destinations;
mod disk;
mod fickle;
mod files;
mod gather;
mod intake;
mod keys;
mod lanes;
mod listener;
mod merges;
mod model;
mod nodes;
mod opening;
mod outage;
mod outcomes;
mod peer;
mod places;
mod power;
mod privacy;
mod room;
mod shutdown;
mod simulation;
mod steps;
mod stores;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod unconfirmed;
mod versions;
mod walk;
mod wire;
