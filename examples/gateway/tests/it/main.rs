//! The gateway as a process: real sockets, a real outbox, and receivers that are ours, scripted or somebody else's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test panics

mod answers;
mod configuration;
mod crash;
mod demo;
mod http;
mod operator;
mod privacy;
mod process;
mod python;
mod receiver;
mod refusals;
mod site;
mod stalled;
mod status_page;
