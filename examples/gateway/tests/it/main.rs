//! The gateway as a process: real sockets, a real outbox, and receivers that are ours, scripted or somebody else's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test panics

mod answers;
mod certificates;
mod configuration;
mod crash;
mod decisions;
mod demo;
mod http;
mod inbound_crash;
mod listener_configuration;
mod listeners;
mod mllp;
mod operator;
mod outcomes;
mod privacy;
mod process;
mod python;
mod receiver;
mod refusals;
mod shutdown;
mod site;
mod stalled;
mod status_page;
mod tls;
mod ways;
