//! What can be asked of an entry.

use std::fmt;
use std::time::SystemTime;

use hl7_mllp::Acknowledgment;

use crate::entry::{DeadLetterReason, Record, State};
use crate::id::{EntryId, LaneId};
use crate::shape;

/// Where an entry stands, as it was durable when asked.
#[derive(Clone)]
pub struct Status {
    record: Record,
    /// Whether there is an acknowledgment that does not open.
    shut: bool,
}

impl Status {
    pub(crate) fn new(record: Record) -> Self {
        Self { record, shut: false }
    }

    /// Of an entry with an acknowledgment that does not open.
    pub(crate) fn shut(record: Record) -> Self {
        Self { record, shut: true }
    }

    /// The entry.
    pub fn id(&self) -> EntryId {
        self.record.id
    }

    /// Its destination.
    pub fn destination(&self) -> &str {
        &self.record.destination
    }

    /// What caused it, as [`crate::NewEntry::origin`] named it.
    pub fn origin(&self) -> Option<&str> {
        Some(self.record.origin.as_str()).filter(|origin| !origin.is_empty())
    }

    /// Its lane; of a message that stands in several, its home: the one that waits, and is held, for all.
    pub fn lane(&self) -> LaneId {
        self.record.home()
    }

    /// All its lanes, its home first.
    pub fn lanes(&self) -> &[LaneId] {
        &self.record.lanes
    }

    /// MSH-10, when it has the shape of an identifier (one to forty of `A-Z a-z 0-9 _ . - ^`); else it might be content.
    pub fn control_id(&self) -> Option<&str> {
        shape::shown(&self.record.control_id)
    }

    /// MSH-9, such as `ADT^A08^ADT_A01`, when it has the shape of one.
    pub fn message_type(&self) -> Option<&str> {
        self.record.message_type.as_deref().and_then(shape::shown)
    }

    /// The length of the message in wire form, in bytes, as it is kept: encrypted, it is some fifty bytes longer.
    pub fn size(&self) -> u64 {
        self.record.size
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.record.state
    }

    /// Why it is a dead letter, when it is one.
    pub fn dead_letter_reason(&self) -> Option<DeadLetterReason> {
        self.record.reason
    }

    /// The dead letter of which it is an edited copy: [`crate::Sender::replay_edited`].
    pub fn copy_of(&self) -> Option<EntryId> {
        self.record.copy_of
    }

    /// The edited copies that were made of it, the oldest first.
    pub fn copies(&self) -> &[EntryId] {
        &self.record.copies
    }

    /// How often it was written or about to be. An attempt counts before its first byte is written.
    pub fn attempts(&self) -> u32 {
        self.record.attempts
    }

    /// The last acknowledgment the peer gave for it, of any code; since it was last released or replayed, if it was.
    pub fn last_acknowledgment(&self) -> Option<Acknowledgment> {
        self.record.acknowledgment.as_deref().and_then(|bytes| Acknowledgment::read(bytes).ok())
    }

    /// Whether there is a last acknowledgment that cannot be shown, because the key that it was encrypted with is not there, or is another one.
    pub fn has_shut_acknowledgment(&self) -> bool {
        self.shut
    }

    /// Why the last attempt did not deliver it, or what its delivery lacks: a code of this crate (`S2..`), of `hl7-mllp` (`N...`), of the program's own
    /// transport, or the code of a negative acknowledgment (`AE`).
    pub fn last_failure(&self) -> Option<&str> {
        self.record.failure.as_deref()
    }

    /// When it was enqueued.
    pub fn enqueued_at(&self) -> SystemTime {
        self.record.enqueued_at
    }

    /// When it was last written to a connection.
    pub fn sent_at(&self) -> Option<SystemTime> {
        self.record.sent_at
    }

    /// When the last acknowledgment came.
    pub fn answered_at(&self) -> Option<SystemTime> {
        self.record.answered_at
    }

    /// When it was settled.
    pub fn settled_at(&self) -> Option<SystemTime> {
        self.record.settled_at
    }

    /// When it is tried again, while it is [`State::Retrying`].
    pub fn next_attempt_at(&self) -> Option<SystemTime> {
        self.record.next_attempt_at
    }

    /// How many acknowledgments came, of any code.
    pub fn answers(&self) -> u32 {
        self.record.answers
    }

    /// Whether a caller who knows of so many acknowledgments has something new to read: another one, the end, or a held lane.
    pub(crate) fn is_answered(&self, known: u32) -> bool {
        let has_more = self.record.answered_at.is_some() && self.record.answers > known;
        has_more || self.record.state.is_settled() || self.record.state == State::Held
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("id", &self.id())
            .field("destination", &self.destination())
            .field("state", &self.state())
            .field("attempts", &self.attempts())
            .field("last_failure", &self.last_failure())
            .finish_non_exhaustive()
    }
}
