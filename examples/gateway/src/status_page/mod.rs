//! The status page: listeners, workflows, connections and messages, for the machine it runs on alone, and without message content.

mod sections;
mod table;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing;
use hl7_sender::StoreError;

use crate::gateway::Gateway;
use crate::refusal;

/// Enough to see what is going on; the outbox itself may hold millions.
const SHOWN: usize = 100;
/// Of each connection.
const SHOWN_LANES: usize = 20;

/// The routes of the status page.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/", routing::get(page))
        .layer(middleware::from_fn(local_names_only))
        .with_state(gateway)
}

/// Refuses requests whose Host is not a loopback name, so that no web page can reach this one by a name of its own.
async fn local_names_only(headers: HeaderMap, request: Request, next: Next) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_local(host) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "the status page is served under localhost and 127.0.0.1 only\n")
        .into_response()
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

async fn page(State(gateway): State<Arc<Gateway>>) -> Response {
    match html(&gateway).await {
        Ok(html) => (HEADERS, html).into_response(),
        Err(why) => refusal::store(&why).into_response(),
    }
}

async fn html(gateway: &Gateway) -> Result<String, StoreError> {
    let (sender, connections) = (&gateway.sender, &gateway.connections);
    let counts = sender.counts().await?;
    let mut lanes = Vec::new();
    for connection in connections {
        let name = &connection.name;
        lanes.extend(sender.lanes(name, SHOWN_LANES).await?.into_iter().map(|lane| (name.clone(), lane)));
    }
    let mut html = String::from(HEAD);
    sections::listeners(&mut html, &gateway.listeners);
    sections::workflows(&mut html, &gateway.workflows, &counts);
    sections::connections(&mut html, connections, &sender.destinations(), &counts, &sender.backlog().await?);
    sections::lanes(&mut html, &lanes);
    sections::messages(&mut html, &sender.recent(SHOWN).await?);
    html.push_str("</body></html>\n");
    Ok(html)
}

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

const HEAD: &str = "<!doctype html><html lang=en><head><meta charset=utf-8><meta http-equiv=refresh content=5>\
<meta name=viewport content='width=device-width'><title>hl7-gateway</title><style>\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1b2733}table{border-collapse:collapse;margin:0 0 2rem}\
th,td{text-align:left;padding:.3rem .9rem .3rem 0;border-bottom:1px solid #d8dee4;font-variant-numeric:tabular-nums}\
th{color:#57606a;font-weight:600}.delivered{color:#116329}.held,.dead-lettered{color:#a40e26;font-weight:600}\
.retrying,.unconfirmed,.skipped,.cancelled{color:#8a5a00}</style></head><body><h1>hl7-gateway</h1>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_local() {
        for host in ["localhost", "LOCALHOST:8081", "127.0.0.1:8081", "127.0.0.2", "[::1]:8081", "[::1]"] {
            assert!(is_local(host), "{host}");
        }
        for host in
            ["", "example.test", "127.0.0.1.example.test:80", "10.0.0.1", "localhost.example:1", "0.0.0.0"]
        {
            assert!(!is_local(host), "{host}");
        }
    }
}
