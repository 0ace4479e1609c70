//! The parts of the status page: listeners, workflows, connections, lanes, messages. None shows message content.

use std::collections::BTreeMap;

use hl7_sender::{Backlog, Count, DestinationStatus, EntryId, LaneId, LaneRecord, State, Status};

use super::table::{begin, end, masked, row};
use crate::answer;
use crate::config::{Connection, Way};
use crate::gateway::Workflow;
use crate::listener::Listener;

/// Messages in states that the page counts together.
struct Counted {
    waiting: u64,
    held: u64,
    dead_letters: u64,
    delivered: u64,
    /// Sent unconfirmed, passed over, or taken back.
    otherwise: u64,
}

impl Counted {
    fn of<'a>(counts: impl Iterator<Item = &'a Count>) -> Self {
        let mut all = Self { waiting: 0, held: 0, dead_letters: 0, delivered: 0, otherwise: 0 };
        for count in counts {
            let place = match count.state() {
                State::Held => &mut all.held,
                State::DeadLettered => &mut all.dead_letters,
                State::Delivered => &mut all.delivered,
                state if state.is_settled() => &mut all.otherwise,
                _ => &mut all.waiting,
            };
            *place += count.messages();
        }
        all
    }

    fn cells(&self) -> [String; 5] {
        [self.waiting, self.held, self.dead_letters, self.delivered, self.otherwise].map(|n| n.to_string())
    }
}

const COUNTED: [&str; 5] = ["Waiting", "Held", "Dead letters", "Delivered", "Ended otherwise"];

pub(super) fn listeners(html: &mut String, listeners: &[Listener]) {
    if listeners.is_empty() {
        return;
    }
    let columns = [
        "Listener",
        "Address",
        "TLS",
        "Sends to",
        "Connections",
        "Taken",
        "Repeats",
        "Late repeats",
        "Control IDs reused",
        "Without a route",
        "Refused",
        "Not answered",
        "Unreadable",
        "Broken frames",
    ];
    begin(html, "Listeners", &columns);
    for listener in listeners {
        let (messages, wire) = (listener.messages.read(), listener.wire.read());
        let numbers = [
            wire.open,
            messages.taken,
            messages.repeats,
            messages.late_repeats,
            messages.reused_control_ids,
            messages.unrouted,
            messages.refused,
            messages.unknown,
            wire.unreadable,
            wire.framing_errors.values().sum(),
        ];
        let known =
            [listener.name.clone(), listener.address.to_string(), tls(listener), listener.to.join(", ")];
        let cells: Vec<String> = known.into_iter().chain(numbers.map(|n| n.to_string())).collect();
        row(html, "", &cells);
    }
    end(html);
}

fn tls(listener: &Listener) -> String {
    let Some(tls) = &listener.tls else { return "no".to_owned() };
    match (tls.reload_fault(), tls.not_after()) {
        (Some(code), _) => format!("changed files not in use ({code})"),
        (None, Some(end)) => format!("until {}", answer::rfc3339(end)),
        (None, None) => "yes".to_owned(),
    }
}

pub(super) fn workflows(html: &mut String, workflows: &[Workflow], counts: &[Count]) {
    if workflows.is_empty() {
        return;
    }
    begin(html, "Workflows", &[&["Workflow", "URL id", "Mapping", "Sends to"][..], &COUNTED].concat());
    for workflow in workflows {
        let own = counts.iter().filter(|count| count.origin() == Some(workflow.name.as_str()));
        let known = [
            workflow.name.clone(),
            masked(&workflow.endpoint),
            workflow.mapping.name().to_owned(),
            workflow.to.clone(),
        ];
        row(html, "", &[&known[..], &Counted::of(own).cells()].concat());
    }
    end(html);
    html.push_str("<p>The whole URLs: <code>hl7-gateway routes CONFIG</code></p>");
}

pub(super) fn connections(
    html: &mut String,
    connections: &[Connection],
    fares: &[DestinationStatus],
    counts: &[Count],
    backlog: &BTreeMap<String, Backlog>,
) {
    let columns = ["Connection", "Leads to", "State", "Oldest that waits (UTC)"];
    begin(html, "Connections", &[&columns[..], &COUNTED].concat());
    for connection in connections {
        let own = counts.iter().filter(|count| count.destination() == connection.name);
        let fare = fares.iter().find(|fare| fare.name() == connection.name);
        let (class, state) = fare.map_or(("", String::new()), state);
        let oldest = backlog.get(&connection.name).and_then(|backlog| backlog.oldest);
        let oldest = oldest.map_or_else(String::new, answer::rfc3339);
        let known = [connection.name.clone(), leads_to(&connection.way), state, oldest];
        row(html, class, &[&known[..], &Counted::of(own).cells()].concat());
    }
    end(html);
}

fn leads_to(way: &Way) -> String {
    match way {
        Way::Mllp { address, tls: None, .. } => format!("{address} (MLLP)"),
        Way::Mllp { address, tls: Some(_), .. } => format!("{address} (MLLP over TLS)"),
        Way::Folder { path, .. } => path.display().to_string(),
    }
}

fn state(fare: &DestinationStatus) -> (&'static str, String) {
    let seconds = |time: Option<std::time::Duration>| time.unwrap_or_default().as_secs();
    match fare.unreachable() {
        _ if fare.is_paused() => ("held", "paused".to_owned()),
        None => ("", "ready".to_owned()),
        Some(code) => {
            let (since, next) = (seconds(fare.unreachable_for()), seconds(fare.next_try_in()));
            let tries = fare.failures();
            let text = format!("not reachable ({code}) for {since} s, {tries} tries, next in {next} s");
            match fare.needs_help() {
                true => ("held", format!("needs help: {text}")),
                false => ("retrying", text),
            }
        }
    }
}

/// Lanes that are parked or have something to send, each with the name of its connection.
pub(super) fn lanes(html: &mut String, lanes: &[(String, LaneRecord)]) {
    if lanes.is_empty() {
        return;
    }
    begin(html, "Lanes", &["Connection", "Lane", "State", "Waiting", "First message", "Next attempt (UTC)"]);
    for (connection, lane) in lanes {
        let state = lane.state.map_or("empty", State::as_str);
        let (class, state) = if lane.is_parked { ("held", "parked") } else { (state, state) };
        let cells = [
            connection.clone(),
            short(lane.lane),
            state.to_owned(),
            lane.open.to_string(),
            lane.head.as_ref().map_or_else(String::new, EntryId::to_string),
            lane.due.map_or_else(String::new, answer::rfc3339),
        ];
        row(html, class, &cells);
    }
    end(html);
}

/// A lane's name is a keyed hash; so much of it tells lanes apart.
fn short(lane: LaneId) -> String {
    lane.to_string().chars().take(8).collect()
}

pub(super) fn messages(html: &mut String, recent: &[Status]) {
    let columns = [
        "Accepted (UTC)",
        "From",
        "Connection",
        "Lane",
        "Type",
        "Control ID",
        "State",
        "Attempts",
        "Acknowledgment",
        "Last failure",
    ];
    begin(html, "Messages", &columns);
    for status in recent {
        row(html, status.state().as_str(), &message(status));
    }
    end(html);
}

fn message(status: &Status) -> [String; 10] {
    let outcome = status.outcome().map(|outcome| outcome.as_str());
    [
        answer::rfc3339(status.enqueued_at()),
        status.origin().unwrap_or_default().to_owned(),
        status.destination().to_owned(),
        status.lanes().iter().copied().map(short).collect::<Vec<_>>().join(" "),
        status.message_type().unwrap_or_default().to_owned(),
        masked(status.control_id().unwrap_or_default()),
        outcome.unwrap_or(status.state().as_str()).to_owned(),
        status.attempts().to_string(),
        status.last_acknowledgment().map_or("", |ack| ack.code().as_str()).to_owned(),
        status.last_failure().unwrap_or_default().to_owned(),
    ]
}
