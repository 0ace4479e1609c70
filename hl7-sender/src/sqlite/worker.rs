//! Threads that own a connection: one writes, in groups that share a commit, and one reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::tables::Tables;
use crate::error::{StoreError, StoreErrorKind};

/// How many calls wait for the thread before callers wait for a place: some groups' worth.
const QUEUE: usize = 1024;
/// How many calls share a commit. Beyond some hundreds a flush costs little of each.
const GROUP: usize = 256;

/// The way to a thread.
pub(super) struct Worker {
    orders: mpsc::Sender<Order>,
    poisoned: Arc<AtomicBool>,
}

enum Order {
    Run(Box<dyn Job>),
    /// End, and say so when the connection is closed.
    End(oneshot::Sender<()>),
}

/// One call.
trait Job: Send {
    /// Does it, inside a transaction. It is done again, from the start, when the group's transaction was rolled back.
    fn run(&mut self, tables: &mut Tables) -> Result<(), StoreError>;
    /// Answers the caller, after the commit.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Call<F, T> {
    work: F,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Call<F, T>
where
    F: FnMut(&mut Tables) -> Result<T, StoreError> + Send,
    T: Send,
{
    /// What the call was refused for is its own answer; what went wrong with the database is the group's.
    fn run(&mut self, tables: &mut Tables) -> Result<(), StoreError> {
        self.result = None;
        match (self.work)(tables) {
            Err(error) if is_io(&error) || error.is_passing() => return Err(error),
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
    /// A thread that runs calls in groups, each group in one transaction. `keep` is dropped after the connection.
    pub(super) fn writer<K: Send + 'static>(
        mut tables: Tables,
        keep: K,
        poisoned: Arc<AtomicBool>,
    ) -> std::io::Result<Self> {
        Self::spawn("hl7-sender-write", poisoned, move |mut orders, poisoned| {
            let mut end = None;
            while end.is_none() {
                let Some((group, asked)) = next_group(&mut orders) else { break };
                run_group(&mut tables, group, &poisoned);
                end = asked;
            }
            drop(tables);
            drop(keep);
            end
        })
    }

    /// A thread that runs calls one by one.
    pub(super) fn reader(mut tables: Tables, poisoned: Arc<AtomicBool>) -> std::io::Result<Self> {
        Self::spawn("hl7-sender-read", poisoned, move |mut orders, poisoned| {
            loop {
                match orders.blocking_recv()? {
                    Order::End(asked) => return Some(asked),
                    Order::Run(mut job) => {
                        let done = job.run(&mut tables).inspect_err(|error| note(error, &poisoned));
                        job.answer(done);
                    }
                }
            }
        })
    }

    fn spawn<F>(name: &str, poisoned: Arc<AtomicBool>, body: F) -> std::io::Result<Self>
    where
        F: FnOnce(mpsc::Receiver<Order>, Arc<AtomicBool>) -> Option<oneshot::Sender<()>> + Send + 'static,
    {
        let (orders, receiver) = mpsc::channel(QUEUE);
        let flag = Arc::clone(&poisoned);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
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
        if self.poisoned.load(Ordering::Acquire) {
            return Err(StoreError::new(StoreErrorKind::Poisoned));
        }
        let (reply, answer) = oneshot::channel();
        let closed = || StoreError::new(StoreErrorKind::Closed);
        let job = Box::new(Call { work, result: None, reply });
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

type Group = (Vec<Box<dyn Job>>, Option<oneshot::Sender<()>>);

/// The first call that comes, with those that wait behind it, and whether to end after them. `None` when the store is dropped.
fn next_group(orders: &mut mpsc::Receiver<Order>) -> Option<Group> {
    let mut group = Vec::new();
    let mut order = orders.blocking_recv()?;
    loop {
        match order {
            Order::End(asked) => return Some((group, Some(asked))),
            Order::Run(job) => group.push(job),
        }
        if group.len() == GROUP {
            return Some((group, None));
        }
        match orders.try_recv() {
            Ok(next) => order = next,
            Err(_) => return Some((group, None)),
        }
    }
}

/// Commits the group; where that fails for want of room, each call on its own, so that one that needs none is not refused for another's sake.
fn run_group(tables: &mut Tables, mut group: Vec<Box<dyn Job>>, poisoned: &AtomicBool) {
    if group.is_empty() {
        return;
    }
    if poisoned.load(Ordering::Acquire) {
        return answer_all(group, Err(StoreError::new(StoreErrorKind::Poisoned)));
    }
    let done = in_transaction(tables, &mut group);
    match done {
        Err(error) if error.kind() == StoreErrorKind::Full && group.len() > 1 => {
            for job in group {
                run_group(tables, vec![job], poisoned);
            }
        }
        done => {
            if let Err(error) = &done {
                note(error, poisoned);
            }
            answer_all(group, done);
        }
    }
}

fn in_transaction(tables: &mut Tables, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    tables.begin()?;
    let done = group.iter_mut().try_for_each(|job| job.run(tables)).and_then(|()| tables.commit());
    if done.is_err() {
        tables.roll_back();
    }
    done
}

fn answer_all(group: Vec<Box<dyn Job>>, committed: Result<(), StoreError>) {
    for job in group {
        job.answer(committed);
    }
}

/// After an error of reading or writing nothing is done any more: SQLite itself would let the next commit succeed, although what the failed flush
/// covered may be gone.
fn note(error: &StoreError, poisoned: &AtomicBool) {
    if is_io(error) && !poisoned.swap(true, Ordering::AcqRel) {
        tracing::error!(code = error.code(), detail = error.detail(), "the store failed and is out of use");
    }
}

fn is_io(error: &StoreError) -> bool {
    error.kind() == StoreErrorKind::Io
}
