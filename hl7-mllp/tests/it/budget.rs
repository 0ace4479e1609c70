//! What all connections of a listener may take together, and one peer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hl7_mllp::{Reply, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::peer::{PATIENCE, Stream, framed, listening, message, msa};
use crate::server::{gated, still_accepts};

const SHORT: Duration = Duration::from_millis(150);
const MIB: usize = 1024 * 1024;

fn long(id: &str, bytes: usize) -> Vec<u8> {
    framed(message(id).replace("Ann", &"x".repeat(bytes)))
}

#[tokio::test]
async fn fault_41_long_blocks_of_many_senders_wait_for_room_and_all_come_through() {
    const SENDERS: usize = 8;
    let builder = Server::builder().max_block_bytes(5 * MIB).max_total_block_bytes(7 * MIB);
    let listening = listening(builder, |req| async move { Reply::accept(&req) }).await;
    let (taken, go) = (Arc::new(AtomicUsize::new(0)), watch::channel(false));
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (addr, taken, mut go) = (listening.addr.clone(), taken.clone(), go.1.clone());
        senders.spawn(async move {
            let mut stream = TcpStream::connect(&addr).await.unwrap();
            socket2::SockRef::from(&stream).set_send_buffer_size(64 * 1024).unwrap();
            let block = long("m-1", 4 * MIB);
            let (mut rest, end) = block.split_at(block.len() - 2);
            while !rest.is_empty() {
                let written = stream.write(rest).await.unwrap();
                taken.fetch_add(written, Ordering::SeqCst);
                rest = &rest[written..];
            }
            go.wait_for(|&go| go).await.unwrap();
            stream.write_all(end).await.unwrap();
            let mut reply = vec![0; 4096];
            let bytes = stream.read(&mut reply).await.unwrap();
            assert!(String::from_utf8_lossy(&reply[..bytes]).contains("MSA|AA|m-1"));
        });
    }
    let mut before = 0;
    loop {
        tokio::time::sleep(2 * SHORT).await;
        match taken.load(Ordering::SeqCst) {
            now if now > 4 * MIB && now == before => break,
            now => before = now,
        }
    }
    // The rest is what the system's own buffers hold.
    assert!(before < 20 * MIB, "{before} bytes of {SENDERS} blocks taken, with room for 7 MiB");
    go.0.send_replace(true);
    tokio::time::timeout(PATIENCE, senders.join_all()).await.expect("all of them, one after the other");
}

#[tokio::test]
async fn a_long_block_without_room_in_time_is_closed_and_a_short_one_comes_through() {
    let builder = Server::builder().max_total_block_bytes(0).block_timeout(SHORT);
    let gated = gated(builder).await;
    let mut first = Stream::connect(&gated.addr).await;
    first.send(&long("m-1", 300_000)).await;
    gated.entered.notified().await;

    let mut second = Stream::connect(&gated.addr).await;
    second.try_send(&long("m-2", 300_000)).await;
    second.until_closed().await;

    let mut short = Stream::connect(&gated.addr).await;
    short.send(&framed(message("m-3"))).await;
    gated.entered.notified().await;
    gated.release.notify_waiters();
    assert_eq!(msa(&short.block().await), "MSA|AA|m-3");
    assert_eq!(msa(&first.block().await), "MSA|AA|m-1");

    // The room is free again, for the same connection and for another.
    for mut stream in [first, Stream::connect(&gated.addr).await] {
        stream.send(&long("m-4", 300_000)).await;
        gated.entered.notified().await;
        gated.release.notify_waiters();
        assert_eq!(msa(&stream.block().await), "MSA|AA|m-4");
    }
}

#[tokio::test]
async fn a_sender_that_goes_away_gives_its_room_back() {
    let builder = Server::builder().max_total_block_bytes(0);
    let listening = listening(builder, |req| async move { Reply::accept(&req) }).await;
    for end in [Stream::reset as fn(Stream), drop] {
        let mut broken = Stream::connect(&listening.addr).await;
        let block = long("m-1", 300_000);
        broken.send(&block[..200_000]).await;
        let mut waiting = Stream::connect(&listening.addr).await;
        waiting.send(&long("m-2", 300_000)).await;
        end(broken);
        assert_eq!(msa(&waiting.block().await), "MSA|AA|m-2");
    }
}

#[tokio::test]
async fn one_peer_has_only_so_many_connections() {
    let builder = Server::builder().max_connections_per_peer(2);
    let listening = listening(builder, |req| async move { Reply::accept(&req) }).await;
    let mut first = Stream::connect(&listening.addr).await;
    let mut second = Stream::connect(&listening.addr).await;
    still_accepts(&mut first).await;
    still_accepts(&mut second).await;
    Stream::connect(&listening.addr).await.until_closed().await;
    drop(first);
    let admitted = async {
        loop {
            let mut next = Stream::connect(&listening.addr).await;
            if next.try_send(&framed(message("m-1"))).await && next.is_answered().await {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, admitted).await.expect("the place is free again");
    still_accepts(&mut second).await;
}
