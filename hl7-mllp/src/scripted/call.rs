//! A scripted sender, for the tests of listeners.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{END, START};

/// More than this is not kept of what is heard.
const MOST_HEARD: usize = 1024 * 1024;

/// What a scripted sender does on a connection. Each method adds an act; the named ones are whole.
///
/// ```
/// use std::time::Duration;
/// use hl7_mllp::scripted::Call;
/// use hl7_mllp::{Reply, Request, Server};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let server = Server::bind("127.0.0.1:0").await?;
/// let addr = server.local_addr()?.to_string();
/// tokio::spawn(server.serve(|req: Request| async move { Reply::accept(&req) }));
///
/// let heard = Call::pipelining(3).to(&addr, Duration::from_secs(5)).await?;
/// assert_eq!(heard.acknowledged(), ["AA call-1", "AA call-2", "AA call-3"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Call {
    acts: Vec<Act>,
    answers: usize,
}

#[derive(Clone)]
enum Act {
    Send(Vec<u8>),
    Slowly(Vec<u8>, usize, Duration),
    Repeat(u8, usize),
    Pause(Duration),
    Finish,
    Reset,
}

/// What came back.
#[derive(Clone, Default)]
pub struct Heard {
    bytes: Vec<u8>,
    closed: bool,
    written: bool,
}

impl Call {
    /// A sender that has yet to do something. It listens until the peer closes, or to the end of its time.
    pub fn new() -> Self {
        Self::default()
    }

    /// A message with this control ID, of a patient who is none.
    pub fn message(control_id: &str) -> String {
        format!(
            "MSH|^~\\&|CALL|TEST|PEER|TEST|20260102030405||ADT^A08^ADT_A01|{control_id}|T|2.5.1\rPID|1||7^^^TEST^MR\r"
        )
    }

    /// Sends the content as a block.
    pub fn block(self, content: impl AsRef<[u8]>) -> Self {
        self.bytes(framed(content.as_ref()))
    }

    /// Sends these bytes.
    pub fn bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.act(Act::Send(bytes.into()))
    }

    /// Sends these bytes, so many at a time, with a pause behind each piece.
    pub fn slowly(self, bytes: impl Into<Vec<u8>>, at_a_time: usize, pause: Duration) -> Self {
        self.act(Act::Slowly(bytes.into(), at_a_time.max(1), pause))
    }

    /// Sends the byte so many times.
    pub fn repeat(self, byte: u8, times: usize) -> Self {
        self.act(Act::Repeat(byte, times))
    }

    /// Does nothing for so long.
    pub fn pause(self, time: Duration) -> Self {
        self.act(Act::Pause(time))
    }

    /// Sends the end of the stream, and goes on listening.
    pub fn finish(self) -> Self {
        self.act(Act::Finish)
    }

    /// Resets the connection.
    pub fn reset(self) -> Self {
        self.act(Act::Reset)
    }

    /// Stops listening when so many answers have come.
    pub fn until_answers(mut self, count: usize) -> Self {
        self.answers = count;
        self
    }

    fn act(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }
}

/// Senders as one meets them. Control IDs are `call-1`, `call-2` and so on.
impl Call {
    /// One message.
    pub fn proper() -> Self {
        Self::pipelining(1)
    }

    /// So many messages in one write, without waiting for an acknowledgment.
    pub fn pipelining(messages: usize) -> Self {
        let blocks = (1..=messages).flat_map(|n| framed(Self::message(&format!("call-{n}")).as_bytes()));
        Self::new().bytes(blocks.collect::<Vec<u8>>()).until_answers(messages)
    }

    /// A message, a byte at a time with this pause between.
    pub fn slow_loris(pause: Duration) -> Self {
        Self::new().slowly(framed(Self::message("call-1").as_bytes()), 1, pause).until_answers(1)
    }

    /// A message, a byte at a time but without a pause.
    pub fn fragmenting() -> Self {
        Self::slow_loris(Duration::ZERO)
    }

    /// Connects and says nothing.
    pub fn silent() -> Self {
        Self::new()
    }

    /// A block without its end, then silence.
    pub fn without_end() -> Self {
        Self::new().bytes(unended("call-1"))
    }

    /// Half a block, then the end of the stream.
    pub fn half_block() -> Self {
        Self::without_end().finish()
    }

    /// Half a block, then a reset.
    pub fn half_block_then_reset() -> Self {
        Self::without_end().pause(Duration::from_millis(20)).reset()
    }

    /// So many bytes that belong to no block, then a message.
    pub fn garbage_first(bytes: usize) -> Self {
        Self::new().repeat(b' ', bytes).block(Self::message("call-1")).until_answers(1)
    }

    /// One block with so many bytes in its last field.
    pub fn oversized(bytes: usize) -> Self {
        let start = [&[START], Self::message("call-1").as_bytes(), b"NTE|1||"].concat();
        let end = [&b"\r"[..], &END].concat();
        Self::new().bytes(start).repeat(b'x', bytes).bytes(end).until_answers(1)
    }

    /// A start block character inside a message.
    pub fn start_block_inside() -> Self {
        Self::inside(b"\x0B")
    }

    /// An end block character alone inside a message.
    pub fn end_block_inside() -> Self {
        Self::inside(b"\x1C")
    }

    /// A block that was broken off (`call-1`), then a whole one (`call-2`).
    pub fn broken_then_good() -> Self {
        Self::without_end().block(Self::message("call-2")).until_answers(1)
    }

    /// A message whose end block character has no carriage return behind it.
    pub fn end_block_without_cr() -> Self {
        Self::new().bytes(unended("call-1")).bytes([0x1C]).until_answers(1)
    }

    /// A block that is no HL7.
    pub fn not_hl7() -> Self {
        Self::new().block("hello").until_answers(1)
    }

    fn inside(bytes: &[u8]) -> Self {
        let message = Self::message("call-1").into_bytes();
        let content = [&message[..], b"NTE|1||a", bytes, b"b\r"].concat();
        Self::new().block(content).until_answers(1)
    }
}

/// Calling.
impl Call {
    /// Connects to `host:port`, does all of it, and listens. It is over when the peer closes, when the answers asked for have come, or
    /// after the time given.
    ///
    /// # Errors
    /// When there is no connection in that time. That the peer closes or takes no more is none: see [`Heard`].
    pub async fn to(&self, addr: &str, within: Duration) -> io::Result<Heard> {
        let until = Instant::now() + within;
        let mut stream = timeout_at(until, TcpStream::connect(addr)).await??;
        let _ = stream.set_nodelay(true);
        let heard = self.over(&mut stream, within).await;
        if self.resets() {
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
        Ok(heard)
    }

    /// The same over a connection that is there already, such as one with TLS.
    pub async fn over<S>(&self, stream: &mut S, within: Duration) -> Heard
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let (mut from, mut to) = tokio::io::split(stream);
        let (mut heard, mut written) = (Heard::default(), false);
        let resets = self.resets();
        let speak = async {
            written = self.speak(&mut to).await.is_ok();
            if !resets {
                std::future::pending::<()>().await;
            }
        };
        let talk = async {
            tokio::select! {
                biased;
                () = speak => {}
                () = listen(&mut from, self.answers, &mut heard) => {}
            }
        };
        let _ = timeout(within, talk).await;
        heard.written = written;
        heard
    }

    fn resets(&self) -> bool {
        self.acts.iter().any(|act| matches!(act, Act::Reset))
    }

    async fn speak(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        for act in &self.acts {
            match act {
                Act::Send(bytes) => to.write_all(bytes).await?,
                Act::Slowly(bytes, at_a_time, pause) => {
                    for piece in bytes.chunks(*at_a_time) {
                        to.write_all(piece).await?;
                        to.flush().await?;
                        rest(*pause).await;
                    }
                }
                Act::Repeat(byte, times) => repeat(to, *byte, *times).await?,
                Act::Pause(time) => sleep(*time).await,
                Act::Finish => to.shutdown().await?,
                Act::Reset => return Ok(()),
            }
            to.flush().await?;
        }
        Ok(())
    }
}

/// A timer is never shorter than a millisecond; no pause is none.
async fn rest(pause: Duration) {
    if pause.is_zero() { tokio::task::yield_now().await } else { sleep(pause).await }
}

async fn repeat(to: &mut (impl AsyncWrite + Unpin), byte: u8, mut times: usize) -> io::Result<()> {
    let piece = vec![byte; times.min(64 * 1024)];
    while times > 0 {
        let part = piece.get(..times.min(piece.len())).unwrap_or_default();
        to.write_all(part).await?;
        times -= part.len();
    }
    Ok(())
}

/// Reads to the end of the stream, or until `answers` blocks are there, where that is more than none.
async fn listen(from: &mut (impl AsyncRead + Unpin), answers: usize, heard: &mut Heard) {
    let mut chunk = [0; 4096];
    while answers == 0 || heard.blocks().count() < answers {
        match from.read(&mut chunk).await {
            Ok(read) if read > 0 && heard.bytes.len() < MOST_HEARD => {
                heard.bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
            }
            _ => {
                heard.closed = true;
                return;
            }
        }
    }
}

impl Heard {
    /// MSA-1 and MSA-2 of each answer, such as `AA call-1`; `no MSA` for one without.
    pub fn acknowledged(&self) -> Vec<String> {
        self.blocks().map(acknowledged).collect()
    }

    /// Whether the peer closed or reset the connection.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the peer took all that was to be sent.
    pub fn is_written(&self) -> bool {
        self.written
    }

    /// All that came back, as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.bytes.windows(2).filter(|&two| two == END).count();
        self.bytes.split(|&byte| byte == END[0]).take(whole)
    }
}

fn acknowledged(block: &[u8]) -> String {
    let text = String::from_utf8_lossy(block);
    let Some(msa) = text.split(['\r', '\n']).find(|line| line.starts_with("MSA")) else {
        return "no MSA".to_owned();
    };
    let fields: Vec<&str> = msa.split(msa.chars().nth(3).unwrap_or('|')).collect();
    format!("{} {}", fields.get(1).unwrap_or(&""), fields.get(2).unwrap_or(&""))
}

fn framed(content: &[u8]) -> Vec<u8> {
    [&[START], content, &END].concat()
}

fn unended(control_id: &str) -> Vec<u8> {
    [&[START], Call::message(control_id).as_bytes()].concat()
}

impl fmt::Debug for Call {
    /// Leaves out what is sent: it may be a real message that a test repeats.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("acts", &self.acts.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Heard {
    /// Shows sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heard")
            .field("bytes", &self.bytes.len())
            .field("closed", &self.closed)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}
