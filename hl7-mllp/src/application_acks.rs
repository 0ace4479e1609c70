//! Application acknowledgments that come on another connection: from the listener's handler to the one who sent the message.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hl7_core::{AckCondition, ErrorCode, Msa};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::{Instant, timeout_at};

use crate::acknowledgment::Acknowledgment;
use crate::reply::Reply;
use crate::request::Request;
use crate::tracker::{AckTracker, ExpectError, Tracked};
use crate::wire::deadline_in;

type Tracker = AckTracker<oneshot::Sender<Acknowledgment>>;

/// Joins those who send messages with a listener on which the application acknowledgments come in. Cloning it copies nothing.
///
/// ```no_run
/// use std::time::Duration;
/// use hl7_mllp::{ApplicationAcks, Client, Reply, Request, Server};
///
/// # async fn example(msg: hl7_core::Message<'_>) -> Result<(), Box<dyn std::error::Error>> {
/// let acks = ApplicationAcks::new();
/// let handed = acks.clone();
/// let server = Server::bind("0.0.0.0:2576").await?;
/// tokio::spawn(server.serve(move |req: Request| {
///     let reply = handed.take(&req).unwrap_or_else(Reply::close);
///     async { reply }
/// }));
///
/// let mut client = Client::connect("lab.example:2575").await?;
/// let expected = acks.expect("m-1", Duration::from_secs(3600))?; // before it is sent: the answer can be fast
/// client.send(&msg).await?;                                      // CA: the message is the receiver's
/// match expected.acknowledgment().await {
///     Ok(ack) => println!("processed: {}", ack.code()),
///     Err(why) => println!("{why}"),                             // to be looked into, and not sent again
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ApplicationAcks {
    tracker: Arc<Mutex<Tracker>>,
}

impl Default for ApplicationAcks {
    fn default() -> Self {
        Self::with_room_for(Self::MOST)
    }
}

impl ApplicationAcks {
    /// The default limit on messages awaited at a time: 10,000, a few megabytes, and a busy hour of a laboratory.
    pub const MOST: usize = 10_000;

    /// Room for [`ApplicationAcks::MOST`] messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for `most` messages.
    pub fn with_room_for(most: usize) -> Self {
        Self { tracker: Arc::new(Mutex::new(AckTracker::new(most))) }
    }

    /// Awaits the application acknowledgment of the message with this MSH-10 (as sent, not unescaped), for `within` from now. Call it
    /// before the message is sent. Dropping what it gives ends the wait.
    ///
    /// # Errors
    /// When there is no room, or a message with this MSH-10 is awaited already.
    pub fn expect(&self, control_id: &str, within: Duration) -> Result<ExpectedAck, ExpectError> {
        let deadline = deadline_in(within);
        let (settle, settled) = oneshot::channel();
        self.tracker().expect(control_id, deadline.into_std(), settle)?;
        Ok(ExpectedAck { acks: self.clone(), control_id: control_id.to_owned(), deadline, settled })
    }

    /// For a listener's handler: hands in a message that carries an MSA, and gives the reply to it. `None` for any other message.
    ///
    /// The reply is an accept acknowledgment, and nothing where MSH-15 asks for none, as acknowledgments are not acknowledged without
    /// end: `CA` for one that is awaited or came before, `CR` for one that is late or nobody's.
    pub fn take(&self, request: &Request) -> Option<Reply> {
        Msa::of(request.message())?;
        let taken = self.settle(request);
        if !taken {
            tracing::warn!(peer = %request.peer(), "an acknowledgment that is late, nobody's or unreadable");
        }
        let is_asked = request.message().header().accept_condition() != AckCondition::Never;
        Some(match (is_asked, taken) {
            (false, _) => Reply::none(),
            (true, true) => Reply::accept(request),
            (true, false) => {
                Reply::reject(request, ErrorCode::UnknownKeyIdentifier, "no message awaits this")
            }
        })
    }

    /// How many messages are awaited.
    pub fn awaited(&self) -> usize {
        self.tracker().len()
    }

    fn settle(&self, request: &Request) -> bool {
        let Ok(ack) = Acknowledgment::read(request.bytes()) else { return false };
        let mut tracker = self.tracker();
        match tracker.handle(&ack, Instant::now().into_std()) {
            Tracked::Expected(waiting) => waiting.send(ack).is_ok(),
            Tracked::Repeated => true,
            Tracked::Late(_) | Tracked::Unknown => false,
        }
    }

    fn tracker(&self) -> MutexGuard<'_, Tracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ApplicationAcks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tracker().fmt(f)
    }
}

/// The wait for an application acknowledgment on another connection.
pub struct ExpectedAck {
    acks: ApplicationAcks,
    control_id: String,
    deadline: Instant,
    settled: oneshot::Receiver<Acknowledgment>,
}

impl ExpectedAck {
    /// Waits for it.
    ///
    /// # Errors
    /// When it did not come in time. The message is not to be sent again for that: it was accepted.
    pub async fn acknowledgment(mut self) -> Result<Acknowledgment, AckExpired> {
        match timeout_at(self.deadline, &mut self.settled).await {
            Ok(Ok(ack)) => Ok(ack),
            _ => {
                tracing::warn!(code = AckExpired.code(), "no application acknowledgment in time");
                Err(AckExpired)
            }
        }
    }
}

impl Drop for ExpectedAck {
    fn drop(&mut self) {
        let mut tracker = self.acks.tracker();
        // What was settled is gone already, and its control ID may be another message's since.
        if !self.settled.is_terminated() && matches!(self.settled.try_recv(), Err(TryRecvError::Empty)) {
            tracker.withdraw(&self.control_id);
        }
    }
}

impl fmt::Debug for ExpectedAck {
    /// Leaves the control ID out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpectedAck").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// No application acknowledgment came in time for a message that was accepted (N143).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct AckExpired;

impl AckExpired {
    /// The stable code, `N143`.
    pub fn code(&self) -> &'static str {
        "N143"
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        "ask the receiver what became of the message; do not send it again"
    }
}

impl fmt::Display for AckExpired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: no application acknowledgment in time; {}", self.code(), self.suggestion())
    }
}

impl std::error::Error for AckExpired {}
