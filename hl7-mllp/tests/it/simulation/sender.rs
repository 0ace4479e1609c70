//! A sender that speaks the wire by itself and writes all its messages before it reads an answer, cut anywhere.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use turmoil::net::TcpStream;

use super::PORT;
use crate::peer::{framed, message};

pub(super) const MESSAGES: usize = 20;
/// How long it waits for the next byte.
const PATIENCE: Duration = Duration::from_secs(5);

/// The answers, in the order they came.
#[derive(Clone, Default)]
pub(super) struct Answers {
    /// MSA-2 of those with AA.
    pub(super) accepted: Vec<String>,
}

pub(super) async fn send_ahead(answers: Arc<Mutex<Answers>>, seed: u64) -> turmoil::Result {
    let Ok(stream) = TcpStream::connect(("ehr", PORT)).await else { return Ok(()) };
    let (mut reading, mut writing) = stream.into_split();
    let mut dice = fastrand::Rng::with_seed(seed);
    let write = async move {
        let stream: Vec<u8> =
            (1..=MESSAGES).flat_map(|number| framed(message(&format!("m-{number}")))).collect();
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(dice.usize(1..=rest.len().min(400)));
            if writing.write_all(piece).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(dice.u64(0..10))).await;
            rest = behind;
        }
        writing
    };
    let read = async move {
        let mut block = Vec::new();
        let mut left = MESSAGES;
        while left > 0 {
            match tokio::time::timeout(PATIENCE, reading.read_u8()).await {
                Ok(Ok(byte)) => block.push(byte),
                _ => return,
            }
            if block.ends_with(&[0x1C, 0x0D]) {
                let text = String::from_utf8(std::mem::take(&mut block)).unwrap();
                let msa = crate::peer::msa(&text).split('|').map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(msa[1], "AA");
                answers.lock().unwrap().accepted.push(msa[2].clone());
                left -= 1;
            }
        }
    };
    let (_writing, ()) = tokio::join!(write, read);
    Ok(())
}
