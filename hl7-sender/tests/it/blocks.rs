//! The sender of another program: blocks on a socket, and the bytes that come back.

use std::net::SocketAddr;

use hl7_core::Message;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::peer::PATIENCE;

pub(crate) struct Wire {
    stream: TcpStream,
}

impl Wire {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap() }
    }

    pub(crate) async fn write(&mut self, text: &str) {
        let block = [b"\x0B", text.as_bytes(), b"\x1C\r"].concat();
        self.stream.write_all(&block).await.unwrap();
    }

    /// The next block's content; `None` when the connection ended before one came in full.
    pub(crate) async fn read(&mut self) -> Option<Vec<u8>> {
        let read = async {
            let mut content = Vec::new();
            loop {
                match self.stream.read_u8().await {
                    Ok(0x0B) => content.clear(),
                    Ok(0x1C) => break,
                    Ok(byte) => content.push(byte),
                    Err(_) => return None,
                }
            }
            self.stream.read_u8().await.ok().map(|_| content)
        };
        timeout(PATIENCE, read).await.expect("a block, or the end, in time")
    }

    /// Ends the connection with RST.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }
}

/// Sends a text on a connection of its own and gives the answer.
pub(crate) async fn ask(address: SocketAddr, text: &str) -> Option<Vec<u8>> {
    let mut wire = Wire::to(address).await;
    wire.write(text).await;
    wire.read().await
}

/// The code of an answer; the empty text for none.
pub(crate) fn code(answer: &Option<Vec<u8>>) -> String {
    let Some(answer) = answer else { return String::new() };
    let message = Message::from_bytes(answer).unwrap();
    message.get(hl7_core::path!("MSA-1")).unwrap().text().into_owned()
}

/// The number in ERR, and the empty text without one.
pub(crate) fn error_number(answer: &Option<Vec<u8>>) -> String {
    let message = Message::from_bytes(answer.as_ref().unwrap()).unwrap();
    message.get(hl7_core::path!("ERR-3.1")).map_or(String::new(), |value| value.text().into_owned())
}
