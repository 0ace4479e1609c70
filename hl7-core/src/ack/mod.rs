//! Acknowledgments: asked for in a header, built for a message, and read from one (HL7 2.5.1, chapter 2, sections 2.9 and 2.13).

mod build;
mod code;
mod error_segment;
mod form;
mod line;
mod mode;
mod msa;
mod reported;

pub use build::Ack;
pub use code::{AckCode, ErrorCode, UnknownAckCode};
pub use mode::{AckCondition, AckMode};
pub use msa::Msa;
pub use reported::ReportedError;
