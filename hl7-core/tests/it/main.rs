//! The behaviour of hl7-core as its users see it.

mod ack;
mod corpus;
mod edit;
mod privacy;
mod properties;
mod read;
