//! Editing in place: what is named changes, every other byte stays.

mod place;
mod raw;
mod repetitions;
mod segments;
mod splice;
mod values;

pub use segments::Position;
