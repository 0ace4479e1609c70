//! What is counted and what is told in spans.

use std::time::Duration;

use hl7_core::{ErrorCode, Message};
use hl7_mllp::{Client, Reply, Request, Server, ServerCounters, ServerMeter};

use crate::peer::{Stream, ack, answering, framed, listening, message};
use crate::privacy::Log;

/// The counters, when they are as awaited.
async fn when(meter: &ServerMeter, awaited: impl Fn(&ServerCounters) -> bool) -> ServerCounters {
    for _ in 0..200 {
        let counted = meter.read();
        if awaited(&counted) {
            return counted;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", meter.read());
}

#[tokio::test]
async fn a_listener_counts_what_it_does() {
    let builder = Server::builder().max_connections(2).handler_timeout(Duration::from_secs(5));
    let meter = builder.meter();
    let handler = |req: Request| async move {
        match req.message().header().control_id().map(|id| id.raw().to_owned()).as_deref() {
            Some("m-bad") => Reply::error(&req, ErrorCode::DataTypeError, ""),
            Some("m-panic") => panic!("on purpose"),
            _ => Reply::accept(&req),
        }
    };
    let listening = listening(builder, handler).await;
    let (mut one, mut two) = (Stream::connect(&listening.addr).await, Stream::connect(&listening.addr).await);
    for (stream, id) in [(0, "m-1"), (1, "m-2"), (0, "m-bad"), (0, "m-panic")] {
        let stream = if stream == 0 { &mut one } else { &mut two };
        stream.send(&framed(message(id))).await;
        stream.block().await;
    }
    two.send(&framed("PID|no message")).await;
    Stream::connect(&listening.addr).await.until_closed().await;
    let counted = when(&meter, |it| it.open == 1 && it.refused == 1).await;
    assert_eq!(
        (counted.accepted, counted.blocks, counted.unreadable, counted.handler_failures),
        (2, 5, 1, 1)
    );
    assert_eq!((counted.replies["AA"], counted.replies["AE"], counted.replies["AR"]), (2, 1, 1));
    assert_eq!(
        counted.bytes_received,
        (message("m-1").len() * 2 + message("m-bad").len() + message("m-panic").len() + 14) as u64
    );
    assert!(counted.bytes_sent > 200 && counted.latency.count == 5);
    one.send(b"\x0BMSH\x1C!").await;
    one.until_closed().await;
    let counted = when(&meter, |it| it.open == 0).await;
    assert_eq!(counted.framing_errors.values().sum::<u64>(), 1, "{counted:?}");
}

#[tokio::test]
async fn a_client_counts_what_it_does() {
    let text = message("m-1");
    let builder = Client::builder().ack_timeout(Duration::from_millis(100));
    let answer = framed(ack("AE", "m-1"));
    let mut client = builder.clone().connect(answering(answer.clone()).await).await.unwrap();
    client.send(&Message::parse(&text).unwrap()).await.unwrap();
    let mut other = builder.connect(answering(Vec::new()).await).await.unwrap();
    other.send(&Message::parse(&text).unwrap()).await.unwrap_err();
    let counted = client.meter().read();
    assert_eq!((counted.open, counted.connects, counted.blocks), (1, 2, 2));
    assert_eq!(
        (counted.bytes_sent, counted.bytes_received),
        (2 * (text.len() as u64 + 3), answer.len() as u64 - 3)
    );
    assert_eq!((counted.acks["AE"], counted.errors["N111"], counted.latency.count), (1, 1, 1));
    drop(client);
    assert_eq!(other.meter().read().open, 0);
}

#[tokio::test]
async fn spans_tell_of_peers_sizes_codes_and_times() {
    let log = Log::default();
    let _logging = log.record();
    let listening = listening(Server::builder(), |req| async move { Reply::accept(&req) }).await;
    let mut client = Client::connect(&*listening.addr).await.unwrap();
    let text = message("m-1");
    client.send(&Message::parse(&text).unwrap()).await.unwrap();
    let lines = log.lines();
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!(count(&format!("peer={}", listening.addr)), 1, "the client's connection: {lines:?}");
    assert!(count("peer=127.0.0.1:") > 1, "the listener's connection: {lines:?}");
    assert_eq!(count(&format!("bytes={} ", text.len() + 3)), 1, "what was sent: {lines:?}");
    assert_eq!(count(&format!("bytes={} ", text.len())), 1, "what was received: {lines:?}");
    assert!(count("code=\"AA\"") >= 1 && count("ms=") >= 1, "{lines:?}");
}
