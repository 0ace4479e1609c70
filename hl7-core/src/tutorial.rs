//! From a first message to an edited one, step by step. Every example runs.
//!
//! 1. [Parsing](#parsing)
//! 2. [Reading by path](#reading-by-path)
//! 3. [Walking](#walking)
//! 4. [Absent, empty, null](#absent-empty-null)
//! 5. [Escape sequences](#escape-sequences)
//! 6. [Data types](#data-types)
//! 7. [Bytes and character sets](#bytes-and-character-sets)
//! 8. [Editing](#editing)
//! 9. [Answering](#answering)
//! 10. [When it goes wrong](#when-it-goes-wrong)
//!
//! # Parsing
//!
//! A message is text of one segment a line. Each segment starts with a three-letter ID, and its fields stand between `|`. Which characters
//! separate what, the message says itself in its first segment, MSH (HL7 2.5.1, chapter 2, section 2.5.4).
//!
//! ```
//! use hl7_core::Message;
//!
//! let text = "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405||ORU^R01^ORU_R01|m-1|P|2.5.1\r\
//!             PID|1||7^^^NORTH^MR||Byrne^Zoe\r\
//!             OBX|1|NM|2345-7^Glucose^LN||7.20|mmol/L\r";
//! let msg = Message::parse(text)?;
//! assert_eq!(msg.iter().len(), 3);
//! assert_eq!(msg.header().message_type().unwrap().text(), "ORU");
//! assert_eq!(msg.header().trigger_event().unwrap().text(), "R01");
//! # Ok::<(), hl7_core::ParseError>(())
//! ```
//!
//! [`Message::parse`] borrows the text and looks at the line ends only: fields are found when they are read. Segments may end in CR, as the
//! standard says, and in LF or CRLF, as files do.
//!
//! # Reading by path
//!
//! A [`Path`] names a place the way the trade writes it: `PID-5` is field 5 of PID, `PID-5.1` its first component, `PID-3[2].4.2` the second
//! subcomponent of component 4 in the second repetition of field 3. Everything counts from 1.
//!
//! ```
//! use hl7_core::{path, Message, Path};
//! # let text = "MSH|^~\\&|A\rPID|1||7^^^NORTH^MR~000-00-0000^^^SSA^SS||Byrne^Zoe\rOBX|1||||a\rOBX|2||||b\r";
//! let msg = Message::parse(text)?;
//! assert_eq!(msg.get(path!("PID-5.2")).unwrap().text(), "Zoe"); // checked when the program is compiled
//!
//! let given: Path = "PID-3[5=SS].1".parse()?; // the repetition whose component 5 is SS
//! assert_eq!(msg.get(&given).unwrap().text(), "000-00-0000");
//!
//! let all: Vec<_> = msg.get_all(path!("OBX[*]-5")).map(|value| value.raw()).collect();
//! assert_eq!(all, ["a", "b"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The text of a value is that of its first leaf: `PID-5` gives what `PID-5.1.1` does. A sender that forgets to escape is cut there, so where a field is
//! meant to have no parts, compare [`Value::raw`](crate::Value::raw), or walk it.
//!
//! ```
//! # use hl7_core::{path, Message};
//! let msg = Message::parse("MSH|^~\\&|A\rOBX|1|TX|N||Salt & pepper\r")?;
//! let value = msg.get(path!("OBX-5")).unwrap();
//! assert_eq!((&*value.text(), value.raw()), ("Salt ", "Salt & pepper"));
//! # Ok::<(), hl7_core::ParseError>(())
//! ```
//!
//! # Walking
//!
//! Each level gives the one below: segments, fields, repetitions, components, subcomponents.
//!
//! ```
//! # use hl7_core::Message;
//! let msg = Message::parse("MSH|^~\\&|A\rPID|1||7^^^H&1.2&ISO~8")?;
//! for segment in msg.iter() {
//!     for (index, field) in segment.fields().enumerate() {
//!         for repetition in field.repetitions() {
//!             for component in repetition.components() {
//!                 for leaf in component.subcomponents() {
//!                     println!("{}-{}: {} characters", segment.id(), index + 1, leaf.text().chars().count());
//!                 }
//!             }
//!         }
//!     }
//! }
//! # Ok::<(), hl7_core::ParseError>(())
//! ```
//!
//! # Absent, empty, null
//!
//! Four states, and receivers act on them differently: a place that the message does not reach is *absent*, one with nothing between its delimiters
//! is *empty*, `""` is *null* and asks the receiver to delete what it has, and all else is a value (chapter 2, section 2.5.3).
//!
//! ```
//! # use hl7_core::{path, Message};
//! let msg = Message::parse("MSH|^~\\&|A\rPID|1||7|\"\"\r")?;
//! assert!(msg.get(path!("PID-2")).unwrap().is_empty());
//! assert!(msg.get(path!("PID-4")).unwrap().is_null());
//! assert!(msg.get(path!("PID-5")).is_none());
//! # Ok::<(), hl7_core::ParseError>(())
//! ```
//!
//! # Escape sequences
//!
//! A delimiter inside a value is sent as an escape sequence. [`Value::text`] reads it, [`Value::raw`] shows it as it was sent.
//!
//! ```
//! # use hl7_core::{path, Message};
//! let msg = Message::parse("MSH|^~\\&|A\rPID|||||Byrne \\T\\ Sons\r")?;
//! let family = msg.get(path!("PID-5.1")).unwrap();
//! assert_eq!(family.text(), "Byrne & Sons");
//! assert_eq!(family.raw(), "Byrne \\T\\ Sons");
//! # Ok::<(), hl7_core::ParseError>(())
//! ```
//!
//! # Data types
//!
//! The views of [`typed`](crate::typed) read a value as what the standard says it is. Identifiers, names and codes give their components by name; dates and
//! numbers are checked, stay as precise as they were sent, and are shown as they were sent.
//!
//! ```
//! # use hl7_core::{path, Message};
//! use hl7_core::typed::{Cx, DateTime, Precision};
//! let msg = Message::parse("MSH|^~\\&|A||||202601020304+0100\rPID|1||7^^^NORTH&1.2.3&ISO^MR\r")?;
//! let id = msg.get(path!("PID-3")).map(Cx::of).unwrap();
//! assert_eq!(id.assigning_authority().and_then(|authority| authority.universal_id()).unwrap().text(), "1.2.3");
//! let sent = DateTime::of(msg.get(path!("MSH-7")).unwrap())?;
//! assert_eq!((sent.hour(), sent.precision()), (Some(3), Precision::Minute));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Bytes and character sets
//!
//! What comes from a socket or a file is bytes. [`Message::from_bytes`] decodes them by MSH-18 before it splits them, because in some character sets
//! half a character can look like a delimiter. Written back, an unedited message is the same bytes.
//!
//! ```
//! # use hl7_core::{path, Message};
//! let bytes = b"MSH|^~\\&|A|||||||||||||||8859/1\rPID|||||M\xFCller\r";
//! let msg = Message::from_bytes(bytes)?;
//! assert_eq!(msg.get(path!("PID-5.1")).unwrap().text(), "Müller");
//! assert_eq!(&*msg.to_bytes()?, bytes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where a sender uses a set without saying so, name it: [`ReadOptions::default_charset`].
//!
//! # Editing
//!
//! [`Message::set`] escapes the value, makes what is missing on the way to it, and leaves every other byte as it was.
//!
//! ```
//! # use hl7_core::{path, Message};
//! let mut msg = Message::parse("MSH|^~\\&|A\nPID|1||7\n")?;
//! msg.set(path!("PID-5.2"), "Zoe")?;
//! msg.set_null(path!("PID-8"))?;
//! assert_eq!(msg.as_er7(), "MSH|^~\\&|A\nPID|1||7||^Zoe|||\"\"\n");
//! assert_eq!(msg.to_wire()?, b"MSH|^~\\&|A\rPID|1||7||^Zoe|||\"\"\r"); // line ends as the standard says, for sending
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Answering
//!
//! An acknowledgment uses the sender's delimiters and repeats its control ID byte for byte.
//!
//! ```
//! # use hl7_core::{Ack, AckCode, ErrorCode, Message};
//! # let msg = Message::parse("MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102||ORU^R01^ORU_R01|m-1|P|2.5.1\r")?;
//! let ack = Ack::to(&msg, AckCode::AE).error(ErrorCode::UnknownKeyIdentifier).text("no such patient").build();
//! assert!(ack.as_er7().contains("\rMSA|AE|m-1|no such patient"));
//! # Ok::<(), hl7_core::ParseError>(())
//! ```
//!
//! # When it goes wrong
//!
//! An error has a kind to match on, a stable code to write down, a place and a suggestion, and never a value.
//!
//! ```
//! # use hl7_core::{Message, ParseErrorKind};
//! let error = Message::parse("MSH|^~\\&|A\rMSH|^~\\&|B\r").unwrap_err();
//! assert_eq!(*error.kind(), ParseErrorKind::SecondHeader);
//! assert_eq!((error.code(), error.offset()), ("C011", 11));
//! assert_eq!(error.suggestion(), "split the text into its messages at MSH");
//! ```

// For the links above.
#[allow(unused_imports)]
use crate::{Message, Path, ReadOptions, Value};
