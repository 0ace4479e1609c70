//! Durable enqueue beside a hand-written group commit of the same rows, on the same disk.

use std::path::Path;
use std::time::{Duration, Instant};

use hl7_core::Message;
use hl7_sender::{Destination, Sender, SqliteStore};
use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

const PRODUCERS: usize = 64;
const EACH: usize = 200;
const ROUNDS: usize = 3;

pub(crate) fn text(producer: usize, n: usize) -> String {
    let body = crate::samples::adt();
    body.replacen("20260103-000017", &format!("p{producer}n{n}"), 1)
}

/// All producers at once; the time until the last message is durable.
async fn ours(folder: &Path) -> Option<Duration> {
    let store = SqliteStore::open(folder.join("ours.db")).await.ok()?;
    // Nothing listens there: this measures the store, not the wire.
    let destination = Destination::mllp("ehr", "127.0.0.1:9");
    let sender = Sender::builder(store).destination(destination).start().await.ok()?;
    let start = Instant::now();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let sender = sender.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    let text = text(producer, n);
                    let msg = Message::parse(&text).ok()?;
                    sender.enqueue("ehr", &msg).await.ok()?;
                }
                Some(())
            })
        })
        .collect();
    for producer in producers {
        producer.await.ok()??;
    }
    let took = start.elapsed();
    sender.shutdown(Duration::from_secs(5)).await;
    Some(took)
}

pub(crate) type Row = (Vec<u8>, oneshot::Sender<()>);

/// One writer, one transaction for all that waits: key, body and lane number, as an outbox needs them.
pub(crate) fn write_groups(file: &Path, mut rows: mpsc::Receiver<Row>) -> rusqlite::Result<()> {
    let mut db = Connection::open(file)?;
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         CREATE TABLE entry(lane INTEGER, seq INTEGER, key BLOB UNIQUE, state INTEGER, PRIMARY KEY(lane, seq)) WITHOUT ROWID;
         CREATE TABLE body(seq INTEGER PRIMARY KEY, bytes BLOB);",
    )?;
    let mut seq = 0_i64;
    while let Some(first) = rows.blocking_recv() {
        let group = db.transaction()?;
        let mut waiting = Vec::new();
        {
            let mut entry = group.prepare_cached("INSERT INTO entry VALUES(1, ?1, ?2, 0)")?;
            let mut body = group.prepare_cached("INSERT INTO body VALUES(?1, ?2)")?;
            let mut next = Some(first);
            while let Some((bytes, done)) = next {
                seq += 1;
                entry.execute(params![seq, seq.to_be_bytes()])?;
                body.execute(params![seq, bytes])?;
                waiting.push(done);
                next = if waiting.len() < 256 { rows.try_recv().ok() } else { None };
            }
        }
        group.commit()?;
        for done in waiting {
            let _ = done.send(());
        }
    }
    Ok(())
}

async fn by_hand(folder: &Path) -> Option<Duration> {
    let (send, rows) = mpsc::channel::<Row>(1024);
    let file = folder.join("hand.db");
    let writer = std::thread::spawn(move || write_groups(&file, rows));
    let start = Instant::now();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let send = send.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    let (done, durable) = oneshot::channel();
                    send.send((text(producer, n).into_bytes(), done)).await.ok()?;
                    durable.await.ok()?;
                }
                Some(())
            })
        })
        .collect();
    for producer in producers {
        producer.await.ok()??;
    }
    let took = start.elapsed();
    drop(send);
    writer.join().ok()?.ok()?;
    Some(took)
}

async fn measure() -> Option<()> {
    let (mut best_ours, mut best_hand) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().ok()?;
        best_hand = best_hand.min(by_hand(folder.path()).await?);
        best_ours = best_ours.min(ours(folder.path()).await?);
    }
    let rate = |took: Duration| (PRODUCERS * EACH) as f64 / took.as_secs_f64();
    println!("Durable enqueue, {PRODUCERS} producers, {EACH} messages each");
    println!("  {:<44} {:>12.0} messages/s", "hl7-sender", rate(best_ours));
    let hand = rate(best_hand);
    println!(
        "  {:<44} {hand:>12.0} messages/s   ours is {:.2}x of it",
        "by hand (bar 0.80x)",
        rate(best_ours) / hand
    );
    Some(())
}

/// The outbox's bar.
pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    if runtime.ok().and_then(|runtime| runtime.block_on(measure())).is_none() {
        println!("Durable enqueue: could not be measured");
    }
}
