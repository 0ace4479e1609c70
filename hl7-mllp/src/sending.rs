//! One message over one connection: written, and its acknowledgments awaited.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use hl7_core::{AckCondition, Header, Message};
use tokio::time::{Instant, timeout_at};

use crate::acknowledgment::Acknowledgment;
use crate::block::Block;
use crate::codec::DecoderOptions;
use crate::commit::CommitBlock;
use crate::exchange::{AckMode, Exchange, Step};
use crate::send_error::{SendError, SendErrorKind};
use crate::silence::Silence;
use crate::two_phase::{ApplicationOutcome, TwoPhase};
use crate::wire::{Wire, WriteFault, deadline_in};

/// What holds for every message of a client.
#[derive(Clone, Debug)]
pub(crate) struct SendTerms {
    pub(crate) decoder: DecoderOptions,
    pub(crate) ack_timeout: Duration,
    pub(crate) application_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) release2: bool,
    pub(crate) missing_control_id: bool,
}

/// The control ID of a message, and the acknowledgments that its header asks for.
pub(crate) struct Asked {
    control_id: String,
    mode: AckMode,
    application: bool,
}

impl Asked {
    pub(crate) fn of(header: Header<'_>) -> Result<Self, SendError> {
        let control_id = header.control_id().filter(|id| !id.is_null() && !id.raw().trim().is_empty());
        let control_id = control_id.ok_or_else(|| SendError::unsent(SendErrorKind::NoControlId))?;
        let mode = AckMode::of(header).ok_or_else(|| SendError::unsent(SendErrorKind::NoAckAsked))?;
        let application = header.application_condition() != AckCondition::Never;
        Ok(Self { control_id: control_id.raw().to_owned(), mode, application })
    }

    /// What the header of a message in the form for sending asks for.
    pub(crate) fn of_wire(content: &[u8]) -> Result<Self, SendError> {
        let fault = |why| SendError::unsent(SendErrorKind::NotAMessage(why));
        let end = memchr::memchr2(b'\r', b'\n', content).unwrap_or(content.len());
        let header = Message::from_bytes(content.get(..end).unwrap_or_default()).map_err(fault)?;
        Self::of(header.header())
    }
}

/// Who is told that the receiver has the message before its last answer came, with the accept acknowledgment where that says so.
pub(crate) type Told<'a> = Option<&'a (dyn Fn(Option<&Acknowledgment>) + Send + Sync)>;

/// A message on its way.
pub(crate) struct Sending<'c> {
    wire: &'c mut Wire,
    terms: &'c SendTerms,
}

impl<'c> Sending<'c> {
    /// Writes the block, when the peer has kept silent.
    pub(crate) async fn begin(
        wire: &'c mut Wire,
        terms: &'c SendTerms,
        block: &[u8],
    ) -> Result<Self, SendError> {
        check_silence(wire).await?;
        match wire.write_listening(block, terms.write_timeout).await {
            Ok(()) => {}
            // A peer that has refused what it had read tells more than the fault of the write.
            Err(fault) if fault.any_left && wire.hear().await => wire.spend(),
            Err(fault) => return Err(write_error(wire, fault)),
        }
        Ok(Self { wire, terms })
    }

    /// Waits for the first acknowledgment that decides.
    pub(crate) async fn once(mut self, asked: &Asked, told: Told<'_>) -> Result<Acknowledgment, SendError> {
        let mut exchange = self.exchange(asked);
        loop {
            match self.step(&mut exchange).await? {
                Step::Done(ack) => return Ok(ack),
                Step::Committed => tell(told, None),
                _ => {}
            }
        }
    }

    /// Waits for the accept acknowledgment, and then for the application's where one is asked for.
    pub(crate) async fn both(mut self, asked: &Asked, told: Told<'_>) -> Result<TwoPhase, SendError> {
        let mut exchange = self.exchange(asked);
        if asked.application {
            exchange = exchange.then_application(self.terms.application_timeout);
        }
        let accept = loop {
            match self.step(&mut exchange).await? {
                Step::Done(ack) => return Ok(TwoPhase::once(ack)),
                Step::Accepted(ack) => break Some(ack),
                Step::Committed => tell(told, None),
                _ => {}
            }
        };
        tell(told, accept.as_ref());
        Ok(TwoPhase { accept, application: self.application(exchange).await })
    }

    async fn application(mut self, mut exchange: Exchange) -> ApplicationOutcome {
        loop {
            match self.step(&mut exchange).await {
                Ok(Step::Done(ack)) => return ApplicationOutcome::Acknowledged(ack),
                Ok(_) => {}
                Err(why) => return ApplicationOutcome::Missing(why),
            }
        }
    }

    /// Waits for nothing.
    pub(crate) fn unconfirmed(self) -> Result<(), SendError> {
        if self.wire.is_spent() { Err(SendError::unknown(SendErrorKind::Unsolicited)) } else { Ok(()) }
    }

    /// Waits for the commit acknowledgment of release 2 alone.
    pub(crate) async fn until_commit(mut self) -> Result<(), SendError> {
        let mut exchange = Exchange::commit_only(deadline_in(self.terms.ack_timeout).into_std());
        self.step(&mut exchange).await.map(drop)
    }

    /// The wait for the acknowledgment of what was written just now.
    fn exchange(&self, asked: &Asked) -> Exchange {
        let deadline = deadline_in(self.terms.ack_timeout).into_std();
        let mut exchange = Exchange::new(&asked.control_id, asked.mode, deadline);
        if self.terms.missing_control_id {
            exchange = exchange.missing_control_id_allowed();
        }
        if self.terms.release2 { exchange.release2() } else { exchange }
    }

    /// Reads until there is something to say.
    async fn step(&mut self, exchange: &mut Exchange) -> Result<Step, SendError> {
        loop {
            while let Some(block) = self.next_block(exchange)? {
                let step = exchange.handle_block(block, Instant::now().into_std());
                if let Some(commit) = exchange.commit_due() {
                    self.confirm(commit).await;
                }
                match step {
                    Step::Wait => {}
                    Step::Refused(why) => return Err(SendError::refused(why, exchange.is_taken())),
                    step if self.wire.is_spent() && !is_refusal(&step) => {
                        return Err(SendError::unknown(SendErrorKind::Unsolicited));
                    }
                    step => return Ok(step),
                }
            }
            self.read(exchange).await?;
        }
    }

    fn next_block(&mut self, exchange: &Exchange) -> Result<Option<Block>, SendError> {
        let broken = |why| SendError::after(SendErrorKind::BrokenFrame(why), exchange.is_taken());
        self.wire.next_block().map_err(broken)
    }

    /// Reads some more, until the deadline.
    async fn read(&mut self, exchange: &Exchange) -> Result<(), SendError> {
        let doubt = |kind| SendError::after(kind, exchange.is_taken());
        let deadline = Instant::from_std(exchange.deadline());
        match timeout_at(deadline, self.wire.read_some()).await {
            Err(_) => Err(doubt(SendErrorKind::AckTimedOut)),
            Ok(Err(why)) => Err(doubt(broken_by(self.wire, &why)).because(why)),
            Ok(Ok(0)) => {
                self.wire.finish().map_err(|why| doubt(SendErrorKind::BrokenFrame(why)))?;
                Err(doubt(SendErrorKind::Unanswered))
            }
            Ok(Ok(_)) => Ok(()),
        }
    }

    /// Writes a commit acknowledgment. When that fails, the next use of the connection finds out.
    async fn confirm(&mut self, commit: CommitBlock) {
        let mut block = BytesMut::new();
        commit.encode(self.terms.decoder.chosen_frame(), &mut block);
        if self.wire.write(&block, self.terms.write_timeout).await.is_err() {
            tracing::warn!("an acknowledgment could not be confirmed");
        }
    }
}

fn tell(told: Told<'_>, accept: Option<&Acknowledgment>) {
    if let Some(told) = told {
        told(accept);
    }
}

/// Whether the message was refused, be it before all of it was there.
fn is_refusal(step: &Step) -> bool {
    matches!(step, Step::Done(ack) if !ack.code().is_positive())
}

async fn check_silence(wire: &mut Wire) -> Result<(), SendError> {
    match wire.silence().await {
        Silence::Kept => Ok(()),
        Silence::PeerClosed => Err(SendError::unsent(SendErrorKind::PeerClosed)),
        Silence::Unsolicited => Err(SendError::unsent(SendErrorKind::Unsolicited)),
        Silence::Broken(why) => Err(SendError::unsent(broken_by(wire, &why)).because(why)),
    }
}

fn write_error(wire: &Wire, fault: WriteFault) -> SendError {
    let kind = fault.error.as_ref().map_or(SendErrorKind::WriteTimedOut, |why| broken_by(wire, why));
    let error = if fault.any_left { SendError::unknown(kind) } else { SendError::unsent(kind) };
    match fault.error {
        Some(why) => error.because(why),
        None => error,
    }
}

/// What an error of the connection means.
fn broken_by(wire: &Wire, why: &io::Error) -> SendErrorKind {
    wire.fault(why).map_or(SendErrorKind::Lost, SendErrorKind::Tls)
}
