//! The demo's own HTTP caller.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type Failure = Box<dyn std::error::Error>;

const MAX_ANSWER: usize = 1024 * 1024;

/// Status and body of an answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Posts `payload` to an `http://host:port/path` with a bearer secret.
///
/// # Errors
/// When there is no whole answer within `deadline`.
pub(crate) async fn json(
    url: &str,
    secret: &str,
    payload: &str,
    deadline: Duration,
) -> Result<Answer, Failure> {
    tokio::time::timeout(deadline, exchange(url, secret, payload)).await?
}

async fn exchange(url: &str, secret: &str, payload: &str) -> Result<Answer, Failure> {
    let url: hyper::Uri = url.parse()?;
    let authority = url.authority().ok_or("the URL names no host")?.as_str().to_owned();
    let stream = TcpStream::connect(&authority).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = hyper::Request::post(url.path_and_query().map_or("/", |path| path.as_str()))
        .header("host", authority)
        .header("authorization", format!("Bearer {secret}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::copy_from_slice(payload.as_bytes())))?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body =
        Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(|why| why.to_string())?;
    drop(sender);
    connection.abort();
    Ok(Answer { status, body: String::from_utf8_lossy(&body.to_bytes()).into_owned() })
}
