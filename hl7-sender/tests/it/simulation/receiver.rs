//! Receivers of any manners behind the transport's traits: at each message dice say what becomes of it and of its acknowledgment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hl7_core::{Ack, AckCode, Message};
use hl7_mllp::Acknowledgment;
use hl7_sender::{
    Confirmation, ConnectFailure, Connection, Failure, FailureKind, Outgoing, Pending, Transport,
};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};

use super::book::{Book, Name};
use super::dice::Dice;
use super::life::Life;
use super::node::Node;
use super::tally::Cause;

/// How long the sender waits for an acknowledgment.
pub(super) const ACK_TIMEOUT: Duration = Duration::from_millis(800);

/// What all receivers have in common.
#[derive(Clone)]
pub(super) struct Network {
    pub(super) book: Arc<Book>,
    pub(super) dice: Arc<Dice>,
    /// Whether anything goes wrong.
    pub(super) rough: Arc<AtomicBool>,
}

impl Network {
    /// What is around a node.
    pub(super) fn of(node: &Node) -> Self {
        Self { book: Arc::clone(&node.book), dice: Arc::clone(&node.dice), rough: Arc::clone(&node.rough) }
    }
}

/// One receiver.
#[derive(Clone)]
pub(super) struct Receiver {
    network: Network,
    name: String,
    /// Names no message in its acknowledgments.
    anonymous: bool,
    /// Until when it cannot be reached.
    down: Arc<Mutex<Instant>>,
    /// Its connections break.
    breaks: Arc<Notify>,
}

/// What it does with a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Move {
    Accept,
    AcceptSlowly,
    AcceptAndClose,
    /// So late that nobody waits any more, on a connection that stays open.
    AcceptLate,
    AcceptSilently,
    AcceptAndReset,
    /// The message is still on its way when the connection is gone.
    ResetAndAcceptLater,
    /// It has it, and says no more.
    Take,
    AnswerNonsense,
    AnswerAnother,
    /// It has it, and says that it has not.
    AcceptAndRefuse,
    Refuse(AckCode),
    Drop,
    Reset,
}

/// What comes back.
enum Answer {
    Code(AckCode, String),
    Taken,
    Nonsense,
}

struct Letter {
    name: Name,
    attempt: u32,
    answers: mpsc::UnboundedSender<Answer>,
}

/// The sender's end.
struct Line {
    receiver: Receiver,
    life: Life,
    letters: mpsc::UnboundedSender<Letter>,
    /// The other end of each letter's way back. What was not read stays in the line.
    back: (mpsc::UnboundedSender<Answer>, mpsc::UnboundedReceiver<Answer>),
}

/// The way of one process to a receiver.
pub(super) struct Way {
    pub(super) receiver: Receiver,
    pub(super) life: Life,
}

impl Receiver {
    pub(super) fn new(network: &Network, name: &str, anonymous: bool) -> Self {
        let down = Arc::new(Mutex::new(Instant::now()));
        Self { network: network.clone(), name: name.to_owned(), anonymous, down, breaks: Arc::default() }
    }

    /// Takes no connection for so long, and breaks those there are.
    pub(super) fn fails(&self, time: Duration) {
        self.network.book.count(|tally| tally.outages += 1);
        *self.down.lock().unwrap() = Instant::now() + time;
        self.breaks.notify_waiters();
    }

    fn is_rough(&self) -> bool {
        self.network.rough.load(Ordering::Relaxed)
    }

    fn is_down(&self) -> bool {
        self.is_rough() && *self.down.lock().unwrap() > Instant::now()
    }

    fn next_move(&self, name: &Name) -> (Move, fastrand::Rng) {
        use Move as M;
        let mut dice = self.network.dice.of(("move", name));
        if !self.is_rough() {
            return (M::Accept, dice);
        }
        if self.network.dice.are(15, ("poison", name)) {
            // Some messages break their receiver, or are refused by it, each time.
            let breaks = self.network.dice.are(2, ("breaks", name));
            return (if breaks { M::Reset } else { M::Refuse(AckCode::AE) }, dice);
        }
        let odd = [
            M::AcceptSlowly,
            M::AcceptAndClose,
            M::AcceptLate,
            M::AcceptSilently,
            M::AcceptAndReset,
            M::ResetAndAcceptLater,
            M::Take,
            M::AnswerNonsense,
            M::AnswerAnother,
            M::AcceptAndRefuse,
            M::Refuse(AckCode::AE),
            M::Refuse(AckCode::AR),
            M::Refuse(AckCode::CE),
            M::Refuse(AckCode::CR),
            M::Drop,
            M::Reset,
        ];
        let next = if dice.u64(0..100) < 55 { M::Accept } else { *dice.choice(&odd).unwrap() };
        (next, dice)
    }

    /// Serves one connection.
    async fn serve(self, mut letters: mpsc::UnboundedReceiver<Letter>) {
        loop {
            let letter = tokio::select! {
                biased;
                letter = letters.recv() => letter,
                () = self.breaks.notified() => return,
            };
            let Some(letter) = letter else { return };
            if !self.take(letter).await {
                return;
            }
        }
    }

    /// Whether the connection stays.
    async fn take(&self, letter: Letter) -> bool {
        use Move as M;
        let Letter { name, attempt, answers } = letter;
        let (next, mut dice) = self.next_move(&name);
        let book = &self.network.book;
        book.note(format!("{next:?} {name:?}"));
        sleep(Duration::from_millis(dice.u64(1..20))).await;
        let doubt = |cause| book.doubt(&name, attempt, cause);
        match next {
            M::AcceptLate | M::AnswerNonsense | M::AnswerAnother => doubt(Cause::AckLate),
            M::AcceptSilently | M::AcceptAndReset | M::ResetAndAcceptLater => doubt(Cause::AckLost),
            _ => {}
        }
        let takes = !matches!(next, M::Refuse(_) | M::Drop | M::Reset | M::ResetAndAcceptLater);
        if takes {
            book.arrived(&name);
        }
        let slow = ACK_TIMEOUT.mul_f64(dice.f64() * 0.9);
        let accept = |answers: &mpsc::UnboundedSender<Answer>| {
            book.positive(&name, attempt);
            self.answer(answers, AckCode::AA, &name.id);
        };
        match next {
            M::Accept | M::AcceptAndClose => accept(&answers),
            M::AcceptSlowly => {
                sleep(slow).await;
                accept(&answers);
            }
            M::AcceptLate => {
                sleep(ACK_TIMEOUT + slow).await;
                self.answer(&answers, AckCode::AA, &name.id);
            }
            M::Take => {
                book.positive(&name, attempt);
                let _ = answers.send(Answer::Taken);
            }
            M::AnswerNonsense => drop(answers.send(Answer::Nonsense)),
            M::AnswerAnother if self.anonymous => drop(answers.send(Answer::Nonsense)),
            M::AnswerAnother => self.answer(&answers, AckCode::AA, "another"),
            M::AcceptAndRefuse => self.answer(&answers, AckCode::AE, &name.id),
            M::Refuse(code) => self.answer(&answers, code, &name.id),
            M::ResetAndAcceptLater => {
                let (book, name) = (Arc::clone(book), name.clone());
                tokio::spawn(async move {
                    sleep(slow * 4).await;
                    book.arrived(&name);
                });
            }
            M::AcceptSilently | M::AcceptAndReset | M::Drop | M::Reset => {}
        }
        !matches!(next, M::AcceptAndClose | M::AcceptAndReset | M::ResetAndAcceptLater | M::Reset)
    }

    fn answer(&self, answers: &mpsc::UnboundedSender<Answer>, code: AckCode, id: &str) {
        let id = if self.anonymous { "" } else { id };
        let _ = answers.send(Answer::Code(code, id.to_owned()));
    }
}

impl Transport for Way {
    fn connect(&self) -> Pending<'_, Result<Box<dyn Connection>, ConnectFailure>> {
        Box::pin(async {
            let mut dice = self.receiver.network.dice.of(("connect", &self.receiver.name));
            sleep(Duration::from_millis(dice.u64(1..10))).await;
            self.life.goes_on().await;
            if self.receiver.is_down() {
                return Err(ConnectFailure::passing("X203"));
            }
            let (letters, at_receiver) = mpsc::unbounded_channel();
            tokio::spawn(self.receiver.clone().serve(at_receiver));
            let (receiver, life) = (self.receiver.clone(), self.life.clone());
            Ok(Box::new(Line { receiver, life, letters, back: mpsc::unbounded_channel() })
                as Box<dyn Connection>)
        })
    }
}

impl Connection for Line {
    fn send<'a>(&'a mut self, outgoing: Outgoing<'a>) -> Pending<'a, Result<Confirmation, Failure>> {
        Box::pin(async move {
            let message = Message::from_bytes(outgoing.bytes()).unwrap();
            let id = message.header().control_id().unwrap().raw().to_owned();
            let name = Name { to: self.receiver.name.clone(), id };
            if self.letters.is_closed() {
                return Err(Failure::not_sent("X201"));
            }
            let attempt = self.receiver.network.book.wrote(&name);
            let _ = self.letters.send(Letter { name: name.clone(), attempt, answers: self.back.0.clone() });
            let mut answer = self.answer().await;
            self.life.goes_on().await;
            if matches!(answer, Ok(Answer::Taken)) {
                outgoing.taken(None);
                // The last answer is awaited, and never comes.
                let _ = self.answer().await;
                self.life.goes_on().await;
                answer = Ok(Answer::Taken);
            }
            match answer? {
                Answer::Code(code, of) if of == name.id || self.receiver.anonymous => {
                    Ok(Confirmation::Acknowledged(acknowledgment(&message, code, &of)))
                }
                Answer::Taken => Ok(Confirmation::Taken { accept: None, code: "X205" }),
                Answer::Code(..) | Answer::Nonsense => Err(Failure::garbled("X202")),
            }
        })
    }
}

impl Line {
    /// The next that comes back, whatever message it answers.
    async fn answer(&mut self) -> Result<Answer, Failure> {
        let closed = self.letters.closed();
        let answer = async {
            tokio::select! {
                biased;
                answer = self.back.1.recv() => answer.ok_or(Failure::new("X204", FailureKind::Lost)),
                () = closed => self.back.1.try_recv().map_err(|_| Failure::new("X204", FailureKind::Lost)),
            }
        };
        timeout(ACK_TIMEOUT, answer).await.unwrap_or(Err(Failure::new("X206", FailureKind::NoAnswer)))
    }
}

fn acknowledgment(message: &Message<'_>, code: AckCode, of: &str) -> Acknowledgment {
    let ack = Ack::to(message, code).build().to_wire().unwrap();
    let text = String::from_utf8(ack).unwrap();
    let id = message.header().control_id().unwrap().raw().to_owned();
    let text = if of.is_empty() { text.replace(&id, "") } else { text };
    Acknowledgment::read(text.as_bytes()).unwrap()
}
