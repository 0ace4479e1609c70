//! The listener beside a hand-written echo of the same blocks, and what ten thousand idle connections hold.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use hl7_mllp::{Reply, Request, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::measure::{compare, contender};
use crate::samples;

const CONNECTIONS: usize = 100;
const MESSAGES: usize = 50;
const IDLE: usize = 10_000;
const MOST_IDLE_MEGABYTES: usize = 200;
/// The argument with which this program is only the other side of idle connections.
pub const IDLE_SENDERS: &str = "idle-senders";

fn block() -> Vec<u8> {
    [&[0x0B], samples::adt().as_bytes(), &[0x1C, 0x0D]].concat()
}

/// Reads up to the end of a block; false at the end of the stream.
pub(crate) async fn read_block(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    while !buffer.ends_with(&[0x1C, 0x0D]) {
        match stream.read_buf(buffer).await {
            Ok(read) if read > 0 => {}
            _ => return false,
        }
    }
    true
}

/// Sends every message of every connection, each after the answer to the one before.
async fn load(address: SocketAddr, block: &[u8]) -> usize {
    let connection = |block: Vec<u8>| async move {
        let Ok(mut stream) = TcpStream::connect(address).await else { return 0 };
        let _ = stream.set_nodelay(true);
        let mut buffer = Vec::new();
        for answered in 0..MESSAGES {
            if stream.write_all(&block).await.is_err() || !read_block(&mut stream, &mut buffer).await {
                return answered;
            }
        }
        MESSAGES
    };
    let tasks: Vec<_> = (0..CONNECTIONS).map(|_| tokio::spawn(connection(block.to_vec()))).collect();
    let mut answered = 0;
    for task in tasks {
        answered += task.await.unwrap_or_default();
    }
    answered
}

async fn echo() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let mut buffer = Vec::new();
                while read_block(&mut stream, &mut buffer).await && stream.write_all(&buffer).await.is_ok() {}
            });
        }
    });
    Ok(address)
}

async fn listener() -> Result<SocketAddr, Box<dyn std::error::Error>> {
    let server = Server::builder().max_connections(IDLE + CONNECTIONS).bind("127.0.0.1:0").await?;
    let address = server.local_addr()?;
    tokio::spawn(server.serve(|request: Request| async move { Reply::accept(&request) }));
    Ok(address)
}

/// Resident memory of this process, in megabytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next())
        .and_then(|kilobytes| kilobytes.parse::<usize>().ok())
        .unwrap_or_default()
        / 1024
}

/// Opens connections and holds them until standard input ends. Each has sent one message and has its answer.
pub fn idle_senders(address: &str) {
    let Ok(runtime) = Runtime::new() else { return };
    let held = runtime.block_on(async {
        let block = block();
        let mut held = Vec::new();
        let mut buffer = Vec::new();
        for _ in 0..IDLE {
            let Ok(mut stream) = TcpStream::connect(address).await else { break };
            if stream.write_all(&block).await.is_err() || !read_block(&mut stream, &mut buffer).await {
                break;
            }
            held.push(stream);
        }
        held
    });
    println!("{}", held.len());
    let _ = std::io::stdout().flush();
    let _ = std::io::stdin().lines().next();
}

/// How many connections were held, and the memory they took, in megabytes.
fn idle(runtime: &Runtime) -> Result<(usize, usize), Box<dyn std::error::Error>> {
    let address = runtime.block_on(listener())?;
    let before = resident();
    let mut other = Command::new(std::env::current_exe()?)
        .args([IDLE_SENDERS, &address.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    if let Some(out) = other.stdout.take() {
        BufReader::new(out).read_line(&mut line)?;
    }
    let taken = resident().saturating_sub(before);
    drop(other.stdin.take());
    other.wait()?;
    Ok((line.trim().parse()?, taken))
}

/// The listener's bars.
pub fn run() {
    let (Ok(runtime), block) = (Runtime::new(), block()) else { return };
    let (Ok(ours), Ok(hand)) = (runtime.block_on(listener()), runtime.block_on(echo())) else { return };
    assert_eq!(runtime.block_on(load(ours, &block)), CONNECTIONS * MESSAGES, "every message is answered");
    compare(
        &format!("{CONNECTIONS} connections, {MESSAGES} messages on each, one by one"),
        vec![
            contender("hl7-mllp, parsed and acknowledged", || runtime.block_on(load(ours, &block))),
            contender("a hand-written echo (bar 1.43x)", || runtime.block_on(load(hand, &block))),
        ],
    );
    match idle(&runtime) {
        Ok((held, megabytes)) => {
            println!(
                "{held} idle connections: {megabytes} MB resident (bar {MOST_IDLE_MEGABYTES} MB for {IDLE})"
            );
        }
        Err(why) => println!("{IDLE} idle connections could not be held: {why}"),
    }
}
