//! A process that lives and dies on one store, again and again.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use hl7_sender::{Destination, MemoryStore, Record, Sender, Store as _};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::book::Book;
use super::dice::Dice;
use super::disk::Disk;
use super::life::Life;

/// A node's process, as long as it lives.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) sender: Sender,
    pub(super) life: Life,
}

pub(super) struct Node {
    pub(super) book: Arc<Book>,
    pub(super) dice: Arc<Dice>,
    /// Whether anything goes wrong.
    pub(super) rough: Arc<AtomicBool>,
    store: MemoryStore,
    current: Mutex<Option<Process>>,
    starts: Notify,
    begun: Instant,
    /// How far the clock is from what it should show, in milliseconds.
    skew: Arc<AtomicI64>,
}

impl Node {
    pub(super) fn new(seed: u64, rough: &Arc<AtomicBool>) -> Self {
        Self {
            book: Arc::new(Book::new()),
            dice: Arc::new(Dice::new(seed)),
            rough: Arc::clone(rough),
            store: MemoryStore::new(),
            current: Mutex::default(),
            starts: Notify::new(),
            begun: Instant::now(),
            skew: Arc::default(),
        }
    }

    pub(super) fn is_rough(&self) -> bool {
        self.rough.load(Ordering::Relaxed)
    }

    /// Sets the clock wrong by so many milliseconds.
    pub(super) fn set_clock(&self, skew: i64) {
        self.skew.store(skew, Ordering::Relaxed);
    }

    /// The process that lives, if one does.
    pub(super) fn current(&self) -> Option<Process> {
        self.current.lock().unwrap().clone()
    }

    /// The process that lives, or the next one.
    pub(super) async fn process(&self) -> Process {
        loop {
            let started = self.starts.notified();
            if let Some(process) = self.current() {
                return process;
            }
            started.await;
        }
    }

    /// Lets processes live and die until all is to be quiet, and then one more live.
    pub(super) async fn live(&self, destinations: impl Fn(&Life) -> Vec<Destination>) {
        while self.is_rough() {
            let mut dice = self.dice.of("process");
            let Some(process) = self.start(&destinations).await else { continue };
            self.wait_for_the_end(&process, &mut dice).await;
            self.book.note("the process ends");
            self.current.lock().unwrap().take();
            process.life.end();
            sleep(Duration::from_millis(dice.u64(0..1500))).await;
        }
        while self.start(&destinations).await.is_none() {}
    }

    /// A process is killed, shut down, or ended by its store.
    async fn wait_for_the_end(&self, process: &Process, dice: &mut fastrand::Rng) {
        tokio::select! {
            biased;
            _ = process.sender.failed() => self.book.count(|tally| tally.store_faults += 1),
            () = sleep(Duration::from_millis(dice.u64(50..12_000))) => {
                if dice.u64(0..4) == 0 {
                    self.book.note("shutdown");
                    self.book.count(|tally| tally.shutdowns += 1);
                    process.sender.shutdown(Duration::from_millis(dice.u64(0..2000))).await;
                } else {
                    self.book.count(|tally| tally.kills += 1);
                }
            }
        }
    }

    async fn start(&self, destinations: &impl Fn(&Life) -> Vec<Destination>) -> Option<Process> {
        let life = Life::default();
        let (book, dice) = (Arc::clone(&self.book), Arc::clone(&self.dice));
        let disk = Disk::new(self.store.reopen(), book, dice, life.clone(), Arc::clone(&self.rough));
        let (begun, skew) = (self.begun, Arc::clone(&self.skew));
        let builder = Sender::builder(disk).clock(move || now(begun, skew.load(Ordering::Relaxed)));
        let destinations = destinations(&life).into_iter();
        let started = destinations.fold(builder, |builder, to| builder.destination(to)).start().await;
        let process = Process { sender: started.ok()?, life };
        *self.current.lock().unwrap() = Some(process.clone());
        self.book.note("a process starts");
        self.starts.notify_waiters();
        Some(process)
    }

    /// What is on record, the newest first, whatever process lives.
    pub(super) async fn records(&self) -> Vec<Record> {
        self.store.fork().recent(None, usize::MAX).await.unwrap()
    }
}

fn now(begun: Instant, skew: i64) -> SystemTime {
    let true_time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + begun.elapsed();
    let wrong = Duration::from_millis(skew.unsigned_abs());
    if skew < 0 { true_time - wrong } else { true_time + wrong }
}
