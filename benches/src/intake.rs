//! Messages that come in and are stored before they are answered, beside a hand-written echo of the same blocks that answers after a group commit of
//! the same rows, on the same disk.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use hl7_mllp::Server;
use hl7_sender::{Destination, Intake, Key, KeyRing, Router, Sender, SqliteStore};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use crate::listener::read_block;
use crate::outbox::{Waiting, text, write_bare};

const CONNECTIONS: usize = 64;
const EACH: usize = 200;
const ROUNDS: usize = 3;

/// Sends every message of every connection, each after the answer to the one before. The time until the last answer.
async fn load(address: SocketAddr) -> Option<Duration> {
    let connection = |number: usize| async move {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let mut buffer = Vec::new();
        for n in 0..EACH {
            let block = [&[0x0B], text(number, n).as_bytes(), &[0x1C, 0x0D]].concat();
            stream.write_all(&block).await.ok()?;
            if !read_block(&mut stream, &mut buffer).await {
                return None;
            }
        }
        Some(())
    };
    let start = Instant::now();
    let tasks: Vec<_> = (0..CONNECTIONS).map(|number| tokio::spawn(connection(number))).collect();
    for task in tasks {
        task.await.ok()??;
    }
    Some(start.elapsed())
}

async fn ours(folder: &Path, encrypted: bool) -> Option<Duration> {
    let store = SqliteStore::open(folder.join(if encrypted { "sealed.db" } else { "ours.db" })).await.ok()?;
    // Nothing listens there: this measures what comes in.
    let builder = Sender::builder(store).destination(Destination::mllp("ehr", "127.0.0.1:9"));
    let builder = match encrypted {
        true => builder.encrypt(KeyRing::new("k".parse().ok()?, Key::from_bytes([7; Key::BYTES]))),
        false => builder,
    };
    let sender = builder.start().await.ok()?;
    let intake = Intake::new(&sender, Router::to(["ehr"])).ok()?;
    let server = Server::bind("127.0.0.1:0").await.ok()?;
    let address = server.local_addr().ok()?;
    let serving = tokio::spawn(server.serve(intake.handler()));
    let took = load(address).await?;
    assert_eq!(intake.meter().read().taken as usize, CONNECTIONS * EACH, "every message is stored");
    serving.abort();
    sender.shutdown(Duration::from_secs(5)).await;
    Some(took)
}

/// Answers each block with itself once its row is durable.
async fn echo(listener: TcpListener, rows: mpsc::Sender<Waiting<Vec<u8>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let rows = rows.clone();
        tokio::spawn(async move {
            let mut buffer = Vec::new();
            while read_block(&mut stream, &mut buffer).await {
                let (done, durable) = oneshot::channel();
                let kept = rows.send((buffer.clone(), done)).await.is_ok() && durable.await.is_ok();
                if !kept || stream.write_all(&buffer).await.is_err() {
                    return;
                }
            }
        });
    }
}

async fn by_hand(folder: &Path) -> Option<Duration> {
    let (send, rows) = mpsc::channel::<Waiting<Vec<u8>>>(1024);
    let file = folder.join("hand.db");
    let writer = std::thread::spawn(move || write_bare(&file, rows));
    let listener = TcpListener::bind("127.0.0.1:0").await.ok()?;
    let address = listener.local_addr().ok()?;
    let serving = tokio::spawn(echo(listener, send));
    let took = load(address).await?;
    serving.abort();
    let _ = serving.await;
    writer.join().ok()?.ok()?;
    Some(took)
}

async fn measure() -> Option<()> {
    let mut best = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().ok()?;
        let took = [
            by_hand(folder.path()).await?,
            ours(folder.path(), false).await?,
            ours(folder.path(), true).await?,
        ];
        best.iter_mut().zip(took).for_each(|(best, took)| *best = took.min(*best));
    }
    let rate = |took: Duration| (CONNECTIONS * EACH) as f64 / took.as_secs_f64();
    let hand = rate(best[0]);
    println!("Stored and then answered, {CONNECTIONS} connections, {EACH} messages on each, one by one");
    println!("  {:<44} {hand:>12.0} messages/s", "an echo behind a group commit, by hand");
    for (name, took) in [("hl7-sender's intake", best[1]), ("the same, encrypted", best[2])] {
        println!("  {name:<44} {:>12.0} messages/s   {:.2}x of it", rate(took), rate(took) / hand);
    }
    Some(())
}

/// How fast messages come in.
pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    if runtime.ok().and_then(|runtime| runtime.block_on(measure())).is_none() {
        println!("Stored and then answered: could not be measured");
    }
}
