//! Receivers: a scripted one that answers as it is told, on a socket of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver as Inbox, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hl7_core::{Ack, AckCode, Message, path};

/// What a receiver does with a message.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Code(AckCode),
    Bytes(&'static [u8]),
    Silence,
    Close,
}

/// A receiver that takes MLLP connections until it is dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    inbox: Inbox<Message<'static>>,
    stop: Arc<Mutex<bool>>,
}

impl Receiver {
    pub(crate) fn start(answer: Answer) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), answer)
    }

    /// Listens at an address where there may have been one before.
    pub(crate) fn at(address: SocketAddr, answer: Answer) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new(answer));
        let stop = Arc::new(Mutex::new(false));
        let (tell, inbox) = mpsc::channel();
        let (how, stopped) = (Arc::clone(&answer), Arc::clone(&stop));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if *stopped.lock().unwrap() {
                    return;
                }
                let (how, tell) = (Arc::clone(&how), tell.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &how, &tell));
            }
        });
        Self { address, answer, inbox, stop }
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// The next message, in the order they came.
    pub(crate) fn next(&self) -> Option<Message<'static>> {
        self.inbox.recv_timeout(Duration::from_secs(20)).ok()
    }

    /// The control ID of the next message.
    pub(crate) fn next_id(&self) -> Option<String> {
        self.next().map(|msg| msg.get(path!("MSH-10")).unwrap().text().into_owned())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        *self.stop.lock().unwrap() = true;
        // Wakes the accepting thread, which ends and closes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut stream: TcpStream, how: &Mutex<Answer>, tell: &Sender<Message<'static>>) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        while let Some(end) = bytes.windows(2).position(|two| two == b"\x1C\r") {
            let block: Vec<u8> = bytes.drain(..end + 2).collect();
            let content = &block[1..end];
            let msg = Message::from_bytes(content).unwrap().into_owned();
            let answer = *how.lock().unwrap();
            let reply = match answer {
                Answer::Code(code) => {
                    framed(&Ack::to(&msg, code).text("as scripted").build().to_wire().unwrap())
                }
                Answer::Bytes(bytes) => framed(bytes),
                Answer::Silence | Answer::Close => Vec::new(),
            };
            if tell.send(msg).is_err() || matches!(answer, Answer::Close) {
                return;
            }
            if stream.write_all(&reply).is_err() {
                return;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
        }
    }
}

fn framed(content: &[u8]) -> Vec<u8> {
    [b"\x0B", content, b"\x1C\r"].concat()
}
