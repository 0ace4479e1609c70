//! Several connections to one receiver.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hl7_core::Message;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::acknowledgment::Acknowledgment;
use crate::client::{Client, ClientBuilder};
use crate::client_meter::ClientMeter;
use crate::send_error::{SendError, SendErrorKind};
use crate::two_phase::TwoPhase;

/// Up to so many connections to one receiver, each with one message at a time. Cloning it shares it.
///
/// A connection is made when a message needs one, and kept. One that was closed is made anew, with its name resolved again, as
/// [`ClientBuilder::reconnect`] says. After any doubt a connection is not used again.
///
/// Messages that are sent at the same time have no order among themselves: whoever needs one waits for the acknowledgment of the first before
/// sending the second.
///
/// ```no_run
/// # async fn example(msg: hl7_core::Message<'_>) -> Result<(), Box<dyn std::error::Error>> {
/// let pool = hl7_mllp::Client::builder().pool("ehr.example:2575", 4);
/// let ack = pool.send(&msg).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientPool {
    addr: Arc<str>,
    options: ClientBuilder,
    max_wait: Duration,
    free: Arc<Semaphore>,
    /// In turn, so that none goes unused for so long that its end is not noticed.
    idle: Arc<Mutex<VecDeque<Client>>>,
}

impl ClientBuilder {
    /// Up to so many connections to `host:port`, made when messages need them.
    pub fn pool(self, addr: impl Into<String>, connections: usize) -> ClientPool {
        ClientPool::new(addr.into(), self, connections)
    }
}

impl ClientPool {
    /// The default time to wait for a free connection: 30 seconds, as long as the default wait for an acknowledgment, after which one of them
    /// is free.
    pub const MAX_WAIT: Duration = Duration::from_secs(30);

    fn new(addr: String, options: ClientBuilder, connections: usize) -> Self {
        let connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            addr: addr.into(),
            options: options.reconnect(true),
            max_wait: Self::MAX_WAIT,
            free: Arc::new(Semaphore::new(connections)),
            idle: Arc::default(),
        }
    }

    /// How long a message waits for a free connection.
    pub fn max_wait(mut self, time: Duration) -> Self {
        self.max_wait = time;
        self
    }

    /// Sends a message over a free connection and waits for its acknowledgment.
    ///
    /// # Errors
    /// As [`Client::send`]; with [`SendErrorKind::NoneFree`] when no connection was free in time, and with
    /// [`SendErrorKind::NotConnected`] when none could be made, both with [`crate::Sent::No`].
    pub async fn send(&self, message: &Message<'_>) -> Result<Acknowledgment, SendError> {
        let mut taken = self.take().await?;
        let result = taken.client.send(message).await;
        taken.give_back(self);
        result
    }

    /// Sends a message that is already in the form for sending, as [`Client::send_wire`].
    ///
    /// # Errors
    /// As [`ClientPool::send`], and when the bytes do not start with a header that can be read.
    pub async fn send_wire(&self, content: &[u8]) -> Result<Acknowledgment, SendError> {
        let mut taken = self.take().await?;
        let result = taken.client.send_wire(content).await;
        taken.give_back(self);
        result
    }

    /// Sends a message over a free connection and waits for both acknowledgments, as [`Client::send_two_phase`]. The connection is in use
    /// until the second has come or is late.
    ///
    /// # Errors
    /// As [`ClientPool::send`].
    pub async fn send_two_phase(&self, message: &Message<'_>) -> Result<TwoPhase, SendError> {
        let mut taken = self.take().await?;
        let result = taken.client.send_two_phase(message).await;
        taken.give_back(self);
        result
    }

    /// Reads the counters of all its connections.
    pub fn meter(&self) -> ClientMeter {
        self.options.meter.clone()
    }

    async fn take(&self) -> Result<Taken, SendError> {
        let Ok(Ok(place)) = timeout(self.max_wait, self.free.clone().acquire_owned()).await else {
            let error = SendError::unsent(SendErrorKind::NoneFree);
            self.options.meter.tally.errors.add(error.code());
            return Err(error);
        };
        let idle = self.idle().pop_front();
        let client = idle.unwrap_or_else(|| self.options.clone().unconnected(&*self.addr));
        Ok(Taken { client, place })
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ClientPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientPool")
            .field("addr", &self.addr)
            .field("options", &self.options)
            .field("max_wait", &self.max_wait)
            .field("free", &self.free.available_permits())
            .finish_non_exhaustive()
    }
}

/// A connection in use. When the future of a send is dropped, both go.
struct Taken {
    client: Client,
    place: OwnedSemaphorePermit,
}

impl Taken {
    /// First the connection and then its place, so that who gets the place finds it.
    fn give_back(self, pool: &ClientPool) {
        pool.idle().push_back(self.client);
        drop(self.place);
    }
}
