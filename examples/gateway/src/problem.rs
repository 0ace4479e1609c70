//! Refusals over HTTP: `application/problem+json` (RFC 9457) with a stable code.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// One refusal. The codes are listed in the gateway's README.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    members: Map<String, Value>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        title: &str,
        detail: impl Into<String>,
    ) -> Self {
        let mut members = Map::new();
        members.insert("type".to_owned(), json!(format!("urn:hl7-gateway:{code}")));
        members.insert("title".to_owned(), json!(title));
        members.insert("status".to_owned(), json!(status.as_u16()));
        members.insert("code".to_owned(), json!(code));
        members.insert("detail".to_owned(), json!(detail.into()));
        Self { status, code, members }
    }

    /// Adds a member of the problem's own.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// G101: the URL id is not known or the secret is wrong; which of the two is not said.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "G101",
            "Not authorized",
            "send the workflow's secret as `Authorization: Bearer SECRET` to the workflow's own URL",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Value::Object(self.members).to_string();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
