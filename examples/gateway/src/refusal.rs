//! What the libraries refuse, as problems. Their errors hold no message content, and so neither do these.

use axum::http::StatusCode;
use hl7_core::EncodeError;
use hl7_map::{ApplyError, ApplyErrorKind};
use hl7_sender::{EnqueueError, EnqueueErrorKind, StoreError};
use serde_json::{Value, json};

use crate::problem::Problem;

/// G102 for a payload that is not JSON, G103 with every path for one that the mapping refuses.
pub(crate) fn mapping(error: &ApplyError) -> Problem {
    if error.kind() == ApplyErrorKind::Json {
        return Problem::new(StatusCode::BAD_REQUEST, "G102", "Not JSON", error.to_string()).with(
            "errors",
            json!([{ "code": error.code(), "line": error.line(), "column": error.column() }]),
        );
    }
    let detail = "the mapping refuses this payload; nothing was stored";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "G103", "Payload refused", detail)
        .with("errors", errors(error))
        .with("errors_not_listed", json!(error.unlisted()))
}

fn errors(error: &ApplyError) -> Value {
    let one = |refusal: &hl7_map::Refusal| {
        json!({
            "code": refusal.code(),
            "path": refusal.path(),
            "source": refusal.source(),
            "line": refusal.line(),
            "message": refusal.message(),
            "suggestion": refusal.suggestion(),
        })
    };
    error.iter().map(one).collect()
}

/// G106, G108, G114 or G115.
pub(crate) fn enqueue(error: &EnqueueError) -> Problem {
    let (status, code, title) = match error.kind() {
        EnqueueErrorKind::KeyReused => (StatusCode::CONFLICT, "G106", "Idempotency-Key reused"),
        EnqueueErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "G104", "Message too large"),
        EnqueueErrorKind::StoreFull => (StatusCode::INSUFFICIENT_STORAGE, "G114", "Outbox full"),
        _ if error.is_indeterminate() => (StatusCode::SERVICE_UNAVAILABLE, "G108", "Outbox not available"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "G115", "Not stored"),
    };
    tracing::error!(code, cause = error.code(), "message not stored");
    Problem::new(status, code, title, error.to_string()).with("cause", json!(error.code()))
}

/// G115: the message cannot be written in its character set.
pub(crate) fn encode(error: &EncodeError) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "G115", "Not stored", error.to_string())
}

/// G108: the outbox cannot be read.
pub(crate) fn store(error: &StoreError) -> Problem {
    tracing::error!(code = "G108", cause = error.code(), "outbox not available");
    let detail = "the outbox cannot be read now; what was answered with 202 is kept";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "G108", "Outbox not available", detail)
}

/// G111.
pub(crate) fn no_message() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "G111",
        "No such message",
        "this workflow has no message with this id",
    )
}

/// G115: the operating system gives no random bytes.
pub(crate) fn no_entropy() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "G115", "Not stored", "no control ID could be made")
}

/// G115: the outbox answered for another number of destinations than asked.
pub(crate) fn no_receipt() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "G115", "Not stored", "the outbox gave no receipt")
}

/// G104 when the body is over the limit, else G116: the caller went away or broke the encoding.
pub(crate) fn body(error: &axum::Error, limit: usize) -> Problem {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.is::<http_body_util::LengthLimitError>() {
            let detail = format!("a payload has at most {limit} bytes here");
            return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "G104", "Payload too large", detail);
        }
        source = inner.source();
    }
    Problem::new(
        StatusCode::BAD_REQUEST,
        "G116",
        "Payload cut off",
        "the payload ended before its stated length",
    )
}
