//! Threads that own a connection, and how they are called.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::file::LockedFile;
use super::poison::Poison;
use super::tables::Tables;
use super::writer::Writer;
use crate::error::{StoreError, StoreErrorKind};

/// How many calls wait for the thread before callers wait for a place: some groups' worth.
const QUEUE: usize = 1024;

/// The way to a thread.
pub(super) struct Worker {
    orders: mpsc::Sender<Order>,
    poisoned: Arc<Poison>,
}

pub(super) enum Order {
    Run(Box<dyn Job>),
    /// End, and say so when the connection is closed.
    End(oneshot::Sender<()>),
}

/// One call.
pub(super) trait Job: Send {
    /// How many bytes it brings.
    fn bytes(&self) -> u64;

    /// Does it, inside a transaction. It is done again, from the start, when the group's transaction was rolled back.
    fn run(&mut self, tables: &mut Tables) -> Result<(), StoreError>;
    /// Answers the caller, after the commit.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Call<F, T> {
    bytes: u64,
    work: F,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Call<F, T>
where
    F: FnMut(&mut Tables) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the call was refused for is its own answer; what went wrong with the database is the group's.
    fn run(&mut self, tables: &mut Tables) -> Result<(), StoreError> {
        self.result = None;
        match (self.work)(tables) {
            Err(error) if error.is_fault() || error.is_passing() => return Err(error),
            result => self.result = Some(result),
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { result, reply, .. } = *self;
        let missing = Err(StoreError::new(StoreErrorKind::Io));
        // A caller who no longer waits has no use for it.
        let _ = reply.send(committed.and_then(|()| result.unwrap_or(missing)));
    }
}

impl Worker {
    /// A thread that runs calls in groups, each group in one transaction.
    pub(super) fn writer(mut writer: Writer) -> std::io::Result<Self> {
        let poisoned = Arc::clone(&writer.poisoned);
        Self::spawn("hl7-sender-write", poisoned, move |mut orders, _| writer.run(&mut orders))
    }

    /// A thread that runs calls one by one. The file stays locked until its connection is closed.
    pub(super) fn reader(
        tables: Tables,
        file: Arc<LockedFile>,
        poisoned: Arc<Poison>,
    ) -> std::io::Result<Self> {
        Self::spawn("hl7-sender-read", poisoned, move |mut orders, poisoned| {
            let _file = file;
            let mut tables = tables;
            loop {
                match orders.blocking_recv()? {
                    Order::End(asked) => return Some(asked),
                    Order::Run(mut job) => {
                        let done = job.run(&mut tables).inspect_err(|error| poisoned.note(error));
                        job.answer(done);
                    }
                }
            }
        })
    }

    fn spawn<F>(name: &str, poisoned: Arc<Poison>, body: F) -> std::io::Result<Self>
    where
        F: FnOnce(mpsc::Receiver<Order>, Arc<Poison>) -> Option<oneshot::Sender<()>> + Send + 'static,
    {
        let (orders, receiver) = mpsc::channel(QUEUE);
        let flag = Arc::clone(&poisoned);
        let guard = PanicGuard(Arc::clone(&poisoned));
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _guard = guard;
            if let Some(asked) = body(receiver, flag) {
                let _ = asked.send(());
            }
        })?;
        Ok(Self { orders, poisoned })
    }

    /// Runs a call on the thread and waits for its commit.
    pub(super) async fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        F: FnMut(&mut Tables) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.call_with(0, work).await
    }

    /// The same for a call that brings so many bytes.
    pub(super) async fn call_with<T, F>(&self, bytes: usize, work: F) -> Result<T, StoreError>
    where
        F: FnMut(&mut Tables) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        if let Some(refusal) = self.poisoned.refusal() {
            return Err(refusal);
        }
        let (reply, answer) = oneshot::channel();
        let closed = || {
            let panicked = self.poisoned.is_set();
            StoreError::new(if panicked { StoreErrorKind::Io } else { StoreErrorKind::Closed })
        };
        let job = Box::new(Call { bytes: bytes as u64, work, result: None, reply });
        self.orders.send(Order::Run(job)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Ends the thread after the calls that were made before, and waits until its connection is closed.
    pub(super) async fn end(&self) {
        let (asked, ended) = oneshot::channel();
        if self.orders.send(Order::End(asked)).await.is_ok() {
            let _ = ended.await;
        }
    }
}

/// A thread that panics, which none should, has left nobody knows what: the store is out of use.
struct PanicGuard(Arc<Poison>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.note(&StoreError::new(StoreErrorKind::Io));
        }
    }
}
