//! The webhook: a JSON payload comes in, and is answered once its message is durable.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::{self, Body};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use axum::routing;
use axum::{Extension, Router};
use hl7_core::Message;
use hl7_map::Context;
use hl7_sender::{EntryId, Receipt, Status};

use crate::answer;
use crate::config::duration;
use crate::gateway::{Gateway, Workflow};
use crate::http::Peer;
use crate::problem::Problem;
use crate::refusal;
use crate::secret::random_hex;

/// A client that sends its body slower than this is not waited for.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// Beyond a minute, proxies between here and the caller give up; the status URL serves longer waits.
const MAX_WAIT: Duration = Duration::from_secs(60);
const MAX_KEY: usize = 255;

/// The routes that callers from outside see.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/w/{endpoint}", routing::post(receive))
        .route("/w/{endpoint}/messages/{id}", routing::get(message))
        .method_not_allowed_fallback(async || {
            let detail = "post payloads to /w/ID, and get /w/ID/messages/MESSAGE";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "G117", "Method not allowed", detail)
        })
        .fallback(async || {
            Problem::new(StatusCode::NOT_FOUND, "G100", "Not found", "there is nothing at this URL")
        })
        .with_state(gateway)
}

/// What a request asks for beside its payload.
struct Asked {
    wait: Option<Duration>,
    key: Option<String>,
}

async fn receive(
    State(gateway): State<Arc<Gateway>>,
    Extension(Peer(peer)): Extension<Peer>,
    endpoint: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let received = SystemTime::now();
    // A URL that is not even text is an unknown one.
    let endpoint = endpoint.map_or_else(|_| String::new(), |Path(endpoint)| endpoint);
    let workflow = authorize(&gateway, peer, &endpoint, request.headers())?;
    let answered = start(&gateway, workflow, query.as_deref(), request, received).await;
    if let Err(problem) = &answered {
        tracing::warn!(workflow = %workflow.name, code = problem.code(), "payload refused");
    }
    answered
}

async fn start(
    gateway: &Gateway,
    workflow: &Workflow,
    query: Option<&str>,
    request: Request<Body>,
    received: SystemTime,
) -> Result<Response, Problem> {
    let asked = asked(query, request.headers())?;
    let payload = payload(request, gateway.max_body).await?;
    let receipt = accept(gateway, workflow, &asked, &payload).await?;
    tracing::info!(workflow = %workflow.name, id = %receipt.id(), repeat = receipt.is_repeat(), "message accepted");
    // The message is durable: whatever goes wrong from here on, the caller hears where to ask for it.
    let Some(status) = answered(gateway, &receipt, asked.wait.unwrap_or_default()).await else {
        return Ok(answer::accepted(workflow, &receipt));
    };
    Ok(answer::to_post(workflow, &status, received, receipt.is_repeat(), asked.wait.is_some()))
}

/// How the message stands when the receiver has answered, the time is over, or the gateway is told to stop.
async fn answered(gateway: &Gateway, receipt: &Receipt, within: Duration) -> Option<Status> {
    let mut stop = gateway.stop.clone();
    let status = tokio::select! {
        status = receipt.answered(within) => status,
        () = async { drop(stop.wait_for(|stop| *stop).await) } => receipt.status().await,
    };
    status.inspect_err(|why| tracing::warn!(cause = why.code(), "the outbox cannot be read")).ok()
}

/// Maps the payload and makes the message durable.
async fn accept(
    gateway: &Gateway,
    workflow: &Workflow,
    asked: &Asked,
    payload: &[u8],
) -> Result<Receipt, Problem> {
    let control_id = random_hex::<10>().map_err(|_| refusal::no_entropy())?;
    let context = Context::new(control_id, SystemTime::now());
    let message = map(gateway, workflow, payload, &context).await?;
    let entry = gateway.sender.entry(&message).origin(workflow.name.as_str());
    let entry = match &asked.key {
        Some(key) => entry.key(format!("key\n{}\n{key}", workflow.name)).fingerprint(payload),
        // The same bytes under the same control ID are the same message, within a workflow.
        None => {
            entry.key([b"message\n", workflow.name.as_bytes(), b"\n", wire(&message)?.as_slice()].concat())
        }
    };
    let receipts = entry.to([workflow.to.as_str()]).enqueue().await.map_err(|why| refusal::enqueue(&why))?;
    receipts.into_iter().next().ok_or_else(refusal::no_receipt)
}

/// Runs the mapping: as many at a time as there are processors, and apart from the tasks that only wait.
async fn map(
    gateway: &Gateway,
    workflow: &Workflow,
    payload: &[u8],
    context: &Context,
) -> Result<Message<'static>, Problem> {
    let Ok(_slot) = gateway.mapping_slots.acquire().await else { return Err(refusal::no_receipt()) };
    let mapped = tokio::task::block_in_place(|| workflow.mapping.apply_json(payload, context));
    mapped.map_err(|why| refusal::mapping(&why))
}

fn wire(message: &Message<'_>) -> Result<Vec<u8>, Problem> {
    message.to_wire().map_err(|why| refusal::encode(&why))
}

async fn message(
    State(gateway): State<Arc<Gateway>>,
    Extension(Peer(peer)): Extension<Peer>,
    place: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (endpoint, id) = place.map_or_else(|_| Default::default(), |Path(place)| place);
    let workflow = authorize(&gateway, peer, &endpoint, &headers)?;
    let id: EntryId = id.parse().map_err(|_| refusal::no_message())?;
    let status = gateway.sender.status(&id).await.map_err(|why| refusal::store(&why))?;
    let own = status.filter(|status| status.origin() == Some(workflow.name.as_str()));
    own.map(|status| answer::to_get(workflow, &status)).ok_or_else(refusal::no_message)
}

/// Both the URL id and the secret have to fit. What fails is a security event, and does not say which.
fn authorize<'g>(
    gateway: &'g Gateway,
    peer: SocketAddr,
    endpoint: &str,
    headers: &HeaderMap,
) -> Result<&'g Workflow, Problem> {
    gateway.authorize(endpoint, bearer(headers)).ok_or_else(|| {
        tracing::warn!(event = "security", code = "G101", %peer, "webhook refused: unknown URL id or wrong secret");
        Problem::unauthorized()
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = single(headers, header::AUTHORIZATION.as_str())?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
}

/// The header, when it is there once: of two it could not be told which counts.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn asked(query: Option<&str>, headers: &HeaderMap) -> Result<Asked, Problem> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        let detail = "send the payload without Content-Encoding";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "G112", "Unsupported encoding", detail));
    }
    if headers.contains_key(header::TRANSFER_ENCODING) && headers.contains_key(header::CONTENT_LENGTH) {
        let detail = "a request has a Content-Length or a Transfer-Encoding (RFC 9112, section 6.1)";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "G118", "Two lengths", detail));
    }
    Ok(Asked { wait: wait(query)?, key: key(headers)? })
}

fn wait(query: Option<&str>) -> Result<Option<Duration>, Problem> {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(None) };
    // One parameter is known; anything else is a slip that would go unnoticed.
    match query.strip_prefix("wait=").and_then(duration::parse) {
        Some(length) if length <= MAX_WAIT => Ok(Some(length)),
        _ => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "G107",
            "Bad query",
            "the one parameter is wait, a length of time up to 60s, such as ?wait=5s",
        )),
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    if !headers.contains_key("idempotency-key") {
        return Ok(None);
    }
    match single(headers, "idempotency-key").and_then(|value| value.to_str().ok()).map(str::trim) {
        Some(key) if !key.is_empty() && key.len() <= MAX_KEY => Ok(Some(key.to_owned())),
        _ => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "G113",
            "Bad Idempotency-Key",
            "an Idempotency-Key is there once, and is 1 to 255 printable ASCII characters",
        )),
    }
}

async fn payload(request: Request<Body>, limit: usize) -> Result<body::Bytes, Problem> {
    let read = body::to_bytes(request.into_body(), limit);
    match tokio::time::timeout(BODY_DEADLINE, read).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(why)) => Err(refusal::body(&why, limit)),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "G105",
            "Payload too slow",
            "the whole payload has to arrive within 30 s",
        )),
    }
}
