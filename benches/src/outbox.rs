//! Durable enqueue beside hand-written group commits on the same disk: a bare one, and one that writes the same rows as the store.

use std::path::Path;
use std::time::{Duration, Instant};

use hl7_core::Message;
use hl7_sender::{Destination, Sender, SqliteStore};
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};

const PRODUCERS: usize = 64;
const EACH: usize = 200;
const ROUNDS: usize = 5;
/// The most rows that share a commit, as in the store.
const GROUP: usize = 256;

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
    let producing = sender.clone();
    let took = produce(move |producer, n| {
        let sender = producing.clone();
        async move {
            let text = text(producer, n);
            let msg = Message::parse(&text).ok()?;
            sender.enqueue("ehr", &msg).await.ok().map(drop)
        }
    })
    .await;
    sender.shutdown(Duration::from_secs(5)).await;
    took
}

/// Runs all producers; each waits until its message is durable before it makes the next.
async fn produce<F>(one: impl Fn(usize, usize) -> F + Clone + Send + 'static) -> Option<Duration>
where
    F: Future<Output = Option<()>> + Send,
{
    let start = Instant::now();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let one = one.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    one(producer, n).await?;
                }
                Some(())
            })
        })
        .collect();
    for producer in producers {
        producer.await.ok()??;
    }
    Some(start.elapsed())
}

pub(crate) type Waiting<R> = (R, oneshot::Sender<()>);

/// One writer, one transaction for all that waits.
fn write_groups<R>(
    db: &mut Connection,
    mut rows: mpsc::Receiver<Waiting<R>>,
    mut write: impl FnMut(&Connection, R) -> rusqlite::Result<()>,
    mut end: impl FnMut(&Connection, usize) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(64);
    while let Some(first) = rows.blocking_recv() {
        let group = db.transaction()?;
        let mut waiting = Vec::new();
        let mut next = Some(first);
        while let Some((row, done)) = next {
            write(&group, row)?;
            waiting.push(done);
            next = if waiting.len() < GROUP { rows.try_recv().ok() } else { None };
        }
        end(&group, waiting.len())?;
        group.commit()?;
        for done in waiting {
            let _ = done.send(());
        }
    }
    Ok(())
}

/// The least that an outbox could do: a body and a row that orders it.
async fn bare(folder: &Path) -> Option<Duration> {
    let (send, rows) = mpsc::channel(1024);
    let file = folder.join("bare.db");
    let writer = std::thread::spawn(move || write_bare(&file, rows));
    through(send, writer, |producer, n| text(producer, n).into_bytes()).await
}

pub(crate) fn write_bare(file: &Path, rows: mpsc::Receiver<Waiting<Vec<u8>>>) -> rusqlite::Result<()> {
    let mut db = Connection::open(file)?;
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         CREATE TABLE entry(lane INTEGER, seq INTEGER, key BLOB UNIQUE, state INTEGER, PRIMARY KEY(lane, seq)) WITHOUT ROWID;
         CREATE TABLE body(seq INTEGER PRIMARY KEY, bytes BLOB);",
    )?;
    let mut seq = 0_i64;
    let write = |db: &Connection, bytes: Vec<u8>| {
        seq += 1;
        db.prepare_cached("INSERT INTO entry VALUES(1, ?1, ?2, 0)")?
            .execute(params![seq, seq.to_be_bytes()])?;
        db.prepare_cached("INSERT INTO body VALUES(?1, ?2)")?.execute(params![seq, bytes]).map(drop)
    };
    write_groups(&mut db, rows, write, |_, _| Ok(()))
}

/// What the store keeps of a message, made by hand.
struct Row {
    key: [u8; 32],
    digest: [u8; 32],
    id: [u8; 16],
    control_id: String,
    body: Vec<u8>,
}

fn row(producer: usize, n: usize) -> Row {
    let (body, control_id) = (text(producer, n).into_bytes(), format!("p{producer}n{n}"));
    let digest: [u8; 32] = Sha256::digest(&body).into();
    let key = Sha256::new().chain_update("REGSYS|NORTH|").chain_update(&control_id).chain_update(digest);
    let (key, mut id) = (key.finalize().into(), [0; 16]);
    // As good a name as one that nobody has to guess needs.
    let random: [u8; 32] = Sha256::digest(control_id.as_bytes()).into();
    let millis = now().to_be_bytes();
    id.iter_mut().zip(millis.iter().skip(2).chain(&random)).for_each(|(to, from)| *to = *from);
    Row { key, digest, id, control_id, body }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}

/// The same rows as the store's, in a file that the store made, without anything around it.
async fn same_rows(folder: &Path) -> Option<Duration> {
    let file = folder.join("hand.db");
    // Its tables.
    hl7_sender::Store::close(&SqliteStore::open(&file).await.ok()?).await;
    let (send, rows) = mpsc::channel(1024);
    let writer = std::thread::spawn(move || {
        let mut db = Connection::open(file)?;
        db.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")?;
        let mut number = 0;
        let lane = [7_u8; 16];
        let write = |db: &Connection, row: Row| {
            number += 1;
            db.prepare_cached(
                "INSERT INTO request (number, key, fingerprint, control_id, message_type, size, digest)
                 VALUES (?1, ?2, ?3, ?4, 'ADT^A01^ADT_A01', ?5, ?3)",
            )?
            .execute(params![
                number,
                row.key,
                row.digest,
                row.control_id,
                row.body.len() as i64
            ])?;
            db.prepare_cached("INSERT INTO body VALUES (?1, ?2)")?.execute(params![number, row.body])?;
            db.prepare_cached(
                "INSERT INTO entry (number, id, request, origin, destination, lane, position, due_at, state, enqueued_at, since)
                 VALUES (?1 * 4096, ?2, ?1, '', 'ehr', ?3, ?1, ?4, 0, ?5, ?5)",
            )?
            .execute(params![number, row.id, lane, (number == 1).then_some(0), now()])
            .map(drop)
        };
        let end = |db: &Connection, count: usize| {
            db.prepare_cached(
                "INSERT INTO tally VALUES ('', 'ehr', 0, ?1) ON CONFLICT DO UPDATE SET entries = entries + ?1",
            )?
            .execute([count as i64])
            .map(drop)
        };
        write_groups(&mut db, rows, write, end)
    });
    through(send, writer, row).await
}

/// Runs all producers against a writer.
async fn through<R: Send + 'static>(
    send: mpsc::Sender<Waiting<R>>,
    writer: std::thread::JoinHandle<rusqlite::Result<()>>,
    make: fn(usize, usize) -> R,
) -> Option<Duration> {
    let took = produce(move |producer, n| {
        let send = send.clone();
        async move {
            let (done, durable) = oneshot::channel();
            send.send((make(producer, n), done)).await.ok()?;
            durable.await.ok()
        }
    })
    .await;
    writer.join().ok()?.ok()?;
    took
}

async fn measure() -> Option<()> {
    let mut best = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().ok()?;
        let took = [same_rows(folder.path()).await?, bare(folder.path()).await?, ours(folder.path()).await?];
        best = [0, 1, 2].map(|n: usize| best[n].min(took[n]));
    }
    let [hand, bare, ours] = best.map(|took| (PRODUCERS * EACH) as f64 / took.as_secs_f64());
    println!("Durable enqueue, {PRODUCERS} producers, {EACH} messages each");
    println!("  {:<44} {ours:>12.0} messages/s", "hl7-sender");
    for (name, rate) in [("the same rows by hand (bar 0.80x)", hand), ("a bare group commit by hand", bare)] {
        println!("  {name:<44} {rate:>12.0} messages/s   ours is {:.2}x of it", ours / rate);
    }
    Some(())
}

/// The outbox's bar.
pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    if runtime.ok().and_then(|runtime| runtime.block_on(measure())).is_none() {
        println!("Durable enqueue: could not be measured");
    }
}
