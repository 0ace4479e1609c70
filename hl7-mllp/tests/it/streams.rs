//! Client and listener over streams that are no TCP connections.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hl7_core::Message;
use hl7_mllp::{Client, ConnectErrorKind, Reply, Request, SendErrorKind as K, Sent, Server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

use crate::peer::{ack, framed, message};

const SHORT: Duration = Duration::from_millis(100);

fn peer() -> std::net::SocketAddr {
    "192.0.2.7:1".parse().unwrap()
}

/// A client whose other end is the test.
fn pair() -> (Client, DuplexStream) {
    let (here, there) = duplex(64 * 1024);
    (Client::builder().ack_timeout(SHORT).over(here), there)
}

async fn send(client: &mut Client, id: &str) -> Result<(), (K, Sent)> {
    let text = message(id);
    let sent = client.send(&Message::parse(&text).unwrap()).await;
    sent.map(|_| ()).map_err(|why| (why.kind().clone(), why.sent()))
}

#[tokio::test]
async fn messages_cross_a_narrow_stream_to_a_handler_that_sees_the_stated_peer() {
    let (here, there) = duplex(16);
    tokio::spawn(async move {
        let handler = |req: Request| async move {
            assert_eq!(req.peer(), peer());
            Reply::accept(&req)
        };
        Server::builder().serve_connection(there, peer(), handler).await;
    });
    let mut client = Client::builder().over(here);
    for id in ["m-1", "m-2", "m-3"] {
        send(&mut client, id).await.unwrap();
    }
    let why = client.reconnect().await.unwrap_err();
    assert_eq!((why.kind(), why.code()), (ConnectErrorKind::NoAddress, "N213"));
    assert!(!client.is_open());
}

#[tokio::test]
async fn a_stream_that_ended_between_messages_is_noticed_before_the_next() {
    let (mut client, there) = pair();
    drop(there);
    assert_eq!(send(&mut client, "m-1").await, Err((K::PeerClosed, Sent::No)));
    assert!(!client.is_open());
}

#[tokio::test]
async fn what_was_not_asked_for_is_noticed_over_any_stream() {
    let (mut client, mut there) = pair();
    there.write_all(b"\r\n").await.unwrap();
    there.write_all(&framed(ack("AA", "m-1"))).await.unwrap();
    assert_eq!(send(&mut client, "m-1").await, Err((K::Unsolicited, Sent::No)));
}

#[tokio::test]
async fn a_stream_that_fails_while_writing_leaves_it_unknown() {
    // Its buffer takes a part, and its end is dropped before the rest: what left is not known.
    let (here, there) = duplex(8);
    let mut client = Client::builder().ack_timeout(SHORT).over(here);
    let dropped = tokio::spawn(async move {
        let mut there = there;
        there.read_u8().await.unwrap();
    });
    assert_eq!(send(&mut client, "m-1").await, Err((K::Lost, Sent::Unknown)));
    dropped.await.unwrap();
}

/// A stream that is silent and whose writes fail.
struct Failing;

impl AsyncRead for Failing {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Failing {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn what_a_stream_did_with_a_write_that_failed_is_not_known() {
    // A TLS stream, for one, may have sent a part of what it was given before it fails.
    let mut client = Client::builder().over(Failing);
    assert_eq!(send(&mut client, "m-1").await, Err((K::Lost, Sent::Unknown)));
}

#[tokio::test]
async fn a_stream_that_takes_nothing_is_given_up_with_its_deadline() {
    let (here, _there) = duplex(8);
    let mut client = Client::builder().write_timeout(SHORT).over(here);
    assert_eq!(send(&mut client, "m-1").await, Err((K::WriteTimedOut, Sent::Unknown)));
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_is_none() {
    let (mut client, mut there) = pair();
    let part = framed(ack("AA", "m-1"));
    let script = tokio::spawn(async move {
        read_block(&mut there).await;
        there.write_all(&part[..part.len() - 2]).await.unwrap();
    });
    let (kind, sent) = send(&mut client, "m-1").await.unwrap_err();
    assert!(matches!(kind, K::BrokenFrame(_)), "{kind:?}");
    assert_eq!(sent, Sent::Unknown);
    script.await.unwrap();
}

/// Reads a whole block, byte by byte.
async fn read_block(stream: &mut DuplexStream) {
    let mut last = [0; 2];
    while last != [0x1C, 0x0D] {
        last = [last[1], stream.read_u8().await.unwrap()];
    }
}

/// A stream that takes everything and never says so.
struct Eating;

impl tokio::io::AsyncRead for Eating {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Pending
    }
}

impl tokio::io::AsyncWrite for Eating {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Pending
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Pending
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_stream_that_never_says_what_it_took_leaves_it_unknown() {
    let mut client = Client::builder().write_timeout(SHORT).over(Eating);
    assert_eq!(send(&mut client, "m-1").await, Err((K::WriteTimedOut, Sent::Unknown)));
}
