//! What `hl7-gateway outbox` prints: no message content.

use std::time::SystemTime;

use hl7_sender::{EntryId, LaneRecord, Status};

use crate::answer;
use crate::output;

/// A message as a line.
pub(super) fn line(status: &Status) {
    let acknowledgment = status.last_acknowledgment();
    output::line(format_args!(
        "{}  {}  {:<13} {} -> {}  {}  {} attempts  {} {}",
        status.id(),
        answer::rfc3339(status.enqueued_at()),
        status.state(),
        status.origin().unwrap_or("-"),
        status.destination(),
        status.message_type().unwrap_or("-"),
        status.attempts(),
        acknowledgment.as_ref().map_or("-", |ack| ack.code().as_str()),
        status.last_failure().unwrap_or(""),
    ));
}

/// All that is known of a message.
pub(super) fn whole(status: &Status) {
    let row = |name: &str, value: &str| output::line(format_args!("{name:<18}{value}"));
    let time = |at: Option<SystemTime>| at.map_or_else(|| "-".to_owned(), answer::rfc3339);
    row("id", &status.id().to_string());
    row("origin", status.origin().unwrap_or("-"));
    row("connection", status.destination());
    status.lanes().iter().for_each(|lane| row("lane", &lane.to_string()));
    row("type", status.message_type().unwrap_or("-"));
    row("control ID", status.control_id().unwrap_or("-"));
    row("bytes", &status.size().to_string());
    row("state", status.state().as_str());
    row("outcome", status.outcome().map_or("-", |outcome| outcome.as_str()));
    row("reason", status.dead_letter_reason().map_or("-", |reason| reason.code()));
    row("copy of", &status.copy_of().map_or_else(|| "-".to_owned(), |id| id.to_string()));
    status.copies().iter().for_each(|id| row("copy", &id.to_string()));
    row("attempts", &status.attempts().to_string());
    row("acknowledgments", &status.answers().to_string());
    row("last code", status.last_acknowledgment().as_ref().map_or("-", |ack| ack.code().as_str()));
    row("last failure", status.last_failure().unwrap_or("-"));
    row("accepted", &time(Some(status.enqueued_at())));
    row("sent", &time(status.sent_at()));
    row("answered", &time(status.answered_at()));
    row("next attempt", &time(status.next_attempt_at()));
    row("settled", &time(status.settled_at()));
}

/// A lane as a line.
pub(super) fn lane(connection: &str, lane: &LaneRecord) {
    let parked = if lane.is_parked { "parked" } else { "" };
    output::line(format_args!(
        "{}  {connection}  {:<8} {} waiting  first {} {}",
        lane.lane,
        lane.state.map_or("empty", |state| state.as_str()),
        lane.open,
        lane.head.as_ref().map_or_else(|| "-".to_owned(), EntryId::to_string),
        parked
    ));
}
