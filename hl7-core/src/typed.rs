//! Data types: what a value means, read from the place where it stands (HL7 2.5.1, chapter 2A).
//!
//! | data type | read as | how |
//! | --- | --- | --- |
//! | DTM, TS; DT; TM | [`DateTime`], [`Date`], [`Time`] | `of(place)` or `parse(text)`, each part as precise as it was sent |
//! | NM; SI | [`Number`], [`SequenceId`] | `of(place)` or `parse(text)` |
//! | CX, XPN, XAD, CE and CWE, EI, HD | [`Cx`], [`Xpn`], [`Xad`], [`Cwe`], [`Ei`], [`Hd`] | `of(place)`, which cannot fail |
//!
//! A *place* is a [`Value`], [`Field`](crate::Field), [`Repetition`](crate::Repetition), [`Component`](crate::Component) or
//! [`Subcomponent`](crate::Subcomponent); of a field the first repetition is taken. All types are `Copy` and allocate nothing.
//!
//! ```
//! use hl7_core::typed::{Cx, Date, Precision, Xpn};
//! use hl7_core::{path, Message, Value};
//!
//! let msg = Message::parse("MSH|^~\\&|A\rPID|1||7^^^NORTH&1.2.3&ISO^MR~8^^^SSA||Doe&van^Ann||198407\r")?;
//! let ids: Vec<_> = msg.get_all(path!("PID-3[*]")).map(Cx::of).collect();
//! let authority = ids[0].assigning_authority().unwrap();
//! assert_eq!(authority.universal_id().unwrap().text(), "1.2.3");
//! assert!(ids[1].identifier_type_code().is_none());
//!
//! let name = msg.get(path!("PID-5")).map(Xpn::of).unwrap();
//! assert_eq!(name.family_name().unwrap().own_surname_prefix().unwrap().text(), "van");
//!
//! // The outer None: no such field, or nothing in it. The inner error: something else than a date.
//! let born = msg.get(path!("PID-7")).and_then(Value::valued).map(Date::of).transpose()?.unwrap();
//! assert_eq!((born.year(), born.month(), born.precision()), (1984, Some(7), Precision::Month));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A composite that stands in a component has subcomponents for its parts; one that stands in a subcomponent has no room for more than its
//! first. Components that a data type gained or lost over the versions are all there: which of them a message may send is for validation to
//! say.
//!
//! `Display` shows a date, time or number exactly as it was sent, so that it can be written back; `Debug` does not show it.

mod coded;
mod composite;
mod date;
mod date_time;
mod digits;
mod error;
mod identifier;
mod number;
mod person;
mod sequence;
mod time;

pub use coded::Cwe;
pub use date::Date;
pub use date_time::DateTime;
pub use error::{DataType, DataTypeError, DataTypeErrorKind};
pub use identifier::{Cx, Ei, Hd};
pub use number::Number;
pub use person::{DateRange, FamilyName, StreetAddress, Xad, Xpn};
pub use sequence::SequenceId;
pub use time::{Offset, Precision, Time};

use std::borrow::Cow;

use crate::piece::Value;

/// The text of a scalar's place, unescaped, unless it is null.
fn text_of(place: Value<'_>, data_type: DataType) -> Result<Cow<'_, str>, DataTypeError> {
    let text = place.text();
    if text == "\"\"" { Err(DataTypeError::new(data_type, DataTypeErrorKind::Null, 0)) } else { Ok(text) }
}
