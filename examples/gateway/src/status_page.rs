//! The status page: workflows and messages, for the machine it runs on alone, and without message content.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing;
use hl7_sender::Status;

use crate::answer;
use crate::gateway::{Gateway, Workflow};
use crate::refusal;

/// Enough to see what is going on; the outbox itself may hold millions.
const SHOWN: usize = 100;

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
    let recent = match gateway.sender.recent(SHOWN).await {
        Ok(recent) => recent,
        Err(why) => return refusal::store(&why).into_response(),
    };
    let counts = match gateway.sender.counts().await {
        Ok(counts) => counts,
        Err(why) => return refusal::store(&why).into_response(),
    };
    let mut html = String::from(HEAD);
    push_workflows(&mut html, &gateway.workflows, &counts);
    push_messages(&mut html, &recent);
    html.push_str("</body></html>\n");
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, html).into_response()
}

const HEAD: &str = "<!doctype html><html lang=en><head><meta charset=utf-8><meta http-equiv=refresh content=5>\
<meta name=viewport content='width=device-width'><title>hl7-gateway</title><style>\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1b2733}table{border-collapse:collapse;margin:0 0 2rem}\
th,td{text-align:left;padding:.3rem .9rem .3rem 0;border-bottom:1px solid #d8dee4;font-variant-numeric:tabular-nums}\
th{color:#57606a;font-weight:600}.delivered{color:#116329}.held,.dead-lettered{color:#a40e26;font-weight:600}\
.retrying{color:#8a5a00}</style></head><body><h1>hl7-gateway</h1>";

fn push_workflows(html: &mut String, workflows: &[Workflow], counts: &[hl7_sender::Count]) {
    html.push_str(
        "<h2>Workflows</h2><table><tr><th>Workflow<th>URL id<th>Mapping<th>Sends to<th>Waiting<th>Held\
         <th>Dead letters<th>Delivered</tr>",
    );
    for workflow in workflows {
        let of = |states: &[hl7_sender::State]| -> u64 {
            let own = counts.iter().filter(|c| c.origin() == Some(workflow.name.as_str()));
            own.filter(|c| states.contains(&c.state())).map(hl7_sender::Count::messages).sum()
        };
        use hl7_sender::State as S;
        row(
            html,
            "",
            &[
                workflow.name.clone(),
                masked(&workflow.endpoint),
                workflow.mapping.name().to_owned(),
                workflow.to.clone(),
                of(&[S::Queued, S::Sending, S::Retrying]).to_string(),
                of(&[S::Held]).to_string(),
                of(&[S::DeadLettered]).to_string(),
                of(&[S::Delivered]).to_string(),
            ],
        );
    }
    html.push_str("</table><p>The whole URLs: <code>hl7-gateway routes CONFIG</code></p>");
}

fn push_messages(html: &mut String, recent: &[Status]) {
    html.push_str(
        "<h2>Messages</h2><table><tr><th>Accepted (UTC)<th>Workflow<th>Destination<th>Type<th>Control ID<th>State\
         <th>Attempts<th>Acknowledgment<th>Last failure</tr>",
    );
    for status in recent {
        let state = status.state().as_str();
        let acknowledgment = status.last_acknowledgment().map_or("", |ack| ack.code().as_str());
        let at: SystemTime = status.enqueued_at();
        row(
            html,
            state,
            &[
                answer::rfc3339(at),
                status.origin().unwrap_or_default().to_owned(),
                status.destination().to_owned(),
                status.message_type().unwrap_or_default().to_owned(),
                masked(status.control_id().unwrap_or_default()),
                state.to_owned(),
                status.attempts().to_string(),
                acknowledgment.to_owned(),
                status.last_failure().unwrap_or_default().to_owned(),
            ],
        );
    }
    html.push_str("</table>");
}

/// The first characters, a third of them and four at most: enough to tell rows apart, not enough to use.
fn masked(text: &str) -> String {
    let shown = (text.chars().count() / 3).min(4);
    text.chars().take(shown).chain("····".chars()).collect()
}

fn row(html: &mut String, class: &str, cells: &[String]) {
    let _ = write!(html, "<tr class=\"{class}\">");
    for cell in cells {
        html.push_str("<td>");
        push_escaped(html, cell);
    }
    html.push_str("</tr>");
}

fn push_escaped(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

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

    #[test]
    fn cells_are_escaped_and_masked() {
        let mut html = String::new();
        row(&mut html, "x", &["<a href='x'>&\"".to_owned()]);
        assert_eq!(html, "<tr class=\"x\"><td>&lt;a href=&#39;x&#39;&gt;&amp;&quot;</tr>");
        assert_eq!(masked("0123456789ab"), "0123····");
        assert_eq!(masked("0123"), "0····");
        assert_eq!(masked(""), "····");
    }
}
