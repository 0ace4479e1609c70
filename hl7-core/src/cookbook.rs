//! Recipes for what comes up every day. Every example runs.
//!
//! - [The medical record number, wherever it stands](#the-medical-record-number-wherever-it-stands)
//! - [Which messages to forward](#which-messages-to-forward)
//! - [Results with their units](#results-with-their-units)
//! - [Dates that say how precise they are](#dates-that-say-how-precise-they-are)
//! - [A new message](#a-new-message)
//! - [Adding and removing segments](#adding-and-removing-segments)
//! - [The same change in many segments](#the-same-change-in-many-segments)
//! - [Copying from one message to another](#copying-from-one-message-to-another)
//! - [A sender that does not name its character set](#a-sender-that-does-not-name-its-character-set)
//! - [Another character set for the receiver](#another-character-set-for-the-receiver)
//! - [Many reads of one message](#many-reads-of-one-message)
//! - [Every value of a message](#every-value-of-a-message)
//! - [Answering what could not be taken](#answering-what-could-not-be-taken)
//! - [Reading an answer](#reading-an-answer)
//!
//! # The medical record number, wherever it stands
//!
//! PID-3 repeats, and CX.5 says of what type each identifier is.
//!
//! ```
//! use hl7_core::typed::Cx;
//! use hl7_core::{path, Message};
//!
//! let msg = Message::parse("MSH|^~\\&|A\rPID|1||000-00-0000^^^SSA^SS~100042^^^NORTH&1.2.3&ISO^MR\r")?;
//! let number = msg.get(path!("PID-3[5=MR].1")).map(|value| value.text());
//! assert_eq!(number.as_deref(), Some("100042"));
//!
//! // With its assigner, as a view of the data type CX.
//! let cx = msg.get(path!("PID-3[5=MR]")).map(Cx::of).unwrap();
//! let assigner = cx.assigning_authority().unwrap();
//! assert_eq!(assigner.namespace_id().unwrap().text(), "NORTH");
//! # Ok::<(), hl7_core::ParseError>(())
//! ```
//!
//! # Which messages to forward
//!
//! A [`Condition`] is text that a configuration can hold.
//!
//! ```
//! use hl7_core::{Condition, Message};
//!
//! let wanted: Condition = r#"MSH-9.1 == "ADT" and MSH-9.2 in (A01 A08) and PV1-2 != "P""#.parse()?;
//! let msg = Message::parse("MSH|^~\\&|A||||2026||ADT^A08|m1|P|2.5\rPV1|1|I\r")?;
//! assert!(wanted.holds(&msg));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Results with their units
//!
//! OBX-2 says what OBX-5 is. A number keeps the digits it was sent with.
//!
//! ```
//! use hl7_core::typed::Number;
//! use hl7_core::Message;
//!
//! let text = "MSH|^~\\&|A\rOBX|1|NM|2345-7^Glucose||7.20|mmol/L\rOBX|2|ST|88^Note||fasting\r";
//! let msg = Message::parse(text)?;
//! for obx in msg.segments("OBX").filter(|obx| obx.field(2).is_some_and(|kind| kind.raw() == "NM")) {
//!     let value = obx.field(5).map(Number::of).unwrap()?;
//!     assert_eq!(value.to_string(), "7.20");
//!     assert_eq!(obx.field(6).unwrap().text(), "mmol/L");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Dates that say how precise they are
//!
//! `1984` is a year and not the first of January.
//!
//! ```
//! use hl7_core::typed::{DateTime, Precision};
//! use hl7_core::{path, Message};
//!
//! let msg = Message::parse("MSH|^~\\&|A|B|C|D|20260102030405-0500\rPID|1||7||||1984\r")?;
//! let born = msg.get(path!("PID-7")).map(DateTime::of).unwrap()?;
//! assert_eq!((born.year(), born.month(), born.precision()), (1984, None, Precision::Year));
//! let sent = msg.header().time().map(DateTime::of).unwrap()?;
//! assert_eq!(sent.precision(), Precision::Second);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A new message
//!
//! ```
//! use hl7_core::{path, Message};
//!
//! let msg = Message::builder("2.5.1", "ADT", "A08")
//!     .structure("ADT_A01")
//!     .sending("CRM", "NORTH")
//!     .receiving("EHR", "NORTH")
//!     .at("20260102030405+0000")
//!     .control_id("m-1")
//!     .segment("EVN")
//!     .set(path!("EVN-2"), "20260102030405+0000")
//!     .segment("PID|1")
//!     .set_raw(path!("PID-3"), "100042^^^NORTH^MR")
//!     .set(path!("PID-5.1"), "Byrne & Sons")
//!     .build()?;
//! assert!(msg.as_er7().ends_with("PID|1||100042^^^NORTH^MR||Byrne \\T\\ Sons\r"));
//! # Ok::<(), hl7_core::EditError>(())
//! ```
//!
//! # Adding and removing segments
//!
//! ```
//! use hl7_core::{path, Message, Position};
//!
//! let mut msg = Message::parse("MSH|^~\\&|A\rPID|1\rNTE|1||old\rPV1|1|O\r")?;
//! msg.remove(path!("NTE[*]"))?;
//! msg.insert_segment(Position::After(path!("PID")), "ZPD|1|new")?;
//! assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rPID|1\rZPD|1|new\rPV1|1|O\r");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The same change in many segments
//!
//! [`Message::set_each`](crate::Message::set_each) makes all of them in one pass, which matters where a message has thousands of segments.
//!
//! ```
//! use hl7_core::{path, Message};
//!
//! let mut msg = Message::parse("MSH|^~\\&|A\rOBX|1|NM|2345-7||7.2|mmol/l\rOBX|2|NM|2346-5||8|mmol/l\rOBX|3|ST|x||ok\r")?;
//! let spelt = |unit: &str| (unit == "mmol/l").then(|| "mmol/L".to_owned());
//! assert_eq!(msg.set_each(path!("OBX[*]-6"), |value| spelt(&value.text()))?, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Copying from one message to another
//!
//! Between messages with the same delimiters a place is copied as it was sent, with all its levels and escape sequences.
//!
//! ```
//! use hl7_core::{path, Message};
//!
//! let from = Message::parse("MSH|^~\\&|A\rPID|1||7^^^H&1.2&ISO^MR~8\r")?;
//! let mut to = Message::parse("MSH|^~\\&|B\rPID|1\r")?;
//! assert_eq!(from.delimiters(), to.delimiters());
//! if let Some(value) = from.get(path!("PID-3")) {
//!     to.set_raw(path!("PID-3"), value.raw())?;
//! }
//! assert!(to.as_er7().ends_with("PID|1||7^^^H&1.2&ISO^MR~8\r"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A sender that does not name its character set
//!
//! ```
//! use hl7_core::{path, Charset, ReadOptions};
//!
//! let from_this_sender = ReadOptions::new().default_charset(Charset::Iso8859_1);
//! let msg = from_this_sender.read(b"MSH|^~\\&|A\rPID|||||M\xFCller\r")?;
//! assert_eq!(msg.get(path!("PID-5.1")).unwrap().text(), "Müller");
//! # Ok::<(), hl7_core::ParseError>(())
//! ```
//!
//! # Another character set for the receiver
//!
//! MSH-18 is set, and what the set cannot express is an error that names the segment.
//!
//! ```
//! use hl7_core::{Charset, Message};
//!
//! let msg = Message::parse("MSH|^~\\&|A\rPID|||||Müller\r")?;
//! let latin = msg.with_charset(Charset::Iso8859_1)?;
//! assert!(latin.to_wire()?.ends_with(b"M\xFCller\r"));
//! assert!(Message::parse("MSH|^~\\&|A\rPID|||||Ω\r")?.with_charset(Charset::Iso8859_1).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Many reads of one message
//!
//! From about twenty reads on, an index of all fields pays; much more where segments are read by number, as in `OBX[n]`.
//!
//! ```
//! use hl7_core::{path, Message};
//!
//! let msg = Message::parse("MSH|^~\\&|A\rPID|1||7||Byrne^Zoe\r")?;
//! let index = msg.index();
//! assert_eq!(index.get(path!("PID-5.2")).unwrap().text(), "Zoe");
//! # Ok::<(), hl7_core::ParseError>(())
//! ```
//!
//! # Every value of a message
//!
//! ```
//! use hl7_core::Message;
//!
//! let msg = Message::parse("MSH|^~\\&|A\rPID|1||7^^^H^MR||Byrne^Zoe\r")?;
//! let valued = msg.leaves().filter(|leaf| leaf.segment > 0 && leaf.value.value().valued().is_some());
//! let places: Vec<_> = valued.map(|leaf| format!("{}.{}", leaf.field, leaf.component)).collect();
//! assert_eq!(places, ["1.1", "3.1", "3.4", "3.5", "5.1", "5.2"]);
//! # Ok::<(), hl7_core::ParseError>(())
//! ```
//!
//! # Answering what could not be taken
//!
//! The acknowledgment has the form of the message's own version, and names the place of each error.
//!
//! ```
//! use hl7_core::{path, Ack, AckCode, ErrorCode, Message};
//!
//! let msg = Message::parse("MSH|^~\\&|LAB|N|EHR|S|2026||ADT^A08|m-1|P|2.3\rPID|1\r")?;
//! let ack = Ack::to(&msg, AckCode::AE)
//!     .text("No patient identifier")
//!     .error_at(ErrorCode::RequiredFieldMissing, path!("PID-3"), "")
//!     .build();
//! assert!(ack.as_er7().ends_with("ERR|PID^1^3^101&Required field missing&HL70357\r"));
//! # Ok::<(), hl7_core::ParseError>(())
//! ```
//!
//! # Reading an answer
//!
//! Any message with an MSA acknowledges, not only one of the type ACK.
//!
//! ```
//! use hl7_core::{AckCode, Message, Msa};
//!
//! let answer = Message::parse("MSH|^~\\&|EHR||||2026||RSP^K22|9|P|2.5\rMSA|AA|m-1\r")?;
//! let msa = Msa::of(&answer).unwrap();
//! assert_eq!(msa.code(), Some(AckCode::AA));
//! assert_eq!(msa.control_id_raw(), "m-1"); // to be compared with MSH-10 of what was sent
//! # Ok::<(), hl7_core::ParseError>(())
//! ```

// For the links above.
#[allow(unused_imports)]
use crate::Condition;
