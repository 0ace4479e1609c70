//! Plays a script over one connection, whatever carries it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::act::{Act, Order, Reading};
use super::answer::Answer;
use super::header::Header;
use super::script::Script;
use super::seen::Seen;
use super::{END, START};

/// How long messages that come without waiting are gathered before they are answered in another order.
const GATHER: Duration = Duration::from_millis(60);
/// What one read can bring.
const READ: usize = 64 * 1024;
/// More than this is not kept of what is no block yet.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// How a script wants its connection to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Ending {
    /// Close it in order.
    Close,
    /// Close what is below TLS, without its end.
    Cut,
    /// Reset it, where it is TCP.
    Reset,
    /// The other side has gone.
    Gone,
}

/// Plays `script` over a connection that is there already, such as one with TLS, until it ends. What it sees goes to `seen`.
///
/// The wait for the other side is at most [`Script::idle`]; dropping the future ends the play.
pub async fn perform<S>(stream: &mut S, script: &Script, seen: &Seen) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    seen.connection();
    let mut play = Play { stream, script, seen, buf: Vec::new(), scanned: 0, messages: Vec::new() };
    match play.run().await {
        Ok(()) => Ending::Close,
        Err(ending) => ending,
    }
}

struct Play<'a, S> {
    stream: &'a mut S,
    script: &'a Script,
    seen: &'a Seen,
    buf: Vec<u8>,
    /// So many bytes of the buffer hold no end of a block.
    scanned: usize,
    /// The messages of this connection so far.
    messages: Vec<Header>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Play<'_, S> {
    async fn run(&mut self) -> Result<(), Ending> {
        self.play(&self.script.opening, 0).await?;
        loop {
            let first = self.messages.len();
            self.next_message().await?;
            if self.script.order != Order::AsSent {
                while let Ok(read) = timeout(GATHER, self.next_message()).await {
                    read?;
                }
            }
            for number in in_order(self.script.order, first, self.messages.len()) {
                self.play(&self.script.turn, number).await?;
            }
        }
    }

    async fn play(&mut self, acts: &[Act], message: usize) -> Result<(), Ending> {
        for act in acts {
            match act {
                Act::Send(answer) => self.send(answer, message).await?,
                Act::SendToAll(answer) => {
                    for message in 0..=message {
                        self.send(answer, message).await?;
                    }
                }
                Act::Pause(time) => sleep(*time).await,
                Act::SendForEver => self.send_for_ever().await?,
                Act::Close => return Err(Ending::Close),
                Act::Cut => return Err(Ending::Cut),
                Act::Reset => return Err(Ending::Reset),
                Act::Hold => self.hold().await?,
            }
        }
        Ok(())
    }

    async fn send(&mut self, answer: &Answer, message: usize) -> Result<(), Ending> {
        let none = Header::none();
        let to = self.messages.get(message).unwrap_or(&none);
        let before = message.checked_sub(1).and_then(|before| self.messages.get(before));
        let bytes = answer.written(to, before, self.seen.answer());
        let (size, pause) = answer.pieces().unwrap_or((bytes.len().max(1), Duration::ZERO));
        for piece in bytes.chunks(size) {
            self.stream.write_all(piece).await.map_err(gone)?;
            self.stream.flush().await.map_err(gone)?;
            if !pause.is_zero() {
                sleep(pause).await;
            }
        }
        Ok(())
    }

    async fn send_for_ever(&mut self) -> Result<(), Ending> {
        self.stream.write_all(&[START]).await.map_err(gone)?;
        loop {
            self.stream.write_all(&[b'x'; 16 * 1024]).await.map_err(gone)?;
        }
    }

    async fn hold(&mut self) -> Result<(), Ending> {
        loop {
            self.buf.clear();
            self.read().await?;
        }
    }

    /// Reads until there is a message more.
    async fn next_message(&mut self) -> Result<(), Ending> {
        loop {
            if let Some(content) = self.take() {
                let Some(header) = Header::of(&content).or_else(|| self.anything()) else {
                    return Err(Ending::Close);
                };
                self.seen.message(header.control_id());
                self.messages.push(header);
                return Ok(());
            }
            if self.script.reading == Reading::ReadIsBlock {
                self.buf.clear();
            }
            self.read().await?;
        }
    }

    fn anything(&self) -> Option<Header> {
        let whatever = self.script.takes_anything || matches!(self.script.reading, Reading::Bytes(_));
        whatever.then(Header::none)
    }

    async fn read(&mut self) -> Result<(), Ending> {
        if self.script.reading == Reading::Nothing {
            sleep(self.script.idle).await;
            return Err(Ending::Close);
        }
        self.buf.reserve(READ);
        let read = timeout(self.script.idle, self.stream.read_buf(&mut self.buf)).await;
        match read.map_err(|_| Ending::Close)?.map_err(gone)? {
            0 => Err(Ending::Gone),
            _ if self.buf.len() > MOST_BYTES => Err(Ending::Close),
            _ => Ok(()),
        }
    }

    /// The content of the next message in what was read.
    fn take(&mut self) -> Option<Vec<u8>> {
        if let Reading::Bytes(count) = self.script.reading {
            return (self.buf.len() >= count.max(1)).then(|| std::mem::take(&mut self.buf));
        }
        let from = self.scanned.saturating_sub(1);
        let Some(end) = place(self.buf.get(from..)?, &END).map(|at| from + at) else {
            self.scanned = self.buf.len();
            return None;
        };
        let mut block: Vec<u8> = self.buf.drain(..end + END.len()).collect();
        self.scanned = 0;
        block.truncate(end);
        if self.script.reading == Reading::FirstOfRead {
            self.buf.clear();
        }
        let start = match self.script.reading {
            Reading::Merging => block.iter().position(|&byte| byte == START),
            _ => block.iter().rposition(|&byte| byte == START),
        };
        Some(block.split_off(start.map_or(end, |at| at + 1)))
    }
}

fn in_order(order: Order, first: usize, end: usize) -> Vec<usize> {
    match order {
        Order::AsSent => (first..end).collect(),
        Order::Reversed => (first..end).rev().collect(),
        Order::First => vec![first],
        Order::Last => vec![end.saturating_sub(1)],
    }
}

fn place(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Where the other side is gone, nobody is left to be told why.
fn gone(_: io::Error) -> Ending {
    Ending::Gone
}
