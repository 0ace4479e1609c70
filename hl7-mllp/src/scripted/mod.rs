//! Scripted peers for tests: a receiver and a sender that misbehave in one chosen way, on real sockets.
//!
//! Behind the feature `test-util`, for the tests of programs that embed this crate as much as for its own. None of the crate's other
//! code speaks here: framing and headers are read and written anew, so that a fault of the code under test cannot hide itself.
//!
//! ```
//! use hl7_mllp::scripted::{Receiver, Script};
//! use hl7_mllp::{Client, SendErrorKind};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let ehr = Receiver::start(Script::closes_without_answer()).await?;
//! let msg = hl7_core::Message::parse("MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102||ADT^A08|m-1|P|2.5.1\rPID|1||7\r")?;
//! let mut client = Client::connect(ehr.address().to_string()).await?;
//! let why = client.send(&msg).await.unwrap_err();
//! assert_eq!(why.kind(), &SendErrorKind::Unanswered);
//! assert_eq!(ehr.control_ids(), ["m-1"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Script`] is a value: one of the named ones ([`Script::catalogue`] has them all), or put together from [`Act`]s, [`Answer`]s, a
//! [`Reading`] and an [`Order`]. [`perform`] plays it over any stream, such as one with TLS. [`Call`] is the other side: a sender for the
//! tests of listeners.

mod act;
mod answer;
mod call;
mod catalogue;
mod header;
mod perform;
mod receiver;
mod script;
mod seen;

pub use act::{Act, Order, Reading};
pub use answer::{Answer, ControlId};
pub use call::{Call, Heard};
pub use perform::{Ending, perform};
pub use receiver::Receiver;
pub use script::Script;
pub use seen::Seen;

/// The start block character, once more: nothing of the code under test is used here.
const START: u8 = 0x0B;
/// The end block character and its carriage return.
const END: [u8; 2] = [0x1C, 0x0D];
