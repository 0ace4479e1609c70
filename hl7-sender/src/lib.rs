//! A durable, ordered, retrying sender of HL7 v2 messages: enqueue and forget, truthfully.
//!
#![cfg_attr(feature = "sqlite", doc = "```")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use hl7_core::{Message, path};
//! use hl7_mllp::{Reply, Request, Server};
//! use hl7_sender::{Destination, Outcome, Sender, SqliteStore};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
//! let receiver = Server::bind("127.0.0.1:0").await?;
//! let address = receiver.local_addr()?.to_string();
//! tokio::spawn(receiver.serve(|req: Request| async move { Reply::accept(&req) }));
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("outbox.db");
//!
//! let store = SqliteStore::open(path).await?;
//! let sender = Sender::builder(store)
//!     .destination(Destination::mllp("ehr", address).lane_key(path!("PID-3.1")).connections(4))
//!     .start()
//!     .await?;
//!
//! let msg = Message::parse("MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405||ADT^A08^ADT_A01|m-1|P|2.5.1\rPID|1||7\r")?;
//! let receipt = sender.enqueue("ehr", &msg).await?;        // durable from here on
//! assert!(sender.enqueue("ehr", &msg).await?.is_repeat()); // the same message is kept once
//!
//! match receipt.outcome().await? {
//!     Outcome::Delivered(ack) => assert_eq!(ack.control_id(), "m-1"),
//!     other => panic!("{other:?}"),
//! }
//! # sender.shutdown(std::time::Duration::from_secs(5)).await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })
//! # }
//! ```
//!
//! The [guides](guide) tell how to build a sender into a program, and how to run one: its files, copies of them, and what to do when something is wrong.
//!
//! # The words
//!
//! An *entry* is one message for one *destination*. The entries of a destination form *lanes*, one for each value of its lane key; within a
//! lane the order is kept, and each lane waits, retries and is held by itself. A message with several values, such as a merge of two patients, stands in
//! the lane of each ([`Destination::lane_keys`]): it is sent when it is the first of all of them, and what is behind it in any of them waits for it. The store with its entries is the *outbox*. A *receipt* is what
//! the caller has of an entry. An entry is *settled* when nothing more happens to it by itself: it is delivered, sent without a confirmation, skipped, or
//! a *dead letter*. A *held* entry waits for a person, and its lane with it.
//!
//! # What becomes of an entry
//!
//! | answer | what happens |
//! |---|---|
//! | AA, CA | delivered |
//! | AE | the lane is held: [`Sender::release`] sends it again, [`Sender::dead_letter`] gives it up |
//! | AR, CE, 0x15 of MLLP release 2 | sent again after a delay; held after [`Retry::max_rejections`] |
//! | unreadable, of another message, without MSA-2 | the same |
//! | CR | dead letter; the lane flows on; [`Sender::replay`] puts it at the lane's end |
//! | none, late; connection lost | sent again after a delay, without limit unless [`Retry::max_attempts`] sets one |
//! | of the other release of MLLP | the lane is held: the destination is set wrongly |
//! | CA or 0x06, and then nothing more | delivered ([`Outcome::Taken`]), and never sent again; with [`SettleOn::Application`] unconfirmed |
//! | a file in a folder ([`FileDrop`]) | sent, unconfirmed, once the file is durable |
//! | none is asked for, and the destination is [`unconfirmed`](Destination::unconfirmed) | sent, unconfirmed; never delivered |
//! | no connection | tried again for the whole destination by one lane at a time; counts as no attempt |
//! | no connection, for a reason that stays (a certificate, an address) | the same after [`Retry::rest`], and [`DestinationStatus::needs_help`] |
//!
//! Sent again means the same bytes under the same control ID. [`Destination::on`], [`Policy`] and [`Retry`] change the table.
//!
//! By hand, entries and lanes that wait are held ([`Sender::hold`], [`Sender::hold_lane`]), released and cancelled ([`Sender::cancel`]). A hold is of an
//! entry: the lane stands before it, in this run and the next. A lane is parked ([`Sender::park_lane`]) with all that comes into it later. Dead letters are
//! replayed as they are ([`Sender::replay`]) or as an edited copy ([`Sender::replay_edited`]). Destinations are paused, added, changed and removed while the
//! sender runs ([`Sender::pause_destination`], [`Sender::add_destination`], [`Sender::change_destination`], [`Sender::remove_destination`]); a pause
//! lasts until it is ended, also over a restart.
//!
//! # The listener's side
//!
//! An [`Intake`] is the handler of a listener ([`hl7_mllp::Server::serve`]) that stores what comes in for the destinations that a [`Router`] gives, all in one
//! commit, and answers then. What its sender repeats is answered as the first time, byte for byte, and not stored again. What no rule takes is refused,
//! or a dead letter, and counted ([`Intake::meter`]). A message that asks for both acknowledgments of enhanced mode is told at once that it is in safe keeping, and
//! later what became of it ([`Committed::then`]).
//!
#![cfg_attr(feature = "sqlite", doc = "```")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use hl7_core::{AckCode, Message};
//! use hl7_mllp::{Client, Server};
//! use hl7_sender::{Destination, Intake, Router, Sender, SqliteStore};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("node.db");
//! let sender = Sender::builder(SqliteStore::open(path).await?)
//!     .destination(Destination::mllp("ehr", "127.0.0.1:1")) // not reachable: what is for it waits
//!     .start()
//!     .await?;
//! let intake = Intake::new(&sender, Router::all_matches().when("MSH-9.1 == ADT".parse()?, ["ehr"]))?;
//! let node = Server::bind("127.0.0.1:0").await?;
//! let mut client = Client::connect(node.local_addr()?.to_string()).await?;
//! tokio::spawn(node.serve(intake.handler()));
//!
//! let msg = Message::parse("MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405||ADT^A08^ADT_A01|m-1|P|2.5.1\rPID|1||7\r")?;
//! let first = client.send(&msg).await?; // AA: it is on the disk
//! let again = client.send(&msg).await?;
//! assert_eq!((first.code(), first.bytes()), (AckCode::AA, again.bytes()));
//! assert_eq!(sender.recent(10).await?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })
//! # }
//! ```
//!
//! # Watching
//!
//! [`Sender::events`] tells of what happens as it becomes durable, to any number of subscribers, none of which can slow the sender down. [`Sender::meter`] reads counters
//! for metrics, by destination and of the store; [`Intake::meter`] those of an intake. [`Sender::backlog`] has the gauges of what waits;
//! [`Sender::counts`], [`Sender::destinations`] and [`Sender::lanes`] say how things stand.
//!
//! `tracing` spans (level debug) tell of
//!
//! * each `enqueue` (`bytes`, `entries`, `repeats`, `code`, `ms`) and each `receive` of a message that came in (`bytes`, `entries`, `repeat`, `code`, `ms`), from the call to the
//!   commit,
//! * each `attempt` (`destination`, `entry`, `lane`, `attempt`, `bytes`, `end`, `code`, `ms`), from the counting to what came of it, with the spans of `hl7-mllp` in it.
//!
//! Names, codes, numbers and times are all there is in any of these.
//!
//! # Encryption
//!
//! With the feature `encryption`, `Builder::encrypt` seals every message and every acknowledgment before it is stored, whatever the store, by XChaCha20-Poly1305 with keys
//! of the program's (`Keys`, `KeyRing`), which are never stored. The names under which repeats are known are keyed too, so that nobody can compare a guess at a message with
//! them. Sealed bytes open only for what they belong to: the message for its request, an acknowledgment for its entry.
//!
//! * Readable in the store stay: control IDs, message types, destinations, origins, sizes, times, states and codes.
//! * Entries from before encryption was turned on are sent, and known when they are repeated. They stay as they are until they are removed.
//! * To rotate, start with a new current key, and the old ones as former keys as long as anything that they sealed is kept.
//! * An entry whose key is not there is held with the code `S207`, one that does not open with its key with `S208`, and its lane stands. [`Sender::release`] sends it once
//!   the key is there. Its message cannot be read meanwhile ([`StoreErrorKind::Sealed`]). So it is when encryption is turned off, and repeats are not known then.
//! * It keeps content from who can read the file, but for one thing: lanes are named by a hash of their key's value under a secret that lies in the file. Who has the
//!   file can try out values, such as all numbers of a hospital, and learn which have messages. Who can write to it can put plain messages there.
//!
//! # Guarantees
//!
//! * When [`Sender::enqueue`] returns `Ok`, the entry is on the disk: it survives the end of the process in any form, a crash of the system and a loss of
//!   power, as far as the disk does what it says when it is told to flush.
//! * Each entry is delivered at least once, or stays in the outbox, or ends in a stated way: a dead letter with its reason, skipped by the destination's
//!   table, cancelled by hand, or sent to a destination that confirms nothing. None is dropped silently.
//! * The first deliveries of a lane come in the order of its `enqueue` calls: a call that began after another had returned is behind it.
//! * A dead letter is kept until someone decides, unless [`Builder::keep_dead_letters`] sets a time. A delivered entry is kept for seven days at
//!   least, as a clock tells that has run evenly: after a jump of more than a day nothing is removed for a day.
//! * A message that came in is answered positively through an [`Intake`] only once it is on the disk for all its destinations; as long as its entries are kept, its repeats
//!   make no further ones. So two nodes of this crate have as many effects as messages, whatever is lost or killed between them.
//! * A store that an earlier version made is opened with all that is in it, and brought to the tables of this one in one transaction; earlier versions
//!   cannot open it any more.
//! * An entry is [`State::Delivered`] only once a matching positive acknowledgment is on the disk, or that the receiver gave one (a `CA` before an answer that
//!   did not come, 0x06 of MLLP release 2).
//! * An attempt is counted on the disk before its first byte is written, so that a message that ends the process each time is counted too, and held after
//!   [`Retry::max_attempts`]. The last hundred attempts that failed are on record
//!   ([`Sender::attempts`]), unless the disk was full, so that who sees a duplicate finds why.
//! * A message that was altered in the store is never sent: it is held with the code `S201`.
//! * After the store failed to read or write, or was found to contradict itself, nothing more is sent and nothing is accepted, until it is opened
//!   again. It is checked when it is opened ([`SqliteOptions::check_within`]). One that lacks entries which it had accepted, because an older copy was put in
//!   its place or its log was removed, is not opened (`S120`).
//!
//! **Duplicates.** The receiver can get a message more than once when
//!
//! 1. its acknowledgment was lost on the way,
//! 2. its acknowledgment came after the time allowed for it, or could not be read as one,
//! 3. this process ended, its store failed, or its destination was changed or removed, after the message was written and before its acknowledgment was on the disk: entries found in that state go out
//!    again, with the code `S203` or `S204`,
//! 4. a person released, replayed or enqueued it again although it had been taken.
//!
//! Receivers that must not act twice tell a repetition by its control ID; an [`Intake`] does, by the sender's name, the control ID and the bytes.
//!
//! **Errors of `enqueue`.** All but [`EnqueueErrorKind::Store`] say that nothing was kept. That one is indeterminate: the entry may be there. Repeat the
//! call with the same key or the same message, and it is kept once.
//!
//! **Not promised.** Order between lanes. Delivery to a destination that is not configured: its entries wait. Protection of the file's content without encryption: it holds the messages
//! as they are, readable by its owner.
//!
//! # Codes
//!
//! `S001`–`S014` [`EnqueueError`]; `S100`–`S110` [`StoreError`]; `S111`–`S120` [`OpenError`]; `S121`–`S130`, `S132`, `S133` [`StartError`]; `S131` [`NotAnEntryId`]; `S134` `NotAKeyId`; `S141`–`S146` [`IntakeError`]; `S151`–`S155` [`BackupError`]. In
//! [`Status::last_failure`]: `S201` altered in the store, `S202` too old, `S203` under way when the process ended, `S204` under way when its
//! destination was removed or changed, `S205` confirmed by MLLP release 2 alone, `S206` under way when the process ended, and in the receiver's safe
//! keeping by then, `S207` its key is not there, `S208` not sealed with its key or not for it, `S211` no folder, `S212` file not
//! written, `S213` file not known to be durable, `S214` file system too slow, `S215` the transport panicked, `N...` of `hl7-mllp`, or the code of a negative acknowledgment.
//!
//! # No patient data in diagnostics
//!
//! No `Debug`, `Display`, error or `tracing` event of this crate shows message content. To see it, ask for it: [`Sender::message`],
//! [`Status::last_acknowledgment`], [`Arrival::message`].

mod action;
mod arrival;
mod backlog;
mod caught;
mod committed;
#[cfg(feature = "test-util")]
pub mod contract;
mod decision;
mod decisions;
mod destination;
mod destination_status;
mod destination_tally;
mod destinations;
mod digest;
mod dispatch;
#[cfg(feature = "encryption")]
mod encryption;
mod ending;
mod engine;
mod enqueue;
mod entry;
mod error;
mod event;
mod file_drop;
mod files;
mod gate;
pub mod guide;
mod id;
mod inbound;
mod intake;
mod intake_meter;
#[cfg(feature = "encryption")]
mod key;
mod lane;
#[cfg(feature = "test-util")]
mod memory;
mod mllp;
mod parking;
mod past;
mod policy;
mod prune;
mod receipt;
mod replay;
mod retry;
mod room;
mod router;
mod running;
mod seal;
mod sender;
mod sender_meter;
mod shape;
mod span;
#[cfg(feature = "sqlite")]
mod sqlite;
mod status;
mod status_outcome;
mod store;
mod store_counters;
mod taken;
mod tally;
mod transport;
mod unstoppable;
mod vault;
mod watch;

pub use action::Action;
pub use arrival::{Arrival, Refused, Verdict};
pub use backlog::Backlog;
pub use committed::Committed;
pub use destination::{Destination, LaneKey, SettleOn};
pub use destination_status::DestinationStatus;
pub use digest::Digest;
pub use enqueue::NewEntry;
pub use entry::{
    Accepted, Attempt, Count, DeadLetterReason, Delivery, Due, End, Enqueued, Finished, LaneRecord, Record,
    Request, State, Stored,
};
pub use error::{
    BackupError, BackupErrorKind, EnqueueError, EnqueueErrorKind, IntakeError, IntakeErrorKind, OpenError,
    OpenErrorKind, StartError, StartErrorKind, StoreError, StoreErrorKind,
};
pub use event::{DestinationChange, DestinationEvent, EntryChange, EntryEvent, Event, Events};
pub use file_drop::FileDrop;
pub use id::{EntryId, LaneId, NotAnEntryId};
pub use inbound::{Answered, Inbound, Received};
pub use intake::{Intake, IntakeBuilder, Replying};
pub use intake_meter::{IntakeCounters, IntakeMeter};
#[cfg(feature = "encryption")]
pub use key::{Key, KeyId, KeyRing, Keys, NotAKeyId};
#[cfg(feature = "test-util")]
pub use memory::MemoryStore;
pub use past::PastAttempt;
pub use policy::{Answer, Policy};
pub use receipt::{Outcome, Receipt};
pub use retry::Retry;
pub use router::{Router, Unrouted};
pub use sender::{Builder, Sender};
pub use sender_meter::{DestinationCounters, SenderCounters, SenderMeter};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteBackup, SqliteOptions, SqliteStore};
pub use status::Status;
pub use store::Store;
pub use store_counters::StoreCounters;
pub use transport::{
    Confirmation, ConnectFailure, Connection, Failure, FailureKind, Outgoing, Pending, Transport,
};
