//! Clients that connect anew by themselves, and several of them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hl7_core::Message;
use hl7_mllp::{Acknowledgment, Client, ClientPool, Proxy, SendError, SendErrorKind as K, Sent};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

use crate::peer::{ack, framed, listening, message, scripted};

const SHORT: Duration = Duration::from_millis(150);

async fn send(client: &mut Client, id: &str) -> Result<Acknowledgment, SendError> {
    let text = message(id);
    client.send(&Message::parse(&text).unwrap()).await
}

async fn pooled(pool: &ClientPool, id: &str) -> Result<Acknowledgment, SendError> {
    let text = message(id);
    pool.send(&Message::parse(&text).unwrap()).await
}

#[tokio::test]
async fn fault_09_a_peer_that_closes_after_each_message_costs_no_error() {
    let ids = ["m-1", "m-2", "m-3"];
    let (told, mut closed) = mpsc::channel(1);
    let addr = scripted(move |peer| async move {
        for id in ids {
            let mut stream = peer.accept().await;
            assert!(stream.block().await.contains(id), "each message comes once");
            stream.send(&framed(ack("AA", id))).await;
            drop(stream);
            told.send(()).await.unwrap();
        }
    })
    .await;
    let mut client = Client::builder().reconnect(true).connect(addr).await.unwrap();
    for id in ids {
        assert_eq!(send(&mut client, id).await.unwrap().control_id(), id);
        closed.recv().await.unwrap();
    }
    let counted = client.meter().read();
    assert_eq!((counted.connects, counted.reconnects, counted.blocks), (3, 2, 3));
    assert!(counted.errors.is_empty(), "{counted:?}");
}

#[tokio::test]
async fn fault_10_there_is_one_new_connection_and_no_second() {
    // Every connection has something on it that was not asked for, which is there when it stands.
    let accepted = Arc::new(AtomicUsize::new(0));
    let counts = accepted.clone();
    let proxy = scripted(move |peer| async move {
        let mut streams = Vec::new();
        loop {
            let mut stream = peer.accept().await;
            counts.fetch_add(1, Ordering::SeqCst);
            stream.until(b"\r\n\r\n").await;
            stream.send(&[&b"HTTP/1.1 200 OK\r\n\r\n"[..], &framed(ack("AA", "m-1"))].concat()).await;
            streams.push(stream);
        }
    })
    .await;
    let builder = Client::builder().reconnect(true).proxy(Proxy::http(proxy));
    let mut client = builder.connect("ehr:1").await.unwrap();
    // The first has its connection and gets one more; the second has none and gets one.
    for (id, connections) in [("m-1", 2), ("m-2", 3)] {
        let why = send(&mut client, id).await.unwrap_err();
        assert_eq!((why.kind(), why.sent()), (&K::Unsolicited, Sent::No));
        assert_eq!(accepted.load(Ordering::SeqCst), connections);
        assert_eq!(client.meter().read().reconnects, 1);
    }
}

#[tokio::test]
async fn fault_10_what_may_have_arrived_is_not_sent_again() {
    let addr = scripted(move |peer| async move {
        let mut stream = peer.accept().await;
        stream.block().await;
        drop(stream);
        let mut next = peer.accept().await;
        assert!(next.block().await.contains("m-2"), "m-1 came a second time");
        next.send(&framed(ack("AA", "m-2"))).await;
        next.until_closed().await;
    })
    .await;
    let mut client = Client::builder().reconnect(true).connect(addr).await.unwrap();
    assert_eq!(send(&mut client, "m-1").await.unwrap_err().sent(), Sent::Unknown);
    assert_eq!(send(&mut client, "m-2").await.unwrap().control_id(), "m-2");
    assert_eq!(client.meter().read().reconnects, 0, "a send that finds no connection makes one");
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_no_connection_and_nothing_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    drop(listener);
    let pool = Client::builder().pool(addr, 2);
    for _ in 0..3 {
        let why = pooled(&pool, "m-1").await.unwrap_err();
        assert_eq!((why.code(), why.sent()), ("N203", Sent::No));
        assert!(matches!(why.kind(), K::NotConnected(_)));
        assert!(std::error::Error::source(&why).is_some());
    }
    let counted = pool.meter().read();
    assert_eq!((counted.connect_errors["N203"], counted.errors["N203"], counted.open), (3, 3, 0));
}

#[tokio::test]
async fn a_pool_has_as_many_connections_as_it_may_and_each_one_message_at_a_time() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counts, tops) = (now.clone(), most.clone());
    let listening = listening(hl7_mllp::Server::builder(), move |req| {
        let (now, most) = (counts.clone(), tops.clone());
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            hl7_mllp::Reply::accept(&req)
        }
    })
    .await;
    let pool = Client::builder().pool(&*listening.addr, 3);
    let mut sends = tokio::task::JoinSet::new();
    for n in 0..30 {
        let pool = pool.clone();
        sends.spawn(async move {
            let id = format!("m-{n}");
            assert_eq!(pooled(&pool, &id).await.unwrap().control_id(), id);
        });
    }
    while let Some(done) = sends.join_next().await {
        done.unwrap();
    }
    let counted = pool.meter().read();
    assert_eq!((most.load(Ordering::SeqCst), counted.connects, counted.open), (3, 3, 3));
    assert_eq!((counted.acks["AA"], counted.latency.count), (30, 30));
}

#[tokio::test]
async fn who_waits_too_long_for_a_connection_has_sent_nothing() {
    let gate = Arc::new(Semaphore::new(0));
    let opens = gate.clone();
    let (told, mut came) = mpsc::channel(1);
    let listening = listening(hl7_mllp::Server::builder(), move |req| {
        let (gate, told) = (opens.clone(), told.clone());
        async move {
            told.send(()).await.unwrap();
            gate.acquire().await.unwrap().forget();
            hl7_mllp::Reply::accept(&req)
        }
    })
    .await;
    let pool = Client::builder().pool(&*listening.addr, 1).max_wait(SHORT);
    let first = tokio::spawn({
        let pool = pool.clone();
        async move { pooled(&pool, "m-1").await.map(|_| ()) }
    });
    came.recv().await.unwrap();
    let begun = Instant::now();
    let why = pooled(&pool, "m-2").await.unwrap_err();
    assert_eq!((why.kind(), why.code(), why.sent()), (&K::NoneFree, "N118", Sent::No));
    assert!(begun.elapsed() >= SHORT);
    gate.add_permits(2);
    first.await.unwrap().unwrap();
    pooled(&pool, "m-3").await.unwrap();
    assert_eq!(pool.meter().read().connects, 1);
}

#[tokio::test]
async fn fault_11_a_pool_never_uses_a_connection_again_that_is_in_doubt() {
    let addr = scripted(|peer| async move {
        let mut late = peer.accept().await;
        late.block().await;
        let mut next = peer.accept().await;
        next.block().await;
        // The answer to the first comes when the second is under way.
        late.try_send(&framed(ack("AA", "m-2"))).await;
        next.send(&framed(ack("AE", "m-2"))).await;
        next.until_closed().await;
    })
    .await;
    let pool = Client::builder().ack_timeout(SHORT).pool(addr, 1);
    assert_eq!(pooled(&pool, "m-1").await.unwrap_err().kind(), &K::AckTimedOut);
    assert_eq!(pooled(&pool, "m-2").await.unwrap().code().as_str(), "AE");
    let counted = pool.meter().read();
    assert_eq!((counted.connects, counted.open, counted.errors["N111"]), (2, 1, 1));
}

#[tokio::test]
async fn a_send_that_is_dropped_gives_its_place_back() {
    let silent = scripted(|peer| async move {
        let mut streams = Vec::new();
        loop {
            streams.push(peer.accept().await);
        }
    })
    .await;
    let pool = Client::builder().pool(silent, 1).max_wait(SHORT);
    for _ in 0..3 {
        let dropped = tokio::time::timeout(SHORT, pooled(&pool, "m-1")).await;
        assert!(dropped.is_err(), "it had the place and waited");
        assert_eq!(pool.meter().read().open, 0);
    }
    assert_eq!(pool.meter().read().connects, 3);
}
