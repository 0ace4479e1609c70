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
#[cfg(feature = "encryption")]
mod encryption;
mod events;
mod fickle;
mod files;
mod gather;
mod guide;
mod intake;
mod keys;
mod lanes;
mod listener;
mod merges;
mod meter;
mod model;
mod neighbours;
mod nodes;
mod opening;
mod outage;
mod outcomes;
mod peer;
mod places;
mod power;
mod privacy;
mod room;
mod runtimes;
mod shutdown;
mod simulation;
mod spans;
mod steps;
mod stores;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod two_answers;
mod unconfirmed;
mod versions;
mod walk;
mod wire;
