//! Scripted peers on real sockets, and the bytes they speak.

use std::io;
use std::time::Duration;

use hl7_mllp::{Reply, Request, ServeError, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// No test waits longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A message with this control ID.
pub(crate) fn message(id: &str) -> String {
    format!(
        "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405||ADT^A08^ADT_A01|{id}|P|2.5.1\rPID|1||7^^^H^MR||Doe^Ann\r"
    )
}

/// The same in enhanced mode, with these MSH-15 and MSH-16.
pub(crate) fn enhanced(id: &str, accept: &str, application: &str) -> String {
    format!(
        "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405||ADT^A08^ADT_A01|{id}|P|2.5.1|||{accept}|{application}\rPID|1\r"
    )
}

/// An acknowledgment with this MSA-1 and MSA-2.
pub(crate) fn ack(code: &str, id: &str) -> String {
    format!("MSH|^~\\&|EHR|NORTH|LAB|NORTH|20260102030406||ACK^A08^ACK|a-1|P|2.5.1\rMSA|{code}|{id}\r")
}

/// The content as a block.
pub(crate) fn framed(content: impl AsRef<[u8]>) -> Vec<u8> {
    [&[0x0B], content.as_ref(), &[0x1C, 0x0D]].concat()
}

/// Starts a peer that runs `script` over its one listening socket, and gives its address.
pub(crate) async fn scripted<F, Fut>(script: F) -> String
where
    F: FnOnce(Peer) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    tokio::spawn(script(Peer { listener }));
    addr
}

/// A peer that answers the first message with these bytes and then only listens.
pub(crate) async fn answering(bytes: Vec<u8>) -> String {
    scripted(|peer| async move {
        let mut stream = peer.accept().await;
        stream.block().await;
        stream.send(&bytes).await;
        stream.until_closed().await;
    })
    .await
}

/// The listening end of a script.
pub(crate) struct Peer {
    listener: TcpListener,
}

impl Peer {
    pub(crate) async fn accept(&self) -> Stream {
        Stream { stream: self.listener.accept().await.unwrap().0 }
    }
}

/// One connection, without any of the code under test.
pub(crate) struct Stream {
    stream: TcpStream,
}

impl Stream {
    pub(crate) async fn connect(addr: &str) -> Self {
        Self { stream: TcpStream::connect(addr).await.unwrap() }
    }

    /// The content of the next block; panics at the end of the stream.
    pub(crate) async fn block(&mut self) -> String {
        self.block_or_end().await.expect("a block")
    }

    /// The content of the next block, `None` at the end of the stream.
    pub(crate) async fn block_or_end(&mut self) -> Option<String> {
        tokio::time::timeout(PATIENCE, self.read_block()).await.expect("an answer in time")
    }

    async fn read_block(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(&[0x1C, 0x0D]) {
            match self.stream.read_u8().await {
                Ok(byte) => bytes.push(byte),
                Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => {
                    assert_eq!(bytes, b"", "the stream ended inside a block");
                    return None;
                }
                Err(why) => panic!("the connection broke: {why}"),
            }
        }
        assert_eq!(bytes.first(), Some(&0x0B));
        Some(String::from_utf8(bytes[1..bytes.len() - 2].to_vec()).unwrap())
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// As `send`, when the other side may have gone.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Reads and drops until the other side closes or resets.
    pub(crate) async fn until_closed(&mut self) {
        let mut sink = [0; 4096];
        let closed = async { while matches!(self.stream.read(&mut sink).await, Ok(n) if n > 0) {} };
        tokio::time::timeout(PATIENCE, closed).await.expect("the other side closes in time");
    }

    /// Whether a byte comes before the other side closes or resets.
    pub(crate) async fn is_answered(&mut self) -> bool {
        let answered = self.stream.read_u8();
        tokio::time::timeout(PATIENCE, answered).await.expect("an answer or an end in time").is_ok()
    }

    /// Reads and drops so many bytes.
    pub(crate) async fn skip(&mut self, bytes: usize) {
        self.stream.read_exact(&mut vec![0; bytes]).await.unwrap();
    }

    /// Reads and drops up to and with these bytes.
    pub(crate) async fn until(&mut self, end: &[u8]) {
        let mut last = Vec::new();
        while !last.ends_with(end) {
            last.push(self.stream.read_u8().await.unwrap());
        }
    }

    /// Sends the end of the stream and goes on reading.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Resets the connection.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// A running listener.
pub(crate) struct Listening {
    pub(crate) addr: String,
    pub(crate) served: JoinHandle<Result<(), ServeError>>,
}

/// Serves in the background with this handler.
pub(crate) async fn listening<F, Fut>(builder: hl7_mllp::ServerBuilder, handler: F) -> Listening
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Reply> + Send + 'static,
{
    let server = builder.bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().unwrap().to_string();
    Listening { addr, served: tokio::spawn(server.serve(handler)) }
}

/// A listener with the defaults that accepts everything.
pub(crate) async fn accepting() -> Listening {
    listening(Server::builder(), |req| async move { Reply::accept(&req) }).await
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.served.abort();
    }
}

/// MSA of an acknowledgment, as sent.
pub(crate) fn msa(ack: &str) -> &str {
    ack.split('\r').find(|line| line.starts_with("MSA|")).expect("an MSA segment")
}
