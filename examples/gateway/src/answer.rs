//! What a caller hears of a message: accepted, acknowledged, or refused by the receiver.

use std::time::SystemTime;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hl7_sender::{Receipt, State, Status};
use serde_json::{Value, json};

use crate::gateway::Workflow;
use crate::problem::Problem;

/// The answer to a POST. Without `wait` it is 202; with it, 200 for a positive acknowledgment, 502 for a negative one and for a message
/// that will not be sent again, and 202 while neither has come, or never will.
pub(crate) fn to_post(
    workflow: &Workflow,
    status: &Status,
    received: SystemTime,
    repeat: bool,
    waited: bool,
) -> Response {
    let mut document = document(workflow, status);
    document["repeat"] = json!(repeat);
    document["timings"]["received_at"] = time(Some(received));
    document["timings"]["total_ms"] = milliseconds(Some(received), Some(SystemTime::now()));
    let verdict = if waited { verdict(status) } else { Verdict::Open };
    let mut response = match verdict {
        Verdict::Positive => json_response(StatusCode::OK, &document),
        Verdict::Open => json_response(StatusCode::ACCEPTED, &document),
        Verdict::Negative => negative(status, document).into_response(),
    };
    if let Ok(url) = HeaderValue::from_str(&status_url(workflow, status)) {
        response.headers_mut().insert(header::LOCATION, url);
    }
    response
}

/// The answer to a POST whose message is durable, when nothing more can be told of it now.
pub(crate) fn accepted(workflow: &Workflow, receipt: &Receipt) -> Response {
    let url = format!("{}/messages/{}", workflow.url_path(), receipt.id());
    let document = json!({
        "id": receipt.id().to_string(),
        "workflow": workflow.name,
        "destination": receipt.destination(),
        "control_id": receipt.control_id(),
        "state": State::Queued.as_str(),
        "outcome": null,
        "status_url": url,
        "repeat": receipt.is_repeat(),
    });
    let mut response = json_response(StatusCode::ACCEPTED, &document);
    if let Ok(url) = HeaderValue::from_str(&url) {
        response.headers_mut().insert(header::LOCATION, url);
    }
    response
}

/// The answer at the status URL: 200 and how the message stands.
pub(crate) fn to_get(workflow: &Workflow, status: &Status) -> Response {
    json_response(StatusCode::OK, &document(workflow, status))
}

enum Verdict {
    Positive,
    Negative,
    Open,
}

fn verdict(status: &Status) -> Verdict {
    let refused = || status.last_acknowledgment().is_some_and(|ack| !ack.code().is_positive());
    match status.state() {
        State::Delivered => Verdict::Positive,
        State::DeadLettered | State::Skipped | State::Cancelled => Verdict::Negative,
        // It was sent, and whether it arrived will not be known.
        State::Unconfirmed => Verdict::Open,
        _ if refused() => Verdict::Negative,
        _ => Verdict::Open,
    }
}

fn negative(status: &Status, document: Value) -> Problem {
    let what_now = match status.state() {
        State::Held => "it is held with its lane until an operator decides (`hl7-gateway outbox`)",
        State::DeadLettered => "it is a dead letter now and will not be sent again by itself",
        State::Skipped => "the connection's table passes such messages over, and it will not be sent again",
        State::Cancelled => "an operator took it back, and it will not be sent",
        _ => "it stays in the outbox and will be sent again; do not post it again",
    };
    let detail = format!("the receiver did not take the message; {what_now}");
    let mut problem = Problem::new(StatusCode::BAD_GATEWAY, "G110", "Not taken by the receiver", detail);
    if let Value::Object(members) = document {
        for (name, value) in members {
            problem = problem.with(&name, value);
        }
    }
    problem
}

fn document(workflow: &Workflow, status: &Status) -> Value {
    let acknowledgment = status.last_acknowledgment().map(|ack| {
        json!({
            "code": ack.code().as_str(),
            "control_id": ack.control_id(),
            "text": ack.text(),
        })
    });
    json!({
        "id": status.id().to_string(),
        "workflow": workflow.name,
        "destination": status.destination(),
        "control_id": status.control_id(),
        "state": status.state().as_str(),
        "outcome": status.outcome().map(|outcome| outcome.as_str()),
        "dead_letter_reason": status.dead_letter_reason().map(|reason| reason.code()),
        "lanes": status.lanes().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "copy_of": status.copy_of().map(|id| id.to_string()),
        "attempts": status.attempts(),
        "acknowledgment": acknowledgment,
        "last_failure": status.last_failure(),
        "status_url": status_url(workflow, status),
        "timings": {
            "enqueued_at": time(Some(status.enqueued_at())),
            "sent_at": time(status.sent_at()),
            "answered_at": time(status.answered_at()),
            "next_attempt_at": time(status.next_attempt_at()),
            "settled_at": time(status.settled_at()),
            "ack_ms": milliseconds(status.sent_at(), status.answered_at()),
        },
    })
}

fn status_url(workflow: &Workflow, status: &Status) -> String {
    format!("{}/messages/{}", workflow.url_path(), status.id())
}

fn json_response(status: StatusCode, document: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, document.to_string()).into_response()
}

fn milliseconds(from: Option<SystemTime>, to: Option<SystemTime>) -> Value {
    let between = from.zip(to).and_then(|(from, to)| to.duration_since(from).ok());
    between.map_or(Value::Null, |length| json!((length.as_secs_f64() * 10_000.0).round() / 10.0))
}

fn time(at: Option<SystemTime>) -> Value {
    at.map_or(Value::Null, |at| json!(rfc3339(at)))
}

/// UTC, to the millisecond.
pub(crate) fn rfc3339(at: SystemTime) -> String {
    let at = jiff::Timestamp::try_from(at).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_767_225_599, "2025-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }
}
