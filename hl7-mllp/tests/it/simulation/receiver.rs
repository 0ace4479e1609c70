//! A receiver that speaks the wire by itself: at each message its dice say whether it answers properly, late, wrongly or not at all.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use turmoil::net::{TcpListener, TcpStream};

use super::ledger::Ledger;
use super::{ACK_TIMEOUT, PORT};
use crate::peer::{ack, framed};

/// How a receiver answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Manners {
    /// Accepts every message at once, in pieces as they come.
    Proper,
    /// Does all that receivers were seen to do.
    Hostile,
    /// As hostile, and without MSA-2 in its answers.
    Anonymous,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Move {
    Accept,
    AcceptInPieces,
    AcceptLate,
    AcceptTwice,
    AcceptAndClose,
    Refuse,
    Drop,
    Close,
    AnswerTheOneBefore,
    AnswerAPrefix,
    AnswerNonsense,
}

/// Accepts connections for ever.
pub(super) async fn receive(manners: Manners, ledger: Ledger, seed: u64) -> turmoil::Result {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    let mut dice = fastrand::Rng::with_seed(seed);
    loop {
        let (stream, _) = listener.accept().await?;
        let connection =
            Connection { stream, manners, ledger: ledger.clone(), dice: dice.fork(), before: String::new() };
        tokio::spawn(connection.run());
    }
}

struct Connection {
    stream: TcpStream,
    manners: Manners,
    ledger: Ledger,
    dice: fastrand::Rng,
    /// The control ID before the one at hand.
    before: String,
}

impl Connection {
    /// Answers until the connection ends, which is no failure here.
    async fn run(mut self) {
        while let Some(id) = self.next_id().await {
            self.ledger.saw(&id);
            if self.answer(&id).await.is_none() {
                return;
            }
            self.before = id;
        }
    }

    /// MSH-10 of the next block.
    async fn next_id(&mut self) -> Option<String> {
        let mut block = Vec::new();
        while !block.ends_with(&[0x1C, 0x0D]) {
            block.push(self.stream.read_u8().await.ok()?);
        }
        let text = String::from_utf8(block).expect("a message in UTF-8");
        Some(text.split('|').nth(9).expect("MSH-10").to_owned())
    }

    fn next_move(&mut self) -> Move {
        use Move as M;
        let moves: &[Move] = match self.manners {
            Manners::Proper => &[M::Accept, M::AcceptInPieces],
            Manners::Hostile => &[
                M::Accept,
                M::Accept,
                M::AcceptInPieces,
                M::AcceptLate,
                M::AcceptTwice,
                M::AcceptAndClose,
                M::Refuse,
                M::Drop,
                M::Close,
                M::AnswerTheOneBefore,
                M::AnswerAPrefix,
                M::AnswerNonsense,
            ],
            Manners::Anonymous => {
                &[M::Accept, M::Accept, M::AcceptInPieces, M::AcceptLate, M::Drop, M::Close]
            }
        };
        *self.dice.choice(moves).expect("there are moves")
    }

    async fn answer(&mut self, id: &str) -> Option<()> {
        match self.next_move() {
            Move::Accept => self.accept(id, 1).await,
            Move::AcceptInPieces => {
                let pieces = self.dice.usize(2..8);
                self.accept(id, pieces).await
            }
            Move::AcceptLate => {
                tokio::time::sleep(ACK_TIMEOUT.mul_f64(0.9 + self.dice.f64())).await;
                self.accept(id, 1).await
            }
            Move::AcceptTwice => {
                self.accept(id, 1).await?;
                self.accept(id, 1).await
            }
            Move::AcceptAndClose => {
                self.accept(id, 1).await?;
                None
            }
            Move::Refuse => self.send(ack("AE", id), 1).await,
            Move::Drop => Some(()),
            Move::Close => None,
            Move::AnswerTheOneBefore => self.send(ack("AA", &self.before), 1).await,
            Move::AnswerAPrefix => self.send(ack("AA", id.get(..id.len() - 1)?), 1).await,
            Move::AnswerNonsense => self.send("<html>busy</html>".to_owned(), 1).await,
        }
    }

    async fn accept(&mut self, id: &str, pieces: usize) -> Option<()> {
        self.ledger.accepted(id);
        let named = if self.manners == Manners::Anonymous { "" } else { id };
        self.send(ack("AA", named), pieces).await
    }

    /// Writes a block in so many pieces, with pauses that are short in all.
    async fn send(&mut self, content: String, pieces: usize) -> Option<()> {
        let block = framed(content);
        for piece in block.chunks(block.len().div_ceil(pieces)) {
            self.stream.write_all(piece).await.ok()?;
            if pieces > 1 {
                tokio::time::sleep(Duration::from_millis(self.dice.u64(0..30))).await;
            }
        }
        Some(())
    }
}
