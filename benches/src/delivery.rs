//! Durable delivery end to end: one lane and many, beside hand-written loops that make the same durable facts in as many commits.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hl7_sender::{Delivery, Destination, EntryId, Request, Sender, SqliteStore, State, Store};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

const ROUNDS: usize = 3;
const END: &[u8] = b"\x1c\r";

/// A receiver that takes everything after this long.
pub async fn receiver(answers_after: Duration) -> Option<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.ok()?;
    let address = listener.local_addr().ok()?.to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_all(stream, answers_after));
        }
    });
    Some(address)
}

/// Blocks in, acknowledgments out, without a look at more than the control ID.
async fn answer_all(mut stream: TcpStream, after: Duration) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut held = Vec::new();
    loop {
        if stream.read_buf(&mut held).await.ok()? == 0 {
            return None;
        }
        while let Some(end) = held.windows(2).position(|bytes| bytes == END) {
            let id = held.split(|byte| *byte == b'|').nth(9)?;
            let mut answer =
                b"\x0bMSH|^~\\&|EHR|NORTH|REGSYS|NORTH|20260103081531||ACK^A01^ACK|1|P|2.5.1\rMSA|CA|"
                    .to_vec();
            answer.extend_from_slice(id);
            answer.extend_from_slice(b"\r\x1c\r");
            held.drain(..end + 2);
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            stream.write_all(&answer).await.ok()?;
        }
    }
}

/// A message of a lane as a store is asked to keep it.
pub fn request(n: usize, lane: usize) -> Request {
    let control_id = format!("n{n}");
    let body = crate::samples::adt().replacen("20260103-000017", &control_id, 1).into_bytes();
    let digest = Sha256::digest(&body).into();
    Request {
        key: Sha256::digest(control_id.as_bytes()).into(),
        fingerprint: digest,
        origin: String::new(),
        control_id,
        message_type: Some("ADT^A01^ADT_A01".to_owned()),
        body,
        digest,
        deliveries: vec![Delivery {
            id: EntryId::random(),
            destination: "ehr".to_owned(),
            lane_keys: vec![format!("{lane}")],
        }],
    }
}

/// Enqueues messages in so many lanes by turns, many at a time.
pub async fn fill(store: &Arc<SqliteStore>, numbers: std::ops::Range<usize>, lanes: usize) -> Option<()> {
    let numbers = Arc::new(Mutex::new(numbers));
    let fillers: Vec<_> = (0..256)
        .map(|_| {
            let (store, numbers) = (Arc::clone(store), Arc::clone(&numbers));
            tokio::spawn(async move {
                loop {
                    let Some(n) = numbers.lock().ok()?.next() else { return Some(()) };
                    store.enqueue(request(n, n % lanes), std::time::SystemTime::now()).await.ok()?;
                }
            })
        })
        .collect();
    for filler in fillers {
        filler.await.ok()??;
    }
    Some(())
}

/// A store with a backlog, as a file that can be copied.
async fn backlog(folder: &Path, messages: usize, lanes: usize) -> Option<PathBuf> {
    let file = folder.join(format!("backlog-{lanes}.db"));
    let store = Arc::new(SqliteStore::open(&file).await.ok()?);
    fill(&store, 0..messages, lanes).await?;
    store.close().await;
    let db = Connection::open(&file).ok()?;
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").ok()?;
    Some(file)
}

/// The time until all of a copy of the backlog is delivered.
async fn ours(backlog: &Path, messages: usize, connections: usize, address: &str) -> Option<Duration> {
    let file = backlog.with_extension("ours.db");
    std::fs::copy(backlog, &file).ok()?;
    let store = SqliteStore::open(&file).await.ok()?;
    let destination = Destination::mllp("ehr", address).connections(connections);
    let start = Instant::now();
    let sender = Sender::builder(store).destination(destination).start().await.ok()?;
    delivered(&sender, messages).await?;
    let took = start.elapsed();
    sender.shutdown(Duration::from_secs(5)).await;
    Some(took)
}

/// Waits until so many messages are delivered.
pub async fn delivered(sender: &Sender, messages: usize) -> Option<()> {
    loop {
        let counts = sender.counts().await.ok()?;
        let done = counts.iter().filter(|count| count.state() == State::Delivered);
        if done.map(|count| count.messages()).sum::<u64>() >= messages as u64 {
            return Some(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What a hand-written loop knows of the message under way.
struct UnderWay {
    number: i64,
    body: Vec<u8>,
}

/// What is to be made durable in one commit: the end of one message, and the attempt of the next of its lane.
struct Step {
    lane: Vec<u8>,
    ended: Option<(i64, Vec<u8>)>,
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}

/// Settles one message and counts the attempt of the next, as rows of the store.
fn step(db: &Connection, step: &Step) -> rusqlite::Result<Option<UnderWay>> {
    if let Some((number, acknowledgment)) = &step.ended {
        db.prepare_cached(
            "UPDATE entry SET state = 4, position = NULL, answers = answers + 1, acknowledgment = ?2,
             sent_at = ?3, answered_at = ?3, settled_at = ?3 WHERE number = ?1 AND state = 1",
        )?
        .execute(params![number, acknowledgment, now()])?;
    }
    let next = db
        .prepare_cached(
            "SELECT e.number, b.bytes, r.digest FROM entry e JOIN request r ON r.number = e.request
             JOIN body b ON b.request = e.request
             WHERE e.lane = ?1 AND e.position IS NOT NULL ORDER BY e.position LIMIT 1",
        )?
        .query_row([&step.lane], |row| {
            Ok((UnderWay { number: row.get(0)?, body: row.get(1)? }, row.get::<_, [u8; 32]>(2)?))
        });
    let Ok((next, digest)) = next else { return Ok(None) };
    if Sha256::digest(&next.body).as_slice() != digest {
        return Ok(None);
    }
    db.prepare_cached(
        "UPDATE entry SET state = 1, attempts = attempts + 1, tries = tries + 1, due_at = NULL WHERE number = ?1 AND state = 0",
    )?
    .execute([next.number])?;
    Ok(Some(next))
}

/// The tally of a commit with so many ends.
fn tally(db: &Connection, ends: usize) -> rusqlite::Result<()> {
    for (state, by) in [(0, -1), (4, 1)] {
        db.prepare_cached(
            "INSERT INTO tally VALUES ('', 'ehr', ?1, ?2) ON CONFLICT DO UPDATE SET entries = entries + ?2",
        )?
        .execute(params![state, by * ends as i64])?;
    }
    Ok(())
}

/// One message over the wire, and its acknowledgment.
async fn exchange(stream: &mut TcpStream, body: &[u8], held: &mut Vec<u8>) -> Option<Vec<u8>> {
    let block = [b"\x0b", body, END].concat();
    stream.write_all(&block).await.ok()?;
    held.clear();
    while !held.ends_with(END) {
        if stream.read_buf(held).await.ok()? == 0 {
            return None;
        }
    }
    Some(held.get(1..held.len() - 2)?.to_vec())
}

fn open(backlog: &Path) -> Option<(Connection, Vec<Vec<u8>>)> {
    let file = backlog.with_extension("hand.db");
    std::fs::copy(backlog, &file).ok()?;
    let db = Connection::open(file).ok()?;
    db.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL").ok()?;
    // As the store does it: a plan that does not depend on the values is made once.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).ok()?;
    let lanes = db
        .prepare("SELECT DISTINCT lane FROM entry")
        .ok()?
        .query_map([], |row| row.get(0))
        .ok()?
        .flatten()
        .collect();
    Some((db, lanes))
}

/// One lane by hand: the loop does everything itself, one commit a message.
async fn one_by_hand(backlog: &Path, address: &str) -> Option<Duration> {
    let (db, lanes) = open(backlog)?;
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (mut held, mut ended) = (Vec::new(), None);
    let lane = lanes.into_iter().next()?;
    loop {
        let ends = usize::from(ended.is_some());
        let commit = || {
            db.execute_batch("BEGIN IMMEDIATE")?;
            let next = step(&db, &Step { lane: lane.clone(), ended: ended.take() })?;
            tally(&db, ends)?;
            db.execute_batch("COMMIT").map(|()| next)
        };
        let Some(next) = tokio::task::block_in_place(commit).ok()? else { return Some(start.elapsed()) };
        ended = Some((next.number, exchange(&mut stream, &next.body, &mut held).await?));
    }
}

type Order = (Step, oneshot::Sender<Option<UnderWay>>);

/// Many lanes by hand: the same steps, in one transaction for all that wait.
async fn many_by_hand(backlog: &Path, connections: usize, address: &str) -> Option<Duration> {
    let (db, lanes) = open(backlog)?;
    let start = Instant::now();
    let lanes = Arc::new(Mutex::new(VecDeque::from(lanes)));
    let (send, orders) = mpsc::channel::<Order>(1024);
    let writer = std::thread::spawn(move || commit_groups(&db, orders));
    let loops: Vec<_> = (0..connections)
        .map(|_| {
            let (lanes, send, address) = (Arc::clone(&lanes), send.clone(), address.to_owned());
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.ok()?;
                stream.set_nodelay(true).ok()?;
                let mut held = Vec::new();
                loop {
                    let Some(lane) = lanes.lock().ok()?.pop_front() else { return Some(()) };
                    let mut ended = None;
                    loop {
                        let (reply, next) = oneshot::channel();
                        send.send((Step { lane: lane.clone(), ended: ended.take() }, reply)).await.ok()?;
                        let Some(next) = next.await.ok()? else { break };
                        ended = Some((next.number, exchange(&mut stream, &next.body, &mut held).await?));
                    }
                }
            })
        })
        .collect();
    drop(send);
    for one in loops {
        one.await.ok()??;
    }
    writer.join().ok()?.ok()?;
    Some(start.elapsed())
}

fn commit_groups(db: &Connection, mut orders: mpsc::Receiver<Order>) -> rusqlite::Result<()> {
    while let Some(first) = orders.blocking_recv() {
        db.execute_batch("BEGIN IMMEDIATE")?;
        let (mut done, mut next, mut ends) = (Vec::new(), Some(first), 0);
        while let Some((order, reply)) = next {
            ends += usize::from(order.ended.is_some());
            done.push((step(db, &order)?, reply));
            next = orders.try_recv().ok();
        }
        tally(db, ends)?;
        db.execute_batch("COMMIT")?;
        for (step, reply) in done {
            let _ = reply.send(step);
        }
    }
    Ok(())
}

fn show(name: &str, messages: usize, took: Duration) -> f64 {
    let rate = messages as f64 / took.as_secs_f64();
    println!("  {name:<52} {rate:>10.0} messages/s");
    rate
}

async fn one_lane(folder: &Path) -> Option<()> {
    const MESSAGES: usize = 3_000;
    let (file, address) = (backlog(folder, MESSAGES, 1).await?, receiver(Duration::ZERO).await?);
    let (mut hand, mut best) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        hand = hand.min(one_by_hand(&file, &address).await?);
        best = best.min(ours(&file, MESSAGES, 1, &address).await?);
    }
    println!("Durable delivery, one lane, {MESSAGES} messages");
    let (hand, best) = (show("the same facts by hand", MESSAGES, hand), show("hl7-sender", MESSAGES, best));
    println!("  ours is {:.2}x of it (bar 0.70x)", best / hand);
    Some(())
}

async fn many_lanes(folder: &Path) -> Option<()> {
    const MESSAGES: usize = 12_800;
    let (file, address) = (backlog(folder, MESSAGES, 64).await?, receiver(Duration::ZERO).await?);
    let (mut hand, mut best) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        hand = hand.min(many_by_hand(&file, 16, &address).await?);
        best = best.min(ours(&file, MESSAGES, 16, &address).await?);
    }
    println!("Durable delivery, 64 lanes over 16 connections, {MESSAGES} messages");
    let (hand, best) = (show("the same facts by hand", MESSAGES, hand), show("hl7-sender", MESSAGES, best));
    println!("  ours is {:.2}x of it (bar 0.60x)", best / hand);
    Some(())
}

async fn slow_receiver(folder: &Path) -> Option<()> {
    const ONE: usize = 100;
    const MANY: usize = 1_600;
    let address = receiver(Duration::from_millis(20)).await?;
    let (one, many) = (backlog(folder, ONE, 1).await?, backlog(folder, MANY, 64).await?);
    let (mut single, mut all) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        single = single.min(ours(&one, ONE, 1, &address).await?);
        all = all.min(ours(&many, MANY, 16, &address).await?);
    }
    println!("Durable delivery to a receiver that answers after 20 ms");
    let (single, all) = (show("one lane", ONE, single), show("64 lanes over 16 connections", MANY, all));
    println!("  many lanes are {:.1}x of one (bar 14x)", all / single);
    Some(())
}

async fn ten_thousand_lanes(folder: &Path) -> Option<()> {
    const LANES: usize = 10_000;
    const MESSAGES: usize = 20_000;
    let (few, many) = (backlog(folder, MESSAGES, 64).await?, backlog(folder, MESSAGES, LANES).await?);
    let address = receiver(Duration::ZERO).await?;
    let few = ours(&few, MESSAGES, 16, &address).await?;
    let many = ours(&many, MESSAGES, 16, &address).await?;
    println!("Durable delivery, {MESSAGES} messages over 16 connections");
    let (few, many) = (show("64 lanes", MESSAGES, few), show("10,000 lanes", MESSAGES, many));
    println!("  10,000 lanes are {:.2}x of 64", many / few);
    Some(())
}

async fn measure() -> Option<()> {
    let folder = tempfile::tempdir().ok()?;
    one_lane(folder.path()).await?;
    many_lanes(folder.path()).await?;
    slow_receiver(folder.path()).await?;
    ten_thousand_lanes(folder.path()).await
}

/// The bars of delivery.
pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    if runtime.ok().and_then(|runtime| runtime.block_on(measure())).is_none() {
        println!("Durable delivery: could not be measured");
    }
}
