//! A zero-copy HL7 v2 parser and model: read, edit, write and acknowledge messages.
//!
//! A [`Message`] borrows the text it was parsed from, finds fields when they are asked for, and writes back
//! every byte it was not told to change.
//!
//! ```
//! use hl7_core::{path, Ack, AckCode, Message};
//!
//! let text = "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405||ADT^A08^ADT_A01|m-1|P|2.5.1\rPID|1||7^^^H^MR||O'Brien \\T\\ Sons^Ann\r";
//! let mut msg = Message::parse(text)?;
//! assert_eq!(msg.header().control_id().map(|id| id.raw()), Some("m-1"));
//! assert_eq!(msg.get(path!("PID-5.1")).unwrap().text(), "O'Brien & Sons");
//!
//! msg.set(path!("PID-5.2"), "Anna|Maria")?;
//! assert!(msg.as_er7().ends_with("O'Brien \\T\\ Sons^Anna\\F\\Maria\r"));
//!
//! let ack = Ack::to(&msg, AckCode::AA).build();
//! assert!(ack.as_er7().ends_with("MSA|AA|m-1\r"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [`tutorial`] goes through it step by step; the [`cookbook`] holds recipes; the [`guide`] tells of validation and profiles.
//!
//! # The words
//!
//! A *message* is a list of *segments*, one a line. A segment is a list of *fields*; a field a list of
//! *repetitions*; a repetition a list of *components*; a component a list of *subcomponents* (HL7 2.5.1,
//! chapter 2, sections 2.5 and 2.6). The characters between them are the message's own [`Delimiters`], stated in MSH-1
//! and MSH-2. A [`Path`] such as `PID-3[2].1` names a place.
//!
//! # Four states
//!
//! A place can be *absent* ([`Message::get`] gives `None`), *empty* ([`Value::is_empty`]), *null* (`""`, which
//! tells the receiver to delete: [`Value::is_null`]) or hold a value.
//!
//! # No patient data in diagnostics
//!
//! No `Debug`, error or panic of this crate shows message content. To show a message, ask for it: [`Message::as_er7`], [`Value::raw`],
//! [`Value::text`], and `Display` of a date, time or number of [`typed`].
//!
//! # No input or output
//!
//! The crate opens nothing and sends nothing. [`Ack::build`] alone reads the system clock, unless it is given
//! a time by [`Ack::at`].

mod ack;
mod as_read;
mod builder;
mod charset;
mod coding;
mod condition;
mod convert;
pub mod cookbook;
mod delimiters;
#[cfg(feature = "dictionary")]
pub mod dictionary;
#[cfg(feature = "document")]
#[doc(hidden)]
pub mod document;
mod edit;
mod encode;
mod error;
mod escape;
#[cfg(feature = "dictionary")]
mod groups;
pub mod guide;
mod header;
mod index;
mod jis;
mod leaves;
mod message;
mod path;
mod piece;
#[cfg(feature = "profile")]
pub mod profile;
mod read;
mod scan;
mod segment;
mod timestamp;
pub mod tutorial;
pub mod typed;
#[cfg(feature = "dictionary")]
mod validate;
#[cfg(feature = "xml")]
pub mod xml;

pub use ack::{Ack, AckCode, AckCondition, AckMode, ErrorCode, Msa, ReportedError, UnknownAckCode};
pub use builder::MessageBuilder;
pub use charset::{Charset, CharsetError};
pub use condition::{Condition, ConditionError, ConditionErrorKind};
pub use delimiters::Delimiters;
pub use edit::Position;
pub use error::{EditError, EditErrorKind, EncodeError, EncodeErrorKind, ParseError, ParseErrorKind};
pub use escape::{escape, escape_into, unescape};
#[cfg(feature = "dictionary")]
pub use groups::{GroupPath, GroupPathError, GroupPathErrorKind, Groups, Member, Misplaced, SegmentGroup};
pub use header::Header;
pub use index::Index;
pub use leaves::{Leaf, Leaves};
pub use message::{Message, Segments};
pub use path::{Occurrence, Path, PathError, PathErrorKind, RepetitionFilter, RepetitionIndex};
pub use piece::{Component, Field, Repetition, Subcomponent, Value};
#[cfg(feature = "profile")]
pub use profile::{Profile, ProfileError, ProfileErrors};
pub use read::{ReadOptions, Undecodable};
pub use segment::Segment;
#[cfg(feature = "dictionary")]
pub use validate::{
    Against, Finding, FindingCode, Findings, Level, Severity, UnknownLevel, Validation, validate,
};
#[cfg(feature = "xml")]
pub use xml::{XmlError, XmlErrorKind, XmlPlace};
