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
    End,
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
    pub(super) fn writer(writer: Writer) -> std::io::Result<Self> {
        let poisoned = Arc::clone(&writer.poisoned);
        Self::spawn("hl7-sender-write", poisoned, move |orders, _| {
            let mut writer = writer;
            writer.run(orders)
        })
    }

    /// A thread that runs calls one by one. The file stays locked until its connection is closed.
    pub(super) fn reader(
        tables: Tables,
        file: Arc<LockedFile>,
        poisoned: Arc<Poison>,
    ) -> std::io::Result<Self> {
        Self::spawn("hl7-sender-read", poisoned, move |orders, poisoned| {
            let _file = file;
            let mut tables = tables;
            while let Some(Order::Run(mut job)) = orders.blocking_recv() {
                let done = job.run(&mut tables).inspect_err(|error| poisoned.note(error));
                job.answer(done);
            }
        })
    }

    /// What the body owns is dropped before its orders are: who finds them gone finds the connection closed, and a panic noted.
    fn spawn<F>(name: &str, poisoned: Arc<Poison>, body: F) -> std::io::Result<Self>
    where
        F: FnOnce(&mut mpsc::Receiver<Order>, &Poison) + Send + 'static,
    {
        let (orders, receiver) = mpsc::channel(QUEUE);
        let (receiver, guard) = (Orders(receiver), PanicGuard(Arc::clone(&poisoned)));
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // The guard goes first.
            let mut receiver = receiver;
            let guard = guard;
            body(&mut receiver.0, &guard.0);
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
        if self.orders.send(Order::Run(job)).await.is_ok()
            && let Ok(answer) = answer.await
        {
            return answer;
        }
        self.orders.closed().await;
        Err(closed())
    }

    /// Ends the thread after the calls that were made before, and waits until its connection is closed.
    pub(super) async fn end(&self) {
        // It may have ended already.
        let _ = self.orders.send(Order::End).await;
        self.orders.closed().await;
    }
}

/// The calls of a thread. At its end those that are just being made are waited for and dropped too: one that came into the queue behind the last look would
/// wait there for ever.
struct Orders(mpsc::Receiver<Order>);

impl Drop for Orders {
    fn drop(&mut self) {
        self.0.close();
        while self.0.blocking_recv().is_some() {}
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::super::{SqliteOptions, SqliteStore};
    use super::*;
    use crate::contract::{ACK, at, finished, request};
    use crate::entry::{End, Enqueued, Finished};
    use crate::store::Store as _;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Runs the calls of `work` in the group of a call that waits until all of them are in the queue.
    async fn together<T>(store: &SqliteStore, calls: usize, work: impl Future<Output = T>) -> T {
        let (go, wait) = channel();
        let first = store.writer.call(move |_| {
            assert!(wait.recv_timeout(PATIENCE).is_ok());
            Ok(())
        });
        let release = async {
            while store.writer.orders.capacity() > QUEUE - calls {
                tokio::task::yield_now().await;
            }
            go.send(()).unwrap();
        };
        let (first, done, ()) = tokio::join!(first, work, release);
        first.unwrap();
        done
    }

    async fn stored(store: &SqliteStore, key: u8) -> Option<crate::id::EntryId> {
        match store.enqueue(request(key, key, &[("ehr", Some(&format!("{key}")))]), at(0)).await.unwrap() {
            Enqueued::Stored(stored) => Some(stored[0].id),
            _ => None,
        }
    }

    #[tokio::test]
    async fn what_a_group_prunes_makes_room_for_its_other_calls() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new().max_bytes(160 * 1024);
        let store = options.open(folder.path().join("store.db")).await.unwrap();
        let mut last = 0;
        while let Some(id) = stored(&store, last).await {
            store.cancel(id, at(0)).await.unwrap();
            last += 1;
        }
        let (later, commits) = (at(0) + 400 * Duration::from_secs(24 * 3600), store.counters().commits);
        let work =
            async { tokio::join!(stored(&store, 254), store.prune(later, later, 500), stored(&store, 255)) };
        let (before, pruned, after) = together(&store, 3, work).await;
        assert_eq!((before, pruned), (None, Ok(usize::from(last))));
        assert!(after.is_some());
        // One for the pages that are given back.
        assert_eq!(store.counters().commits, commits + 2, "they were one group");
    }

    #[tokio::test]
    async fn acknowledgments_count_for_the_size_of_a_group() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("store.db")).await.unwrap();
        let mut under_way = Vec::new();
        for key in 0..8 {
            stored(&store, key).await;
            let lane = store.lane_of("ehr", Some(&format!("{key}"))).await.unwrap();
            under_way.push(store.begin(lane).await.unwrap().unwrap().id);
        }
        let finish = |id, bytes| {
            let acknowledgment = Some(ACK.repeat(bytes / ACK.len()));
            store.finish(Finished { acknowledgment, ..finished(id, End::Deliver, at(1)) }, false)
        };
        let commits = store.counters().commits;
        let ids: [_; 8] = under_way.try_into().unwrap();
        let [a, b, c, d, e, f, g, h] = ids.map(|id| finish(id, 400 * 1024));
        let work = async { tokio::join!(a, b, c, d, e, f, g, h) };
        let done = together(&store, 8, Box::pin(work)).await;
        assert!(done.0.is_ok() && done.7.is_ok());
        assert_eq!(store.counters().commits - commits, 4, "two acknowledgments each");
    }

    /// Between having a place in the queue and taking it.
    #[tokio::test]
    async fn a_call_that_is_being_made_while_the_thread_ends_is_not_kept_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("store.db")).await.unwrap();
        let place = store.writer.orders.reserve().await.unwrap();
        store.writer.end().await;
        let (reply, answer) = oneshot::channel();
        let work = |_: &mut Tables| Ok(());
        place.send(Order::Run(Box::new(Call { bytes: 0, work, result: None, reply })));
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        assert!(answer.expect("it is dropped").is_err());
        store.close().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_panic_is_a_fault_for_those_it_hits_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("store.db")).await.unwrap();
        let (hit, behind) = tokio::join!(
            store.writer.call(|_| -> Result<(), StoreError> { panic!("on purpose") }),
            store.writer.call(|_| Ok(())),
        );
        assert_eq!(hit.unwrap_err().kind(), StoreErrorKind::Io);
        assert!(behind.unwrap_err().is_fault());
        assert_eq!(store.counts().await.unwrap_err().kind(), StoreErrorKind::Poisoned);
        store.close().await;
    }
}
